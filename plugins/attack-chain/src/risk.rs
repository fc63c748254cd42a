//! What makes a detection dangerous where it happened: what is known of the workload beside it.
//!
//! A statement depends on the one detection and on the asset graph, so that no order of detections matters.

use palisade_sdk::{Detection, Event, Item, Severity, Story};
use serde_json::{Map, Value, json};

use crate::ask::{Assets, Known};
use crate::journal::{severity_of, short};
use crate::keys::Joined;
use crate::seen::Seen;
use crate::settings::{Settings, rank};

/// Steps of a path that are told.
const STEPS_MAX: usize = 24;
/// Rows of a list of findings that are told.
const WORST_MAX: usize = 5;
/// Members of the answer about a workload that are evidence.
const PARTS: [&str; 5] = ["image-findings", "posture-findings", "exposure", "rights", "escape"];

/// What is known of a workload.
struct Context<'a> {
    id: &'a str,
    attributes: Known<&'a Map<String, Value>>,
}

impl<'a> Context<'a> {
    /// A part of it, unless nobody knows it.
    fn part(&self, name: &str) -> Option<&'a Map<String, Value>> {
        let part = self.attributes.as_ref().ok()?.get(name)?.as_object()?;
        (!part.contains_key("unknown")).then_some(part)
    }

    /// Every part, or why it is not known.
    fn told(&self) -> Value {
        let parts = PARTS.into_iter().map(|name| {
            let value = match &self.attributes {
                Err(why) => json!({ "unknown": short(why) }),
                Ok(attributes) => match attributes.get(name) {
                    Some(value) if value.is_object() => bounded(value),
                    _ => json!({ "unknown": "nothing is said of it" }),
                },
            };
            (name.to_owned(), value)
        });
        let mut all: Map<String, Value> = parts.collect();
        all.insert("workload".to_owned(), json!(self.id));
        Value::Object(all)
    }

    /// The best that traffic from the internet can hope for: `open` or `possible`.
    fn exposed(&self) -> Option<&'a str> {
        let verdict = self.part("exposure")?.get("verdict")?.as_str()?;
        matches!(verdict, "open" | "possible").then_some(verdict)
    }

    /// The first vulnerability that is known to be exploited.
    fn exploited(&self) -> Option<&'a Value> {
        let images = self.part("image-findings")?.get("images")?.as_array()?;
        let worst = images.iter().filter_map(|image| image.get("worst")?.as_array()).flatten();
        worst.into_iter().find(|finding| finding.get("exploited") == Some(&Value::Bool(true)))
    }

    /// How far the identity leads: `cluster-admin`, `node`, `other-namespace`, `cloud`.
    fn reach(&self) -> Option<&'a str> {
        let rights = self.part("rights")?;
        let reach = rights.get("reach").and_then(Value::as_str).unwrap_or_default();
        let cloud = rights.get("cloud").and_then(Value::as_array).is_some_and(|roles| !roles.is_empty());
        match reach {
            "cluster-admin" | "node" | "other-namespace" => Some(reach),
            _ => cloud.then_some("cloud"),
        }
    }

    fn path(&self, part: &str) -> Vec<Value> {
        let path = self.part(part).and_then(|part| part.get("path")).and_then(Value::as_array);
        path.into_iter().flatten().take(STEPS_MAX).cloned().collect()
    }

    /// From the internet to the workload, by the best way.
    fn way_in(&self) -> Vec<Value> {
        let best = || self.part("exposure")?.get("entries")?.as_array()?.first()?.as_object();
        let Some(entry) = best() else { return Vec::new() };
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let ids: Vec<&str> = entry
            .get("path")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let port = entry.get("port").and_then(Value::as_u64).unwrap_or_default();
        let mut from = "internet";
        let mut way = Vec::new();
        for to in ids.into_iter().take(STEPS_MAX) {
            let why = if from == "internet" {
                format!("{} on port {port}", text("door"))
            } else {
                short(text("why"))
            };
            way.push(json!({ "from": from, "to": to, "edge": "exposes", "why": why, "proof": to }));
            from = to;
        }
        way
    }
}

/// Lists of an answer, cut: evidence has room for so much.
fn bounded(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().take(40).map(|(key, value)| (short(key), bounded(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().take(WORST_MAX.max(8)).map(bounded).collect()),
        Value::String(text) => Value::String(short(text)),
        other => other.clone(),
    }
}

/// Says what makes a detection dangerous.
pub(crate) fn explain(
    event: Item<'_, Event>,
    seen: &Seen,
    joined: &Joined,
    assets: &Assets,
    settings: &Settings,
    story: &mut Story,
) {
    if rank(seen.severity) < rank(settings.minimum()) {
        return;
    }
    let Some(workload) = &joined.workload else { return };
    let described = assets.describe(workload);
    let attributes = match &*described {
        Ok(value) => value.as_object().ok_or_else(|| "the answer is no object".to_owned()),
        Err(why) => Err(why.clone()),
    };
    let context = Context { id: workload, attributes };
    let base = rank(seen.severity);
    let mut state = |rule: &str, severity: u8, title: String, path: Vec<Value>, decided: Value| {
        let evidence = json!({
            "detections": [seen.id],
            "because": decided,
            "severityBefore": word(seen.severity),
            "techniques": seen.techniques,
            "path": path,
            "context": context.told(),
        });
        let detection = Detection::new(rule, severity_of(severity.max(base)), title, workload);
        story.detect(detection.proof([event]).incident(&seen.key).evidence(&evidence));
    };
    let happened = happened(seen, workload);
    let (high, critical) = (rank(Severity::High), rank(Severity::Critical));
    if let (Some(verdict), Some(exploited)) = (context.exposed(), context.exploited()) {
        let severity = if verdict == "open" { critical } else { high.max(base + 1).min(critical) };
        let title = format!(
            "{} on a workload that is exposed and has a vulnerability known to be exploited",
            short(&seen.title)
        );
        let path = context.way_in().into_iter().chain([happened.clone()]).collect();
        state(
            "exposed-and-exploitable",
            severity,
            title,
            path,
            json!({ "exposure": verdict, "vulnerability": bounded(exploited) }),
        );
    }
    if let Some(reach) = context.reach() {
        let severity = match reach {
            "cluster-admin" if base >= high => critical,
            _ => high,
        };
        let title = format!("{} on a workload whose identity leads to {}", short(&seen.title), goal(reach));
        let path = [happened.clone()].into_iter().chain(context.path("rights")).collect();
        state("credential-reach", severity, title, path, json!({ "reach": reach }));
    }
    let way_out = context.path("escape");
    if !way_out.is_empty() {
        let seen_out = seen.is_about("T1611");
        let title = format!("{} on a workload from which a way leads to its node", short(&seen.title));
        let path = [happened].into_iter().chain(way_out).collect();
        state(
            "escape-path",
            if seen_out { critical } else { high },
            title,
            path,
            json!({ "seen": seen_out }),
        );
    }
}

/// Who did it to the workload, as a step.
fn happened(seen: &Seen, workload: &str) -> Value {
    let from = match &seen.principal {
        Some(principal) => format!("principal:{principal}"),
        None if seen.key.is_empty() => "attacker".to_owned(),
        None => seen.key.clone(),
    };
    json!({ "from": short(&from), "to": workload, "edge": seen.entered.map_or("detected", |_| "entered"),
        "why": short(&seen.title), "proof": seen.id })
}

fn goal(reach: &str) -> &'static str {
    match reach {
        "cluster-admin" => "every right in the cluster",
        "node" => "a node",
        "other-namespace" => "other namespaces",
        _ => "a cloud",
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown => "unknown",
        Severity::None => "none",
        Severity::Negligible => "negligible",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}
