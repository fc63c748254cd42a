//! The plan: every act, what the API server says of it, and what it would touch. People agree to a plan and to nothing else.

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::key::{Key, sha256};
use crate::object::ObjectRef;
use crate::playbook::OnError;
use crate::step::Class;

/// Most acts of a plan.
pub const ACTS_MAX: usize = 500;

/// One thing that is done to one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// Its key.
    pub key: Key,
    /// The step that it belongs to.
    pub step: String,
    /// The word of the step's action.
    pub action: String,
    /// What it does to the world.
    pub class: Class,
    /// What it is done to; nothing for messages.
    pub target: Option<ObjectRef>,
    /// What is done.
    pub change: Change,
    /// What becomes of the rest when it fails.
    pub on_error: OnError,
    /// Seconds after which it is taken back.
    pub lease: Option<i64>,
}

/// What the API server says of an act that is only tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRun {
    /// Place of the act.
    pub act: usize,
    /// Whether it would be done.
    pub passes: bool,
    /// What it said where not, or why it was not asked.
    pub said: String,
}

/// A workload whose number of pods changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    /// Which.
    pub target: ObjectRef,
    /// Before.
    pub before: i64,
    /// After.
    pub after: i64,
}

/// A disruption budget that pods to be evicted are under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Disruption {
    /// Which.
    pub budget: ObjectRef,
    /// How many of its pods may be missing now, beside those that are.
    pub allowed: i64,
    /// How many of its pods are to be evicted.
    pub evicted: u64,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// What would be done, in order.
    pub acts: Vec<Act>,
    /// Steps that are not done, and why.
    pub skipped: Vec<(String, String)>,
    /// What the API server says of each act that changes something.
    pub dry_runs: Vec<DryRun>,
    /// Pods that would be cut off or ended.
    pub pods: Vec<ObjectRef>,
    /// All pods of the cluster.
    pub pods_total: u64,
    /// Workloads whose number of pods changes.
    pub replicas: Vec<Replicas>,
    /// Disruption budgets.
    pub disruptions: Vec<Disruption>,
    /// What one should know before agreeing.
    pub warnings: Vec<String>,
    /// Why it must not be done. With one of these nothing is.
    pub refusals: Vec<String>,
}

impl Plan {
    /// Its digest, which a decision names.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(&serde_json::to_vec(self).unwrap_or_default())
    }
}
