//! What the models share: identifiers, texts, metadata, observations, risks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha1::{Digest as _, Sha1};
use uuid::{Builder, Uuid};

use super::{Sla, VERSION};
use crate::assessment::Seen;
use crate::canonical;
use crate::error::EvidenceError;
use crate::judged::{Judged, JudgedControl, JudgedFramework, JudgedRule};
use crate::trend::Trend;

/// Namespace of our properties. It names; nothing is there.
pub(super) const NS: &str = "https://palisade.invalid/ns/oscal";

/// Namespace of our UUIDs, made once at random.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_1f2a_83d4_4e0b_9a57_2c4f_7d1e_b860);

/// Assets of a rule that are named with it. All of them are in the records of evidence.
pub(super) const SUBJECTS_MAX: usize = 50;

/// The UUID (version 5, RFC 9562) of what these words stand for. The number of words and of their bytes is part of the name.
pub(super) fn uuid(words: &[&str]) -> String {
    let mut hash = Sha1::new_with_prefix(NAMESPACE.as_bytes());
    for word in words {
        hash.update((word.len() as u64).to_be_bytes());
        hash.update(word.as_bytes());
    }
    let mut bytes = [0_u8; 16];
    bytes.iter_mut().zip(hash.finalize()).for_each(|(byte, of_hash)| *byte = of_hash);
    Builder::from_sha1_bytes(bytes).into_uuid().to_string()
}

/// One line that is neither empty nor ends in space: what properties may hold.
pub(super) fn string(text: &str) -> String {
    let cleaned: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = cleaned.split_whitespace().collect();
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

/// The same as a line of Markdown that shows exactly these letters.
pub(super) fn line(text: &str) -> String {
    let mut out = String::new();
    for letter in string(text).chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '#' | '!' | '|' | '~') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// A control's id as a token of OSCAL.
pub(super) fn token(framework: &str, control: &str) -> String {
    let nist = framework.starts_with("nist-800-53");
    let control = if nist { control.to_lowercase() } else { control.to_owned() };
    let mut out = String::new();
    for letter in control.chars() {
        match letter {
            ')' => {}
            '(' => out.push('.'),
            letter if letter.is_alphanumeric() || "._-".contains(letter) => out.push(letter),
            _ => out.push('_'),
        }
    }
    if !out.starts_with(|first: char| first.is_alphabetic() || first == '_') {
        out.insert(0, '_');
    }
    out
}

/// What a finding is about. NIST's catalogue calls the statement of a control `ac-2_smt`.
pub(super) fn statement(framework: &str, control: &str) -> String {
    let token = token(framework, control);
    if framework.starts_with("nist-800-53") { format!("{token}_smt") } else { token }
}

pub(super) fn prop(name: &str, value: &str) -> Value {
    json!({ "name": name, "ns": NS, "value": string(value) })
}

/// An object without its empty lists, which the models do not allow.
pub(super) fn without_empty(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    Value::Object(fields.into_iter().filter(|(_, value)| !empty(value)).collect::<Map<_, _>>())
}

/// The document as it is written: canonical JSON with a line feed.
pub(super) fn document(name: &str, body: Value) -> Result<Vec<u8>, EvidenceError> {
    let text = canonical::write(&json!({ name: body }))
        .ok_or_else(|| EvidenceError::assessment(format!("{name} has a number that JSON does not keep")))?;
    Ok((text + "\n").into_bytes())
}

pub(super) fn metadata(judged: &Judged<'_>, title: &str) -> Value {
    let assessment = judged.assessment;
    json!({
        "title": line(title),
        "last-modified": assessment.time.to_string(),
        "version": string(&assessment.time.to_string()),
        "oscal-version": VERSION,
        "props": [prop("scope", &assessment.scope), prop("collector", &collector(judged))],
    })
}

fn collector(judged: &Judged<'_>) -> String {
    let collector = &judged.assessment.collector;
    let digest = collector.digest.as_deref().unwrap_or("digest not known");
    format!("{} {} ({digest})", collector.name, collector.version)
}

/// Names the whole content, so that another content is another document.
pub(super) fn content(judged: &Judged<'_>) -> Result<String, EvidenceError> {
    let exceptions: Vec<_> = judged.applied.standings.iter().map(|(exception, _)| exception).collect();
    let bytes = canonical::bytes(&(judged.assessment, exceptions)).map_err(EvidenceError::assessment)?;
    Ok(canonical::sha256(&bytes))
}

pub(super) fn tool(judged: &Judged<'_>) -> String {
    let collector = &judged.assessment.collector;
    uuid(&["tool", &collector.name, &collector.version, collector.digest.as_deref().unwrap_or_default()])
}

/// The collector as the component that does the checks.
pub(super) fn assets(judged: &Judged<'_>) -> Value {
    let (tool, collector) = (tool(judged), &judged.assessment.collector);
    json!({
        "components": [{
            "uuid": tool,
            "type": "software",
            "title": line(&format!("{} {}", collector.name, collector.version)),
            "description": "Collects inputs and runs the checks.",
            "status": { "state": "operational" },
        }],
        "assessment-platforms": [{
            "uuid": uuid(&["platform", &tool]),
            "title": line(&collector.name),
            "uses-components": [{ "component-uuid": tool }],
        }],
    })
}

fn origins(judged: &Judged<'_>) -> Value {
    json!([{ "actors": [{ "type": "tool", "actor-uuid": tool(judged) }] }])
}

pub(super) fn observation_id(judged: &Judged<'_>, place: &str, rule: &str) -> String {
    uuid(&["observation", place, &judged.assessment.scope, &judged.assessment.time.to_string(), rule])
}

fn item_id(place: &str, asset: &str) -> String {
    uuid(&["inventory-item", place, asset])
}

/// What a rule saw: counts, and the first assets on which it failed, which are added to `named`. `place` keeps UUIDs of several parts of one
/// document apart.
pub(super) fn observation<'a>(
    judged: &Judged<'a>,
    place: &str,
    rule: &JudgedRule<'a>,
    named: &mut BTreeSet<&'a str>,
) -> Value {
    let assessment = judged.assessment;
    let failed = rule.observations.iter().filter_map(|at| {
        let seen = assessment.observations.get(*at).filter(|seen| seen.outcome == Seen::Fail)?;
        Some((seen, judged.applied.accepted.get(*at).copied().flatten()))
    });
    let subjects: Vec<Value> = failed
        .take(SUBJECTS_MAX)
        .map(|(seen, exception)| {
            named.insert(&seen.asset);
            let result =
                exception.map_or("fail".to_owned(), |e| format!("fail, accepted by exception {}", e.id));
            json!({
                "subject-uuid": item_id(place, &seen.asset),
                "type": "inventory-item",
                "title": line(&seen.asset),
                "props": [prop("result", &result)],
            })
        })
        .collect();
    let (proof, failures) = (rule.proof, rule.proof.fail + rule.proof.accepted);
    let mut told = format!(
        "{} assets passed, {} failed, {} failed and are accepted by exceptions, and on {} the check could not be done.",
        proof.pass, proof.fail, proof.accepted, proof.error
    );
    if failures > SUBJECTS_MAX as u64 {
        told.push_str(&format!(
            " {SUBJECTS_MAX} of the {failures} failures are named; the records of evidence name all."
        ));
    }
    without_empty(json!({
        "uuid": observation_id(judged, place, &rule.rule.id),
        "title": line(&rule.rule.title),
        "description": told,
        "props": [
            prop("rule-id", &rule.rule.id),
            prop("rule-version", &rule.rule.version),
            prop("rule-digest", &rule.rule.digest),
            prop("severity", rule.rule.severity.as_str()),
        ],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "origins": origins(judged),
        "subjects": subjects,
        "collected": assessment.time.to_string(),
    }))
}

/// The assets that observations name.
pub(super) fn inventory(place: &str, named: &BTreeSet<&str>) -> Vec<Value> {
    let item = |asset: &&str| {
        json!({
            "uuid": item_id(place, asset),
            "description": line(asset),
            "props": [prop("canonical-asset-id", asset)],
        })
    };
    named.iter().map(item).collect()
}

/// The rules of these controls that saw anything, by id.
pub(super) fn rules_of<'a, 'b>(
    judged: &'b Judged<'a>,
    controls: impl Iterator<Item = &'b JudgedControl<'a>>,
) -> BTreeMap<&'a str, &'b JudgedRule<'a>> {
    let named = controls.flat_map(|control| &control.control.rules);
    let known = named.filter_map(|rule| judged.rules.get_key_value(rule.as_str()));
    known.filter(|(_, rule)| !rule.observations.is_empty()).map(|(id, rule)| (*id, rule)).collect()
}

pub(super) fn related(judged: &Judged<'_>, place: &str, control: &JudgedControl<'_>) -> Vec<Value> {
    let rules = rules_of(judged, std::iter::once(control));
    rules.keys().map(|rule| json!({ "observation-uuid": observation_id(judged, place, rule) })).collect()
}

/// The risk of a control: the same UUID in every assessment of the scope.
pub(super) fn risk_id(judged: &Judged<'_>, framework: &str, control: &str) -> String {
    uuid(&["risk", &judged.assessment.scope, framework, control])
}

/// When what is open is due, and why then.
pub(super) struct Due<'a> {
    pub(super) sla: Sla,
    pub(super) trends: &'a BTreeMap<String, Trend>,
}

impl Due<'_> {
    fn of(&self, judged: &Judged<'_>, framework: &str, control: &JudgedControl<'_>) -> Option<Timestamp> {
        let due = self.sla.due(control, framework, self.trends, judged.assessment.time)?;
        // The models know years from 1900 to 2999.
        (1900..3000).contains(&due.to_zoned(jiff::tz::TimeZone::UTC).year()).then_some(due)
    }
}

pub(super) fn risk(
    judged: &Judged<'_>,
    place: &str,
    framework: &JudgedFramework<'_>,
    control: &JudgedControl<'_>,
    due: &Due<'_>,
) -> Value {
    let (id, name) = (&framework.framework.id, &control.control.control);
    let mut described = line(&control.control.rationale);
    for exception in &control.exceptions {
        let until = exception.expires_at.map(|end| end.to_string()).unwrap_or_default();
        described.push_str("\n\n");
        described.push_str(&line(&format!(
            "Exception {}: {} Owner {}, approved by {} on {}, until {until}.",
            exception.id,
            exception.reason,
            exception.owner,
            exception.approver.as_deref().unwrap_or_default(),
            exception.approved_at,
        )));
    }
    without_empty(json!({
        "uuid": risk_id(judged, id, name),
        "title": line(&format!("{name} is {}", control.control.status.words())),
        "description": described,
        "statement": line(&format!("{} of {}: {}", name, framework.framework.name, control.control.rationale)),
        "props": [prop("severity", control.severity.as_str()), prop("framework", id), prop("label", name)],
        "status": if control.accepted { "deviation-approved" } else { "open" },
        "origins": origins(judged),
        "deadline": due.of(judged, id, control).map(|due| due.to_string()),
        "related-observations": related(judged, place, control),
    }))
}
