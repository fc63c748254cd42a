//! Files of tests: `NAME_test.yml` beside `NAME.yml`, a list of cases.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{FILE_BYTES_MAX, RulesError, budget};

/// Most events that one case may make.
const EVENTS_MAX: usize = 100_000;
/// When the first event of a case happens: 2026-01-01, in nanoseconds since 1970.
const START: u64 = 1_767_225_600 * SECOND;
const SECOND: u64 = 1_000_000_000;

/// A file of tests.
#[derive(Debug, Clone, PartialEq)]
pub struct TestFile {
    /// Its path.
    pub path: String,
    /// In the order of the file.
    pub cases: Vec<Case>,
}

/// One case: events, and whether a rule tells of them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Case {
    /// Name or id of the rule that is tested.
    pub rule: String,
    /// What the case shows; empty where that goes without saying.
    #[serde(default)]
    pub name: String,
    /// The events, in order of time: what the source itself says, or what [`Case::normalised`] means.
    #[serde(default)]
    events: Vec<Value>,
    /// The events as the platform normalises them, instead of what a source says.
    #[serde(default)]
    normalised: Vec<Value>,
    /// The source of the events; otherwise the rule's log source tells.
    #[serde(default)]
    source: String,
    /// Seconds between one event and the next.
    #[serde(default = "one")]
    every: u64,
    /// Seconds from the first event to each, instead of `every`.
    #[serde(default)]
    at: Vec<u64>,
    /// How often all of the events come, one after the other.
    #[serde(default = "one_time")]
    repeat: usize,
    /// Whether the rule tells of them; where `detections` stands, how often.
    pub matches: bool,
    /// How often the rule tells of them.
    #[serde(default)]
    pub detections: Option<usize>,
}

fn one() -> u64 {
    1
}

fn one_time() -> usize {
    1
}

/// An event of a case, as plugins get it.
#[derive(Debug, Clone, PartialEq)]
pub struct TestEvent {
    /// `test:0` and so on.
    pub id: String,
    /// Nanoseconds since 1970 in UTC.
    pub time: u64,
    /// Where it came from.
    pub source: String,
    /// The normalised event.
    pub body: Value,
}

impl TestFile {
    /// Whether a file of this path has tests: `*_test.yml`, `*_test.yaml`, `*_test.json`.
    #[must_use]
    pub fn is(path: &str) -> bool {
        ["_test.yml", "_test.yaml", "_test.json"].iter().any(|end| path.ends_with(end))
    }

    /// Reads a file of tests.
    ///
    /// # Errors
    /// [`RulesError`] for a file that is too large, not YAML, or not a list of cases.
    pub fn read(path: &str, bytes: &[u8]) -> Result<Self, RulesError> {
        if bytes.len() > FILE_BYTES_MAX {
            let allowed = FILE_BYTES_MAX;
            return Err(RulesError::TooLarge { path: path.to_owned(), bytes: bytes.len(), allowed });
        }
        let read = yaml::read(bytes, &budget());
        let read = read.map_err(|error| RulesError::Yaml { path: path.to_owned(), error })?;
        let mut cases = Vec::new();
        for document in read {
            let line = document.lines.first();
            let wrong = |why: String| RulesError::Tests { path: path.to_owned(), line, why };
            if let Some(key) = document.duplicates.first() {
                return Err(wrong(format!("{key} stands there twice")));
            }
            let read: Vec<Case> =
                serde_json::from_value(document.value).map_err(|error| wrong(error.to_string()))?;
            for case in &read {
                case.check()
                    .map_err(|why| wrong(format!("the case {:?} of {:?} {why}", case.name, case.rule)))?;
            }
            cases.extend(read);
        }
        Ok(Self { path: path.to_owned(), cases })
    }
}

impl Case {
    fn check(&self) -> Result<(), String> {
        let events = self.events.len() + self.normalised.len();
        if events == 0 || (!self.events.is_empty() && !self.normalised.is_empty()) {
            return Err("needs events or normalised, and not both".to_owned());
        }
        if self.events.iter().chain(&self.normalised).any(|event| !event.is_object()) {
            return Err("has an event that is not a map".to_owned());
        }
        if events.saturating_mul(self.repeat) > EVENTS_MAX {
            return Err(format!("makes more than {EVENTS_MAX} events"));
        }
        if !self.at.is_empty() && (self.at.len() != events || self.repeat != 1 || !self.at.is_sorted()) {
            return Err("needs one rising time in at for each event, and no repeat".to_owned());
        }
        if self.detections.is_some_and(|detections| self.matches != (detections > 0)) {
            return Err("has detections that say something else than matches".to_owned());
        }
        Ok(())
    }

    /// The events. `source` is what the rule's log source tells; a case that names a source has that one, and so has a normalised event.
    #[must_use]
    pub fn events(&self, source: &str) -> Vec<TestEvent> {
        let source = if self.source.is_empty() { source } else { &self.source };
        let bodies = self
            .events
            .iter()
            .map(|raw| of_raw(source, raw))
            .chain(self.normalised.iter().map(of_normalised));
        let bodies: Vec<Value> = bodies.collect();
        let mut made = Vec::new();
        for round in 0..self.repeat {
            for (place, body) in bodies.iter().enumerate() {
                let count = round * bodies.len() + place;
                let seconds = self.at.get(place).copied();
                let seconds = seconds.unwrap_or_else(|| self.every.saturating_mul(count as u64));
                let own = body.get("source").and_then(Value::as_str).filter(|own| !own.is_empty());
                made.push(TestEvent {
                    id: format!("test:{count}"),
                    time: START.saturating_add(seconds.saturating_mul(SECOND)),
                    source: own.unwrap_or(source).to_owned(),
                    body: body.clone(),
                });
            }
        }
        made
    }

    /// Compares what was told with what is expected: the names or ids of rules, once for each detection. Nothing where they agree.
    #[must_use]
    pub fn judge<'t>(&self, told: impl IntoIterator<Item = &'t str>) -> Option<String> {
        let count = told.into_iter().filter(|rule| *rule == self.rule).count();
        let name = if self.name.is_empty() { String::new() } else { format!(" ({})", self.name) };
        match (self.detections, self.matches) {
            (Some(wanted), _) if wanted != count => {
                Some(format!("{}{name}: expected {wanted} detections, found {count}", self.rule))
            }
            (None, true) if count == 0 => {
                Some(format!("{}{name}: expected a detection, found none", self.rule))
            }
            (None, false) if count > 0 => {
                Some(format!("{}{name}: expected no detection, found {count}", self.rule))
            }
            _ => None,
        }
    }
}

/// What a source says, with as much of the normalised event as needs no decoder.
fn of_raw(source: &str, raw: &Value) -> Value {
    let kind = match source {
        "falco" | "kubearmor" | "guardduty" | "ocsf" => "alert",
        "tetragon" => "process.exec",
        "otlp" => "log",
        _ => "api.call",
    };
    json!({ "source": source, "kind": kind, "raw": raw })
}

/// A normalised event; one that says no kind starts a process.
fn of_normalised(event: &Value) -> Value {
    let mut members: Map<String, Value> = event.as_object().cloned().unwrap_or_default();
    members.entry("kind").or_insert_with(|| json!("process.exec"));
    members.entry("raw").or_insert_with(|| json!({}));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::{Case, START, TestFile};

    fn cases(text: &str) -> Vec<Case> {
        TestFile::read("a_test.yml", text.as_bytes()).unwrap().cases
    }

    #[test]
    fn events_have_times_and_sources() {
        let text = "- rule: a\n  events: [{x: 1}, {x: 2}]\n  every: 10\n  repeat: 2\n  matches: true\n- rule: b\n  normalised: [{process: {binary: /bin/sh}}]\n  at: [7]\n  matches: false\n";
        let cases = cases(text);
        let events = cases[0].events("okta");
        let seconds: Vec<u64> = events.iter().map(|event| (event.time - START) / 1_000_000_000).collect();
        assert_eq!(seconds, [0, 10, 20, 30]);
        assert_eq!((events[3].id.as_str(), events[3].source.as_str()), ("test:3", "okta"));
        assert_eq!(events[1].body["raw"]["x"], 2);
        let started = &cases[1].events("tetragon")[0];
        assert_eq!(
            (started.body["kind"].as_str(), started.time - START),
            (Some("process.exec"), 7_000_000_000)
        );
    }

    #[test]
    fn what_is_told_is_compared() {
        let cases = cases(
            "- {rule: a, events: [{}], matches: true}\n- {rule: a, events: [{}], matches: false}\n- {rule: a, events: [{}], matches: true, detections: 2}\n",
        );
        let judged = |told: &[&str]| {
            cases.iter().map(|case| case.judge(told.iter().copied()).is_none()).collect::<Vec<_>>()
        };
        assert_eq!(judged(&["a", "b"]), [true, false, false]);
        assert_eq!(judged(&["b"]), [false, true, false]);
        assert_eq!(judged(&["a", "a"]), [true, false, true]);
    }

    #[test]
    fn what_is_no_file_of_tests_says_where() {
        for (text, why) in [
            ("- rule: a\n  matches: true\n", "needs events"),
            ("- {rule: a, events: [1], matches: true}\n", "not a map"),
            ("- {rule: a, events: [{}], matches: true, repeat: 1000000}\n", "more than"),
            ("- {rule: a, events: [{}, {}], at: [2, 1], matches: true}\n", "rising"),
            ("- {rule: a, events: [{}], matches: true, detections: 0}\n", "something else"),
            ("- {rule: a, events: [{}], match: true}\n", "match"),
            ("a: 1\n", "line 1"),
        ] {
            let error = TestFile::read("a_test.yml", text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(why), "{text}: {error}");
        }
    }
}
