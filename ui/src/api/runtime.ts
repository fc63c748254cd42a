// The wire types about run time: sources, sensors, events, detections, incidents, rules and suppressions.
// Enumerations may grow: code that reads them must have an answer for a word it does not know.

import type { JobState, Severity } from "./types";

export interface EventSource {
  name: string;
  format: string;
  /** The uid of its namespace `kube-system`. */
  cluster: string | null;
  created_at: string;
  created_by: string;
  rotated_at: string | null;
  disabled: boolean;
  /** When something of it was last judged. */
  last_at: string | null;
  events: number;
  repeated: number;
  problems: number;
  late: number;
  drops: number;
  last_problem: string | null;
}

export interface EventSources {
  items: EventSource[];
  /** Formats that a source can have. */
  formats: string[];
}

export interface NewSource {
  name: string;
  format: string;
  cluster?: string | undefined;
}

/** The answer that shows the token, once. */
export interface SourceToken {
  source: EventSource;
  token: string;
}

export interface Sensor {
  source: string;
  sensor: string;
  state: "seeing" | "blind" | "silent";
  first_at: string;
  last_at: string;
  /** When it last lost events. */
  blind_at: string | null;
  drops: number;
  reports: number;
  reason: string;
}

export interface Sensors {
  items: Sensor[];
  seeing: number;
  blind: number;
  silent: number;
}

export interface EventRow {
  id: string;
  time: string;
  received_at: string;
  /** The configured source. */
  source: string;
  /** The kind of sensor, such as `falco`. */
  origin: string;
  kind: string;
  severity: Severity;
  title: string;
  asset: string;
  cluster: string | null;
  node: string | null;
  namespace: string | null;
  /** `Kind/name`. */
  workload: string | null;
  /** The first 12 digits of its id. */
  container: string | null;
  image: string | null;
  principal: string | null;
  late: boolean;
}

export interface EventProcess {
  execId?: string;
  pid?: number;
  binary?: string;
  arguments?: string;
  cwd?: string;
  uid?: number;
  user?: string;
  parent?: EventProcess;
}

/** The normalised event, as far as the page reads it; the rest is shown as it is. */
export interface EventBody {
  node?: string;
  rule?: { id?: string; name?: string; techniques?: string[] };
  container?: { id?: string; name?: string; image?: string; digest?: string };
  pod?: {
    namespace?: string;
    name?: string;
    uid?: string;
    workload?: { kind?: string; name?: string };
    serviceAccount?: string;
  };
  process?: EventProcess;
  file?: { path?: string };
  network?: {
    protocol?: string;
    sourceIp?: string;
    sourcePort?: number;
    destinationIp?: string;
    destinationPort?: number;
    destinationName?: string;
  };
  actor?: {
    kind?: string;
    name?: string;
    sourceIps?: string[];
    userAgent?: string;
    impersonated?: string;
  };
  api?: {
    service?: string;
    verb?: string;
    operation?: string;
    resource?: string;
    subresource?: string;
    namespace?: string;
    name?: string;
    outcome?: string;
    code?: number;
  };
  raw?: unknown;
}

export interface EventDetail {
  event: EventRow;
  body: EventBody;
  /** Ids of detections that it proves. */
  detections: string[];
}

export interface ProcessRow {
  key: string;
  /** Key of the process that made it; it stands before this one. */
  parent: string | null;
  binary: string;
  arguments: string;
  user: string | null;
  pid: number | null;
  first: string | null;
  /** Ids of its events, the first first; none where only its children tell of it. */
  events: string[];
  /** The event that was asked about is one of them. */
  asked: boolean;
}

/** What ran in the container around an event. */
export interface ProcessTree {
  container: string | null;
  from: string;
  to: string;
  processes: ProcessRow[];
  /** There were more. */
  cut: boolean;
}

export interface Detection {
  id: string;
  rule: string;
  /** Digest of the plugin, or `sensor`. */
  plugin: string;
  title: string;
  severity: Severity;
  asset: string;
  key: string;
  first: string;
  last: string;
  found_at: string;
  late: boolean;
  techniques: string[];
  evidence: unknown;
  subject: EventBody | null;
  /** `suppression:ID` or `baseline:PROFILE`. */
  suppressed_by: string | null;
}

export interface DetectionDetail {
  detection: Detection;
  /** As far as they are kept. */
  events: EventRow[];
}

export type IncidentStatus = "open" | "investigating" | "contained" | "closed";
export type Disposition = "true-positive" | "benign" | "false-positive";

export interface IncidentStep {
  rule: string;
  asset: string;
  title: string;
  severity: Severity;
  first: string;
  last: string;
  count: number;
  /** Id of its first detection. */
  detection: string;
  techniques: string[];
}

export interface IncidentRow {
  id: string;
  title: string;
  severity: Severity;
  first: string;
  last: string;
  status: IncidentStatus;
  disposition: Disposition | null;
  assignee: string | null;
  assets: string[];
  techniques: string[];
  detections: number;
  /** Those that had no room too. */
  steps: number;
  sources: number;
  merged_into: string | null;
  opened_at: string;
  changed_at: string;
  /** Grows with every change by people. */
  version: number;
}

export interface IncidentEntry {
  /** The incident it was written about, which may have become part of this one. */
  incident: string;
  at: string;
  actor: string;
  what: {
    status?: string;
    disposition?: string | null;
    assignee?: string | null;
    note?: string;
    /** An incident that became part of this one. */
    merged?: string;
  };
}

export interface IncidentDetail {
  incident: IncidentRow;
  acknowledged_at: string | null;
  closed_at: string | null;
  steps: IncidentStep[];
  /** Steps that had no room. */
  left_out: number;
  /** The oldest first. */
  history: IncidentEntry[];
}

/** What is not named stays; null takes back. */
export interface IncidentChange {
  status?: IncidentStatus | undefined;
  disposition?: Disposition | null | undefined;
  assignee?: string | null | undefined;
  note?: string | undefined;
}

export interface TimelineStep {
  step: IncidentStep;
  /** The newest first, at most 10. */
  detections: Detection[];
}

export interface Timeline {
  items: TimelineStep[];
  /** Steps beyond those. */
  left_out: number;
}

export interface IncidentNode {
  /** That of the asset, or `kind:name`. */
  id: string;
  kind: string;
  /** Its whole name, without kind and cluster. */
  name: string;
  /** Its name for people, cut to what a picture can hold. */
  label: string;
  /** Canonical id of the asset that it is. */
  asset: string | null;
  severity: Severity;
}

export interface IncidentEdge {
  from: string;
  to: string;
  edge: string;
  why: string;
  /** Ids of the detections that it was made of, at most 20. */
  proof: string[];
}

export interface IncidentGraph {
  nodes: IncidentNode[];
  edges: IncidentEdge[];
  /** There was more. */
  cut: boolean;
}

export interface RuleFigures {
  rule: string;
  title: string;
  severity: Severity;
  detections: number;
  suppressed: number;
  last: string;
  true_positives: number;
  benign: number;
  false_positives: number;
  /** True positives of those that somebody judged; null while nobody has. */
  precision: number | null;
}

export interface Rules {
  items: RuleFigures[];
  days: number;
}

export interface Suppression {
  id: string;
  rule: string;
  asset: string;
  filter: string | null;
  reason: string;
  owner: string;
  created_at: string;
  expires_at: string;
  ended_at: string | null;
  active: boolean;
  hits: number;
  last_hit: string | null;
}

export interface NewSuppression {
  rule: string;
  asset: string;
  filter?: string | undefined;
  reason: string;
  owner: string;
  expires_at: string;
}

export interface Backtest {
  id: string;
  /** Names of the files of rules that it tries. */
  files: string[];
  /** Whether they stand in the place of the operator's own. */
  instead: boolean;
  candidate?: { plugin: string; digest: string };
  from: string;
  to: string;
  asked_by: string;
  state: JobState;
  /** Events that both sides have judged so far. */
  events: number;
  submitted_at: string;
  started_at?: string;
  finished_at?: string;
  error?: { code: string; message: string };
}

export interface BacktestSide {
  detections: number;
  incidents: number;
  /** Events that a plugin failed on, and rules that cannot be used. */
  gaps: number;
  seconds: number;
}

export interface BacktestDetection {
  rule: string;
  title: string;
  severity: Severity;
  asset: string;
  at: string;
  events: string[];
}

export interface BacktestDifference {
  events: number;
  /** Whether there were more, which nobody judged. */
  cut: boolean;
  before: BacktestSide;
  after: BacktestSide;
  rules: Record<string, { before: number; after: number; added: number; removed: number }>;
  added: BacktestDetection[];
  removed: BacktestDetection[];
}

export interface BacktestDetail extends Backtest {
  rules: { name: string; text: string }[];
  difference?: BacktestDifference;
}

export interface NewBacktest {
  rules: { name: string; text: string }[];
  instead: boolean;
  from: string;
}

export interface AttackTechnique {
  id: string;
  name: string;
  /** Short names, such as `privilege-escalation`. */
  tactics: string[];
  platforms: string[];
  url: string;
  /** Rules that name it. */
  rules: string[];
  /** Those of them that a replayed test made tell of it. */
  proofs: string[];
  tested: boolean;
  tests: number;
  /** Log sources of the rules that are tested. */
  sources: string[];
  /** Its sub-techniques that are tested. */
  through: string[];
  /** In the days asked about, without suppressed ones. */
  detections: number;
}

export interface AttackPlatformCounts {
  platform: string;
  techniques: number;
  tested: number;
  /** Tested themselves, or by a sub-technique. */
  covered: number;
}

export interface AttackMap {
  /** Version of ATT&CK. */
  attack: string;
  days: number;
  platforms: AttackPlatformCounts[];
  techniques: AttackTechnique[];
}
