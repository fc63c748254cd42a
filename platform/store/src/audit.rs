//! The audit log: who did what, and what was denied to whom. Rows are added and never changed.

use jiff::Timestamp;
use model::TenantId;

use crate::connection::Tx;
use crate::row::Row;
use crate::sql::sql;
use crate::{Result, Store, clean};

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// Who: the name of a token, `command line`, or a plugin.
    pub actor: String,
    /// What, as a stable word such as `plugin-granted`.
    pub action: String,
    /// On what.
    pub subject: String,
    /// The particulars, for people.
    pub detail: String,
}

/// Longest particulars that are kept.
const DETAIL_BYTES_MAX: usize = 8 * 1024;

impl Store {
    /// Adds lines to the log, all or none.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`].
    pub async fn append_audit(&self, tenant: &TenantId, events: &[AuditEvent]) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let mut tx = self.backend.begin("write the audit log").await?;
        for event in events {
            note(&mut tx, tenant, event).await?;
        }
        tx.commit().await
    }

    /// The last lines about a subject, newest first; at most `limit`, and never more than 1,000.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn audit_of(&self, tenant: &TenantId, subject: &str, limit: usize) -> Result<Vec<AuditEvent>> {
        let limit = i64::try_from(limit.min(1_000)).unwrap_or(0);
        let statement = sql(
            "SELECT at, actor, action, subject, detail FROM audit_event
             WHERE tenant = $1 AND subject = $2 ORDER BY seq DESC LIMIT $3",
            [tenant.into(), subject.into(), limit.into()],
        );
        self.backend.rows("read the audit log", statement).await?.iter().map(read).collect()
    }
}

/// Adds a line within a transaction.
pub(crate) async fn note(tx: &mut Tx, tenant: &TenantId, event: &AuditEvent) -> Result<()> {
    let seq = tx.next("audit_seq").await?;
    let detail = clean::text(&event.detail);
    let end = detail.floor_char_boundary(DETAIL_BYTES_MAX);
    let statement = sql(
        "INSERT INTO audit_event (tenant, seq, at, actor, action, subject, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            tenant.into(),
            seq.into(),
            event.at.into(),
            clean::text(&event.actor).as_ref().into(),
            clean::text(&event.action).as_ref().into(),
            clean::text(&event.subject).as_ref().into(),
            detail.get(..end).unwrap_or_default().into(),
        ],
    );
    tx.execute(statement).await?;
    Ok(())
}

fn read(row: &Row) -> Result<AuditEvent> {
    Ok(AuditEvent {
        at: row.time("at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        detail: row.text("detail")?,
    })
}
