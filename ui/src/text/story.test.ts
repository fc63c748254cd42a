import { describe, expect, it } from "vitest";
import type { Detection, IncidentStep } from "../api/runtime";
import { castOf, proofOf, storyOf } from "./story";

const detection = (id: string, title: string, more: Partial<Detection> = {}): Detection => ({
  id,
  rule: "palisade.sigma/sigma-detection",
  plugin: "sha256:0",
  title,
  severity: "high",
  asset: "k8s:c/apps/Deployment/store/checkout",
  key: id,
  first: "2026-11-23T01:00:00Z",
  last: "2026-11-23T01:00:00Z",
  found_at: "2026-11-23T01:00:01Z",
  late: false,
  techniques: [],
  evidence: { matched: [] },
  subject: { pod: { name: "checkout-1" } },
  suppressed_by: null,
  ...more,
});

const step = (count: number, detections: Detection[]) => ({
  step: { rule: "r", asset: "a", title: "t", count } as IncidentStep,
  detections,
});

describe("the story of an incident", () => {
  it("tells each thing that one rule saw, in the order of time", () => {
    const shell = detection("a", "Script downloaded and run");
    const miner = detection("b", "Crypto miner started", {
      first: "2026-11-23T01:00:40Z",
      last: "2026-11-23T01:00:40Z",
      severity: "critical",
    });
    const { seen, more } = storyOf([step(5, [miner, shell])]);
    expect(seen.map((each) => each.title)).toEqual(["Script downloaded and run", "Crypto miner started"]);
    expect(seen.map((each) => each.last)).toEqual(["2026-11-23T01:00:00Z", "2026-11-23T01:00:40Z"]);
    expect(more).toBe(3);
  });
  it("joins what two sensors saw in one pod, and keeps pods apart", () => {
    const pod = "k8s:c/core/Pod/store/checkout-1";
    const { seen } = storyOf([
      step(1, [detection("a", "Crypto miner started", { techniques: ["T1496"] })]),
      step(1, [detection("b", "Crypto miner started", { asset: pod, severity: "critical" })]),
      step(1, [detection("c", "Crypto miner started", { subject: { pod: { name: "checkout-2" } } })]),
    ]);
    expect(seen.map((each) => [each.severity, each.assets.length, each.detections.length])).toEqual([
      ["critical", 2, 2],
      ["high", 1, 1],
    ]);
    expect(seen[0]?.techniques).toEqual(["T1496"]);
  });
  it("says what is known of the place beside what was seen there", () => {
    const { seen } = storyOf([
      step(1, [detection("a", "Shell")]),
      step(1, [
        detection("b", "Shell on a workload from which a way leads to its node", { severity: "critical" }),
      ]),
    ]);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      title: "Shell",
      severity: "critical",
      worse: ["on a workload from which a way leads to its node"],
    });
  });
  it("keeps the latest word of a rule over several detections, and no entry for it", () => {
    const stages = (id: string, count: number, found: string) =>
      detection(id, `An attack of ${count} stages`, {
        evidence: { stages: [] },
        subject: null,
        found_at: found,
      });
    const { seen, concluded } = storyOf([
      step(2, [stages("b", 5, "2026-11-23T01:00:09Z"), stages("a", 3, "2026-11-23T01:00:05Z")]),
    ]);
    expect(seen).toEqual([]);
    expect(concluded.map((each) => each.title)).toEqual(["An attack of 5 stages"]);
  });
});

describe("who took part", () => {
  it("names each once, with where it came from", () => {
    const call = (ip: string) => ({ actor: { name: "mallory", sourceIps: [ip] }, node: "node-1" });
    const { seen } = storyOf([
      step(2, [
        detection("a", "x", { subject: call("192.0.2.1") }),
        detection("b", "y", { subject: call("192.0.2.2") }),
      ]),
    ]);
    expect(castOf(seen)).toMatchObject({
      principals: [{ name: "mallory", from: ["192.0.2.1", "192.0.2.2"] }],
      nodes: ["node-1"],
      commands: [],
    });
  });
  it("proves with the command and the connection", () => {
    expect(proofOf(null)).toBe("");
    expect(
      proofOf({
        process: { binary: "/bin/nc" },
        network: { destinationIp: "192.0.2.1", destinationPort: 1 },
      }),
    ).toBe("/bin/nc; 192.0.2.1:1");
  });
});
