// Made-up plugins in every state that an operator meets, and what the actions on them do. The names, hosts and figures are
// invented for the shape of the data.

const LIMITS = {
  "memory-mib": 64,
  "cpu-ms": 2000,
  "wall-ms": 30000,
  "host-copy-mib": 64,
  handles: 1024,
  results: 10000,
  "log-kib": 64,
  "egress-requests": 32,
  "egress-mib": 16,
};
const IDLE = {
  latency_p50_us: 0,
  latency_p99_us: 0,
  queued_p50_us: 0,
  queued_p99_us: 0,
  cpu_ms: 0,
  memory_peak_bytes: 0,
  host_calls: 0,
  bytes_out: 0,
};
const MIB = 1_048_576;

export function makePlugins({ digest, now, builtIn }) {
  const ago = (minutes) => new Date(now - minutes * 60_000).toISOString();
  const version = (of) => ({
    digest: digest(),
    state: "retired",
    signers: [],
    asked: [],
    added: [],
    removed: [],
    ...of,
  });
  const plugin = ({ versions = [], ...of }) => ({
    license: "Apache-2.0",
    kinds: ["image-analyzer"],
    state: "ready",
    contract: "0.1.0",
    asked: [],
    granted: [],
    limits: LIMITS,
    calls: 0,
    faults: [],
    last_fault: null,
    cost: IDLE,
    capability_calls: {},
    denials: 0,
    logs: [],
    interests: [],
    rules: [],
    ...of,
    digest: versions.find((each) => each.inForce)?.digest ?? of.digest ?? digest(),
    versions: versions.map(({ inForce: _, ...rest }) => rest),
  });

  const notifier = [
    {
      capability: "http",
      why: "Sends each change of a finding to the chat that you name.",
      rights: ["http POST */hooks/**"],
    },
    {
      capability: "secret",
      why: "Signs its requests, so that the chat can tell them from others.",
      rights: ["secret signing-key"],
    },
    {
      capability: "state",
      why: "Remembers what it has sent, so that a retry is no second message.",
      rights: ["state 65536 bytes"],
    },
  ];
  const posture = [
    {
      capability: "http",
      why: "Reads the settings of the account.",
      rights: ["http GET api.cloud.example/v1/**", "http GET api.cloud.example/v2/policies/*"],
    },
    { capability: "assets", why: "Says which image a workload runs.", rights: ["assets image"] },
  ];
  const hunter = [
    {
      capability: "http",
      why: "Asks the issuer whether a credential still works.",
      rights: ["http GET api.example.org/v1/**"],
    },
    { capability: "state", why: "Remembers what it has asked.", rights: ["state 1048576 bytes"] },
  ];

  return [
    plugin({
      id: "acme.chat-notifier",
      version: "2.3.1",
      publisher: "Acme Tools",
      description: "Tells a chat about findings that open, change or close.",
      kinds: ["notifier"],
      source: "registry.example/acme/chat-notifier:2",
      asked: notifier,
      granted: [
        "http POST chat.internal.example/hooks/**",
        "secret signing-key to chat.internal.example",
        "state 65536 bytes",
      ],
      calls: 412,
      faults: [{ kind: "egress", count: 2 }],
      last_fault: { kind: "egress", message: "the call sent 33 requests of 32", at: ago(3100) },
      cost: {
        latency_p50_us: 48_200,
        latency_p99_us: 1_310_000,
        queued_p50_us: 40,
        queued_p99_us: 910,
        cpu_ms: 1_904,
        memory_peak_bytes: 3565158,
        host_calls: 1_655,
        bytes_out: 702_300,
      },
      capability_calls: { http: 419, secret: 412, state: 824 },
      logs: [
        { level: "info", message: "sent 3 changes to chat.internal.example" },
        { level: "warn", message: "chat.internal.example answered 429; asked to wait for 20 s" },
      ],
      versions: [
        version({
          version: "3.0.0",
          state: "waiting",
          source: "registry.example/acme/chat-notifier:3",
          signers: ["https://ci.example/acme/chat-notifier/.workflows/release@refs/tags/v3.0.0"],
          installed_at: ago(95),
          asked: [
            {
              capability: "advisories",
              why: "Says what mends a finding.",
              rights: ["advisories"],
            },
            {
              capability: "http",
              why: "Tells the chat that you name, and finds people's names there.",
              rights: ["http GET */users.list", "http POST */hooks/**"],
            },
            { capability: "secret", why: "Authenticates there.", rights: ["secret chat"] },
            { capability: "state", why: "Remembers what it told.", rights: ["state 1048576 bytes"] },
          ],
          added: ["advisories", "http GET */users.list", "state 1048576 bytes"],
        }),
        version({
          version: "2.3.1",
          state: "ready",
          inForce: true,
          source: "registry.example/acme/chat-notifier:2",
          signers: ["https://ci.example/acme/chat-notifier/.workflows/release@refs/tags/v2.3.1"],
          installed_at: ago(40_000),
        }),
      ],
    }),
    plugin({
      id: "acme.cloud-posture",
      version: "0.9.0",
      publisher: "Acme Tools",
      description: "Checks the settings of a cloud account.",
      kinds: ["posture", "collector"],
      state: "degraded",
      source: "/srv/palisade/plugins",
      asked: posture,
      granted: ["http GET api.cloud.example/v1/**", "assets image"],
      calls: 20_417,
      faults: [
        { kind: "denied", count: 31 },
        { kind: "wall", count: 2 },
      ],
      last_fault: {
        kind: "denied",
        message: "http GET api.cloud.example/v2/policies/17 is not granted",
        at: ago(4),
      },
      cost: {
        latency_p50_us: 12_400,
        latency_p99_us: 388_000,
        queued_p50_us: 12,
        queued_p99_us: 66_000,
        cpu_ms: 301_220,
        memory_peak_bytes: 60293120,
        host_calls: 61_322,
        bytes_out: 8_400_112,
      },
      capability_calls: { http: 20_390, assets: 40_932 },
      denials: 31,
      logs: [
        { level: "debug", message: "account 1 of 3" },
        { level: "info", message: "policy 17 left out: the host call was denied" },
        { level: "error", message: "policies of account 2 are incomplete:\n  17: denied\n  18: denied" },
      ],
      rules: [{ id: "acme-public-bucket", title: "A bucket that anybody can read", severity: "high" }],
      versions: [
        version({
          version: "1.0.0-rc.1",
          state: "canary",
          source: "upload",
          signers: ["key:release-2026"],
          installed_at: ago(62),
          removed: ["http GET api.cloud.example/v2/policies/*"],
          canary: {
            calls: 128,
            same: 121,
            faults: 0,
            added: [
              "high acme-public-bucket bucket://billing-exports: anybody can list it",
              "medium acme-old-key user://ci: the key is 431 days old",
            ],
            removed: ["low acme-old-key user://backup: the key is 92 days old"],
          },
        }),
        version({
          version: "0.9.0",
          state: "ready",
          inForce: true,
          source: "/srv/palisade/plugins",
          signers: ["key:release-2026"],
          installed_at: ago(30_000),
        }),
        version({
          version: "0.8.4",
          source: "bundle",
          signers: ["key:release-2025"],
          installed_at: ago(90_000),
          removed: ["assets image"],
        }),
      ],
    }),
    plugin({
      id: "example.secret-hunter",
      version: "1.4.0",
      publisher: "Example <b>Org</b>",
      license: "MIT",
      description: "Looks for credentials. \u202Eyllacitamotua detsurt\u202C",
      kinds: ["image-analyzer"],
      state: "quarantined",
      source: "registry.example/plugins/secret-hunter:1.4",
      asked: hunter,
      granted: ["state 1048576 bytes"],
      calls: 77,
      faults: [
        { kind: "cpu", count: 4 },
        { kind: "quarantined", count: 212 },
        { kind: "trap", count: 1 },
      ],
      last_fault: { kind: "cpu", message: "the call used 2,000 ms of 2,000 ms", at: ago(17) },
      cost: {
        latency_p50_us: 830,
        latency_p99_us: 2_004_000,
        queued_p50_us: 9,
        queued_p99_us: 140,
        cpu_ms: 8_911,
        memory_peak_bytes: 64906854,
        host_calls: 154,
        bytes_out: 0,
      },
      capability_calls: { state: 154 },
      denials: 12,
      logs: [
        { level: "warn", message: "\u001b[2J\u001b[1;32mALL CLEAR\u001b[0m <img src=x onerror=alert(1)>" },
        { level: "shout", message: "'; rm -rf / #\u2066 left open" },
      ],
      interests: [{ name: "text", paths: ["**/*.env"], magic: [], keywords: ["AKIA"], size_max: MIB }],
      rules: [{ id: "aws-key", title: "AWS access key", severity: "critical" }],
      versions: [
        version({
          version: "1.5.0",
          state: "refused",
          source: "registry.example/plugins/secret-hunter:1.5",
          installed_at: ago(400),
          note: "no signature by a key or identity of the policy",
        }),
        version({
          version: "1.4.0",
          state: "quarantined",
          inForce: true,
          source: "registry.example/plugins/secret-hunter:1.4",
          signers: ["key:example-org"],
          installed_at: ago(9_000),
          note: "5 faults in 10 minutes",
        }),
        version({
          version: "1.3.2",
          source: "registry.example/plugins/secret-hunter:1.3",
          signers: ["key:example-org"],
          installed_at: ago(88_000),
        }),
      ],
    }),
    plugin({
      id: "palisade.image-packages",
      version: "0.1.0",
      publisher: "Palisade",
      description: "Finds installed packages in the files of an image.",
      source: "built-in",
      digest: builtIn,
      calls: 1_832,
      faults: [{ kind: "trap", count: 0 }],
      cost: {
        latency_p50_us: 3_900,
        latency_p99_us: 91_000,
        queued_p50_us: 8,
        queued_p99_us: 310,
        cpu_ms: 14_020,
        memory_peak_bytes: 23173529,
        host_calls: 0,
        bytes_out: 0,
      },
      interests: [
        {
          name: "dpkg-status",
          paths: ["var/lib/dpkg/status", "var/lib/dpkg/status.d/*"],
          magic: [],
          keywords: [],
          size_max: 134217728,
        },
        {
          name: "elf",
          paths: [],
          magic: [{ offset: 0, bytes: "7f454c46" }],
          keywords: ["Go buildinf:", ".dep-v0"],
          size_max: 134217728,
        },
        { name: "jar", paths: ["**/*.jar", "**/*.war"], magic: [], keywords: [] },
      ],
    }),
    plugin({
      id: "palisade.image-secrets",
      version: "0.1.0",
      publisher: "Palisade",
      description: "Finds credentials in the files of an image.",
      source: "built-in",
    }),
  ];
}

/** Does an action as the server would, or returns the parts of a problem: status, code, title, detail, hint. */
export function act(plugin, verb, { digest, rights }) {
  if (verb === "release") {
    if (plugin.state !== "quarantined")
      return [409, "plugin-not-quarantined", "This plugin is not in quarantine"];
    plugin.state = "ready";
    for (const each of plugin.versions) if (each.digest === plugin.digest) each.state = "ready";
    return null;
  }
  const version = plugin.versions.find((each) => each.digest === digest);
  if (!version) return [404, "plugin-version-unknown", "This plugin has no such version", String(digest)];
  const wanted = { approve: ["waiting"], promote: ["canary"], activate: ["retired", "ready"] }[verb];
  if (verb === "retire") {
    if (version.digest === plugin.digest)
      return [409, "plugin-version-in-force", "This version is in force", "", "Activate another one first."];
    version.state = "retired";
    return null;
  }
  if (!wanted) return [404, "no-such-path", "There is nothing here"];
  if (!wanted.includes(version.state))
    return [409, "plugin-version-state", "This cannot be done now", `The version is ${version.state}.`];
  if (verb === "approve") {
    const open = (rights ?? []).find((line) => /^(http \S+ \*|secret \S+$|secret .* to \*$)/.test(line));
    if (open)
      return [
        422,
        "plugin-grant-invalid",
        "This right cannot be granted",
        `${open} names no host.`,
        "Name it.",
      ];
    plugin.granted = rights;
  }
  for (const each of plugin.versions) if (each.digest === plugin.digest) each.state = "retired";
  takeOver(plugin, version);
  Object.assign(version, { state: "ready", canary: null, added: [], removed: [] });
  return null;
}

/** The plugin in the words of the version that comes into force; its manifest is known from the difference alone. */
function takeOver(plugin, { digest, version, source, added, removed }) {
  const asked = plugin.asked.map((ask) => ({
    ...ask,
    rights: ask.rights.filter(
      (line) =>
        !removed.includes(line) &&
        !(line.startsWith("state ") && added.some((one) => one.startsWith("state "))),
    ),
  }));
  for (const line of added) {
    const capability = line.split(" ", 1)[0];
    const known = asked.find((ask) => ask.capability === capability);
    if (known) known.rights.push(line);
    else asked.push({ capability, why: "New in this version.", rights: [line] });
  }
  Object.assign(plugin, {
    asked: asked.filter((ask) => ask.rights.length > 0),
    digest,
    version,
    source,
    state: "ready",
  });
}
