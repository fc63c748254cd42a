//! Findings for other tools, as they come, so that none of a document has to be in memory whole.

mod cyclonedx;

use jiff::Timestamp;
use model::{Finding, Fingerprint};
use serde::Serialize;
use serde_json::Value;

pub use self::cyclonedx::Bom;
use crate::TargetKind;

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Asset {
    /// Sort of thing.
    pub kind: TargetKind,
    /// What people call it.
    pub name: String,
    /// `sha256:…` of an image's manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Where a finding stands, with what somebody decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Seen by the latest look at its asset.
    Open,
    /// Not seen by the latest complete look.
    Fixed,
    /// Somebody says that it is none.
    FalsePositive {
        /// Why.
        reason: String,
    },
    /// Somebody takes the risk.
    AcceptedRisk {
        /// Why.
        reason: String,
        /// Until when.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
}

impl State {
    /// The word for it in every wire form.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Fixed => "fixed",
            Self::FalsePositive { .. } => "false-positive",
            Self::AcceptedRisk { .. } => "accepted-risk",
        }
    }
}

/// A finding with what an installation knows about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exported {
    /// Its identity in this installation.
    pub fingerprint: Fingerprint,
    /// Where it was found.
    pub asset: Asset,
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The finding itself.
    pub finding: Finding,
}

impl Exported {
    /// Why it does not count: what somebody decided, else what the finding itself says.
    fn suppression(&self) -> Option<model::Suppression> {
        match &self.state {
            State::FalsePositive { reason } | State::AcceptedRisk { reason, .. } => {
                Some(model::Suppression { code: self.state.as_str().to_owned(), reason: reason.clone() })
            }
            State::Open | State::Fixed => self.finding.suppressed.clone(),
        }
    }
}

/// What a document says about itself, where its format asks for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// A UUID that is given to no other document, such as `3e671687-395b-41f5-a30f-a58921a69b79`.
    pub id: String,
    /// When it is made.
    pub made_at: Timestamp,
    /// Who makes it: the organisation that runs the installation.
    pub author: String,
}

/// Adds a member that is there.
fn put(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(members), Some(value)) = (object.as_object_mut(), value) {
        members.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
pub(crate) mod tests;
