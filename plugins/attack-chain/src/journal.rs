//! What detections said, kept by the time slot that they are of until the watermark has passed it.
//!
//! Whether a key is shared by too many is no question that can be answered at once and stay answered, whatever comes next: an answer
//! that a later detection takes back depends on the order. So detections are written down by slot, which any order and split of them
//! leaves the same, and a slot is looked at as a whole, once nothing more can come into it.

use std::collections::{BTreeMap, BTreeSet};

use palisade_sdk::{Error, Severity, Story, state};
use serde::{Deserialize, Serialize};

use crate::keys::{Joined, Shared, Sort};
use crate::seen::Seen;
use crate::settings::rank;
use crate::tactics::tactic;

/// Length of a slot, in nanoseconds.
pub(crate) const SLOT: u64 = 30_000_000_000;
/// Slots of a day: how long what happened counts.
pub(crate) const DAY: u64 = 24 * 120;
/// Members of a shared key that are written down for a slot; more are too many whatever the ceiling is.
const MEMBERS_MAX: usize = 64;
/// Longest text of a cause, in bytes.
const TEXT_BYTES_MAX: usize = 200;

/// The detection behind something: the first one, by time and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Cause {
    pub(crate) time: u64,
    pub(crate) id: String,
    pub(crate) rule: String,
    pub(crate) title: String,
    pub(crate) asset: String,
    pub(crate) key: String,
    pub(crate) technique: String,
}

/// Why a member is joined.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Reason {
    pub(crate) cause: Cause,
    pub(crate) edge: String,
    pub(crate) why: String,
}

/// A shared key within a slot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct HubSlot {
    pub(crate) sort: Option<Sort>,
    pub(crate) members: BTreeMap<String, Reason>,
    pub(crate) over: bool,
    pub(crate) clusters: BTreeSet<String>,
    /// The first detection that it is about.
    pub(crate) first: Option<Cause>,
}

/// A stage within a slot, or within a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stage {
    pub(crate) first: Cause,
    pub(crate) last: u64,
    pub(crate) worst: u8,
}

impl Stage {
    pub(crate) fn absorb(&mut self, other: Self) {
        if other.first < self.first {
            self.first = other.first;
        }
        self.last = self.last.max(other.last);
        self.worst = self.worst.max(other.worst);
    }
}

/// Stages by tactic.
pub(crate) type Stages = BTreeMap<String, Stage>;

/// What is new of a slot in this call, and what is read back of a whole one.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(crate) hubs: BTreeMap<String, HubSlot>,
    pub(crate) stages: BTreeMap<String, Stages>,
    /// Names of one thing, by the first of each pair.
    pub(crate) same: BTreeMap<String, BTreeSet<String>>,
}

/// Detections of a call.
#[derive(Debug, Default)]
pub(crate) struct Journal(BTreeMap<u64, Slot>);

impl Journal {
    pub(crate) fn add(&mut self, seen: &Seen, joined: &Joined, time: u64) {
        let stages: Vec<(&'static str, &String)> =
            seen.techniques.iter().filter_map(|technique| Some((tactic(technique)?, technique))).collect();
        if joined.shared.is_empty() && joined.same.is_empty() && stages.is_empty() {
            return;
        }
        let slot = self.0.entry(time / SLOT).or_default();
        for shared in &joined.shared {
            slot.hub(shared, seen);
        }
        for (one, other) in &joined.same {
            slot.same.entry(one.clone()).or_default().insert(other.clone());
        }
        if seen.key.is_empty() {
            return;
        }
        for (tactic, technique) in stages {
            let stage = Stage { first: cause(seen, technique), last: time, worst: rank(seen.severity) };
            let known = slot.stages.entry(seen.key.clone()).or_default();
            put(known, tactic.to_owned(), stage, Stage::absorb);
        }
    }

    /// Writes down what is new, and asks to be called when it is complete.
    pub(crate) fn keep(self, story: &mut Story) -> Result<(), Error> {
        for (number, slot) in self.0 {
            let at = place(number);
            for (key, new) in slot.hubs {
                merge(&format!("{at}h/{key}"), new, HubSlot::absorb)?;
            }
            for (key, new) in slot.stages {
                merge(&format!("{at}s/{key}"), new, absorb_stages)?;
            }
            for (key, new) in slot.same {
                merge(&format!("{at}l/{key}"), new, |known: &mut BTreeSet<String>, new| known.extend(new))?;
            }
            story.timer(format!("slot/{number:016x}"), (number + 1).saturating_mul(SLOT));
        }
        Ok(())
    }
}

impl Slot {
    fn hub(&mut self, shared: &Shared, seen: &Seen) {
        let cause = cause(seen, seen.techniques.first().map_or("", String::as_str));
        let reason = Reason { cause: cause.clone(), edge: shared.edge.to_owned(), why: short(&shared.why) };
        let new = HubSlot {
            sort: Some(shared.sort),
            members: shared.members.iter().map(|member| (member.clone(), reason.clone())).collect(),
            over: shared.over,
            clusters: shared.cluster.iter().cloned().collect(),
            first: Some(cause),
        };
        put(&mut self.hubs, shared.key.clone(), new, HubSlot::absorb);
    }

    /// Reads back what was written down of a slot, and forgets it.
    pub(crate) fn take(number: u64) -> Result<Self, Error> {
        let mut slot = Self::default();
        let at = place(number);
        for key in state::all_keys(&at)? {
            let rest = key.get(at.len()..).unwrap_or_default();
            match rest.split_once('/') {
                Some(("h", own)) => slot.hubs.extend(state::get_json(&key)?.map(|hub| (own.to_owned(), hub))),
                Some(("s", own)) => slot.stages.extend(state::get_json(&key)?.map(|of| (own.to_owned(), of))),
                Some(("l", own)) => slot.same.extend(state::get_json(&key)?.map(|of| (own.to_owned(), of))),
                _ => {}
            }
            state::delete(&key)?;
        }
        Ok(slot)
    }
}

impl HubSlot {
    fn absorb(&mut self, other: Self) {
        // The sorts of one key differ only where a name means two things; the stricter one counts.
        self.sort = self.sort.into_iter().chain(other.sort).min();
        for (member, reason) in other.members {
            put(&mut self.members, member, reason, |known, new| {
                if new < *known {
                    *known = new;
                }
            });
        }
        self.clusters.extend(other.clusters);
        self.first = self.first.take().into_iter().chain(other.first).min();
        self.over |= other.over || self.members.len() > MEMBERS_MAX;
        if self.over {
            self.members.clear();
        }
    }
}

pub(crate) fn absorb_stages(known: &mut Stages, new: Stages) {
    for (tactic, stage) in new {
        put(known, tactic, stage, Stage::absorb);
    }
}

fn place(number: u64) -> String {
    format!("j/{number:016x}/")
}

fn put<T>(all: &mut BTreeMap<String, T>, key: String, new: T, absorb: impl FnOnce(&mut T, T)) {
    match all.get_mut(&key) {
        Some(known) => absorb(known, new),
        None => drop(all.insert(key, new)),
    }
}

fn merge<T>(key: &str, new: T, absorb: impl FnOnce(&mut T, T)) -> Result<(), Error>
where
    T: Serialize + serde::de::DeserializeOwned + Clone + PartialEq,
{
    let Some(mut known) = state::get_json::<T>(key)? else { return state::set_json(key, &new) };
    let before = known.clone();
    absorb(&mut known, new);
    if known == before { Ok(()) } else { state::set_json(key, &known) }
}

fn cause(seen: &Seen, technique: &str) -> Cause {
    Cause {
        time: seen.first,
        id: short(&seen.id),
        rule: short(&seen.rule),
        title: short(&seen.title),
        asset: if seen.asset.len() > 1_000 { String::new() } else { seen.asset.clone() },
        key: seen.key.clone(),
        technique: short(technique),
    }
}

/// A stranger's text, cut and without control characters.
pub(crate) fn short(text: &str) -> String {
    let part = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default();
    part.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The severity of a rank.
pub(crate) fn severity_of(rank: u8) -> Severity {
    match rank {
        6 => Severity::Critical,
        5 => Severity::High,
        4 => Severity::Medium,
        3 => Severity::Low,
        2 => Severity::Negligible,
        1 => Severity::None,
        _ => Severity::Unknown,
    }
}
