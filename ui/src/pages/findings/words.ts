import type { FixState } from "../../api/types";

const FIX: Record<FixState, string> = {
  fixed: "fixed",
  "not-fixed": "no fix yet",
  "wont-fix": "will not be fixed",
  deferred: "fix postponed",
  "end-of-life": "end of life",
  unknown: "fix unknown",
};

export const fixWord = (state: string): string => FIX[state as FixState] ?? state;

const FACETS: Record<string, Record<string, string>> = {
  state: { open: "Open", fixed: "Fixed" },
  status: {
    open: "Nobody has said anything",
    reopened: "Reopened",
    acknowledged: "Acknowledged",
    "in-progress": "Being mended",
    accepted: "Risk accepted",
    "false-positive": "False positive",
  },
  assignee: { "-": "nobody" },
  overdue: { true: "Overdue" },
  kev: { true: "Known exploited", false: "Not known exploited" },
  fixable: { true: "Fix available", false: "No fix" },
  suppressed: { true: "Suppressed", false: "Counts" },
  class: {
    vulnerability: "Vulnerability",
    misconfiguration: "Misconfiguration",
    secret: "Secret",
    malware: "Malware",
    license: "Licence",
  },
};

/** Where people stand, in a word or two. */
export const triageWord = (status: string): string =>
  status === "open" ? "Open" : (FACETS.status?.[status] ?? status);

/** The words for a filter value; values from scans stay as they are. */
export const facetWord = (facet: string, value: string): string => FACETS[facet]?.[value] ?? value;
