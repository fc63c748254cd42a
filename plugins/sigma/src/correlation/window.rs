//! What a correlation remembers of one group.
//!
//! A window that reaches back from now needs no more than the last occurrences that could make it full: `n` events lie within a time span
//! when the n-th last one does; `n` different values when the n-th last seen one does. So a step costs the same however many events
//! a window holds, and what is kept is bounded by what the condition asks for.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::condition::Expr;
use crate::correlation::codec::{Input, Output};
use crate::correlation::rule::{Correlation, Kind};
use crate::text::cut;

/// Most events or values that are remembered one by one.
pub(crate) const EXACT_MAX: u64 = 4_096;
/// Ids of events that are kept as evidence, and their longest, in bytes.
const IDS_MAX: usize = 8;
const ID_BYTES_MAX: usize = 200;
/// Version of the written form.
const VERSION: u64 = 1;

/// What is remembered of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    /// When the first occurrence came, of those that count.
    pub(crate) opened: u64,
    /// When the last one came.
    pub(crate) last: u64,
    /// When it was last told of.
    told: Option<u64>,
    /// Ids of the last events.
    ids: VecDeque<String>,
    /// Values by which the group is told apart.
    pub(crate) group: Vec<String>,
    /// Of the last event.
    pub(crate) asset: String,
    pub(crate) incident: String,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    /// Times of the last occurrences, and how many were passed over since the last that is kept.
    Times { times: VecDeque<u64>, passed: u64 },
    /// When each of the last values was last seen.
    Recent { by_time: BTreeSet<(u64, u64)>, by_value: HashMap<u64, u64> },
    /// How many there were.
    Count(u64),
    /// Different values: those whose hash is under a bound that halves when there are too many.
    Sample { halvings: u32, values: BTreeSet<u64> },
    /// When each rule was last seen, and in which event.
    Seen(Vec<Option<(u64, String)>>),
    /// For each step: when the latest chain that got so far began, and its events.
    Chain(Vec<Option<(u64, Vec<String>)>>),
}

/// Something that a correlation counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<'s> {
    pub(crate) time: u64,
    pub(crate) id: &'s str,
    /// Places among the correlation's rules.
    pub(crate) places: &'s [usize],
    /// Hash of the value that is counted.
    pub(crate) value: u64,
}

/// A correlation that holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    pub(crate) count: u64,
    /// The count is an estimate, or rounded down.
    pub(crate) estimate: bool,
    pub(crate) ids: Vec<String>,
}

impl Window {
    pub(crate) fn new(correlation: &Correlation, group: Vec<String>, time: u64) -> Self {
        let rules = correlation.rules.len();
        let body = match correlation.kind {
            Kind::EventCount if correlation.closes() => Body::Count(0),
            Kind::ValueCount if correlation.closes() => Body::Sample { halvings: 0, values: BTreeSet::new() },
            Kind::EventCount => Body::Times { times: VecDeque::new(), passed: 0 },
            Kind::ValueCount => Body::Recent { by_time: BTreeSet::new(), by_value: HashMap::new() },
            Kind::Temporal => Body::Seen(vec![None; rules]),
            Kind::TemporalOrdered => Body::Chain(vec![None; rules]),
        };
        let (asset, incident) = (String::new(), String::new());
        Self { opened: time, last: time, told: None, ids: VecDeque::new(), group, asset, incident, body }
    }

    /// The first moment at which nothing of it counts any more, or at which it is judged.
    pub(crate) fn deadline(&self, correlation: &Correlation) -> u64 {
        let from = if correlation.closes() { self.opened } else { self.last };
        from.saturating_add(correlation.timespan).saturating_add(1)
    }

    /// Counts one step. A correlation that closes never holds here.
    pub(crate) fn step(&mut self, correlation: &Correlation, step: Step<'_>) -> Option<Held> {
        self.last = self.last.max(step.time);
        let from = step.time.saturating_sub(correlation.timespan);
        let least = correlation.bounds.least;
        let held = match &mut self.body {
            Body::Times { times, passed } => enough(times, passed, least, step.time, from),
            Body::Recent { by_time, by_value } => distinct(by_time, by_value, least, step, from),
            Body::Count(count) => {
                *count = count.saturating_add(1);
                None
            }
            Body::Sample { halvings, values } => {
                sample(halvings, values, step.value);
                None
            }
            Body::Seen(seen) => temporal(seen, correlation, step, from),
            Body::Chain(chain) => ordered(chain, step, from),
        };
        self.ids.push_back(cut(step.id, ID_BYTES_MAX).to_owned());
        if self.ids.len() > IDS_MAX {
            self.ids.pop_front();
        }
        let held = held?;
        if self.told.is_some_and(|told| told.saturating_add(correlation.timespan) >= step.time) {
            return None;
        }
        self.told = Some(step.time);
        Some(if held.ids.is_empty() {
            Held { ids: self.ids.iter().cloned().collect(), ..held }
        } else {
            held
        })
    }

    /// Judges a window that is over.
    pub(crate) fn close(&self, correlation: &Correlation) -> Option<Held> {
        let (count, estimate) = match &self.body {
            Body::Count(count) => (*count, false),
            Body::Sample { halvings, values } => {
                ((values.len() as u64) << (*halvings).min(48), *halvings > 0)
            }
            _ => return None,
        };
        let ids = self.ids.iter().cloned().collect();
        correlation.bounds.hold(count).then_some(Held { count, estimate, ids })
    }
}

/// Every `stride`-th event is remembered; with fewer than [`EXACT_MAX`] wanted that is every one.
fn enough(times: &mut VecDeque<u64>, passed: &mut u64, least: u64, now: u64, from: u64) -> Option<Held> {
    let stride = least.div_ceil(EXACT_MAX).max(1);
    let wanted = least.div_ceil(stride);
    *passed += 1;
    if *passed < stride {
        return None;
    }
    *passed = 0;
    times.push_back(now);
    while times.len() as u64 > wanted || times.front().is_some_and(|first| *first < from) {
        times.pop_front();
    }
    let count = wanted.saturating_mul(stride);
    (times.len() as u64 >= wanted).then_some(Held { count, estimate: stride > 1, ids: Vec::new() })
}

fn distinct(
    by_time: &mut BTreeSet<(u64, u64)>,
    by_value: &mut HashMap<u64, u64>,
    least: u64,
    step: Step<'_>,
    from: u64,
) -> Option<Held> {
    // Of more values than can be remembered a fixed share is: those with small hashes.
    let (wanted, bound) = if least <= EXACT_MAX {
        (least, u64::MAX)
    } else {
        let share = u128::from(u64::MAX) * u128::from(EXACT_MAX) / u128::from(least);
        (EXACT_MAX, u64::try_from(share).unwrap_or(u64::MAX))
    };
    if step.value > bound {
        return None;
    }
    if let Some(before) = by_value.insert(step.value, step.time) {
        by_time.remove(&(before, step.value));
    }
    by_time.insert((step.time, step.value));
    while let Some(&(time, value)) = by_time.first() {
        if by_time.len() as u64 <= wanted && time >= from {
            break;
        }
        by_time.remove(&(time, value));
        by_value.remove(&value);
    }
    let estimate = least > EXACT_MAX;
    (by_time.len() as u64 >= wanted).then_some(Held { count: least, estimate, ids: Vec::new() })
}

fn sample(halvings: &mut u32, values: &mut BTreeSet<u64>, value: u64) {
    let bound = |halvings: u32| u64::MAX.checked_shr(halvings).unwrap_or(0);
    if value > bound(*halvings) {
        return;
    }
    values.insert(value);
    while values.len() as u64 > EXACT_MAX && *halvings < 48 {
        *halvings += 1;
        values.split_off(&bound(*halvings).saturating_add(1));
    }
}

fn temporal(
    seen: &mut [Option<(u64, String)>],
    correlation: &Correlation,
    step: Step<'_>,
    from: u64,
) -> Option<Held> {
    for place in step.places {
        if let Some(slot) = seen.get_mut(*place) {
            *slot = Some((step.time, cut(step.id, ID_BYTES_MAX).to_owned()));
        }
    }
    let within = |slot: &Option<(u64, String)>| slot.as_ref().is_some_and(|(time, _)| *time >= from);
    let count = seen.iter().filter(|slot| within(slot)).count() as u64;
    let holds = match &correlation.which {
        Some(expr) => which_holds(expr, &|place| seen.get(place).is_some_and(within)),
        None => count >= correlation.bounds.least,
    };
    let mut ids: Vec<String> =
        seen.iter().filter(|slot| within(slot)).flatten().map(|(_, id)| id.clone()).collect();
    ids.dedup();
    holds.then_some(Held { count, estimate: false, ids })
}

fn which_holds(expr: &Expr<usize>, is: &dyn Fn(usize) -> bool) -> bool {
    expr.holds(&mut |place| is(*place))
}

/// A chain that began later can do all that one that began earlier can, so one is enough for each step. No event is two links of a
/// chain, though several rules may fit it.
fn ordered(chain: &mut [Option<(u64, Vec<String>)>], step: Step<'_>, from: u64) -> Option<Held> {
    let own = cut(step.id, ID_BYTES_MAX);
    for place in (0..chain.len()).rev() {
        if !step.places.contains(&place) {
            continue;
        }
        let before = match place.checked_sub(1) {
            None => Some((step.time, Vec::new())),
            Some(before) => {
                let fits = |(began, ids): &(u64, Vec<String>)| {
                    *began >= from && ids.last().is_none_or(|id| id != own)
                };
                chain.get(before).cloned().flatten().filter(fits)
            }
        };
        let Some((began, mut ids)) = before else { continue };
        ids.push(own.to_owned());
        if let Some(slot) = chain.get_mut(place)
            && slot.as_ref().is_none_or(|(known, _)| *known <= began)
        {
            *slot = Some((began, ids));
        }
    }
    let steps = chain.len() as u64;
    let complete = chain.last_mut()?.take()?;
    Some(Held { count: steps, estimate: false, ids: complete.1 })
}

impl Window {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Output::default();
        out.number(VERSION);
        out.number(self.opened);
        out.number(self.last.saturating_sub(self.opened));
        out.maybe(self.told);
        out.texts(self.ids.iter());
        out.texts(self.group.iter());
        out.text(&self.asset);
        out.text(&self.incident);
        match &self.body {
            Body::Times { times, passed } => {
                out.number(0);
                out.number(*passed);
                rising(&mut out, times.iter().copied());
            }
            Body::Recent { by_time, .. } => {
                out.number(1);
                rising(&mut out, by_time.iter().map(|(time, _)| *time));
                by_time.iter().for_each(|(_, value)| out.0.extend_from_slice(&value.to_le_bytes()));
            }
            Body::Count(count) => {
                out.number(2);
                out.number(*count);
            }
            Body::Sample { halvings, values } => {
                out.number(3);
                out.number(u64::from(*halvings));
                rising(&mut out, values.iter().copied());
            }
            Body::Seen(seen) => {
                out.number(4);
                out.number(seen.len() as u64);
                for slot in seen {
                    out.maybe(slot.as_ref().map(|(time, _)| *time));
                    out.text(slot.as_ref().map(|(_, id)| id.as_str()).unwrap_or_default());
                }
            }
            Body::Chain(chain) => {
                out.number(5);
                out.number(chain.len() as u64);
                for slot in chain {
                    out.maybe(slot.as_ref().map(|(began, _)| *began));
                    out.texts(slot.iter().flat_map(|(_, ids)| ids).collect::<Vec<_>>().into_iter());
                }
            }
        }
        out.0
    }

    /// Reads what [`Window::write`] wrote for the same correlation.
    pub(crate) fn read(bytes: &[u8], correlation: &Correlation) -> Option<Self> {
        let mut input = Input(bytes);
        if input.number()? != VERSION {
            return None;
        }
        let opened = input.number()?;
        let last = opened.checked_add(input.number()?)?;
        let told = input.maybe()?;
        let ids = input.texts()?.into();
        let group = input.texts()?;
        let (asset, incident) = (input.text()?, input.text()?);
        let body = match input.number()? {
            0 => {
                let passed = input.number()?;
                Body::Times { times: read_rising(&mut input)?.into(), passed }
            }
            1 => {
                let times = read_rising(&mut input)?;
                let mut by_time = BTreeSet::new();
                for time in times {
                    let (value, rest) = input.0.split_first_chunk::<8>()?;
                    input.0 = rest;
                    by_time.insert((time, u64::from_le_bytes(*value)));
                }
                let by_value = by_time.iter().map(|(time, value)| (*value, *time)).collect();
                Body::Recent { by_time, by_value }
            }
            2 => Body::Count(input.number()?),
            3 => {
                let halvings = u32::try_from(input.number()?).ok()?;
                Body::Sample { halvings, values: read_rising(&mut input)?.into_iter().collect() }
            }
            4 => {
                let count = input.count().filter(|count| *count == correlation.rules.len())?;
                let slots: Option<Vec<_>> =
                    (0..count).map(|_| Some((input.maybe()?, input.text()?))).collect();
                Body::Seen(slots?.into_iter().map(|(time, id)| time.map(|time| (time, id))).collect())
            }
            5 => {
                let count = input.count().filter(|count| *count == correlation.rules.len())?;
                let slots: Option<Vec<_>> =
                    (0..count).map(|_| Some((input.maybe()?, input.texts()?))).collect();
                Body::Chain(slots?.into_iter().map(|(began, ids)| began.map(|began| (began, ids))).collect())
            }
            _ => return None,
        };
        Some(Self { opened, last, told, ids, group, asset, incident, body })
    }
}

/// Numbers that never fall, by their differences.
fn rising(out: &mut Output, numbers: impl ExactSizeIterator<Item = u64>) {
    out.number(numbers.len() as u64);
    let mut before = 0;
    for number in numbers {
        out.number(number.saturating_sub(before));
        before = number;
    }
}

fn read_rising(input: &mut Input<'_>) -> Option<Vec<u64>> {
    let mut before = 0u64;
    (0..input.count()?)
        .map(|_| {
            before = before.checked_add(input.number()?)?;
            Some(before)
        })
        .collect()
}
