import { describe, expect, it } from "vitest";
import type { RuleFigures } from "../../api/runtime";
import { noisy, ordered } from "./judge";

const rule = (name: string, more: Partial<RuleFigures> = {}): RuleFigures => ({
  rule: name,
  title: name,
  severity: "low",
  detections: 0,
  suppressed: 0,
  last: "2026-11-21T00:00:00Z",
  true_positives: 0,
  benign: 0,
  false_positives: 0,
  precision: null,
  ...more,
});
const names = (rules: RuleFigures[]) => rules.map((each) => each.rule).join("");

describe("figures of rules", () => {
  it("calls a rule noisy only after enough judgements", () => {
    expect(noisy(rule("a", { benign: 4, precision: 0 }))).toBe(false);
    expect(noisy(rule("a", { benign: 4, false_positives: 1, precision: 0 }))).toBe(true);
    expect(noisy(rule("a", { benign: 4, true_positives: 1, precision: 0.2 }))).toBe(false);
    expect(noisy(rule("a", { detections: 1e6 }))).toBe(false);
  });
  it("orders by detections, by precision with the unjudged last, and by time", () => {
    const rules = [
      rule("a", { detections: 1, precision: 0.5, last: "2026-11-22T00:00:00Z" }),
      rule("b", { detections: 9, last: "2026-11-23T00:00:00Z" }),
      rule("c", { detections: 5, precision: 0.1 }),
    ];
    expect(names(ordered(rules, undefined))).toBe("bca");
    expect(names(ordered(rules, "precision"))).toBe("cab");
    expect(names(ordered(rules, "last"))).toBe("bac");
  });
});
