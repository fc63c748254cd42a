// A stand-in for `palisade serve` while working on the UI: the REST contract over made-up data, the built pages, and the
// same security headers. Never shipped. `npm run mock`, or `npm run mock -- --port 8787 --empty`.
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { countSeverities, makeData, SEVERITIES } from "./mock-data.mjs";
import { act } from "./mock-plugins.mjs";
import { answerPosture, makePosture } from "./mock-posture.mjs";
import { answerRuntime, makeRuntime } from "./mock-runtime.mjs";

const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
const PORT = Number(option("--port", "8787"));
const TOKEN = option("--token", `pal_${randomBytes(16).toString("hex")}`);
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const data = makeData(Date.now());
const posture = makePosture(Date.now());
const runtime = makeRuntime(Date.now());
if (args.includes("--empty")) {
  for (const key of ["images", "findings", "scans"]) data[key].length = 0;
  for (const list of [...Object.values(posture), ...Object.values(runtime)])
    if (Array.isArray(list)) list.length = 0;
}
data.findings.push(...posture.findings);

const SESSION = createHash("sha256").update(TOKEN).digest("hex");
const HEADERS = {
  "content-security-policy":
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

function send(response, status, body, headers = {}) {
  const problem = status >= 400;
  response.writeHead(status, {
    ...HEADERS,
    ...(body === undefined
      ? {}
      : { "content-type": problem ? "application/problem+json" : "application/json" }),
    ...headers,
  });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
const problem = (response, status, code, title, detail = "", hint = "") =>
  send(response, status, { type: "about:blank", title, status, code, detail, hint });

function page(list, query, sortKey) {
  const limit = Math.min(1000, Number(query.get("limit") ?? 50));
  const cursor = query.get("cursor");
  const from = cursor
    ? list.findIndex((each) => sortKey(each) === Buffer.from(cursor, "base64url").toString()) + 1
    : 0;
  const items = list.slice(from, from + limit);
  const last = items.at(-1);
  return {
    items,
    next: last && from + limit < list.length ? Buffer.from(sortKey(last)).toString("base64url") : null,
  };
}

const FILTERS = {
  severity: (row, value) => value.split(",").includes(row.severity),
  state: (row, value) => value.split(",").includes(row.state),
  class: (row, value) => value.split(",").includes(row.class),
  kev: (row, value) => String(row.kev) === value,
  fixable: (row, value) => String((row.fix.versions ?? []).length > 0) === value,
  suppressed: (row, value) => String(Boolean(row.suppressed)) === value,
  asset: (row, value) => row.asset.id === value,
  package: (row, value) => row.package?.name === value,
  rule: (row, value) => row.rule === value,
  subject: (row, value) => row.evidence?.some((each) => each.path === value),
  q: (row, value) =>
    `${row.rule} ${row.title} ${row.package?.name} ${row.asset.name}`
      .toLowerCase()
      .includes(value.toLowerCase()),
};
const matching = (query, except) =>
  data.findings.filter((row) =>
    Object.entries(FILTERS).every(
      ([name, test]) => name === except || !query.get(name) || test(row, query.get(name)),
    ),
  );

const rank = (row) => SEVERITIES.indexOf(row.severity);
const ORDERS = {
  severity: (a, b) => rank(a) - rank(b) || (a.rule + a.fingerprint < b.rule + b.fingerprint ? -1 : 1),
  risk: (a, b) => risk(b) - risk(a) || (a.fingerprint < b.fingerprint ? -1 : 1),
  "-last_seen": (a, b) => (b.last_seen_at + b.fingerprint < a.last_seen_at + a.fingerprint ? -1 : 1),
  package: (a, b) =>
    (a.package?.name ?? "") + a.fingerprint < (b.package?.name ?? "") + b.fingerprint ? -1 : 1,
};
const ROW = [
  "fingerprint",
  "rule",
  "title",
  "class",
  "severity",
  "severity_source",
  "state",
  "asset",
  "package",
  "fix",
  "kev",
  "epss",
  "suppressed",
  "first_seen_at",
  "last_seen_at",
  "status",
  "tags",
  "version",
];
const BASE = { critical: 45, high: 36, medium: 25, low: 12 };
const risk = (finding) => (BASE[finding.severity] ?? 5) + (finding.kev ? 25 : 0);
const toRow = (finding) => ({
  ...Object.fromEntries(ROW.map((key) => [key, finding[key]])),
  risk: risk(finding),
});

function groups(query) {
  const all = new Map();
  for (const finding of matching(query)) {
    if (!finding.package) continue;
    const { name } = finding.package;
    const group = all.get(name) ?? { value: name, label: name, count: 0, kev: 0, risk: 0, risk_total: 0 };
    group.count += 1;
    group.kev += finding.kev ? 1 : 0;
    group.risk = Math.max(group.risk, risk(finding));
    group.risk_total += risk(finding);
    all.set(name, { ...group, assets: 1, fixed_in: finding.fix.versions ?? [] });
  }
  const items = [...all.values()].sort((a, b) => b.risk_total - a.risk_total).slice(0, 100);
  return { items, capped: false };
}

function facets(query) {
  const tally = (name, value, label) => {
    const counts = new Map();
    for (const row of matching(query, name)) {
      const key = value(row);
      if (key === undefined) continue;
      const entry = counts.get(key) ?? { value: key, ...(label ? { label: label(row) } : {}), count: 0 };
      entry.count += 1;
      counts.set(key, entry);
    }
    return [...counts.values()].sort((a, b) => b.count - a.count).slice(0, 20);
  };
  return {
    matching: matching(query).length,
    capped: false,
    severity: tally("severity", (row) => row.severity),
    state: tally("state", (row) => row.state),
    kev: tally("kev", (row) => String(row.kev)),
    fixable: tally("fixable", (row) => String((row.fix.versions ?? []).length > 0)),
    asset: tally(
      "asset",
      (row) => row.asset.id,
      (row) => row.asset.name,
    ),
    package: tally("package", (row) => row.package?.name),
  };
}

const imageRow = (image) => ({
  id: image.id,
  name: image.name,
  aliases: image.aliases,
  kind: image.kind,
  platform: image.platform,
  os: image.os,
  packages: image.packageRows.length,
  last_scan_at: image.last_scan_at,
  gaps: image.coverage.gaps.length,
  findings: countSeverities(data.findings, image.id),
});

const watchers = new Map();
function advance(scan) {
  const steps = [
    [700, () => Object.assign(scan, { state: "running", started_at: new Date().toISOString() })],
    [
      1500,
      () => {
        const finished_at = new Date().toISOString();
        const image =
          data.images.find((each) => each.name === scan.reference) ??
          (scan.reference.includes("missing") ? null : data.images[0]);
        if (image)
          Object.assign(scan, {
            state: "finished",
            finished_at,
            asset: image.id,
            summary: data.summaryOf(image),
          });
        else
          Object.assign(scan, {
            state: "failed",
            finished_at,
            error: { code: "image-not-found", message: `${scan.reference} is not there` },
          });
      },
    ],
  ];
  for (const [after, step] of steps) {
    setTimeout(() => {
      step();
      for (const response of watchers.get(scan.id) ?? []) tell(response, scan);
    }, after);
  }
}
function tell(response, scan) {
  response.write(`id: ${Date.now()}\nevent: scan\ndata: ${JSON.stringify(scan)}\n\n`);
  if (scan.state === "finished" || scan.state === "failed") response.end();
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString() || "{}");
  } catch {
    return {};
  }
}

const signedIn = (request) =>
  (request.headers.cookie ?? "").split(/;\s*/).includes(`palisade_session=${SESSION}`) ||
  request.headers.authorization === `Bearer ${TOKEN}`;

async function api(request, response, path, query) {
  const at = (pattern) => path.match(pattern)?.slice(1).map(decodeURIComponent);
  const { method } = request;
  if (path === "/session" && method === "POST") {
    const { token } = await body(request);
    if (token !== TOKEN) return problem(response, 401, "token-unknown", "This token is not known");
    return send(response, 204, undefined, {
      "set-cookie": `palisade_session=${SESSION}; HttpOnly; SameSite=Strict; Path=/`,
    });
  }
  if (!signedIn(request)) return problem(response, 401, "unauthenticated", "Sign in first");
  if (method !== "GET" && request.headers["x-palisade-request"] !== "1" && !request.headers.authorization)
    return problem(response, 403, "cross-site", "The request header is missing");
  if (path === "/session" && method === "DELETE")
    return send(response, 204, undefined, { "set-cookie": "palisade_session=; Max-Age=0; Path=/" });
  if (path === "/session")
    return send(response, 200, {
      tenant: "default",
      token_name: "bootstrap",
      version: "0.1.0-mock",
      permissions: ["findings:read", "findings:write"],
    });
  if (path === "/overview") {
    const open = data.findings.filter((row) => row.state === "open" && !row.suppressed);
    return send(response, 200, {
      findings_by_severity: countSeverities(data.findings),
      kev_open: open.filter((row) => row.kev).length,
      fixable_open: open.filter((row) => (row.fix.versions ?? []).length > 0).length,
      images: data.images.length,
      packages: data.images.reduce((sum, image) => sum + image.packageRows.length, 0),
      scans_running: data.scans.filter((scan) => ["queued", "running"].includes(scan.state)).length,
      gaps: data.images.reduce((sum, image) => sum + image.coverage.gaps.length, 0),
      newest: [...open]
        .sort((a, b) => (a.first_seen_at < b.first_seen_at ? 1 : -1))
        .slice(0, 8)
        .map(toRow),
    });
  }
  if (path === "/findings") {
    const order = ORDERS[query.get("sort") ?? "severity"];
    if (!order) return problem(response, 400, "sort-unknown", "This order is not known");
    const found = page(matching(query).sort(order), query, (row) => row.fingerprint);
    return send(response, 200, { items: found.items.map(toRow), next: found.next });
  }
  if (path === "/findings/groups") return send(response, 200, groups(query));
  if (path === "/findings/facets") return send(response, 200, facets(query));
  let id = at(/^\/findings\/([^/]+)$/);
  if (id) {
    const found = data.findings.find((row) => row.fingerprint === id[0]);
    return found ? send(response, 200, found) : problem(response, 404, "finding-unknown", "No such finding");
  }
  if (path === "/images") {
    const text = (query.get("q") ?? "").toLowerCase();
    const found = page(
      data.images.filter((image) => `${image.name} ${image.id}`.toLowerCase().includes(text)),
      query,
      (image) => image.id,
    );
    return send(response, 200, { items: found.items.map(imageRow), next: found.next });
  }
  id = at(/^\/images\/([^/]+)(?:\/packages)?$/);
  if (id) {
    const image = data.images.find((each) => each.id === id[0]);
    if (!image) return problem(response, 404, "image-unknown", "No such image");
    if (path.endsWith("/packages")) {
      const text = (query.get("q") ?? "").toLowerCase();
      return send(
        response,
        200,
        page(
          image.packageRows.filter((row) => row.name.toLowerCase().includes(text)),
          query,
          (row) => row.purl,
        ),
      );
    }
    return send(response, 200, {
      ...imageRow(image),
      layers: image.layers,
      coverage: image.coverage,
      scans: image.scans,
    });
  }
  if (path === "/scans" && method === "POST") {
    const { kind, reference, platform } = await body(request);
    if (!reference)
      return problem(response, 422, "reference-missing", "Say what to scan", "`reference` is empty.");
    const key = request.headers["idempotency-key"];
    const known = key && data.scans.find((scan) => scan.key === key);
    if (known) return send(response, 202, known);
    const scan = {
      id: `${randomBytes(4).toString("hex")}-0000-7000-8000-${randomBytes(6).toString("hex")}`,
      kind,
      reference,
      platform,
      state: "queued",
      submitted_at: new Date().toISOString(),
    };
    Object.defineProperty(scan, "key", { value: key });
    data.scans.unshift(scan);
    advance(scan);
    return send(response, 202, scan, { location: `/api/v1/scans/${scan.id}` });
  }
  if (path === "/scans")
    return send(
      response,
      200,
      page(data.scans, query, (scan) => scan.id),
    );
  id = at(/^\/scans\/([^/]+)(?:\/events)?$/);
  if (id) {
    const scan = data.scans.find((each) => each.id === id[0]);
    if (!scan) return problem(response, 404, "scan-unknown", "No such scan");
    if (!path.endsWith("/events")) return send(response, 200, scan);
    response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream", "x-accel-buffering": "no" });
    tell(response, scan);
    const set = watchers.get(scan.id) ?? new Set();
    watchers.set(scan.id, set.add(response));
    request.on("close", () => set.delete(response));
    return undefined;
  }
  if (path === "/plugins") return send(response, 200, { items: data.plugins });
  id = at(/^\/plugins\/([^/]+)$/);
  if (id) {
    const plugin = data.plugins.find((each) => each.id === id[0]);
    return plugin ? send(response, 200, plugin) : problem(response, 404, "plugin-unknown", "No such plugin");
  }
  id = at(/^\/plugins\/([^/]+)\/([a-z]+)$/);
  if (id && method === "POST") {
    const plugin = data.plugins.find((each) => each.id === id[0]);
    if (!plugin) return problem(response, 404, "plugin-unknown", "No such plugin");
    const refusal = act(plugin, id[1], await body(request));
    return refusal ? problem(response, ...refusal) : send(response, 200, plugin);
  }
  if (path === "/evidence/pack") {
    response.writeHead(200, { ...HEADERS, "content-type": "application/x-tar" });
    return response.end(Buffer.alloc(1024));
  }
  const asked = {
    method,
    path,
    query,
    body: ["POST", "PUT", "PATCH"].includes(method) ? await body(request) : {},
    headers: request.headers,
    page,
  };
  const told = answerPosture(posture, asked) ?? answerRuntime(runtime, asked);
  if (told?.refusal) return problem(response, ...told.refusal);
  if (told) return send(response, told.status, told.body);
  if (path === "/advisories") return send(response, 200, data.status);
  return problem(response, 404, "no-such-path", "There is nothing here");
}

function file(response, path) {
  const wanted = join(dist, normalize(path).replace(/^([/\\]|\.\.)+/, ""));
  const found =
    extname(wanted) && existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(dist, "index.html");
  if (!existsSync(found))
    return problem(response, 404, "not-built", "The UI is not built", "", "Run `npm run build`.");
  response.writeHead(200, {
    ...HEADERS,
    "content-type": TYPES[extname(found)] ?? "application/octet-stream",
  });
  return createReadStream(found).pipe(response);
}

createServer((request, response) => {
  const url = new URL(request.url, "http://mock");
  if (url.pathname === "/readyz") return send(response, 200, { status: "ok" });
  const work = url.pathname.startsWith("/api/v1")
    ? api(request, response, url.pathname.slice(7), url.searchParams)
    : file(response, url.pathname);
  Promise.resolve(work).catch((error) => problem(response, 500, "mock-fault", String(error)));
}).listen(PORT, "127.0.0.1", () => {
  console.log(`mock server on http://127.0.0.1:${PORT}`);
  console.log(`token ${TOKEN}`);
});
