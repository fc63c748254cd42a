//! Detections joined to incidents.
//!
//! Detections of the same key belong together while no more than [`Caps::gap`] passes between one and the next; after a longer silence
//! a new incident begins. A link makes two keys one, from the beginning on. So an incident is a session of a class of keys, and
//! both are unions: whoever comes first does not matter.
//!
//! Two guards keep one busy address or account from making everything one incident. Repeats of a rule on an asset are one step with a
//! count. And a link that would make an incident of more than [`Caps::assets`] assets is not followed. The second depends on what was
//! there before; it is counted, and so are the steps that had no room.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::Severity;
use serde::{Deserialize, Serialize};

/// Name of an incident: that of its first detection. One that others were joined to keeps its own.
pub type IncidentId = String;

/// Bounds of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Longest silence within an incident, in nanoseconds.
    pub gap: u64,
    /// Most assets that links may bring together.
    pub assets: usize,
    /// Most steps; further ones are counted.
    pub steps: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { gap: 24 * 3_600 * 1_000_000_000, assets: 100, steps: 500 }
    }
}

/// A detection, as far as incidents are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detected {
    /// Its id; the same detection always has the same one.
    pub id: String,
    /// Time of the first event that proves it, in nanoseconds since 1970 in UTC.
    pub time: u64,
    /// What joins it to others; empty for one that stands alone.
    pub key: String,
    /// Plugin and rule.
    pub rule: String,
    /// One line for people.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Canonical id of the asset at risk.
    pub asset: String,
    /// ATT&CK techniques.
    pub techniques: BTreeSet<String>,
}

/// One rule on one asset within an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Plugin and rule.
    pub rule: String,
    /// Canonical id of the asset.
    pub asset: String,
    /// One line for people, of its first detection.
    pub title: String,
    /// The worst of its detections.
    pub severity: Severity,
    /// When it was first seen.
    pub first: u64,
    /// When it was last seen.
    pub last: u64,
    /// Detections.
    pub count: u64,
    /// The first of them.
    pub detection: String,
    /// ATT&CK techniques of all of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub techniques: BTreeSet<String>,
}

/// One story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its name.
    pub id: IncidentId,
    /// When it began.
    pub first: u64,
    /// When anything of it was last seen.
    pub last: u64,
    /// The worst of its steps.
    pub severity: Severity,
    /// What happened, the first first.
    pub steps: Vec<Step>,
    /// Assets that took part.
    pub assets: BTreeSet<String>,
    /// Detections in all, with those that had no room as a step of their own.
    pub detections: u64,
    /// Steps that had no room.
    pub left_out: u64,
}

/// What an addition changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Added {
    /// Incidents that are new or other than before.
    pub changed: BTreeSet<IncidentId>,
    /// Incidents that became part of another one: theirs and its name.
    pub merged: BTreeMap<IncidentId, IncidentId>,
}

#[derive(Debug, Clone)]
struct Session {
    /// Time and id of the detection that names it.
    name: (u64, String),
    last: u64,
    steps: BTreeMap<(String, String), Step>,
    detections: u64,
    left_out: u64,
}

impl Session {
    fn of(detected: &Detected) -> Self {
        let step = Step {
            rule: detected.rule.clone(),
            asset: detected.asset.clone(),
            title: detected.title.clone(),
            severity: detected.severity,
            first: detected.time,
            last: detected.time,
            count: 1,
            detection: detected.id.clone(),
            techniques: detected.techniques.clone(),
        };
        Self {
            name: (detected.time, detected.id.clone()),
            last: detected.time,
            steps: BTreeMap::from([((step.rule.clone(), step.asset.clone()), step)]),
            detections: 1,
            left_out: 0,
        }
    }

    fn first(&self) -> u64 {
        self.name.0
    }

    fn meets(&self, other: &Self, gap: u64) -> bool {
        self.first() <= other.last.saturating_add(gap) && other.first() <= self.last.saturating_add(gap)
    }

    fn assets(&self) -> impl Iterator<Item = &str> {
        self.steps.values().map(|step| step.asset.as_str()).filter(|asset| !asset.is_empty())
    }

    /// Takes another one in.
    fn absorb(&mut self, other: Self, steps_max: usize) {
        self.last = self.last.max(other.last);
        self.detections = self.detections.saturating_add(other.detections);
        self.left_out = self.left_out.saturating_add(other.left_out);
        if other.name < self.name {
            self.name = other.name;
        }
        for (place, step) in other.steps {
            if let Some(known) = self.steps.get_mut(&place) {
                known.absorb(step);
            } else if self.steps.len() < steps_max {
                self.steps.insert(place, step);
            } else {
                self.left_out = self.left_out.saturating_add(1);
            }
        }
    }

    fn incident(&self) -> Incident {
        let mut steps: Vec<Step> = self.steps.values().cloned().collect();
        steps.sort_by(|a, b| (a.first, &a.detection).cmp(&(b.first, &b.detection)));
        Incident {
            id: self.name.1.clone(),
            first: self.first(),
            last: self.last,
            severity: steps.iter().map(|step| step.severity).max().unwrap_or(Severity::Unknown),
            assets: self.assets().map(str::to_owned).collect(),
            steps,
            detections: self.detections,
            left_out: self.left_out,
        }
    }
}

impl Step {
    fn absorb(&mut self, other: Self) {
        if (other.first, &other.detection) < (self.first, &self.detection) {
            self.first = other.first;
            self.detection = other.detection;
            self.title = other.title;
        }
        self.last = self.last.max(other.last);
        self.severity = self.severity.max(other.severity);
        self.count = self.count.saturating_add(other.count);
        self.techniques.extend(other.techniques);
    }
}

/// All incidents, as far as they are kept in memory.
#[derive(Debug, Default)]
pub struct Incidents {
    caps: Caps,
    /// Another name of a key, for keys that were joined.
    parents: HashMap<String, String>,
    /// Sessions of each class of keys, by the key that stands for it; the earliest first.
    sessions: HashMap<String, Vec<Session>>,
    /// The class that an incident is of, by its name.
    classes: HashMap<IncidentId, String>,
    refused: u64,
}

impl Incidents {
    /// None yet.
    #[must_use]
    pub fn new(caps: Caps) -> Self {
        Self { caps, ..Self::default() }
    }

    /// Adds a detection. It must not be added twice: whoever keeps detections knows their ids.
    pub fn add(&mut self, detected: &Detected) -> Added {
        let key = match detected.key.as_str() {
            // Nothing joins it to anything, so it is a class of its own.
            "" => format!("\0{}", detected.id),
            key => self.stands_for(key),
        };
        let mut sessions = self.sessions.remove(&key).unwrap_or_default();
        let added = self.put(&mut sessions, Session::of(detected), None);
        self.classify(&added, &key);
        self.sessions.insert(key, sessions);
        added
    }

    /// Makes two keys one. Nothing happens if what they stand for would become too large; see [`Incidents::refused`].
    pub fn link(&mut self, kept: &str, merged: &str) -> Added {
        let (kept, merged) = (self.stands_for(kept), self.stands_for(merged));
        if kept == merged || kept.is_empty() || merged.is_empty() {
            return Added::default();
        }
        let of = |key: &String| self.sessions.get(key).map(Vec::as_slice).unwrap_or_default();
        let sessions = of(&kept).iter().chain(of(&merged));
        let assets: BTreeSet<&str> = sessions.flat_map(Session::assets).collect();
        if assets.len() > self.caps.assets {
            self.refused = self.refused.saturating_add(1);
            return Added::default();
        }
        let mut all = self.sessions.remove(&kept).unwrap_or_default();
        let mut added = Added::default();
        for session in self.sessions.remove(&merged).unwrap_or_default() {
            let name = session.name.1.clone();
            let one = self.put(&mut all, session, Some(name));
            added.changed.extend(one.changed);
            added.merged.extend(one.merged);
        }
        added.changed.retain(|id| !added.merged.contains_key(id));
        self.classify(&added, &kept);
        self.parents.insert(merged, kept.clone());
        self.sessions.insert(kept, all);
        added
    }

    /// Puts a session among others of its class, joined with those that it meets. `known` is the name by which people know it.
    fn put(&self, sessions: &mut Vec<Session>, session: Session, known: Option<IncidentId>) -> Added {
        let gap = self.caps.gap;
        let mut names: BTreeSet<IncidentId> = known.into_iter().collect();
        let mut one = session;
        // One that bridges two others makes them meet, so this goes on until nothing more does.
        while let Some(place) = sessions.iter().position(|known| known.meets(&one, gap)) {
            let known = sessions.remove(place);
            names.insert(known.name.1.clone());
            one.absorb(known, self.caps.steps);
        }
        let id = one.name.1.clone();
        let place = sessions.partition_point(|known| known.name < one.name);
        sessions.insert(place, one);
        let merged = names.into_iter().filter(|name| *name != id).map(|name| (name, id.clone())).collect();
        Added { changed: BTreeSet::from([id]), merged }
    }

    fn classify(&mut self, added: &Added, key: &str) {
        for gone in added.merged.keys() {
            self.classes.remove(gone);
        }
        for id in &added.changed {
            if self.classes.get(id).is_none_or(|known| known != key) {
                self.classes.insert(id.clone(), key.to_owned());
            }
        }
    }

    fn stands_for(&mut self, key: &str) -> String {
        let mut root = key;
        while let Some(parent) = self.parents.get(root) {
            root = parent;
        }
        let root = root.to_owned();
        if root != key && self.parents.get(key).is_some_and(|parent| *parent != root) {
            self.parents.insert(key.to_owned(), root.clone());
        }
        root
    }

    /// The incidents of these names; one that has become part of another is not there any more.
    #[must_use]
    pub fn named(&self, names: &BTreeSet<IncidentId>) -> Vec<Incident> {
        let session = |name: &IncidentId| {
            let sessions = self.sessions.get(self.classes.get(name)?)?;
            sessions.iter().find(|session| session.name.1 == *name)
        };
        names.iter().filter_map(session).map(Session::incident).collect()
    }

    /// Forgets incidents that ended before `time` and their keys, so that memory does not grow with history. A detection of such a
    /// time that comes after all begins an incident of its own.
    pub fn forget_before(&mut self, time: u64) {
        self.sessions.retain(|_, sessions| {
            sessions.retain(|session| session.last >= time);
            !sessions.is_empty()
        });
        let sessions = &self.sessions;
        self.classes.retain(|id, key| {
            sessions.get(key).is_some_and(|of| of.iter().any(|session| session.name.1 == *id))
        });
    }

    /// Every incident, the earliest first.
    #[must_use]
    pub fn all(&self) -> Vec<Incident> {
        let mut all: Vec<Incident> = self.sessions.values().flatten().map(Session::incident).collect();
        all.sort_by(|a, b| (a.first, &a.id).cmp(&(b.first, &b.id)));
        all
    }

    /// Links that were not followed because an incident would have become too large.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::Severity;

    use super::{Caps, Detected, Incidents};

    pub(crate) fn detected(id: &str, time: u64, key: &str, asset: &str) -> Detected {
        Detected {
            id: id.into(),
            time,
            key: key.into(),
            rule: "p/r".into(),
            title: format!("title of {id}"),
            severity: Severity::Medium,
            asset: asset.into(),
            techniques: BTreeSet::new(),
        }
    }

    fn caps() -> Caps {
        Caps { gap: 100, assets: 3, steps: 4 }
    }

    #[test]
    fn one_key_is_one_incident_until_it_is_silent_for_long() {
        let mut all = Incidents::new(caps());
        for (id, time) in [("a", 0), ("b", 90), ("c", 300), ("d", 180)] {
            all.add(&detected(id, time, "k", "x"));
        }
        let incidents = all.all();
        assert_eq!(incidents.len(), 2);
        assert_eq!((incidents[0].id.as_str(), incidents[0].last, incidents[0].detections), ("a", 180, 3));
        assert_eq!((incidents[1].id.as_str(), incidents[1].first), ("c", 300));
        assert_eq!(incidents[0].steps.len(), 1, "repeats of a rule on an asset are one step");
        assert_eq!(incidents[0].steps[0].count, 3);
    }

    #[test]
    fn what_comes_between_two_incidents_joins_them_under_the_earlier_name() {
        let mut all = Incidents::new(caps());
        all.add(&detected("late", 250, "k", "x"));
        all.add(&detected("early", 100, "k", "x"));
        let added = all.add(&detected("between", 180, "k", "y"));
        assert_eq!(added.merged.into_iter().collect::<Vec<_>>(), [("late".to_owned(), "early".to_owned())]);
        assert_eq!(all.all().len(), 1);
        assert_eq!(all.all()[0].assets.len(), 2);
    }

    #[test]
    fn a_link_counts_for_what_was_there_and_for_what_comes() {
        let mut all = Incidents::new(caps());
        all.add(&detected("a", 0, "pod", "x"));
        all.add(&detected("b", 10, "role", "y"));
        let added = all.link("pod", "role");
        assert_eq!(added.merged.into_iter().collect::<Vec<_>>(), [("b".to_owned(), "a".to_owned())]);
        all.add(&detected("c", 20, "role", "z"));
        let incidents = all.all();
        assert_eq!((incidents.len(), incidents[0].detections), (1, 3));
        assert_eq!(
            incidents[0].steps.iter().map(|step| step.detection.as_str()).collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
    }

    #[test]
    fn without_a_key_a_detection_stands_alone() {
        let mut all = Incidents::new(caps());
        all.add(&detected("a", 0, "", "x"));
        all.add(&detected("b", 0, "", "x"));
        assert_eq!(all.all().len(), 2);
    }

    #[test]
    fn a_link_that_would_join_half_the_world_is_refused_and_counted() {
        let mut all = Incidents::new(caps());
        for (number, key) in ["a", "a", "b", "b"].iter().enumerate() {
            all.add(&detected(&number.to_string(), 0, key, &format!("asset-{number}")));
        }
        all.link("a", "b");
        assert_eq!((all.all().len(), all.refused()), (2, 1));
    }

    #[test]
    fn incidents_are_found_by_name_until_they_are_another_or_forgotten() {
        let mut all = Incidents::new(caps());
        all.add(&detected("late", 250, "k", "x"));
        all.add(&detected("early", 100, "k", "x"));
        all.add(&detected("other", 110, "role", "y"));
        let names = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
        let found = |all: &Incidents, ids: &[&str]| -> Vec<String> {
            all.named(&names(ids)).into_iter().map(|one| one.id).collect()
        };
        assert_eq!(found(&all, &["early", "late", "other", "nobody"]), ["early", "late", "other"]);
        all.add(&detected("between", 180, "k", "y"));
        assert_eq!(found(&all, &["early", "late", "between"]), ["early"]);
        all.link("role", "k");
        assert_eq!(found(&all, &["early", "other"]), ["early"]);
        assert_eq!(all.named(&names(&["early"]))[0].detections, 4);
        all.forget_before(1_000);
        assert!(found(&all, &["early"]).is_empty() && all.classes.is_empty());
    }

    #[test]
    fn steps_without_room_are_counted() {
        let mut all = Incidents::new(caps());
        for number in 0..10 {
            all.add(&detected(&number.to_string(), number, "k", &format!("asset-{number}")));
        }
        let incident = &all.all()[0];
        assert_eq!((incident.steps.len(), incident.left_out, incident.detections), (4, 6, 10));
    }
}
