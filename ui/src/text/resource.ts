/** A resource as people name it. */
export interface ResourceName {
  kind: string;
  /** Empty for what stands in none. */
  namespace: string;
  name: string;
}

/** `arn:aws:iam::123456789012:role/team/deploy` as `iam role` and `team/deploy`. */
function arnName(arn: string): ResourceName {
  const [, , service = "", , , ...rest] = arn.split(":");
  const resource = rest.join(":").replace(/^\//, "");
  const end = resource.search(/[/:]/);
  if (end < 0) return { kind: service, namespace: "", name: resource || arn };
  const [type, name] = [resource.slice(0, end), resource.slice(end + 1)];
  return { kind: `${service} ${type}`, namespace: "", name: name || arn };
}

/**
 * Takes a path apart: `apps/Deployment/shop/web`, with `-` for no namespace, or the ARN of a resource of AWS. Other paths
 * are all name.
 */
export function resourceName(path: string): ResourceName {
  if (path.startsWith("arn:")) return arnName(path);
  const parts = path.split("/");
  const [, kind, namespace] = parts;
  if (parts.length < 4 || !kind || namespace === undefined) return { kind: "", namespace: "", name: path };
  return { kind, namespace: namespace === "-" ? "" : namespace, name: parts.slice(3).join("/") };
}

/** `shop/web`. */
export function shortPath(path: string): string {
  const { namespace, name } = resourceName(path);
  return namespace ? `${namespace}/${name}` : name;
}

/** `Deployment` of `Deployment.apps`; kinds of clouds stay whole. */
export function kindName(kind: string): string {
  const dot = kind.indexOf(".");
  return dot > 0 && !kind.includes(":") ? kind.slice(0, dot) : kind;
}

/** Whether a scope is an account of a cloud. */
export const isAccount = (scope: string): boolean => scope.startsWith("account:");

/** The canonical id of a resource in a cluster or account. Resources of accounts have names of their own, all over the world. */
export const resourceId = (scope: string, path: string): string =>
  isAccount(scope) ? path : `${scope}/${path}`;

const WORKLOADS = new Set([
  "Pod",
  "Deployment",
  "ReplicaSet",
  "StatefulSet",
  "DaemonSet",
  "Job",
  "CronJob",
  "ReplicationController",
]);

/** Kinds of accounts that are identities, or that run as one. */
const HOLDERS = new Set([
  "aws:iam:user",
  "aws:iam:role",
  "aws:ec2:instance",
  "aws:lambda:function",
  "aws:ecs:service",
]);

/** Whether somebody can be inside of it, or be it, so that paths can begin there. */
export const isWorkload = (kind: string): boolean => WORKLOADS.has(kindName(kind)) || HOLDERS.has(kind);
