import { describe, expect, it } from "vitest";
import type { Plugin, PluginVersion } from "../../api/types";
import { actionsFor, faultsOf, memoryUse, needs, safeToPromote, sortByNeed, stuck, timeUse } from "./judge";

const version = (digest: string, state: string, more: Partial<PluginVersion> = {}): PluginVersion => ({
  digest,
  version: digest,
  state: state as PluginVersion["state"],
  source: "upload",
  signers: [],
  installed_at: "2026-11-22T12:00:00Z",
  asked: [],
  added: [],
  removed: [],
  ...more,
});

const plugin = (more: Partial<Plugin> = {}): Plugin => ({
  id: "a",
  version: "now",
  publisher: "",
  license: "",
  description: "",
  digest: "now",
  kinds: [],
  state: "ready",
  source: "upload",
  contract: "0.1.0",
  asked: [],
  granted: [],
  limits: { "memory-mib": 64, wall_ms: 30_000 },
  calls: 0,
  faults: [],
  cost: {
    latency_p50_us: 0,
    latency_p99_us: 0,
    queued_p50_us: 0,
    queued_p99_us: 0,
    cpu_ms: 0,
    memory_peak_bytes: 0,
    host_calls: 0,
    bytes_out: 0,
  },
  capability_calls: {},
  denials: 0,
  logs: [],
  interests: [],
  versions: [],
  ...more,
});

describe("needs", () => {
  it("are named worst first", () => {
    expect(needs(plugin())).toEqual([]);
    const all = plugin({
      state: "quarantined",
      versions: [
        version("c", "canary"),
        version("r", "refused"),
        version("w", "waiting"),
        version("now", "ready"),
      ],
    });
    expect(needs(all)).toEqual(["quarantined", "waiting", "trouble", "canary"]);
    expect(needs(plugin({ state: "degraded" }))).toEqual(["degraded"]);
  });

  it("order the list, and the id does where nothing is needed", () => {
    const list = [
      plugin({ id: "b" }),
      plugin({ id: "canary", versions: [version("c", "canary")] }),
      plugin({ id: "a" }),
      plugin({ id: "bad", state: "quarantined" }),
      plugin({ id: "asks", versions: [version("w", "waiting")] }),
    ];
    expect(sortByNeed(list).map(({ id }) => id)).toEqual(["bad", "asks", "canary", "a", "b"]);
  });

  it("leave out failures that a later version has overtaken", () => {
    const versions = [version("new", "refused"), version("now", "ready"), version("old", "refused")];
    expect(stuck(plugin({ versions })).map(({ digest }) => digest)).toEqual(["new"]);
    expect(stuck(plugin({ versions: [version("now", "quarantined")] }))).toEqual([]);
  });
});

describe("figures", () => {
  it("count no refusal in quarantine as a failed call", () => {
    const faults = [
      { kind: "cpu", count: 4 },
      { kind: "quarantined", count: 212 },
      { kind: "trap", count: 1 },
    ];
    expect(faultsOf({ calls: 50, faults })).toEqual({ failed: 5, refused: 212, share: 0.1 });
    expect(faultsOf({ calls: 0, faults: [] })).toEqual({ failed: 0, refused: 0, share: null });
    expect(faultsOf({ calls: 1, faults }).share).toBe(1);
  });

  it("are near a limit from nine tenths of it on", () => {
    const cost = plugin().cost;
    const using = (memory_peak_bytes: number, latency_p99_us: number) =>
      plugin({ cost: { ...cost, memory_peak_bytes, latency_p99_us } });
    expect(memoryUse(using(60_397_978, 0))).toMatchObject({ limit: 67_108_864, near: true });
    expect(memoryUse(using(60_397_977, 0)).near).toBe(false);
    expect(timeUse(using(0, 27_000_000))).toMatchObject({ limit: 30_000_000, near: true });
    expect(timeUse(using(0, 26_999_999)).near).toBe(false);
    expect(timeUse({ ...using(0, 1), limits: {} })).toMatchObject({ limit: undefined, near: false });
  });
});

describe("actionsFor", () => {
  const of = (state: string, more: Partial<PluginVersion> = {}, digest = "other") =>
    actionsFor(plugin(), version(digest, state, more));

  it("offers what the state allows, and nothing for a state it does not know", () => {
    expect(of("waiting")).toEqual(["approve", "retire"]);
    expect(of("retired")).toEqual(["activate"]);
    expect(of("ready")).toEqual(["activate", "retire"]);
    expect(of("quarantined")).toEqual(["retire"]);
    for (const state of ["installed", "verified", "compiled", "refused", "levitating"])
      expect(of(state), state).toEqual([]);
  });

  it("never retires the version in force", () => {
    expect(of("ready", {}, "now")).toEqual([]);
    expect(of("quarantined", {}, "now")).toEqual(["release"]);
  });

  it("puts promotion first only where nothing speaks against it", () => {
    const canary = { calls: 10, same: 10, faults: 0, added: [], removed: [] };
    expect(of("canary", { canary })).toEqual(["promote", "retire"]);
    for (const odd of [{ faults: 1 }, { same: 9 }, { calls: 0, same: 0 }]) {
      expect(safeToPromote({ ...canary, ...odd })).toBe(false);
      expect(of("canary", { canary: { ...canary, ...odd } })).toEqual(["retire", "promote"]);
    }
    expect(safeToPromote(null)).toBe(false);
  });
});
