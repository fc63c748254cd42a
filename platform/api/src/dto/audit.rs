//! The audit log.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A line of the audit log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditLine {
    /// Its place in the log, which grows.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a person, a token, a plugin, or `command line`.
    pub actor: String,
    /// What: `signed-in`, `sign-in-refused`, `token-created`, `token-revoked`, a word about a plugin, or a request that changes something
    /// as method and path with names in braces.
    #[schema(example = "PATCH /api/v1/findings/{fingerprint}")]
    pub action: String,
    /// On what: the path of the request, the plugin, the person, the token.
    pub subject: String,
    /// The particulars, for people.
    pub detail: String,
    /// Whether it is in the hash chain; lines that are older than the chain are not.
    pub chained: bool,
}

impl From<store::AuditLine> for AuditLine {
    fn from(line: store::AuditLine) -> Self {
        let store::AuditEvent { at, actor, action, subject, detail } = line.event;
        Self { seq: line.seq, at, actor, action, subject, detail, chained: line.record.is_some() }
    }
}

/// What a verification of the audit log said.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditCheck {
    /// Whether every line is as it was written.
    pub sound: bool,
    /// Lines that are.
    pub records: u64,
    /// Hash of the last of them. Keep it elsewhere, and compare: who can change the whole log cannot change that.
    pub head: String,
    /// The first line that is not as it was written.
    #[schema(required)]
    pub broken: Option<super::BrokenRecord>,
}
