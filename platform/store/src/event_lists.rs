//! Reading run-time events and detections: lists, details, the tree of processes, and what a process needs to go on.

use jiff::Timestamp;
use model::{Severity, TenantId};
use serde_json::Value;

use crate::connection::Backend;
use crate::counts::rank;
use crate::events::nanoseconds;
use crate::incident_members::Members;
use crate::incidents::severity;
use crate::page::{Page, PageRequest, Position};
use crate::row::Row;
use crate::sensors::SENSORS_MAX;
use crate::sql::{Param, Sql, sql};
use crate::{Result, Store, clean};

const EVENTS: &str = "runtime-events";
const DETECTIONS: &str = "detections";
/// Most events of a tree of processes.
const TREE_MAX: u32 = 2_000;

/// An event in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its id.
    pub id: String,
    /// When it happened, in nanoseconds since 1970 in UTC.
    pub time: u64,
    /// When it was judged.
    pub received_at: Timestamp,
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
    /// Canonical id of the asset it speaks of.
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
    /// Whether it came too late to be put in order.
    pub late: bool,
}

/// An event with its body.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// The row.
    pub row: EventRow,
    /// The normalised event.
    pub body: Value,
    /// Detections that it proves, at most 100.
    pub detections: Vec<String>,
}

/// An event as it goes to plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingEvent {
    /// Its id.
    pub id: String,
    /// When it happened.
    pub time: u64,
    /// The configured source.
    pub source: String,
    /// What kind of log or sensor said it.
    pub origin: String,
    /// Canonical id of the asset.
    pub asset: String,
    /// The normalised event, as JSON.
    pub body: Vec<u8>,
}

/// Which events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Of this configured source.
    pub source: Option<String>,
    /// Of this kind of log or sensor.
    pub origin: Option<String>,
    /// Of this sort.
    pub kind: Option<String>,
    /// At least this bad.
    pub severity_min: Option<Severity>,
    /// In this namespace.
    pub namespace: Option<String>,
    /// Of this workload, as `Kind/name`.
    pub workload: Option<String>,
    /// About this asset.
    pub asset: Option<String>,
    /// In this container, by the first 12 digits of its id.
    pub container: Option<String>,
    /// In a container of this image.
    pub image: Option<String>,
    /// By this principal.
    pub principal: Option<String>,
    /// Of this process.
    pub exec: Option<String>,
    /// Proof of a detection of this incident.
    pub incident: Option<String>,
    /// With these words in title or asset.
    pub text: Option<String>,
    /// At or after, in nanoseconds since 1970 in UTC.
    pub from: Option<u64>,
    /// Before.
    pub to: Option<u64>,
}

/// A detection in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectionRow {
    /// Its id.
    pub id: String,
    /// Plugin and rule.
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
    /// What was compared with what.
    pub evidence: Value,
    /// Whom and what its first event is about.
    pub subject: Value,
    /// What says that it need not be told.
    pub suppressed_by: Option<String>,
    /// When it was found.
    pub found_at: Timestamp,
}

/// Which detections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DetectionFilter {
    /// Of this rule.
    pub rule: Option<String>,
    /// At least this bad.
    pub severity_min: Option<Severity>,
    /// About this asset.
    pub asset: Option<String>,
    /// Of this key.
    pub key: Option<String>,
    /// One of these; any if nothing.
    pub ids: Option<Vec<String>>,
    /// Of this incident.
    pub incident: Option<String>,
    /// With this technique.
    pub technique: Option<String>,
    /// Those alone that are suppressed, or that are not.
    pub suppressed: Option<bool>,
    /// Those alone that came late, or that did not.
    pub late: Option<bool>,
    /// With these words in title or asset.
    pub text: Option<String>,
    /// Seen at or after, in nanoseconds since 1970 in UTC.
    pub from: Option<u64>,
    /// Seen before.
    pub to: Option<u64>,
}

/// How a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFigures {
    /// Plugin and rule.
    pub rule: String,
    /// Title of its newest detection.
    pub title: String,
    /// The worst of its detections.
    pub severity: Severity,
    /// Its detections.
    pub detections: u64,
    /// Those among them that were suppressed.
    pub suppressed: u64,
    /// When it last fired, in nanoseconds since 1970 in UTC.
    pub last: u64,
    /// Incidents with a disposition that it is a step of: how many were attacks.
    pub true_positives: u64,
    /// How many were meant to happen.
    pub benign: u64,
    /// How many did not happen as told.
    pub false_positives: u64,
}

impl RuleFigures {
    /// Share of attacks among what people have judged; nothing before they have judged anything.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        let judged = self.true_positives + self.benign + self.false_positives;
        #[allow(clippy::cast_precision_loss, reason = "counts of incidents are far below 2^52")]
        (judged > 0).then(|| self.true_positives as f64 / judged as f64)
    }
}

const EVENT_COLUMNS: &str =
    "id, time, received_at, source, origin, kind, severity, title, asset, cluster, node, namespace, workload,
    pod, container, image, principal, exec, parent_exec, late";
const DETECTION_COLUMNS: &str =
    "SELECT id, rule, plugin, title, severity, asset, key, first, last, late, techniques, evidence, subject,
    suppressed_by, found_at FROM detection ";

fn events_of(tenant: &TenantId) -> Sql {
    let mut statement = sql("SELECT ", []);
    statement.push(EVENT_COLUMNS).push(" FROM event WHERE tenant = ").bind(tenant);
    statement
}

impl Store {
    /// Events, the newest first.
    ///
    /// # Errors
    /// [`crate::StoreError::CursorInvalid`], [`crate::StoreError::TooLong`], [`crate::StoreError::Query`].
    pub async fn events(
        &self,
        tenant: &TenantId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<EventRow>> {
        let mut statement = events_of(tenant);
        let exact = [
            (" AND source = ", &filter.source),
            (" AND origin = ", &filter.origin),
            (" AND kind = ", &filter.kind),
            (" AND namespace = ", &filter.namespace),
            (" AND workload = ", &filter.workload),
            (" AND asset = ", &filter.asset),
            (" AND container = ", &filter.container),
            (" AND image = ", &filter.image),
            (" AND principal = ", &filter.principal),
            (" AND exec = ", &filter.exec),
        ];
        for (column, wanted) in exact {
            if let Some(wanted) = wanted {
                statement.push(column).bind(clean::key(wanted));
            }
        }
        if let Some(incident) = &filter.incident {
            let Some(members) = Members::of(&self.backend, tenant, incident).await? else {
                return Ok(Page::new(Vec::<EventRow>::new(), page, EVENTS, |one| {
                    Position::int(0, one.id.clone())
                }));
            };
            statement.push(" AND id IN (SELECT event FROM detection_event WHERE tenant = ").bind(tenant);
            statement.push(" AND detection IN (SELECT id FROM detection WHERE tenant = ").bind(tenant);
            members.narrow(&mut statement, self.backend.dialect());
            statement.push("))");
        }
        common(&mut statement, filter.severity_min, filter.text.as_deref())?;
        if let Some(from) = filter.from {
            statement.push(" AND time >= ").bind(nanoseconds(from));
        }
        if let Some(to) = filter.to {
            statement.push(" AND time < ").bind(nanoseconds(to));
        }
        if let Some(after) = page.after(EVENTS)? {
            let time = after.int_key()?;
            statement.push(" AND (time < ").bind(time).push(" OR (time = ").bind(time);
            statement.push(" AND id < ").bind(after.tiebreak.as_str()).push("))");
        }
        statement.push(" ORDER BY time DESC, id DESC LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list events", statement).await?;
        let items = rows.iter().map(event).collect::<Result<Vec<_>>>()?;
        Ok(Page::new(items, page, EVENTS, |one| Position::int(nanoseconds(one.time), one.id.clone())))
    }

    /// An event.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn event(&self, tenant: &TenantId, id: &str) -> Result<Option<StoredEvent>> {
        let id = clean::key(id);
        let mut statement = sql("SELECT body, ", []);
        statement.push(EVENT_COLUMNS).push(" FROM event WHERE tenant = ").bind(tenant);
        statement.push(" AND id = ").bind(id.as_str());
        let Some(row) = self.backend.row("read an event", statement).await? else { return Ok(None) };
        let body = serde_json::from_slice(&row.bytes("body")?);
        let body = body.map_err(|error| row.unreadable("body", error.to_string()))?;
        let statement = sql(
            "SELECT detection FROM detection_event WHERE tenant = $1 AND event = $2 ORDER BY detection LIMIT 100",
            [tenant.into(), id.into()],
        );
        let proves = self.backend.rows("list what an event proves", statement).await?;
        let detections = proves.iter().map(|row| row.text("detection")).collect::<Result<_>>()?;
        Ok(Some(StoredEvent { row: event(&row)?, body, detections }))
    }

    /// What processes of a container did within a time, the first first; at most 2,000 events, with their bodies.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn process_tree(
        &self,
        tenant: &TenantId,
        container: &str,
        from: u64,
        to: u64,
    ) -> Result<Vec<StoredEvent>> {
        let mut statement = sql("SELECT body, ", []);
        statement.push(EVENT_COLUMNS).push(" FROM event WHERE tenant = ").bind(tenant);
        statement.push(" AND container = ").bind(clean::key(container));
        statement.push(" AND time >= ").bind(nanoseconds(from)).push(" AND time < ").bind(nanoseconds(to));
        statement.push(" ORDER BY time, id LIMIT ").bind(i64::from(TREE_MAX));
        let rows = self.backend.rows("list the processes of a container", statement).await?;
        let read = |row: &Row| {
            let body = serde_json::from_slice(&row.bytes("body")?);
            let body = body.map_err(|error| row.unreadable("body", error.to_string()))?;
            Ok(StoredEvent { row: event(row)?, body, detections: Vec::new() })
        };
        rows.iter().map(read).collect()
    }

    /// Events after a time that were not late, in the order of their times: those that were stored and not judged in their order yet.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn events_after(
        &self,
        tenant: &TenantId,
        time: u64,
        after: Option<&(u64, String)>,
        limit: u32,
    ) -> Result<Vec<WaitingEvent>> {
        let mut statement = sql(
            "SELECT id, time, source, origin, asset, body FROM event WHERE tenant = $1 AND time > $2 AND late = $3",
            [tenant.into(), nanoseconds(time).into(), false.into()],
        );
        after_position(&mut statement, " AND (time > ", " OR (time = ", after);
        statement.push(" ORDER BY time, id LIMIT ").bind(i64::from(limit));
        let rows = self.backend.rows("list events that wait", statement).await?;
        let read = |row: &Row| {
            Ok(WaitingEvent {
                id: row.text("id")?,
                time: row.count("time")?,
                source: row.text("source")?,
                origin: row.text("origin")?,
                asset: row.text("asset")?,
                body: row.bytes("body")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Detections, the newest first.
    ///
    /// # Errors
    /// As [`Store::events`].
    pub async fn detections(
        &self,
        tenant: &TenantId,
        filter: &DetectionFilter,
        page: &PageRequest,
    ) -> Result<Page<DetectionRow>> {
        let mut statement = sql(DETECTION_COLUMNS, []);
        statement.push("WHERE tenant = ").bind(tenant);
        for (column, wanted) in
            [(" AND rule = ", &filter.rule), (" AND asset = ", &filter.asset), (" AND key = ", &filter.key)]
        {
            if let Some(wanted) = wanted {
                statement.push(column).bind(clean::key(wanted));
            }
        }
        if let Some(ids) = &filter.ids {
            let ids = ids.iter().map(|id| clean::key(id)).collect();
            statement.push(" AND ").any(self.backend.dialect(), "id", Param::Texts(ids));
        }
        if let Some(incident) = &filter.incident {
            let Some(members) = Members::of(&self.backend, tenant, incident).await? else {
                return Ok(Page::new(Vec::<DetectionRow>::new(), page, DETECTIONS, |one| {
                    Position::int(0, one.id.clone())
                }));
            };
            members.narrow(&mut statement, self.backend.dialect());
        }
        if let Some(technique) = &filter.technique {
            let quoted = format!("\"{}\"", clean::key(technique));
            let pattern = clean::contains_pattern(&quoted)?;
            statement.push(" AND lower(CAST(techniques AS TEXT)) LIKE ").bind(pattern).push(" ESCAPE '\\'");
        }
        match filter.suppressed {
            Some(true) => statement.push(" AND suppressed_by IS NOT NULL"),
            Some(false) => statement.push(" AND suppressed_by IS NULL"),
            None => &mut statement,
        };
        if let Some(late) = filter.late {
            statement.push(" AND late = ").bind(late);
        }
        common(&mut statement, filter.severity_min, filter.text.as_deref())?;
        if let Some(from) = filter.from {
            statement.push(" AND last >= ").bind(nanoseconds(from));
        }
        if let Some(to) = filter.to {
            statement.push(" AND first < ").bind(nanoseconds(to));
        }
        if let Some(after) = page.after(DETECTIONS)? {
            let first = after.int_key()?;
            statement.push(" AND (first < ").bind(first).push(" OR (first = ").bind(first);
            statement.push(" AND id < ").bind(after.tiebreak.as_str()).push("))");
        }
        statement.push(" ORDER BY first DESC, id DESC LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list detections", statement).await?;
        let items = rows.iter().map(detection).collect::<Result<Vec<_>>>()?;
        Ok(Page::new(items, page, DETECTIONS, |one| Position::int(nanoseconds(one.first), one.id.clone())))
    }

    /// A detection and the ids of the events that prove it.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn detection(
        &self,
        tenant: &TenantId,
        id: &str,
    ) -> Result<Option<(DetectionRow, Vec<String>)>> {
        let id = clean::key(id);
        let mut statement = sql(DETECTION_COLUMNS, []);
        statement.push("WHERE tenant = ").bind(tenant).push(" AND id = ").bind(id.as_str());
        let Some(row) = self.backend.row("read a detection", statement).await? else { return Ok(None) };
        let statement = sql(
            "SELECT event FROM detection_event WHERE tenant = $1 AND detection = $2 ORDER BY place LIMIT 1000",
            [tenant.into(), id.into()],
        );
        let proof = self.backend.rows("list what proves a detection", statement).await?;
        Ok(Some((detection(&row)?, proof.iter().map(|row| row.text("event")).collect::<Result<_>>()?)))
    }

    /// Detections since a time that nothing suppresses, in the order of their first events: of them incidents are made again.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn detections_since(
        &self,
        tenant: &TenantId,
        first: u64,
        after: Option<&(u64, String)>,
        limit: u32,
    ) -> Result<Vec<DetectionRow>> {
        let mut statement = sql(DETECTION_COLUMNS, []);
        statement.push("WHERE tenant = ").bind(tenant).push(" AND suppressed_by IS NULL");
        statement.push(" AND first >= ").bind(nanoseconds(first));
        after_position(&mut statement, " AND (first > ", " OR (first = ", after);
        statement.push(" ORDER BY first, id LIMIT ").bind(i64::from(limit));
        let rows = self.backend.rows("list the detections of a time", statement).await?;
        rows.iter().map(detection).collect()
    }

    /// Keys of incidents that are one.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn links(&self, tenant: &TenantId) -> Result<Vec<(String, String)>> {
        let statement = sql(
            "SELECT kept, merged FROM incident_link WHERE tenant = $1 ORDER BY kept, merged",
            [tenant.into()],
        );
        let rows = self.backend.rows("list what joins incidents", statement).await?;
        rows.iter().map(|row| Ok((row.text("kept")?, row.text("merged")?))).collect()
    }

    /// How rules did since a time, the most frequent first; at most 1,000. Dispositions are those of incidents that have the rule as a step.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn rule_figures(&self, tenant: &TenantId, since: u64) -> Result<Vec<RuleFigures>> {
        let statement = sql(
            "SELECT rule, max(title) AS title, max(severity) AS severity, count(*) AS detections, count(suppressed_by) AS suppressed,
                max(last) AS last
             FROM detection WHERE tenant = $1 AND last >= $2 GROUP BY rule ORDER BY count(*) DESC, rule LIMIT 1000",
            [tenant.into(), nanoseconds(since).into()],
        );
        let rows = self.backend.rows("count what rules found", statement).await?;
        let mut all = rows
            .iter()
            .map(|row| {
                Ok(RuleFigures {
                    rule: row.text("rule")?,
                    title: row.text("title")?,
                    severity: severity(row)?,
                    detections: row.count("detections")?,
                    suppressed: row.count("suppressed")?,
                    last: row.count("last")?,
                    true_positives: 0,
                    benign: 0,
                    false_positives: 0,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        for row in judged(&self.backend, tenant, since).await? {
            let (disposition, steps) = (row.text("disposition")?, row.json::<Value>("steps")?);
            let mut rules: Vec<&str> = steps
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|step| step.get("rule")?.as_str())
                .collect();
            rules.sort_unstable();
            rules.dedup();
            for rule in rules {
                if let Some(known) = all.iter_mut().find(|known| known.rule == rule) {
                    match disposition.as_str() {
                        "true-positive" => known.true_positives += 1,
                        "benign" => known.benign += 1,
                        _ => known.false_positives += 1,
                    }
                }
            }
        }
        Ok(all)
    }

    /// Detections of each technique since a time, suppressed ones left out.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`], [`crate::StoreError::Unreadable`].
    pub async fn technique_counts(
        &self,
        tenant: &TenantId,
        since: u64,
    ) -> Result<std::collections::BTreeMap<String, u64>> {
        let statement = sql(
            "SELECT techniques, count(*) AS number FROM detection
             WHERE tenant = $1 AND last >= $2 AND suppressed_by IS NULL GROUP BY techniques",
            [tenant.into(), nanoseconds(since).into()],
        );
        let mut all = std::collections::BTreeMap::new();
        for row in self.backend.rows("count detections by technique", statement).await? {
            let number = row.count("number")?;
            for technique in row.json::<Vec<String>>("techniques")? {
                *all.entry(technique).or_default() += number;
            }
        }
        Ok(all)
    }

    /// Deletes events before a time that no detection names, at most `limit`, and tells how many.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`].
    pub async fn forget_events(&self, tenant: &TenantId, before: u64, limit: u32) -> Result<u64> {
        let statement = sql(
            "DELETE FROM event WHERE tenant = $1 AND id IN (
                SELECT old.id FROM event old WHERE old.tenant = $1 AND old.time < $2
                    AND NOT EXISTS (SELECT 1 FROM detection_event proof WHERE proof.tenant = $1 AND proof.event = old.id)
                ORDER BY old.time LIMIT $3)",
            [tenant.into(), nanoseconds(before).into(), i64::from(limit).into()],
        );
        let mut tx = self.backend.begin("forget old events").await?;
        let forgotten = tx.execute(statement).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Forgets what joined incidents before a time, sensors that were not heard of since, and of the rest those that were heard of least lately
    /// beyond the 10,000 that are listed: whoever may send events chooses the names of sensors.
    ///
    /// # Errors
    /// [`crate::StoreError::Query`].
    pub async fn forget_leftovers(&self, tenant: &TenantId, before: Timestamp) -> Result<()> {
        let mut tx = self.backend.begin("forget old links and sensors").await?;
        for text in [
            "DELETE FROM incident_link WHERE tenant = $1 AND linked_at < $2",
            "DELETE FROM sensor WHERE tenant = $1 AND last_at < $2",
            "DELETE FROM event_gap WHERE tenant = $1 AND at < $2",
        ] {
            tx.execute(sql(text, [tenant.into(), before.into()])).await?;
        }
        let crowd = sql(
            "DELETE FROM sensor WHERE tenant = $1 AND last_at <= (SELECT last_at FROM sensor WHERE tenant = $1
                ORDER BY last_at DESC LIMIT 1 OFFSET $2)",
            [tenant.into(), SENSORS_MAX.into()],
        );
        tx.execute(crowd).await?;
        tx.commit().await
    }
}

/// Incidents that people have judged.
async fn judged(backend: &Backend, tenant: &TenantId, since: u64) -> Result<Vec<Row>> {
    let statement = sql(
        "SELECT disposition, steps FROM incident
         WHERE tenant = $1 AND last >= $2 AND disposition IS NOT NULL AND merged_into IS NULL ORDER BY last DESC LIMIT 10000",
        [tenant.into(), nanoseconds(since).into()],
    );
    backend.rows("list incidents that people have judged", statement).await
}

fn after_position(
    statement: &mut Sql,
    beyond: &'static str,
    at: &'static str,
    after: Option<&(u64, String)>,
) {
    if let Some((time, id)) = after {
        statement.push(beyond).bind(nanoseconds(*time)).push(at).bind(nanoseconds(*time));
        statement.push(" AND id > ").bind(id.as_str()).push("))");
    }
}

fn common(statement: &mut Sql, severity_min: Option<Severity>, text: Option<&str>) -> Result<()> {
    if let Some(severity) = severity_min {
        statement.push(" AND severity >= ").bind(rank(severity));
    }
    if let Some(text) = text {
        let pattern = clean::contains_pattern(text)?;
        statement.push(" AND (lower(title) LIKE ").bind(pattern.as_str()).push(" ESCAPE '\\'");
        statement.push(" OR lower(asset) LIKE ").bind(pattern).push(" ESCAPE '\\')");
    }
    Ok(())
}

fn event(row: &Row) -> Result<EventRow> {
    Ok(EventRow {
        id: row.text("id")?,
        time: row.count("time")?,
        received_at: row.time("received_at")?,
        source: row.text("source")?,
        origin: row.text("origin")?,
        kind: row.text("kind")?,
        severity: severity(row)?,
        title: row.text("title")?,
        asset: row.text("asset")?,
        cluster: row.text_or_null("cluster")?,
        node: row.text_or_null("node")?,
        namespace: row.text_or_null("namespace")?,
        workload: row.text_or_null("workload")?,
        pod: row.text_or_null("pod")?,
        container: row.text_or_null("container")?,
        image: row.text_or_null("image")?,
        principal: row.text_or_null("principal")?,
        exec: row.text_or_null("exec")?,
        parent_exec: row.text_or_null("parent_exec")?,
        late: row.bool("late")?,
    })
}

fn detection(row: &Row) -> Result<DetectionRow> {
    Ok(DetectionRow {
        id: row.text("id")?,
        rule: row.text("rule")?,
        plugin: row.text("plugin")?,
        title: row.text("title")?,
        severity: severity(row)?,
        asset: row.text("asset")?,
        key: row.text("key")?,
        first: row.count("first")?,
        last: row.count("last")?,
        late: row.bool("late")?,
        techniques: row.json("techniques")?,
        evidence: row.json("evidence")?,
        subject: row.json("subject")?,
        suppressed_by: row.text_or_null("suppressed_by")?,
        found_at: row.time("found_at")?,
    })
}
