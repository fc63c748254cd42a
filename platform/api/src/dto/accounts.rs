//! What the graphs of cloud accounts answer. The shapes are those of clusters where they mean the same.

use cloud::aws::{AttackPath, Certainty, ChokePoint, Exposed, Holder, Unused};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Which resources of an account traffic from the internet can get to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccountExposureAnswer {
    /// Resources with a door, those that traffic gets to first.
    pub resources: Vec<Exposed>,
    /// Resources with a door in the whole account.
    pub total: usize,
    /// Of some resource there are more ways than are kept.
    pub truncated: bool,
    /// What the answer does not know of.
    pub unknown: Vec<String>,
}

/// A user or role that has every right to begin with.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccountAdministrator {
    /// ARN.
    pub arn: String,
    /// How sure that is.
    pub certainty: Certainty,
}

/// Who can become whom.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccountAttackAnswer {
    /// Shortest paths, one for each source and goal.
    pub paths: Vec<AttackPath>,
    /// Paths that were found.
    pub total: usize,
    /// Identities, outsiders and resources that were looked at.
    pub sources: usize,
    /// There are more paths, or more steps, than a search looks at.
    pub truncated: bool,
    /// Users and roles that are administrators to begin with, and so no sources; the first five hundred.
    pub administrators: Vec<AccountAdministrator>,
    /// Steps without which many paths are gone, those with the most first.
    pub choke_points: Vec<ChokePoint>,
    /// What the answer does not know of.
    pub unknown: Vec<String>,
}

/// Who can do something in an account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccountWhoCanAnswer {
    /// Each with the statements that say so; those that certainly can are first.
    pub holders: Vec<Holder>,
    /// Holders that were found.
    pub total: usize,
    /// What the answer does not know of.
    pub unknown: Vec<String>,
}

/// Rights that nobody uses.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnusedRightsAnswer {
    /// Privileged ones first, then those that were unused the longest.
    pub items: Vec<Unused>,
    /// How many there are.
    pub total: usize,
    /// Days without use after which something counts.
    pub days: u32,
    /// When the account was collected: days are counted up to then.
    pub at: Timestamp,
    /// What the answer does not know of.
    pub unknown: Vec<String>,
}
