// The first commands, to be copied as they are.

/** Asks this server for the scan of an image. */
export const firstScan = (origin: string): string =>
  [
    "curl --fail --silent --show-error",
    '--header "Authorization: Bearer $PALISADE_TOKEN"',
    "--header 'Content-Type: application/json'",
    `--data '{"kind":"image","reference":"docker.io/library/nginx:latest"}'`,
    `'${origin}/api/v1/scans'`,
  ].join(" \\\n  ");

/** Judges a cluster by what kubectl prints; needs no right for the server. */
export const firstCluster = (): string =>
  [
    "mkdir -p objects",
    "for kind in $(kubectl api-resources --verbs=list --output=name | grep -v -e '^secrets$' -e '^events'); do",
    '  kubectl get "$kind" --all-namespaces --output=json > "objects/$kind.json"',
    "done",
    "palisade scan k8s --from objects",
  ].join("\n");

/** Makes a source on the server and prints its token once. */
export const firstSource = (): string => "palisade source add falco --format falco";
