// Many findings as few things to do: by what is wrong, by what is updated, by where it is.

import type { FindingRow, Severity } from "../api/types";
import { SEVERITIES } from "../parts/severity";

export const GROUPINGS = ["cve", "fix", "asset"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Group {
  key: string;
  /** A finding of the group, the worst. */
  worst: FindingRow;
  findings: number;
  assets: number;
  /** Distinct rules. */
  rules: number;
  kev: boolean;
  /** The likeliest exploitation of any, 0 to 1. */
  epss: number | null;
  /** Findings that a version with a fix is known for. */
  fixable: number;
  /** Names of the packages in it. */
  packages: string[];
  /** Versions that some finding of it is fixed in. */
  versions: string[];
  first_seen_at: string;
}

const KEYS: Record<Grouping, (row: FindingRow) => string | null> = {
  cve: (row) => row.rule,
  // One update is of one package, whatever version is there.
  fix: (row) => (row.package && row.fix.state === "fixed" ? `${row.package.type} ${row.package.name}` : null),
  asset: (row) => row.asset.id,
};

const rank = (severity: Severity): number => {
  const at = SEVERITIES.indexOf(severity);
  return at < 0 ? SEVERITIES.length : at;
};

/** Known to be exploited first, then the severity, then the number of findings that go with it. */
export function groupsOf(rows: readonly FindingRow[], by: Grouping): Group[] {
  const members = new Map<string, FindingRow[]>();
  for (const row of rows) {
    const key = KEYS[by](row);
    if (key === null) continue;
    const list = members.get(key);
    if (list) list.push(row);
    else members.set(key, [row]);
  }
  const groups: Group[] = [];
  for (const [key, list] of members) {
    const [worst] = [...list].sort((a, b) => rank(a.severity) - rank(b.severity));
    if (!worst) continue;
    const scores = list.flatMap((row) => (row.epss ? [row.epss.score] : []));
    groups.push({
      key,
      worst,
      findings: list.length,
      assets: new Set(list.map((row) => row.asset.id)).size,
      rules: new Set(list.map((row) => row.rule)).size,
      kev: list.some((row) => row.kev),
      epss: scores.length > 0 ? Math.max(...scores) : null,
      fixable: list.filter((row) => row.fix.state === "fixed").length,
      packages: [...new Set(list.flatMap((row) => (row.package ? [row.package.name] : [])))].sort(),
      versions: [...new Set(list.flatMap((row) => row.fix.versions ?? []))].sort((a, b) =>
        a.localeCompare(b, "en", { numeric: true }),
      ),
      first_seen_at: list.reduce(
        (first, row) => (row.first_seen_at < first ? row.first_seen_at : first),
        worst.first_seen_at,
      ),
    });
  }
  return groups.sort(
    (a, b) =>
      Number(b.kev) - Number(a.kev) ||
      rank(a.worst.severity) - rank(b.worst.severity) ||
      b.findings - a.findings ||
      a.key.localeCompare(b.key),
  );
}
