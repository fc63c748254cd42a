//! Falco's rule language over sources whose events are JSON: audit logs of Kubernetes, AWS CloudTrail, Google Cloud, Okta, GitHub.
//!
//! The platform reads the files of rules and hands over JSON; here they become programs, one for each source, and every event of a
//! source runs through its program. Nothing is remembered from event to event. README.md says what of the language is there.

mod check;
mod compile;
mod condition;
mod definitions;
mod fields;
mod json;
mod output;
mod pattern;
mod program;
mod set;
mod source;
mod time;
mod version;

use std::rc::Rc;

use palisade_sdk::{Batch, Config, Correlator, Detection, Error, Event, Item, Story, log};
use serde_json::json;

use crate::definitions::Rule;
use crate::json::{Doc, Json};
use crate::program::{Compiled, Run};
use crate::set::Set;
use crate::source::Source;

/// The manifest that is built into the component, without the rules of the pack, which the build adds.
pub const MANIFEST: &str = include_str!("../plugin.toml");
/// An event of this source is answered with a problem for everything in the rules that cannot be used or may not be meant so.
pub const CHECK: &str = "palisade-rules-check";

/// Rules that one event may match before the rest is only counted.
const MATCHES_MAX: usize = 100;
/// Detections of one call; the platform takes 10,000 records.
const DETECTIONS_MAX: usize = 8_000;
/// Problems of one call.
const PROBLEMS_MAX: usize = 1_000;

/// The plugin.
#[derive(Debug)]
pub struct FalcoRules {
    set: Rc<Set>,
}

/// A field that conditions and outputs may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldInfo {
    /// As rules write it.
    pub name: &'static str,
    /// `text`, `number` or `list`.
    pub shape: &'static str,
    /// What stands in brackets: `none`, `key`, `place` (may be left out), `pointer` or `number`.
    pub argument: &'static str,
    /// Whether it can have a value. One that needs what came before an event cannot.
    pub has_values: bool,
}

/// Every field, in the order of README.md.
#[must_use]
pub fn fields() -> Vec<FieldInfo> {
    let info = |field: &fields::Field| FieldInfo {
        name: field.name,
        shape: match field.shape {
            fields::Shape::Text => "text",
            fields::Shape::Number => "number",
            fields::Shape::List => "list",
        },
        argument: match field.argument {
            fields::Argument::No => "none",
            fields::Argument::Key => "key",
            fields::Argument::Place => "place",
            fields::Argument::Pointer => "pointer",
            fields::Argument::Number => "number",
        },
        has_values: !matches!(field.read, fields::Read::Memory),
    };
    fields::all().map(info).collect()
}

/// What loading a configuration came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Rules that work, by name, with their source; those that are not enabled too.
    pub rules: Vec<(String, String)>,
    /// Rules of sources that this plugin has no events of, by name.
    pub elsewhere: Vec<String>,
    /// What cannot be used.
    pub errors: Vec<String>,
    /// What works but may not be meant so.
    pub warnings: Vec<String>,
}

/// Loads a configuration and tells what became of its rules.
///
/// # Errors
/// It is no configuration.
pub fn load(config: &str) -> Result<Loaded, Error> {
    let set = Set::of(&Config::new(config))?;
    let problems = set.problems();
    let said = |warning| {
        problems.iter().filter(move |one| one.warning == warning).map(ToString::to_string).collect()
    };
    let broken =
        |rule: &Rule| problems.iter().any(|one| !one.warning && one.of == format!("rule {}", rule.name));
    let works = set.definitions.rules.iter().filter(|rule| !broken(rule));
    Ok(Loaded {
        rules: works.map(|rule| (rule.name.clone(), rule.source.clone())).collect(),
        elsewhere: set.definitions.elsewhere.iter().cloned().collect(),
        errors: said(false),
        warnings: said(true),
    })
}

/// The source of the platform's events that a source of rules is about.
#[must_use]
pub fn event_source(source: &str) -> Option<&'static str> {
    Source::of_rule(source).map(Source::of_event)
}

/// The id in the manifest of a rule of the pack: its name in small letters, with hyphens for what is no letter or digit.
#[must_use]
pub fn rule_id(name: &str) -> String {
    let mut id = String::with_capacity(name.len());
    for character in name.chars() {
        match character.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => id.push(c),
            _ if id.is_empty() || id.ends_with('-') => {}
            _ => id.push('-'),
        }
        if id.len() >= 100 {
            break;
        }
    }
    id.truncate(id.trim_end_matches('-').len());
    id
}

#[palisade_sdk::correlator]
impl Correlator for FalcoRules {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { set: Set::of(config)? })
    }

    fn correlate(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error> {
        let mut call = Call { set: &self.set, story, detections: 0, problems: 0 };
        for event in batch.events() {
            call.event(event);
        }
        let broken: Vec<String> = self.set.known_errors();
        if let Some(first) = broken.first() {
            log::warn(&format!(
                "{} rules or parts of rules cannot be used; the first: {first}",
                broken.len()
            ));
        }
        Ok(())
    }
}

/// One call.
struct Call<'c> {
    set: &'c Set,
    story: &'c mut Story,
    detections: usize,
    problems: usize,
}

impl Call<'_> {
    fn event(&mut self, event: Item<'_, Event>) {
        if event.source == CHECK {
            for problem in self.set.problems() {
                self.problem(event, problem.to_string());
            }
        }
        let Some(source) = Source::of_platform(&event.source) else { return };
        if let Err(what) = self.look(event, source) {
            self.problem(event, what);
        }
    }

    fn problem(&mut self, event: Item<'_, Event>, message: String) {
        self.problems += 1;
        match self.problems.cmp(&PROBLEMS_MAX) {
            std::cmp::Ordering::Less => self.story.problem(event, message),
            std::cmp::Ordering::Equal => self.story.problem(event, "there are more problems than are told"),
            std::cmp::Ordering::Greater => {}
        }
    }

    fn look(&mut self, event: Item<'_, Event>, source: Source) -> Result<(), String> {
        let program = self.set.program(source);
        if program.rules.is_empty() {
            return Ok(());
        }
        let text = std::str::from_utf8(&event.body).map_err(|_| "the event's body is not UTF-8")?;
        let doc = Doc::read(text).map_err(|what| format!("the event's body is not JSON: {what}"))?;
        let raw = doc.root().get("raw").ok_or("the event's body has no `raw`")?;
        let raw = if source == Source::AwsCloudtrail { of_envelope(raw) } else { raw };
        let run = program.run(fields::Event {
            source,
            raw,
            time: event.time,
            organization: &self.set.organization,
        });
        let matching = run.matching();
        for rule in matching.iter().take(MATCHES_MAX) {
            self.detect(event, &run, rule, doc.root());
        }
        match matching.len().saturating_sub(MATCHES_MAX) {
            0 => Ok(()),
            more => {
                Err(format!("the event matches {more} more rules than are told; at most {MATCHES_MAX} are"))
            }
        }
    }

    fn detect(&mut self, event: Item<'_, Event>, run: &Run<'_, '_>, compiled: &Compiled, body: Json<'_>) {
        let Some(rule) = self.set.definitions.rules.get(compiled.rule) else { return };
        self.detections += 1;
        if self.detections > DETECTIONS_MAX {
            let name = &rule.name;
            self.problem(
                event,
                format!(
                    "rule {name}: a call has more than {DETECTIONS_MAX} detections; this one is left out"
                ),
            );
            return;
        }
        let evidence = json!({
            "rule": rule.name,
            "source": rule.source,
            "file": &*rule.place.file,
            "line": rule.place.line,
            "priority": rule.priority.word(),
            "output": run.line(compiled),
            "fields": run.fields(compiled),
            "tags": rule.tags,
            "techniques": techniques(&rule.tags),
        });
        let id = self.set.rule_id(rule);
        let detection = Detection::new(id, rule.priority.severity(), cut(&rule.name), &event.asset);
        self.story.detect(detection.proof([event]).incident(incident(body)).evidence(&evidence));
    }
}

/// A record that came by EventBridge stands in the `detail` of its envelope.
fn of_envelope(raw: Json<'_>) -> Json<'_> {
    match raw.get("detail") {
        Some(detail) if raw.get("eventName").is_none() && detail.is_object() => detail,
        _ => raw,
    }
}

/// What an incident is about: the workload where one is known, else what is next to it. Of an image there are too many copies.
fn incident(body: Json<'_>) -> String {
    const KEYS: [&str; 5] = ["workload:", "pod:", "container:", "exec:", "principal:"];
    let joins = || body.get("joins").into_iter().flat_map(Json::items).filter_map(Json::string);
    let key = KEYS.iter().find_map(|key| joins().find(|join| join.starts_with(key)));
    key.map(|key| key.chars().take(500).collect()).unwrap_or_default()
}

/// ATT&CK techniques among the tags: `T1610`, `T1552.007`, also with words behind them (`T1490-inhibit-system-recovery`).
fn techniques(tags: &[String]) -> Vec<&str> {
    let technique = |tag: &'_ String| -> Option<usize> {
        let digits = |from: usize, count: usize| {
            tag.as_bytes().get(from..from + count).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
        };
        let whole = |end: usize| !tag.as_bytes().get(end).is_some_and(u8::is_ascii_alphanumeric);
        let sub = tag.as_bytes().get(5) == Some(&b'.') && digits(6, 3);
        let end = if sub { 9 } else { 5 };
        (tag.starts_with('T') && digits(1, 4) && whole(end)).then_some(end)
    };
    tags.iter().filter_map(|tag| tag.get(..technique(tag)?)).collect()
}

fn cut(text: &str) -> String {
    shown(text).chars().take(300).collect()
}

/// A stranger's text for people: control characters are replaced, and it is cut.
pub(crate) fn shown(text: &str) -> String {
    const BYTES_MAX: usize = 1_500;
    let part = text.get(..text.floor_char_boundary(BYTES_MAX)).unwrap_or_default();
    let more = if part.len() < text.len() { "…" } else { "" };
    let plain: String = part.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{plain}{more}")
}

#[cfg(test)]
mod tests {
    use super::{rule_id, techniques};

    #[test]
    fn techniques_are_found_among_tags() {
        let tags = [
            "T1610",
            "T1552.007",
            "T1490-inhibit-system-recovery",
            "TA0005-evasion",
            "T16101",
            "k8s",
            "T1611x",
        ];
        let tags = tags.map(str::to_owned);
        assert_eq!(techniques(&tags), ["T1610", "T1552.007", "T1490"]);
    }

    #[test]
    fn names_become_ids() {
        assert_eq!(rule_id("  Exec / attach into a Pod!"), "exec-attach-into-a-pod");
        assert_eq!(rule_id("ü"), "");
    }
}
