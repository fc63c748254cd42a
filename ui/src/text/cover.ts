// How well rules cover the techniques of ATT&CK.

import type { AttackTechnique } from "../api/runtime";
import { tacticName, tacticsIn } from "./runtime";

export type Cover = "tested" | "through" | "untested" | "none";

/** Only a rule with a replayed test that fired counts as cover, be it of a part of the technique. */
export function coverOf(technique: Pick<AttackTechnique, "rules" | "tested" | "through">): Cover {
  if (technique.tested) return "tested";
  if (technique.through.length > 0) return "through";
  return technique.rules.length > 0 ? "untested" : "none";
}

const NAMES: Record<Cover, string> = {
  tested: "Covered by a tested rule",
  through: "Covered by a sub-technique’s",
  untested: "A rule without a test that fired",
  none: "No rule",
};
const SHORT: Record<Cover, string> = {
  tested: "tested",
  through: "in part",
  untested: "no test",
  none: "no rule",
};
export const coverName = (cover: Cover): string => NAMES[cover];
export const coverShort = (cover: Cover): string => SHORT[cover];

const PLATFORMS: Record<string, string> = { containers: "Containers", iaas: "Cloud (IaaS)" };
export const platformName = (id: string): string => PLATFORMS[id] ?? id;

export interface TacticColumn {
  id: string;
  name: string;
  techniques: AttackTechnique[];
}

/** The matrix: techniques under each tactic, sub-techniques right after the one they are of. */
export function columnsOf(techniques: readonly AttackTechnique[]): TacticColumn[] {
  const sorted = [...techniques].sort((a, b) => (a.id < b.id ? -1 : 1));
  return tacticsIn(sorted.flatMap((each) => each.tactics)).map((tactic) => ({
    id: tactic,
    name: tacticName(tactic),
    techniques: sorted.filter((each) => each.tactics.includes(tactic)),
  }));
}

/** How many techniques there are of each cover. */
export function coverCounts(techniques: readonly AttackTechnique[]): Record<Cover, number> {
  const counts: Record<Cover, number> = { tested: 0, through: 0, untested: 0, none: 0 };
  for (const technique of techniques) counts[coverOf(technique)] += 1;
  return counts;
}
