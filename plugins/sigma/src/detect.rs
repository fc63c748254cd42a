//! What is told: detections with the asset at risk, the incident and the evidence.

use palisade_sdk::Detection;
use serde_json::{Value, json};

use crate::correlation::run::Hit;
use crate::json::Json;
use crate::rule::About;
use crate::set::{Known, Rule, RuleIds};
use crate::subject::Subject;
use crate::text::plain;

/// Fields that are told of, and their longest value, in bytes.
const FIELDS_MAX: usize = 20;
const VALUE_BYTES_MAX: usize = 256;

/// Joins that name what a story is about, the one that most events of it share first. A container comes and goes with its pod, and
/// an image runs in many places.
const JOINS: [&str; 5] = ["workload:", "pod:", "container:", "principal:", "image:"];

/// Under which key events like this one belong together.
pub(crate) fn incident(body: &Json<'_>, asset: &str) -> String {
    let joins = match body.get("joins") {
        Some(Json::List(joins)) => joins.as_slice(),
        _ => &[],
    };
    let begins = |kind: &&str| joins.iter().filter_map(Json::text).find(|join| join.starts_with(*kind));
    JOINS.iter().find_map(begins).unwrap_or(asset).to_owned()
}

/// A detection of a rule over single events.
pub(crate) fn of_rule(
    rule: &Rule,
    subject: &Subject<'_>,
    asset: &str,
    incident: &str,
    ids: RuleIds,
) -> Detection {
    let matched: Vec<Value> = rule
        .detection
        .items
        .iter()
        .filter_map(|item| {
            let value = item.compare(subject).filter(|value| !value.is_empty() && !item.negated)?;
            Some(json!({ "field": item.label, "value": plain(value, VALUE_BYTES_MAX) }))
        })
        .take(FIELDS_MAX)
        .collect();
    let mut evidence = about(&rule.about);
    evidence.insert("matched".to_owned(), Value::Array(matched));
    made(&rule.about, "sigma-detection", asset, incident, ids).evidence(&evidence)
}

/// A detection of a correlation.
pub(crate) fn of_correlation(known: &Known, hit: &Hit, ids: RuleIds) -> Detection {
    let correlation = &known.correlation;
    let group: serde_json::Map<String, Value> = correlation
        .group_by
        .iter()
        .zip(&hit.group)
        .map(|(name, value)| (plain(name, 200), Value::String(plain(value, VALUE_BYTES_MAX))))
        .collect();
    let mut evidence = about(&correlation.about);
    evidence.insert("rules".to_owned(), json!(correlation.rules));
    evidence.insert("group".to_owned(), Value::Object(group));
    evidence.insert("count".to_owned(), json!(hit.held.count));
    if hit.held.estimate {
        evidence.insert("estimate".to_owned(), json!(true));
    }
    evidence.insert("timespanSeconds".to_owned(), json!(correlation.timespan / 1_000_000_000));
    evidence.insert("events".to_owned(), json!(hit.held.ids));
    made(&correlation.about, "sigma-correlation", &hit.asset, &hit.incident, ids).evidence(&evidence)
}

fn made(about: &About, rule: &str, asset: &str, incident: &str, ids: RuleIds) -> Detection {
    let rule = if ids == RuleIds::Rule { &about.name } else { rule };
    Detection::new(rule, about.severity, &about.title, asset).incident(incident)
}

fn about(about: &About) -> serde_json::Map<String, Value> {
    let members = json!({
        "ruleId": about.id,
        "ruleName": about.name,
        "techniques": about.techniques,
        "tags": about.tags,
        "references": about.references,
        "source": about.source,
    });
    match members {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !empty(value)).collect(),
        _ => serde_json::Map::new(),
    }
}

fn empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
