// Made-up scan results for working on the UI without a server. Deterministic: the same rows every time. The ids that look
// like public ones are; versions and places are invented for the shape of the data, not as facts.

import { makePlugins } from "./mock-plugins.mjs";

const DAY = 86_400_000;
export const SEVERITIES = ["critical", "high", "medium", "low", "negligible", "none", "unknown"];

function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const hex = (next, digits) =>
  Array.from({ length: digits }, () => Math.floor(next() * 16).toString(16)).join("");

const KNOWN = [
  [
    "CVE-2021-44228",
    "critical",
    "maven",
    "org.apache.logging.log4j:log4j-core",
    "2.14.1",
    ["2.15.0", "2.12.2"],
    "Remote code execution through lookups in logged text",
    true,
    0.944,
  ],
  [
    "CVE-2024-3094",
    "critical",
    "deb",
    "liblzma5",
    "5.6.0-0.2",
    ["5.6.1+really5.4.5-1"],
    "Malicious code in released archives",
    false,
    0.86,
  ],
  [
    "CVE-2023-44487",
    "high",
    "golang",
    "golang.org/x/net",
    "v0.7.0",
    ["0.17.0"],
    "Rapid reset of streams exhausts a server",
    true,
    0.941,
  ],
  [
    "CVE-2022-0778",
    "high",
    "apk",
    "libssl1.1",
    "1.1.1l-r0",
    ["1.1.1n-r0"],
    "Endless loop when parsing certain certificates",
    false,
    0.066,
  ],
  [
    "CVE-2023-38545",
    "critical",
    "deb",
    "curl",
    "7.88.1-10",
    ["7.88.1-10+deb12u4"],
    "Heap overflow in the SOCKS5 handshake",
    false,
    0.27,
  ],
  [
    "CVE-2022-37434",
    "critical",
    "deb",
    "zlib1g",
    "1:1.2.11.dfsg-2",
    ["1:1.2.11.dfsg-2+deb11u2"],
    "Heap over-read in inflate with a large extra field",
    false,
    0.93,
  ],
  [
    "CVE-2023-4863",
    "high",
    "deb",
    "libwebp7",
    "1.2.4-0.2",
    ["1.2.4-0.2+deb12u1"],
    "Heap overflow in lossless decoding",
    true,
    0.94,
  ],
  [
    "CVE-2019-10744",
    "critical",
    "npm",
    "lodash",
    "4.17.11",
    ["4.17.12"],
    "Prototype pollution through defaultsDeep",
    false,
    0.03,
  ],
  [
    "CVE-2023-32681",
    "medium",
    "pypi",
    "requests",
    "2.28.1",
    ["2.31.0"],
    "Proxy credentials leak on redirect",
    false,
    0.06,
  ],
  [
    "CVE-2024-24790",
    "critical",
    "golang",
    "stdlib",
    "1.21.5",
    ["1.21.11", "1.22.4"],
    "Wrong classification of mapped addresses",
    false,
    0.004,
  ],
  [
    "CVE-2021-3711",
    "critical",
    "apk",
    "libcrypto1.1",
    "1.1.1k-r0",
    ["1.1.1l-r0"],
    "Buffer overflow in SM2 decryption",
    false,
    0.05,
  ],
  [
    "CVE-2022-1271",
    "high",
    "rpm",
    "gzip",
    "1.9-12.el8",
    ["1.9-13.el8_5"],
    "Arbitrary file write through crafted names",
    false,
    0.01,
  ],
];
const PACKAGES = [
  ["deb", "libc6", "2.36-9"],
  ["deb", "openssl", "3.0.9-1"],
  ["deb", "perl-base", "5.36.0-7"],
  ["deb", "libsystemd0", "252.6-1"],
  ["deb", "tar", "1.34+dfsg-1.2"],
  ["deb", "bash", "5.2.15-2"],
  ["apk", "busybox", "1.36.0-r9"],
  ["apk", "musl", "1.2.3-r5"],
  ["rpm", "glibc", "2.28-225.el8"],
  ["rpm", "openssl-libs", "1:1.1.1k-9.el8"],
  ["pypi", "cryptography", "39.0.1"],
  ["pypi", "jinja2", "3.1.2"],
  ["npm", "express", "4.17.1"],
  ["npm", "@babel/traverse", "7.20.0"],
  ["npm", "semver", "7.3.4"],
  ["maven", "com.fasterxml.jackson.core:jackson-databind", "2.12.3"],
  ["maven", "org.springframework:spring-core", "5.3.17"],
  ["golang", "github.com/containerd/containerd", "v1.6.8"],
  ["cargo", "time", "0.1.43"],
  ["cargo", "openssl", "0.10.45"],
];
const WORDS = [
  "Out-of-bounds read when a length field is larger than its buffer",
  "Regular expression with exponential backtracking on crafted input",
  "Use after free when a connection is closed twice",
  "Integer overflow in the size of an allocation",
  "Path traversal when an archive is unpacked",
  "Cross-site scripting through an unescaped attribute",
  "Missing check of a certificate’s host name",
  "Uncontrolled recursion on deeply nested documents",
];
const FIXES = ["fixed", "fixed", "fixed", "not-fixed", "wont-fix", "deferred", "unknown"];
const PATHS = {
  deb: ["var/lib/dpkg/status", "dpkg-status"],
  apk: ["lib/apk/db/installed", "apk-installed"],
  rpm: ["var/lib/rpm/rpmdb.sqlite", "rpmdb"],
  pypi: ["usr/lib/python3.11/site-packages/x.dist-info/METADATA", "python-metadata"],
  npm: ["app/node_modules/x/package.json", "package-json"],
  maven: ["app/service.jar", "pom-properties"],
  golang: ["usr/local/bin/agent", "go-buildinfo"],
  cargo: ["usr/bin/tool", "cargo-auditable"],
};

export function makeData(now) {
  const next = random(20261122);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const ago = (days) => new Date(now - days * DAY - Math.floor(next() * DAY)).toISOString();
  const digest = () => `sha256:${hex(next, 64)}`;
  const plugin = { plugin: "palisade.image-packages", version: "0.1.0", digest: digest() };
  const advisories = { source: "built-in sample", as_of: ago(3), digest: digest() };

  const images = [
    [
      "registry.example/shop/checkout:1.14.2",
      "image",
      "linux/amd64",
      { id: "debian", version: "12", pretty_name: "Debian GNU/Linux 12 (bookworm)" },
    ],
    [
      "registry.example/shop/catalog:2.3.0",
      "image",
      "linux/amd64",
      { id: "alpine", version: "3.17.2", pretty_name: "Alpine Linux v3.17" },
    ],
    [
      "registry.example/platform/gateway@edge",
      "image",
      "linux/arm64",
      { id: "rhel", version: "8.7", pretty_name: "Red Hat Enterprise Linux 8.7 (Ootpa)" },
    ],
    [
      "registry.example/data/etl:nightly",
      "image",
      "linux/amd64",
      { id: "debian", version: "11", pretty_name: "Debian GNU/Linux 11 (bullseye)" },
    ],
    ["registry.example/tools/distroless-agent:0.9", "image", "linux/amd64", null],
    [
      "evil\u202Egnp.tset/<img src=x onerror=alert(1)>:latest",
      "image",
      "linux/amd64",
      { id: "alpine", version: "3.16", pretty_name: "Alpine\u0000 Linux" },
    ],
    [
      "/srv/rootfs",
      "directory",
      null,
      { id: "debian", version: "12", pretty_name: "Debian GNU/Linux 12 (bookworm)" },
    ],
  ].map(([name, kind, platform, os]) => ({
    id: kind === "image" ? digest() : `host:build-7:${name}`,
    name,
    kind,
    platform,
    os,
    aliases: kind === "image" ? [name] : [],
    last_scan_at: ago(0.2),
    layers: kind === "image" ? Array.from({ length: 3 + Math.floor(next() * 6) }, digest) : [],
    analyzer: plugin,
  }));
  for (let index = 0; index < 140; index += 1) {
    images.push({
      id: digest(),
      name: `registry.example/fleet/service-${String(index).padStart(3, "0")}:v${1 + (index % 9)}`,
      kind: "image",
      platform: "linux/amd64",
      os: { id: "alpine", version: "3.19", pretty_name: "Alpine Linux v3.19" },
      aliases: [],
      last_scan_at: ago(1 + index / 10),
      layers: [digest()],
      analyzer: plugin,
    });
  }

  const findings = [];
  const add = (rule, severity, type, name, version, versions, title, kev, epss, image, state, extra = {}) => {
    const [path, method] = PATHS[type];
    const first = ago(next() * 90);
    const scan = hex(next, 8);
    const purl = `pkg:${type}/${name.replace(":", "/")}@${encodeURIComponent(version)}`;
    const fixed = versions.length > 0 ? "fixed" : pick(FIXES.filter((each) => each !== "fixed"));
    const source =
      type === "deb" && name.startsWith("lib")
        ? { name: name.replace(/^lib|\d+$/g, "") || name, version }
        : null;
    findings.push({
      fingerprint: hex(next, 32),
      rule,
      title,
      class: "vulnerability",
      severity,
      severity_source:
        type === "deb"
          ? "DEBIAN record, urgency"
          : `GHSA-${hex(next, 4)}-${hex(next, 4)}-${hex(next, 4)} CVSS 3.1`,
      state,
      asset: { id: image.id, name: image.name, kind: image.kind },
      package: { type, name, version, purl, source },
      fix: { state: fixed, versions },
      kev,
      epss: epss === null ? null : { score: epss, percentile: Math.min(0.999, 0.3 + epss * 0.7) },
      suppressed: null,
      first_seen_at: first,
      last_seen_at: state === "fixed" ? ago(20) : image.last_scan_at,
      status: "open",
      tags: [],
      version: 1,
      ids: [rule, `GHSA-${hex(next, 4)}-${hex(next, 4)}-${hex(next, 4)}`],
      description: `${title}.\n\nA person who controls the input can make the program read or write where it should not. Whether this can be reached depends on how ${name} is used.`,
      cvss:
        severity === "unknown"
          ? []
          : [
              {
                version: "3.1",
                vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                score: { critical: 9.8, high: 7.5, medium: 5.3, low: 3.1 }[severity] ?? 0,
                source: "GHSA",
              },
            ],
      kev_detail: kev
        ? { added: "2021-12-10", due: "2021-12-24", ransomware: rule === "CVE-2021-44228" }
        : null,
      evidence: [
        {
          path,
          inner: type === "maven" ? `BOOT-INF/lib/${name.split(":")[1]}-${version}.jar` : null,
          method,
          confidence: "high",
        },
      ],
      records: [
        {
          id: type === "deb" ? `DEBIAN-${rule}` : rule,
          ecosystem: {
            deb: "Debian:12",
            apk: "Alpine:v3.17",
            rpm: "Red Hat",
            pypi: "PyPI",
            npm: "npm",
            maven: "Maven",
            golang: "Go",
            cargo: "crates.io",
          }[type],
          package: name,
          modified: ago(30),
          reason: `${version} is older than ${versions[0] ?? "any fixed version"} by the order of ${type}, and the range starts at 0.`,
        },
      ],
      references: [
        `https://nvd.nist.gov/vuln/detail/${rule}`,
        `https://osv.dev/vulnerability/${rule}`,
        "javascript:alert(document.cookie)",
      ],
      history: [
        { at: first, transition: "opened", scan, note: `Seen for the first time: ${name} ${version}` },
        ...(state === "fixed"
          ? [
              {
                at: ago(20),
                transition: "fixed",
                scan: hex(next, 8),
                note: `${name} ${version} is gone; the scan looked where it was`,
              },
            ]
          : []),
      ],
      why: {
        asset_kind: image.kind,
        scan,
        plugins: [plugin],
        advisories,
        steps: [
          `${image.name} was read layer by layer; the file ${path} is in its final file system.`,
          `${plugin.plugin} ${plugin.version} read it as ${method} and reported ${type} package ${name} ${version}.`,
          `The advisory ${rule} covers this package, and ${version} lies in its affected range.`,
          `No VEX statement and no owning operating-system package takes it back, so it counts.`,
        ],
      },
      ...extra,
    });
  };
  for (const [index, known] of KNOWN.entries()) add(...known, images[index % 5], "open");
  for (let index = 0; index < 700; index += 1) {
    const [type, name, version] = pick(PACKAGES);
    const roll = next();
    const severity =
      roll < 0.03
        ? "critical"
        : roll < 0.2
          ? "high"
          : roll < 0.58
            ? "medium"
            : roll < 0.85
              ? "low"
              : roll < 0.94
                ? "negligible"
                : "unknown";
    const image = next() < 0.8 ? images[Math.floor(next() * 7)] : pick(images);
    const fix = next() < 0.6 ? [version.replace(/\d+/, (digits) => String(Number(digits) + 1))] : [];
    const year = 2018 + Math.floor(next() * 9);
    add(
      `CVE-${year}-${1000 + Math.floor(next() * 60000)}`,
      severity,
      type,
      name,
      version,
      fix,
      pick(WORDS),
      next() < 0.01,
      next() < 0.9 ? next() ** 6 : null,
      image,
      next() < 0.12 ? "fixed" : "open",
      next() < 0.04
        ? {
            suppressed: {
              code: "owned-by-os-package",
              reason: `${name} was installed by the distribution, whose own advisories decide.`,
            },
          }
        : {},
    );
  }
  add(
    "CVE-2026-<b>1</b>",
    "high",
    "npm",
    "left\u200Bpad\u202E; rm -rf /",
    "1.0.0\n$(id)",
    ["1.0.1;id"],
    "<script>alert(1)</script> \u2066hidden\u2069 \u0007 title".repeat(3),
    false,
    0.5,
    images[5],
    "open",
  );

  const gaps = [
    {
      code: "no-advisories",
      subject: "crates.io",
      reason: "14 packages of crates.io could not be judged: no advisories are loaded for it.",
    },
    {
      code: "parse-error",
      subject: "app/lib/bro\u202Eken.jar",
      reason: "The central directory ends after 512 of 2,048 bytes.",
    },
    {
      code: "unsafe-path",
      subject: "../../etc/shadow",
      reason: "The entry leads out of the root and was not read.",
    },
  ];
  for (const [index, image] of images.entries()) {
    image.packageRows = Array.from({ length: index < 7 ? 180 + index * 40 : 20 }, (_, at) => {
      const [type, name, version] = PACKAGES[at % PACKAGES.length];
      const [path, method] = PATHS[type];
      const label = at < PACKAGES.length ? name : `${name}-part${Math.floor(at / PACKAGES.length)}`;
      return {
        type,
        name: label,
        version,
        arch: type === "deb" ? "amd64" : null,
        purl: `pkg:${type}/${label}@${version}`,
        source: null,
        licenses: ["MIT"],
        owner: null,
        evidence: [{ path, inner: null, method, confidence: "high" }],
      };
    }).sort((a, b) => (a.type + a.name < b.type + b.name ? -1 : 1));
    const own = index % 3 === 0 ? gaps : [];
    image.coverage = {
      complete: own.length === 0,
      analyzers: [plugin],
      advisories,
      gaps: own,
      ecosystems: [
        { ecosystem: "Debian:12", packages: 88, records: 120 },
        { ecosystem: "npm", packages: 31, records: 40 },
        { ecosystem: "crates.io", packages: 14, records: own.length ? 0 : 22 },
      ],
    };
  }

  const plugins = makePlugins({ digest, now, builtIn: plugin.digest });
  const status = {
    ...advisories,
    sample: true,
    records: 198,
    kev: 14,
    epss: 190,
    ecosystems: [
      ["Debian:12", 60],
      ["Alpine:v3.17", 34],
      ["Red Hat", 22],
      ["npm", 40],
      ["PyPI", 24],
      ["Maven", 18],
      ["Go", 9],
      ["crates.io", 0],
    ].map(([ecosystem, records]) => ({ ecosystem, records })),
  };

  const summaryOf = (image) => ({
    packages: image.packageRows.length,
    gaps: image.coverage.gaps.length,
    opened: 3,
    fixed: 1,
    reopened: 0,
    findings: countSeverities(findings, image.id),
  });
  const scans = images.slice(0, 24).map((image, index) => {
    const failed = index === 4;
    const at = now - index * 3_600_000;
    return {
      id: `${hex(next, 8)}-0000-7000-8000-${hex(next, 12)}`,
      kind: image.kind,
      reference: image.name,
      platform: image.platform,
      state: failed ? "failed" : "finished",
      submitted_at: new Date(at).toISOString(),
      started_at: new Date(at + 60).toISOString(),
      finished_at: new Date(at + 60 + 700 + index * 90).toISOString(),
      error: failed
        ? {
            code: "registry-unreachable",
            message: "registry.example answered 503 to the manifest request after 3 tries",
          }
        : null,
      asset: failed ? null : image.id,
      summary: failed ? null : summaryOf(image),
    };
  });
  for (const image of images) image.scans = scans.filter((scan) => scan.asset === image.id);
  return { images, findings, plugins, status, scans, summaryOf };
}

export function countSeverities(findings, asset) {
  const counts = Object.fromEntries(SEVERITIES.map((each) => [each, 0]));
  for (const row of findings) {
    if (row.state === "open" && !row.suppressed && (!asset || row.asset.id === asset))
      counts[row.severity] += 1;
  }
  return counts;
}
