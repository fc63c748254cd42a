//! What happens to a finding after it was first seen.

use serde::{Deserialize, Serialize};

/// Where a stored finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// Seen by the latest scan of its asset.
    Open,
    /// Not seen by the latest complete scan of its asset.
    Fixed,
}

impl FindingState {
    /// The word used in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Fixed => "fixed",
        }
    }

    /// Reads [`FindingState::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Open, Self::Fixed].into_iter().find(|state| state.as_str() == name)
    }
}

/// What a history event records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Transition {
    /// Seen for the first time.
    Opened,
    /// Gone from a scan that looked where it was.
    Fixed,
    /// Back after it was fixed.
    Reopened,
    /// Still there, but severity, fix, exploitation or suppression changed.
    Changed,
}

impl Transition {
    /// The word used in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Fixed => "fixed",
            Self::Reopened => "reopened",
            Self::Changed => "changed",
        }
    }

    /// Reads [`Transition::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Opened, Self::Fixed, Self::Reopened, Self::Changed]
            .into_iter()
            .find(|transition| transition.as_str() == name)
    }
}

/// One step in the life of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HistoryEvent {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// What happened.
    pub transition: Transition,
    /// The scan that showed it.
    pub scan: String,
    /// One sentence: what changed, from what to what.
    pub note: String,
}
