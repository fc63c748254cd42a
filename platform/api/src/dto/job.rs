//! Long work that people can follow: where it stands.

use serde::Serialize;
use utoipa::ToSchema;

/// Where a job stands. The last three are ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Accepted, and kept whatever happens to the process; nobody works at it yet.
    Queued,
    /// Somebody works at it.
    Running,
    /// All of it is done.
    Finished,
    /// It could not be done; a part of it may be.
    Failed,
    /// Called off; a part of it may be done.
    Cancelled,
}

impl From<store::JobState> for JobState {
    fn from(state: store::JobState) -> Self {
        match state {
            store::JobState::Queued => Self::Queued,
            store::JobState::Running => Self::Running,
            store::JobState::Finished => Self::Finished,
            store::JobState::Failed => Self::Failed,
            store::JobState::Cancelled => Self::Cancelled,
        }
    }
}
