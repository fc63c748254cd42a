// What two bills of materials do not have in common, and what that means for findings.

import type { FindingRow, PackageRow } from "../api/types";

export type Change = "added" | "removed" | "changed";

export interface PackageChange {
  type: string;
  name: string;
  change: Change;
  /** Versions in each; several where a package is there more than once. */
  before: string[];
  after: string[];
  /** Open findings of the package that are only in the one or only in the other. */
  gone: number;
  fresh: number;
}

export interface Comparison {
  packages: PackageChange[];
  same: number;
  /** Open findings: only before, only after, in both. */
  gone: FindingRow[];
  fresh: FindingRow[];
  both: number;
}

const keyOf = (pkg: { type: string; name: string }): string => `${pkg.type} ${pkg.name}`;

function versions(rows: readonly PackageRow[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const row of rows) {
    const key = keyOf(row);
    const known = found.get(key) ?? new Set();
    known.add(row.version);
    found.set(key, known);
  }
  return found;
}

/** A finding is the same in both where its rule and its package are, whatever the version. */
const findingKey = (row: FindingRow): string => `${row.rule} ${row.package ? keyOf(row.package) : ""}`;

/** Rows of the first whose key the second has not, each key once. */
function only(rows: readonly FindingRow[], others: ReadonlySet<string>): FindingRow[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = findingKey(row);
    if (others.has(key) || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function byPackage(rows: readonly FindingRow[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const row of rows)
    if (row.package) found.set(keyOf(row.package), (found.get(keyOf(row.package)) ?? 0) + 1);
  return found;
}

export interface Side {
  packages: readonly PackageRow[];
  findings: readonly FindingRow[];
}

/** Ordered by what matters: packages with new findings, then with findings that are gone, then by name. */
export function compare(before: Side, after: Side): Comparison {
  const [was, is] = [versions(before.packages), versions(after.packages)];
  const [wasKeys, isKeys] = [
    new Set(before.findings.map(findingKey)),
    new Set(after.findings.map(findingKey)),
  ];
  const gone = only(before.findings, isKeys);
  const fresh = only(after.findings, wasKeys);
  const [goneBy, freshBy] = [byPackage(gone), byPackage(fresh)];
  const packages: PackageChange[] = [];
  let same = 0;
  for (const key of new Set([...was.keys(), ...is.keys()])) {
    const [old, now] = [[...(was.get(key) ?? [])].sort(), [...(is.get(key) ?? [])].sort()];
    if (old.join("\n") === now.join("\n")) {
      same += 1;
      continue;
    }
    const space = key.indexOf(" ");
    packages.push({
      type: key.slice(0, space),
      name: key.slice(space + 1),
      change: old.length === 0 ? "added" : now.length === 0 ? "removed" : "changed",
      before: old,
      after: now,
      gone: goneBy.get(key) ?? 0,
      fresh: freshBy.get(key) ?? 0,
    });
  }
  packages.sort((a, b) => b.fresh - a.fresh || b.gone - a.gone || a.name.localeCompare(b.name));
  return {
    packages,
    same,
    gone,
    fresh,
    both: [...wasKeys].filter((key) => isKeys.has(key)).length,
  };
}
