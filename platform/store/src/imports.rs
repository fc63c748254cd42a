//! Reports of other tools: accepted as a job with the bytes as they came, merged target by target, and forgotten but for what came of it.
//!
//! Each import has the name of a source, such as `trivy-ci`. What a source finds on an asset stands until a newer report of the same source
//! about the same asset does not have it any more; nothing else of the asset is touched, whoever found it.

use jiff::Timestamp;
use model::{AssetId, Gap, TargetKind, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::connection::Tx;
use crate::finish::{End, ScanOutcome, Summary, merge_all};
use crate::job::JobState;
use crate::merge::{Covers, Look, OWN};
use crate::page::Position;
use crate::row::Row;
use crate::scans::{self, NewScan, ScanRequest};
use crate::sql::{Param, Sql, sql};
use crate::{Page, PageRequest, Result, Store, StoreError, assets, clean, inbox, outbox, prepare};

/// Imports that are kept of a tenant; accepting another one forgets the oldest that is over.
const KEPT_MAX: i64 = 1_000;
/// Name under which the effects of imports are recorded.
const CONSUMER: &str = "import";

/// How a report is to be read, where its sender knows better than the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportAsk {
    /// The format, by its name; nothing: whichever it turns out to be.
    pub format: Option<String>,
    /// What the tool looked at, by its canonical id.
    pub asset: Option<String>,
    /// What kind of thing it looked at.
    pub kind: Option<TargetKind>,
    /// What it looked at, by name.
    pub target: Option<String>,
}

/// A report to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImport {
    /// Its id; a UUID of version 7.
    pub id: Uuid,
    /// Name of the source.
    pub source: String,
    /// How to read it.
    pub ask: ImportAsk,
    /// SHA-256 of the bytes, in hexadecimal digits.
    pub digest: String,
    /// The report.
    pub body: Vec<u8>,
    /// Who sent it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What an import says of one thing that the tool looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedTarget {
    /// Its asset.
    pub asset: AssetId,
    /// Its name.
    pub name: String,
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// The scan under which its findings came.
    pub scan: Uuid,
    /// What became of its findings.
    pub summary: Summary,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportOutcome {
    /// The format of the file.
    pub format: String,
    /// Who wrote it.
    pub tool: String,
    /// In which version.
    pub tool_version: Option<String>,
    /// When, if the file says so.
    pub made_at: Option<Timestamp>,
    /// In the order of the file.
    pub targets: Vec<ImportedTarget>,
    /// Results that could not be used; each has a gap.
    pub skipped: u64,
    /// What was not used and why, the first of them.
    pub gaps: Vec<Gap>,
}

/// An import as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Its id.
    pub id: Uuid,
    /// Name of the source.
    pub source: String,
    /// How to read it.
    pub ask: ImportAsk,
    /// SHA-256 of the bytes, in hexadecimal digits.
    pub digest: String,
    /// How many bytes they were.
    pub bytes: u64,
    /// Who sent it.
    pub by: String,
    /// Where it stands.
    pub state: JobState,
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When somebody first worked at it.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// What came of it.
    pub outcome: Option<ImportOutcome>,
    /// Why it failed: a stable word, and a sentence.
    pub error: Option<(String, String)>,
}

/// The answer to an import that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The import.
    pub import: Import,
    /// False if the same report of the same source waits already.
    pub created: bool,
}

/// One thing of an import, ready to be merged.
#[derive(Debug, Clone)]
pub struct ImportPart<'a> {
    /// The scan under which its findings come; the same for the same part of the same import.
    pub scan: Uuid,
    /// Name of the source.
    pub source: &'a str,
    /// When the report was made, if it says so.
    pub made_at: Option<Timestamp>,
    /// What is not in the report is not there: all of it could be read, and its tool has not failed.
    pub whole: bool,
    /// Places that the tool could not read, so that nothing is known of findings there.
    pub unseen: &'a [String],
    /// What was looked at and found.
    pub outcome: &'a ScanOutcome,
}

const COLUMNS: &str =
    "id, source, ask, digest, bytes, sent_by, state, submitted_at, started_at, finished_at, outcome,
    error_code, error_message";

impl Store {
    /// Accepts a report, together with the message `import.requested` that will have it merged. One that waits already is not accepted again.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] and database errors.
    pub async fn submit_import(&self, tenant: &TenantId, new: NewImport) -> Result<Submission> {
        let source = clean::identity("the name of a source", &new.source)?;
        let ask = clean::json("how to read a report", &new.ask)?;
        let bytes = i64::try_from(new.body.len()).unwrap_or(i64::MAX);
        let mut tx = self.backend.begin("accept an import").await?;
        let mut waiting = select();
        waiting.bind(tenant).push(" AND source = ").bind(source.as_str());
        waiting.push(" AND digest = ").bind(new.digest.as_str()).push(" AND state IN ('queued', 'running')");
        for row in tx.rows(waiting).await? {
            let import = read(&row)?;
            if import.ask == new.ask {
                return Ok(Submission { import, created: false });
            }
        }
        let mut statement = sql(
            "INSERT INTO report_import (tenant, id, source, ask, digest, bytes, body, sent_by, state, submitted_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9) RETURNING ",
            [
                tenant.into(),
                new.id.into(),
                source.into(),
                Param::Json(Some(ask)),
                new.digest.as_str().into(),
                bytes.into(),
                new.body.into(),
                clean::key(&new.by).into(),
                new.at.into(),
            ],
        );
        statement.push(COLUMNS);
        let row = tx.row(statement).await?.ok_or(StoreError::ScanUnknown { scan: new.id })?;
        let message = format!("{tenant}.import.requested.{}", new.id);
        outbox::add(&mut tx, tenant, "import.requested", message, &json!({ "import": new.id }), new.at)
            .await?;
        let forget = sql(
            "DELETE FROM report_import WHERE tenant = $1 AND state IN ('finished', 'failed', 'cancelled') AND id NOT IN
             (SELECT id FROM report_import WHERE tenant = $1 ORDER BY id DESC LIMIT $2)",
            [tenant.into(), KEPT_MAX.into()],
        );
        tx.execute(forget).await?;
        let import = read(&row)?;
        tx.commit().await?;
        Ok(Submission { import, created: true })
    }

    /// Imports, the newest first.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`] and database errors.
    pub async fn imports(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<Import>> {
        const LIST: &str = "imports";
        let mut statement = select();
        statement.bind(tenant);
        if let Some(after) = page.after(LIST)? {
            let id = Uuid::try_parse(after.text_key()?).map_err(|_| StoreError::CursorInvalid)?;
            statement.push(" AND id < ").bind(id);
        }
        statement.push(" ORDER BY id DESC LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list imports", statement).await?;
        let imports = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        Ok(Page::new(imports, page, LIST, |import| Position::text(import.id.to_string(), "")))
    }

    /// One import.
    ///
    /// # Errors
    /// Database errors.
    pub async fn import(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Import>> {
        let mut statement = select();
        statement.bind(tenant).push(" AND id = ").bind(id);
        let row = self.backend.row("read an import", statement).await?;
        row.as_ref().map(read).transpose()
    }

    /// Begins to work at an import: it with its bytes, or nothing if it is over or unknown.
    ///
    /// # Errors
    /// Database errors.
    pub async fn begin_import(
        &self,
        tenant: &TenantId,
        id: Uuid,
        at: Timestamp,
    ) -> Result<Option<(Import, Vec<u8>)>> {
        let mut tx = self.backend.begin("begin an import").await?;
        let mut statement = sql(
            "UPDATE report_import SET state = 'running', started_at = COALESCE(started_at, $3)
             WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running') RETURNING body, ",
            [tenant.into(), id.into(), at.into()],
        );
        statement.push(COLUMNS);
        let Some(row) = tx.row(statement).await? else { return Ok(None) };
        let begun = (read(&row)?, row.bytes_or_null("body")?.unwrap_or_default());
        tx.commit().await?;
        Ok(Some(begun))
    }

    /// Ends an import with what came of it, or with a stable word and a sentence; false if it was over before. Its bytes are forgotten.
    ///
    /// # Errors
    /// Database errors.
    pub async fn end_import(
        &self,
        tenant: &TenantId,
        id: Uuid,
        end: std::result::Result<&ImportOutcome, (&str, &str)>,
        at: Timestamp,
    ) -> Result<bool> {
        let (state, outcome, error) = match end {
            Ok(outcome) => (JobState::Finished, Some(clean::json("an import", outcome)?), None),
            Err(error) => (JobState::Failed, None, Some(error)),
        };
        let statement = sql(
            "UPDATE report_import SET state = $3, finished_at = $4, outcome = $5, error_code = $6, error_message = $7, body = NULL
             WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running')",
            [
                tenant.into(),
                id.into(),
                state.as_str().into(),
                at.into(),
                Param::Json(outcome),
                error.map(|(code, _)| clean::key(code)).into(),
                error.map(|(_, message)| clean::text(message).into_owned()).into(),
            ],
        );
        let mut tx = self.backend.begin("end an import").await?;
        let ended = tx.execute(statement).await? == 1;
        tx.commit().await?;
        Ok(ended)
    }

    /// The asset that a name led to in the newest scan, among those of a kind.
    ///
    /// # Errors
    /// Database errors.
    pub async fn asset_called(
        &self,
        tenant: &TenantId,
        kind: TargetKind,
        name: &str,
    ) -> Result<Option<AssetId>> {
        let statement = sql(
            "SELECT asset.id FROM asset_alias JOIN asset ON asset.tenant = asset_alias.tenant AND asset.id = asset_alias.asset
             WHERE asset_alias.tenant = $1 AND asset_alias.alias = $2 AND asset.kind = $3",
            [tenant.into(), clean::key(name).into(), kind.as_str().into()],
        );
        let row = self.backend.row("look up a name", statement).await?;
        row.map(|row| Ok(AssetId(row.text("id")?))).transpose()
    }

    /// Merges what a report says of one asset. All or nothing; the same part again changes nothing and gives the same figures. A report that
    /// is older than one of the same source about the same asset is told as superseded and changes nothing.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] and database errors, of which those with [`is_transient`](StoreError::is_transient) are worth another try.
    pub async fn merge_import(
        &self,
        tenant: &TenantId,
        part: &ImportPart<'_>,
        at: Timestamp,
    ) -> Result<Summary> {
        let (tx, summary) = self.merging(tenant, part, at).await?;
        tx.commit().await?;
        Ok(summary)
    }

    /// What [`Store::merge_import`] would come to; nothing is changed.
    ///
    /// # Errors
    /// As [`Store::merge_import`].
    pub async fn try_import(
        &self,
        tenant: &TenantId,
        part: &ImportPart<'_>,
        at: Timestamp,
    ) -> Result<Summary> {
        // A transaction that is not committed is rolled back.
        self.merging(tenant, part, at).await.map(|(_, summary)| summary)
    }

    async fn merging(
        &self,
        tenant: &TenantId,
        part: &ImportPart<'_>,
        at: Timestamp,
    ) -> Result<(Tx, Summary)> {
        let outcome = part.outcome;
        let asset = clean::identity("an asset's id", &outcome.asset.0)?;
        let source = clean::identity("the name of a source", part.source)?;
        let report = prepare::report(tenant, outcome).await?;
        let mut tx = self.backend.begin("merge an import").await?;
        if !inbox::first_delivery(&mut tx, tenant, CONSUMER, &part.scan.to_string(), at).await? {
            let scan = scans::locked(&mut tx, tenant, part.scan).await?;
            return Ok((tx, scan.summary.unwrap_or_default()));
        }
        let target = &outcome.target;
        let request = ScanRequest { kind: target.kind, reference: target.reference.clone(), platform: None };
        let new = NewScan { id: part.scan, idempotency_key: None, request, at };
        let scan = scans::begun(&mut tx, tenant, &new, Some(&source)).await?;
        let look = Look { by: &source, covers: Covers::Report { whole: part.whole, unseen: part.unseen } };
        let end = End { tenant, asset: &asset, scan: &scan, outcome, at, look };
        assets::ensure(&mut tx, &end).await?;
        // A clock that is ahead would make all reports to come too old.
        let made_at = part.made_at.map(|made_at| made_at.min(at));
        let superseded = !is_newest(&mut tx, &end, made_at).await?;
        let summary = merge_all(&mut tx, &end, report, superseded).await?;
        Ok((tx, summary))
    }
}

/// Whether no younger report of the source about the asset was merged; if so, this is the youngest now. The asset is locked.
async fn is_newest(tx: &mut Tx, end: &End<'_>, made_at: Option<Timestamp>) -> Result<bool> {
    let key: [Param; 3] = [end.tenant.into(), end.asset.into(), end.look.by.into()];
    let before = sql(
        "SELECT made_at FROM import_source WHERE tenant = $1 AND asset = $2 AND source = $3",
        key.clone(),
    );
    let before = tx.row(before).await?.map_or(Ok(None), |row| row.time_or_null("made_at"))?;
    if before.zip(made_at).is_some_and(|(before, now)| now < before) {
        return Ok(false);
    }
    let mut statement = sql(
        "INSERT INTO import_source (tenant, asset, source, made_at, scan) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, asset, source) DO UPDATE SET made_at = COALESCE(excluded.made_at, import_source.made_at),
            scan = excluded.scan",
        key,
    );
    statement.params.extend([made_at.into(), end.scan.id.into()]);
    tx.execute(statement).await?;
    Ok(true)
}

/// A name that an import may have.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn source_name(name: &str) -> std::result::Result<&str, &'static str> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err("A source has 1 to 64 letters, digits, `-`, `_` or `.`.");
    }
    if name == OWN {
        return Err("The name `palisade` is that of our own scans.");
    }
    Ok(name)
}

fn select() -> Sql {
    let mut statement = sql("SELECT ", []);
    statement.push(COLUMNS).push(" FROM report_import WHERE tenant = ");
    statement
}

fn read(row: &Row) -> Result<Import> {
    let error = match (row.text_or_null("error_code")?, row.text_or_null("error_message")?) {
        (Some(code), message) => Some((code, message.unwrap_or_default())),
        (None, _) => None,
    };
    Ok(Import {
        id: row.uuid("id")?,
        source: row.text("source")?,
        ask: row.json("ask")?,
        digest: row.text("digest")?,
        bytes: row.count("bytes")?,
        by: row.text("sent_by")?,
        state: row.word("state", JobState::from_name)?,
        submitted_at: row.time("submitted_at")?,
        started_at: row.time_or_null("started_at")?,
        finished_at: row.time_or_null("finished_at")?,
        outcome: row.json_or_null("outcome")?,
        error,
    })
}
