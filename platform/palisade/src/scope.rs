//! What the store keeps of a scope beside findings: resources, the snapshot, observations, assessments.

use std::collections::{BTreeMap, HashMap};

use engine::compliance::{Assessed, assess, frameworks};
use engine::graph::Graph;
use engine::posture::{Judged, Observation};
use host::Plugin;
use model::{Finding, Gap, GapCode};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::{NewAssessment, NewResource, ScopeState, SeverityCounts};

/// Puts together what a scan learnt. A framework that could not be assessed becomes a gap of the report.
pub(crate) fn scope_state(
    prefix: &str,
    snapshot: Vec<u8>,
    graph: &Graph,
    judged: &mut Judged,
    plugins: &[Plugin],
) -> ScopeState {
    let mut assessments = Vec::new();
    let by_rule = by_rule(&judged.observations);
    for plugin in plugins {
        for framework in frameworks(plugin) {
            match assess(plugin, &framework, &judged.observations) {
                Ok(assessed) => assessments.push(assessment(&assessed, &by_rule)),
                Err(fault) => {
                    let reason = format!("it was not assessed: {} ({})", fault.message, fault.kind.as_str());
                    let subject = format!("{} {framework}", plugin.manifest().id);
                    judged.report.coverage.gaps.push(Gap { code: GapCode::CheckError, subject, reason });
                    judged.report.coverage.complete = false;
                }
            }
        }
    }
    judged.report.coverage.gaps.sort();
    ScopeState {
        resources: resources(prefix, graph, &judged.report.findings),
        input: hex::encode(Sha256::digest(&snapshot)),
        snapshot,
        observations: kept(&judged.observations),
        assessments,
    }
}

/// Kinds of which a cluster has thousands that nobody owns and that are gone within the hour.
const PASSING: [&str; 3] = ["Event", "Event.events.k8s.io", "Lease.coordination.k8s.io"];

/// What one rule said of all resources.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Told {
    failed: u64,
    passed: u64,
    unknown: u64,
}

fn by_rule(observations: &[Observation]) -> HashMap<&str, Told> {
    let mut all: HashMap<&str, Told> = HashMap::new();
    for seen in observations {
        let told = all.entry(&seen.rule).or_default();
        *match seen.failed {
            Some(true) => &mut told.failed,
            Some(false) => &mut told.passed,
            None => &mut told.unknown,
        } += 1;
    }
    all
}

/// The proof of a control is told by rule: which resources they were is what the findings say.
fn assessment(assessed: &Assessed, by_rule: &HashMap<&str, Told>) -> NewAssessment {
    let control = |control: &engine::compliance::Control| {
        let rules: std::collections::BTreeSet<&str> =
            control.proof.iter().map(|seen| seen.rule.as_str()).collect();
        let proof = rules.into_iter().map(|rule| {
            let told = by_rule.get(rule).copied().unwrap_or_default();
            json!({ "rule": rule, "failed": told.failed, "passed": told.passed, "unknown": told.unknown })
        });
        let title = control.rationale.split_once(": ").map_or("", |(title, _)| title);
        json!({
            "control": control.control,
            "title": title,
            "status": control.status,
            "rationale": control.rationale,
            "proof": proof.collect::<Vec<_>>(),
        })
    };
    NewAssessment {
        framework: assessed.framework.clone(),
        summary: json!(assessed.summary),
        controls: assessed.controls.iter().map(control).collect(),
    }
}

/// Every asset of the scope with what was found on it.
fn resources(prefix: &str, graph: &Graph, findings: &[Finding]) -> Vec<NewResource> {
    let mut counts: HashMap<&str, SeverityCounts> = HashMap::new();
    for finding in findings.iter().filter(|finding| finding.suppressed.is_none()) {
        if let Some(evidence) = finding.evidence.first() {
            counts.entry(&evidence.path).or_default().add(finding.severity);
        }
    }
    let lasting = graph.nodes().filter(|node| !PASSING.contains(&node.kind.as_str()));
    let nodes = lasting.filter_map(|node| Some((node, node.id.strip_prefix(prefix)?)));
    nodes
        .map(|(node, path)| {
            let attributes: Value = serde_json::from_str(&node.attributes).unwrap_or_default();
            let word = |pointer: &str| {
                attributes.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            NewResource {
                id: node.id.clone(),
                path: path.to_owned(),
                kind: node.kind.clone(),
                namespace: word("/namespace"),
                name: word("/name"),
                exposure: word("/facts/exposure"),
                findings: counts.get(path).copied().unwrap_or_default(),
                attributes,
            }
        })
        .collect()
}

/// Observations by rule, which names every asset once.
fn kept(observations: &[Observation]) -> Vec<u8> {
    let mut assets: BTreeMap<&str, usize> = observations.iter().map(|seen| (&*seen.asset, 0)).collect();
    assets.values_mut().enumerate().for_each(|(place, slot)| *slot = place);
    let mut rules: BTreeMap<&str, [Vec<usize>; 3]> = BTreeMap::new();
    for seen in observations {
        let lists = rules.entry(&seen.rule).or_default();
        let list = match seen.failed {
            Some(true) => &mut lists[0],
            Some(false) => &mut lists[1],
            None => &mut lists[2],
        };
        list.extend(assets.get(&*seen.asset));
    }
    let rules: BTreeMap<&str, Value> = rules
        .into_iter()
        .map(|(rule, [failed, passed, unknown])| {
            (rule, json!({ "failed": failed, "passed": passed, "unknown": unknown }))
        })
        .collect();
    let assets: Vec<&str> = assets.into_keys().collect();
    json!({ "schema": 1, "assets": assets, "rules": rules }).to_string().into_bytes()
}
