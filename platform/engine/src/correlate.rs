//! Events through correlators: batch by batch in the order of their time, with state that is kept together with the answer.
//!
//! What a batch leaves behind is one [`Correlated`]: detections, links, and the changes of every plugin's state. Whoever commits it
//! commits all of it or nothing; until then the next batch sees the changes all the same. A batch that a plugin fails on is halved
//! until the event is found that it fails on; that event is a gap, and the others count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use host::kinds::{Correlation, Event, IncidentLink, Timer};
use host::services::Caller;
use host::{
    Answer, CallContext, Fault, Grant, Input, Kind, Plugin, Refusal, Rights, Services, Session, StateChanges,
};
use model::{Gap, GapCode, TenantId};

pub use crate::detected::{DETECTIONS, Judged, incident_key};
use crate::layered::Layered;

/// Events of a call.
const BATCH_EVENTS: usize = 512;
/// Bytes of the bodies of a call; a single larger event is a call by itself.
const BATCH_BYTES: usize = 1024 * 1024;
/// How often timers are called at one watermark.
const TIMER_ROUNDS_MAX: usize = 100;
/// What a correlator consumes that wants the events of every source.
const EVERY_SOURCE: &str = "runtime.events";

/// A plugin of kind `correlator`, and what is granted to it.
#[derive(Clone)]
pub struct CorrelatorPlugin {
    /// The component.
    pub plugin: Plugin,
    /// Its rights.
    pub rights: Rights,
    /// The operator's configuration, a JSON object.
    pub config: Arc<str>,
}

/// What came of a batch.
#[derive(Debug, Default)]
pub struct Correlated {
    /// Judged events, in the order of their last events.
    pub detections: Vec<Judged>,
    /// Keys that are one.
    pub links: Vec<IncidentLink>,
    /// Events that a plugin could not judge.
    pub gaps: BTreeSet<Gap>,
    /// State of each plugin that changed, by its id.
    pub state: BTreeMap<String, StateChanges>,
}

/// When each timer is due, by its key, by plugin.
pub type Timers = BTreeMap<String, BTreeMap<String, u64>>;

struct Lane {
    correlator: CorrelatorPlugin,
    tenant: TenantId,
    session: Session,
    /// When each timer is due.
    timers: BTreeMap<String, u64>,
    /// Whether it joins what others detected.
    joins: bool,
    state: Arc<Layered>,
}

/// Correlators that stay between batches.
pub struct Correlators {
    lanes: Vec<Lane>,
    state: Arc<Layered>,
}

impl Correlators {
    /// Correlators for one tenant. `services` holds their state as it was last committed, and whatever else is granted.
    #[must_use]
    pub fn new(plugins: Vec<CorrelatorPlugin>, tenant: &TenantId, services: Arc<dyn Services>) -> Self {
        let state = Arc::new(Layered::new(services));
        let lane = |correlator: CorrelatorPlugin| {
            let grant = Grant {
                tenant: tenant.clone(),
                digest: correlator.plugin.digest().clone(),
                rights: correlator.rights.clone(),
            };
            let context = CallContext {
                grant: Some(Arc::new(grant)),
                services: Arc::clone(&state) as Arc<dyn Services>,
                ..CallContext::new(tenant.clone(), Arc::clone(&correlator.config))
            };
            let consumed = correlator.plugin.manifest().consumes(Kind::Correlator);
            Lane {
                tenant: tenant.clone(),
                session: Session::new(&correlator.plugin, &context),
                timers: BTreeMap::new(),
                joins: consumed.iter().any(|source| source == DETECTIONS),
                state: Arc::clone(&state),
                correlator,
            }
        };
        Self { lanes: plugins.into_iter().map(lane).collect(), state }
    }

    /// The timers that are set, by plugin: with its state they are what a later process has to know to go on.
    #[must_use]
    pub fn timers(&self) -> Timers {
        let of = |lane: &Lane| (lane.correlator.plugin.manifest().id.clone(), lane.timers.clone());
        self.lanes.iter().map(of).filter(|(_, timers)| !timers.is_empty()).collect()
    }

    /// Sets the timers that an earlier process left behind; those of plugins that are gone are forgotten.
    pub fn set_timers(&mut self, timers: &Timers) {
        for lane in &mut self.lanes {
            let known = timers.get(&lane.correlator.plugin.manifest().id);
            lane.timers = known.cloned().unwrap_or_default();
        }
    }

    /// Whether some timer is due.
    #[must_use]
    pub fn is_due(&self, watermark: u64) -> bool {
        self.lanes.iter().flat_map(|lane| lane.timers.values()).any(|time| *time <= watermark)
    }

    /// Whether there is no correlator.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Hands events, which must be in the order of their time and after all that came before, to every correlator that consumes
    /// their source. Detections of the first become events for those that join them.
    pub fn run(&mut self, events: &[Event], watermark: u64) -> Correlated {
        let mut all = self.judge(events, watermark);
        let joined = self.join(&all.detections, watermark);
        all.detections.extend(joined.detections);
        all.links.extend(joined.links);
        all.gaps.extend(joined.gaps);
        for (plugin, changes) in joined.state {
            all.state.entry(plugin).or_default().extend(changes);
        }
        sort(&mut all.detections);
        all
    }

    /// The first half of [`Correlators::run`]: without those that join detections.
    pub fn judge(&mut self, events: &[Event], watermark: u64) -> Correlated {
        self.hand(events, watermark, false)
    }

    /// The second half: detections as events, for those that join them.
    pub fn join<'a>(
        &mut self,
        detections: impl IntoIterator<Item = &'a Judged>,
        watermark: u64,
    ) -> Correlated {
        let mut found: Vec<Event> = detections.into_iter().map(Judged::event).collect();
        found.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        self.hand(&found, watermark, true)
    }

    fn hand(&mut self, events: &[Event], watermark: u64, joins: bool) -> Correlated {
        let mut all = Correlated::default();
        for lane in self.lanes.iter_mut().filter(|lane| lane.joins == joins) {
            lane.run(events, watermark, &mut all);
        }
        sort(&mut all.detections);
        all.state = self.state.take();
        all
    }
}

fn sort(detections: &mut Vec<Judged>) {
    detections.sort_by(|a, b| (a.last, &a.id).cmp(&(b.last, &b.id)));
    detections.dedup_by(|a, b| a.id == b.id);
}

impl Lane {
    fn run(&mut self, events: &[Event], watermark: u64, all: &mut Correlated) {
        let consumed = self.correlator.plugin.manifest().consumes(Kind::Correlator);
        let every = consumed.is_empty() || consumed.iter().any(|source| source == EVERY_SOURCE);
        let wanted: Vec<&Event> =
            events.iter().filter(|event| every || consumed.contains(&event.source)).collect();
        let batches = batches(&wanted);
        let last = batches.len().saturating_sub(1);
        for (number, batch) in batches.iter().enumerate() {
            let reached = if number < last { before(batch, watermark) } else { watermark };
            self.call(batch, reached, all);
        }
        // A timer may set another one that the watermark has passed as well.
        for _ in 0..TIMER_ROUNDS_MAX {
            if !self.timers.values().any(|time| *time <= watermark) {
                return;
            }
            self.call(&[], watermark, all);
        }
        let id = &self.correlator.plugin.manifest().id;
        let reason = format!("{id} sets its timers again and again; they wait for the next events");
        all.gaps.insert(Gap { code: GapCode::PluginFault, subject: id.clone(), reason });
    }

    fn call(&mut self, batch: &[&Event], watermark: u64, all: &mut Correlated) {
        let due: Vec<Timer> = self
            .timers
            .iter()
            .filter(|(_, time)| **time <= watermark)
            .map(|(key, time)| Timer { key: key.clone(), time: *time })
            .collect();
        match self.ask(batch, &due, watermark) {
            Ok(answer) => {
                for timer in &due {
                    self.timers.remove(&timer.key);
                }
                self.timers.extend(answer.timers.iter().map(|timer| (timer.key.clone(), timer.time)));
                self.keep(answer, batch, watermark, all);
            }
            Err(fault) => self.halve(batch, &due, watermark, &fault, all),
        }
    }

    /// What a plugin fails on is found, so that one event costs only itself, and timers no event.
    fn halve(
        &mut self,
        batch: &[&Event],
        due: &[Timer],
        watermark: u64,
        fault: &Fault,
        all: &mut Correlated,
    ) {
        if let [_, _, ..] = batch {
            let (first, second) = batch.split_at(batch.len() / 2);
            self.call(first, before(first, watermark), all);
            self.call(second, watermark, all);
            return;
        }
        if !batch.is_empty() && !due.is_empty() {
            self.call(&[], watermark, all);
            self.call(batch, watermark, all);
            return;
        }
        for timer in due {
            self.timers.remove(&timer.key);
        }
        let id = &self.correlator.plugin.manifest().id;
        let subject = batch.first().map_or_else(|| id.clone(), |event| event.id.clone());
        let reason = format!("{id} could not judge it: {} ({})", fault.message, fault.kind.as_str());
        all.gaps.insert(Gap { code: GapCode::PluginFault, subject, reason });
    }

    fn ask(&self, batch: &[&Event], due: &[Timer], watermark: u64) -> Result<Correlation, Fault> {
        let events = batch.iter().map(|event| (*event).clone()).collect();
        // The guest's clock is the events', so that a repetition sees the same.
        let now = batch.last().map_or(watermark, |event| event.time);
        let outcome = self.session.call(now, Input::Correlator { events, due: due.to_vec(), watermark });
        let answer = match outcome.result? {
            Answer::Correlator(answer) => answer,
            other => return Err(other.unexpected()),
        };
        self.state.add(&self.caller(), outcome.state);
        Ok(answer)
    }

    fn caller(&self) -> Caller {
        Caller {
            tenant: self.tenant.clone(),
            plugin: self.correlator.plugin.manifest().id.clone(),
            digest: self.correlator.plugin.digest().clone(),
            deadline: Instant::now(),
        }
    }

    fn keep(&self, answer: Correlation, batch: &[&Event], watermark: u64, all: &mut Correlated) {
        let id = &self.correlator.plugin.manifest().id;
        for problem in answer.problems {
            let subject = batch.get(problem.item).map_or_else(|| id.clone(), |event| event.id.clone());
            all.gaps.insert(Gap { code: GapCode::ParseError, subject, reason: problem.message });
        }
        let digest = self.correlator.plugin.digest();
        all.detections.extend(answer.detections.into_iter().map(|detection| {
            let proof: Vec<&Event> =
                detection.items.iter().filter_map(|item| batch.get(*item).copied()).collect();
            Judged::of_plugin(id, digest, detection, &proof, watermark)
        }));
        all.links.extend(answer.links);
    }
}

/// The watermark while events at the time of the last of these may follow.
fn before(batch: &[&Event], watermark: u64) -> u64 {
    // Detections of single events come before the watermark has reached them.
    batch.last().map_or(watermark, |event| event.time.saturating_sub(1).min(watermark))
}

fn batches<'a, 'b>(events: &'b [&'a Event]) -> Vec<&'b [&'a Event]> {
    let mut all = Vec::new();
    let (mut rest, mut count, mut bytes) = (events, 0, 0);
    while let Some(event) = rest.get(count) {
        bytes += event.body.len();
        if count > 0 && (count == BATCH_EVENTS || bytes > BATCH_BYTES) {
            let (batch, after) = rest.split_at(count);
            all.push(batch);
            (rest, count, bytes) = (after, 0, 0);
        } else {
            count += 1;
        }
    }
    if !rest.is_empty() {
        all.push(rest);
    }
    all
}

/// Serves a state that begins empty, and nothing else: for events of files, which nothing came before.
#[derive(Debug, Default)]
pub struct EmptyState;

impl Services for EmptyState {
    fn state_get(&self, _: &Caller, _: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(None)
    }

    fn state_keys(&self, _: &Caller, _: &str, _: Option<&str>, _: usize) -> Result<Vec<String>, Refusal> {
        Ok(Vec::new())
    }

    fn state_bytes(&self, _: &Caller) -> Result<u64, Refusal> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, before};

    #[test]
    fn a_batch_reaches_no_further_than_the_watermark() {
        let at = |time| Event {
            id: String::new(),
            time,
            source: String::new(),
            asset: String::new(),
            body: Vec::new(),
        };
        let (one, other) = (at(5), at(50));
        assert_eq!((before(&[&one], 10), before(&[&one, &other], 10), before(&[], 10)), (4, 10, 10));
    }
}
