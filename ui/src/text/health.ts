// The state of this installation, one line an area: what is wrong, why it matters, what to do.

import type { Followed, HealthFacts } from "../api/health";
import { counted } from "./number";

export type Level = "bad" | "warn" | "good" | "unknown";

export interface HealthLine {
  area: string;
  level: Level;
  says: string;
  /** Why it matters, where something is wrong. */
  why?: string;
  /** What to do, and the page to do it on. */
  next?: string;
  to: "/advisories" | "/scans" | "/sources" | "/plugins" | "/inventory" | "/responses/playbooks" | "/images";
}

/** Advisories that are older than this judge by yesterday's news. */
export const ADVISORIES_OLD_DAYS = 3;
const DAY_MS = 86_400_000;
const ORDER: readonly Level[] = ["bad", "unknown", "warn", "good"];

/** The worst first. What could not be asked is said, never left out. */
export function healthOf(facts: HealthFacts, now: number): HealthLine[] {
  const lines = [
    advisories(facts, now),
    scans(facts),
    coverage(facts),
    sensors(facts),
    sources(facts),
    plugins(facts),
    clusters(facts),
    stops(facts),
  ];
  return lines.sort((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
}

const unknown = (area: string, to: HealthLine["to"]): HealthLine => ({
  area,
  to,
  level: "unknown",
  says: "The server did not tell",
  why: "Nobody knows whether this works.",
  next: "Look at the page itself: it says what the server answered",
});

function advisories({ advisories: data }: HealthFacts, now: number): HealthLine {
  const at = { area: "Advisory data", to: "/advisories" as const };
  if (!data) return unknown(at.area, at.to);
  if (data.loaded === false)
    return {
      ...at,
      level: "bad",
      says: "None is loaded",
      why: "Packages are listed, but no vulnerability can be found in them.",
      next: "Import or update it",
    };
  const days = data.as_of ? Math.floor((now - Date.parse(data.as_of)) / DAY_MS) : Number.NaN;
  if (data.sample)
    return {
      ...at,
      level: "warn",
      says: "The built-in sample",
      why: "What is not in the sample is not found.",
      next: "Import the whole data",
    };
  if (days > ADVISORIES_OLD_DAYS)
    return {
      ...at,
      level: "warn",
      says: `${counted(days, "day")} old`,
      why: "What was published since is not found.",
      next: "Update it, and let the update run each day",
    };
  return { ...at, level: "good", says: days > 0 ? `${counted(days, "day")} old` : "Of today" };
}

function scans({ scans: latest }: HealthFacts): HealthLine {
  const at = { area: "Scans", to: "/scans" as const };
  if (!latest) return unknown(at.area, at.to);
  if (latest.length === 0)
    return {
      ...at,
      level: "warn",
      says: "None yet",
      why: "Nothing is known of anything.",
      next: "Start the first",
    };
  const failed = latest.filter((scan) => scan.state === "failed").length;
  if (failed > 0)
    return {
      ...at,
      level: "warn",
      says: `${failed} of the latest ${latest.length} failed`,
      why: "What they were about is as old as the scan before.",
      next: "Read why, and start them again",
    };
  const running = latest.filter((scan) => scan.state === "running" || scan.state === "queued").length;
  return {
    ...at,
    level: "good",
    says: running > 0 ? `${counted(running, "scan")} at work` : "None failed lately",
  };
}

function coverage({ overview, scans: latest }: HealthFacts): HealthLine {
  const at = { area: "Coverage", to: "/images" as const };
  if (!overview || !latest) return unknown(at.area, at.to);
  if (latest.length === 0)
    return {
      ...at,
      level: "warn",
      says: "Nothing is covered",
      why: "What no scan looked at is neither good nor bad.",
      next: "Start with what is exposed",
    };
  return overview.gaps > 0
    ? {
        ...at,
        level: "warn",
        says: counted(overview.gaps, "gap"),
        why: "There the scans could not look or not judge: silence there is no good news.",
        next: "Read the gaps of each image",
      }
    : { ...at, level: "good", says: "No gap in the latest scans" };
}

function sensors({ sensors: data }: HealthFacts): HealthLine {
  const at = { area: "Sensors", to: "/sources" as const };
  if (!data) return unknown(at.area, at.to);
  const { seeing, blind, silent } = data;
  if (blind + silent > 0)
    return {
      ...at,
      level: blind > 0 ? "bad" : "warn",
      says: `${blind} blind, ${silent} silent, ${seeing} seeing`,
      why: "An attack there would not be told.",
      next: "See which, and since when",
    };
  return seeing > 0
    ? { ...at, level: "good", says: `All ${counted(seeing, "sensor")} see` }
    : {
        ...at,
        level: "warn",
        says: "None has been heard of",
        why: "What happens at run time is not seen.",
        next: "Add a source of events",
      };
}

function sources({ sources: data }: HealthFacts): HealthLine {
  const at = { area: "Sources of events", to: "/sources" as const };
  if (!data) return unknown(at.area, at.to);
  const off = data.filter((each) => each.disabled).length;
  const drops = data.filter((each) => each.drops > 0).length;
  const problems = data.filter((each) => each.problems > 0).length;
  if (drops + problems > 0)
    return {
      ...at,
      level: "warn",
      says: [
        drops > 0 ? `${counted(drops, "source")} lost events` : "",
        problems > 0 ? `${counted(problems, "source")} sent what could not be read` : "",
      ]
        .filter(Boolean)
        .join(", "),
      why: "What is lost is not judged.",
      next: "See the last problem of each",
    };
  if (data.length === 0)
    return {
      ...at,
      level: "warn",
      says: "None yet",
      why: "Nothing tells what happens at run time.",
      next: "Add one",
    };
  return {
    ...at,
    level: "good",
    says: `${counted(data.length, "source")}${off > 0 ? `, ${off} closed` : ""}`,
  };
}

function plugins({ plugins: data }: HealthFacts): HealthLine {
  const at = { area: "Plugins", to: "/plugins" as const };
  if (!data) return unknown(at.area, at.to);
  const held = data.filter((each) => each.state === "quarantined").length;
  const weak = data.filter((each) => each.state === "degraded").length;
  const denied = data.filter((each) => each.denials > 0).length;
  if (held + weak > 0)
    return {
      ...at,
      level: held > 0 ? "bad" : "warn",
      says: `${held} in quarantine, ${weak} degraded`,
      why: "What they look for is not found.",
      next: "Read why, then release or retire",
    };
  if (denied > 0)
    return {
      ...at,
      level: "warn",
      says: `${counted(denied, "plugin")} asked for more than it may`,
      why: "It is either missing a right, or after something.",
      next: "See what was refused",
    };
  return { ...at, level: "good", says: `All ${counted(data.length, "plugin")} ready` };
}

const FOLLOWING: readonly string[] = ["following", "starting", "stopped"];
const sick = (each: Followed): boolean => !FOLLOWING.includes(each.state) || each.code !== null;

function clusters({ followers }: HealthFacts): HealthLine {
  const at = { area: "Clusters followed", to: "/inventory" as const };
  if (!followers) return unknown(at.area, at.to);
  const lost = followers.filter(sick);
  if (lost.length > 0)
    return {
      ...at,
      level: "bad",
      says: `${lost.length} of ${followers.length} not followed, or not as a whole`,
      why: "Changes there show only at the next scan.",
      next: lost[0]?.reason ?? "Read why",
    };
  return {
    ...at,
    level: "good",
    says: followers.length > 0 ? `All ${counted(followers.length, "cluster")}` : "None is configured",
  };
}

function stops({ stops: items }: HealthFacts): HealthLine {
  const at = { area: "Responses", to: "/responses/playbooks" as const };
  if (!items) return unknown(at.area, at.to);
  return items.length > 0
    ? {
        ...at,
        level: "warn",
        says: items.some((each) => each.playbook === "") ? "All are stopped" : `${items.length} stopped`,
        why: "Incidents are answered by people alone.",
        next: "See who stopped them and why",
      }
    : { ...at, level: "good", says: "No kill switch is on" };
}
