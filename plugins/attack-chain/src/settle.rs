//! A slot that is complete: which shared keys join, which are shared by too many, and which attacks have had several stages.

use std::collections::{BTreeMap, BTreeSet};

use palisade_sdk::{Detection, Error, Severity, Story, metrics, state};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::classes::{Class, Classes};
use crate::journal::{DAY, HubSlot, Reason, SLOT, Slot, severity_of, short};
use crate::keys::Sort;
use crate::settings::{Settings, rank};
use crate::tactics::order;

/// Tactics that make an attack one of several stages, and those that make it critical.
const STAGES: usize = 3;
const MANY_STAGES: usize = 5;
/// Members of a shared key that are remembered; the newest stay.
const REMEMBERED: usize = 128;
/// Members that are named.
const NAMED: usize = 10;

/// A shared key over a day.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Hub {
    /// Slot in which each member was last seen.
    latest: BTreeMap<String, u64>,
    /// Slot in which the joining of each member was last told of.
    told: BTreeMap<String, u64>,
    clusters: BTreeMap<String, u64>,
    /// Slot in which it was last over by what the asset graph says.
    over: Option<u64>,
    /// Slot in which it was last said that it joins nothing.
    refused: Option<u64>,
}

impl Hub {
    fn note(&mut self, slot: u64, new: &HubSlot) {
        let recent = |seen: &mut u64| *seen + DAY >= slot;
        self.latest.retain(|_, seen| recent(seen));
        self.told.retain(|_, seen| recent(seen));
        self.clusters.retain(|_, seen| recent(seen));
        self.over = self.over.filter(|seen| seen + DAY >= slot);
        self.refused = self.refused.filter(|seen| seen + DAY >= slot);
        for member in new.members.keys() {
            let seen = self.latest.entry(member.clone()).or_insert(slot);
            *seen = slot.max(*seen);
        }
        for cluster in &new.clusters {
            self.clusters.insert(cluster.clone(), slot);
        }
        if new.over {
            self.over = Some(slot);
        }
        while self.latest.len() > REMEMBERED {
            let Some(oldest) = self.latest.iter().min_by_key(|(key, seen)| (**seen, (*key).clone())) else {
                break;
            };
            let oldest = oldest.0.clone();
            self.latest.remove(&oldest);
        }
    }

    /// Why it joins nothing.
    fn refusal(&self, ceiling: usize) -> Option<String> {
        if self.over.is_some() {
            return Some(format!("more than {ceiling} workloads use it"));
        }
        if self.clusters.len() > 1 {
            return Some(format!("it means somebody else in each of {} clusters", self.clusters.len()));
        }
        let count = self.latest.len();
        (count > ceiling)
            .then(|| format!("it would join {count} workloads within a day; at most {ceiling} are joined"))
    }
}

/// Looks at a slot as a whole.
pub(crate) fn settle(number: u64, settings: &Settings, story: &mut Story) -> Result<(), Error> {
    let slot = Slot::take(number)?;
    let classes = Classes::at(number);
    let mut touched: BTreeSet<String> = BTreeSet::new();
    for (one, others) in &slot.same {
        for other in others {
            classes.join(one, other, None)?;
        }
        touched.insert(one.clone());
    }
    for (key, new) in &slot.hubs {
        for (member, reason) in shared(number, key, new, settings, story)? {
            story.link(member, key.as_str());
            classes.join(member, key, Some(reason))?;
            touched.insert(key.clone());
        }
    }
    for (key, stages) in slot.stages {
        classes.add(&key, stages)?;
        touched.insert(key);
    }
    for key in touched {
        stages(&classes, &key, settings, story)?;
    }
    Ok(())
}

/// Which members a shared key joins.
fn shared<'s>(
    slot: u64,
    key: &str,
    new: &'s HubSlot,
    settings: &Settings,
    story: &mut Story,
) -> Result<Vec<(&'s str, &'s Reason)>, Error> {
    let place = format!("h/{key}");
    let mut hub: Hub = state::get_json(&place)?.unwrap_or_default();
    hub.note(slot, new);
    let ceiling = match new.sort {
        Some(Sort::Account) => settings.workloads_per_account,
        _ => settings.workloads_per_key,
    };
    let mut joined = Vec::new();
    match hub.refusal(ceiling) {
        None => {
            for (member, reason) in &new.members {
                if hub.told.insert(member.clone(), slot).is_none() {
                    story.detect(told(member, key, reason));
                }
                joined.push((member.as_str(), reason));
            }
        }
        Some(why) => {
            metrics::add("links-refused", 1);
            if hub.refused.is_none() {
                story.detect(refused(key, &hub, &why, new));
                hub.refused = Some(slot);
            }
        }
    }
    state::set_json(&place, &hub)?;
    Ok(joined)
}

fn edge(from: &str, to: &str, reason: &Reason) -> serde_json::Value {
    json!({ "from": from, "to": to, "edge": reason.edge, "why": reason.why, "proof": reason.cause.id })
}

fn told(member: &str, key: &str, reason: &Reason) -> Detection {
    let title = format!("Joined: {}", reason.why);
    let evidence = json!({ "first": reason.cause.time, "last": reason.cause.time, "detections": [reason.cause.id],
        "path": [edge(key, member, reason)] });
    Detection::new("joined", Severity::Negligible, title, &reason.cause.asset)
        .incident(member)
        .evidence(&evidence)
}

fn refused(key: &str, hub: &Hub, why: &str, new: &HubSlot) -> Detection {
    let cause = new.first.as_ref();
    let at = cause.map_or(0, |cause| cause.time);
    let evidence = json!({
        "first": at,
        "last": at,
        "detections": cause.map(|cause| &cause.id),
        "key": key,
        "why": why,
        "workloads": hub.latest.keys().take(NAMED).collect::<Vec<_>>(),
        "workloadsInAll": hub.latest.len(),
        "clusters": hub.clusters.keys().collect::<Vec<_>>(),
    });
    let title = format!("{} joins nothing: {why}", short(key));
    // It stands with the detection that it is about: by itself it is no incident.
    let named = cause.filter(|cause| !cause.key.is_empty());
    let (asset, about) = named.map_or(("", key), |cause| (&cause.asset, &cause.key));
    Detection::new("shared-key", Severity::Negligible, title, asset).incident(about).evidence(&evidence)
}

/// Tells of an attack that has come to a further stage, if it has had enough.
fn stages(classes: &Classes, key: &str, settings: &Settings, story: &mut Story) -> Result<(), Error> {
    let (root, born, mut class) = classes.fresh(key)?;
    let tactics: BTreeSet<String> = class.stages.keys().cloned().collect();
    let worst = class.stages.values().map(|stage| stage.worst).max().unwrap_or_default();
    if tactics.len() < STAGES || tactics.is_subset(&class.told) || worst < rank(settings.minimum()) {
        return Ok(());
    }
    story.detect(staged(&class, worst));
    class.told.extend(tactics);
    classes.put(&root, born, &class)
}

fn staged(class: &Class, worst: u8) -> Detection {
    let mut stages: Vec<(&String, &crate::journal::Stage)> = class.stages.iter().collect();
    stages.sort_by_key(|(tactic, stage)| (&stage.first, order(tactic)));
    let floor = if stages.len() >= MANY_STAGES { rank(Severity::Critical) } else { rank(Severity::High) };
    let first = stages.first().map(|(_, stage)| &stage.first);
    let (asset, key) = first.map_or(("", ""), |cause| (&cause.asset, &cause.key));
    let names: BTreeSet<&str> = stages.iter().map(|(_, stage)| stage.first.technique.as_str()).collect();
    let told = stages.iter().map(|(tactic, stage)| {
        json!({ "tactic": tactic, "technique": stage.first.technique, "at": stage.first.time, "detection": stage.first.id,
            "rule": stage.first.rule, "title": stage.first.title, "asset": stage.first.asset })
    });
    let mut tactics: Vec<&str> = stages.iter().map(|(tactic, _)| tactic.as_str()).collect();
    tactics.sort_by_key(|tactic| order(tactic));
    let evidence = json!({
        "first": first.map_or(0, |cause| cause.time),
        "last": stages.iter().map(|(_, stage)| stage.last).max(),
        "techniques": names,
        "tactics": tactics,
        "stages": told.collect::<Vec<_>>(),
        "path": class.reasons.iter().map(|(to, from, reason)| edge(from, to, reason)).collect::<Vec<_>>(),
    });
    let title = format!("An attack of {} stages: {}", tactics.len(), tactics.join(", ").replace('-', " "));
    Detection::new("multi-stage", severity_of(worst.max(floor)), title, asset)
        .incident(key)
        .evidence(&evidence)
}

/// Forgets shared keys and classes that a day has passed over. `now` is a slot.
pub(crate) fn tidy(now: u64) -> Result<(), Error> {
    for key in state::all_keys("h/")? {
        let hub: Option<Hub> = state::get_json(&key)?;
        let newest = hub
            .iter()
            .flat_map(|hub| hub.latest.values().chain(hub.clusters.values()).chain(&hub.over))
            .max();
        if newest.is_none_or(|seen| seen + DAY < now) {
            state::delete(&key)?;
        }
    }
    Classes::at(now).tidy()
}

/// The slot of a time.
pub(crate) fn slot_of(time: u64) -> u64 {
    time / SLOT
}
