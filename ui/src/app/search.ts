// The URL is the state. Search parameters are plain strings, the same words that the API takes, so that a link can be
// read, written by hand and pasted into curl.

import type { Triage } from "../api/types";
import { SEVERITIES } from "../parts/severity";
import { GROUPINGS, type Grouping } from "../text/groups";
import type { Known } from "../text/query";

export type Search = Record<string, string>;

/** Longest value read from a URL; longer ones are dropped, since the API would refuse them. */
const VALUE_MAX = 1_024;

/** Longest value of any address: the id of a resource. */
const PARAM_MAX = 2_100;

export function parseSearch(text: string): Search {
  const search: Search = {};
  for (const [key, value] of new URLSearchParams(text)) {
    if (value !== "" && value.length <= PARAM_MAX) search[key] = value;
  }
  return search;
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (typeof value === "string" && value !== "") params.set(key, value);
  }
  const text = params.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return text ? `?${text}` : "";
}

export const SORTS = ["severity", "risk", "-last_seen", "package"] as const;
export type Sort = (typeof SORTS)[number];

/** What the findings list understands. Absent means "any". */
export interface FindingSearch {
  severity?: string;
  state?: string;
  class?: string;
  kev?: string;
  fixable?: string;
  suppressed?: string;
  asset?: string;
  package?: string;
  rule?: string;
  /** Path of a resource in the asset. */
  subject?: string;
  /** Where people stand with it. */
  status?: string;
  /** A person; `-` for nobody. */
  assignee?: string;
  tag?: string;
  /** `palisade`, or the name of a source of imports. */
  found_by?: string;
  /** Only what should be gone by now. */
  overdue?: string;
  /** In the language of filters: `severity>=high and not tag:x`. */
  filter?: string;
  q?: string;
  sort?: Sort;
  /** Columns switched off. */
  hide?: string;
  /** Fingerprint of the open drawer. */
  finding?: string;
}

/** Where people can stand with a finding. */
export const TRIAGES: readonly Triage[] = [
  "open",
  "reopened",
  "acknowledged",
  "in-progress",
  "accepted",
  "false-positive",
];

/** What can be typed into the search field of the findings. */
export const TYPED: Known = {
  severity: SEVERITIES,
  state: ["open", "fixed"],
  class: ["vulnerability", "misconfiguration", "secret", "malware", "license"],
  kev: ["true", "false"],
  fixable: ["true", "false"],
  suppressed: ["true", "false"],
  status: TRIAGES,
  overdue: ["true"],
  asset: null,
  package: null,
  rule: null,
  subject: null,
  assignee: null,
  tag: null,
  filter: null,
};
const FLAGS = ["kev", "fixable", "suppressed", "overdue"] as const;
const TEXTS = [
  "asset",
  "package",
  "rule",
  "subject",
  "assignee",
  "tag",
  "found_by",
  "filter",
  "q",
  "hide",
  "finding",
] as const;

/** Keeps what is understood and drops the rest, so that a stale or hand-made link still opens. */
export function findingSearch(raw: Record<string, unknown>): FindingSearch {
  const search: FindingSearch = {};
  const text = (key: string) => {
    const value = raw[key];
    return typeof value === "string" && value !== "" && value.length <= VALUE_MAX ? value : undefined;
  };
  for (const key of ["severity", "state", "class", "status"] as const) {
    const wanted = text(key)?.split(",") ?? [];
    const words = (TYPED[key] ?? []).filter((word) => wanted.includes(word));
    if (words.length > 0) search[key] = words.join(",");
  }
  for (const key of FLAGS) {
    const value = text(key);
    if (value === "true" || value === "false") search[key] = value;
  }
  for (const key of TEXTS) {
    const value = text(key);
    if (value !== undefined) search[key] = value;
  }
  const sort = SORTS.find((each) => each === text("sort"));
  if (sort) search.sort = sort;
  return search;
}

/** The part of the state that the server filters by. */
export function filterOf(search: FindingSearch): FindingSearch {
  const { sort: _sort, hide: _hide, finding: _finding, ...filter } = search;
  return filter;
}

/** Adds the word to a list, or takes it out. */
export function toggled(list: string | undefined, word: string): string | undefined {
  const words = list ? list.split(",") : [];
  const next = words.includes(word) ? words.filter((each) => each !== word) : [...words, word];
  return next.length > 0 ? next.join(",") : undefined;
}

/** What counts as a problem now: the base of every figure on the overview. */
export const OPEN: FindingSearch = { state: "open", suppressed: "false" };

/** Which two images are compared, and which kind of difference is shown. */
export interface CompareSearch {
  a?: string | undefined;
  b?: string | undefined;
  change?: "added" | "removed" | "changed" | undefined;
}

export function compareSearch(raw: Record<string, unknown>): CompareSearch {
  const id = (value: unknown) =>
    typeof value === "string" && value !== "" && value.length <= VALUE_MAX ? value : undefined;
  return {
    a: id(raw.a),
    b: id(raw.b),
    change: (["added", "removed", "changed"] as const).find((each) => each === raw.change),
  };
}

export interface VulnerabilitySearch extends Pick<FindingSearch, "severity" | "kev" | "fixable" | "q"> {
  /** Absent: by CVE. */
  by?: Grouping;
}

export function vulnerabilitySearch(raw: Record<string, unknown>): VulnerabilitySearch {
  const { severity, kev, fixable, q } = findingSearch(raw);
  const by = GROUPINGS.find((each) => each === raw.by);
  const search: VulnerabilitySearch = { by, severity, kev, fixable, q };
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined));
}
