// Which values the filters offer, and how many findings there are in all. Pure, so that it can be tested without a page.

import type { FacetName, Facets } from "../../api/types";
import { type FindingSearch, TRIAGES, toggled } from "../../app/search";
import { SEVERITIES } from "../../parts/severity";

export interface Group {
  name: FacetName;
  title: string;
  /** Values that are always offered; the others come from the data. */
  fixed?: readonly string[];
  /** Several values may hold at once. */
  many: boolean;
}

export const GROUPS: readonly Group[] = [
  { name: "severity", title: "Severity", fixed: SEVERITIES, many: true },
  { name: "state", title: "State", fixed: ["open", "fixed"], many: true },
  { name: "status", title: "Where people stand", fixed: TRIAGES, many: true },
  { name: "kev", title: "Exploitation", fixed: ["true", "false"], many: false },
  { name: "fixable", title: "Fix", fixed: ["true", "false"], many: false },
  { name: "suppressed", title: "Suppression", fixed: ["false", "true"], many: false },
  { name: "asset", title: "Asset", many: false },
  { name: "package", title: "Package", many: false },
];

/** Severities that are offered only where there are some. */
const RARE = ["negligible", "none", "unknown"];

export interface Option {
  value: string;
  label: string;
  /** Absent when the server did not count this. */
  count: number | undefined;
  on: boolean;
}

export function chosen(group: Group, search: FindingSearch): readonly string[] {
  const value = search[group.name];
  if (value === undefined) return [];
  return group.many ? value.split(",") : [value];
}

export function options(group: Group, facets: Facets, search: FindingSearch): Option[] {
  const on = chosen(group, search);
  const known = facets[group.name];
  const counted = (known ?? []).map((each) => {
    const value = String(each.value);
    return { value, label: each.label ?? value, count: each.count, on: on.includes(value) };
  });
  const absent = (value: string, count: number | undefined) => ({
    value,
    label: value,
    count,
    on: on.includes(value),
  });
  const find = (value: string) => counted.find((each) => each.value === value);
  if (group.fixed) {
    return group.fixed
      .map((value) => find(value) ?? absent(value, known ? 0 : undefined))
      .filter((each) => each.on || !RARE.includes(each.value) || (each.count ?? 0) > 0);
  }
  // A chosen value that is not among the most frequent must still be there to be taken out.
  return [...on.filter((value) => !find(value)).map((value) => absent(value, undefined)), ...counted];
}

/** The change of the address that a click on a value makes. */
export function clicked(group: Group, value: string, search: FindingSearch): FindingSearch {
  if (group.many) return { [group.name]: toggled(search[group.name], value) };
  return { [group.name]: search[group.name] === value ? undefined : value };
}

/** The change that takes a value out and leaves the others; nothing where not all values are known, since the server has
 * no "not". */
export function excluded(group: Group, value: string, search: FindingSearch): FindingSearch | null {
  if (!group.fixed) return null;
  const on = chosen(group, search);
  const left = (on.length > 0 ? on : group.fixed).filter((each) => each !== value);
  if (left.length === 0) return null;
  return { [group.name]: left.length === group.fixed.length ? undefined : left.join(",") };
}

/** Findings under the filter: as the server says, else the sum of a facet that each finding has exactly one value of. */
export function totalOf(facets: Facets | undefined, search: FindingSearch): number | undefined {
  if (facets?.matching !== undefined) return facets.matching;
  if (!facets?.severity) return undefined;
  const wanted = search.severity?.split(",");
  return facets.severity
    .filter((each) => !wanted || wanted.includes(String(each.value)))
    .reduce((sum, each) => sum + each.count, 0);
}
