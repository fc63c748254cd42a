import type { FindingRow } from "../api/types";

/** What a finding is about, where that is no package: rule, object and sentence, as the table shows them apart. */
export interface Subject {
  /** The rule without the plugin that has it, which the details name. */
  rule: string;
  /** The object; empty where the title does not begin with one. */
  object: string;
  /** What is wrong with it. */
  sentence: string;
}

/** Takes the title of a finding about an object apart: `shop/Deployment web: Container web is privileged.` */
export function subjectOf(row: Pick<FindingRow, "rule" | "title" | "class">): Subject {
  if (row.class !== "misconfiguration") return { rule: row.rule, object: "", sentence: row.title };
  const rule = row.rule.slice(row.rule.lastIndexOf("/") + 1) || row.rule;
  const colon = row.title.indexOf(": ");
  if (colon <= 0) return { rule, object: "", sentence: row.title };
  return { rule, object: row.title.slice(0, colon), sentence: row.title.slice(colon + 2) };
}
