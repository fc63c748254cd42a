// Frameworks and their controls: names, sections and figures.

import type { ControlCounts } from "../api/posture";

const NAMES: Record<string, string> = {
  "cis-aws-foundations": "CIS AWS Foundations",
  "cis-kubernetes": "CIS Kubernetes",
  dora: "DORA",
  "gdpr-article-32": "GDPR, article 32",
  "hipaa-security-rule": "HIPAA Security Rule",
  "iso-27001": "ISO 27001",
  nis2: "NIS2",
  "nist-800-190": "NIST SP 800-190",
  "nist-800-53": "NIST SP 800-53",
  "nist-csf": "NIST CSF",
  "nsa-cisa-kubernetes": "NSA/CISA Kubernetes",
  "pci-dss": "PCI DSS",
  "soc-2-tsc": "SOC 2 TSC",
};

/** `NIST SP 800-53 r5` of `nist-800-53-r5`; an unknown framework keeps its id. */
export function frameworkName(id: string): string {
  const whole = NAMES[id];
  if (whole) return whole;
  const dash = id.lastIndexOf("-");
  const name = NAMES[id.slice(0, Math.max(dash, 0))];
  return name ? `${name} ${id.slice(dash + 1)}` : id;
}

/** The part of a framework that a control stands in, by its id: `AC` of `AC-6(1)`, `5.2` of `5.2.3`, `164.308` of
 * `164.308(a)(1)`. */
export function sectionOf(control: string): string {
  const open = control.indexOf("(");
  const head = open > 0 ? control.slice(0, open) : control;
  const numeric = /^[\d.]+$/.test(head);
  if (open > 0 && numeric) return head;
  const separator = head.includes(".") ? "." : "-";
  const parts = head.split(separator);
  return parts.length < 2 ? head : parts.slice(0, Math.min(parts.length - 1, 2)).join(separator);
}

/** Controls of which something could be told. */
export const told = (counts: ControlCounts): number => counts.met + counts.partly + counts.not_met;

export const controlsOf = (counts: ControlCounts): number =>
  told(counts) + counts.manual + counts.not_assessed;

export const STATUSES = ["not-met", "partly", "met", "not-assessed", "manual"] as const;
export type Status = (typeof STATUSES)[number];

const STATUS_NAMES: Record<string, string> = {
  "not-met": "Not met",
  partly: "Partly met",
  met: "Met",
  "not-assessed": "Not assessed",
  manual: "Manual",
};
export const statusName = (status: string): string => STATUS_NAMES[status] ?? status;

const STATUS_MEANINGS: Record<string, string> = {
  "not-met": "All that could be told fails",
  partly: "Some of it fails",
  met: "All that could be told passes",
  "not-assessed": "Nothing was seen that could tell",
  manual: "Only people can tell",
};
export const statusMeaning = (status: string): string => STATUS_MEANINGS[status] ?? "";

const STATUS_TONES: Record<string, string> = { "not-met": "bad", partly: "warn", met: "good" };
/** The class of the tag; nothing where nothing was told. */
export const statusTone = (status: string): string => STATUS_TONES[status] ?? "";

export function countOf(counts: ControlCounts, status: Status): number {
  return counts[status.replace("-", "_") as "met" | "partly" | "not_met" | "manual" | "not_assessed"];
}
