//! Incidents: what detections came to, and what people made of it.
//!
//! Everything that follows from detections is written anew with every batch that changes it. What people say, which is status, disposition,
//! assignee and notes, is theirs: judging never overwrites it, but that an incident which was closed and goes on is open again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::{Severity, TenantId};
use serde_json::{Value, json};

use crate::bulk::{Insert, Kind};
use crate::connection::Tx;
use crate::counts::{from_rank, rank};
use crate::events::{EventCommit, line, nanoseconds};
use crate::page::{Page, PageRequest, Position};
use crate::row::Row;
use crate::sql::{Param, Sql, sql};
use crate::{Result, Store, StoreError, clean};

/// Most entries of a history that are told.
const HISTORY_MAX: i64 = 1_000;
/// How often the trail of mergers is followed.
const MERGERS_MAX: usize = 100;
const LIST: &str = "incidents";
/// Who reopens what goes on.
const SELF: &str = "palisade";

/// An incident as it follows from detections.
#[derive(Debug, Clone, PartialEq)]
pub struct NewIncident {
    /// Its name: that of its first detection.
    pub id: String,
    /// When it began, in nanoseconds since 1970 in UTC.
    pub first: u64,
    /// When anything of it was last seen.
    pub last: u64,
    /// The worst of its steps.
    pub severity: Severity,
    /// One line for people.
    pub title: String,
    /// Canonical ids of assets that took part.
    pub assets: Vec<String>,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// Detections in all.
    pub detections: u64,
    /// Steps that had no room.
    pub left_out: u64,
    /// What happened, as a list of `correlate::Step`.
    pub steps: Value,
    /// Sensors and plugins that say so.
    pub source_count: u32,
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $value),+ }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// The word for stores and machines.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word),+ }
            }

            /// The value of a word.
            #[must_use]
            pub fn from_name(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

words! {
    /// Where people stand with an incident.
    IncidentStatus {
        /// Nobody has taken it up.
        Open = "open",
        /// Somebody looks into it.
        Investigating = "investigating",
        /// It can do no more harm.
        Contained = "contained",
        /// It is over.
        Closed = "closed",
    }
}

words! {
    /// What an incident was.
    Disposition {
        /// An attack, or a breach of policy.
        TruePositive = "true-positive",
        /// It happened, and it was meant to.
        Benign = "benign",
        /// It did not happen as it was told.
        FalsePositive = "false-positive",
    }
}

/// An incident as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// What follows from detections.
    pub told: NewIncident,
    /// Where people stand.
    pub status: IncidentStatus,
    /// What it was.
    pub disposition: Option<Disposition>,
    /// Whose it is.
    pub assignee: Option<String>,
    /// The incident that it became part of.
    pub merged_into: Option<String>,
    /// When it was first stored.
    pub opened_at: Timestamp,
    /// When anything of it last changed.
    pub changed_at: Timestamp,
    /// When somebody first took it up.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Grows with every change by people.
    pub version: u64,
}

/// What a person changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentChange {
    /// A new status.
    pub status: Option<IncidentStatus>,
    /// A new disposition; `Some(None)` takes it back.
    pub disposition: Option<Option<Disposition>>,
    /// A new assignee; `Some(None)`: nobody.
    pub assignee: Option<Option<String>>,
    /// Words for the history.
    pub note: Option<String>,
    /// Who.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// The version that the person has seen.
    pub if_version: Option<u64>,
}

/// An entry of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentEntry {
    /// The incident that it was written about, which may have become part of the one that was asked for.
    pub incident: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What: `status`, `disposition`, `assignee`, `note`, each with what it became.
    pub what: Value,
}

/// Which incidents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncidentFilter {
    /// One of these; any if empty.
    pub status: Vec<IncidentStatus>,
    /// At least this bad.
    pub severity_min: Option<Severity>,
    /// About this asset.
    pub asset: Option<String>,
    /// With this technique.
    pub technique: Option<String>,
    /// Assigned to this person; empty: to nobody.
    pub assignee: Option<String>,
    /// With these words in title or assets.
    pub text: Option<String>,
    /// Seen at or after, in nanoseconds since 1970 in UTC.
    pub from: Option<u64>,
    /// Begun before.
    pub to: Option<u64>,
    /// Those too that became part of another one.
    pub include_merged: bool,
}

/// Writes what a batch changed.
pub(crate) async fn put(tx: &mut Tx, commit: &EventCommit) -> Result<()> {
    let closed = closed(tx, commit).await?;
    let mut reopened = Vec::new();
    for incident in commit.incidents.iter().filter(|one| closed.contains(&clean::key(&one.id))) {
        if reopen(tx, commit, incident).await? {
            reopened.push(&incident.id);
        }
    }
    // A statement may change a row once; of two about the same, the later counts.
    let rows: BTreeMap<String, Vec<Param>> = commit
        .incidents
        .iter()
        .map(|incident| Ok((clean::key(&incident.id), values(incident)?)))
        .collect::<Result<_>>()?;
    let now = Param::from(commit.now);
    let shared = [(&commit.tenant).into(), now.clone(), now, "open".into(), 1_i64.into()];
    tx.insert(&INCIDENTS, &shared, rows.into_values().collect()).await?;
    for id in reopened {
        let what = json!({ "status": "open", "note": "it goes on" });
        write_history(tx, &commit.tenant, id, commit.now, SELF, &what).await?;
    }
    for (from, into) in &commit.merged {
        merge(tx, commit, from, into).await?;
    }
    Ok(())
}

/// Those of a commit that somebody has closed; few, as a rule none.
async fn closed(tx: &mut Tx, commit: &EventCommit) -> Result<BTreeSet<String>> {
    if commit.incidents.is_empty() {
        return Ok(BTreeSet::new());
    }
    let ids = commit.incidents.iter().map(|incident| clean::key(&incident.id)).collect();
    let mut statement = sql(
        "SELECT id FROM incident WHERE tenant = $1 AND status = 'closed' AND ",
        [(&commit.tenant).into()],
    );
    statement.any(tx.dialect(), "id", Param::Texts(ids));
    tx.rows(statement).await?.iter().map(|row| row.text("id")).collect()
}

/// Opens an incident again that was closed and has a new step. Repeats of what was judged harmless do not.
async fn reopen(tx: &mut Tx, commit: &EventCommit, incident: &NewIncident) -> Result<bool> {
    let statement = sql(
        "UPDATE incident SET status = 'open', closed_at = NULL, version = version + 1
         WHERE tenant = $1 AND id = $2 AND status = 'closed' AND detections < $3
             AND (disposition IS NULL OR disposition = 'true-positive' OR step_count < $4)",
        [
            (&commit.tenant).into(),
            clean::key(&incident.id).into(),
            nanoseconds(incident.detections).into(),
            steps(incident).into(),
        ],
    );
    Ok(tx.execute(statement).await? == 1)
}

fn steps(incident: &NewIncident) -> i64 {
    let listed = incident.steps.as_array().map_or(0, Vec::len);
    i64::try_from(listed).unwrap_or(i64::MAX).saturating_add(nanoseconds(incident.left_out))
}

const INCIDENTS: Insert = Insert {
    into: "incident",
    shared: &[
        ("tenant", "::text"),
        ("opened_at", "::timestamptz"),
        ("changed_at", "::timestamptz"),
        ("status", "::text"),
        ("version", "::bigint"),
    ],
    columns: &[
        ("id", Kind::Text),
        ("first", Kind::Int),
        ("last", Kind::Int),
        ("severity", Kind::Int),
        ("title", Kind::Text),
        ("assets", Kind::Json),
        ("techniques", Kind::Json),
        ("detections", Kind::Int),
        ("left_out", Kind::Int),
        ("steps", Kind::Json),
        ("step_count", Kind::Int),
        ("sources", Kind::Int),
    ],
    on_conflict: "ON CONFLICT (tenant, id) DO UPDATE SET first = excluded.first, last = excluded.last,
        severity = excluded.severity, title = excluded.title, assets = excluded.assets, techniques = excluded.techniques,
        detections = excluded.detections, left_out = excluded.left_out, steps = excluded.steps,
        step_count = excluded.step_count, sources = excluded.sources, changed_at = excluded.changed_at, merged_into = NULL",
};

/// A row of [`INCIDENTS`].
fn values(incident: &NewIncident) -> Result<Vec<Param>> {
    let assets: Vec<String> = incident.assets.iter().map(|asset| clean::key(asset)).collect();
    Ok(vec![
        clean::key(&incident.id).into(),
        nanoseconds(incident.first).into(),
        nanoseconds(incident.last).into(),
        rank(incident.severity).into(),
        line(&incident.title).into(),
        Param::Json(Some(clean::json("assets", &assets)?)),
        Param::Json(Some(clean::json("techniques", &incident.techniques)?)),
        nanoseconds(incident.detections).into(),
        nanoseconds(incident.left_out).into(),
        Param::Json(Some(clean::json("steps", &incident.steps)?)),
        steps(incident).into(),
        i64::from(incident.source_count).into(),
    ])
}

/// Says of an incident that it is part of another one. What people made of it goes over where nobody has touched the other.
async fn merge(tx: &mut Tx, commit: &EventCommit, from: &str, into: &str) -> Result<()> {
    let (tenant, from, into) = (Param::from(&commit.tenant), clean::key(from), clean::key(into));
    let statement = sql(
        "UPDATE incident SET merged_into = $3, changed_at = $4 WHERE tenant = $1 AND id = $2 AND id <> $3",
        [tenant.clone(), from.as_str().into(), into.as_str().into(), commit.now.into()],
    );
    if tx.execute(statement).await? == 0 {
        // It began and ended within this batch, and nobody has seen it.
        return Ok(());
    }
    // What people said of the one goes over to the other where nobody has said anything of that. One that was closed stays open here: it
    // has become more than what was closed, but what it was judged to be is not forgotten.
    let statement = sql(
        "UPDATE incident SET
            status = coalesce((SELECT other.status FROM incident other
                WHERE other.tenant = $1 AND other.id = $2 AND other.status <> 'closed'), status),
            disposition = (SELECT other.disposition FROM incident other WHERE other.tenant = $1 AND other.id = $2),
            assignee = (SELECT other.assignee FROM incident other WHERE other.tenant = $1 AND other.id = $2),
            acknowledged_at = (SELECT other.acknowledged_at FROM incident other WHERE other.tenant = $1 AND other.id = $2)
         WHERE tenant = $1 AND id = $3 AND version = 1 AND status = 'open'
            AND EXISTS (SELECT 1 FROM incident other WHERE other.tenant = $1 AND other.id = $2 AND other.version > 1)",
        [tenant, from.as_str().into(), into.as_str().into()],
    );
    tx.execute(statement).await?;
    let what = json!({ "merged": from });
    write_history(tx, &commit.tenant, &into, commit.now, SELF, &what).await
}

async fn write_history(
    tx: &mut Tx,
    tenant: &TenantId,
    incident: &str,
    at: Timestamp,
    actor: &str,
    what: &Value,
) -> Result<()> {
    // Its row is locked first, so that two who write at once take turns.
    let lock = sql(
        "UPDATE incident SET changed_at = changed_at WHERE tenant = $1 AND id = $2",
        [tenant.into(), clean::key(incident).into()],
    );
    tx.execute(lock).await?;
    let statement = sql(
        "INSERT INTO incident_history (tenant, incident, sequence, at, actor, what)
         SELECT $1, $2, (SELECT count(*) FROM incident_history known WHERE known.tenant = $1 AND known.incident = $2), $3, $4, $5",
        [
            tenant.into(),
            clean::key(incident).into(),
            at.into(),
            clean::key(actor).into(),
            clean::json("an entry of a history", what)?.into(),
        ],
    );
    tx.execute(statement).await.map(drop)
}

const COLUMNS: &str = "SELECT id, first, last, severity, title, assets, techniques, detections, left_out, steps, sources, status,
    disposition, assignee, merged_into, opened_at, changed_at, acknowledged_at, closed_at, version FROM incident ";

impl Store {
    /// Incidents, those that something was seen of last first.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`], [`StoreError::TooLong`], [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn incidents(
        &self,
        tenant: &TenantId,
        filter: &IncidentFilter,
        page: &PageRequest,
    ) -> Result<Page<Incident>> {
        let mut statement = sql(COLUMNS, []);
        statement.push("WHERE tenant = ").bind(tenant);
        narrow(&mut statement, self.backend.dialect(), filter)?;
        if let Some(after) = page.after(LIST)? {
            let last = after.int_key()?;
            statement.push(" AND (last < ").bind(last).push(" OR (last = ").bind(last);
            statement.push(" AND id < ").bind(after.tiebreak.as_str()).push("))");
        }
        statement.push(" ORDER BY last DESC, id DESC LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list incidents", statement).await?;
        let items = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        let position = |one: &Incident| Position::int(nanoseconds(one.told.last), one.told.id.clone());
        Ok(Page::new(items, page, LIST, position))
    }

    /// How many incidents fit a filter.
    ///
    /// # Errors
    /// As [`Store::incidents`].
    pub async fn count_incidents(&self, tenant: &TenantId, filter: &IncidentFilter) -> Result<u64> {
        let mut statement = sql("SELECT count(*) AS number FROM incident WHERE tenant = $1", [tenant.into()]);
        narrow(&mut statement, self.backend.dialect(), filter)?;
        let row = self.backend.row("count incidents", statement).await?;
        row.map_or(Ok(0), |row| row.count("number"))
    }

    /// An incident by its name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn incident(&self, tenant: &TenantId, id: &str) -> Result<Option<Incident>> {
        let mut statement = sql(COLUMNS, []);
        statement.push("WHERE tenant = ").bind(tenant).push(" AND id = ").bind(clean::key(id));
        self.backend.row("read an incident", statement).await?.as_ref().map(read).transpose()
    }

    /// Changes what is people's; the incident as it is then, or nothing if there is none.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if it is not the version that the person has seen; [`StoreError::TooLong`], [`StoreError::Query`].
    pub async fn change_incident(
        &self,
        tenant: &TenantId,
        id: &str,
        change: &IncidentChange,
    ) -> Result<Option<Incident>> {
        let id = clean::key(id);
        let mut tx = self.backend.begin("change an incident").await?;
        let mut statement = sql(COLUMNS, []);
        statement.push("WHERE tenant = ").bind(tenant).push(" AND id = ").bind(id.as_str());
        statement.push(tx.dialect().for_update());
        let Some(before) = tx.rows(statement).await?.first().map(read).transpose()? else { return Ok(None) };
        if let Some(expected) = change.if_version.filter(|expected| *expected != before.version) {
            return Err(StoreError::Stale { what: "the incident", found: before.version, expected });
        }
        let status = change.status.unwrap_or(before.status);
        let disposition = change.disposition.unwrap_or(before.disposition);
        let assignee = match &change.assignee {
            Some(assignee) => {
                let cleaned =
                    assignee.as_deref().map(|name| clean::identity("the name of an assignee", name));
                cleaned.transpose()?
            }
            None => before.assignee.clone(),
        };
        let taken_up = status != IncidentStatus::Open || assignee.is_some();
        let acknowledged = before.acknowledged_at.or(Some(change.at).filter(|_| taken_up));
        let closed = match status {
            IncidentStatus::Closed => before.closed_at.or(Some(change.at)),
            _ => None,
        };
        let mut what = serde_json::Map::new();
        if status != before.status {
            what.insert("status".to_owned(), json!(status.as_str()));
        }
        if disposition != before.disposition {
            what.insert("disposition".to_owned(), json!(disposition.map(Disposition::as_str)));
        }
        if assignee != before.assignee {
            what.insert("assignee".to_owned(), json!(assignee));
        }
        if let Some(note) = &change.note {
            what.insert("note".to_owned(), json!(note.chars().take(10_000).collect::<String>()));
        }
        let statement = sql(
            "UPDATE incident SET status = $3, disposition = $4, assignee = $5, acknowledged_at = $6, closed_at = $7, changed_at = $8,
                version = version + 1 WHERE tenant = $1 AND id = $2",
            [
                tenant.into(),
                id.as_str().into(),
                status.as_str().into(),
                Param::Text(disposition.map(|value| value.as_str().to_owned())),
                assignee.into(),
                acknowledged.into(),
                closed.into(),
                change.at.into(),
            ],
        );
        tx.execute(statement).await?;
        write_history(&mut tx, tenant, &id, change.at, &change.actor, &Value::Object(what)).await?;
        tx.commit().await?;
        self.incident(tenant, &id).await
    }

    /// What was done with an incident and with those that became part of it, the oldest first; at most 1,000 entries of each.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn incident_history(&self, tenant: &TenantId, id: &str) -> Result<Vec<IncidentEntry>> {
        let mut names = vec![clean::key(id)];
        let mut at = 0;
        while let Some(name) = names.get(at).cloned().filter(|_| at < MERGERS_MAX) {
            let statement = sql(
                "SELECT id FROM incident WHERE tenant = $1 AND merged_into = $2 ORDER BY id LIMIT 100",
                [tenant.into(), name.into()],
            );
            for row in self.backend.rows("list what an incident took in", statement).await? {
                let name = row.text("id")?;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            at += 1;
        }
        let mut statement = sql(
            "SELECT incident, at, actor, what FROM incident_history WHERE tenant = $1 AND ",
            [tenant.into()],
        );
        statement.any(self.backend.dialect(), "incident", Param::Texts(names));
        statement.push(" ORDER BY at, incident, sequence LIMIT ").bind(HISTORY_MAX);
        let rows = self.backend.rows("read the history of an incident", statement).await?;
        let entry = |row: &Row| {
            let what = row.text("what")?;
            Ok(IncidentEntry {
                incident: row.text("incident")?,
                at: row.time("at")?,
                actor: row.text("actor")?,
                what: serde_json::from_str(&what)
                    .map_err(|error| row.unreadable("what", error.to_string()))?,
            })
        };
        rows.iter().map(entry).collect()
    }
}

fn narrow(statement: &mut Sql, dialect: crate::dialect::Dialect, filter: &IncidentFilter) -> Result<()> {
    if !filter.include_merged {
        statement.push(" AND merged_into IS NULL");
    }
    if !filter.status.is_empty() {
        let words = filter.status.iter().map(|status| status.as_str().to_owned()).collect();
        statement.push(" AND ").any(dialect, "status", Param::Texts(words));
    }
    if let Some(severity) = filter.severity_min {
        statement.push(" AND severity >= ").bind(rank(severity));
    }
    if let Some(assignee) = &filter.assignee {
        match assignee.as_str() {
            "" => statement.push(" AND assignee IS NULL"),
            name => statement.push(" AND assignee = ").bind(clean::key(name)),
        };
    }
    // Both are lists of texts in JSON, in which a name stands between quotes.
    for (column, wanted) in [
        (" AND CAST(assets AS TEXT) LIKE ", &filter.asset),
        (" AND CAST(techniques AS TEXT) LIKE ", &filter.technique),
    ] {
        if let Some(wanted) = wanted {
            let quoted = clean::json("a name", &clean::key(wanted))?;
            statement.push(column).bind(clean::literal_pattern(&quoted)).push(" ESCAPE '\\'");
        }
    }
    if let Some(text) = &filter.text {
        let pattern = clean::contains_pattern(text)?;
        statement.push(" AND (lower(title) LIKE ").bind(pattern.as_str()).push(" ESCAPE '\\'");
        statement.push(" OR lower(CAST(assets AS TEXT)) LIKE ").bind(pattern).push(" ESCAPE '\\')");
    }
    if let Some(from) = filter.from {
        statement.push(" AND last >= ").bind(nanoseconds(from));
    }
    if let Some(to) = filter.to {
        statement.push(" AND first < ").bind(nanoseconds(to));
    }
    Ok(())
}

pub(crate) fn severity(row: &Row) -> Result<Severity> {
    let rank = row.int("severity")?;
    from_rank(rank).ok_or_else(|| row.unreadable("severity", format!("{rank} is no severity")))
}

fn read(row: &Row) -> Result<Incident> {
    let disposition = row.text_or_null("disposition")?;
    Ok(Incident {
        told: NewIncident {
            id: row.text("id")?,
            first: row.count("first")?,
            last: row.count("last")?,
            severity: severity(row)?,
            title: row.text("title")?,
            assets: row.json("assets")?,
            techniques: row.json("techniques")?,
            detections: row.count("detections")?,
            left_out: row.count("left_out")?,
            steps: row.json("steps")?,
            source_count: u32::try_from(row.count("sources")?).unwrap_or(u32::MAX),
        },
        status: row.word("status", IncidentStatus::from_name)?,
        disposition: disposition.as_deref().and_then(Disposition::from_name),
        assignee: row.text_or_null("assignee")?,
        merged_into: row.text_or_null("merged_into")?,
        opened_at: row.time("opened_at")?,
        changed_at: row.time("changed_at")?,
        acknowledged_at: row.time_or_null("acknowledged_at")?,
        closed_at: row.time_or_null("closed_at")?,
        version: row.count("version")?,
    })
}
