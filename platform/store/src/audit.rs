//! The audit log: who did what, and what was denied to whom. Rows are added and never changed.

use jiff::Timestamp;
use model::TenantId;

use crate::connection::Tx;
use crate::page::Position;
use crate::row::Row;
use crate::sql::sql;
use crate::{Page, PageRequest, Result, Store, audit_chain, clean};

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
/// Longest name of who, what or on what, in bytes.
const NAME_BYTES_MAX: usize = 2 * 1024;

/// A line with its place in the log, which grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its place.
    pub seq: i64,
    /// What it says.
    pub event: AuditEvent,
    /// The line exactly as it was hashed; `None` for lines that are older than the chain.
    pub record: Option<String>,
}

/// Which lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Of this actor.
    pub actor: Option<String>,
    /// About this subject.
    pub subject: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// From then on.
    pub from: Option<Timestamp>,
    /// Before then.
    pub to: Option<Timestamp>,
}

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

    /// Lines of the log, the newest first.
    ///
    /// # Errors
    /// [`crate::StoreError::CursorInvalid`] and database errors.
    pub async fn audit(
        &self,
        tenant: &TenantId,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditLine>> {
        const LIST: &str = "audit";
        let mut statement = sql(
            "SELECT seq, at, actor, action, subject, detail, record FROM audit_event WHERE tenant = ",
            [],
        );
        statement.bind(tenant);
        for (column, value) in [
            (" AND actor = ", &filter.actor),
            (" AND subject = ", &filter.subject),
            (" AND action = ", &filter.action),
        ] {
            if let Some(value) = value {
                statement.push(column).bind(clean::text(value).as_ref());
            }
        }
        if let Some(from) = filter.from {
            statement.push(" AND at >= ").bind(from);
        }
        if let Some(to) = filter.to {
            statement.push(" AND at < ").bind(to);
        }
        if let Some(after) = page.after(LIST)? {
            statement.push(" AND seq < ").bind(after.int_key()?);
        }
        statement.push(" ORDER BY seq DESC LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list the audit log", statement).await?;
        let lines = rows.iter().map(line).collect::<Result<Vec<_>>>()?;
        Ok(Page::new(lines, page, LIST, |line| Position::int(line.seq, "")))
    }

    /// Lines behind a place, the oldest first; at most 1,000. What an export is made of.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn audit_after(&self, tenant: &TenantId, after: i64) -> Result<Vec<AuditLine>> {
        let statement = sql(
            "SELECT seq, at, actor, action, subject, detail, record FROM audit_event
             WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT 1000",
            [tenant.into(), after.into()],
        );
        self.backend.rows("export the audit log", statement).await?.iter().map(line).collect()
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

/// Adds a line within a transaction. It is the next of its tenant's chain, so that transactions that write lines come one after the other.
pub(crate) async fn note(tx: &mut Tx, tenant: &TenantId, event: &AuditEvent) -> Result<()> {
    let kept = kept(event);
    let record = audit_chain::append(tx, tenant, &kept).await?;
    let seq = tx.next("audit_seq").await?;
    let statement = sql(
        "INSERT INTO audit_event (tenant, seq, at, actor, action, subject, detail, record)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            tenant.into(),
            seq.into(),
            kept.at.into(),
            kept.actor.into(),
            kept.action.into(),
            kept.subject.into(),
            kept.detail.into(),
            record.into(),
        ],
    );
    tx.execute(statement).await?;
    Ok(())
}

/// A line as it can be kept and read again: what databases do not take is gone, and times have microseconds.
fn kept(event: &AuditEvent) -> AuditEvent {
    let text = |text: &str, most: usize| {
        let text = clean::text(text);
        text.get(..text.floor_char_boundary(most)).unwrap_or_default().to_owned()
    };
    AuditEvent {
        at: Timestamp::from_microsecond(event.at.as_microsecond()).unwrap_or(event.at),
        actor: text(&event.actor, NAME_BYTES_MAX),
        action: text(&event.action, NAME_BYTES_MAX),
        subject: text(&event.subject, NAME_BYTES_MAX),
        detail: text(&event.detail, DETAIL_BYTES_MAX),
    }
}

fn line(row: &Row) -> Result<AuditLine> {
    Ok(AuditLine { seq: row.int("seq")?, event: read(row)?, record: row.text_or_null("record")? })
}

pub(crate) fn read(row: &Row) -> Result<AuditEvent> {
    Ok(AuditEvent {
        at: row.time("at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        detail: row.text("detail")?,
    })
}
