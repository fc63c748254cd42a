import type { OperatingSystem } from "../../api/types";

export const osName = (os: OperatingSystem | null | undefined): string | null =>
  os ? os.pretty_name || [os.id, os.version].filter(Boolean).join(" ") : null;
