/** The part of an image name that tells it apart: without the registry's host. Anything else stays whole. */
export function shortName(name: string): string {
  const slash = name.indexOf("/");
  if (slash <= 0) return name;
  const host = name.slice(0, slash);
  // A first component is a host if it has a dot or a port, or is `localhost`: the rule of image references.
  return /[.:]/.test(host) || host === "localhost" ? name.slice(slash + 1) || name : name;
}
