import { expect, test } from "vitest";
import { controlsOf, countOf, frameworkName, sectionOf, told } from "./control";

test("each framework's ids fall into its sections", () => {
  const cases: [string, string][] = [
    ["AC-2", "AC"],
    ["AC-6(10)", "AC"],
    ["5.2.3", "5.2"],
    ["3.3.1.2", "3.3"],
    ["7.3", "7"],
    ["A.5.15", "A.5"],
    ["CC6.1", "CC6"],
    ["PR.AA-01", "PR"],
    ["164.308(a)(1)(i)", "164.308"],
    ["32(1)(a)", "32"],
    ["9(3)(d)", "9"],
    ["upgrades.scans-and-tests", "upgrades"],
    ["single", "single"],
    ["", ""],
  ];
  for (const [control, section] of cases) expect(sectionOf(control), control).toBe(section);
});

test("frameworks have their usual names, unknown ones their id", () => {
  expect(frameworkName("nist-800-53-r5")).toBe("NIST SP 800-53 r5");
  expect(frameworkName("dora")).toBe("DORA");
  expect(frameworkName("gdpr-article-32")).toBe("GDPR, article 32");
  expect(frameworkName("cis-aws-foundations-7.0")).toBe("CIS AWS Foundations 7.0");
  expect(frameworkName("own-rules")).toBe("own-rules");
});

test("coverage counts what could be told, of all", () => {
  const counts = { met: 1, partly: 2, not_met: 3, manual: 4, not_assessed: 5, score: 33 };
  expect(told(counts)).toBe(6);
  expect(controlsOf(counts)).toBe(15);
  expect(countOf(counts, "not-met")).toBe(3);
  expect(countOf(counts, "not-assessed")).toBe(5);
});
