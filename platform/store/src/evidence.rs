//! The hash chain of evidence: one record for each assessment that is kept, each with the hash of the one before it.
//!
//! A record is JSON with its keys in order and without white space: `assessment` (SHA-256 of the assessment as it is kept), `at`,
//! `previous`, `scan`, `scope`, `sequence`. Its hash is the SHA-256 of these bytes, written `sha256:` and 64 digits; `previous` of the
//! first is the hash of no bytes. The end of the chain stands in a row of its own, which whoever appends locks first: taking records off
//! the end shows there, and the hash of the end, kept elsewhere, shows a chain that was made anew.

use jiff::Timestamp;
use model::{AssetId, TenantId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::connection::Tx;
use crate::finish::End;
use crate::page::Position;
use crate::row::Row;
use crate::scopes::{compress, expand};
use crate::sql::sql;
use crate::{Page, PageRequest, Result, Store, clean};

/// Assessments that are read back at a time, and records that are verified between two breaths.
const BATCH: i64 = 50;
/// Most assessments of one answer.
const ASSESSMENTS_MAX: i64 = 1_000;

/// A record of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRecord {
    /// Its place, from 0.
    pub sequence: i64,
    /// When the scan was finished.
    pub at: Timestamp,
    /// What was assessed.
    pub scope: AssetId,
    /// Its name for people, as of now; not part of what is hashed.
    pub scope_name: String,
    /// The scan.
    pub scan: Uuid,
    /// Hash of the assessment as it is kept.
    pub assessment: String,
    /// Hash of the record before it.
    pub previous: String,
    /// Its own hash.
    pub hash: String,
}

/// What a verification of the chain said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EvidenceCheck {
    /// Records that follow from each other.
    pub records: u64,
    /// Hash of the last of them.
    pub head: String,
    /// The first record that does not follow, and why not.
    pub broken: Option<(i64, String)>,
}

/// The record as it is hashed. Its fields are in the order of their names.
#[derive(Serialize, Deserialize)]
struct Hashed {
    assessment: String,
    at: Timestamp,
    previous: String,
    scan: Uuid,
    scope: String,
    sequence: i64,
}

fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Appends the record of an assessment, within the transaction that commits its scan.
pub(crate) async fn append(tx: &mut Tx, end: &End<'_>, assessment: &[u8]) -> Result<()> {
    let first = sql(
        "INSERT INTO evidence_head (tenant, sequence, hash) VALUES ($1, -1, $2) ON CONFLICT (tenant) DO NOTHING",
        [end.tenant.into(), hash(b"").into()],
    );
    tx.execute(first).await?;
    let mut head = sql("SELECT sequence, hash FROM evidence_head WHERE tenant = $1", [end.tenant.into()]);
    head.push(tx.dialect().for_update());
    let Some(head) = tx.row(head).await? else { return Ok(()) };
    let record = Hashed {
        assessment: hash(assessment),
        at: end.at,
        previous: head.text("hash")?,
        scan: end.scan.id,
        scope: end.asset.to_owned(),
        sequence: head.int("sequence")? + 1,
    };
    let text = clean::json("a record of evidence", &record)?;
    let own = hash(text.as_bytes());
    let insert = sql(
        "INSERT INTO evidence (tenant, sequence, at, scope, scan, hash, record, assessment)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            end.tenant.into(),
            record.sequence.into(),
            end.at.into(),
            end.asset.into(),
            end.scan.id.into(),
            own.as_str().into(),
            text.into(),
            compress("an assessment", assessment)?.into(),
        ],
    );
    tx.execute(insert).await?;
    let moved = sql(
        "UPDATE evidence_head SET sequence = $2, hash = $3 WHERE tenant = $1",
        [end.tenant.into(), record.sequence.into(), own.into()],
    );
    tx.execute(moved).await.map(drop)
}

impl Store {
    /// Records of the chain, the newest first; with `scope` those about it.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`](crate::StoreError::CursorInvalid) and database errors.
    pub async fn evidence(
        &self,
        tenant: &TenantId,
        scope: Option<&AssetId>,
        page: &PageRequest,
    ) -> Result<Page<EvidenceRecord>> {
        const LIST: &str = "evidence";
        let mut statement = sql(
            "SELECT record, hash, (SELECT name FROM asset WHERE asset.tenant = evidence.tenant
                AND asset.id = evidence.scope) AS scope_name
             FROM evidence WHERE tenant = ",
            [],
        );
        statement.bind(tenant);
        if let Some(scope) = scope {
            statement.push(" AND scope = ").bind(clean::text(&scope.0).as_ref());
        }
        if let Some(after) = page.after(LIST)? {
            statement.push(" AND sequence < ").bind(after.int_key()?);
        }
        statement.push(" ORDER BY sequence DESC LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list evidence", statement).await?;
        let records = rows.iter().map(record).collect::<Result<Vec<_>>>()?;
        Ok(Page::new(records, page, LIST, |record| Position::int(record.sequence, "")))
    }

    /// Goes through the whole chain: every hash, every assessment, and the end.
    ///
    /// # Errors
    /// Database errors.
    pub async fn verify_evidence(&self, tenant: &TenantId) -> Result<EvidenceCheck> {
        let mut check = EvidenceCheck { head: hash(b""), ..EvidenceCheck::default() };
        loop {
            let next = i64::try_from(check.records).unwrap_or(i64::MAX);
            let statement = sql(
                "SELECT sequence, record, hash, assessment FROM evidence
                 WHERE tenant = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3",
                [tenant.into(), next.into(), BATCH.into()],
            );
            let rows = self.backend.rows("verify evidence", statement).await?;
            for row in &rows {
                if let Err(why) = follows(row, &check) {
                    check.broken = Some((row.int("sequence")?, why));
                    return Ok(check);
                }
                check.head = row.text("hash")?;
                check.records += 1;
            }
            if rows.is_empty() {
                let statement = sql(
                    "SELECT hash, (SELECT COUNT(*) FROM evidence WHERE tenant = $1 AND sequence >= $2) AS more
                     FROM evidence_head WHERE tenant = $1",
                    [tenant.into(), next.into()],
                );
                // One statement, or a record that comes between the last one and the head would look like a break.
                let end = self.backend.row("verify evidence", statement).await?;
                let grown = end.as_ref().map(|row| row.count("more")).transpose()?.unwrap_or(0) > 0;
                if !grown {
                    let end = end.map_or_else(|| Ok(hash(b"")), |row| row.text("hash"))?;
                    check.broken = (end != check.head)
                        .then(|| (next, "the chain ends before its head, or its head is another".to_owned()));
                    return Ok(check);
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// The assessments of a scope within a period, the oldest first, at most 1,000.
    ///
    /// # Errors
    /// Database errors.
    pub async fn evidence_assessments(
        &self,
        tenant: &TenantId,
        scope: &AssetId,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Vec<Vec<u8>>> {
        let mut statement = sql("SELECT assessment FROM evidence WHERE tenant = ", []);
        statement.bind(tenant).push(" AND scope = ").bind(clean::text(&scope.0).as_ref());
        if let Some(from) = from {
            statement.push(" AND at >= ").bind(from);
        }
        if let Some(to) = to {
            statement.push(" AND at <= ").bind(to);
        }
        statement.push(" ORDER BY sequence LIMIT ").bind(ASSESSMENTS_MAX);
        let rows = self.backend.rows("read assessments", statement).await?;
        rows.iter().map(|row| expand(row, "assessment")).collect()
    }

    /// The assessment that a scan of a scope left as evidence; the newest without `scan`.
    ///
    /// # Errors
    /// Database errors.
    pub async fn evidence_assessment(
        &self,
        tenant: &TenantId,
        scope: &AssetId,
        scan: Option<Uuid>,
    ) -> Result<Option<Vec<u8>>> {
        let mut statement = sql("SELECT assessment FROM evidence WHERE tenant = ", []);
        statement.bind(tenant).push(" AND scope = ").bind(clean::text(&scope.0).as_ref());
        if let Some(scan) = scan {
            statement.push(" AND scan = ").bind(scan);
        }
        statement.push(" ORDER BY sequence DESC LIMIT 1");
        let row = self.backend.row("read an assessment", statement).await?;
        row.map(|row| expand(&row, "assessment")).transpose()
    }
}

fn record(row: &Row) -> Result<EvidenceRecord> {
    let text = row.text("record")?;
    let read: Hashed =
        serde_json::from_str(&text).map_err(|error| row.unreadable("record", error.to_string()))?;
    Ok(EvidenceRecord {
        sequence: read.sequence,
        at: read.at,
        scope_name: row.text_or_null("scope_name")?.unwrap_or_else(|| read.scope.clone()),
        scope: AssetId(read.scope),
        scan: read.scan,
        assessment: read.assessment,
        previous: read.previous,
        hash: row.text("hash")?,
    })
}

/// Whether a row is the record that comes next.
fn follows(row: &Row, check: &EvidenceCheck) -> std::result::Result<(), String> {
    let odd = |error: crate::StoreError| error.to_string();
    let text = row.text("record").map_err(odd)?;
    if hash(text.as_bytes()) != row.text("hash").map_err(odd)? {
        return Err("its hash is not the hash of what it says".to_owned());
    }
    let read: Hashed = serde_json::from_str(&text).map_err(|error| format!("it is no record: {error}"))?;
    if u64::try_from(read.sequence).ok() != Some(check.records)
        || row.int("sequence").map_err(odd)? != read.sequence
    {
        return Err(format!("record {} is missing, or it stands in another place", check.records));
    }
    if read.previous != check.head {
        return Err("it does not name the hash of the record before it".to_owned());
    }
    if hash(&expand(row, "assessment").map_err(odd)?) != read.assessment {
        return Err("the assessment that is kept with it is another".to_owned());
    }
    Ok(())
}
