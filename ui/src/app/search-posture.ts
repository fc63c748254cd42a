// What the addresses of the pages about clusters hold, in the words of the API.

import { STATUSES } from "../text/control";
import { ACCOUNT_GOAL_IDS, GOAL_IDS, VERDICT_ORDER } from "../text/path";

/** Longest value that the API takes. */
const VALUE_MAX = 1_024;
/** The id of a resource is that of its scope and a path. */
const ID_MAX = 2_100;

function text(raw: Record<string, unknown>, key: string, most = VALUE_MAX): string | undefined {
  const value = raw[key];
  return typeof value === "string" && value !== "" && value.length <= most ? value : undefined;
}

function listed(raw: Record<string, unknown>, key: string, known: readonly string[]): string | undefined {
  const wanted = text(raw, key)?.split(",") ?? [];
  return known.filter((word) => wanted.includes(word)).join(",") || undefined;
}

/** Without the keys that are not set, so that two addresses of the same state are equal. */
function set<T extends object>(search: T): T {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as T;
}

export interface InventorySearch {
  scope?: string | undefined;
  kind?: string | undefined;
  namespace?: string | undefined;
  exposure?: string | undefined;
  q?: string | undefined;
  /** Id of the resource in the open drawer. */
  resource?: string | undefined;
}

export const inventorySearch = (raw: Record<string, unknown>): InventorySearch =>
  set({
    scope: text(raw, "scope"),
    kind: text(raw, "kind"),
    namespace: text(raw, "namespace"),
    exposure: listed(raw, "exposure", VERDICT_ORDER),
    q: text(raw, "q"),
    resource: text(raw, "resource", ID_MAX),
  });

export const GRAPH_VIEWS = ["paths", "exposure", "who", "unused"] as const;
export type GraphView = (typeof GRAPH_VIEWS)[number];

export interface GraphSearch {
  cluster?: string | undefined;
  /** Absent: attack paths. */
  view?: GraphView | undefined;
  /** The table instead of the drawing. */
  as?: "table" | undefined;
  from?: "exposed" | "all" | undefined;
  goal?: string | undefined;
  workload?: string | undefined;
  /** A step that every path shown has. */
  via?: string | undefined;
  verb?: string | undefined;
  resource?: string | undefined;
  group?: string | undefined;
  namespace?: string | undefined;
  name?: string | undefined;
  /** Days without use. */
  days?: string | undefined;
}

/** Choices of days without use, in order; the second is taken where none is made. */
export const UNUSED_DAYS = ["30", "90", "180", "365"] as const;

export const graphSearch = (raw: Record<string, unknown>): GraphSearch =>
  set({
    cluster: text(raw, "cluster"),
    view: GRAPH_VIEWS.find((view) => view === raw.view && view !== "paths"),
    as: raw.as === "table" ? ("table" as const) : undefined,
    from: raw.from === "all" ? ("all" as const) : undefined,
    goal: [...GOAL_IDS, ...ACCOUNT_GOAL_IDS].find((goal) => goal === raw.goal),
    workload: text(raw, "workload"),
    via: text(raw, "via", ID_MAX),
    verb: text(raw, "verb"),
    resource: text(raw, "resource"),
    group: text(raw, "group"),
    namespace: text(raw, "namespace"),
    name: text(raw, "name"),
    // Numbers come out of addresses as numbers.
    days: UNUSED_DAYS.find((days) => days === String(raw.days)),
  });

export interface ComplianceSearch {
  scope?: string | undefined;
}

export const complianceSearch = (raw: Record<string, unknown>): ComplianceSearch =>
  set({ scope: text(raw, "scope") });

export interface ControlSearch {
  status?: string | undefined;
  q?: string | undefined;
  /** The assessment of this scan; the newest without it. */
  scan?: string | undefined;
  /** The trend as a table. */
  as?: "table" | undefined;
}

export const controlSearch = (raw: Record<string, unknown>): ControlSearch =>
  set({
    status: listed(raw, "status", STATUSES),
    q: text(raw, "q"),
    scan: text(raw, "scan", 64),
    as: raw.as === "table" ? ("table" as const) : undefined,
  });

export interface ExceptionSearch {
  rule?: string | undefined;
  framework?: string | undefined;
  control?: string | undefined;
  asset?: string | undefined;
  standing?: string | undefined;
  /** The form for a new one is open. */
  ask?: "new" | undefined;
}

export const exceptionSearch = (raw: Record<string, unknown>): ExceptionSearch =>
  set({
    rule: text(raw, "rule"),
    framework: text(raw, "framework"),
    control: text(raw, "control"),
    asset: text(raw, "asset"),
    standing: text(raw, "standing", 32),
    ask: raw.ask === "new" ? ("new" as const) : undefined,
  });

export interface EvidenceSearch {
  scope?: string | undefined;
}

export const evidenceSearch = (raw: Record<string, unknown>): EvidenceSearch =>
  set({ scope: text(raw, "scope") });
