//! One event of one profile: learned, waited for, or told.

use palisade_sdk::{Detection, Event, Item, Severity};
use serde_json::{Value, json};

use crate::body::Body;
use crate::class::{Class, binary_and_parent};
use crate::explain;
use crate::judge::{self, of_binary, sensitive, weigh};
use crate::kept::{ContainerNote, EXAMPLES_MAX, Hour, Kept};
use crate::portable::Given;
use crate::seen::Look;
use crate::settings::{Mode, Settings};
use crate::summary::Summary;
use crate::text::{cut, moment, plain};

/// Seconds of a day, of an hour, and within which containers do the same thing together.
const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;
const TOGETHER: u64 = 900;
/// A container is new for so many seconds.
const FRESH: u64 = 300;
/// Containers that one anomaly is told of in a day.
const SIBLINGS_MAX: usize = 3;
/// Items that are listed where a profile becomes usable.
const LISTED_MAX: usize = 20;

/// An event, its profile, and what else is known.
pub(crate) struct Case<'r> {
    pub(crate) settings: &'r Settings,
    pub(crate) kept: &'r mut Kept,
    /// The profile of the image before.
    pub(crate) elsewhere: Option<&'r Kept>,
    pub(crate) given: Option<&'r Given>,
    pub(crate) look: Look,
    /// The container, where it is known.
    pub(crate) note: Option<&'r ContainerNote>,
    pub(crate) event: Item<'r, Event>,
    pub(crate) body: &'r Body<'r>,
    pub(crate) changed: bool,
    pub(crate) told: Vec<Detection>,
    pub(crate) problems: Vec<String>,
}

impl Case<'_> {
    /// Looks at everything that the event shows. Gives whether it is an alert that taints its container.
    pub(crate) fn run(&mut self) -> bool {
        if &*self.body.kind == "alert" {
            return self.alert();
        }
        for (class, item) in self.body.items() {
            self.item(class, &item, true);
        }
        self.settle();
        false
    }

    fn frozen(&self) -> bool {
        self.given.is_some_and(|given| given.frozen)
    }

    /// Every profile that says what is normal here.
    fn known(&self) -> Vec<&Summary> {
        let given = self.given.map(|given| &given.summary);
        let elsewhere = self.elsewhere.map(|kept| &kept.summary);
        if self.frozen() {
            return given.into_iter().collect();
        }
        [Some(&self.kept.summary), given, elsewhere].into_iter().flatten().collect()
    }

    /// The alert of the last hour in the same container, if it was one to be taken seriously.
    fn tainted(&self) -> Option<&ContainerNote> {
        self.note
            .filter(|note| note.alert > 0 && self.look.time.saturating_sub(note.alert) <= self.settings.alert)
    }

    fn item(&mut self, class: Class, item: &str, tell: bool) {
        if self.kept.summary.get(class, item).is_some() && !self.frozen() {
            self.changed |= self.kept.summary.look(class, item, self.look);
            return;
        }
        let elsewhere = [self.given.map(|given| &given.summary), self.elsewhere.map(|kept| &kept.summary)];
        let elsewhere = elsewhere.into_iter().flatten().any(|summary| summary.get(class, item).is_some());
        if self.frozen() {
            let known = self.given.is_some_and(|given| given.summary.get(class, item).is_some());
            let varied = self.given.is_some_and(|given| given.summary.too_varied(class));
            if known || varied || self.settings.accepts(&self.kept.key, class.word(), item) {
                return;
            }
        } else if elsewhere || self.settings.accepts(&self.kept.key, class.word(), item) {
            return self.learn(class, item);
        }
        if self.kept.summary.too_varied(class) {
            return;
        }
        self.settle();
        let ready = self.ready();
        let foreseen = self.elsewhere.is_some_and(|kept| kept.summary.ready > 0) && sensitive(class, item);
        if !ready && self.tainted().is_none() && !foreseen {
            return self.learn(class, item);
        }
        self.unexpected(class, item, tell);
    }

    fn ready(&self) -> bool {
        self.kept.summary.ready > 0 || self.given.is_some()
    }

    fn learn(&mut self, class: Class, item: &str) {
        let varied = self.kept.summary.too_varied(class);
        if !self.kept.suspects.is_empty() {
            let suspect = (class, cut(item, crate::summary::ITEM_MAX).to_owned());
            self.changed |= self.kept.suspects.remove(&suspect).is_some();
        }
        self.changed |= self.kept.summary.look(class, item, self.look);
        if !varied && self.kept.summary.too_varied(class) {
            self.problems.push(format!(
                "the profile {:?} has too many different items of the class {} to tell what is new; last {:?}",
                plain(&self.kept.key, 200),
                class.word(),
                plain(item, 200)
            ));
        }
    }

    /// Asks, once in a minute of events, whether enough is known.
    fn settle(&mut self) {
        let minute = self.look.time / 60;
        if self.kept.summary.ready > 0 || self.frozen() || self.kept.asked >= minute {
            return;
        }
        let estimate = self.kept.summary.estimate();
        let (settings, now) = (self.settings, self.look.time);
        if estimate.items == 0 {
            return;
        }
        self.kept.asked = minute;
        self.changed = true;
        let learned = now.saturating_sub(estimate.since);
        let enough = estimate.occasions >= settings.occasions && estimate.singletons() <= settings.unseen;
        let quiet = now.saturating_sub(estimate.last_new);
        let falling = quiet >= settings.least.max(2 * estimate.last_new.saturating_sub(estimate.since));
        if learned >= settings.least && (enough || falling || learned >= settings.most) {
            self.kept.summary.ready = now.max(1);
            self.tell_learned();
        }
    }

    /// A profile became usable: what it holds that somebody should have looked at.
    fn tell_learned(&mut self) {
        let before = self.elsewhere.filter(|kept| kept.summary.ready > 0);
        let (mut risky, mut fresh) = (Vec::new(), Vec::new());
        for class in [Class::Process, Class::Destination, Class::File] {
            for item in self.kept.summary.items(class).items.keys() {
                let named = json!({ "class": class.word(), "item": plain(item, 256) });
                if sensitive(class, item) {
                    risky.push(named.clone());
                }
                if before.is_some_and(|kept| {
                    kept.summary.get(class, item).is_none() && !kept.summary.too_varied(class)
                }) {
                    fresh.push(named);
                }
            }
        }
        // A shell in an image that never had another profile is nothing to wake somebody for; that it was learned stands here.
        if self.settings.mode == Mode::Learn || (risky.is_empty() && fresh.is_empty()) {
            return;
        }
        let left_out = risky.len().saturating_sub(LISTED_MAX) + fresh.len().saturating_sub(LISTED_MAX);
        risky.truncate(LISTED_MAX);
        fresh.truncate(LISTED_MAX);
        let severity = if fresh.is_empty() { Severity::Negligible } else { Severity::Low };
        let title = if fresh.is_empty() {
            format!("A profile was learned with {} items worth a look", risky.len())
        } else {
            format!("{} things that the image before did not do", fresh.len())
        };
        let evidence = json!({
            "profile": explain::profile(self.kept, self.elsewhere, self.look.time),
            "worthALook": risky, "newSincePredecessor": fresh, "leftOut": left_out, "techniques": [],
        });
        self.tell("profile-learned", severity, title, &evidence);
    }

    fn tell(&mut self, rule: &str, severity: Severity, title: String, evidence: &Value) {
        let detection = Detection::new(rule, severity, title, &self.event.asset)
            .proof([self.event])
            .incident(self.body.incident(&self.event.asset))
            .evidence(evidence);
        self.told.push(detection);
    }

    /// Something that no profile knows, once there is one to go by.
    fn unexpected(&mut self, class: Class, item: &str, tell: bool) {
        let verdict = judge::verdict(class, item, &self.known());
        let Some(verdict) = verdict else {
            if self.tainted().is_none() && !self.frozen() {
                self.learn(class, item);
            }
            return;
        };
        self.changed = true;
        let (time, replica) = (self.look.time, self.look.replica);
        let careful = sensitive(class, item) || self.tainted().is_some() || self.frozen();
        let adopt = self.settings.adopt_days;
        let suspect = self.kept.suspect(class, item);
        suspect.seen.look(self.look);
        if !careful && adopt > 0 && suspect.seen.day_count() >= adopt && suspect.seen.replicas.count() >= 2 {
            return self.learn(class, item);
        }
        if !tell || self.settings.mode == Mode::Learn {
            return;
        }
        let siblings = if suspect.told == 0 || time.saturating_sub(suspect.told) >= DAY {
            suspect.containers.clear();
            0
        } else if suspect.containers.contains(&replica) {
            return;
        } else if suspect.containers.len() < SIBLINGS_MAX {
            suspect.containers.len()
        } else {
            return self.leave_out(item, verdict.severity == Severity::High);
        };
        let together = siblings > 0 && time.saturating_sub(suspect.told) <= TOGETHER;
        let rollout = self.rollout();
        let unseen = self.known().first().map_or(1.0, |summary| summary.estimate().unseen(time));
        let bits = -unseen.log2();
        let severity = weigh(verdict.severity, bits, usize::from(together) + usize::from(rollout));
        if !self.within_budget(severity) {
            return self.leave_out(item, severity == Severity::High);
        }
        let suspect = self.kept.suspect(class, item);
        suspect.told = if siblings == 0 { time } else { suspect.told };
        suspect.containers.push(replica);
        let evidence =
            self.evidence(class, item, &verdict, bits, rollout, if together { siblings } else { 0 });
        let what = plain(item, 200);
        let title = match verdict.rule {
            "unknown-parent" => format!("Known program, unknown parent: {what}"),
            "new-arguments" => format!("Known program, called as never before: {what}"),
            "new-destination" => format!("New destination: {what}"),
            "new-file" => format!("New file: {what}"),
            _ => format!("New process: {what}"),
        };
        self.tell(verdict.rule, severity, title, &evidence);
    }

    /// A new container while others of its kind start too: an image or a specification is being rolled out.
    fn rollout(&self) -> bool {
        let now = self.look.time;
        let fresh = self.note.is_some_and(|note| now.saturating_sub(note.first) <= FRESH);
        let others = self.kept.starts.iter().any(|(replica, started)| {
            *replica != self.look.replica && now.saturating_sub(*started) <= TOGETHER
        });
        fresh && others
    }

    fn evidence(
        &self,
        class: Class,
        item: &str,
        verdict: &judge::Verdict,
        bits: f64,
        rollout: bool,
        siblings: usize,
    ) -> Value {
        let known = self.known();
        let mut seen = json!({ "class": class.word(), "item": item, "at": moment(self.look.time) });
        let mut evidence = json!({
            "expected": explain::expected(class, item, &known),
            "nearest": explain::nearest_known(class, item, &known),
            "profile": explain::profile(self.kept, self.elsewhere, self.look.time),
            "surpriseBits": explain::rounded(bits),
            "makeNormal": explain::make_normal(&self.kept.key, class, item, self.settings, sensitive(class, item)),
            "techniques": verdict.techniques,
        });
        if let Some(members) = seen.as_object_mut() {
            if !self.body.container_id().is_empty() {
                members.insert("container".to_owned(), json!(plain(self.body.container_id(), 12)));
            }
            if let Some(process) = self.body.process_item().filter(|_| class != Class::Process) {
                members.insert("process".to_owned(), json!(process));
            }
            if let Some(tool) = verdict.tool {
                members.insert("tool".to_owned(), json!(tool));
            }
        }
        if let Some(members) = evidence.as_object_mut() {
            members.insert("seen".to_owned(), seen);
            if rollout {
                members.insert("rollout".to_owned(), json!(true));
            }
            if siblings > 0 {
                members.insert("siblings".to_owned(), json!(siblings));
            }
            if self.frozen() {
                members.insert("frozen".to_owned(), json!(true));
            }
            if let Some(note) = self.tainted() {
                let alert = json!({ "rule": plain(&note.rule, 200), "at": moment(note.alert) });
                members.insert("alert".to_owned(), alert);
            }
        }
        evidence
    }

    /// Takes one of this hour's share; false where it is used up.
    fn within_budget(&mut self, severity: Severity) -> bool {
        self.roll();
        let budget = self.settings.budget;
        let hour = &mut self.kept.hour;
        let (told, most) = match severity {
            Severity::High => (&mut hour.told_high, 2 * budget),
            _ => (&mut hour.told, budget),
        };
        let free = *told < most;
        *told += u64::from(free);
        free
    }

    /// Counts what is not told by itself.
    fn leave_out(&mut self, item: &str, high: bool) {
        self.roll();
        let hour = &mut self.kept.hour;
        hour.left_out += 1;
        hour.left_out_high += u64::from(high);
        let item = plain(item, 256);
        if hour.examples.len() < EXAMPLES_MAX && !hour.examples.contains(&item) {
            hour.examples.push(item);
        }
        hour.asset = cut(&self.event.asset, 500).to_owned();
        hour.incident = cut(&self.body.incident(&self.event.asset), 500).to_owned();
    }

    /// Begins a new hour, if it is one.
    fn roll(&mut self) {
        let hour = self.look.time / HOUR;
        if self.kept.hour.hour < hour {
            self.told.extend(left_out(self.kept));
            self.kept.hour = Hour { hour, ..Hour::default() };
        }
    }

    /// An alert: explained where it is what this profile always does; otherwise remembered.
    fn alert(&mut self) -> bool {
        let critical = &*self.body.severity == "critical";
        let grave = critical || &*self.body.severity == "high";
        let item = self.body.alert_item();
        // A rule that is wrong again and again must not keep itself from being known for it.
        let other = self.tainted().is_some_and(|note| note.rule != *self.body.rule.id);
        let expected = !critical && !other && self.expected(&item);
        if !critical && !other && !self.frozen() && !self.body.rule.id.is_empty() {
            self.learn(Class::Alert, &item);
        }
        for (class, item) in self.body.items() {
            if !grave || expected {
                self.item(class, &item, false);
            } else if self.kept.summary.get(class, &item).is_none() {
                self.changed = true;
                self.kept.suspect(class, &item).seen.look(self.look);
            }
        }
        self.settle();
        grave && !expected
    }

    /// Whether the same rule told of the same process and object often enough, and the process is part of the profile. Says so.
    fn expected(&mut self, item: &str) -> bool {
        if !self.ready() || self.settings.mode == Mode::Learn {
            return false;
        }
        let known = self.known();
        let Some((summary, seen)) =
            known.iter().find_map(|summary| summary.get(Class::Alert, item).map(|seen| (*summary, seen)))
        else {
            return false;
        };
        if summary.items(Class::Alert).level > 0 {
            return false;
        }
        let lasting = self.look.time.saturating_sub(seen.first) >= HOUR;
        let settings = self.settings;
        let by_days = seen.day_count() >= settings.expected_days;
        let by_replicas =
            settings.expected_replicas > 0 && seen.replicas.count() >= settings.expected_replicas && lasting;
        if !by_days && !by_replicas {
            return false;
        }
        let Some(process) = self.body.process_item() else { return false };
        let (binary, parent) = binary_and_parent(&process);
        // Whichever options: sensors do not agree on what they are.
        let of_parent = |summary: &&Summary| {
            of_binary(summary, binary).any(|other| other == parent || parent == Some("?"))
        };
        if !known.iter().any(of_parent) {
            return false;
        }
        let new = |(class, item): &(Class, String)| {
            *class != Class::Process && !known.iter().any(|summary| summary.get(*class, item).is_some())
        };
        if self.body.items().iter().any(new) {
            return false;
        }
        let support = explain::support(seen);
        let evidence = json!({
            "alert": { "event": self.event.id, "rule": plain(&self.body.rule.id, 200),
                "severity": plain(&self.body.severity, 20) },
            "suppressedBy": format!("baseline:{}", plain(&self.kept.key, 400)),
            "seen": { "class": "alert", "item": plain(item, 400), "process": process },
            "support": support,
            "because": if by_days { "days" } else { "replicas" },
            "profile": explain::profile(self.kept, self.elsewhere, self.look.time),
            "techniques": self.body.rule.techniques.iter().take(20).map(|it| plain(it, 20)).collect::<Vec<_>>(),
        });
        let title = format!("Expected of this workload: {}", plain(&self.body.title, 200));
        self.tell("expected-alert", Severity::Negligible, title, &evidence);
        true
    }
}

/// What was not told by itself in the hour that a profile is in.
pub(crate) fn left_out(kept: &Kept) -> Option<Detection> {
    let hour = &kept.hour;
    if hour.left_out == 0 {
        return None;
    }
    let severity = if hour.left_out_high > 0 { Severity::Medium } else { Severity::Low };
    let title = format!("{} more anomalies in one hour", hour.left_out);
    let evidence = json!({
        "profile": { "key": plain(&kept.key, 400) },
        "hour": moment(hour.hour * HOUR), "count": hour.left_out, "high": hour.left_out_high,
        "told": hour.told + hour.told_high, "examples": hour.examples, "techniques": [],
    });
    let detection = Detection::new("anomalies-left-out", severity, title, &hour.asset);
    Some(detection.incident(&hour.incident).evidence(&evidence))
}
