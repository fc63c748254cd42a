//! Alerts that a workload's baseline has explained: the same again need not be told.
//!
//! A baseline speaks of an alert when its turn comes, seconds after it came in; the alert was told by then. From an hour later on, so that it
//! does not matter how events came in, alerts that are the same in everything that a baseline looks at are kept and suppressed, for three
//! days after its last word. Another image, another argument, another destination is another alert, and what is critical is always told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use engine::correlate::Judged;
use host::kinds::Event;
use model::Severity;
use serde_json::{Value, json};

/// The rule of a baseline's word.
pub(super) const RULE: &str = "palisade.baseline/expected-alert";
const HOUR: u64 = 3_600 * 1_000_000_000;
/// How long a word counts: what is done every day is expected over a day on which it was not.
const COUNTS: u64 = 72 * HOUR;
/// How long an alert waits for one, and after which time it counts.
const WAITS: u64 = HOUR;
/// Alerts that wait, and words that count, at most. Beyond that alerts are told.
const KEPT_MAX: usize = 100_000;

/// What is expected.
#[derive(Default)]
pub(super) struct Expected {
    /// The alerts of the last hour, by the id of the event: when it happened, and what it says.
    heard: HashMap<String, (u64, String)>,
    /// By what an alert says.
    known: HashMap<String, Word>,
}

/// What a baseline has said of alerts.
struct Word {
    /// From when on such an alert is expected.
    since: u64,
    /// Until when.
    until: u64,
    /// Whose.
    by: String,
}

impl Expected {
    /// Takes an alert in, with what its body says, so that it can be spoken of.
    pub(super) fn hear(&mut self, event: &Event, read: &model::event::Event<'_>) {
        if self.heard.len() < KEPT_MAX
            && let Some(said) = said(event, read)
        {
            self.heard.insert(event.id.clone(), (event.time, said));
        }
    }

    /// Takes the word of a baseline in; false where it says nothing new.
    pub(super) fn learn(&mut self, judged: &Judged) -> bool {
        let text = |path: &str| judged.evidence.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let Some((_, said)) = self.heard.get(text("/alert/event")) else { return true };
        let until = judged.last.saturating_add(COUNTS);
        let full = self.known.len() >= KEPT_MAX;
        match self.known.entry(said.clone()) {
            // Often enough that a restart finds it among the detections that are kept.
            Entry::Occupied(known) if known.get().until.saturating_sub(judged.last) > COUNTS / 2 => false,
            Entry::Occupied(mut known) => {
                known.get_mut().until = until;
                true
            }
            Entry::Vacant(_) if full => true,
            Entry::Vacant(vacant) => {
                let (since, by) = (judged.last.saturating_add(WAITS), text("/suppressedBy").to_owned());
                vacant.insert(Word { since, until, by });
                true
            }
        }
    }

    /// Whose baseline suppresses a detection.
    pub(super) fn of(&self, judged: &Judged) -> Option<String> {
        if judged.plugin.is_some() || judged.severity == Severity::Critical {
            return None;
        }
        let (_, said) = self.heard.get(judged.events.first()?)?;
        let word = self.known.get(said)?;
        (word.since..word.until).contains(&judged.last).then(|| word.by.clone())
    }

    /// Forgets what does not count any more.
    pub(super) fn forget(&mut self, now: u64) {
        self.heard.retain(|_, (time, _)| time.saturating_add(WAITS) > now);
        self.known.retain(|_, word| word.until > now);
    }
}

/// Everything of an alert that a baseline looks at; nothing of other events.
fn said(event: &Event, read: &model::event::Event<'_>) -> Option<String> {
    let rule = read.rule.as_deref()?.id.as_deref()?;
    let process = read.process.as_deref();
    let parent = process.and_then(|process| process.parent.as_deref());
    let container = read.container.as_deref();
    let network = read.network.as_deref();
    let said = json!([
        event.source,
        event.asset,
        rule,
        container.map(|it| [it.image.as_deref(), it.digest.as_deref(), it.name.as_deref()]),
        process.map(|it| [it.binary.as_deref(), it.arguments.as_deref(), it.user.as_deref()]),
        process.and_then(|it| it.uid),
        parent.and_then(|it| it.binary.as_deref()),
        read.file.as_ref().map(|it| it.path.as_ref()),
        network.map(|it| [
            it.protocol.as_deref(),
            it.destination_ip.as_deref(),
            it.destination_name.as_deref()
        ]),
        network.and_then(|it| it.destination_port),
        read.actor.as_deref().and_then(|it| it.name.as_deref()),
    ]);
    Some(said.to_string())
}

#[cfg(test)]
mod tests {
    use engine::correlate::Judged;
    use host::kinds::Event;
    use serde_json::json;

    use super::{COUNTS, Expected, HOUR, RULE};

    fn alert(id: &str, time: u64, arguments: &str, severity: &str) -> Event {
        let body = json!({
            "source": "falco", "kind": "alert", "severity": severity, "title": "t", "rule": { "id": "shell" },
            "process": { "binary": "/bin/sh", "arguments": arguments, "pid": time % 1000 }, "raw": null,
        });
        let body = body.to_string().into_bytes();
        Event { id: id.into(), time, source: "falco".into(), asset: "a".into(), body }
    }

    fn word(event: &str, last: u64) -> Judged {
        let alert = alert(event, last, "", "low");
        let read = serde_json::from_slice(&alert.body).unwrap();
        Judged {
            rule: RULE.into(),
            evidence: json!({ "alert": { "event": event }, "suppressedBy": "baseline:shop/web" }),
            first: last,
            last,
            ..Judged::of_alert(&alert, &read).unwrap()
        }
    }

    fn of(expected: &mut Expected, event: &Event) -> Option<String> {
        let read = serde_json::from_slice(&event.body).unwrap();
        expected.hear(event, &read);
        expected.of(&Judged::of_alert(event, &read).unwrap())
    }

    #[test]
    fn the_same_again_is_expected_and_nothing_else_is() {
        let mut expected = Expected::default();
        let first = alert("1", HOUR, "-c backup", "medium");
        assert_eq!(of(&mut expected, &first), None);
        assert!(expected.learn(&word("1", HOUR)));
        assert_eq!(
            of(&mut expected, &alert("2", 2 * HOUR, "-c backup", "medium")).unwrap(),
            "baseline:shop/web"
        );
        assert!(!expected.learn(&word("2", 2 * HOUR)), "that was known");
        assert_eq!(of(&mut expected, &alert("3", 2 * HOUR, "-c steal", "medium")), None);
        assert_eq!(of(&mut expected, &alert("4", 2 * HOUR, "-c backup", "critical")), None);
        assert_eq!(
            of(&mut expected, &alert("5", HOUR + COUNTS, "-c backup", "medium")),
            None,
            "its time is over"
        );
        let other = Event { asset: "b".into(), ..alert("6", 2 * HOUR, "-c backup", "medium") };
        assert_eq!(of(&mut expected, &other), None, "another workload");
        expected.forget(HOUR + COUNTS);
        assert_eq!(of(&mut expected, &alert("7", 2 * HOUR, "-c backup", "medium")), None);
    }
}
