// Made-up clusters for the mock server: inventory, exposure, attack paths, who-can, compliance, exceptions and evidence.
import { createHash } from "node:crypto";

const CLUSTER = "k8s:00000000-0000-4000-8000-000000000001";
const NAME = "production";
const NONE = { critical: 0, high: 0, medium: 0, low: 0, negligible: 0, none: 0, unknown: 0 };
const sha = (text) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const scanId = (at) => `${String(at).padStart(8, "0")}-0000-7000-8000-000000000001`;
const id = (path) => `${CLUSTER}/${path}`;

const resource = (path, exposure, findings = {}, more = {}) => {
  const [group, kind, namespace, name] = path.split("/");
  return {
    id: id(path),
    scope: CLUSTER,
    path,
    kind: group === "core" ? kind : `${kind}.${group}`,
    namespace: namespace === "-" ? "" : namespace,
    name,
    exposure,
    findings: { ...NONE, ...findings },
    first_seen_at: "2026-11-01T10:00:00Z",
    attributes: { labels: {}, annotations: {}, facts: {}, ...more.attributes },
    neighbours: (more.neighbours ?? []).map(([edge, other]) => ({
      edge,
      id: edge === "runs" ? `image:${other}` : id(other),
      path: other,
    })),
    neighbours_truncated: false,
    sensors: [],
  };
};

const PRIVILEGED = "palisade.kube-posture/privileged-container";

/** The findings that the counts of a resource speak of; the first of each severity is of the rule that the controls fail by. */
function findingsOf({ scope, path, kind, namespace, name, findings, first_seen_at }, now) {
  const rows = Object.entries(findings).flatMap(([severity, count]) =>
    Array.from({ length: count }, (_, at) => ({ severity, at })),
  );
  return rows.map(({ severity, at }) => {
    const rule = at === 0 ? PRIVILEGED : `palisade.kube-posture/made-up-${at}`;
    const what = `${namespace ? `${namespace}/` : ""}${kind} ${name}`;
    return {
      fingerprint: sha(`${scope} ${path} ${severity} ${at}`).slice(7, 39),
      rule,
      title: `${what}: What ${rule.split("/")[1]} looks for is there.`,
      class: "misconfiguration",
      severity,
      severity_source: "palisade.kube-posture",
      state: "open",
      asset: { id: scope, name: NAME, kind: "cluster" },
      package: null,
      fix: { state: "unknown", versions: [] },
      kev: false,
      epss: null,
      suppressed: null,
      first_seen_at,
      last_seen_at: new Date(now).toISOString(),
      status: "open",
      tags: [],
      version: 1,
      ids: [rule],
      description: "Whoever takes over the container takes the node.",
      cvss: [],
      kev_detail: null,
      evidence: [{ path, inner: "/spec", method: "palisade.kube-posture", confidence: "high" }],
      records: [],
      references: [],
      history: [
        { at: first_seen_at, transition: "opened", scan: scanId(0), note: "Found for the first time" },
      ],
      why: {
        asset_kind: "cluster",
        scan: scanId(0),
        plugins: [{ plugin: "palisade.kube-posture", version: "0.1.0", digest: sha("kube-posture") }],
        steps: [`The rule ${rule} applies, by ${path}.`],
      },
    };
  });
}

const WEB = "apps/Deployment/shop/web";
const ACCOUNT = { kind: "service-account", namespace: "shop", name: "default" };
const EVERYONE = { kind: "group", name: "system:authenticated" };
const GRANT = {
  binding: "rbac.authorization.k8s.io/ClusterRoleBinding/-/everyone-admin",
  subject: EVERYONE,
  role: "rbac.authorization.k8s.io/ClusterRole/-/cluster-admin",
  rule_of: "rbac.authorization.k8s.io/ClusterRole/-/cluster-admin",
  rule: 0,
};
const identity = (subject) => ({ kind: "identity", subject });
const workload = (path) => ({ kind: "workload", path });
const step = (from, technique, to, why, grants = []) => ({ from, to, technique, why, grants });

function resources() {
  const list = [
    resource(
      WEB,
      "open",
      { critical: 1, high: 2, low: 9 },
      {
        attributes: { labels: { app: "web", team: "storefront" }, api_version: "apps/v1" },
        neighbours: [
          ["in", "core/Namespace/-/shop"],
          ["uses", "core/ServiceAccount/shop/default"],
          ["exposed-by", "core/Service/shop/web"],
          ["runs", "registry.example.org/shop/web:latest"],
        ],
      },
    ),
    resource("apps/Deployment/shop/\u202eevil\u0007", "possible", { medium: 1 }),
    resource("core/Service/shop/web", "", {}, { neighbours: [["exposes", WEB]] }),
    resource("core/ServiceAccount/shop/default", "", {}, { neighbours: [["used-by", WEB]] }),
    resource("core/Namespace/-/shop", "", { low: 2 }, { neighbours: [["contains", WEB]] }),
    resource(GRANT.binding, "", { critical: 1 }, { neighbours: [["binds", GRANT.role]] }),
    resource(GRANT.role, "", {}),
  ];
  for (let at = 0; at < 400; at += 1) list.push(resource(`core/ConfigMap/shop/settings-${at}`, "", {}));
  return list;
}

const FRAMEWORKS = {
  "cis-kubernetes-1.12": ["5.1.1", "5.1.2", "5.2.1", "5.2.2", "1.1.1"],
  "nist-800-53-r5": ["AC-2", "AC-6(1)", "AU-1", "SC-7", "SC-8"],
  "cis-aws-foundations-7.0": ["1.1", "1.2"],
};
const STATUSES = ["not-met", "partly", "met", "manual", "not-assessed"];

function assessment(framework, controls, now) {
  const silent = framework.includes("aws");
  const list = controls.map((control, at) => {
    const status = silent ? "not-assessed" : STATUSES[at % STATUSES.length];
    const failed = status === "not-met" ? 2 : status === "partly" ? 1 : 0;
    return {
      control,
      title: `What ${control} is about`,
      status,
      rationale: `${control}: told by what the cluster shows.`,
      proof: ["manual", "not-assessed"].includes(status)
        ? []
        : [{ rule: PRIVILEGED, failed, passed: 3, unknown: 1 }],
      accepted: status === "not-met",
      exceptions: status === "not-met" ? ["exception-1"] : [],
    };
  });
  const number = (status) => list.filter((each) => each.status === status).length;
  const summary = (score) => ({
    met: number("met"),
    partly: number("partly"),
    not_met: number("not-met"),
    manual: number("manual"),
    not_assessed: number("not-assessed"),
    score: silent ? null : score,
  });
  const trend = Array.from({ length: silent ? 1 : 12 }, (_, at) => ({
    at: new Date(now - at * 86_400_000).toISOString(),
    scan: scanId(at),
    summary: summary(60 - at * 3),
  }));
  return {
    framework,
    scope: CLUSTER,
    scope_name: NAME,
    at: trend[0].at,
    scan: trend[0].scan,
    summary: trend[0].summary,
    controls: list,
    trend,
    accepted: number("not-met"),
    score_without_accepted: silent ? null : 75,
  };
}

function paths() {
  const steal = step(workload(WEB), "token-steal", identity(ACCOUNT), "the token is mounted");
  const join = step(identity(ACCOUNT), "group-member", identity(EVERYONE), "the identity is in the group");
  const all = step(identity(EVERYONE), "everything", { kind: "cluster-admin" }, "a role grants everything", [
    GRANT,
  ]);
  const enter = step(workload(WEB), "nsenter", { kind: "some-node" }, "a container is privileged");
  return {
    paths: [
      { source: WEB, goal: "cluster-admin", steps: [steal, join, all] },
      { source: WEB, goal: "node", steps: [enter] },
    ],
    choke_points: [{ step: all, cuts: 1, on_shortest: 1 }],
    sources: 1,
    total: 2,
    unknown: ["nodes could not be listed: whether a pod runs on the control plane is not known"],
  };
}

const EXPOSURE = {
  workloads: [
    {
      workload: WEB,
      verdict: "open",
      entries: [
        {
          verdict: "open",
          door: "load-balancer",
          port: 80,
          target: 8080,
          protocol: "TCP",
          path: ["core/Service/shop/web", WEB],
          why: "no NetworkPolicy selects the pods for ingress",
          policies: [],
        },
      ],
    },
  ],
  total: 1,
  unknown: ["the classes of gateways could not be listed"],
};

/** Everything that the mock keeps of clusters. */
export function makePosture(now) {
  const records = Array.from({ length: 12 }, (_, at) => ({
    sequence: 12 - at,
    at: new Date(now - at * 86_400_000).toISOString(),
    scope: CLUSTER,
    scope_name: NAME,
    scan: scanId(at),
    assessment: sha(`assessment ${at}`),
    previous: sha(`record ${at + 1}`),
    hash: sha(`record ${at}`),
  }));
  const inventory = resources();
  return {
    findings: inventory.flatMap((each) => findingsOf(each, now)),
    followers: [
      {
        name: NAME,
        id: CLUSTER,
        state: "following",
        since: records[0].at,
        changed_at: records[0].at,
        stored_at: records[0].at,
        lag_ms: 640,
        code: null,
        reason: null,
      },
      {
        name: "staging",
        id: null,
        state: "failed",
        since: null,
        changed_at: null,
        stored_at: null,
        lag_ms: null,
        code: "cluster-unreachable",
        reason: "the API server at https://staging.example:6443 did not answer within 10 s",
      },
    ],
    clusters: [{ id: CLUSTER, name: NAME, at: records[0].at, scan: scanId(0), input: "00", resources: 407 }],
    resources: inventory,
    assessments: Object.entries(FRAMEWORKS).map(([name, controls]) => assessment(name, controls, now)),
    records,
    exceptions: [
      {
        id: "exception-1",
        framework: "cis-kubernetes-1.12",
        control: "5.1.1",
        scope: { asset: CLUSTER },
        owner: "Ann",
        reason: "The old agent needs it until it is replaced.",
        approver: "Bob",
        approved_at: new Date(now - 86_400_000).toISOString(),
        created_at: new Date(now - 86_400_000).toISOString(),
        expires_at: new Date(now + 30 * 86_400_000).toISOString(),
        standing: "active",
      },
    ],
  };
}

const RESOURCE_FILTERS = {
  scope: (row, value) => row.scope === value,
  kind: (row, value) => value.split(",").includes(row.kind),
  namespace: (row, value) => row.namespace === value,
  exposure: (row, value) => value.split(",").includes(row.exposure),
  q: (row, value) => `${row.path} ${row.kind}`.toLowerCase().includes(value.toLowerCase()),
};
const matching = (posture, query, except) =>
  posture.resources.filter((row) =>
    Object.entries(RESOURCE_FILTERS).every(
      ([name, test]) => name === except || !query.get(name) || test(row, query.get(name)),
    ),
  );

function tally(posture, query, name) {
  const counts = new Map();
  for (const row of matching(posture, query, name))
    if (row[name]) counts.set(row[name], (counts.get(row[name]) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
}

const without = (row, ...keys) =>
  Object.fromEntries(Object.entries(row).filter(([key]) => !keys.includes(key)));

function addException(posture, body) {
  const refused = (detail) => [422, "exception-refused", "This is no exception", detail];
  if (!body.approver) return { refusal: refused("Somebody has to approve it.") };
  if (body.approver === body.owner) return { refusal: refused("The owner cannot approve it.") };
  if (!body.expires_at) return { refusal: refused("It has to end.") };
  const at = new Date().toISOString();
  const made = {
    id: `exception-${posture.exceptions.length + 1}`,
    ...body,
    approved_at: at,
    created_at: at,
    standing: "active",
  };
  posture.exceptions.unshift(made);
  return { made };
}

/** The answer to a request about clusters as `{ status, body }`, `{ refusal }`, or nothing if it is about something else. */
export function answerPosture(posture, { method, path, query, body, page }) {
  const at = (pattern) => path.match(pattern)?.slice(1).map(decodeURIComponent);
  const ok = (found) => ({ status: 200, body: found });
  const missing = (code) => ({ refusal: [404, code, "There is no such thing"] });
  if (method === "POST") {
    if (path === "/exceptions") {
      const { made, refusal } = addException(posture, body);
      return made ? { status: 201, body: made } : { refusal };
    }
    const [revoked] = at(/^\/exceptions\/([^/]+)\/revoke$/) ?? [];
    const found = posture.exceptions.find((each) => each.id === revoked);
    if (!found) return undefined;
    return ok(Object.assign(found, { revoked_at: new Date().toISOString(), standing: "revoked" }));
  }
  if (path === "/clusters") return ok({ items: posture.clusters, followers: posture.followers });
  if (path === "/inventory") {
    const found = page(matching(posture, query), query, (row) => row.id);
    const row = (each) => without(each, "attributes", "neighbours", "neighbours_truncated", "sensors");
    return ok({ ...found, items: found.items.map(row) });
  }
  if (path === "/inventory/facets") {
    const facets = ["kind", "namespace", "exposure"].map((name) => [name, tally(posture, query, name)]);
    return ok({ matching: matching(posture, query).length, ...Object.fromEntries(facets) });
  }
  const [wanted] = at(/^\/inventory\/([^/]+)$/) ?? [];
  if (wanted !== undefined) {
    const found = posture.resources.find((row) => row.id === wanted);
    return found ? ok(found) : missing("resource-not-found");
  }
  if (/^\/clusters\/[^/]+\/exposure$/.test(path)) return ok(EXPOSURE);
  if (/^\/clusters\/[^/]+\/attack-paths$/.test(path)) {
    const answer = paths();
    const [goal, source] = [query.get("goal"), query.get("workload")];
    const kept = answer.paths.filter(
      (each) => (!goal || each.goal === goal) && (!source || each.source === source),
    );
    return ok({ ...answer, paths: kept, total: kept.length });
  }
  if (/^\/clusters\/[^/]+\/who-can$/.test(path))
    return ok({
      holders: [{ subject: ACCOUNT, proof: GRANT }],
      total: 1,
      unknown: ["groups of users are not in the cluster"],
    });
  if (path === "/compliance")
    return ok({
      items: posture.assessments.map((row) =>
        without(row, "controls", "trend", "accepted", "score_without_accepted"),
      ),
    });
  const [framework] = at(/^\/compliance\/([^/]+)\/[^/]+$/) ?? [];
  if (framework !== undefined) {
    const found = posture.assessments.find((row) => row.framework === framework);
    const point = found?.trend.find((each) => each.scan === (query.get("scan") ?? found.scan));
    return point ? ok({ ...found, ...point }) : missing("assessment-not-found");
  }
  if (path === "/exceptions") return ok({ items: posture.exceptions });
  if (path === "/evidence") return ok(page(posture.records, query, (row) => String(row.sequence)));
  if (path === "/evidence/verify")
    return ok({ records: posture.records.length, head: posture.records[0]?.hash, sound: true, broken: null });
  return undefined;
}
