const LIMITS: Record<string, readonly [string, string]> = {
  memory_mib: ["Memory", "MiB"],
  cpu_ms: ["Processor time", "ms"],
  wall_ms: ["Wall time", "ms"],
  host_copy_mib: ["Bytes copied", "MiB"],
  handles: ["Handles", "at once"],
  results: ["Results", "records"],
  log_kib: ["Log", "KiB"],
  requests: ["Sent", "requests"],
  egress_mib: ["Sent with them", "MiB"],
};

const plain = (key: string) => key.replaceAll("-", "_");

/** Name and unit of a limit. */
export const limitName = (key: string): readonly [string, string] => LIMITS[plain(key)] ?? [key, ""];

/** The limit with this name, however its words are joined. */
export const limitOf = (limits: Record<string, number>, name: string): number | undefined =>
  Object.entries(limits).find(([key]) => plain(key) === plain(name))?.[1];

const FAULTS: Record<string, string> = {
  trap: "it crashed",
  cpu: "its processor time ran out",
  wall: "its time on the clock ran out",
  memory: "it wanted more memory than allowed",
  "host-copy": "it moved more bytes than allowed",
  handles: "it held more handles than allowed",
  results: "it answered with more records than allowed",
  egress: "it sent more requests or bytes than allowed",
  state: "it wanted to keep more state than granted",
  denied: "it could not do without a right that it does not have",
  protocol: "it broke the contract",
  declined: "it said itself that it cannot do this call",
  quarantined: "it was not called, being in quarantine",
  host: "the platform failed, not the plugin",
};

/** What a kind of fault means; empty for one that is not known here. */
export const faultWord = (kind: string): string => FAULTS[kind] ?? "";

const VERSIONS: Record<string, readonly [string, string]> = {
  installed: ["Installed", "busy"],
  verified: ["Verified", "busy"],
  compiled: ["Compiled", "busy"],
  ready: ["Ready", "good"],
  waiting: ["Waits for approval", "warn"],
  canary: ["Canary", "busy"],
  quarantined: ["Quarantined", "bad"],
  refused: ["Refused", "bad"],
  retired: ["Retired", ""],
};

/** Word and tone of a version's state. */
export const versionState = (state: string): readonly [string, string] => VERSIONS[state] ?? [state, ""];

const LEVELS: Record<string, string> = { error: "bad", warn: "warn", warning: "warn", info: "busy" };

export const levelTone = (level: string): string => LEVELS[level.toLowerCase()] ?? "";
