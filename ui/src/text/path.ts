// Words for exposure and attack paths.

import type { AttackPath, Entry, Place, Principal, Proof, Statement, Step, Subject } from "../api/posture";
import { resourceName } from "./resource";

const VERDICTS: Record<string, string> = {
  open: "Open",
  possible: "Possible",
  filtered: "Filtered",
  internal: "Internal",
};
const VERDICT_MEANINGS: Record<string, string> = {
  open: "Traffic from the internet gets to it",
  possible: "Traffic may get to it: something that decides was not seen",
  filtered: "A policy, group or route stops traffic from anywhere",
  internal: "Only traffic from inside gets to it",
};
const VERDICT_TONES: Record<string, string> = { open: "bad", possible: "warn", filtered: "good" };

export const VERDICT_ORDER = ["open", "possible", "filtered", "internal"];
export const verdictName = (verdict: string): string => VERDICTS[verdict] ?? verdict;
export const verdictMeaning = (verdict: string): string => VERDICT_MEANINGS[verdict] ?? "";
export const verdictTone = (verdict: string): string => VERDICT_TONES[verdict] ?? "";

/** `secret-list` as words: `Secret list`. */
export function words(id: string): string {
  const text = id.replaceAll("-", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const DOORS: Record<string, string> = {
  "function-url": "Function URL",
  "cluster-api": "Cluster API",
  "api-gateway": "API gateway",
  "aws-api": "AWS API",
};
/** How traffic comes in. */
export const doorName = (door: string): string => DOORS[door] ?? words(door);

const LAST_PORT = 65_535;

const ports = ({ port, last_port = port }: Entry): string => {
  if (port === 0 && last_port === LAST_PORT) return "on every port";
  return last_port === port ? `${port}` : `${port}–${last_port}`;
};

const protocol = (entry: Entry): string => (entry.protocol === "all" ? "any protocol" : entry.protocol);

/** `tcp 80 to 8080`, `tcp 22–80`. */
export const portWord = (entry: Entry): string =>
  `${protocol(entry)} ${ports(entry)}${entry.target === entry.port ? "" : ` to ${entry.target}`}`;

const TECHNIQUES: Record<string, string> = {
  "module-load": "Load a kernel module",
  nsenter: "Enter the node’s namespaces",
  "priv-mount": "Mount the node’s disk",
  "sys-ptrace": "Trace a process of the node",
  "umh-core-pattern": "Kernel helper by core pattern",
  "var-log-symlink": "Link out of /var/log",
  "container-socket": "Container runtime socket",
  "host-read": "Read the node’s files",
  "host-write": "Write the node’s files",
  "host-traverse": "Traverse the node’s files",
  "control-plane": "On the control plane",
  "token-steal": "Use its token",
  "group-member": "Member of the group",
  everything: "May do everything",
  "pod-exec": "Exec into pods",
  "pod-attach": "Attach to pods",
  "ephemeral-container": "Add a debug container",
  "pod-patch": "Patch pods",
  "pod-create": "Create pods",
  "workload-write": "Write workloads",
  "secret-list": "List secrets",
  "secret-get": "Read secrets",
  "token-create": "Mint tokens",
  impersonate: "Impersonate",
  "role-bind": "Bind a role",
  "role-escalate": "Escalate a role",
  "node-proxy": "Node proxy",
  "csr-approve": "Approve certificates",
  "webhook-write": "Write webhooks",
  "assume-role-with-saml": "Assume role by SAML",
  "assume-role-with-web-identity": "Assume role by OpenID Connect",
  "pass-role-to-ec2": "Pass role to EC2",
  "pass-role-to-ecs": "Pass role to ECS",
  "ecs-execute-command": "Run a command in a container",
  "compute-role": "Take the role’s credentials",
  exposed: "Through an open door",
  "public-read": "Read what is public",
};
export const techniqueName = (technique: string): string => TECHNIQUES[technique] ?? words(technique);

const GOALS: Record<string, string> = {
  "cluster-admin": "Whole cluster",
  node: "A node",
  "other-namespace": "Another namespace",
  administrator: "Every right",
  "privileged-role": "A privileged role",
  "public-data": "Public data",
};
export const GOAL_IDS = ["cluster-admin", "node", "other-namespace"] as const;
export const ACCOUNT_GOAL_IDS = ["administrator", "privileged-role", "public-data"] as const;
/** Goals that choke points are not counted over. */
export const UNCOUNTED_GOALS: readonly string[] = ["other-namespace", "public-data"];
export const goalName = (goal: string): string => GOALS[goal] ?? words(goal);

/** A box of a drawing: what it is, its name, and the path of the resource if it is one. */
export interface Box {
  kind: string;
  name: string;
  path: string | null;
}

export function subjectBox(subject: Subject): Box {
  if (subject.kind === "service-account") {
    const namespace = subject.namespace ?? "";
    return {
      kind: "Service account",
      name: `${namespace}/${subject.name}`,
      path: `core/ServiceAccount/${namespace}/${subject.name}`,
    };
  }
  return { kind: words(subject.kind), name: subject.name, path: null };
}

export function resourceBox(path: string): Box {
  const { kind, namespace, name } = resourceName(path);
  return { kind: kind || "Resource", name: namespace ? `${namespace}/${name}` : name, path };
}

const PLURALS: Record<string, string> = {
  secrets: "Secrets",
  workloads: "Workloads",
  accounts: "Service accounts",
};

export function placeBox(place: Place): Box {
  const resource = place.path ?? place.arn ?? place.id;
  if (resource !== undefined) return resourceBox(resource);
  if (place.kind === "internet") return { kind: "From", name: "Internet", path: null };
  if (place.account !== undefined)
    return place.kind === "administrator"
      ? { kind: "Goal", name: `Every right in ${place.account}`, path: null }
      : { kind: "Account", name: place.account, path: null };
  if (place.subject) return subjectBox(place.subject);
  const many = PLURALS[place.kind];
  if (many)
    return {
      kind: many,
      name: place.namespace ? `all of ${place.namespace}` : "of every namespace",
      path: place.namespace ? `core/Namespace/-/${place.namespace}` : null,
    };
  if (place.kind === "cluster-admin") return { kind: "Goal", name: "Whole cluster", path: null };
  if (place.kind === "some-node") return { kind: "Node", name: "not known which", path: null };
  if (place.kind === "nodes") return { kind: "Nodes", name: "any of them", path: null };
  if (place.kind === "users") return { kind: "Users", name: "any that a binding names", path: null };
  return { kind: "Place", name: words(place.kind), path: null };
}

const placeKey = (place: Place): string => {
  const { kind, subject, path, namespace, arn, id, account } = place;
  return [
    kind,
    path ?? arn ?? id ?? account ?? "",
    subject?.kind ?? "",
    subject?.namespace ?? namespace ?? "",
    subject?.name ?? "",
  ].join(" ");
};

/** The same text for the same step, whoever takes it. */
export const stepKey = (step: Step): string =>
  `${placeKey(step.from)} > ${step.technique} > ${placeKey(step.to)}`;

/** `rule 1 of ClusterRole cluster-admin`, counted from 1 as people do. */
export const ruleWord = (proof: Proof): string => `rule ${proof.rule + 1}`;

const POLICY_ROLES: Record<string, string> = {
  identity: "Policy",
  boundary: "Permissions boundary",
  resource: "Policy of",
  trust: "Trust of",
};
/** `Trust of`, before the resource that has the policy. */
export const policyWord = (statement: Statement): string =>
  POLICY_ROLES[statement.role] ?? words(statement.role);

/** `statement 1 (Sid) of own-rights`, counted from 1 as people do. */
export function statementWord({ statement, sid, inline }: Statement): string {
  const of = inline ? ` of ${inline}` : "";
  return `statement ${statement + 1}${sid ? ` (${sid})` : ""}${of}`;
}

/** What makes an uncertain statement uncertain; nothing of a certain one. */
export function dependsOn({ certain, conditions }: Statement): string {
  if (certain) return "";
  return conditions.length > 0 ? `depends on ${conditions.join(", ")}` : "depends on what is not known";
}

export const isStatement = (proof: Proof | Statement): proof is Statement => "policy" in proof;

export function principalBox(principal: Principal): Box {
  const { kind, arn, account, provider, service } = principal;
  if (arn !== undefined) return resourceBox(arn);
  if (kind === "anyone") return { kind: "Anybody", name: "of the internet", path: null };
  const name = account ?? provider ?? service ?? "";
  return { kind: words(kind), name, path: null };
}

/** Where a path begins. */
export const sourceBox = ({ source }: AttackPath): Box =>
  typeof source === "string" ? resourceBox(source) : placeBox(source);

/** The same text for the same path. */
export const pathKey = ({ source, goal }: AttackPath): string =>
  `${typeof source === "string" ? source : placeKey(source)} ${goal}`;
