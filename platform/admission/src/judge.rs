//! Who decides, and what a decision consists of.

use std::time::Instant;

use serde_json::Value;

use crate::review::Request;

/// What the API server asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Whether the object may be.
    Validate,
    /// How the object should be changed first.
    Mutate,
}

/// Something that a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Name of the policy.
    pub policy: String,
    /// For the person whose request it is.
    pub message: String,
}

/// A policy that could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Name of the policy.
    pub policy: String,
    /// Why not.
    pub reason: String,
    /// Whether the request is refused then.
    pub closed: bool,
}

/// What all policies say of one request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judgement {
    /// What refuses it.
    pub violations: Vec<Said>,
    /// What would refuse it if the policy were enforced. Told in the audit log of the cluster, and to nobody else.
    pub dry_run: Vec<Said>,
    /// What the user is told although it passes.
    pub warnings: Vec<Said>,
    /// Operations of a JSON Patch (RFC 6902), in order.
    pub patch: Vec<Value>,
    /// Policies that could not be asked.
    pub failures: Vec<Failure>,
}

/// Decides about requests.
pub trait Judge: Send + Sync + 'static {
    /// Asks every policy. Called on a thread that may block; an answer after the deadline is not waited for.
    fn judge(&self, mode: Mode, request: &Request, deadline: Instant) -> Judgement;

    /// What becomes of a request whose judgement did not come in time, or never: a failure for each policy that had to be asked.
    fn not_in_time(&self, mode: Mode, request: &Request) -> Vec<Failure>;
}
