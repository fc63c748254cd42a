//! What other rules, or another version of a plugin, would have said of events that are stored: before it says so of new ones.
//!
//! Both sides judge the same events in the order of their time, from an empty state, in the sandbox that production runs. Nothing is
//! stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ::correlate::{Caps, Incidents};
use anyhow::{Context as _, Result, ensure};
use api::dto::{BacktestDetection, BacktestDifference, BacktestRule, BacktestSide};
use engine::correlate::{CorrelatorPlugin, Correlators, EmptyState, Judged};
use host::kinds::Event;
use host::{Kind, Plugin};
use jiff::Timestamp;
use model::TenantId;
use store::Store;
use tokio::task::block_in_place;

/// Events that are read and judged at once.
const PAGE: u32 = 2_000;
/// Most events of a run: minutes on one core.
const EVENTS_MAX: u64 = 5_000_000;
/// Detections that are told one by one, on each side.
const TOLD_MAX: usize = 100;
/// Detections of one side that are compared.
const DETECTIONS_MAX: usize = 500_000;

/// What makes a detection the same on both sides: not its evidence, which another version of a plugin may word in another way.
type Same = (String, String, u64, Vec<String>);

struct Running {
    correlators: Correlators,
    found: BTreeMap<Same, Judged>,
    incidents: Incidents,
    gaps: u64,
    time: std::time::Duration,
}

impl Running {
    fn new(plugins: Vec<CorrelatorPlugin>, tenant: &TenantId) -> Self {
        Self {
            correlators: Correlators::new(plugins, tenant, Arc::new(EmptyState)),
            found: BTreeMap::new(),
            incidents: Incidents::new(Caps::default()),
            gaps: 0,
            time: std::time::Duration::ZERO,
        }
    }

    fn judge(&mut self, events: &[Event], watermark: u64) -> Result<()> {
        let begun = std::time::Instant::now();
        let came = self.correlators.run(events, watermark);
        self.time += begun.elapsed();
        self.gaps += came.gaps.len() as u64;
        for judged in came.detections {
            self.incidents.add(&crate::rules::detected(&judged));
            self.found.insert(same(&judged), judged);
        }
        for link in &came.links {
            self.incidents.link(&link.kept, &link.merged);
        }
        ensure!(
            self.found.len() <= DETECTIONS_MAX,
            "the rules found more than {DETECTIONS_MAX} times something; some rule fits nearly everything, or the time is too long"
        );
        Ok(())
    }

    fn side(&self) -> BacktestSide {
        BacktestSide {
            detections: self.found.len() as u64,
            incidents: self.incidents.all().len() as u64,
            gaps: self.gaps,
            seconds: self.time.as_secs_f64(),
        }
    }
}

fn same(judged: &Judged) -> Same {
    (name(judged), judged.key.clone(), judged.last, judged.events.clone())
}

/// The rule as people know it: that of Sigma or Falco behind a rule of the plugin.
fn name(judged: &Judged) -> String {
    let named = ["ruleName", "ruleId"].iter().find_map(|key| judged.evidence.get(key)?.as_str());
    named.map_or_else(|| judged.rule.clone(), |named| format!("{}: {named}", judged.rule))
}

/// How far a backtest is, for whoever watches it, and whether it is to go on.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Events that both sides have judged.
    pub(crate) events: AtomicU64,
    /// Set from outside: nobody wants it any more.
    pub(crate) called_off: AtomicBool,
}

/// Judges what is stored between two times by both sides. Nothing comes back where it was called off.
///
/// # Errors
/// The store's, and too many detections.
pub(crate) async fn run(
    store: &Store,
    tenant: &TenantId,
    (from, to): (Timestamp, Timestamp),
    before: Vec<CorrelatorPlugin>,
    after: Vec<CorrelatorPlugin>,
    pace: &Pace,
) -> Result<Option<BacktestDifference>> {
    let nanoseconds = |time: Timestamp| u64::try_from(time.as_nanosecond()).unwrap_or(0);
    let (from, to) = (nanoseconds(from), nanoseconds(to));
    let mut sides = [Running::new(before, tenant), Running::new(after, tenant)];
    let mut difference = BacktestDifference::default();
    let mut place: Option<(u64, String)> = None;
    loop {
        let page = store.events_after(tenant, from.saturating_sub(1), place.as_ref(), PAGE).await;
        let page = page.context("cannot read the events")?;
        let ended = page.last().is_none_or(|last| last.time >= to);
        place = page.last().map(|last| (last.time, last.id.clone()));
        let events: Vec<Event> = page
            .into_iter()
            .filter(|one| one.time < to)
            .map(|one| Event {
                id: one.id,
                time: one.time,
                source: one.origin,
                asset: one.asset,
                body: one.body,
            })
            .collect();
        difference.events += events.len() as u64;
        difference.cut = !ended && difference.events >= EVENTS_MAX;
        let last = ended || difference.cut;
        // Events of one time may go on in the next page, so that the watermark stays before them.
        let reached = events.last().map_or(0, |event| event.time.saturating_sub(1));
        let watermark = if last { u64::MAX } else { reached };
        block_in_place(|| sides.iter_mut().try_for_each(|side| side.judge(&events, watermark)))?;
        if last {
            break;
        }
        pace.events.store(difference.events, Ordering::Relaxed);
        if pace.called_off.load(Ordering::Relaxed) {
            return Ok(None);
        }
    }
    compare(&sides, &mut difference);
    Ok(Some(difference))
}

fn compare([before, after]: &[Running; 2], difference: &mut BacktestDifference) {
    (difference.before, difference.after) = (before.side(), after.side());
    let mut rules: BTreeMap<String, BacktestRule> = BTreeMap::new();
    for (rule, ..) in before.found.keys() {
        rules.entry(rule.clone()).or_default().before += 1;
    }
    for (rule, ..) in after.found.keys() {
        rules.entry(rule.clone()).or_default().after += 1;
    }
    for (key, judged) in before.found.iter().filter(|(key, _)| !after.found.contains_key(*key)) {
        rules.entry(key.0.clone()).or_default().removed += 1;
        note(&mut difference.removed, judged);
    }
    for (key, judged) in after.found.iter().filter(|(key, _)| !before.found.contains_key(*key)) {
        rules.entry(key.0.clone()).or_default().added += 1;
        note(&mut difference.added, judged);
    }
    rules.retain(|_, rule| rule.added + rule.removed > 0);
    difference.rules = rules;
}

fn note(told: &mut Vec<BacktestDetection>, judged: &Judged) {
    if told.len() < TOLD_MAX {
        told.push(BacktestDetection {
            rule: name(judged),
            title: judged.title.clone(),
            severity: judged.severity,
            asset: judged.asset.clone(),
            at: moment(judged.last),
            events: judged.events.clone(),
        });
    }
}

/// Puts a plugin in the place of the one of its id. It keeps the rights of that one: what it asks for beyond them is denied.
///
/// # Errors
/// When it judges no events.
pub(crate) fn replace(plugins: &mut Vec<CorrelatorPlugin>, plugin: Plugin) -> Result<()> {
    let manifest = plugin.manifest();
    ensure!(
        manifest.declares(Kind::Correlator),
        "{} {} is no correlator, so that it judges no events",
        manifest.id,
        manifest.version
    );
    match plugins.iter_mut().find(|known| known.plugin.manifest().id == manifest.id) {
        Some(known) => known.plugin = plugin,
        // What it remembers stays in this run, and nothing else is granted to it.
        None => {
            let rights = manifest.asked().settled(|_| &[]);
            plugins.push(CorrelatorPlugin { rights, plugin, config: Arc::from("{}") });
        }
    }
    Ok(())
}

fn moment(nanoseconds: u64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default()
}
