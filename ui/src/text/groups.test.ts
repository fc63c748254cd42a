import { describe, expect, it } from "vitest";
import type { FindingRow } from "../api/types";
import { groupsOf } from "./groups";

const row = (rule: string, asset: string, more: Partial<FindingRow> = {}): FindingRow => ({
  fingerprint: `${rule} ${asset}`,
  rule,
  title: rule,
  class: "vulnerability",
  severity: "high",
  severity_source: "",
  risk: 40,
  state: "open",
  asset: { id: asset, name: asset, kind: "image" },
  package: { type: "npm", name: "left", version: "1", purl: "" },
  fix: { state: "fixed", versions: ["2"] },
  kev: false,
  first_seen_at: "2026-02-02T00:00:00Z",
  last_seen_at: "",
  status: "open",
  version: 1,
  ...more,
});

describe("groupsOf", () => {
  it("puts what is exploited first, then severity, then how much goes with it", () => {
    const groups = groupsOf(
      [
        row("B", "a"),
        row("B", "b"),
        row("A", "a"),
        row("C", "a", { severity: "critical" }),
        row("D", "a", { severity: "low", kev: true }),
      ],
      "cve",
    );
    expect(groups.map((group) => [group.key, group.findings, group.assets])).toEqual([
      ["D", 1, 1],
      ["C", 1, 1],
      ["B", 2, 2],
      ["A", 1, 1],
    ]);
  });
  it("groups by the package that is updated, and leaves out what has no fix", () => {
    const [only, ...others] = groupsOf(
      [
        row("A", "a", { fix: { state: "fixed", versions: ["10"] } }),
        row("B", "b", { fix: { state: "fixed", versions: ["3"] }, epss: { score: 0.4, percentile: 1 } }),
        row("C", "b", { fix: { state: "not-fixed" } }),
        row("D", "b", { package: null }),
      ],
      "fix",
    );
    expect(others).toEqual([]);
    expect(only).toMatchObject({ findings: 2, rules: 2, versions: ["3", "10"], epss: 0.4, fixable: 2 });
  });
  it("counts every finding once over all groups of a CVE or an asset", () => {
    const rows = [row("A", "a"), row("A", "b"), row("B", "b")];
    for (const by of ["cve", "asset"] as const)
      expect(groupsOf(rows, by).reduce((sum, group) => sum + group.findings, 0)).toBe(3);
  });
  it("tells a severity it does not know as the least", () => {
    const groups = groupsOf([row("A", "a", { severity: "odd" as "high" }), row("B", "a")], "cve");
    expect(groups.map((group) => group.key)).toEqual(["B", "A"]);
  });
});
