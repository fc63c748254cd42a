// The wire types of `/api/v1`, in one file so that they can be generated from `platform/openapi.json`.
// Enumerations may grow: code that reads them must have an answer for a word it does not know.

export type Severity = "critical" | "high" | "medium" | "low" | "negligible" | "none" | "unknown";
export type SeverityCounts = Partial<Record<Severity, number>>;
export type FindingState = "open" | "fixed";
/** Where people stand with a finding. */
export type Triage = "open" | "reopened" | "acknowledged" | "in-progress" | "accepted" | "false-positive";
export type FindingClass = "vulnerability" | "misconfiguration" | "secret" | "malware" | "license";
export type FixState = "fixed" | "not-fixed" | "wont-fix" | "deferred" | "end-of-life" | "unknown";
/** Where long work stands. */
export type JobState = "queued" | "running" | "finished" | "failed" | "cancelled";

export type ScanState = "queued" | "running" | "finished" | "failed";
export type TargetKind = "image" | "directory" | "sbom" | "cluster" | "account" | "repository" | "host";

export interface Page<T> {
  items: T[];
  next?: string | null;
}

/** How people sign in, beside a token. */
export interface SignInWays {
  provider: { label: string; href: string } | null;
}

export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  code?: string;
  detail?: string;
  hint?: string;
}

export interface Session {
  tenant: string;
  token_name: string;
  version: string;
  permissions: string[];
}

export interface ScanSummary {
  packages: number;
  gaps: number;
  opened: number;
  fixed: number;
  reopened: number;
  changed: number;
  hidden: number;
  unchanged: number;
  elsewhere: number;
  superseded: boolean;
  findings: SeverityCounts;
}

export interface Scan {
  id: string;
  kind: TargetKind;
  reference: string;
  platform?: string | null;
  state: ScanState;
  submitted_at: string;
  started_at?: string | null;
  finished_at?: string | null;
  error?: { code: string; message: string } | null;
  asset?: string | null;
  summary?: ScanSummary | null;
  /** The source whose report brought it. */
  source?: string | null;
}

export interface NewScan {
  kind: "image" | "directory" | "cluster" | "account";
  reference: string;
  platform?: string;
}

export interface SourcePackage {
  name: string;
  version?: string | null;
}

export interface PackageRef {
  type: string;
  name: string;
  version: string;
  purl: string;
  source?: SourcePackage | null;
  owner?: { type: string; name: string } | null;
}

export interface Suppression {
  code: string;
  reason: string;
}

export interface Epss {
  score: number;
  percentile: number;
}

export interface FindingRow {
  fingerprint: string;
  rule: string;
  title: string;
  class: FindingClass;
  severity: Severity;
  severity_source: string;
  /** How much it matters where it is, 0–100. */
  risk: number;
  state: FindingState;
  asset: { id: string; name: string; kind: string };
  package?: PackageRef | null;
  fix: { state: FixState; versions?: string[] };
  kev: boolean;
  epss?: Epss | null;
  suppressed?: Suppression | null;
  first_seen_at: string;
  last_seen_at: string;
  status: Triage;
  assignee?: string | null;
  tags?: string[];
  accepted_until?: string | null;
  /** When it has to be gone. */
  due_at?: string | null;
  /** Grows with every change by people. */
  version: number;
  /** `palisade`, or names of sources of imports. */
  found_by?: string[];
}

/** Why a finding is set aside, and who answers for it. */
export interface FindingDecision {
  reason: string;
  justification?: string | null;
  owner?: string | null;
  approver?: string | null;
  until?: string | null;
  by: string;
  at: string;
}

/** What a person changes of a finding; what is not named stays. */
export interface FindingChange {
  status?: Triage | undefined;
  reason?: string | undefined;
  justification?: string | undefined;
  owner?: string | undefined;
  approver?: string | undefined;
  until?: string | undefined;
  assignee?: string | null | undefined;
  add_tags?: string[] | undefined;
  remove_tags?: string[] | undefined;
  comment?: string | undefined;
}

/** Which findings a change of many is of. */
export type FindingSelection = Record<string, string | boolean | string[]>;

export interface FindingJobPreview {
  matched: number;
  examples: FindingRow[];
}

export interface FindingJob {
  id: string;
  change: string;
  undoes?: string | null;
  undone_by?: string | null;
  by: string;
  state: JobState;
  matched: number;
  changed: number;
  skipped: number;
  submitted_at: string;
  finished_at?: string | null;
  error?: string | null;
}

export interface Cvss {
  version: string;
  vector: string;
  score: number;
  source: string;
}

export interface Kev {
  added: string;
  due?: string | null;
  ransomware: boolean;
}

export interface Evidence {
  path: string;
  inner?: string | null;
  method: string;
  confidence: string;
}

export interface FeedRecord {
  id: string;
  ecosystem: string;
  package: string;
  modified: string;
  reason: string;
}

export interface HistoryEvent {
  at: string;
  transition: string;
  /** The scan that showed it, or … */
  scan?: string | null;
  /** … who said it. */
  actor?: string | null;
  note: string;
}

export interface AnalyzerCoverage {
  plugin: string;
  version: string;
  digest: string;
}

export interface AdvisoryData {
  source: string;
  as_of: string;
  digest: string;
}

export interface Why {
  asset_kind: string;
  scan: string;
  plugins: AnalyzerCoverage[];
  advisories?: AdvisoryData | null;
  steps: string[];
}

export type RiskTermName = "impact" | "exploitation" | "remedy" | "exposure" | "in-use" | "privilege";

/** One term of the formula of the risk. */
export interface RiskTerm {
  name: RiskTermName;
  value: number;
  why: string;
}

/** Findings that one act mends. */
export interface FindingGroup {
  value: string;
  label: string;
  count: number;
  assets: number;
  kev: number;
  /** The highest of one of them. */
  risk: number;
  /** The sum of all. */
  risk_total: number;
  fixed_in?: string[];
}

export interface FindingGroups {
  items: FindingGroup[];
  capped: boolean;
}

export interface FindingDetail extends FindingRow {
  risk_terms?: RiskTerm[];
  /** The resource that it is on, or that runs it. */
  risk_origin?: { scope: string; path: string } | null;
  ids?: string[];
  description?: string;
  cvss?: Cvss[];
  kev_detail?: Kev | null;
  evidence?: Evidence[];
  records?: FeedRecord[];
  /** What a plugin compared: `found`, `wanted`, and `patch` (RFC 6902) where it knows one. */
  proof?: { found?: unknown; wanted?: unknown; patch?: unknown } | null;
  references?: string[];
  fixed_at?: string | null;
  decision?: FindingDecision | null;
  acknowledged_at?: string | null;
  /** Its tickets in other systems. */
  tickets?: { destination: string; id: string; url?: string | null; status?: string | null }[];
  history?: HistoryEvent[];
  why?: Why | null;
}

export interface FacetValue {
  value: string | boolean;
  label?: string | null;
  count: number;
}

export type FacetName =
  | "severity"
  | "state"
  | "status"
  | "class"
  | "kev"
  | "fixable"
  | "suppressed"
  | "asset"
  | "package";
export interface Facets extends Partial<Record<FacetName, FacetValue[]>> {
  /** Findings under the whole filter. */
  matching?: number;
  /** Some figure is a lower bound. */
  capped?: boolean;
}

export interface OperatingSystem {
  id: string;
  version?: string | null;
  codename?: string | null;
  pretty_name?: string | null;
}

export interface ImageRow {
  id: string;
  name: string;
  aliases?: string[];
  kind: string;
  platform?: string | null;
  os?: OperatingSystem | null;
  packages: number;
  gaps?: number;
  last_scan_at?: string | null;
  findings: SeverityCounts;
  kev_open?: number;
  fixable_open?: number;
}

export interface Gap {
  code: string;
  subject: string;
  reason: string;
}

export interface EcosystemCoverage {
  ecosystem: string;
  packages: number;
  records: number;
}

export interface Coverage {
  complete: boolean;
  analyzers?: AnalyzerCoverage[];
  advisories?: AdvisoryData | null;
  ecosystems?: EcosystemCoverage[];
  gaps?: Gap[];
}

export interface ImageDetail extends ImageRow {
  layers?: string[];
  coverage?: Coverage | null;
  scans?: Scan[];
}

export interface PackageRow {
  type: string;
  name: string;
  version: string;
  arch?: string | null;
  purl: string;
  source?: SourcePackage | null;
  licenses?: string[];
  owner?: { type: string; name: string } | null;
  evidence?: Evidence[];
}

export interface PluginInterest {
  name: string;
  paths?: string[];
  magic?: { offset: number; bytes: string }[];
  keywords?: string[];
  size_min?: number | null;
  size_max?: number | null;
}

export interface AskedCapability {
  capability: string;
  /** The author's reason. */
  why: string;
  /** A line for each right, such as `http GET api.example.com/v1/**`. */
  rights: string[];
}

/** What the calls since the server started took. */
export interface PluginCost {
  latency_p50_us: number;
  latency_p99_us: number;
  queued_p50_us: number;
  queued_p99_us: number;
  /** Processor time of all calls together. */
  cpu_ms: number;
  memory_peak_bytes: number;
  host_calls: number;
  bytes_out: number;
}

export type PluginVersionState =
  | "installed"
  | "verified"
  | "compiled"
  | "ready"
  | "waiting"
  | "canary"
  | "quarantined"
  | "retired"
  | "refused";

/** A version beside the one in force, on the same inputs. */
export interface PluginCanary {
  calls: number;
  /** Calls whose findings were the same. */
  same: number;
  faults: number;
  /** Findings that only it has, a line each; the server caps them. */
  added: string[];
  /** Findings that only the version in force has. */
  removed: string[];
}

export interface PluginVersion {
  digest: string;
  version: string;
  state: PluginVersionState;
  source: string;
  signers: string[];
  installed_at: string;
  /** Why it was refused or is in quarantine. */
  note?: string | null;
  /** What its manifest asks for. */
  asked: AskedCapability[];
  /** Rights that it asks for and the version in force does not. */
  added: string[];
  removed: string[];
  canary?: PluginCanary | null;
}

export interface Plugin {
  id: string;
  version: string;
  publisher: string;
  license: string;
  description: string;
  digest: string;
  kinds: string[];
  state: "ready" | "degraded" | "quarantined" | "inactive";
  /** `built-in`, a directory, a registry reference, `upload` or `bundle`. */
  source: string;
  contract: string;
  asked: AskedCapability[];
  /** Rights in force, as lines. */
  granted: string[];
  /** Limits of one call, in the unit that the name ends in. */
  limits: Record<string, number>;
  calls: number;
  faults: { kind: string; count: number }[];
  last_fault?: { kind: string; message: string; at?: string | null } | null;
  cost: PluginCost;
  /** Host calls by capability. */
  capability_calls: Record<string, number>;
  /** Host calls refused for want of a right. */
  denials: number;
  /** The latest lines, oldest first. */
  logs: { level: string; message: string }[];
  interests: PluginInterest[];
  rules?: { id: string; title?: string; severity?: string }[];
  /** Newest first; empty for a built-in plugin that has no other. */
  versions: PluginVersion[];
}

/** What an operator can do about a plugin. All but `release` are about one version. */
export type PluginAction =
  | { verb: "release" }
  | { verb: "promote" | "activate" | "retire"; digest: string }
  | { verb: "approve"; digest: string; rights: string[] };

export interface AdvisoryStatus {
  loaded?: boolean;
  source?: string;
  as_of?: string;
  digest?: string;
  sample?: boolean;
  /** In all; a record may speak of several ecosystems. */
  records?: number;
  ecosystems?: { ecosystem: string; records: number }[];
  kev?: number;
  epss?: number;
}

export interface Overview {
  findings_by_severity: SeverityCounts;
  kev_open: number;
  fixable_open: number;
  images: number;
  packages: number;
  scans_running: number;
  gaps: number;
  newest: FindingRow[];
}
