//! The audit log's hash chain.
//!
//! A record is JSON with its members in the order of their names and no white space. Its hash is the SHA-256 of these bytes, written `sha256:` and
//! 64 digits; `previous` of the first record is the hash of `palisade audit log 1`. So nobody can change, take out, put in or move a line
//! without every later hash, and with them the head, becoming another. Whoever keeps the head elsewhere sees that.

use jiff::Timestamp;
use model::TenantId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::audit::AuditEvent;
use crate::connection::Tx;
use crate::sql::sql;
use crate::{Result, Store, clean};

/// The form of records that this version writes and reads.
const FORM: u32 = 1;
/// Records that are verified between two breaths.
const BATCH: i64 = 500;

/// A line as it is hashed. Its members stand in canonical order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    action: String,
    actor: String,
    at: Timestamp,
    detail: String,
    form: u32,
    previous: String,
    sequence: i64,
    subject: String,
    tenant: String,
}

/// What a verification of the audit log said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// Records that are as they were written.
    pub records: u64,
    /// Hash of the last of them.
    pub head: String,
    /// The first that is not, and what is wrong with it.
    pub broken: Option<(u64, String)>,
}

pub(crate) fn genesis() -> String {
    hash(b"palisade audit log 1")
}

fn hash(bytes: &[u8]) -> String {
    format!("sha256:{}", Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The next record, whose place nobody else takes until this transaction is over.
pub(crate) async fn append(tx: &mut Tx, tenant: &TenantId, event: &AuditEvent) -> Result<String> {
    let first = sql(
        "INSERT INTO audit_head (tenant, next, hash) VALUES ($1, 0, $2) ON CONFLICT (tenant) DO NOTHING",
        [tenant.into(), genesis().into()],
    );
    tx.execute(first).await?;
    let mut head = sql("SELECT next, hash FROM audit_head WHERE tenant = $1", [tenant.into()]);
    head.push(tx.dialect().for_update());
    let row = tx.row(head).await?;
    let (sequence, previous) = match &row {
        Some(row) => (row.int("next")?, row.text("hash")?),
        None => (0, genesis()),
    };
    let record = Record {
        action: event.action.clone(),
        actor: event.actor.clone(),
        at: event.at,
        detail: event.detail.clone(),
        form: FORM,
        previous,
        sequence,
        subject: event.subject.clone(),
        tenant: tenant.as_str().to_owned(),
    };
    let text = clean::json("a line of the audit log", &record)?;
    let moved = sql(
        "UPDATE audit_head SET next = $2, hash = $3 WHERE tenant = $1",
        [tenant.into(), (sequence + 1).into(), hash(text.as_bytes()).into()],
    );
    tx.execute(moved).await?;
    Ok(text)
}

impl Store {
    /// Goes through the whole log: every line that is in the chain, and its end.
    ///
    /// # Errors
    /// Database errors.
    pub async fn verify_audit(&self, tenant: &TenantId) -> Result<AuditCheck> {
        let mut check = AuditCheck { records: 0, head: genesis(), broken: None };
        let mut after = i64::MIN;
        loop {
            let statement = sql(
                "SELECT seq, at, actor, action, subject, detail, record FROM audit_event
                 WHERE tenant = $1 AND seq > $2 AND record IS NOT NULL ORDER BY seq LIMIT $3",
                [tenant.into(), after.into(), BATCH.into()],
            );
            let rows = self.backend.rows("verify the audit log", statement).await?;
            for row in &rows {
                let record = row.text("record")?;
                let shown = crate::audit::read(row)?;
                if let Err(why) = check.take(tenant, &record, &shown) {
                    check.broken = Some((check.records, why));
                    return Ok(check);
                }
                after = row.int("seq")?;
            }
            if rows.is_empty() {
                // One statement, or a line that comes between the last one and the head would look like a break.
                let statement = sql(
                    "SELECT hash, (SELECT COUNT(*) FROM audit_event WHERE tenant = $1 AND seq > $2 AND record IS NOT NULL) AS more
                     FROM audit_head WHERE tenant = $1",
                    [tenant.into(), after.into()],
                );
                let end = self.backend.row("verify the audit log", statement).await?;
                if end.as_ref().map(|row| row.count("more")).transpose()?.unwrap_or(0) == 0 {
                    let end = end.map_or_else(|| Ok(genesis()), |row| row.text("hash"))?;
                    if end != check.head {
                        check.broken = Some((
                            check.records,
                            "the log ends before its head, or its head is another".to_owned(),
                        ));
                    }
                    return Ok(check);
                }
            }
            tokio::task::yield_now().await;
        }
    }
}

impl AuditCheck {
    /// Takes a line, if it is the next one and shows what was hashed.
    fn take(&mut self, tenant: &TenantId, text: &str, shown: &AuditEvent) -> std::result::Result<(), String> {
        let record: Record = serde_json::from_str(text).map_err(|error| format!("it is none: {error}"))?;
        let again = serde_json::to_string(&record).map_err(|error| error.to_string())?;
        if again != text || record.form != FORM {
            return Err("it is not in the form of this version".to_owned());
        }
        if u64::try_from(record.sequence) != Ok(self.records) || record.tenant != tenant.as_str() {
            return Err(format!("it says that it is record {} of {:?}", record.sequence, record.tenant));
        }
        if record.previous != self.head {
            return Err("it does not name the hash of the record before it".to_owned());
        }
        let Record { action, actor, at, detail, subject, .. } = record;
        if (AuditEvent { at, actor, action, subject, detail }) != *shown {
            return Err("what is shown of it is not what was written".to_owned());
        }
        self.head = hash(text.as_bytes());
        self.records += 1;
        Ok(())
    }
}
