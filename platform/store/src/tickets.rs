//! Tickets: which findings belong to one, what it ought to say, and what was told last.
//!
//! Nothing here is a queue of changes. A finding that changes is marked by the database in the transaction of the change; marks become
//! memberships of tickets, and a ticket whose wanted state differs from the one that was told last is told once, however many changes led
//! there. So drops, doubles and crashes all end in the same place.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::{FindingState, Fingerprint, TenantId};
use uuid::Uuid;

use crate::bulk::{Insert, Kind};
use crate::connection::Tx;
use crate::counts::from_rank;
use crate::destinations::{Destination, Per};
use crate::dialect::Dialect;
use crate::findings::{COLUMNS, read as read_finding};
use crate::row::Row;
use crate::sql::{Param, Sql, sql};
use crate::{
    FindingFilter, FindingQuery, PAGE_LIMIT_MAX, Result, SeverityCounts, Store, StoredFinding, clean,
};

/// Findings that are looked at in one transaction.
const AT_ONCE: i64 = 1_000;
/// Findings that a notice names; the others are counted.
const NAMED_MAX: i64 = 50;
/// Deliveries that are kept of a destination.
const DELIVERIES_MAX: i64 = 1_000;

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What it is about; the same for as long as it exists.
    pub key: String,
    /// Which state of it is not told yet; 0: all is told.
    pub mark: i64,
    /// Its title when it was told last, or was to be.
    pub title: String,
    /// Digest of what was told last.
    pub told: Option<Vec<u8>>,
    /// Whether it was told to be open.
    pub open: bool,
    /// The other system's name for it.
    pub external_id: Option<String>,
    /// Where people find it there.
    pub url: Option<String>,
    /// Where it stands there, in that system's words.
    pub status: Option<String>,
    /// The same in ours, as [`Standing::as_str`](crate::Standing::as_str) says it.
    pub category: Option<String>,
    /// Since when it is known to stand there.
    pub read_at: Option<Timestamp>,
    /// When something was told last.
    pub told_at: Option<Timestamp>,
    /// Attempts since then that failed.
    pub attempts: u64,
    /// When it is tried next, where something is to be told.
    pub next_at: Timestamp,
    /// Since when every attempt has failed.
    pub failing_since: Option<Timestamp>,
    /// Since when it is not tried any more.
    pub dead_at: Option<Timestamp>,
    /// Why the last attempt failed: a stable word, and a sentence.
    pub error: Option<(String, String)>,
}

/// What a ticket ought to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// How many findings there are, by severity.
    pub counts: SeverityCounts,
    /// The worst of them.
    pub findings: Vec<StoredFinding>,
}

/// A ticket of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedTicket {
    /// The destination.
    pub destination: String,
    /// The other system's name for it.
    pub external_id: String,
    /// Where people find it there.
    pub url: Option<String>,
    /// Where it stands there.
    pub status: Option<String>,
}

/// An attempt to tell something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id; a UUID of version 7.
    pub id: Uuid,
    /// The ticket.
    pub key: String,
    /// Id of the notice.
    pub notice: String,
    /// When.
    pub at: Timestamp,
    /// `told`, or the stable word of an error.
    pub outcome: String,
    /// What the other system made of it, or what failed.
    pub message: String,
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A stable word.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// Whether it is not tried any more.
    pub dead: bool,
}

const MEMBERS: Insert = Insert {
    into: "destination_member",
    shared: &[("tenant", "::text"), ("destination", "::text")],
    columns: &[("fingerprint", Kind::Text), ("key", Kind::Text)],
    on_conflict: "ON CONFLICT (tenant, destination, fingerprint) DO UPDATE SET key = excluded.key",
};
const TICKETS: Insert = Insert {
    into: "ticket",
    shared: &[("tenant", "::text"), ("destination", "::text"), ("next_at", "::timestamptz")],
    columns: &[("key", Kind::Text), ("mark", Kind::Int)],
    on_conflict: "ON CONFLICT (tenant, destination, key) DO UPDATE SET mark = ticket.mark + 1",
};
const TICKET: &str =
    "SELECT key, mark, title, told, open, external_id, url, status, category, read_at, told_at, attempts, next_at,
    failing_since, dead_at, error_code, error_message FROM ticket WHERE tenant = ";

impl Store {
    /// Looks at some of the findings that have changed, and marks the tickets that may have to be told; how many findings were looked at.
    ///
    /// # Errors
    /// Database errors. Nothing is forgotten: what was not looked at stays marked.
    pub async fn look_at_changed_findings(&self, tenant: &TenantId, now: Timestamp) -> Result<u64> {
        let mut looking = sql("SELECT 1 AS one FROM finding_dirty WHERE tenant = ", []);
        looking.bind(tenant).push(" LIMIT 1");
        if self.backend.row("look for changed findings", looking).await?.is_none() {
            return Ok(0);
        }
        let destinations = self.destinations(tenant).await?;
        let mut tx = self.backend.begin("look at changed findings").await?;
        let mut statement = sql("SELECT fingerprint FROM finding_dirty WHERE tenant = ", []);
        statement.bind(tenant).push(" ORDER BY fingerprint LIMIT ").bind(AT_ONCE);
        if tx.dialect() == Dialect::Postgres {
            // Whoever holds one of them has not committed its change yet; its turn comes.
            statement.push(" FOR UPDATE SKIP LOCKED");
        }
        let rows = tx.rows(statement).await?;
        let changed = rows.iter().map(|row| row.text("fingerprint")).collect::<Result<Vec<_>>>()?;
        if changed.is_empty() {
            return Ok(0);
        }
        for destination in &destinations {
            place(&mut tx, tenant, destination, &changed, now).await?;
        }
        let mut done = sql("DELETE FROM finding_dirty WHERE tenant = ", []);
        done.bind(tenant).push(" AND ");
        done.any(tx.dialect(), "fingerprint", Param::Texts(changed.clone()));
        tx.execute(done).await?;
        tx.commit().await?;
        Ok(changed.len() as u64)
    }

    /// Tickets of a destination that may have to be told now, those that wait longest first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn tickets_due(
        &self,
        tenant: &TenantId,
        destination: &str,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<Ticket>> {
        let mut statement = sql(TICKET, []);
        statement.bind(tenant).push(" AND destination = ").bind(clean::key(destination));
        statement.push(" AND mark > 0 AND dead_at IS NULL AND next_at <= ").bind(now);
        statement.push(" ORDER BY next_at, key LIMIT ").bind(i64::from(most));
        self.backend.rows("find tickets to tell", statement).await?.iter().map(read).collect()
    }

    /// What a ticket ought to say now.
    ///
    /// # Errors
    /// Database errors.
    pub async fn wanted(&self, tenant: &TenantId, destination: &str, key: &str) -> Result<Wanted> {
        let mut counts = SeverityCounts::default();
        let mut statement = sql("SELECT severity, count(*) AS number FROM finding", []);
        push_members(&mut statement, tenant, destination, key);
        statement.push(" GROUP BY severity");
        for row in self.backend.rows("count the findings of a ticket", statement).await? {
            let severity = from_rank(row.int("severity")?)
                .ok_or_else(|| row.unreadable("severity", "it is no severity".to_owned()))?;
            counts.add_many(severity, row.count("number")?);
        }
        let mut statement = sql("SELECT ", []);
        statement.push(COLUMNS).push(" FROM finding");
        push_members(&mut statement, tenant, destination, key);
        statement.push(" ORDER BY attention DESC, fingerprint DESC LIMIT ").bind(NAMED_MAX);
        let rows = self.backend.rows("read the findings of a ticket", statement).await?;
        let findings = rows.iter().map(read_finding).collect::<Result<_>>()?;
        Ok(Wanted { counts, findings })
    }

    /// Notes that a ticket says what it ought to; `mark` is the one that it had when this was found out.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ticket_is_right(
        &self,
        tenant: &TenantId,
        destination: &str,
        key: &str,
        mark: i64,
    ) -> Result<()> {
        let statement = sql(
            "UPDATE ticket SET mark = 0 WHERE tenant = $1 AND destination = $2 AND key = $3 AND mark = $4",
            [tenant.into(), clean::key(destination).into(), key.into(), mark.into()],
        );
        let mut tx = self.backend.begin("note a ticket").await?;
        tx.execute(statement).await?;
        tx.commit().await
    }

    /// Notes what was told, and what the other system calls it. A change meanwhile is told at `next_at`.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ticket_told(
        &self,
        tenant: &TenantId,
        destination: &str,
        ticket: &Ticket,
        notice: &str,
        at: Timestamp,
    ) -> Result<()> {
        let statement = sql(
            "UPDATE ticket SET mark = CASE WHEN mark = $4 THEN 0 ELSE mark END, title = $5, told = $6, open = $7, external_id = $8,
                 url = $9, told_at = $10, next_at = $11, attempts = 0, failing_since = NULL, error_code = NULL, error_message = NULL
             WHERE tenant = $1 AND destination = $2 AND key = $3",
            [
                tenant.into(),
                clean::key(destination).into(),
                ticket.key.as_str().into(),
                ticket.mark.into(),
                clean::text(&ticket.title).as_ref().into(),
                ticket.told.clone().into(),
                ticket.open.into(),
                ticket.external_id.as_deref().map(|id| clean::text(id).into_owned()).into(),
                ticket.url.as_deref().map(|url| clean::text(url).into_owned()).into(),
                at.into(),
                ticket.next_at.into(),
            ],
        );
        let mut tx = self.backend.begin("note what was told").await?;
        tx.execute(statement).await?;
        let id = ticket.external_id.as_deref().unwrap_or_default();
        log(&mut tx, tenant, destination, &ticket.key, notice, ("told", id), at).await?;
        tx.commit().await
    }

    /// Notes that something could not be told; of the ticket, its key and title count.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ticket_failed(
        &self,
        tenant: &TenantId,
        destination: &str,
        ticket: &Ticket,
        notice: &str,
        failure: &Failure,
        at: Timestamp,
    ) -> Result<()> {
        let statement = sql(
            "UPDATE ticket SET attempts = attempts + 1, failing_since = COALESCE(failing_since, $4), next_at = $5, dead_at = $6,
                 error_code = $7, error_message = $8, title = $9 WHERE tenant = $1 AND destination = $2 AND key = $3",
            [
                tenant.into(),
                clean::key(destination).into(),
                ticket.key.as_str().into(),
                at.into(),
                failure.next_at.into(),
                Some(at).filter(|_| failure.dead).into(),
                clean::key(&failure.code).into(),
                clean::text(&failure.message).as_ref().into(),
                clean::text(&ticket.title).as_ref().into(),
            ],
        );
        let mut tx = self.backend.begin("note what could not be told").await?;
        tx.execute(statement).await?;
        log(&mut tx, tenant, destination, &ticket.key, notice, (&failure.code, &failure.message), at).await?;
        tx.commit().await
    }

    /// Tells again what was given up, and what waits for another attempt, at once; how many tickets that are.
    ///
    /// # Errors
    /// Database errors.
    pub async fn replay_tickets(&self, tenant: &TenantId, destination: &str, at: Timestamp) -> Result<u64> {
        let statement = sql(
            "UPDATE ticket SET dead_at = NULL, failing_since = NULL, attempts = 0, next_at = $3
             WHERE tenant = $1 AND destination = $2 AND mark > 0 AND (dead_at IS NOT NULL OR attempts > 0)",
            [tenant.into(), clean::key(destination).into(), at.into()],
        );
        let mut tx = self.backend.begin("tell tickets again").await?;
        let again = tx.execute(statement).await?;
        tx.commit().await?;
        Ok(again)
    }

    /// Tickets of a destination by key, at most a page of them, from the one after `after`.
    ///
    /// # Errors
    /// Database errors.
    pub async fn tickets(
        &self,
        tenant: &TenantId,
        destination: &str,
        after: Option<&str>,
    ) -> Result<Vec<Ticket>> {
        let mut statement = sql(TICKET, []);
        statement.bind(tenant).push(" AND destination = ").bind(clean::key(destination));
        if let Some(after) = after {
            statement.push(" AND key > ").bind(clean::text(after).as_ref());
        }
        statement.push(" ORDER BY key LIMIT ").bind(i64::from(PAGE_LIMIT_MAX));
        self.backend.rows("list tickets", statement).await?.iter().map(read).collect()
    }

    /// The latest attempts to tell a destination something, the newest first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn deliveries(&self, tenant: &TenantId, destination: &str) -> Result<Vec<Delivery>> {
        let statement = sql(
            "SELECT id, key, notice, at, outcome, message FROM delivery WHERE tenant = $1 AND destination = $2
             ORDER BY id DESC LIMIT $3",
            [tenant.into(), clean::key(destination).into(), DELIVERIES_MAX.into()],
        );
        let rows = self.backend.rows("list deliveries", statement).await?;
        let delivery = |row: &Row| {
            Ok(Delivery {
                id: row.uuid("id")?,
                key: row.text("key")?,
                notice: row.text("notice")?,
                at: row.time("at")?,
                outcome: row.text("outcome")?,
                message: row.text("message")?,
            })
        };
        rows.iter().map(delivery).collect()
    }

    /// The tickets that a finding belongs to, by destination.
    ///
    /// # Errors
    /// Database errors.
    pub async fn tickets_of_finding(
        &self,
        tenant: &TenantId,
        fingerprint: &Fingerprint,
    ) -> Result<Vec<LinkedTicket>> {
        let statement = sql(
            "SELECT ticket.destination, external_id, url, status FROM destination_member member
             JOIN ticket ON ticket.tenant = member.tenant AND ticket.destination = member.destination AND ticket.key = member.key
             WHERE member.tenant = $1 AND member.fingerprint = $2 AND external_id IS NOT NULL ORDER BY ticket.destination",
            [tenant.into(), clean::text(&fingerprint.0).as_ref().into()],
        );
        let rows = self.backend.rows("find the tickets of a finding", statement).await?;
        let ticket = |row: &Row| {
            Ok(LinkedTicket {
                destination: row.text("destination")?,
                external_id: row.text("external_id")?,
                url: row.text_or_null("url")?,
                status: row.text_or_null("status")?,
            })
        };
        rows.iter().map(ticket).collect()
    }
}

/// Puts findings to the tickets of a destination that they belong to now, and marks those and the ones that they belonged to.
async fn place(
    tx: &mut Tx,
    tenant: &TenantId,
    destination: &Destination,
    changed: &[String],
    now: Timestamp,
) -> Result<()> {
    let name = clean::key(&destination.said.name);
    let mut touched = BTreeSet::new();
    let mut known = sql("SELECT fingerprint, key FROM destination_member WHERE tenant = ", []);
    known.bind(tenant).push(" AND destination = ").bind(name.as_str()).push(" AND ");
    known.any(tx.dialect(), "fingerprint", Param::Texts(changed.to_vec()));
    let mut gone = BTreeSet::new();
    for row in tx.rows(known).await? {
        gone.insert(row.text("fingerprint")?);
        touched.insert(row.text("key")?);
    }
    let mut members = Vec::new();
    for (fingerprint, key) in belonging(tx, tenant, destination, changed, now).await? {
        gone.remove(&fingerprint);
        members.push(vec![fingerprint.into(), key.as_str().into()]);
        touched.insert(key);
    }
    if !gone.is_empty() {
        let mut statement = sql("DELETE FROM destination_member WHERE tenant = ", []);
        statement.bind(tenant).push(" AND destination = ").bind(name.as_str()).push(" AND ");
        statement.any(tx.dialect(), "fingerprint", Param::Texts(gone.into_iter().collect()));
        tx.execute(statement).await?;
    }
    tx.insert(&MEMBERS, &[tenant.into(), name.as_str().into()], members).await?;
    let tickets = touched.into_iter().map(|key| vec![key.into(), 1.into()]).collect();
    tx.insert(&TICKETS, &[tenant.into(), name.as_str().into(), now.into()], tickets).await
}

/// Which of some findings a destination hears of, each with the key of its ticket.
async fn belonging(
    tx: &mut Tx,
    tenant: &TenantId,
    destination: &Destination,
    changed: &[String],
    now: Timestamp,
) -> Result<BTreeMap<String, String>> {
    let said = &destination.said;
    let query = match said.filter.trim() {
        "" => None,
        // It was read when it was stored; one that a later release does not know any more selects nothing.
        text => match FindingQuery::parse(text, now) {
            Ok(query) => Some(query),
            Err(error) => {
                tracing::warn!(destination = said.name, error = %error, "the filter of a destination cannot be read");
                return Ok(BTreeMap::new());
            }
        },
    };
    if !said.enabled {
        return kept_members(tx, tenant, &said.name, changed).await;
    }
    let filter = FindingFilter {
        states: vec![FindingState::Open],
        suppressed: Some(false),
        fingerprints: changed.to_vec(),
        query,
        ..FindingFilter::default()
    };
    let mut statement = sql("SELECT ", []);
    statement.push(COLUMNS).push(" FROM finding");
    filter.push_where(&mut statement, tx.dialect(), tenant)?;
    let rows = tx.rows(statement).await?;
    let keyed = |row: &Row| -> Result<(String, String)> {
        let finding = read_finding(row)?;
        let key = key_of(said.per, &finding);
        Ok((finding.fingerprint.0, key))
    };
    rows.iter().map(keyed).collect()
}

/// The members of a destination that is told nothing stay what they are until it is enabled again.
async fn kept_members(
    tx: &mut Tx,
    tenant: &TenantId,
    name: &str,
    changed: &[String],
) -> Result<BTreeMap<String, String>> {
    let mut known = sql("SELECT fingerprint, key FROM destination_member WHERE tenant = ", []);
    known.bind(tenant).push(" AND destination = ").bind(clean::key(name)).push(" AND ");
    known.any(tx.dialect(), "fingerprint", Param::Texts(changed.to_vec()));
    let rows = tx.rows(known).await?;
    rows.iter().map(|row| Ok((row.text("fingerprint")?, row.text("key")?))).collect()
}

/// The ticket that a finding belongs to.
fn key_of(per: Per, finding: &StoredFinding) -> String {
    let key = match per {
        Per::Finding => format!("finding:{}", finding.fingerprint.0),
        Per::Owner => format!("owner:{}", finding.triage.assignee.as_deref().unwrap_or_default()),
        Per::Fix => match (&finding.finding.package, finding.finding.fix.versions.first()) {
            (Some(package), Some(version)) => {
                format!("fix:{}:{}@{version}", package.kind.as_str(), package.name)
            }
            _ => format!("rule:{}", finding.finding.rule),
        },
    };
    clean::key(&key)
}

fn push_members(statement: &mut Sql, tenant: &TenantId, destination: &str, key: &str) {
    statement.push(" WHERE tenant = ").bind(tenant);
    statement
        .push(" AND fingerprint IN (SELECT fingerprint FROM destination_member WHERE tenant = ")
        .bind(tenant);
    statement.push(" AND destination = ").bind(clean::key(destination));
    statement.push(" AND key = ").bind(key).push(")");
}

async fn log(
    tx: &mut Tx,
    tenant: &TenantId,
    destination: &str,
    key: &str,
    notice: &str,
    (outcome, message): (&str, &str),
    at: Timestamp,
) -> Result<()> {
    let name = clean::key(destination);
    let statement = sql(
        "INSERT INTO delivery (tenant, destination, id, key, notice, at, outcome, message) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            tenant.into(),
            name.as_str().into(),
            Uuid::now_v7().into(),
            key.into(),
            notice.into(),
            at.into(),
            clean::key(outcome).into(),
            clean::text(message).as_ref().into(),
        ],
    );
    tx.execute(statement).await?;
    let forget = sql(
        "DELETE FROM delivery WHERE tenant = $1 AND destination = $2 AND id < (SELECT id FROM delivery
         WHERE tenant = $1 AND destination = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)",
        [tenant.into(), name.into(), (DELIVERIES_MAX - 1).into()],
    );
    tx.execute(forget).await.map(drop)
}

fn read(row: &Row) -> Result<Ticket> {
    let error = match (row.text_or_null("error_code")?, row.text_or_null("error_message")?) {
        (Some(code), Some(message)) => Some((code, message)),
        _ => None,
    };
    Ok(Ticket {
        key: row.text("key")?,
        mark: row.int("mark")?,
        title: row.text("title")?,
        told: row.bytes_or_null("told")?,
        open: row.bool("open")?,
        external_id: row.text_or_null("external_id")?,
        url: row.text_or_null("url")?,
        status: row.text_or_null("status")?,
        category: row.text_or_null("category")?,
        read_at: row.time_or_null("read_at")?,
        told_at: row.time_or_null("told_at")?,
        attempts: row.count("attempts")?,
        next_at: row.time("next_at")?,
        failing_since: row.time_or_null("failing_since")?,
        dead_at: row.time_or_null("dead_at")?,
        error,
    })
}
