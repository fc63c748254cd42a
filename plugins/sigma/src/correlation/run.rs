//! One call's correlations: windows are read from the state when they are touched and written when the call ends.
//!
//! Everything goes by the time of events. A window that is over is closed before the first event behind it, whether its timer has come
//! or not, so that the answer does not depend on how events were cut into batches.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hasher as _};

use palisade_sdk::{HostError, Story, Timer, log, metrics, state};

use crate::correlation::rule::Correlation;
use crate::correlation::window::{Held, Step, Window};
use crate::set::{Listener, Set};
use crate::text::{cut, shown};

/// Most groups that one correlation tells apart at a time.
pub(crate) const GROUPS_MAX: u64 = 100_000;
/// Longest value by which a group is told apart, and longest key of a window, in bytes.
const VALUE_BYTES_MAX: usize = 256;
const KEY_BYTES_MAX: usize = 400;

/// A correlation that holds, in one group.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) correlation: usize,
    pub(crate) held: Held,
    pub(crate) group: Vec<String>,
    pub(crate) asset: String,
    pub(crate) incident: String,
    /// The event that made it hold is the one that is looked at now; it is not where a window was closed.
    pub(crate) now: bool,
}

/// The values that tell a group, and the one that is counted.
pub(crate) type Values = (Vec<String>, Option<String>);

/// Something that correlations may count: an event that a rule fits, or a correlation that holds.
pub(crate) struct Occurrence<'o> {
    pub(crate) time: u64,
    pub(crate) id: &'o str,
    pub(crate) asset: &'o str,
    pub(crate) incident: &'o str,
    pub(crate) now: bool,
}

struct Open {
    correlation: usize,
    /// Nothing once it is closed.
    window: Option<Window>,
    changed: bool,
}

/// Windows of one call.
pub(crate) struct Run<'s> {
    set: &'s Set,
    open: BTreeMap<String, Open>,
    /// When windows are over, as far as this call knows.
    pending: BTreeSet<(u64, String)>,
    groups: HashMap<usize, (u64, bool)>,
    /// What a bound kept from being counted, by correlation.
    refused: BTreeMap<usize, u64>,
    pub(crate) hits: Vec<Hit>,
}

impl<'s> Run<'s> {
    pub(crate) fn new(set: &'s Set, due: &[Timer]) -> Self {
        Self {
            set,
            open: BTreeMap::new(),
            pending: due.iter().map(|timer| (timer.time, timer.key.clone())).collect(),
            groups: HashMap::new(),
            refused: BTreeMap::new(),
            hits: Vec::new(),
        }
    }

    /// Closes every window that is over at this time.
    pub(crate) fn advance(&mut self, time: u64) -> Result<(), HostError> {
        while self.pending.first().is_some_and(|(end, _)| *end <= time) {
            let Some((end, key)) = self.pending.pop_first() else { break };
            self.close(&key, end)?;
        }
        Ok(())
    }

    /// Counts what happened in every correlation that listens. `values` gives the group's values and the counted one, as the listener
    /// finds them.
    pub(crate) fn count(
        &mut self,
        listeners: &[Listener],
        occurrence: &Occurrence<'_>,
        values: &dyn Fn(&Listener) -> Option<Values>,
    ) -> Result<(), HostError> {
        for listener in listeners {
            if let Some((group, counted)) = values(listener) {
                self.step(listener, occurrence, group, counted)?;
            }
        }
        Ok(())
    }

    fn step(
        &mut self,
        listener: &Listener,
        occurrence: &Occurrence<'_>,
        group: Vec<String>,
        counted: Option<String>,
    ) -> Result<(), HostError> {
        let set = self.set;
        let place = listener.correlation;
        let Some(correlation) = set.correlations.get(place).map(|known| &known.correlation) else {
            return Ok(());
        };
        let group: Vec<String> = group.iter().map(|value| cut(value, VALUE_BYTES_MAX).to_owned()).collect();
        let key = key(&correlation.tag, &group);
        self.load(&key, place)?;
        let over = self.window(&key).is_some_and(|window| window.deadline(correlation) <= occurrence.time);
        if over {
            self.close(&key, occurrence.time)?;
        }
        if self.window(&key).is_none() && !self.begin(&key, place, correlation, group, occurrence.time)? {
            return Ok(());
        }
        let Some(open) = self.open.get_mut(&key) else { return Ok(()) };
        let Some(window) = &mut open.window else { return Ok(()) };
        open.changed = true;
        window.asset = cut(occurrence.asset, 2_000).to_owned();
        window.incident = cut(occurrence.incident, 1_000).to_owned();
        let value = counted.map_or(0, |value| hash(&value));
        let step = Step { time: occurrence.time, id: occurrence.id, places: &listener.places, value };
        if let Some(held) = window.step(correlation, step) {
            let group = window.group.clone();
            self.hit(place, held, group, occurrence)?;
        }
        Ok(())
    }

    /// A correlation holds: it is told of, and may itself be what others count.
    fn hit(
        &mut self,
        place: usize,
        held: Held,
        group: Vec<String>,
        occurrence: &Occurrence<'_>,
    ) -> Result<(), HostError> {
        let set = self.set;
        let Some(known) = set.correlations.get(place) else { return Ok(()) };
        self.hits.push(Hit {
            correlation: place,
            held,
            group: group.clone(),
            asset: occurrence.asset.to_owned(),
            incident: occurrence.incident.to_owned(),
            now: occurrence.now,
        });
        self.count(&known.listeners, occurrence, &|listener| listener.of_group(&group))
    }

    fn close(&mut self, key: &str, at: u64) -> Result<(), HostError> {
        let set = self.set;
        let tag = key.split('/').nth(1).unwrap_or_default();
        let Some(place) = set.by_tag.get(tag).copied() else {
            // Of a correlation that is no more.
            return state::delete(key);
        };
        let Some(correlation) = set.correlations.get(place).map(|known| &known.correlation) else {
            return Ok(());
        };
        self.load(key, place)?;
        let Some(open) = self.open.get_mut(key) else { return Ok(()) };
        // A window that began anew has a timer of its own.
        if open.window.as_ref().is_none_or(|window| window.deadline(correlation) > at) {
            return Ok(());
        }
        let Some(window) = open.window.take() else { return Ok(()) };
        open.changed = true;
        self.less(place)?;
        if let Some(held) = window.close(correlation) {
            let time = window.deadline(correlation).saturating_sub(1);
            let id = held.ids.last().cloned().unwrap_or_default();
            let occurrence =
                Occurrence { time, id: &id, asset: &window.asset, incident: &window.incident, now: false };
            self.hit(place, held, window.group.clone(), &occurrence)?;
        }
        Ok(())
    }

    /// Makes room for a group; false where there is none.
    fn begin(
        &mut self,
        key: &str,
        place: usize,
        correlation: &Correlation,
        group: Vec<String>,
        time: u64,
    ) -> Result<bool, HostError> {
        let groups = self.groups_of(place)?;
        if groups.0 >= GROUPS_MAX {
            *self.refused.entry(place).or_default() += 1;
            return Ok(false);
        }
        *groups = (groups.0 + 1, true);
        let window = Window::new(correlation, group, time);
        if correlation.closes() {
            self.pending.insert((window.deadline(correlation), key.to_owned()));
        }
        self.open.insert(key.to_owned(), Open { correlation: place, window: Some(window), changed: true });
        Ok(true)
    }

    fn window(&self, key: &str) -> Option<&Window> {
        self.open.get(key).and_then(|open| open.window.as_ref())
    }

    fn load(&mut self, key: &str, place: usize) -> Result<(), HostError> {
        if self.open.contains_key(key) {
            return Ok(());
        }
        let bytes = state::get(key)?;
        let correlation = self.set.correlations.get(place).map(|known| &known.correlation);
        let window = match (&bytes, correlation) {
            (Some(bytes), Some(correlation)) => Window::read(bytes, correlation),
            _ => None,
        };
        if bytes.is_some() && window.is_none() {
            log::warn(&format!("the state under {:?} is not readable; the group begins anew", shown(key)));
            self.less(place)?;
        }
        if let (Some(window), Some(correlation)) = (&window, correlation)
            && correlation.closes()
        {
            self.pending.insert((window.deadline(correlation), key.to_owned()));
        }
        self.open.insert(key.to_owned(), Open { correlation: place, window, changed: false });
        Ok(())
    }

    fn groups_of(&mut self, place: usize) -> Result<&mut (u64, bool), HostError> {
        if !self.groups.contains_key(&place) {
            let bytes = state::get(&self.groups_key(place))?.unwrap_or_default();
            let count = bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            self.groups.insert(place, (count, false));
        }
        Ok(self.groups.entry(place).or_default())
    }

    fn groups_key(&self, place: usize) -> String {
        let tag = self.set.correlations.get(place).map(|known| known.correlation.tag.as_str());
        format!("n/{}", tag.unwrap_or_default())
    }

    fn less(&mut self, place: usize) -> Result<(), HostError> {
        let groups = self.groups_of(place)?;
        *groups = (groups.0.saturating_sub(1), true);
        Ok(())
    }

    /// Writes what changed and sets its timers. Gives what was not counted, for those who have to know.
    pub(crate) fn finish(mut self, story: &mut Story) -> Result<Vec<String>, HostError> {
        let mut told = Vec::new();
        let set = self.set;
        let mut lost: BTreeMap<usize, u64> = BTreeMap::new();
        for (key, open) in std::mem::take(&mut self.open) {
            if !open.changed {
                continue;
            }
            let known = set.correlations.get(open.correlation);
            let (Some(window), Some(known)) = (&open.window, known) else {
                state::delete(&key)?;
                continue;
            };
            match state::set(&key, &window.write()) {
                Ok(()) => story.timer(&key, window.deadline(&known.correlation)),
                Err(HostError::Limit(_)) => {
                    state::delete(&key)?;
                    self.less(open.correlation)?;
                    *lost.entry(open.correlation).or_default() += 1;
                }
                Err(other) => return Err(other),
            }
        }
        let named = |place: &usize| {
            let known = set.correlations.get(*place);
            shown(known.map(|known| known.correlation.about.name.as_str()).unwrap_or_default())
        };
        for (place, count) in &self.refused {
            metrics::add("groups-refused", *count);
            told.push(format!(
                "the correlation {:?} has {GROUPS_MAX} groups already: {count} occurrences of new groups were not counted",
                named(place)
            ));
        }
        for (place, count) in &lost {
            told.push(format!(
                "the correlation {:?} forgot {count} groups, because the granted state is full",
                named(place)
            ));
        }
        for (place, (count, changed)) in std::mem::take(&mut self.groups) {
            if changed {
                match state::set(&self.groups_key(place), &count.to_le_bytes()) {
                    // Too many are forgotten rather than too few.
                    Ok(()) | Err(HostError::Limit(_)) => {}
                    Err(other) => return Err(other),
                }
            }
        }
        Ok(told)
    }
}

/// The key of a group's window. Long values are told apart by their hash.
fn key(tag: &str, group: &[String]) -> String {
    let mut key = format!("w/{tag}");
    for value in group {
        key.push('/');
        for character in value.chars() {
            match character {
                '/' => key.push_str("~1"),
                '~' => key.push_str("~0"),
                other => key.push(other),
            }
        }
    }
    if key.len() > KEY_BYTES_MAX {
        let whole = (hash(&key), hash(&("again", &key)));
        key = format!("{}…{:016x}{:016x}", cut(&key, KEY_BYTES_MAX - 80), whole.0, whole.1);
    }
    key
}

/// SipHash with a fixed key: the same on every machine and in every call.
fn hash(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
