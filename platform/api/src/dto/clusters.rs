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

/// Where following a cluster stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FollowState {
    /// It is read and judged for the first time.
    Starting,
    /// What changes is judged as it changes.
    Following,
    /// It cannot be followed; it is tried again.
    Failed,
    /// No process follows it any more.
    Stopped,
}

/// A cluster that is to be followed, and how that goes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Follower {
    /// Name of the cluster in the configuration.
    pub name: String,
    /// Canonical id of the cluster; null until it was read.
    pub id: Option<AssetId>,
    /// Where it stands.
    pub state: FollowState,
    /// Since when it is followed without a break.
    pub since: Option<Timestamp>,
    /// When it was last heard of a change.
    pub changed_at: Option<Timestamp>,
    /// When what was heard was last stored.
    pub stored_at: Option<Timestamp>,
    /// Milliseconds from the first of the changes that were stored last until they were.
    pub lag_ms: Option<u64>,
    /// Stable word for why it is not followed, or not as a whole.
    pub code: Option<String>,
    /// The same in a sentence.
    pub reason: Option<String>,
}

impl Follower {
    /// As of this time: who promised to report by then and has not is not there any more.
    pub(crate) fn of(follower: store::Follower, now: Timestamp) -> Self {
        let report = follower.report;
        let state = match report.state {
            _ if follower.until <= now => FollowState::Stopped,
            store::FollowState::Starting => FollowState::Starting,
            store::FollowState::Following => FollowState::Following,
            store::FollowState::Failed => FollowState::Failed,
        };
        Self {
            name: follower.cluster,
            id: report.asset,
            state,
            since: report.since.filter(|_| state == FollowState::Following),
            changed_at: report.changed_at,
            stored_at: report.stored_at,
            lag_ms: report.lag_ms,
            code: report.code,
            reason: report.reason,
        }
    }
}

/// All clusters. Not paged: an installation has at most a thousand.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Clusters {
    /// By name.
    pub items: Vec<Cluster>,
    /// Those that are configured to be followed, or were, by name.
    pub followers: Vec<Follower>,
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

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use store::FollowReport;

    use super::{FollowState, Follower};

    #[test]
    fn who_has_not_reported_as_promised_follows_no_more() {
        let now = Timestamp::UNIX_EPOCH;
        let follower = |seconds| store::Follower {
            cluster: "prod".to_owned(),
            until: now + SignedDuration::from_secs(seconds),
            report: FollowReport {
                state: store::FollowState::Following,
                since: Some(now),
                ..FollowReport::default()
            },
        };
        let (is, was) = (Follower::of(follower(1), now), Follower::of(follower(0), now));
        assert_eq!((is.state, is.since), (FollowState::Following, Some(now)));
        assert_eq!((was.state, was.since), (FollowState::Stopped, None));
    }
}
