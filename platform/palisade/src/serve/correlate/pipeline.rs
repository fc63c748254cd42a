//! From events to detections to incidents: what one batch comes to, as one change of the store.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use correlate::{Caps, Detected, Incident, Incidents};
use engine::correlate::{Correlated, CorrelatorPlugin, Correlators, Judged, Timers};
use host::Services;
use host::kinds::Event;
use jiff::Timestamp;
use model::{Gap, TenantId};
use serde_json::json;
use store::{EventCommit, NewDetection, NewEvent, NewIncident, SensorReport};

use super::expected::{self, Expected};
use super::lanes::{Lane, Place, Places, lanes};
use super::noise::Noise;
use crate::rules::{Placement, detected};

/// How long detections are kept in mind to which others may belong; longer than an incident may be silent.
pub(super) const REMEMBERED: u64 = 7 * 24 * 3_600 * 1_000_000_000;
/// Name under which timers of the plugins that join detections are stored.
const JOINING: &str = "joining";

/// An event as it came.
pub(super) struct Arrived {
    /// The configured source.
    pub(super) from: Arc<str>,
    pub(super) event: Event,
}

/// What came with the events.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) messages: Vec<String>,
    pub(super) problems: BTreeMap<String, (u64, String)>,
    /// Events that were known already, by source.
    pub(super) repeated: BTreeMap<String, u64>,
    pub(super) sensors: Vec<SensorReport>,
}

/// Everything that is known between batches. Lost, it is made again from the store.
pub(super) struct Pipeline {
    tenant: TenantId,
    immediate: Correlators,
    joining: Correlators,
    lanes: [Lane; 2],
    incidents: Incidents,
    /// Detections that there are, by id, with the time of their last event.
    detections: HashMap<String, u64>,
    noise: Noise,
    expected: Expected,
    forgotten_at: u64,
}

impl Pipeline {
    /// A pipeline that goes on at these places.
    pub(super) fn new(
        plugins: Placement,
        tenant: &TenantId,
        services: &Arc<dyn Services>,
        places: &Places,
        near_seconds: u64,
    ) -> Self {
        let of = |plugins: Vec<CorrelatorPlugin>| Correlators::new(plugins, tenant, Arc::clone(services));
        let mut joining = of(plugins.joining);
        joining.set_timers(&places.get(JOINING).map_or_else(Timers::new, |place| place.timers.clone()));
        Self {
            tenant: tenant.clone(),
            immediate: of(plugins.immediate),
            joining,
            lanes: lanes(&plugins.ordered, tenant, services, places, near_seconds),
            incidents: Incidents::new(Caps::default()),
            detections: HashMap::new(),
            noise: Noise::default(),
            expected: Expected::default(),
            forgotten_at: 0,
        }
    }

    /// Takes in a detection of the store, at the start.
    pub(super) fn remember(&mut self, detected: &Detected) {
        if self.is_new(&detected.id, detected.time) && !is_quiet(&detected.rule) {
            self.incidents.add(detected);
        }
    }

    /// Takes in the word of a baseline about this alert, at the start.
    pub(super) fn remember_expected(&mut self, alert: &Event, read: &model::event::Event<'_>, word: &Judged) {
        self.expected.hear(alert, read);
        self.expected.learn(word);
    }

    /// Takes in a link of the store, at the start.
    pub(super) fn remember_link(&mut self, kept: &str, merged: &str) {
        self.incidents.link(kept, merged);
    }

    /// Takes in an event that was stored and not judged in its order yet, at the start.
    pub(super) fn wait_again(&mut self, from: &str, event: &Event, now: u64) {
        for lane in self.lanes.iter_mut().filter(|lane| lane.takes(&event.source)) {
            lane.push(from, event, now);
        }
    }

    /// The rules about noise that count from now on.
    pub(super) fn set_noise(&mut self, noise: Noise) {
        self.noise = noise;
    }

    /// How many events more may be brought.
    pub(super) fn room(&self) -> usize {
        self.lanes.iter().map(Lane::room).min().unwrap_or(0)
    }

    /// Judges events, none of which may be known already, and whatever time has made due.
    pub(super) fn judge(
        &mut self,
        mut arrived: Vec<Arrived>,
        beside: Beside,
        holder: &str,
        now: Timestamp,
    ) -> Outcome {
        let clock = u64::try_from(now.as_nanosecond()).unwrap_or(0);
        self.forget(clock);
        arrived.sort_by(|a, b| (a.event.time, &a.event.id).cmp(&(b.event.time, &b.event.id)));
        let mut late = BTreeSet::new();
        for Arrived { from, event } in &arrived {
            for lane in self.lanes.iter_mut().filter(|lane| lane.takes(&event.source)) {
                if !lane.push(from, event, clock) {
                    late.insert(event.id.clone());
                }
            }
        }
        let mut made = Made::default();
        let (mut rows, mut events) = (Vec::with_capacity(arrived.len()), Vec::with_capacity(arrived.len()));
        for Arrived { from, event } in arrived {
            let read: Option<model::event::Event<'_>> = serde_json::from_slice(&event.body).ok();
            if let Some((read, alert)) =
                read.as_ref().and_then(|read| Some((read, Judged::of_alert(&event, read)?)))
            {
                self.expected.hear(&event, read);
                made.detections.push(alert);
            }
            rows.push(row(&from, &event, read.as_ref()));
            events.push(event);
        }
        if !self.immediate.is_empty() && !events.is_empty() {
            // No promise that no earlier one will follow.
            made.take(self.immediate.judge(&events, 0));
        }
        for (row, event) in rows.iter_mut().zip(events) {
            row.body = event.body;
        }
        for lane in &mut self.lanes {
            made.take(lane.run(clock));
        }
        self.join(&mut made);
        let told = self.tell(&mut made);
        let places = self.places();
        let watermark = self.lanes.iter().map(|lane| lane.place().1.watermark).min().unwrap_or(0);
        let suppressed = made.told.iter().filter(|(_, by)| by.is_some()).count();
        let detections = stored_detections(made.told, &late);
        Outcome {
            changed: told.changed,
            suppressed,
            commit: EventCommit {
                tenant: self.tenant.clone(),
                holder: holder.to_owned(),
                messages: beside.messages,
                now,
                events: rows,
                late,
                problems: beside.problems,
                repeated: beside.repeated,
                sensors: beside.sensors,
                detections,
                links: made.links,
                incidents: told.incidents,
                merged: told.merged,
                state: made.state,
                timers: json!(places),
                watermark,
                gaps: made.gaps.into_iter().collect(),
            },
        }
    }

    /// Hands detections to those that join them. What these find is joined as well, but not handed on again.
    fn join(&mut self, made: &mut Made) {
        let mut fresh = Vec::new();
        for judged in std::mem::take(&mut made.detections) {
            if judged.rule == expected::RULE && !self.expected.learn(&judged) {
                continue;
            }
            if self.is_new(&judged.id, judged.last) {
                fresh.push((judged, None));
            }
        }
        for (judged, by) in &mut fresh {
            *by = self.noise.of(judged).or_else(|| self.expected.of(judged));
        }
        if !self.joining.is_empty() {
            let heard: Vec<&Judged> =
                fresh.iter().filter(|(_, by)| by.is_none()).map(|(judged, _)| judged).collect();
            // Time passes for what is joined as it does in the clusters: a cloud's log comes too late for anybody to wait for it.
            let watermark = self.lanes.first().map_or(0, |near| near.place().1.watermark);
            if !heard.is_empty() || self.joining.is_due(watermark) {
                let mut came = Made::default();
                came.take(self.joining.join(heard, watermark));
                made.links.extend(came.links);
                made.gaps.extend(came.gaps);
                for (plugin, changes) in came.state {
                    made.state.entry(plugin).or_default().extend(changes);
                }
                for judged in came.detections {
                    if self.is_new(&judged.id, judged.last) {
                        let by = self.noise.of(&judged);
                        fresh.push((judged, by));
                    }
                }
            }
        }
        made.told = fresh;
    }

    /// Whether a detection is made for the first time. One that is made again says nothing new.
    fn is_new(&mut self, id: &str, time: u64) -> bool {
        self.detections.insert(id.to_owned(), time).is_none()
    }

    /// Joins detections to incidents.
    fn tell(&mut self, made: &mut Made) -> Told {
        let (mut changed, mut merged) = (BTreeSet::new(), Vec::new());
        let mut note = |added: correlate::Added| {
            changed.extend(added.changed);
            merged.extend(added.merged);
        };
        for (judged, _) in made.told.iter().filter(|(judged, by)| by.is_none() && !is_quiet(&judged.rule)) {
            note(self.incidents.add(&detected(judged)));
        }
        for (kept, joined) in &made.links {
            note(self.incidents.link(kept, joined));
        }
        let changed = self.incidents.named(&changed);
        let incidents = changed.iter().map(stored).collect();
        Told { incidents, merged, changed }
    }

    fn places(&self) -> Places {
        let mut places: Places = self.lanes.iter().map(Lane::place).collect();
        let timers = self.joining.timers();
        if !timers.is_empty() {
            places.insert(JOINING.to_owned(), Place { watermark: 0, timers });
        }
        places
    }

    /// Forgets what is too old to matter, once an hour.
    fn forget(&mut self, clock: u64) {
        const HOUR: u64 = 3_600 * 1_000_000_000;
        if clock < self.forgotten_at.saturating_add(HOUR) {
            return;
        }
        self.forgotten_at = clock;
        let before = clock.saturating_sub(REMEMBERED);
        self.incidents.forget_before(before);
        self.detections.retain(|_, last| *last >= before);
        self.expected.forget(clock);
    }
}

/// Explains and is no event of its own: an incident of it would be about nothing.
fn is_quiet(rule: &str) -> bool {
    rule == expected::RULE
}

/// What came of a batch.
pub(super) struct Outcome {
    pub(super) commit: EventCommit,
    /// Incidents that are new or other than before.
    pub(super) changed: Vec<Incident>,
    pub(super) suppressed: usize,
}

struct Told {
    incidents: Vec<NewIncident>,
    merged: Vec<(String, String)>,
    changed: Vec<Incident>,
}

/// What plugins made of a batch.
#[derive(Default)]
struct Made {
    detections: Vec<Judged>,
    /// The new ones among them, with what suppresses them.
    told: Vec<(Judged, Option<String>)>,
    links: Vec<(String, String)>,
    gaps: BTreeSet<Gap>,
    state: BTreeMap<String, BTreeMap<String, Option<Vec<u8>>>>,
}

impl Made {
    fn take(&mut self, came: Correlated) {
        self.detections.extend(came.detections);
        self.links.extend(came.links.into_iter().map(|link| (link.kept, link.merged)));
        self.gaps.extend(came.gaps);
        for (plugin, changes) in came.state {
            self.state.entry(plugin).or_default().extend(changes);
        }
    }
}

/// Detections as rows.
fn stored_detections(told: Vec<(Judged, Option<String>)>, late: &BTreeSet<String>) -> Vec<NewDetection> {
    let one = |(judged, by): (Judged, Option<String>)| NewDetection {
        late: judged.events.iter().any(|event| late.contains(event)),
        id: judged.id,
        rule: judged.rule,
        plugin: judged.plugin.map_or_else(|| "sensor".to_owned(), |digest| digest.to_string()),
        title: judged.title,
        severity: judged.severity,
        asset: judged.asset,
        key: judged.key,
        first: judged.first,
        last: judged.last,
        techniques: judged.techniques,
        events: judged.events,
        evidence: judged.evidence,
        subject: judged.subject,
        suppressed_by: by,
    };
    told.into_iter().map(one).collect()
}

/// An incident as a row. Its title is that of its worst step, the first of those.
fn stored(incident: &Incident) -> NewIncident {
    let worst = incident.steps.iter().rev().max_by_key(|step| step.severity);
    let techniques: BTreeSet<&String> = incident.steps.iter().flat_map(|step| &step.techniques).collect();
    // Who said it: of sensors each source, of plugins each plugin.
    let says = |rule: &str| match rule.strip_prefix("sensor/") {
        Some(rest) => rest.split('/').next().unwrap_or_default().to_owned(),
        None => rule.split('/').next().unwrap_or_default().to_owned(),
    };
    let sources: HashSet<String> = incident.steps.iter().map(|step| says(&step.rule)).collect();
    NewIncident {
        id: incident.id.clone(),
        first: incident.first,
        last: incident.last,
        severity: incident.severity,
        title: worst.map(|step| step.title.clone()).unwrap_or_default(),
        assets: incident.assets.iter().cloned().collect(),
        techniques: techniques.into_iter().cloned().collect(),
        detections: incident.detections,
        left_out: incident.left_out,
        steps: json!(incident.steps),
        source_count: u32::try_from(sources.len()).unwrap_or(u32::MAX),
    }
}

/// An event as a row, still without its body: what people search by stands in columns.
fn row(from: &str, event: &Event, read: Option<&model::event::Event<'_>>) -> NewEvent {
    let pod = read.and_then(|read| read.pod.as_deref());
    let process = read.and_then(|read| read.process.as_deref());
    let container = read.and_then(|read| read.container.as_deref());
    let joined = |kind: &str| {
        let joins = read.map(|read| read.joins.as_slice()).unwrap_or_default();
        joins.iter().find_map(|join| join.strip_prefix(kind)).map(str::to_owned)
    };
    let namespace = pod.and_then(|pod| pod.namespace.as_deref());
    let namespace = namespace.or_else(|| read?.api.as_deref()?.namespace.as_deref());
    let told = |text: Option<&str>| text.map(str::to_owned);
    NewEvent {
        id: event.id.clone(),
        time: event.time,
        source: from.to_owned(),
        origin: event.source.clone(),
        kind: read.map_or("unknown", |read| read.kind.as_str()).to_owned(),
        severity: read.and_then(|read| read.severity).unwrap_or_default(),
        title: read.map(title).unwrap_or_default(),
        asset: event.asset.clone(),
        cluster: told(read.and_then(|read| read.cluster.as_deref())),
        node: told(read.and_then(|read| read.node.as_deref())),
        namespace: told(namespace),
        workload: pod.and_then(|pod| pod.workload.as_ref()).map(|own| format!("{}/{}", own.kind, own.name)),
        pod: told(pod.and_then(|pod| pod.uid.as_deref())),
        container: joined("container:"),
        image: told(container.and_then(|container| container.digest.as_deref())),
        principal: joined("principal:"),
        exec: told(process.and_then(|process| process.exec_id.as_deref())),
        parent_exec: told(process.and_then(|process| process.parent.as_deref()?.exec_id.as_deref())),
        body: Vec::new(),
    }
}

/// One line for people, also of events that have none.
fn title(event: &model::event::Event<'_>) -> String {
    if let Some(title) = event.title.as_deref() {
        return title.to_owned();
    }
    if let Some(process) = event.process.as_deref() {
        let arguments = process.arguments.as_deref().unwrap_or_default();
        return format!("{} {arguments}", process.binary.as_deref().unwrap_or("process")).trim().to_owned();
    }
    if let Some(api) = event.api.as_deref() {
        let joined = |parts: [Option<&str>; 2]| {
            parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
        };
        let what = [
            joined([api.verb.as_deref().or(api.operation.as_deref()), None]),
            joined([api.resource.as_deref(), api.subresource.as_deref()]),
            joined([api.namespace.as_deref(), api.name.as_deref()]),
        ];
        return what.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    }
    event.kind.as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    fn title(event: &Value) -> String {
        super::title(&serde_json::from_str(&event.to_string()).unwrap())
    }

    #[test]
    fn an_event_without_a_title_is_called_by_what_it_says() {
        let call =
            |api: Value| json!({ "source": "kubernetes-audit", "kind": "api.call", "api": api, "raw": null });
        let exec = json!({ "verb": "create", "resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web-1" });
        assert_eq!(title(&call(exec)), "create pods/exec shop/web-1");
        assert_eq!(title(&call(json!({ "verb": "list", "resource": "secrets" }))), "list secrets");
        assert_eq!(title(&call(json!({ "operation": "iam:CreateUser" }))), "iam:CreateUser");
        let exec = json!({ "source": "tetragon", "kind": "process.exec", "process": { "binary": "/bin/sh", "arguments": "-i" }, "raw": null });
        assert_eq!(title(&exec), "/bin/sh -i");
    }
}
