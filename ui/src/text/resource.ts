/** A resource as people name it. */
export interface ResourceName {
  kind: string;
  /** Empty for what stands in none. */
  namespace: string;
  name: string;
}

/** Takes a path apart: `apps/Deployment/shop/web`, with `-` for no namespace. Other paths are all name. */
export function resourceName(path: string): ResourceName {
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

/** The canonical id of a resource in a cluster or account. */
export const resourceId = (scope: string, path: string): string => `${scope}/${path}`;

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

/** Whether somebody can be inside of it, so that paths can begin there. */
export const isWorkload = (kind: string): boolean => WORKLOADS.has(kindName(kind));
