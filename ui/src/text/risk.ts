// The terms of a risk in words, and its formula with their values put in.

import type { RiskTerm, RiskTermName } from "../api/types";

const NAMES: Record<RiskTermName, { name: string; unit: "points" | "percent" | "added" }> = {
  impact: { name: "Impact", unit: "points" },
  exploitation: { name: "Exploitation", unit: "percent" },
  remedy: { name: "Remedy", unit: "percent" },
  exposure: { name: "Exposure", unit: "added" },
  "in-use": { name: "In use", unit: "added" },
  privilege: { name: "Privilege", unit: "added" },
};

/** What a place has of which nothing is known, in percent. */
const PLACE_UNKNOWN = 70;

export const termName = (name: RiskTermName) => NAMES[name] ?? { name, unit: "percent" };

/** `98 × 100 % × 100 % × (70 + 15 + 5 + 0) %`. */
export function formula(terms: readonly RiskTerm[]): string {
  const of = (unit: string) => terms.filter((term) => termName(term.name).unit === unit);
  const place = [PLACE_UNKNOWN, ...of("added").map((term) => term.value)];
  const factors = [
    ...of("points").map((term) => `${term.value}`),
    ...of("percent").map((term) => `${term.value} %`),
  ];
  return [...factors, `(${place.join(" + ")}) %`].join(" × ");
}
