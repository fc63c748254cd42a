import { describe, expect, it } from "vitest";
import type { HealthFacts } from "../api/health";
import { healthOf } from "./health";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const WELL: HealthFacts = {
  advisories: { loaded: true, as_of: "2026-11-22T01:00:00Z" },
  overview: {
    findings_by_severity: {},
    kev_open: 0,
    fixable_open: 0,
    images: 1,
    packages: 1,
    scans_running: 0,
    gaps: 0,
    newest: [],
  },
  scans: [{ state: "finished" }],
  sensors: { seeing: 2, blind: 0, silent: 0 },
  sources: [{ disabled: false, drops: 0, problems: 0 }],
  plugins: [{ state: "ready", denials: 0 }],
  followers: [{ state: "following", code: null, reason: null }],
  stops: [],
};
const line = (facts: HealthFacts, area: string) =>
  healthOf(facts, NOW).find((each) => each.area === area) ?? { level: "missing", says: "", next: "" };

describe("healthOf", () => {
  it("has nothing to say against what is well", () => {
    expect(healthOf(WELL, NOW).map((each) => each.level)).toEqual(Array(8).fill("good"));
    expect(healthOf(WELL, NOW).every((each) => each.why === undefined)).toBe(true);
  });
  it("never calls good what the server did not tell", () => {
    const lines = healthOf({}, NOW);
    expect(lines.map((each) => each.level)).toEqual(Array(8).fill("unknown"));
    expect(lines.every((each) => each.why && each.next)).toBe(true);
  });
  it("tells each trouble with why and what to do", () => {
    const troubles: [string, string, HealthFacts][] = [
      ["Advisory data", "bad", { advisories: { loaded: false } }],
      ["Advisory data", "warn", { advisories: { as_of: "2026-11-12T00:00:00Z" } }],
      ["Advisory data", "warn", { advisories: { sample: true, as_of: "2026-11-22T00:00:00Z" } }],
      ["Scans", "warn", { scans: [{ state: "failed" }, { state: "finished" }] }],
      ["Sensors", "bad", { sensors: { seeing: 1, blind: 1, silent: 0 } }],
      ["Sensors", "warn", { sensors: { seeing: 1, blind: 0, silent: 1 } }],
      ["Sources of events", "warn", { sources: [{ disabled: false, drops: 3, problems: 0 }] }],
      ["Sources of events", "warn", { sources: [] }],
      ["Coverage", "warn", { scans: [] }],
      ["Plugins", "bad", { plugins: [{ state: "quarantined", denials: 0 }] }],
      ["Plugins", "warn", { plugins: [{ state: "ready", denials: 2 }] }],
      ["Clusters followed", "bad", { followers: [{ state: "failed", code: "x", reason: "No route" }] }],
      ["Responses", "warn", { stops: [{ playbook: "" }] }],
    ];
    for (const [area, level, change] of troubles) {
      const found = healthOf({ ...WELL, ...change }, NOW).find((each) => each.area === area);
      expect([area, found?.level]).toEqual([area, level]);
      expect(found?.why && found.next).toBeTruthy();
    }
  });
  it("has the worst first", () => {
    const levels = healthOf(
      {
        ...WELL,
        plugins: undefined,
        stops: [{ playbook: "x" }],
        followers: [{ state: "failed", code: null, reason: null }],
      },
      NOW,
    ).map((each) => each.level);
    expect(levels.slice(0, 4)).toEqual(["bad", "unknown", "warn", "good"]);
  });
  it("tells why a cluster is not followed", () => {
    const facts = { ...WELL, followers: [{ state: "failed", code: "x", reason: "No route" }] };
    expect(line(facts, "Clusters followed").next).toBe("No route");
  });
});
