// What the addresses of the pages about run time hold, in the words of the API.

import { SEVERITIES } from "../parts/severity";

/** Longest value that the API takes. */
const VALUE_MAX = 1_024;

const text = (raw: Record<string, unknown>, key: string): string | undefined => {
  const value = raw[key];
  return typeof value === "string" && value !== "" && value.length <= VALUE_MAX ? value : undefined;
};

const one = <T extends string>(raw: Record<string, unknown>, key: string, known: readonly T[]) =>
  known.find((word) => word === raw[key]);

const listed = (raw: Record<string, unknown>, key: string, known: readonly string[]) => {
  const wanted = text(raw, key)?.split(",") ?? [];
  return known.filter((word) => wanted.includes(word)).join(",") || undefined;
};

/** Without the keys that are not set, so that two addresses of the same state are equal. */
const set = <T extends object>(search: T): T =>
  Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as T;

type Raw = Record<string, unknown>;
type Texts<K extends string> = { [key in K]?: string | undefined };

const texts = <K extends string>(raw: Raw, keys: readonly K[]): Texts<K> =>
  Object.fromEntries(keys.map((key) => [key, text(raw, key)])) as Texts<K>;

export const INCIDENT_STATUSES = ["open", "investigating", "contained", "closed"] as const;
export const KINDS = [
  "alert",
  "process.exec",
  "process.exit",
  "file.access",
  "network.connect",
  "api.call",
  "log",
  "sensor.health",
] as const;

const INCIDENT_TEXTS = ["assignee", "asset", "technique", "q", "from", "to"] as const;
export type IncidentSearch = Texts<(typeof INCIDENT_TEXTS)[number] | "status" | "severity">;

export const incidentSearch = (raw: Raw): IncidentSearch =>
  set({
    ...texts(raw, INCIDENT_TEXTS),
    status: listed(raw, "status", INCIDENT_STATUSES),
    severity: one(raw, "severity", SEVERITIES),
  });

/** The table instead of the drawing. */
export interface TwinSearch {
  as?: "table" | undefined;
}
export const twinSearch = (raw: Raw): TwinSearch =>
  set({ as: raw.as === "table" ? ("table" as const) : undefined });

export const EVENT_TEXTS = [
  "source",
  "origin",
  "namespace",
  "workload",
  "asset",
  "container",
  "image",
  "principal",
  "q",
  "from",
  "to",
] as const;
export type EventSearch = Texts<(typeof EVENT_TEXTS)[number] | "kind" | "severity" | "event">;

export const eventSearch = (raw: Raw): EventSearch =>
  set({
    ...texts(raw, [...EVENT_TEXTS, "event"]),
    kind: one(raw, "kind", KINDS),
    severity: one(raw, "severity", SEVERITIES),
  });

export const DETECTION_TEXTS = ["rule", "asset", "key", "technique", "q", "from", "to"] as const;
export type DetectionSearch = Texts<
  (typeof DETECTION_TEXTS)[number] | "severity" | "suppressed" | "late" | "detection"
>;

const FLAG = ["true", "false"] as const;

export const detectionSearch = (raw: Raw): DetectionSearch =>
  set({
    ...texts(raw, [...DETECTION_TEXTS, "detection"]),
    severity: one(raw, "severity", SEVERITIES),
    suppressed: one(raw, "suppressed", FLAG),
    late: one(raw, "late", FLAG),
  });

export const SENSOR_STATES = ["seeing", "blind", "silent"] as const;
export interface SourceSearch extends Texts<"source" | "sensor" | "setup"> {
  /** The form for a new one is open. */
  ask?: "new" | undefined;
}
export const sourceSearch = (raw: Raw): SourceSearch =>
  set({
    ...texts(raw, ["source", "setup"]),
    sensor: listed(raw, "sensor", SENSOR_STATES),
    ask: raw.ask === "new" ? ("new" as const) : undefined,
  });

export interface IntegrationSearch {
  name?: string;
  ask?: "new" | "change";
}
export const integrationSearch = (raw: Raw): IntegrationSearch =>
  set({ ...texts(raw, ["name"]), ask: one(raw, "ask", ["new", "change"] as const) });

export type ResponseSearch = Texts<"open" | "incident" | "playbook">;
export const responseSearch = (raw: Raw): ResponseSearch =>
  set({ ...texts(raw, ["incident", "playbook"]), open: one(raw, "open", FLAG) });

export const ledgerSearch = (raw: Raw): Texts<"run"> => set(texts(raw, ["run"]));

export const PLATFORMS = ["containers", "iaas"] as const;
export const DAYS = ["7", "30", "90"] as const;
export interface AttackSearch extends TwinSearch, Texts<"platform" | "days" | "technique" | "cover"> {}
export const COVERS = ["tested", "through", "untested", "none"] as const;
export const attackSearch = (raw: Raw): AttackSearch =>
  set({
    ...twinSearch(raw),
    technique: text(raw, "technique"),
    platform: one(raw, "platform", PLATFORMS),
    cover: one(raw, "cover", COVERS),
    // Numbers come out of addresses as numbers.
    days: DAYS.find((days) => days === String(raw.days)),
  });

export const RULE_ORDERS = ["hits", "precision", "last"] as const;
export type RuleSearch = Texts<"q" | "days" | "sort">;
export const ruleSearch = (raw: Raw): RuleSearch =>
  set({
    q: text(raw, "q"),
    days: DAYS.find((days) => days === String(raw.days)),
    sort: one(raw, "sort", RULE_ORDERS),
  });

export interface SuppressionSearch extends Texts<"rule" | "asset" | "standing"> {
  ask?: "new" | undefined;
}
export const suppressionSearch = (raw: Raw): SuppressionSearch =>
  set({
    ...texts(raw, ["rule", "asset"]),
    standing: one(raw, "standing", ["active", "over"] as const),
    ask: raw.ask === "new" ? ("new" as const) : undefined,
  });

export interface BacktestSearch {
  ask?: "new" | undefined;
}
export const backtestSearch = (raw: Raw): BacktestSearch =>
  set({ ask: raw.ask === "new" ? ("new" as const) : undefined });
