// Words for what happens at run time.

import type { EventBody } from "../api/runtime";
import { words } from "./path";

const FORMATS: readonly (readonly [id: string, name: string])[] = [
  ["falco", "Falco, http_output"],
  ["falcosidekick", "Falcosidekick, webhook"],
  ["kubernetes-audit", "Kubernetes audit webhook"],
  ["tetragon", "Tetragon"],
  ["kubearmor", "KubeArmor"],
  ["eventbridge", "Amazon EventBridge"],
  ["cloudtrail", "AWS CloudTrail"],
  ["guardduty", "Amazon GuardDuty"],
  ["gcp-audit", "Google Cloud audit logs"],
  ["azure-activity", "Azure activity log"],
  ["otlp", "OpenTelemetry logs (OTLP)"],
  ["ocsf", "OCSF findings"],
  ["okta", "Okta system log"],
  ["github", "GitHub audit log"],
];
/** Formats that there are words for; which a server reads, it says itself. */
export const FORMAT_IDS = FORMATS.map(([id]) => id);
export const formatName = (id: string): string => FORMATS.find(([each]) => each === id)?.[1] ?? id;
/** Whether its events name no cluster, so that the source has to. */
export const isOfCluster = (format: string): boolean =>
  ["falco", "falcosidekick", "kubernetes-audit", "tetragon", "kubearmor"].includes(format);

const KINDS: Record<string, string> = {
  "process.exec": "Process started",
  "process.exit": "Process ended",
  "file.access": "File accessed",
  "network.connect": "Connection",
  "api.call": "API call",
  alert: "Alert of the sensor",
  log: "Log line",
  "sensor.health": "Health of the sensor",
};
export const eventKind = (kind: string): string => KINDS[kind] ?? kind;

const STATUSES: Record<string, string> = {
  open: "Open",
  investigating: "Investigating",
  contained: "Contained",
  closed: "Closed",
};
const STATUS_TONES: Record<string, string> = {
  open: "bad",
  investigating: "open",
  contained: "warn",
  closed: "good",
};
export const incidentStatus = (status: string): string => STATUSES[status] ?? status;
export const incidentTone = (status: string): string => STATUS_TONES[status] ?? "";

export const DISPOSITIONS = ["true-positive", "benign", "false-positive"] as const;
const DISPOSITION_NAMES: Record<string, string> = {
  "true-positive": "True positive: an attack",
  benign: "Benign: it happened, and it was meant to",
  "false-positive": "False positive: it did not happen",
};
export const dispositionName = (id: string): string => DISPOSITION_NAMES[id] ?? id;

const SENSOR_TONES: Record<string, string> = { seeing: "good", blind: "bad", silent: "warn" };
const SENSOR_MEANINGS: Record<string, string> = {
  seeing: "Events come, and none were lost",
  blind: "It lost events: what happened in that time may be missing",
  silent: "Nothing has come from it for too long",
};
export const sensorTone = (state: string): string => SENSOR_TONES[state] ?? "";
export const sensorMeaning = (state: string): string => SENSOR_MEANINGS[state] ?? "";

const PHASES: Record<string, string> = {
  planning: "Planning",
  asking: "Waiting for approval",
  acting: "Acting",
  leased: "In force",
  over: "Over",
};
const PHASE_TONES: Record<string, string> = { asking: "warn", acting: "open", leased: "open" };
export const phaseName = (phase: string): string => PHASES[phase] ?? phase;
export const phaseTone = (phase: string): string => PHASE_TONES[phase] ?? "";

/** Tactics in the order of ATT&CK: id, short name, name. */
const TACTICS: readonly (readonly [id: string, short: string, name: string])[] = [
  ["TA0043", "reconnaissance", "Reconnaissance"],
  ["TA0042", "resource-development", "Resource Development"],
  ["TA0001", "initial-access", "Initial Access"],
  ["TA0002", "execution", "Execution"],
  ["TA0003", "persistence", "Persistence"],
  ["TA0004", "privilege-escalation", "Privilege Escalation"],
  ["TA0005", "defense-evasion", "Defense Evasion"],
  ["TA0006", "credential-access", "Credential Access"],
  ["TA0007", "discovery", "Discovery"],
  ["TA0008", "lateral-movement", "Lateral Movement"],
  ["TA0009", "collection", "Collection"],
  ["TA0011", "command-and-control", "Command and Control"],
  ["TA0010", "exfiltration", "Exfiltration"],
  ["TA0040", "impact", "Impact"],
];
const tacticAt = (word: string): number => TACTICS.findIndex(([id, short]) => id === word || short === word);
export const tacticName = (word: string): string => TACTICS[tacticAt(word)]?.[2] ?? words(word);
/** Those that are named, in the order of ATT&CK; ones that it did not have when this was written come last. */
export const tacticsIn = (named: Iterable<string>): string[] => {
  const place = (word: string) => (tacticAt(word) < 0 ? TACTICS.length : tacticAt(word));
  return [...new Set(named)].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
};

/** Whether it is a name of a technique of ATT&CK, and so may become part of an address. */
export const isTechnique = (id: string): boolean => /^T\d{4}(\.\d{3})?$/.test(id);

/** The page of a technique, outside of this product. */
export const techniqueAddress = (id: string): string =>
  `https://attack.mitre.org/techniques/${id.replace(".", "/")}/`;

/** The scope and path of the asset of an event in a cluster; nothing for another. */
export function assetPlace(asset: string): { scope: string; path: string } | null {
  const match = /^(k8s:[^/]+)\/([^/]+\/[^/]+\/[^/]+\/.+)$/.exec(asset);
  return match?.[1] && match[2] ? { scope: match[1], path: match[2] } : null;
}

/** `apps/Deployment/shop/web` as `Deployment shop/web`; what is no path stays whole. */
export function assetName(asset: string): string {
  const place = assetPlace(asset);
  if (!place) return asset;
  const [, kind, namespace, ...name] = place.path.split("/");
  return `${kind} ${namespace && namespace !== "-" ? `${namespace}/` : ""}${name.join("/")}`;
}

/** `/bin/sh -c id`; empty where no process is named. */
export const commandOf = (body: EventBody): string =>
  [body.process?.binary, body.process?.arguments].filter(Boolean).join(" ");

/** `10.0.0.7:51234 to 192.0.2.1:443 (pool.example)`. */
export function networkOf(network: NonNullable<EventBody["network"]>): string {
  const end = (ip?: string, port?: number) =>
    ip ? `${ip.includes(":") ? `[${ip}]` : ip}${port ? `:${port}` : ""}` : "";
  const from = end(network.sourceIp, network.sourcePort);
  const to = end(network.destinationIp, network.destinationPort);
  const name = network.destinationName ? ` (${network.destinationName})` : "";
  return `${[network.protocol, [from, to].filter(Boolean).join(" to ")].filter(Boolean).join(" ")}${name}`;
}

/** `create pods/exec shop/web-1: success`. */
export function callOf(api: NonNullable<EventBody["api"]>): string {
  const what = api.operation ?? [api.resource, api.subresource].filter(Boolean).join("/");
  const name = [api.namespace, api.name].filter(Boolean).join("/");
  const words = [api.operation ? undefined : api.verb, what, name].filter(Boolean).join(" ");
  return api.outcome ? `${words}: ${api.outcome}` : words;
}

/** Time left until something ends, whole minutes: `1 h 20 min`, `under a minute`; `over` when it has passed. */
export function timeLeft(until: string, now: number): string {
  const ms = Date.parse(until) - now;
  if (Number.isNaN(ms)) return "";
  if (ms <= 0) return "over";
  const minutes = Math.floor(ms / 60_000);
  if (minutes === 0) return "under a minute";
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes} min`;
  const days = Math.floor(hours / 24);
  return days > 0 ? `${days} d ${hours % 24} h` : `${hours} h ${minutes % 60} min`;
}

/** A value of a plan on one line; nothing says so. */
export function valueWord(value: unknown): string {
  if (value === undefined || value === null) return "not set";
  return typeof value === "string" ? value : JSON.stringify(value);
}
