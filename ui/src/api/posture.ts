// The wire types of clusters: inventory, exposure, attack paths, who-can and compliance. As in `types.ts`, enumerations
// may grow, so code that reads them must have an answer for a word it does not know.

import type { Sensor } from "./runtime";
import type { FacetValue, SeverityCounts } from "./types";

export interface Cluster {
  id: string;
  name: string;
  at: string;
  scan: string;
  input: string;
  resources: number;
}

/** How following a cluster goes. */
export interface Follower {
  name: string;
  /** Null until the cluster was read. */
  id: string | null;
  /** `starting`, `following`, `failed`, `stopped`. */
  state: string;
  since: string | null;
  changed_at: string | null;
  stored_at: string | null;
  lag_ms: number | null;
  code: string | null;
  /** Why it is not followed, or not as a whole. */
  reason: string | null;
}

export interface Clusters {
  items: Cluster[];
  followers: Follower[];
}

export interface ResourceRow {
  id: string;
  scope: string;
  path: string;
  kind: string;
  namespace: string;
  name: string;
  /** `open`, `possible`, `filtered`, `internal`; empty where that is no question. */
  exposure: string;
  findings: SeverityCounts;
  first_seen_at: string;
}

export interface Neighbour {
  edge: string;
  id: string;
  path: string;
}

export interface ResourceDetail extends ResourceRow {
  attributes: Record<string, unknown>;
  neighbours: Neighbour[];
  neighbours_truncated: boolean;
  /** The sensors of the machines that it runs on; empty for what runs on none. */
  sensors: Sensor[];
}

export interface ResourceFacets {
  matching: number;
  kind: FacetValue[];
  namespace: FacetValue[];
  exposure: FacetValue[];
}

export interface Entry {
  verdict: string;
  door: string;
  port: number;
  /** The last one of several ports. */
  last_port?: number;
  target: number;
  protocol: string;
  /** Objects from the door to the workload, in order. */
  path: string[];
  why: string;
  policies: string[];
}

export interface Exposed {
  workload: string;
  verdict: string;
  entries: Entry[];
}

export interface ExposureAnswer {
  workloads: Exposed[];
  total: number;
  unknown: string[];
}

export interface Subject {
  kind: string;
  namespace?: string;
  name: string;
}

export interface Proof {
  binding: string;
  subject: Subject;
  role: string;
  rule_of: string;
  /** Index in the role that has the rule, from 0. */
  rule: number;
}

/** A statement of a policy of an account. */
export interface Statement {
  /** `identity`, `boundary`, `resource`, `trust`. */
  role: string;
  /** ARN of the policy, or of what it is inside of. */
  policy: string;
  inline?: string | null;
  group?: string | null;
  /** Index of the statement, from 0. */
  statement: number;
  sid?: string | null;
  denies: boolean;
  certain: boolean;
  /** What an uncertain one depends on. */
  conditions: string[];
}

export interface Place {
  kind: string;
  path?: string;
  subject?: Subject;
  namespace?: string | null;
  /** Of an identity, group or provider of an account. */
  arn?: string;
  /** Of a resource of an account. */
  id?: string;
  /** Number of an account. */
  account?: string;
}

export interface Step {
  from: Place;
  to: Place;
  technique: string;
  why: string;
  grants: (Proof | Statement)[];
  /** `certain` or `possible`; in accounts. */
  certainty?: string;
  /** Resources of an account that the step leads through. */
  through?: string[];
}

export interface AttackPath {
  /** Path of a workload, or a place of an account. */
  source: string | Place;
  goal: string;
  certainty?: string;
  steps: Step[];
}

export interface ChokePoint {
  step: Step;
  /** Pairs of a workload and a goal that have no path left without the step. */
  cuts: number;
  /** Pairs whose shortest path has it. */
  on_shortest: number;
}

export interface AttackAnswer {
  paths: AttackPath[];
  choke_points: ChokePoint[];
  sources: number;
  total: number;
  /** There are more paths than a search looks at; in accounts. */
  truncated?: boolean;
  /** Users and roles that hold every right to begin with; in accounts. */
  administrators?: { arn: string; certainty: string }[];
  unknown: string[];
}

export interface Holder {
  subject: Subject;
  proof: Proof;
}

export interface WhoCanAnswer {
  holders: Holder[];
  total: number;
  unknown: string[];
}

/** Exposure of an account, as the API tells it. */
export interface AccountExposureAnswer {
  resources: {
    resource: string;
    kind: string;
    verdict: string;
    entries: {
      verdict: string;
      door: string;
      protocol: string;
      from_port: number;
      to_port: number;
      path: string[];
      why: string;
      rules: string[];
    }[];
  }[];
  total: number;
  truncated: boolean;
  unknown: string[];
}

/** Somebody who asks AWS for something. */
export interface Principal {
  kind: string;
  arn?: string;
  account?: string;
  provider?: string;
  service?: string;
}

export interface AccountHolder {
  principal: Principal;
  answer: {
    /** `allowed` or `possible`. */
    decision: string;
    proofs: Statement[];
    /** Policies that may say otherwise and could not be read. */
    unread: string[];
  };
}

export interface AccountWhoCanAnswer {
  holders: AccountHolder[];
  total: number;
  unknown: string[];
}

export interface UnusedRight {
  identity: string;
  /** `user`, `role`, `password`, `access-key`. */
  kind: string;
  key: number | null;
  last_used: string | null;
  days: number;
  privileged: boolean;
}

export interface UnusedRightsAnswer {
  items: UnusedRight[];
  total: number;
  days: number;
  at: string;
  unknown: string[];
}

export interface ControlCounts {
  met: number;
  partly: number;
  not_met: number;
  manual: number;
  not_assessed: number;
  /** 0 to 100; null where nothing could be told. */
  score?: number | null;
}

export interface AssessmentRow {
  framework: string;
  scope: string;
  scope_name: string;
  at: string;
  scan: string;
  summary: ControlCounts;
}

export interface ControlProof {
  /** Plugin and rule. */
  rule: string;
  failed: number;
  passed: number;
  unknown: number;
}

export interface Control {
  control: string;
  title: string;
  status: string;
  rationale: string;
  proof: ControlProof[];
  /** Somebody takes the risk of what fails. */
  accepted?: boolean;
  /** Ids of the exceptions that say so. */
  exceptions?: string[];
}

export interface TrendPoint {
  at: string;
  scan: string;
  summary: ControlCounts;
}

export interface AssessmentDetail extends AssessmentRow {
  controls: Control[];
  /** Newest first. */
  trend: TrendPoint[];
  /** Controls whose failures are accepted. */
  accepted?: number;
  /** The score as if what is accepted were not there; null where nothing could be told. */
  score_without_accepted?: number | null;
}

export type ExceptionScope =
  | { asset: string; label?: undefined }
  | { label: { key: string; value: string }; asset?: undefined };

export interface NewException {
  rule?: string | undefined;
  framework?: string | undefined;
  control?: string | undefined;
  scope: ExceptionScope;
  owner: string;
  reason: string;
  approver: string;
  expires_at: string;
}

export interface Exception extends NewException {
  id: string;
  approved_at: string;
  created_at: string;
  revoked_at?: string | null;
  /** `active`, `expired`, `not-yet`, `revoked`. */
  standing: string;
}

/** One assessment in the hash chain. */
export interface EvidenceRecord {
  sequence: number;
  at: string;
  scope: string;
  scope_name: string;
  scan: string;
  assessment: string;
  previous: string;
  hash: string;
}

export interface ChainCheck {
  records: number;
  head: string;
  sound: boolean;
  broken?: { sequence: number; why: string } | null;
}
