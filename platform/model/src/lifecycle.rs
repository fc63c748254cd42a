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

/// Where people stand with a finding. What scans see of it is its [`FindingState`]; the two are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Triage {
    /// Nobody has said anything of it.
    Open,
    /// It was fixed and is back, and nobody has said anything since.
    Reopened,
    /// Somebody knows of it.
    Acknowledged,
    /// Somebody mends it.
    InProgress,
    /// Somebody has taken the risk, until a day. It does not count as long.
    Accepted,
    /// It is not so. It does not count.
    FalsePositive,
}

impl Triage {
    /// Every value.
    pub const ALL: [Self; 6] = [
        Self::Open,
        Self::Reopened,
        Self::Acknowledged,
        Self::InProgress,
        Self::Accepted,
        Self::FalsePositive,
    ];

    /// The word used in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Reopened => "reopened",
            Self::Acknowledged => "acknowledged",
            Self::InProgress => "in-progress",
            Self::Accepted => "accepted",
            Self::FalsePositive => "false-positive",
        }
    }

    /// Reads [`Triage::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|triage| triage.as_str() == name)
    }

    /// Whether a finding that stands so is set aside: kept, and not counted.
    #[must_use]
    pub fn is_aside(self) -> bool {
        matches!(self, Self::Accepted | Self::FalsePositive)
    }
}

/// Why a finding is none, in the words of OpenVEX 0.2.0 (`justification`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Justification {
    /// What is said to be there is not.
    ComponentNotPresent,
    /// The component is there without the code in question.
    VulnerableCodeNotPresent,
    /// The code is there and never runs.
    VulnerableCodeNotInExecutePath,
    /// Nobody who attacks has a hand in what the code does.
    VulnerableCodeCannotBeControlledByAdversary,
    /// Something keeps it from doing harm.
    InlineMitigationsAlreadyExist,
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
    /// Somebody said where they stand with it, whose it is or what it is called.
    Triaged,
    /// Somebody said something about it.
    Commented,
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
            Self::Triaged => "triaged",
            Self::Commented => "commented",
        }
    }

    /// Reads [`Transition::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Opened, Self::Fixed, Self::Reopened, Self::Changed, Self::Triaged, Self::Commented]
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
    /// The scan that showed it; nothing where somebody said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<String>,
    /// Who said it; nothing where a scan showed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// One sentence: what changed, from what to what.
    pub note: String,
}
