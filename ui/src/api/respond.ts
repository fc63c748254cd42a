// The wire types about responses: playbooks, their runs, the ledger and the kill switch.

export interface Playbook {
  name: string;
  digest: string;
  description: string;
  /** Filter over the detection event; empty: it is started by people only. */
  trigger: string;
  enabled: boolean;
  /** `built-in`, or the file. */
  origin: string;
  steps: { id: string; action: string; class: string }[];
  approvals: number;
  /** Seconds after which what it did is taken back. */
  leaseSeconds?: number | null;
}

export interface ResponseRow {
  id: string;
  playbook: string;
  incident: string;
  phase: "planning" | "asking" | "acting" | "leased" | "over";
  /** How it ended, once it is over. */
  outcome?: string | null;
  dryRun: boolean;
  startedBy: string;
  begunAt: string;
  changedAt: string;
  /** When what it did is taken back. */
  leaseUntil?: string | null;
  approvalsNeeded: number;
  approvalsGiven: number;
}

export interface FieldChange {
  path: string[];
  /** Absent: it is not there. */
  before?: unknown;
  after?: unknown;
}

export interface PlannedAct {
  key: string;
  step: string;
  action: string;
  class: string;
  target?: string | null;
  /** In words: `patch`, `create`, `delete`, `evict`, `collect`, `send`. */
  change: string;
  fields: FieldChange[];
  dryRun?: { passes: boolean; said: string } | null;
  state: string;
  said?: string | null;
  verified?: boolean | null;
}

export interface ResponsePlan {
  digest: string;
  plannedAt: string;
  acts: PlannedAct[];
  skipped: { step: string; why: string }[];
  pods: string[];
  podsTotal: number;
  replicas: { target: string; before: number; after: number }[];
  disruptions: { budget: string; allowed: number; evicted: number }[];
  warnings: string[];
  refusals: string[];
}

export interface Decision {
  by: string;
  agree: boolean;
  at: string;
}

export interface ResponseDetail extends ResponseRow {
  plan?: ResponsePlan | null;
  decisions: Decision[];
  stopped?: string | null;
  journal: { at: string; what: string }[];
}

export interface LedgerRecord {
  sequence: number;
  at: string;
  what: string;
  action: string;
  by: string[];
  detail: string;
  incident: string;
  run: string;
  target: string;
  hash: string;
}

export interface LedgerCheck {
  records: number;
  head: string;
  broken?: { sequence: number; why: string } | null;
}

export interface KillSwitch {
  /** Those that are on; the empty playbook stands for all. */
  items: { playbook: string; why: string; by: string; at: string }[];
}
