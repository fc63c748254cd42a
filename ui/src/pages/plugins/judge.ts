// What about a plugin needs an operator, worst first, and what can be done with each of its versions.

import type { Plugin, PluginAction, PluginCanary, PluginVersion } from "../../api/types";
import { limitOf } from "./words";

export type Need = "quarantined" | "waiting" | "trouble" | "degraded" | "canary";

const ORDER: readonly Need[] = ["quarantined", "waiting", "trouble", "degraded", "canary"];

export const inForce = (plugin: Plugin, version: PluginVersion): boolean => version.digest === plugin.digest;

export const versionsIn = (plugin: Plugin, state: PluginVersion["state"]): PluginVersion[] =>
  plugin.versions.filter((version) => version.state === state);

/** Versions that failed before they came into force and were not overtaken since: a newer one would be the answer to them. */
export function stuck(plugin: Plugin): PluginVersion[] {
  const current = plugin.versions.findIndex((version) => inForce(plugin, version));
  return plugin.versions
    .slice(0, current < 0 ? plugin.versions.length : current)
    .filter((version) => version.state === "refused" || version.state === "quarantined");
}

/** What needs an operator, worst first. */
export function needs(plugin: Plugin): Need[] {
  const found: Record<Need, boolean> = {
    quarantined: plugin.state === "quarantined",
    waiting: versionsIn(plugin, "waiting").length > 0,
    trouble: stuck(plugin).length > 0,
    degraded: plugin.state === "degraded",
    canary: versionsIn(plugin, "canary").length > 0,
  };
  return ORDER.filter((need) => found[need]);
}

/** Those that need somebody first, by what they need; the rest by id. */
export function sortByNeed(plugins: readonly Plugin[]): Plugin[] {
  const rank = (plugin: Plugin) => {
    const [worst] = needs(plugin);
    return worst ? ORDER.indexOf(worst) : ORDER.length;
  };
  return [...plugins].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
}

/** Refusals in quarantine are counted as faults, but they were no calls. */
const REFUSED = "quarantined";

export interface Faults {
  /** Calls that failed. */
  failed: number;
  /** Of the calls made; null before the first. */
  share: number | null;
  /** Calls not made, for quarantine. */
  refused: number;
}

export function faultsOf(plugin: Pick<Plugin, "calls" | "faults">): Faults {
  const sum = (wanted: boolean) =>
    plugin.faults.reduce((all, fault) => all + ((fault.kind === REFUSED) === wanted ? fault.count : 0), 0);
  const failed = sum(false);
  return { failed, refused: sum(true), share: plugin.calls > 0 ? Math.min(1, failed / plugin.calls) : null };
}

/** From this share of a limit on, the next bigger input may be over it. */
const NEAR = 0.9;

export interface Usage {
  used: number;
  limit: number | undefined;
  near: boolean;
}

const usage = (used: number, limit: number | undefined): Usage => ({
  used,
  limit,
  near: limit !== undefined && used >= limit * NEAR,
});

/** Peak memory in bytes, of its limit. */
export function memoryUse(plugin: Plugin): Usage {
  const limit = limitOf(plugin.limits, "memory_mib");
  return usage(plugin.cost.memory_peak_bytes, limit === undefined ? undefined : limit * 1_048_576);
}

/** The 99th percentile of a call's time in microseconds, of its limit. */
export function timeUse(plugin: Plugin): Usage {
  const limit = limitOf(plugin.limits, "wall_ms");
  return usage(plugin.cost.latency_p99_us, limit === undefined ? undefined : limit * 1_000);
}

export type Verb = PluginAction["verb"];

/** What can be done with a version, the likeliest first. */
export function actionsFor(plugin: Plugin, version: PluginVersion): Verb[] {
  switch (version.state) {
    case "waiting":
      return ["approve", "retire"];
    case "canary":
      return safeToPromote(version.canary) ? ["promote", "retire"] : ["retire", "promote"];
    case "ready":
      return inForce(plugin, version) ? [] : ["activate", "retire"];
    case "retired":
      return ["activate"];
    case "quarantined":
      return inForce(plugin, version) ? ["release"] : ["retire"];
    default:
      return [];
  }
}

/** Whether nothing that was seen speaks against it: some calls, no fault, the same findings. */
export const safeToPromote = (canary: PluginCanary | null | undefined): boolean =>
  canary !== null &&
  canary !== undefined &&
  canary.calls > 0 &&
  canary.faults === 0 &&
  canary.same === canary.calls;
