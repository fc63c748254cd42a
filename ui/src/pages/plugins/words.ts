const LIMITS: Record<string, readonly [string, string]> = {
  memory_mib: ["Memory", "MiB"],
  cpu_ms: ["Processor time", "ms"],
  wall_ms: ["Wall time", "ms"],
  host_copy_mib: ["Bytes copied", "MiB"],
  handles: ["Handles", ""],
  results: ["Results", ""],
  log_kib: ["Log", "KiB"],
};

/** Name and unit of a limit. */
export const limitName = (key: string): readonly [string, string] =>
  LIMITS[key.replaceAll("-", "_")] ?? [key, ""];
