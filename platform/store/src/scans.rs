//! Scans: the job that a client submits, follows and reads the result of.

use jiff::Timestamp;
use model::{AssetId, Coverage, Target, TargetKind, TenantId};
use serde_json::json;
use uuid::Uuid;

use crate::connection::Tx;
use crate::finish::Summary;
use crate::page::Position;
use crate::row::Row;
use crate::sql::{Param, Sql, sql};
use crate::{Page, PageRequest, Result, Store, StoreError, clean, outbox};

/// What a client wants scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRequest {
    /// Kind of thing.
    pub kind: TargetKind,
    /// Where it is: an image reference, a path.
    pub reference: String,
    /// `os/architecture[/variant]`, for images of several.
    pub platform: Option<String>,
}

/// A scan to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewScan {
    /// Its id; made by the caller so that it can be named before it is stored.
    pub id: Uuid,
    /// The client's key: the same key and request again give the same scan.
    pub idempotency_key: Option<String>,
    /// What to scan.
    pub request: ScanRequest,
    /// Now.
    pub at: Timestamp,
}

/// Where a scan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScanState {
    /// Accepted; no worker has it yet.
    Queued,
    /// A worker has it.
    Running,
    /// Done, with a report.
    Finished,
    /// Done, with an error.
    Failed,
}

impl ScanState {
    const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Finished, Self::Failed];

    /// The word used in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }

    /// Reads [`ScanState::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing will change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Failed)
    }
}

/// Why a scan failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanFailure {
    /// Stable word.
    pub code: String,
    /// One sentence.
    pub message: String,
}

/// A scan as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Its id.
    pub id: Uuid,
    /// Its place among all scans of the installation, in the order in which they were accepted.
    pub seq: i64,
    /// What was asked for.
    pub request: ScanRequest,
    /// Where it stands.
    pub state: ScanState,
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When a worker first took it.
    pub started_at: Option<Timestamp>,
    /// When it finished or failed.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<ScanFailure>,
    /// What it found itself looking at.
    pub asset: Option<AssetId>,
    /// What it found.
    pub summary: Option<Summary>,
    /// The name of the import that brought its findings; nothing of a scan of our own.
    pub source: Option<String>,
}

/// The answer to a submission.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// The scan.
    pub scan: Scan,
    /// False if it was there already: the same request under the same key or id.
    pub created: bool,
}

/// Which scans to list. Empty means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanFilter {
    /// Of this asset.
    pub asset: Option<AssetId>,
    /// In one of these states.
    pub states: Vec<ScanState>,
}

/// Longest reference that is accepted, in bytes: the longest path that Linux takes.
const REFERENCE_MAX: usize = 4_096;

const COLUMNS: &str = "id, seq, kind, reference, platform, state, submitted_at, started_at, finished_at,
    error_code, error_message, asset, summary, source";

impl Store {
    /// Accepts a scan, together with the message `scan.requested` that will have it done.
    ///
    /// # Errors
    /// [`StoreError::IdempotencyConflict`], [`StoreError::ScanIdConflict`], [`StoreError::TooLong`],
    /// [`StoreError::Query`].
    pub async fn submit_scan(&self, tenant: &TenantId, new: &NewScan) -> Result<Submitted> {
        let request = checked(&new.request)?;
        let key = new.idempotency_key.as_deref();
        let key = key.map(|key| clean::identity("an idempotency key", key)).transpose()?;
        let mut tx = self.backend.begin("accept a scan").await?;
        let seq = tx.next("scan_seq").await?;
        let mut statement = sql(
            "INSERT INTO scan (tenant, id, seq, idempotency_key, kind, reference, platform, state, submitted_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8) ON CONFLICT DO NOTHING RETURNING ",
            [
                tenant.into(),
                new.id.into(),
                seq.into(),
                key.clone().into(),
                request.kind.as_str().into(),
                request.reference.as_str().into(),
                request.platform.clone().into(),
                new.at.into(),
            ],
        );
        statement.push(COLUMNS);
        if let Some(row) = tx.row(statement).await? {
            let id = format!("{tenant}.scan.requested.{}", new.id);
            outbox::add(&mut tx, tenant, "scan.requested", id, &json!({ "scan": new.id }), new.at).await?;
            let scan = read(&row)?;
            tx.commit().await?;
            return Ok(Submitted { scan, created: true });
        }
        existing(&mut tx, tenant, new.id, key, &request).await
    }

    /// One scan.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn scan(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Scan>> {
        let mut statement = select();
        statement.push(" WHERE tenant = ").bind(tenant).push(" AND id = ").bind(id);
        let row = self.backend.row("read a scan", statement).await?;
        row.as_ref().map(read).transpose()
    }

    /// Scans, newest first.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`], [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn scans(
        &self,
        tenant: &TenantId,
        filter: &ScanFilter,
        page: &PageRequest,
    ) -> Result<Page<Scan>> {
        const LIST: &str = "scans";
        let mut statement = select();
        statement.push(" WHERE tenant = ").bind(tenant);
        if let Some(asset) = &filter.asset {
            statement.push(" AND asset = ").bind(clean::text(&asset.0).as_ref());
        }
        if !filter.states.is_empty() {
            let states = filter.states.iter().map(|state| state.as_str().to_owned()).collect();
            statement.push(" AND ").any(self.backend.dialect(), "state", Param::Texts(states));
        }
        if let Some(after) = page.after(LIST)? {
            statement.push(" AND seq < ").bind(after.int_key()?);
        }
        statement.push(" ORDER BY seq DESC LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list scans", statement).await?;
        let scans = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        Ok(Page::new(scans, page, LIST, |scan| Position::int(scan.seq, "")))
    }

    /// The coverage statement of a finished scan.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn scan_coverage(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Coverage>> {
        let statement =
            sql("SELECT coverage FROM scan WHERE tenant = $1 AND id = $2", [tenant.into(), id.into()]);
        let row = self.backend.row("read the coverage of a scan", statement).await?;
        row.map_or(Ok(None), |row| row.json_or_null("coverage"))
    }

    /// What a finished scan looked at.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn scan_target(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Target>> {
        let statement =
            sql("SELECT target FROM scan WHERE tenant = $1 AND id = $2", [tenant.into(), id.into()]);
        let row = self.backend.row("read the target of a scan", statement).await?;
        row.map_or(Ok(None), |row| row.json_or_null("target"))
    }

    /// Notes that a worker has the scan and tells where it stands now. A scan that is done stays done: look at
    /// [`ScanState::is_final`] before working on it. A second worker may get the same scan if the bus thinks the first is
    /// dead; only one of them will finish it.
    ///
    /// # Errors
    /// [`StoreError::ScanUnknown`], [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn start_scan(&self, tenant: &TenantId, id: Uuid, at: Timestamp) -> Result<Scan> {
        let mut tx = self.backend.begin("start a scan").await?;
        let mut statement = sql(
            "UPDATE scan SET state = 'running', started_at = COALESCE(started_at, $3)
             WHERE tenant = $1 AND id = $2 AND state IN ('queued', 'running') RETURNING ",
            [tenant.into(), id.into(), at.into()],
        );
        statement.push(COLUMNS);
        let started = tx.row(statement).await?;
        let scan = match started {
            Some(row) => read(&row)?,
            None => locked(&mut tx, tenant, id).await?,
        };
        tx.commit().await?;
        Ok(scan)
    }
}

/// A scan that begins and ends in one transaction, so that nobody else can be asked to make it; of an import by the name of its source.
pub(crate) async fn begun(
    tx: &mut Tx,
    tenant: &TenantId,
    new: &NewScan,
    source: Option<&str>,
) -> Result<Scan> {
    let request = checked(&new.request)?;
    let seq = tx.next("scan_seq").await?;
    let mut statement = sql(
        "INSERT INTO scan (tenant, id, seq, kind, reference, platform, state, submitted_at, started_at, source)
         VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, $7, $8) RETURNING ",
        [
            tenant.into(),
            new.id.into(),
            seq.into(),
            request.kind.as_str().into(),
            request.reference.as_str().into(),
            request.platform.clone().into(),
            new.at.into(),
            source.map(str::to_owned).into(),
        ],
    );
    statement.push(COLUMNS);
    let row = tx.row(statement).await?.ok_or(StoreError::ScanUnknown { scan: new.id })?;
    read(&row)
}

/// The scan, held until the transaction ends.
pub(crate) async fn locked(tx: &mut Tx, tenant: &TenantId, id: Uuid) -> Result<Scan> {
    let mut statement = select();
    statement
        .push(" WHERE tenant = ")
        .bind(tenant)
        .push(" AND id = ")
        .bind(id)
        .push(tx.dialect().for_update());
    let row = tx.row(statement).await?.ok_or(StoreError::ScanUnknown { scan: id })?;
    read(&row)
}

/// The scan that stands in the way of a new one, if it is the same.
async fn existing(
    tx: &mut Tx,
    tenant: &TenantId,
    id: Uuid,
    key: Option<String>,
    request: &ScanRequest,
) -> Result<Submitted> {
    let keyed = key.is_some();
    let mut statement = select();
    statement.push(" WHERE tenant = ").bind(tenant).push(" AND (id = ").bind(id);
    statement.push(" OR idempotency_key = ").bind(key).push(") ORDER BY seq LIMIT 1");
    let row = tx.row(statement).await?.ok_or(StoreError::ScanUnknown { scan: id })?;
    let scan = read(&row)?;
    match (&scan.request == request, keyed && scan.id != id) {
        (true, _) => Ok(Submitted { scan, created: false }),
        (false, true) => Err(StoreError::IdempotencyConflict { scan: scan.id }),
        (false, false) => Err(StoreError::ScanIdConflict { scan: id }),
    }
}

/// The request as it will be kept, so that it can be compared with one that is.
fn checked(request: &ScanRequest) -> Result<ScanRequest> {
    let length = request.reference.len();
    if length > REFERENCE_MAX {
        return Err(StoreError::TooLong { what: "a reference", length, max: REFERENCE_MAX });
    }
    let platform = request.platform.as_deref();
    Ok(ScanRequest {
        kind: request.kind,
        reference: clean::text(&request.reference).into_owned(),
        platform: platform.map(|platform| clean::identity("a platform", platform)).transpose()?,
    })
}

fn select() -> Sql {
    let mut statement = sql("SELECT ", []);
    statement.push(COLUMNS).push(" FROM scan");
    statement
}

fn read(row: &Row) -> Result<Scan> {
    let failure = match (row.text_or_null("error_code")?, row.text_or_null("error_message")?) {
        (Some(code), message) => Some(ScanFailure { code, message: message.unwrap_or_default() }),
        (None, _) => None,
    };
    Ok(Scan {
        id: row.uuid("id")?,
        seq: row.int("seq")?,
        request: ScanRequest {
            kind: row.word("kind", TargetKind::from_name)?,
            reference: row.text("reference")?,
            platform: row.text_or_null("platform")?,
        },
        state: row.word("state", ScanState::from_name)?,
        submitted_at: row.time("submitted_at")?,
        started_at: row.time_or_null("started_at")?,
        finished_at: row.time_or_null("finished_at")?,
        error: failure,
        asset: row.text_or_null("asset")?.map(AssetId),
        summary: row.json_or_null("summary")?,
        source: row.text_or_null("source")?,
    })
}
