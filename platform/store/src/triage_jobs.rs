//! Changes of many findings at once: accepted as a job, made a few hundred at a time, called off, and taken back.
//!
//! Each finding keeps how it was before. Taking a job back is a job itself: it makes every finding what it was, but those that somebody has
//! changed since, which it counts.

use jiff::Timestamp;
use model::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::bulk::{Insert, Kind};
use crate::connection::Tx;
use crate::filter::FindingFilter;
use crate::job::JobState;
use crate::page::Position;
use crate::row::Row;
use crate::sql::{Param, Sql, sql};
use crate::triage::{Before, By, Changing, HELD, Held, TriageChange, held, lock_assets};
use crate::{Page, PageRequest, Result, Store, StoreError, clean, outbox};

/// Findings that are changed in one transaction.
const AT_ONCE: i64 = 500;
/// Jobs that are kept of a tenant; accepting another one forgets the oldest that is over, which then cannot be taken back.
const KEPT_MAX: i64 = 100;

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Which findings: those that fit when their turn comes.
    pub filter: FindingFilter,
    /// What becomes of each.
    pub change: TriageChange,
}

/// A change of many findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingJob {
    /// Its id; a UUID of version 7, so that ids sort by time.
    pub id: Uuid,
    /// What it does.
    pub ask: Ask,
    /// The job that it takes back.
    pub undoes: Option<Uuid>,
    /// The job that takes it back.
    pub undone_by: Option<Uuid>,
    /// Who asked.
    pub by: String,
    /// Where it stands.
    pub state: JobState,
    /// Findings that were to be changed when it was accepted.
    pub matched: u64,
    /// Findings that are other than before.
    pub changed: u64,
    /// Findings that stayed as they were: they were so already, have as many tags as they may, or somebody had changed them since.
    pub skipped: u64,
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When somebody first worked at it.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// Why it failed: a stable word, and a sentence.
    pub error: Option<(String, String)>,
}

/// Why a job cannot be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoRefusal {
    /// There is none, or it is not kept any more.
    Unknown,
    /// It is not over yet.
    Unfinished,
    /// It was taken back before, by this one.
    Undone(Uuid),
}

const COLUMNS: &str = "id, ask, undoes, undone_by, asked_by, state, matched, changed, skipped, reached, submitted_at, started_at,
    finished_at, error_code, error_message";

const ITEMS: Insert = Insert {
    into: "finding_job_item",
    shared: &[("tenant", "::text"), ("job", "::uuid")],
    columns: &[("fingerprint", Kind::Text), ("before", Kind::Json), ("version", Kind::Int)],
    on_conflict: "ON CONFLICT DO NOTHING",
};

impl Store {
    /// How many findings fit a filter.
    ///
    /// # Errors
    /// [`crate::StoreError::TooLong`] and database errors.
    pub async fn count_findings(&self, tenant: &TenantId, filter: &FindingFilter) -> Result<u64> {
        let mut statement = sql("SELECT count(*) AS number FROM finding", []);
        filter.push_where(&mut statement, self.backend.dialect(), tenant)?;
        let row = self.backend.row("count findings", statement).await?;
        row.map_or(Ok(0), |row| row.count("number"))
    }

    /// Accepts a job, together with the message `findings.change` that will have it done.
    ///
    /// # Errors
    /// [`crate::StoreError::TooLong`] and database errors.
    pub async fn submit_finding_job(
        &self,
        tenant: &TenantId,
        id: Uuid,
        ask: &Ask,
        by: &By,
    ) -> Result<FindingJob> {
        let ask = Ask { filter: ask.filter.clone(), change: ask.change.cleaned()? };
        let matched = self.count_findings(tenant, &ask.filter).await?;
        let mut tx = self.backend.begin("accept a change of findings").await?;
        let job = accept(&mut tx, tenant, id, ask, None, matched, by).await?;
        tx.commit().await?;
        Ok(job)
    }

    /// Accepts a job that takes another one back.
    ///
    /// # Errors
    /// Database errors. Why it cannot be taken back is an answer of its own.
    pub async fn undo_finding_job(
        &self,
        tenant: &TenantId,
        id: Uuid,
        undo: Uuid,
        by: &By,
    ) -> Result<std::result::Result<FindingJob, UndoRefusal>> {
        let mut tx = self.backend.begin("take a change of findings back").await?;
        let Some((job, _)) = locked(&mut tx, tenant, id).await? else { return Ok(Err(UndoRefusal::Unknown)) };
        if !job.state.is_final() {
            return Ok(Err(UndoRefusal::Unfinished));
        }
        if let Some(by) = job.undone_by {
            return Ok(Err(UndoRefusal::Undone(by)));
        }
        let statement = sql(
            "UPDATE finding_job SET undone_by = $3 WHERE tenant = $1 AND id = $2",
            [tenant.into(), id.into(), undo.into()],
        );
        tx.execute(statement).await?;
        let job = accept(&mut tx, tenant, undo, job.ask, Some(id), job.changed, by).await?;
        tx.commit().await?;
        Ok(Ok(job))
    }

    /// Jobs, the newest first.
    ///
    /// # Errors
    /// [`crate::StoreError::CursorInvalid`] and database errors.
    pub async fn finding_jobs(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<FindingJob>> {
        const LIST: &str = "finding-jobs";
        let mut statement = select();
        statement.bind(tenant);
        if let Some(after) = page.after(LIST)? {
            let id = Uuid::try_parse(after.text_key()?).map_err(|_| crate::StoreError::CursorInvalid)?;
            statement.push(" AND id < ").bind(id);
        }
        statement.push(" ORDER BY id DESC LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list changes of findings", statement).await?;
        let jobs = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        Ok(Page::new(jobs, page, LIST, |job| Position::text(job.id.to_string(), "")))
    }

    /// One job.
    ///
    /// # Errors
    /// Database errors.
    pub async fn finding_job(&self, tenant: &TenantId, id: Uuid) -> Result<Option<FindingJob>> {
        let mut statement = select();
        statement.bind(tenant).push(" AND id = ").bind(id);
        let row = self.backend.row("read a change of findings", statement).await?;
        row.as_ref().map(read).transpose()
    }

    /// Does the next part of a job; whether there is more to do. Safe to repeat, whoever stopped where.
    ///
    /// # Errors
    /// Database errors, of which those with [`is_transient`](crate::StoreError::is_transient) are worth another try.
    pub async fn work_at_finding_job(&self, tenant: &TenantId, id: Uuid, at: Timestamp) -> Result<bool> {
        let Some(job) = self.finding_job(tenant, id).await? else { return Ok(false) };
        if job.state.is_final() {
            return Ok(false);
        }
        // Which assets these findings are on has to be known before anything is locked.
        let next = self.next_of(tenant, &job).await?;
        let by = By { actor: job.by.clone(), at };
        let mut tx = self.backend.begin("change findings").await?;
        lock_assets(&mut tx, tenant, &next.0).await?;
        let Some((job, reached)) = locked(&mut tx, tenant, id).await? else { return Ok(false) };
        if job.state.is_final() || reached != next.1 {
            // Somebody called it off, or has done this part.
            return Ok(!job.state.is_final());
        }
        let last = next.0.last().cloned();
        let done = (next.0.len() as u64) < AT_ONCE.unsigned_abs();
        let (changed, skipped) = match job.undoes {
            None => change(&mut tx, tenant, &job, next.0, &by).await?,
            Some(undone) => restore(&mut tx, tenant, (id, undone), next.0, &by).await?,
        };
        let statement = sql(
            "UPDATE finding_job SET state = $3, started_at = COALESCE(started_at, $4), changed = changed + $5, skipped = skipped + $6,
                reached = COALESCE($7, reached), finished_at = $8 WHERE tenant = $1 AND id = $2",
            [
                tenant.into(),
                id.into(),
                if done { JobState::Finished } else { JobState::Running }.as_str().into(),
                at.into(),
                changed.into(),
                skipped.into(),
                last.into(),
                Some(at).filter(|_| done).into(),
            ],
        );
        tx.execute(statement).await?;
        tx.commit().await?;
        Ok(!done)
    }

    /// The fingerprints of the next part, and the one that the part before ended with.
    async fn next_of(&self, tenant: &TenantId, job: &FindingJob) -> Result<(Vec<String>, Option<String>)> {
        let asked = sql(
            "SELECT reached FROM finding_job WHERE tenant = $1 AND id = $2",
            [tenant.into(), job.id.into()],
        );
        let row = self.backend.row("read how far a change of findings is", asked).await?;
        let reached = row.map(|row| row.text_or_null("reached")).transpose()?.flatten();
        let mut statement = sql("SELECT fingerprint FROM ", []);
        match job.undoes {
            None => {
                statement.push("finding");
                job.ask.filter.push_where(&mut statement, self.backend.dialect(), tenant)?;
            }
            Some(undone) => {
                statement
                    .push("finding_job_item WHERE tenant = ")
                    .bind(tenant)
                    .push(" AND job = ")
                    .bind(undone);
            }
        }
        if let Some(reached) = &reached {
            statement.push(" AND fingerprint > ").bind(reached.as_str());
        }
        statement.push(" ORDER BY fingerprint LIMIT ").bind(AT_ONCE);
        let rows = self.backend.rows("find the next findings to change", statement).await?;
        Ok((rows.iter().map(|row| row.text("fingerprint")).collect::<Result<_>>()?, reached))
    }

    /// Fails a job with a stable word and a sentence; whether it was not over before.
    ///
    /// # Errors
    /// Database errors.
    pub async fn fail_finding_job(
        &self,
        tenant: &TenantId,
        id: Uuid,
        code: &str,
        message: &str,
        at: Timestamp,
    ) -> Result<bool> {
        let statement = sql(
            "UPDATE finding_job SET state = 'failed', finished_at = $3, error_code = $4, error_message = $5
             WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running')",
            [tenant.into(), id.into(), at.into(), code.into(), clean::text(message).as_ref().into()],
        );
        self.end_finding_job(statement).await
    }

    /// Calls a job off: what is done stays done. Whether it was not over before.
    ///
    /// # Errors
    /// Database errors.
    pub async fn cancel_finding_job(&self, tenant: &TenantId, id: Uuid, at: Timestamp) -> Result<bool> {
        let statement = sql(
            "UPDATE finding_job SET state = 'cancelled', finished_at = $3
             WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running')",
            [tenant.into(), id.into(), at.into()],
        );
        self.end_finding_job(statement).await
    }

    async fn end_finding_job(&self, statement: Sql) -> Result<bool> {
        let mut tx = self.backend.begin("end a change of findings").await?;
        let rows = tx.execute(statement).await?;
        tx.commit().await?;
        Ok(rows > 0)
    }
}

async fn accept(
    tx: &mut Tx,
    tenant: &TenantId,
    id: Uuid,
    ask: Ask,
    undoes: Option<Uuid>,
    matched: u64,
    by: &By,
) -> Result<FindingJob> {
    let statement = sql(
        "INSERT INTO finding_job (tenant, id, ask, undoes, asked_by, state, matched, changed, skipped, submitted_at)
         VALUES ($1, $2, $3, $4, $5, 'queued', $6, 0, 0, $7)",
        [
            tenant.into(),
            id.into(),
            Param::Json(Some(clean::json("a change of findings", &ask)?)),
            Param::Uuid(undoes),
            clean::key(&by.actor).into(),
            i64::try_from(matched).unwrap_or(i64::MAX).into(),
            by.at.into(),
        ],
    );
    tx.execute(statement).await?;
    let message = format!("{tenant}.findings.change.{id}");
    outbox::add(tx, tenant, "findings.change", message, &json!({ "job": id }), by.at).await?;
    let forget = sql(
        "DELETE FROM finding_job WHERE tenant = $1 AND state IN ('finished', 'failed', 'cancelled') AND id NOT IN
         (SELECT id FROM finding_job WHERE tenant = $1 ORDER BY id DESC LIMIT $2)
         AND NOT EXISTS (SELECT 1 FROM finding_job other WHERE other.tenant = $1 AND other.undoes = finding_job.id
             AND other.state IN ('queued', 'running'))",
        [tenant.into(), KEPT_MAX.into()],
    );
    tx.execute(forget).await?;
    Ok(FindingJob {
        id,
        ask,
        undoes,
        undone_by: None,
        by: by.actor.clone(),
        state: JobState::Queued,
        matched,
        changed: 0,
        skipped: 0,
        submitted_at: by.at,
        started_at: None,
        finished_at: None,
        error: None,
    })
}

/// A job and how far it has come, locked.
async fn locked(tx: &mut Tx, tenant: &TenantId, id: Uuid) -> Result<Option<(FindingJob, Option<String>)>> {
    let mut statement = select();
    statement.bind(tenant).push(" AND id = ").bind(id).push(tx.dialect().for_update());
    let row = tx.row(statement).await?;
    row.as_ref().map(|row| Ok((read(row)?, row.text_or_null("reached")?))).transpose()
}

/// Changes some findings; how many are other than before, and how many are not.
async fn change(
    tx: &mut Tx,
    tenant: &TenantId,
    job: &FindingJob,
    fingerprints: Vec<String>,
    by: &By,
) -> Result<(i64, i64)> {
    let mut changing = Changing::new(tenant, by);
    let (mut items, mut skipped) = (Vec::new(), 0);
    // Those that fit still, now that nobody else can change them.
    let mut statement = sql(HELD, []);
    job.ask.filter.push_where(&mut statement, tx.dialect(), tenant)?;
    statement.push(" AND ").any(tx.dialect(), "fingerprint", Param::Texts(fingerprints));
    statement.push(" ORDER BY fingerprint").push(tx.dialect().for_update());
    let found = tx.rows(statement).await?.iter().map(Held::read).collect::<Result<Vec<_>>>()?;
    for one in &found {
        match changing.change(tx, one, &job.ask.change).await {
            Ok(true) => items.push(item(one)?),
            // Others can still be changed.
            Ok(false) | Err(StoreError::TagsFull { .. }) => skipped += 1,
            Err(error) => return Err(error),
        }
    }
    let changed = i64::try_from(items.len()).unwrap_or(i64::MAX);
    tx.insert(&ITEMS, &[tenant.into(), job.id.into()], items).await?;
    changing.finish(tx).await?;
    Ok((changed, skipped))
}

/// What is kept of a finding for whoever takes back the change that was just made of it.
fn item(was: &Held) -> Result<Vec<Param>> {
    let before = Param::Json(Some(clean::json("what a finding was", &was.before)?));
    let version = i64::try_from(was.version.saturating_add(1)).unwrap_or(i64::MAX);
    Ok(vec![was.fingerprint.as_str().into(), before, version.into()])
}

/// Makes some findings what they were before another job; how many were, and how many somebody had changed since. What they were until now
/// is kept as well, so that taking back can be taken back.
async fn restore(
    tx: &mut Tx,
    tenant: &TenantId,
    (job, undone): (Uuid, Uuid),
    fingerprints: Vec<String>,
    by: &By,
) -> Result<(i64, i64)> {
    let mut statement = sql(
        "SELECT fingerprint, before, version FROM finding_job_item WHERE tenant = $1 AND job = $2 AND ",
        [tenant.into(), undone.into()],
    );
    statement.any(tx.dialect(), "fingerprint", Param::Texts(fingerprints.clone()));
    statement.push(" ORDER BY fingerprint");
    let items = tx.rows(statement).await?;
    let found = held(tx, tenant, fingerprints).await?;
    let mut changing = Changing::new(tenant, by);
    let (mut kept, mut skipped) = (Vec::new(), 0);
    let mut found = found.iter().peekable();
    for row in &items {
        let (fingerprint, version) = (row.text("fingerprint")?, row.count("version")?);
        // A finding that is gone is nobody's to take back.
        let Some(one) = found.next_if(|one| one.fingerprint == fingerprint) else { continue };
        let before: Before = row.json("before")?;
        if one.version == version && changing.restore(tx, one, &before).await? {
            kept.push(item(one)?);
        } else {
            skipped += 1;
        }
    }
    let changed = i64::try_from(kept.len()).unwrap_or(i64::MAX);
    tx.insert(&ITEMS, &[tenant.into(), job.into()], kept).await?;
    changing.finish(tx).await?;
    Ok((changed, skipped))
}

fn select() -> Sql {
    let mut statement = sql("SELECT ", []);
    statement.push(COLUMNS).push(" FROM finding_job WHERE tenant = ");
    statement
}

fn read(row: &Row) -> Result<FindingJob> {
    let error = match (row.text_or_null("error_code")?, row.text_or_null("error_message")?) {
        (Some(code), message) => Some((code, message.unwrap_or_default())),
        (None, _) => None,
    };
    Ok(FindingJob {
        id: row.uuid("id")?,
        ask: row.json("ask")?,
        undoes: row.uuid_or_null("undoes")?,
        undone_by: row.uuid_or_null("undone_by")?,
        by: row.text("asked_by")?,
        state: row.word("state", JobState::from_name)?,
        matched: row.count("matched")?,
        changed: row.count("changed")?,
        skipped: row.count("skipped")?,
        submitted_at: row.time("submitted_at")?,
        started_at: row.time_or_null("started_at")?,
        finished_at: row.time_or_null("finished_at")?,
        error,
    })
}
