//! Backtests: rules, or another version of a plugin, that are tried on stored events before they judge new ones.
//!
//! A backtest is accepted together with the message that has it made, as a scan is. It changes nothing but its own row, so that making it twice
//! does no harm: whoever ends it first is believed.

use jiff::Timestamp;
use model::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::job::JobState;
use crate::page::Position;
use crate::row::Row;
use crate::sql::{Param, Sql, sql};
use crate::{Page, PageRequest, Result, Store, clean, outbox};

/// Backtests that are kept of a tenant; accepting another one forgets the oldest that is over.
const KEPT_MAX: i64 = 200;

/// A file of rules that is tried, as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFile {
    /// What it is called.
    pub name: String,
    /// What it says, in Sigma's language or in Falco's.
    pub text: String,
}

/// A version of a plugin that is tried in the place of the one in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Id of the plugin.
    pub plugin: String,
    /// Digest of the installed version.
    pub digest: String,
}

/// What is to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBacktest {
    /// Its id; a UUID of version 7, so that ids sort by time.
    pub id: Uuid,
    /// Rules beside those in force.
    pub rules: Vec<RuleFile>,
    /// Whether these rules stand in the place of the operator's own.
    pub instead: bool,
    /// A version of a plugin.
    pub candidate: Option<Candidate>,
    /// Events from then on.
    pub from: Timestamp,
    /// Events before then.
    pub to: Timestamp,
    /// Who asks.
    pub by: String,
    /// Now.
    pub at: Timestamp,
}

/// A backtest, without the rules and without what came of it, which may be large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backtest {
    /// Its id.
    pub id: Uuid,
    /// Names of the files of rules.
    pub files: Vec<String>,
    /// Whether these rules stand in the place of the operator's own.
    pub instead: bool,
    /// A version of a plugin.
    pub candidate: Option<Candidate>,
    /// Events from then on.
    pub from: Timestamp,
    /// Events before then.
    pub to: Timestamp,
    /// Who asked.
    pub by: String,
    /// Where it stands.
    pub state: JobState,
    /// Events that both sides have judged so far.
    pub events: u64,
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When somebody first began to judge.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// Why it failed: a stable word, and a sentence.
    pub error: Option<(String, String)>,
}

/// A backtest with what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct BacktestWork {
    /// The backtest.
    pub backtest: Backtest,
    /// The rules.
    pub rules: Vec<RuleFile>,
    /// What came of it, as JSON of whoever made it.
    pub difference: Option<Value>,
}

const COLUMNS: &str =
    "id, files, instead, plugin, digest, from_at, to_at, asked_by, state, events, submitted_at,
    started_at, finished_at, error_code, error_message";

impl Store {
    /// Accepts a backtest, together with the message `backtest.requested` that will have it made.
    ///
    /// # Errors
    /// [`crate::StoreError::TooLong`], [`crate::StoreError::Query`].
    pub async fn submit_backtest(&self, tenant: &TenantId, new: &NewBacktest) -> Result<Backtest> {
        let files: Vec<&str> = new.rules.iter().map(|file| file.name.as_str()).collect();
        let by = clean::identity("who asks", &new.by)?;
        let candidate = new.candidate.as_ref().map(|candidate| {
            let plugin = clean::identity("the id of a plugin", &candidate.plugin)?;
            Ok(Candidate { plugin, digest: clean::identity("a digest", &candidate.digest)? })
        });
        let candidate = candidate.transpose()?;
        let statement = sql(
            "INSERT INTO backtest (tenant, id, files, rules, instead, plugin, digest, from_at, to_at, asked_by, state, events,
             submitted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued', 0, $11)",
            [
                tenant.into(),
                new.id.into(),
                Param::Json(Some(clean::json("names of files of rules", &files)?)),
                Param::Json(Some(clean::json("files of rules", &new.rules)?)),
                new.instead.into(),
                candidate.as_ref().map(|candidate| candidate.plugin.clone()).into(),
                candidate.as_ref().map(|candidate| candidate.digest.clone()).into(),
                new.from.into(),
                new.to.into(),
                by.as_str().into(),
                new.at.into(),
            ],
        );
        let mut tx = self.backend.begin("accept a backtest").await?;
        tx.execute(statement).await?;
        let id = format!("{tenant}.backtest.requested.{}", new.id);
        outbox::add(&mut tx, tenant, "backtest.requested", id, &json!({ "backtest": new.id }), new.at)
            .await?;
        let forget = sql(
            "DELETE FROM backtest WHERE tenant = $1 AND state IN ('finished', 'failed', 'cancelled') AND id NOT IN
             (SELECT id FROM backtest WHERE tenant = $1 ORDER BY id DESC LIMIT $2)",
            [tenant.into(), KEPT_MAX.into()],
        );
        tx.execute(forget).await?;
        tx.commit().await?;
        Ok(Backtest {
            id: new.id,
            files: files.into_iter().map(|name| clean::text(name).into_owned()).collect(),
            instead: new.instead,
            candidate,
            from: new.from,
            to: new.to,
            by,
            state: JobState::Queued,
            events: 0,
            submitted_at: new.at,
            started_at: None,
            finished_at: None,
            error: None,
        })
    }

    /// Backtests, the newest first.
    ///
    /// # Errors
    /// [`crate::StoreError::CursorInvalid`], [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn backtests(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<Backtest>> {
        const LIST: &str = "backtests";
        let mut statement = select("");
        statement.push(" WHERE tenant = ").bind(tenant);
        if let Some(after) = page.after(LIST)? {
            let id = Uuid::try_parse(after.text_key()?).map_err(|_| crate::StoreError::CursorInvalid)?;
            statement.push(" AND id < ").bind(id);
        }
        statement.push(" ORDER BY id DESC LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list backtests", statement).await?;
        let backtests = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        Ok(Page::new(backtests, page, LIST, |one| Position::text(one.id.to_string(), "")))
    }

    /// One backtest, with the rules and what came of it.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn backtest(&self, tenant: &TenantId, id: Uuid) -> Result<Option<BacktestWork>> {
        let mut statement = select(", rules, difference");
        statement.push(" WHERE tenant = ").bind(tenant).push(" AND id = ").bind(id);
        let row = self.backend.row("read a backtest", statement).await?;
        let work = |row: &Row| {
            Ok(BacktestWork {
                backtest: read(row)?,
                rules: row.json("rules")?,
                difference: row.json_or_null("difference")?,
            })
        };
        row.as_ref().map(work).transpose()
    }

    /// Notes how far a backtest is. Answers whether it is to go on: not if it is over, was called off or is forgotten.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`].
    pub async fn backtest_judged(
        &self,
        tenant: &TenantId,
        id: Uuid,
        events: u64,
        at: Timestamp,
    ) -> Result<bool> {
        let statement = sql(
            "UPDATE backtest SET state = 'running', started_at = COALESCE(started_at, $4), events = $3
             WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running')",
            [tenant.into(), id.into(), clamped(events).into(), at.into()],
        );
        self.change("note how far a backtest is", statement).await
    }

    /// Ends a backtest with what came of it, or with why nothing did: a stable word and a sentence. Answers whether it was not over before.
    ///
    /// # Errors
    /// [`crate::StoreError::Encode`], [`crate::StoreError::Query`].
    pub async fn end_backtest(
        &self,
        tenant: &TenantId,
        id: Uuid,
        came: std::result::Result<(u64, &Value), (&str, &str)>,
        at: Timestamp,
    ) -> Result<bool> {
        let statement = match came {
            Ok((events, difference)) => sql(
                "UPDATE backtest SET state = 'finished', finished_at = $3, events = $4, difference = $5
                 WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running')",
                [
                    tenant.into(),
                    id.into(),
                    at.into(),
                    clamped(events).into(),
                    Param::Json(Some(clean::json("the outcome of a backtest", difference)?)),
                ],
            ),
            Err((code, message)) => sql(
                "UPDATE backtest SET state = 'failed', finished_at = $3, error_code = $4, error_message = $5
                 WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running')",
                [tenant.into(), id.into(), at.into(), code.into(), clean::text(message).as_ref().into()],
            ),
        };
        self.change("end a backtest", statement).await
    }

    /// Calls a backtest off. Answers whether it was not over before.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`].
    pub async fn cancel_backtest(&self, tenant: &TenantId, id: Uuid, at: Timestamp) -> Result<bool> {
        let statement = sql(
            "UPDATE backtest SET state = 'cancelled', finished_at = $3
             WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running')",
            [tenant.into(), id.into(), at.into()],
        );
        self.change("call a backtest off", statement).await
    }

    async fn change(&self, what: &'static str, statement: Sql) -> Result<bool> {
        let mut tx = self.backend.begin(what).await?;
        let rows = tx.execute(statement).await?;
        tx.commit().await?;
        Ok(rows > 0)
    }
}

fn clamped(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn select(more: &'static str) -> Sql {
    let mut statement = sql("SELECT ", []);
    statement.push(COLUMNS).push(more).push(" FROM backtest");
    statement
}

fn read(row: &Row) -> Result<Backtest> {
    let candidate = match (row.text_or_null("plugin")?, row.text_or_null("digest")?) {
        (Some(plugin), Some(digest)) => Some(Candidate { plugin, digest }),
        _ => None,
    };
    let error = match (row.text_or_null("error_code")?, row.text_or_null("error_message")?) {
        (Some(code), message) => Some((code, message.unwrap_or_default())),
        (None, _) => None,
    };
    Ok(Backtest {
        id: row.uuid("id")?,
        files: row.json("files")?,
        instead: row.bool("instead")?,
        candidate,
        from: row.time("from_at")?,
        to: row.time("to_at")?,
        by: row.text("asked_by")?,
        state: row.word("state", JobState::from_name)?,
        events: row.count("events")?,
        submitted_at: row.time("submitted_at")?,
        started_at: row.time_or_null("started_at")?,
        finished_at: row.time_or_null("finished_at")?,
        error,
    })
}
