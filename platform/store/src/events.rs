//! Run-time events and what they came to, committed together: events, detections, incidents, state of plugins, ids of messages, and how
//! far judging has come. Nobody ever sees one without the others.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use model::{Gap, Severity, TenantId};
use serde_json::Value;

use crate::bulk::{Insert, Kind};
use crate::connection::Tx;
use crate::counts::rank;
use crate::incidents::NewIncident;
use crate::sql::{Param, sql};
use crate::{Result, Store, StoreError, clean, incidents, plugin_state};

/// Under this name messages are recorded in the inbox.
pub const CORRELATOR_CONSUMER: &str = "correlator";
/// Longest line for people that is kept, in characters.
const LINE_MAX: usize = 1_000;

/// An event to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id: the same event always has the same one.
    pub id: String,
    /// When it happened, in nanoseconds since 1970 in UTC.
    pub time: u64,
    /// The configured source.
    pub source: String,
    /// What kind of log or sensor said it.
    pub origin: String,
    /// What sort of event it is.
    pub kind: String,
    /// How bad, where the sensor judged it.
    pub severity: Severity,
    /// One line for people.
    pub title: String,
    /// Canonical id of the asset it speaks of; empty where none could be told.
    pub asset: String,
    /// The cluster.
    pub cluster: Option<String>,
    /// The machine.
    pub node: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// What owns the pod, as `Kind/name`.
    pub workload: Option<String>,
    /// Uid of the pod.
    pub pod: Option<String>,
    /// The first 12 digits of the container's id.
    pub container: Option<String>,
    /// Digest of the image.
    pub image: Option<String>,
    /// Who acted.
    pub principal: Option<String>,
    /// Key of the process.
    pub exec: Option<String>,
    /// Key of the process that made it.
    pub parent_exec: Option<String>,
    /// The normalised event, as JSON.
    pub body: Vec<u8>,
}

/// What a sensor said, or that it was heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorReport {
    /// The configured source.
    pub source: String,
    /// Which sensor.
    pub sensor: String,
    /// When, by its own clock.
    pub at: Timestamp,
    /// Whether it saw only a part.
    pub blind: bool,
    /// Events that it lost.
    pub drops: u64,
    /// What it said, in a word; empty where an event came from it.
    pub reason: String,
}

/// A detection to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDetection {
    /// Its id: the same detection always has the same one.
    pub id: String,
    /// Plugin and rule, or `sensor`, its kind and its rule.
    pub rule: String,
    /// Digest of the plugin, or `sensor`.
    pub plugin: String,
    /// One line for people.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Canonical id of the asset at risk.
    pub asset: String,
    /// What joins it to others.
    pub key: String,
    /// Time of its first event, in nanoseconds since 1970 in UTC.
    pub first: u64,
    /// Time of its last event.
    pub last: u64,
    /// Whether one of its events came too late to be put in order.
    pub late: bool,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// Ids of its events.
    pub events: Vec<String>,
    /// What was compared with what.
    pub evidence: Value,
    /// Whom and what its first event is about.
    pub subject: Value,
    /// What says that it need not be told.
    pub suppressed_by: Option<String>,
}

/// What one batch came to.
#[derive(Debug, Clone, PartialEq)]
pub struct EventCommit {
    /// Whose.
    pub tenant: TenantId,
    /// Who judged: it must have the lease.
    pub holder: String,
    /// Ids of the messages that the events came in.
    pub messages: Vec<String>,
    /// When, by the caller's clock.
    pub now: Timestamp,
    /// The events.
    pub events: Vec<NewEvent>,
    /// Ids of those among them that came too late to be put in order.
    pub late: BTreeSet<String>,
    /// Elements that could not be read, by source, and the last of them.
    pub problems: BTreeMap<String, (u64, String)>,
    /// Events that were known already, by source.
    pub repeated: BTreeMap<String, u64>,
    /// What sensors said.
    pub sensors: Vec<SensorReport>,
    /// Detections.
    pub detections: Vec<NewDetection>,
    /// Keys that are one.
    pub links: Vec<(String, String)>,
    /// Incidents that are new or other than before.
    pub incidents: Vec<NewIncident>,
    /// Incidents that became part of another one: theirs and its name.
    pub merged: Vec<(String, String)>,
    /// What plugins changed in their state, by plugin.
    pub state: BTreeMap<String, BTreeMap<String, Option<Vec<u8>>>>,
    /// Whatever else a later process needs to go on.
    pub timers: Value,
    /// Events after this time that are not late were not judged in their order yet.
    pub watermark: u64,
    /// What could not be judged.
    pub gaps: Vec<Gap>,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Committed {
    /// Events that are new.
    pub events: u64,
    /// Events that were there.
    pub repeated: u64,
    /// Detections that are new.
    pub detections: u64,
    /// Messages that had been recorded before.
    pub messages_repeated: u64,
}

/// How far judging has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// See [`EventCommit::watermark`].
    pub watermark: u64,
    /// See [`EventCommit::timers`].
    pub timers: Value,
}

const EVENTS: Insert = Insert {
    into: "event",
    shared: &[("tenant", "::text"), ("received_at", "::timestamptz")],
    columns: &[
        ("id", Kind::Text),
        ("time", Kind::Int),
        ("source", Kind::Text),
        ("origin", Kind::Text),
        ("kind", Kind::Text),
        ("severity", Kind::Int),
        ("title", Kind::Text),
        ("asset", Kind::Text),
        ("cluster", Kind::Text),
        ("node", Kind::Text),
        ("namespace", Kind::Text),
        ("workload", Kind::Text),
        ("pod", Kind::Text),
        ("container", Kind::Text),
        ("image", Kind::Text),
        ("principal", Kind::Text),
        ("exec", Kind::Text),
        ("parent_exec", Kind::Text),
        ("late", Kind::Bool),
        ("body", Kind::Bytes),
    ],
    on_conflict: "ON CONFLICT DO NOTHING",
};

const DETECTIONS: Insert = Insert {
    into: "detection",
    shared: &[("tenant", "::text"), ("found_at", "::timestamptz")],
    columns: &[
        ("id", Kind::Text),
        ("rule", Kind::Text),
        ("plugin", Kind::Text),
        ("title", Kind::Text),
        ("severity", Kind::Int),
        ("asset", Kind::Text),
        ("key", Kind::Text),
        ("first", Kind::Int),
        ("last", Kind::Int),
        ("late", Kind::Bool),
        ("techniques", Kind::Json),
        ("evidence", Kind::Json),
        ("subject", Kind::Json),
        ("suppressed_by", Kind::Text),
    ],
    on_conflict: "ON CONFLICT DO NOTHING",
};

const PROOFS: Insert = Insert {
    into: "detection_event",
    shared: &[("tenant", "::text")],
    columns: &[("event", Kind::Text), ("detection", Kind::Text), ("place", Kind::Int)],
    on_conflict: "ON CONFLICT DO NOTHING",
};

const LINKS: Insert = Insert {
    into: "incident_link",
    shared: &[("tenant", "::text"), ("linked_at", "::timestamptz")],
    columns: &[("kept", Kind::Text), ("merged", Kind::Text)],
    on_conflict: "ON CONFLICT (tenant, kept, merged) DO UPDATE SET linked_at = excluded.linked_at",
};

const INBOX: Insert = Insert {
    into: "inbox",
    shared: &[("tenant", "::text"), ("consumer", "::text"), ("at", "::timestamptz")],
    columns: &[("message_id", Kind::Text)],
    on_conflict: "ON CONFLICT DO NOTHING",
};

const GAPS: Insert = Insert {
    into: "event_gap",
    shared: &[("tenant", "::text"), ("at", "::timestamptz")],
    columns: &[("subject", Kind::Text), ("code", Kind::Text), ("reason", Kind::Text)],
    on_conflict: "ON CONFLICT (tenant, subject, code) DO UPDATE SET reason = excluded.reason, at = excluded.at",
};

impl Store {
    /// Commits what a batch came to.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process has the lease, or it has ended: nothing is written then. [`StoreError::TooLong`],
    /// [`StoreError::Encode`], [`StoreError::Query`].
    pub async fn commit_events(&self, commit: &EventCommit) -> Result<Committed> {
        let mut tx = self.backend.begin("commit events").await?;
        hold(&mut tx, commit).await?;
        let (tenant, now) = (Param::from(&commit.tenant), Param::from(commit.now));
        let ids: Vec<String> = commit.messages.iter().map(|id| clean::key(id)).collect();
        let messages_repeated = known(&mut tx, commit, "inbox", &ids).await?.len() as u64;
        let rows = ids.into_iter().map(|id| vec![id.into()]).collect();
        tx.insert(&INBOX, &[tenant.clone(), CORRELATOR_CONSUMER.into(), now.clone()], rows).await?;

        let ids: Vec<String> = commit.events.iter().map(|event| clean::key(&event.id)).collect();
        let mut there = known(&mut tx, commit, "event", &ids).await?;
        // One that stands there twice is one.
        let fresh: Vec<&NewEvent> =
            commit.events.iter().filter(|event| there.insert(clean::key(&event.id))).collect();
        let rows = fresh.iter().map(|event| event_row(event, commit.late.contains(&event.id))).collect();
        tx.insert(&EVENTS, &[tenant.clone(), now.clone()], rows).await?;

        let ids: Vec<String> = commit.detections.iter().map(|one| clean::key(&one.id)).collect();
        let mut found = known(&mut tx, commit, "detection", &ids).await?;
        let detections: Vec<&NewDetection> =
            commit.detections.iter().filter(|one| found.insert(clean::key(&one.id))).collect();
        put_detections(&mut tx, commit, &detections).await?;
        // As with gaps, a row may be changed once.
        let links: BTreeSet<(String, String)> =
            commit.links.iter().map(|(kept, merged)| (clean::key(kept), clean::key(merged))).collect();
        let rows = links.into_iter().map(|(kept, merged)| vec![kept.into(), merged.into()]).collect();
        tx.insert(&LINKS, &[tenant.clone(), now.clone()], rows).await?;
        incidents::put(&mut tx, commit).await?;
        for (plugin, changes) in &commit.state {
            plugin_state::write(&mut tx, &commit.tenant, plugin, changes).await?;
        }
        // Of two about the same, the later stays: one statement may not change a row twice.
        let gaps: BTreeMap<(String, &str), String> = commit
            .gaps
            .iter()
            .map(|gap| ((clean::key(&gap.subject), gap.code.as_str()), line(&gap.reason)))
            .collect();
        let rows = gaps.into_iter();
        let rows = rows.map(|((subject, code), reason)| vec![subject.into(), code.into(), reason.into()]);
        tx.insert(&GAPS, &[tenant, now], rows.collect()).await?;
        count(&mut tx, commit, &fresh).await?;
        let done = Committed {
            events: fresh.len() as u64,
            repeated: (commit.events.len() - fresh.len()) as u64,
            detections: detections.len() as u64,
            messages_repeated,
        };
        tx.commit().await?;
        Ok(done)
    }

    /// Takes the right to judge, or renews it; false if somebody else has it. The clocks of processes have to agree within the time
    /// that it has left when it is renewed. A holder may be named `instance/attempt`: what another attempt of the same instance has is
    /// taken over at once, so that an instance must not judge twice at a time.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn correlator_lease(
        &self,
        tenant: &TenantId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        let statement = sql(
            "INSERT INTO correlator (tenant, holder, until, watermark, timers) VALUES ($1, $2, $4, 0, $5)
             ON CONFLICT (tenant) DO UPDATE SET holder = excluded.holder, until = excluded.until
             WHERE correlator.holder = excluded.holder OR correlator.until <= $3 OR correlator.holder LIKE $6",
            [
                tenant.into(),
                holder.into(),
                now.into(),
                until.into(),
                Param::Json(Some("{}".to_owned())),
                of_instance(holder).into(),
            ],
        );
        let mut tx = self.backend.begin("take the right to judge events").await?;
        let taken = tx.execute(statement).await? == 1;
        tx.commit().await?;
        Ok(taken)
    }

    /// Gives the right to judge back, so that another process need not wait for its end.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn correlator_release(&self, tenant: &TenantId, holder: &str) -> Result<()> {
        let statement = sql(
            "UPDATE correlator SET until = $3 WHERE tenant = $1 AND holder = $2",
            [tenant.into(), holder.into(), Timestamp::UNIX_EPOCH.into()],
        );
        let mut tx = self.backend.begin("give the right to judge events back").await?;
        tx.execute(statement).await?;
        tx.commit().await
    }

    /// How far judging has come; nothing if nobody ever judged.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn correlator_checkpoint(&self, tenant: &TenantId) -> Result<Option<Checkpoint>> {
        let statement = sql("SELECT watermark, timers FROM correlator WHERE tenant = $1", [tenant.into()]);
        let row = self.backend.row("read how far events were judged", statement).await?;
        row.map(|row| Ok(Checkpoint { watermark: row.count("watermark")?, timers: row.json("timers")? }))
            .transpose()
    }

    /// Which of these events there are.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn known_events(&self, tenant: &TenantId, ids: &[String]) -> Result<HashSet<String>> {
        let ids: Vec<String> = ids.iter().map(|id| clean::key(id)).collect();
        let mut statement = sql("SELECT id FROM event WHERE tenant = $1 AND ", [tenant.into()]);
        statement.any(self.backend.dialect(), "id", Param::Texts(ids));
        let rows = self.backend.rows("ask which events are known", statement).await?;
        rows.iter().map(|row| row.text("id")).collect()
    }
}

/// A pattern of the holders of the same instance; of nobody where no instance is named.
fn of_instance(holder: &str) -> String {
    match holder.split_once('/') {
        Some((instance, _)) => format!("{instance}/%"),
        None => String::new(),
    }
}

/// Nobody else may commit from here on, and this process must be the one that may.
async fn hold(tx: &mut Tx, commit: &EventCommit) -> Result<()> {
    let statement = sql(
        "UPDATE correlator SET watermark = $4, timers = $5 WHERE tenant = $1 AND holder = $2 AND until > $3",
        [
            (&commit.tenant).into(),
            commit.holder.as_str().into(),
            commit.now.into(),
            nanoseconds(commit.watermark).into(),
            Param::Json(Some(clean::json("timers", &commit.timers)?)),
        ],
    );
    match tx.execute(statement).await? {
        1 => Ok(()),
        _ => Err(StoreError::Fenced),
    }
}

/// Which of these ids a table has.
async fn known(tx: &mut Tx, commit: &EventCommit, table: &str, ids: &[String]) -> Result<HashSet<String>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let (text, column) = match table {
        "inbox" => (
            "SELECT message_id AS id FROM inbox WHERE consumer = 'correlator' AND tenant = $1 AND ",
            "message_id",
        ),
        "event" => ("SELECT id FROM event WHERE tenant = $1 AND ", "id"),
        _ => ("SELECT id FROM detection WHERE tenant = $1 AND ", "id"),
    };
    let mut statement = sql(text, [(&commit.tenant).into()]);
    statement.any(tx.dialect(), column, Param::Texts(ids.to_vec()));
    tx.rows(statement).await?.iter().map(|row| row.text("id")).collect()
}

fn event_row(event: &NewEvent, late: bool) -> Vec<Param> {
    let told = |value: &Option<String>| Param::Text(value.as_deref().map(clean::key));
    vec![
        clean::key(&event.id).into(),
        nanoseconds(event.time).into(),
        clean::key(&event.source).into(),
        clean::key(&event.origin).into(),
        clean::key(&event.kind).into(),
        rank(event.severity).into(),
        line(&event.title).into(),
        clean::key(&event.asset).into(),
        told(&event.cluster),
        told(&event.node),
        told(&event.namespace),
        told(&event.workload),
        told(&event.pod),
        told(&event.container),
        told(&event.image),
        told(&event.principal),
        told(&event.exec),
        told(&event.parent_exec),
        late.into(),
        event.body.clone().into(),
    ]
}

async fn put_detections(tx: &mut Tx, commit: &EventCommit, detections: &[&NewDetection]) -> Result<()> {
    let mut rows = Vec::with_capacity(detections.len());
    let mut proofs = Vec::new();
    let mut hits: BTreeMap<&str, i64> = BTreeMap::new();
    for one in detections {
        let id = clean::key(&one.id);
        for (place, event) in one.events.iter().enumerate() {
            let place = i64::try_from(place).unwrap_or(i64::MAX);
            proofs.push(vec![clean::key(event).into(), id.as_str().into(), place.into()]);
        }
        if let Some(by) = one.suppressed_by.as_deref().and_then(|by| by.strip_prefix("suppression:")) {
            *hits.entry(by).or_default() += 1;
        }
        rows.push(vec![
            id.into(),
            clean::key(&one.rule).into(),
            clean::key(&one.plugin).into(),
            line(&one.title).into(),
            rank(one.severity).into(),
            clean::key(&one.asset).into(),
            clean::key(&one.key).into(),
            nanoseconds(one.first).into(),
            nanoseconds(one.last).into(),
            one.late.into(),
            Param::Json(Some(clean::json("techniques", &one.techniques)?)),
            Param::Json(Some(clean::json("evidence", &one.evidence)?)),
            Param::Json(Some(clean::json("a subject", &one.subject)?)),
            Param::Text(one.suppressed_by.as_deref().map(clean::key)),
        ]);
    }
    let tenant = Param::from(&commit.tenant);
    tx.insert(&DETECTIONS, &[tenant.clone(), commit.now.into()], rows).await?;
    tx.insert(&PROOFS, std::slice::from_ref(&tenant), proofs).await?;
    for (id, count) in hits {
        let statement = sql(
            "UPDATE suppression SET hits = hits + $3, last_hit = $4 WHERE tenant = $1 AND id = $2",
            [tenant.clone(), id.into(), count.into(), commit.now.into()],
        );
        tx.execute(statement).await?;
    }
    Ok(())
}

/// New events, repeated ones, problems, late ones and drops of each source.
#[derive(Default)]
struct Counts<'a>(BTreeMap<&'a str, [i64; 5]>);

impl<'a> Counts<'a> {
    fn add(&mut self, source: &'a str, place: usize, number: u64) {
        if let Some(known) = self.0.entry(source).or_default().get_mut(place) {
            *known = known.saturating_add(i64::try_from(number).unwrap_or(i64::MAX));
        }
    }
}

/// What came from each source and sensor.
async fn count(tx: &mut Tx, commit: &EventCommit, fresh: &[&NewEvent]) -> Result<()> {
    let mut counts = Counts::default();
    for event in fresh {
        counts.add(&event.source, 0, 1);
        counts.add(&event.source, 3, u64::from(commit.late.contains(&event.id)));
    }
    for (source, number) in &commit.repeated {
        counts.add(source, 1, *number);
    }
    for (source, (number, _)) in &commit.problems {
        counts.add(source, 2, *number);
    }
    for report in &commit.sensors {
        counts.add(&report.source, 4, report.drops);
    }
    for (source, [events, repeated, problems, late, drops]) in counts.0 {
        let problem = commit.problems.get(source).map(|(_, text)| line(text));
        let statement = sql(
            "UPDATE event_source SET events = events + $3, repeated = repeated + $4, problems = problems + $5,
                late = late + $6, drops = drops + $7, last_at = $8, last_problem = coalesce($9, last_problem)
             WHERE tenant = $1 AND name = $2",
            [
                (&commit.tenant).into(),
                clean::key(source).into(),
                events.into(),
                repeated.into(),
                problems.into(),
                late.into(),
                drops.into(),
                commit.now.into(),
                problem.into(),
            ],
        );
        tx.execute(statement).await?;
    }
    crate::sensors::put(tx, commit).await
}

/// A time that fits into a column; it ends in the year 2262.
pub(crate) fn nanoseconds(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// A line for people, cut.
pub(crate) fn line(text: &str) -> String {
    clean::text(text).chars().take(LINE_MAX).collect()
}
