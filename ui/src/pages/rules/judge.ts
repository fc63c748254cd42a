import type { RuleFigures } from "../../api/runtime";

/** Incidents of the rule that somebody said something about. */
export const judged = (rule: RuleFigures): number => rule.true_positives + rule.benign + rule.false_positives;

/** Enough judgements to say something, and most of them against the rule. */
const JUDGED_MIN = 5;
const PRECISE_MIN = 0.2;
export const noisy = (rule: RuleFigures): boolean =>
  judged(rule) >= JUDGED_MIN && (rule.precision ?? 1) < PRECISE_MIN;

/** In the order asked for; rules that nobody judged are neither precise nor not, and come last. */
export function ordered(rules: readonly RuleFigures[], order: string | undefined): RuleFigures[] {
  const name = (a: RuleFigures, b: RuleFigures) => (a.rule < b.rule ? -1 : 1);
  return [...rules].sort((a, b) => {
    if (order === "precision")
      return (a.precision ?? 2) - (b.precision ?? 2) || b.detections - a.detections || name(a, b);
    if (order === "last") return Date.parse(b.last) - Date.parse(a.last) || name(a, b);
    return b.detections - a.detections || name(a, b);
  });
}
