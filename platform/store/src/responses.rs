//! Responses: the book that [`respond`] writes its runs down in.
//!
//! A commit is one transaction: entries of the journal, records of the ledger, actions that count, and evidence are all there or none
//! of them is. The end of a tenant's ledger is locked first, so commits of one tenant come one after the other, and no
//! two of them see the same room in a budget.

use jiff::Timestamp;
use model::TenantId;
use respond::ledger::Head;
use respond::{Book, BookError, Commit, Entry, Quota, RunId};

use crate::connection::Tx;
use crate::row::Row;
use crate::sql::{Sql, sql};
use crate::{Result, Store, StoreError, clean};

/// Records that are verified between two breaths.
const BATCH: i64 = 500;
/// Most runs that are open at once and are told of.
const OPEN_MAX: i64 = 10_000;

/// What a verification of the ledger said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerCheck {
    /// Records that follow from each other.
    pub records: u64,
    /// Hash of the last of them.
    pub head: String,
    /// The first record that does not follow, and why not.
    pub broken: Option<(u64, String)>,
}

/// Bytes that a run kept as evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseEvidence {
    /// Key of the act.
    pub key: String,
    /// What they are.
    pub name: String,
    /// SHA-256, as `sha256:` and 64 digits.
    pub digest: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Book for Store {
    async fn journal(
        &self,
        tenant: &TenantId,
        run: &RunId,
    ) -> std::result::Result<Option<Vec<(Timestamp, Entry)>>, BookError> {
        let statement = sql(
            "SELECT at, entry FROM playbook_step WHERE tenant = $1 AND run = $2 ORDER BY sequence",
            [tenant.into(), run.0.as_str().into()],
        );
        let rows = self.backend.rows("read the journal of a run", statement).await.map_err(unavailable)?;
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>>>().map_err(unavailable)?;
        Ok(Some(entries).filter(|entries| !entries.is_empty()))
    }

    async fn commit(&self, commit: Commit) -> std::result::Result<(), BookError> {
        match self.write_response(commit).await {
            Ok(written) => written,
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn stopped(
        &self,
        tenant: &TenantId,
        playbook: &str,
    ) -> std::result::Result<Option<String>, BookError> {
        let statement = sql(
            "SELECT why FROM kill_switch WHERE tenant = $1 AND (playbook = '' OR playbook = $2) ORDER BY playbook LIMIT 1",
            [tenant.into(), clean::text(playbook).as_ref().into()],
        );
        let row = self.backend.row("ask the kill switch", statement).await.map_err(unavailable)?;
        row.map(|row| row.text("why")).transpose().map_err(unavailable)
    }

    async fn used(&self, tenant: &TenantId, quota: &Quota) -> std::result::Result<u64, BookError> {
        let row = self.backend.row("count actions", count(tenant, quota)).await.map_err(unavailable)?;
        row.map_or(Ok(0), |row| row.count("used")).map_err(unavailable)
    }
}

impl Store {
    async fn write_response(&self, commit: Commit) -> Result<std::result::Result<(), BookError>> {
        let mut tx = self.backend.begin("write a response down").await?;
        let (tenant, run) = (&commit.tenant, commit.run.0.as_str());
        let mut head = lock(&mut tx, tenant).await?;
        if !take_place(&mut tx, &commit).await? {
            return Ok(Err(BookError::Fenced));
        }
        for quota in &commit.quotas {
            let used = tx.row(count(tenant, quota)).await?;
            if used.map_or(Ok(0), |row| row.count("used"))? >= quota.max {
                return Ok(Err(quota.error()));
            }
        }
        for (place, entry) in (commit.sequence..).zip(&commit.entries) {
            let statement = sql(
                "INSERT INTO playbook_step (tenant, run, sequence, at, entry) VALUES ($1, $2, $3, $4, $5)",
                [tenant.into(), run.into(), whole(place).into(), commit.at.into(), json_text(entry)?.into()],
            );
            tx.execute(statement).await?;
            if let Entry::Decided(decision) = entry {
                let statement = sql(
                    "INSERT INTO approval (tenant, run, person, agree, at) VALUES ($1, $2, $3, $4, $5)",
                    [
                        tenant.into(),
                        run.into(),
                        clean::text(&decision.by).as_ref().into(),
                        decision.agree.into(),
                        commit.at.into(),
                    ],
                );
                tx.execute(statement).await?;
            }
        }
        if let Some(action) = &commit.action {
            let statement = sql(
                "INSERT INTO response_action (tenant, run, sequence, playbook, class, at) VALUES ($1, $2, $3, $4, $5, $6)",
                [
                    tenant.into(),
                    run.into(),
                    whole(commit.sequence).into(),
                    action.playbook.as_str().into(),
                    action.class.as_str().into(),
                    commit.at.into(),
                ],
            );
            tx.execute(statement).await?;
        }
        for kept in commit.evidence {
            let statement = sql(
                "INSERT INTO response_evidence (tenant, run, key, name, digest, bytes) VALUES ($1, $2, $3, $4, $5, $6)",
                [
                    tenant.into(),
                    run.into(),
                    kept.key.into(),
                    clean::text(&kept.name).as_ref().into(),
                    kept.digest.into(),
                    kept.bytes.into(),
                ],
            );
            tx.execute(statement).await?;
        }
        for fact in commit.facts {
            let place = head.next;
            let written = head.append(tenant.as_str(), commit.at, fact);
            let written =
                written.map_err(|source| StoreError::Encode { what: "a record of the ledger", source })?;
            let statement = sql(
                "INSERT INTO response_ledger (tenant, sequence, record) VALUES ($1, $2, $3)",
                [tenant.into(), whole(place).into(), String::from_utf8_lossy(&written).into_owned().into()],
            );
            tx.execute(statement).await?;
        }
        let moved = sql(
            "UPDATE response_ledger_head SET next = $2, hash = $3 WHERE tenant = $1",
            [tenant.into(), whole(head.next).into(), head.hash.into()],
        );
        tx.execute(moved).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Runs that are not over, of all tenants: what a process that starts goes on with.
    ///
    /// # Errors
    /// Database errors.
    pub async fn open_responses(&self) -> Result<Vec<(TenantId, RunId)>> {
        let statement = sql(
            "SELECT tenant, id FROM playbook_run WHERE open = $1 ORDER BY begun_at, tenant, id LIMIT $2",
            [true.into(), OPEN_MAX.into()],
        );
        let rows = self.backend.rows("list open runs", statement).await?;
        let read = |row: &Row| {
            Ok::<_, StoreError>((
                row.word("tenant", |text| TenantId::parse(text).ok())?,
                RunId(row.text("id")?),
            ))
        };
        rows.iter().map(read).collect()
    }

    /// Turns the kill switch of a playbook on, or off where there is no reason; the empty playbook stands for all of the tenant.
    ///
    /// # Errors
    /// Database errors.
    pub async fn stop_responses(
        &self,
        tenant: &TenantId,
        playbook: &str,
        why: Option<&str>,
        actor: &str,
        at: Timestamp,
    ) -> Result<()> {
        let mut tx = self.backend.begin("turn the kill switch").await?;
        let playbook = clean::text(playbook).into_owned();
        let off = sql(
            "DELETE FROM kill_switch WHERE tenant = $1 AND playbook = $2",
            [tenant.into(), playbook.as_str().into()],
        );
        tx.execute(off).await?;
        if let Some(why) = why {
            let on = sql(
                "INSERT INTO kill_switch (tenant, playbook, why, actor, at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (tenant, playbook) DO UPDATE SET why = excluded.why, actor = excluded.actor, at = excluded.at",
                [
                    tenant.into(),
                    playbook.into(),
                    clean::text(why).as_ref().into(),
                    clean::text(actor).as_ref().into(),
                    at.into(),
                ],
            );
            tx.execute(on).await?;
        }
        tx.commit().await
    }

    /// What a run kept as evidence.
    ///
    /// # Errors
    /// Database errors.
    pub async fn response_evidence(&self, tenant: &TenantId, run: &RunId) -> Result<Vec<ResponseEvidence>> {
        let statement = sql(
            "SELECT key, name, digest, bytes FROM response_evidence WHERE tenant = $1 AND run = $2 ORDER BY key, name",
            [tenant.into(), run.0.as_str().into()],
        );
        let rows = self.backend.rows("read evidence of a run", statement).await?;
        let read = |row: &Row| {
            Ok::<_, StoreError>(ResponseEvidence {
                key: row.text("key")?,
                name: row.text("name")?,
                digest: row.text("digest")?,
                bytes: row.bytes("bytes")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Goes through the whole ledger: every record, and its end.
    ///
    /// # Errors
    /// Database errors.
    pub async fn verify_responses(&self, tenant: &TenantId) -> Result<LedgerCheck> {
        let mut head = Head::default();
        loop {
            let statement = sql(
                "SELECT record FROM response_ledger WHERE tenant = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3",
                [tenant.into(), whole(head.next).into(), BATCH.into()],
            );
            let rows = self.backend.rows("verify the ledger", statement).await?;
            for row in &rows {
                let record = row.text("record")?;
                if let Err(error) = head.take(record.as_bytes()) {
                    let broken = Some((error.sequence, error.why));
                    return Ok(LedgerCheck { records: head.next, head: head.hash, broken });
                }
            }
            if rows.is_empty() {
                let statement = sql(
                    "SELECT hash, (SELECT COUNT(*) FROM response_ledger WHERE tenant = $1 AND sequence >= $2) AS more
                     FROM response_ledger_head WHERE tenant = $1",
                    [tenant.into(), whole(head.next).into()],
                );
                // One statement, or a record that comes between the last one and the head would look like a break.
                let end = self.backend.row("verify the ledger", statement).await?;
                let grown = end.as_ref().map(|row| row.count("more")).transpose()?.unwrap_or(0) > 0;
                if !grown {
                    let end = end.map_or_else(|| Ok(Head::default().hash), |row| row.text("hash"))?;
                    let broken = (end != head.hash).then(|| {
                        (head.next, "the ledger ends before its head, or its head is another".to_owned())
                    });
                    return Ok(LedgerCheck { records: head.next, head: head.hash, broken });
                }
            }
            tokio::task::yield_now().await;
        }
    }
}

/// The end of a tenant's ledger, which nobody else moves until this transaction is over.
async fn lock(tx: &mut Tx, tenant: &TenantId) -> Result<Head> {
    let first = Head::default();
    let begin = sql(
        "INSERT INTO response_ledger_head (tenant, next, hash) VALUES ($1, 0, $2) ON CONFLICT (tenant) DO NOTHING",
        [tenant.into(), first.hash.as_str().into()],
    );
    tx.execute(begin).await?;
    let mut statement = sql("SELECT next, hash FROM response_ledger_head WHERE tenant = $1", [tenant.into()]);
    statement.push(tx.dialect().for_update());
    match tx.row(statement).await? {
        Some(row) => Ok(Head { next: row.count("next")?, hash: row.text("hash")? }),
        None => Ok(first),
    }
}

/// Takes the next place in the journal of a run; false if it is not the next one.
async fn take_place(tx: &mut Tx, commit: &Commit) -> Result<bool> {
    let (tenant, run) = (&commit.tenant, commit.run.0.as_str());
    let entries = whole(commit.sequence.saturating_add(commit.entries.len() as u64));
    if commit.sequence == 0 {
        let statement = sql(
            "INSERT INTO playbook_run (tenant, id, entries, open, begun_at, changed_at) VALUES ($1, $2, $3, $4, $5, $5)
             ON CONFLICT (tenant, id) DO NOTHING",
            [tenant.into(), run.into(), entries.into(), true.into(), commit.at.into()],
        );
        return Ok(tx.execute(statement).await? == 1);
    }
    let open = !matches!(commit.entries.last(), Some(Entry::Ended(_)));
    let statement = sql(
        "UPDATE playbook_run SET entries = $4, open = $5, changed_at = $6 WHERE tenant = $1 AND id = $2 AND entries = $3",
        [
            tenant.into(),
            run.into(),
            whole(commit.sequence).into(),
            entries.into(),
            open.into(),
            commit.at.into(),
        ],
    );
    Ok(tx.execute(statement).await? == 1)
}

/// How many actions a quota has counted.
fn count(tenant: &TenantId, quota: &Quota) -> Sql {
    let mut statement = sql("SELECT COUNT(*) AS used FROM response_action WHERE tenant = ", []);
    statement.bind(tenant).push(" AND at > ").bind(quota.since);
    if let Some(class) = quota.class {
        statement.push(" AND class = ").bind(class.as_str());
    }
    if let Some(playbook) = &quota.playbook {
        statement.push(" AND playbook = ").bind(playbook.as_str());
    }
    statement
}

fn entry(row: &Row) -> Result<(Timestamp, Entry)> {
    let text = row.text("entry")?;
    let entry = serde_json::from_str(&text).map_err(|error| row.unreadable("entry", error.to_string()))?;
    Ok((row.time("at")?, entry))
}

/// JSON as text: U+0000 is an escape in it, which a database's own JSON would refuse.
fn json_text(entry: &Entry) -> Result<String> {
    serde_json::to_string(entry)
        .map_err(|source| StoreError::Encode { what: "an entry of a journal", source })
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unavailable(error: StoreError) -> BookError {
    BookError::Unavailable(error.to_string())
}
