//! Clusters, and what their graphs answer.

use cluster::{AttackPath, ChokePoint, Exposed, Holder};
use jiff::Timestamp;
use model::AssetId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A cluster or account with resources.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Cluster {
    /// Canonical id.
    pub id: AssetId,
    /// Name for people.
    pub name: String,
    /// When it was last scanned.
    pub at: Timestamp,
    /// That scan.
    pub scan: Uuid,
    /// SHA-256 of what was judged.
    pub input: String,
    /// Resources in it.
    pub resources: u64,
}

impl From<store::Scope> for Cluster {
    fn from(scope: store::Scope) -> Self {
        Self {
            id: scope.asset,
            name: scope.name,
            at: scope.at,
            scan: scope.scan,
            input: scope.input,
            resources: scope.resources,
        }
    }
}

/// All clusters. Not paged: an installation has at most a thousand.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Clusters {
    /// By name.
    pub items: Vec<Cluster>,
}

/// Which workloads traffic from the internet can get to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExposureAnswer {
    /// Workloads with a door, those that traffic gets to first.
    pub workloads: Vec<Exposed>,
    /// Workloads with a door in the whole cluster.
    pub total: usize,
    /// What the answer does not know of.
    pub unknown: Vec<String>,
}

/// How far somebody gets from inside of workloads.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttackAnswer {
    /// Shortest paths, one for each source and goal.
    pub paths: Vec<AttackPath>,
    /// Paths that were found.
    pub total: usize,
    /// Workloads that were looked at.
    pub sources: usize,
    /// Steps without which many paths are gone, those with the most first.
    pub choke_points: Vec<ChokePoint>,
    /// What the answer does not know of.
    pub unknown: Vec<String>,
}

/// Who can do something.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WhoCanAnswer {
    /// Each with one proof.
    pub holders: Vec<Holder>,
    /// Holders that were found.
    pub total: usize,
    /// What the answer does not know of.
    pub unknown: Vec<String>,
}
