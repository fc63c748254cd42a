//! Responses as lists: runs, records of the ledger, kill switches.

use jiff::Timestamp;
use model::TenantId;
use respond::RunId;

use crate::page::{Page, PageRequest, Position};
use crate::row::Row;
use crate::sql::sql;
use crate::{Result, Store, StoreError, clean};

/// Most records of the ledger at once.
const ROWS_MAX: u32 = 1_000;
const LIST: &str = "responses";

/// A run as a list shows it; what it is about stands in its journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseRow {
    /// The run.
    pub run: RunId,
    /// Whether there may be more to do.
    pub open: bool,
    /// When it began.
    pub begun_at: Timestamp,
    /// When its journal last grew.
    pub changed_at: Timestamp,
}

/// A kill switch that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillSwitch {
    /// The playbook; empty for all of the tenant.
    pub playbook: String,
    /// Why.
    pub why: String,
    /// Who turned it on.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Runs, the newest first; those that are open, or over, where that is asked.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`], and database errors.
    pub async fn responses(
        &self,
        tenant: &TenantId,
        open: Option<bool>,
        page: &PageRequest,
    ) -> Result<Page<ResponseRow>> {
        let mut statement =
            sql("SELECT id, open, begun_at, changed_at FROM playbook_run WHERE tenant = ", []);
        statement.bind(tenant);
        if let Some(open) = open {
            statement.push(" AND open = ").bind(open);
        }
        if let Some(after) = page.after(LIST)? {
            let begun = after.int_key()?;
            let begun = Timestamp::from_microsecond(begun).map_err(|_| StoreError::CursorInvalid)?;
            statement.push(" AND (begun_at < ").bind(begun).push(" OR (begun_at = ").bind(begun);
            statement.push(" AND id > ").bind(after.tiebreak.as_str()).push("))");
        }
        statement.push(" ORDER BY begun_at DESC, id LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list runs", statement).await?;
        let read = |row: &Row| {
            Ok::<_, StoreError>(ResponseRow {
                run: RunId(row.text("id")?),
                open: row.bool("open")?,
                begun_at: row.time("begun_at")?,
                changed_at: row.time("changed_at")?,
            })
        };
        let items = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        let position = |row: &ResponseRow| Position::int(row.begun_at.as_microsecond(), row.run.0.clone());
        Ok(Page::new(items, page, LIST, position))
    }

    /// Ids of the incidents that changed since a moment, with when they did, that were not closed and did not become part of another one:
    /// those that changed last first, at most so many.
    ///
    /// # Errors
    /// Database errors.
    pub async fn incidents_to_answer(
        &self,
        tenant: &TenantId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<(String, Timestamp)>> {
        let statement = sql(
            "SELECT id, changed_at FROM incident WHERE tenant = $1 AND changed_at >= $2 AND status <> 'closed' AND merged_into IS NULL
             ORDER BY changed_at DESC, id LIMIT $3",
            [tenant.into(), since.into(), i64::from(limit).into()],
        );
        let rows = self.backend.rows("list incidents to answer", statement).await?;
        rows.iter().map(|row| Ok((row.text("id")?, row.time("changed_at")?))).collect()
    }

    /// Records of the ledger from a place on, each exactly as it was hashed, at most 1,000; of one run where one is named.
    ///
    /// # Errors
    /// Database errors, and [`crate::StoreError::Unreadable`] never: records are not read.
    pub async fn response_ledger(
        &self,
        tenant: &TenantId,
        run: Option<&RunId>,
        from: u64,
        limit: u32,
    ) -> Result<Vec<String>> {
        let mut statement = sql("SELECT record FROM response_ledger WHERE tenant = ", []);
        statement.bind(tenant);
        statement.push(" AND sequence >= ").bind(i64::try_from(from).unwrap_or(i64::MAX));
        if let Some(run) = run {
            // Records are canonical, so that the member stands in them in this form alone; quotes within text are escaped.
            let member = format!("\"run\":\"{}\"", clean::key(&run.0)).to_lowercase();
            let pattern = clean::contains_pattern(&member)?;
            statement.push(" AND lower(record) LIKE ").bind(pattern).push(" ESCAPE '\\'");
        }
        statement.push(" ORDER BY sequence LIMIT ").bind(i64::from(limit.min(ROWS_MAX)));
        let rows = self.backend.rows("list the ledger", statement).await?;
        rows.iter().map(|row| row.text("record")).collect()
    }

    /// Kill switches that are on, that of the whole tenant first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn kill_switches(&self, tenant: &TenantId) -> Result<Vec<KillSwitch>> {
        let statement = sql(
            "SELECT playbook, why, actor, at FROM kill_switch WHERE tenant = $1 ORDER BY playbook",
            [tenant.into()],
        );
        let rows = self.backend.rows("list kill switches", statement).await?;
        let read = |row: &Row| {
            Ok::<_, StoreError>(KillSwitch {
                playbook: row.text("playbook")?,
                why: row.text("why")?,
                actor: row.text("actor")?,
                at: row.time("at")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
