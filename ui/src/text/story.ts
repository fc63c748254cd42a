// The story of an incident out of its detections: what was seen, in order and once each, what rules concluded from it, and
// who and what took part.

import type { Detection, EventBody, TimelineStep } from "../api/runtime";
import type { Severity } from "../api/types";
import { callOf, commandOf, networkOf } from "./runtime";

const SEVERITY_ORDER: readonly Severity[] = [
  "critical",
  "high",
  "medium",
  "low",
  "negligible",
  "none",
  "unknown",
];

/** Something that was seen, by one rule or by several that say the same of the same pod. */
export interface Seen {
  title: string;
  severity: Severity;
  first: string;
  last: string;
  /** What it was seen on; sensors may name the pod or its workload. */
  assets: string[];
  techniques: string[];
  rules: string[];
  /** The detections that say so, the first first. */
  detections: Detection[];
  /** Ends of titles of rules that know more of the place: `on a workload from which a way leads to its node`. */
  worse: string[];
}

export interface Story {
  seen: Seen[];
  /** What rules concluded from several detections, the latest word of each rule and asset. */
  concluded: Detection[];
  /** Detections of these steps that the answer had no room for. */
  more: number;
}

/** What is about no event itself, and names the detections that it is about: as stages of an attack, or as what was joined. */
function isConclusion({ evidence, subject }: Detection): boolean {
  if (subject !== null || typeof evidence !== "object" || evidence === null) return false;
  return ["stages", "detections"].some((key) => Array.isArray(Reflect.get(evidence, key)));
}

const placeOf = (each: Detection): string => each.subject?.pod?.name ?? each.asset;
const worst = (all: readonly Detection[]): Severity =>
  SEVERITY_ORDER.find((severity) => all.some((each) => each.severity === severity)) ?? "unknown";
const distinct = (all: readonly string[]): string[] => [...new Set(all.filter((each) => each !== ""))];

/** Tells it from the steps as the server gives them: by rule and asset, though one rule may say many things. */
export function storyOf(steps: readonly TimelineStep[]): Story {
  const known = new Map<string, Detection>();
  let more = 0;
  for (const { step, detections } of steps) {
    more += Math.max(0, step.count - detections.length);
    for (const each of detections) known.set(each.id, each);
  }
  const all = [...known.values()].sort((a, b) => Date.parse(a.first) - Date.parse(b.first));
  return { seen: seenIn(all.filter((each) => !isConclusion(each))), concluded: concludedIn(all), more };
}

const latestOf = (times: readonly string[]): string =>
  times.reduce((latest, each) => (Date.parse(each) > Date.parse(latest) ? each : latest), times[0] ?? "");

function seenIn(all: readonly Detection[]): Seen[] {
  const titles = distinct(all.map((each) => each.title));
  // `Crypto miner started on a workload whose …` says more of `Crypto miner started`: the longest such title is meant.
  const shorter = (title: string) =>
    titles.filter((each) => title.startsWith(`${each} on a `)).sort((a, b) => b.length - a.length)[0] ??
    title;
  const groups = new Map<string, { title: string; members: Detection[] }>();
  for (const each of all) {
    const title = shorter(each.title);
    const key = `${placeOf(each)}\n${title}`;
    const group = groups.get(key);
    if (group) group.members.push(each);
    else groups.set(key, { title, members: [each] });
  }
  return [...groups.values()].map(({ title, members }) => ({
    title,
    severity: worst(members),
    first: members[0]?.first ?? "",
    last: latestOf(members.map((each) => each.last)),
    assets: distinct(members.map((each) => each.asset)),
    techniques: distinct(members.flatMap((each) => each.techniques)),
    rules: distinct(members.map((each) => each.rule)),
    detections: members,
    worse: distinct(members.map((each) => each.title.slice(title.length).trim())),
  }));
}

/** A rule that concluded again knew more: its earlier words about the same asset are left out, unless they say another thing. */
function concludedIn(all: readonly Detection[]): Detection[] {
  const latest = new Map<string, Detection>();
  for (const each of all.filter(isConclusion)) {
    const says = Array.isArray(Reflect.get(each.evidence as object, "stages")) ? "" : each.title;
    const key = `${each.rule}\n${each.asset}\n${says}`;
    const before = latest.get(key);
    if (!before || Date.parse(before.found_at) <= Date.parse(each.found_at)) latest.set(key, each);
  }
  const place = ({ severity }: Detection) => SEVERITY_ORDER.indexOf(severity);
  return [...latest.values()].sort((a, b) => place(a) - place(b));
}

/** The one line that proves it: the command, the connection or the call. */
export function proofOf(subject: EventBody | null): string {
  if (!subject) return "";
  const call = subject.api ? callOf(subject.api) : "";
  const connection = subject.network ? networkOf(subject.network) : "";
  return [commandOf(subject), connection, call].filter(Boolean).join("; ");
}

export interface Cast {
  /** Names of principals, each with the addresses that it came from. */
  principals: { name: string; from: string[] }[];
  users: string[];
  commands: string[];
  destinations: string[];
  images: string[];
  nodes: string[];
}

/** Who and what took part, in the order of appearance. */
export function castOf(seen: readonly Seen[]): Cast {
  const subjects = seen.flatMap(({ detections }) => detections.flatMap(({ subject }) => subject ?? []));
  const from = new Map<string, string[]>();
  for (const { actor } of subjects)
    if (actor?.name)
      from.set(actor.name, distinct([...(from.get(actor.name) ?? []), ...(actor.sourceIps ?? [])]));
  return {
    principals: [...from].map(([name, addresses]) => ({ name, from: addresses })),
    users: distinct(subjects.map(({ process }) => process?.user ?? "")),
    commands: distinct(subjects.map(commandOf)),
    destinations: distinct(
      subjects.map(({ network }) => {
        if (!network?.destinationIp) return "";
        const { protocol, destinationIp, destinationPort, destinationName } = network;
        return networkOf({
          destinationIp,
          ...(protocol && { protocol }),
          ...(destinationPort && { destinationPort }),
          ...(destinationName && { destinationName }),
        });
      }),
    ),
    images: distinct(subjects.map(({ container }) => container?.image ?? "")),
    nodes: distinct(subjects.map(({ node }) => node ?? "")),
  };
}
