//! Exceptions, and the chain of evidence.

use jiff::Timestamp;
use model::AssetId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Resources that an exception is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ExceptionScope {
    /// The asset or resource of this id, and those below it.
    Asset(String),
    /// Resources with this label.
    Label(ExceptionLabel),
}

/// A label of resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionLabel {
    /// Key.
    pub key: String,
    /// Value, exactly.
    pub value: String,
}

/// A risk that somebody accepts for a time. Names either a rule, or a framework and one of its controls.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewException {
    /// Plugin and rule.
    #[schema(example = "palisade.kube-posture/privileged")]
    pub rule: Option<String>,
    /// Framework of the control.
    pub framework: Option<String>,
    /// Control.
    pub control: Option<String>,
    /// For which resources.
    pub scope: ExceptionScope,
    /// Who answers for the risk.
    pub owner: String,
    /// Why it is borne.
    pub reason: String,
    /// Who approved it; another person than the owner.
    pub approver: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Where an exception stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionStanding {
    /// It holds.
    Active,
    /// It held once.
    Expired,
    /// It does not hold yet.
    NotYet,
    /// Somebody took it back.
    Revoked,
}

/// An exception.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Exception {
    /// Its id.
    pub id: Uuid,
    /// Plugin and rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Framework of the control.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framework: Option<String>,
    /// Control.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    /// For which resources.
    pub scope: ExceptionScope,
    /// Who answers for the risk.
    pub owner: String,
    /// Why it is borne.
    pub reason: String,
    /// Who approved it.
    pub approver: String,
    /// From when it holds.
    pub approved_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When somebody took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Where it stands now.
    pub standing: ExceptionStanding,
}

impl Exception {
    /// The wire form of a kept exception.
    pub(crate) fn of(stored: store::StoredException, said: evidence::Exception, now: Timestamp) -> Self {
        let standing = match said.standing(now) {
            _ if stored.revoked_at.is_some() => ExceptionStanding::Revoked,
            evidence::Standing::Active => ExceptionStanding::Active,
            evidence::Standing::Expired => ExceptionStanding::Expired,
            evidence::Standing::NotYet => ExceptionStanding::NotYet,
        };
        Self {
            id: stored.id,
            rule: said.rule,
            framework: said.framework,
            control: said.control,
            scope: match said.scope {
                evidence::Scope::Asset(asset) => ExceptionScope::Asset(asset),
                evidence::Scope::Label { key, value } => ExceptionScope::Label(ExceptionLabel { key, value }),
            },
            owner: said.owner,
            reason: said.reason,
            approver: said.approver.unwrap_or_default(),
            approved_at: said.approved_at,
            expires_at: stored.expires_at,
            created_at: stored.created_at,
            revoked_at: stored.revoked_at,
            standing,
        }
    }
}

/// All exceptions. Not paged: those that are more than ten thousand are no longer exceptions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExceptionBook {
    /// The newest first, those that ended too.
    pub items: Vec<Exception>,
}

/// A record of the chain of evidence.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvidenceRow {
    /// Its place, from 0.
    pub sequence: i64,
    /// When the scan was finished.
    pub at: Timestamp,
    /// What was assessed.
    pub scope: AssetId,
    /// Its name for people.
    pub scope_name: String,
    /// The scan.
    pub scan: Uuid,
    /// SHA-256 of the assessment as it is kept.
    pub assessment: String,
    /// Hash of the record before it.
    pub previous: String,
    /// Its own hash.
    pub hash: String,
}

impl From<store::EvidenceRecord> for EvidenceRow {
    fn from(record: store::EvidenceRecord) -> Self {
        Self {
            sequence: record.sequence,
            at: record.at,
            scope: record.scope,
            scope_name: record.scope_name,
            scan: record.scan,
            assessment: record.assessment,
            previous: record.previous,
            hash: record.hash,
        }
    }
}

/// The first record of the chain that does not follow.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BrokenRecord {
    /// Its place.
    pub sequence: i64,
    /// What is wrong with it.
    pub why: String,
}

/// What a verification of the chain said.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EvidenceCheck {
    /// Every record follows, and the chain ends where it should.
    pub sound: bool,
    /// Records that follow from each other.
    pub records: u64,
    /// Hash of the last of them. Whoever keeps it elsewhere can tell a chain that was made anew.
    pub head: String,
    /// The first that does not follow; null if all do.
    #[schema(required)]
    pub broken: Option<BrokenRecord>,
}
