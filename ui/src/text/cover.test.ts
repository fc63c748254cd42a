import { describe, expect, it } from "vitest";
import type { AttackTechnique } from "../api/runtime";
import { columnsOf, coverCounts, coverOf } from "./cover";

const technique = (
  id: string,
  more: Partial<AttackTechnique> = {},
  tactics = ["execution"],
): AttackTechnique => ({
  id,
  name: id,
  tactics,
  platforms: ["containers"],
  url: "",
  rules: [],
  proofs: [],
  tested: false,
  tests: 0,
  sources: [],
  through: [],
  detections: 0,
  ...more,
});

describe("cover of techniques", () => {
  it("counts a rule only with a test that fired", () => {
    expect(coverOf(technique("T1"))).toBe("none");
    expect(coverOf(technique("T1", { rules: ["a"] }))).toBe("untested");
    expect(coverOf(technique("T1", { rules: ["a"], proofs: ["a"], tested: true }))).toBe("tested");
  });
  it("tells a technique that only a sub-technique covers from both", () => {
    expect(coverOf(technique("T1", { rules: ["a"], through: ["T1.001"] }))).toBe("through");
  });
  it("counts a technique of two tactics once", () => {
    const techniques = [
      technique("T1609", { tested: true }, ["execution", "privilege-escalation"]),
      technique("T1610", { rules: ["a"] }),
      technique("T1611"),
    ];
    expect(coverCounts(techniques)).toEqual({ tested: 1, through: 0, untested: 1, none: 1 });
  });
  it("puts sub-techniques after their own, under each tactic in its order", () => {
    const columns = columnsOf([
      technique("T1611", {}, ["privilege-escalation"]),
      technique("T1059.004"),
      technique("T1610"),
      technique("T1059"),
      technique("T1700", {}, ["a-new-one"]),
    ]);
    expect(columns.map((each) => [each.name, each.techniques.map((one) => one.id)])).toEqual([
      ["Execution", ["T1059", "T1059.004", "T1610"]],
      ["Privilege Escalation", ["T1611"]],
      ["A new one", ["T1700"]],
    ]);
  });
});
