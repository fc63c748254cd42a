//! What the store keeps of a scope beside findings: resources, the snapshot, observations, assessments.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use engine::compliance::{Assessed, assess, frameworks};
use engine::graph::Graph;
use engine::posture::{Judged, Observation, PosturePlugin};
use host::Plugin;
use jiff::Timestamp;
use model::graph::AssetNode;
use model::{Finding, Gap, GapCode, Reached, RiskPlace};
use serde::Serialize;
use serde_json::{Value, json};
use store::{NewAssessment, NewPlace, NewResource, ScopeState, SeverityCounts};

use crate::evidence;

/// What a scan of a scope has at its end.
pub(crate) struct Learnt<'a> {
    /// Canonical id of the cluster or account.
    pub(crate) id: &'a str,
    /// What the ids of its resources begin with; what follows is their path.
    pub(crate) prefix: &'a str,
    /// When the scan ended.
    pub(crate) at: Timestamp,
    /// The scope as it was read.
    pub(crate) snapshot: Vec<u8>,
    /// What that is, for people.
    pub(crate) description: String,
    /// Its resources.
    pub(crate) graph: &'a Graph,
    /// Whose rules were asked.
    pub(crate) posture: &'a [PosturePlugin],
    /// Whose catalogues are asked.
    pub(crate) compliance: &'a [Plugin],
    /// What scans of its running images say.
    pub(crate) images: Seen,
    /// What makes findings there matter.
    pub(crate) places: Vec<NewPlace>,
}

/// Observations that no posture plugin made, with the rules that they name.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The rules, as evidence describes them.
    pub(crate) rules: Vec<::evidence::Rule>,
    /// What was observed.
    pub(crate) observations: Vec<Observation>,
}

/// Puts together what a scan learnt. A framework that could not be assessed becomes a gap of the report.
pub(crate) fn scope_state(learnt: Learnt<'_>, judged: &mut Judged) -> ScopeState {
    judged.observations.extend(learnt.images.observations);
    judged.observations.sort();
    let assessed = assess_all(learnt.compliance, judged);
    let by_rule = by_rule(&judged.observations);
    let assessments = assessed.iter().map(|one| assessment(one, &by_rule)).collect();
    let input = evidence::input(learnt.description, &learnt.snapshot);
    let hash = input.sha256.clone();
    let scope = evidence::Scope {
        id: learnt.id,
        at: learnt.at,
        inputs: vec![input],
        graph: learnt.graph,
        posture: learnt.posture,
        compliance: learnt.compliance,
        rules: learnt.images.rules,
    };
    let kept = evidence::assessment(scope, judged, &assessed);
    ScopeState {
        resources: resources(learnt.prefix, learnt.graph, &judged.report.findings),
        input: hash,
        snapshot: learnt.snapshot,
        evidence: match serde_json::to_vec(&kept) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                tracing::error!(error = %error, scope = learnt.id, "an assessment cannot be kept as evidence");
                None
            }
        },
        assessments,
        places: learnt.places,
    }
}

/// What makes findings on the workloads of a cluster and in their images matter.
pub(crate) fn places_of_cluster(snapshot: &cluster::Snapshot) -> Vec<NewPlace> {
    let place = |known: cluster::WorkloadPlace| NewPlace {
        path: known.path,
        images: known.images,
        place: known.place,
    };
    cluster::places(snapshot).into_iter().map(place).collect()
}

/// What makes findings on the resources of an account matter: that the internet gets there.
pub(crate) fn places_of_account(graph: &Graph) -> Vec<NewPlace> {
    let place = |node: &AssetNode| {
        let attributes: Value = serde_json::from_str(&node.attributes).ok()?;
        let exposure = match attributes.pointer("/facts/exposure").and_then(Value::as_str)? {
            "open" => Reached::Open,
            "possible" => Reached::Possible,
            _ => Reached::No,
        };
        let place = RiskPlace { exposure: Some(exposure), ..RiskPlace::default() };
        Some(NewPlace { path: node.id.clone(), images: BTreeMap::new(), place })
    };
    graph.nodes().filter_map(place).collect()
}

/// Every framework that a plugin knows.
pub(crate) fn assess_all(plugins: &[Plugin], judged: &mut Judged) -> Vec<Assessed> {
    let mut all = Vec::new();
    for plugin in plugins {
        for framework in frameworks(plugin) {
            match assess(plugin, &framework, &judged.observations, &mut judged.audit) {
                Ok(assessed) => all.push(assessed),
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
    all
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
        let rules: BTreeSet<&str> = control.proof.iter().map(|seen| seen.rule.as_str()).collect();
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
    let counts = counts(findings);
    graph.nodes().filter_map(|node| resource(prefix, node, &counts)).collect()
}

/// What was found that counts, by the path of what it is about.
pub(crate) fn counts(findings: &[Finding]) -> HashMap<&str, SeverityCounts> {
    let mut counts: HashMap<&str, SeverityCounts> = HashMap::new();
    for finding in findings.iter().filter(|finding| finding.suppressed.is_none()) {
        if let Some(evidence) = finding.evidence.first() {
            counts.entry(&evidence.path).or_default().add(finding.severity);
        }
    }
    counts
}

/// An asset as the store keeps it; nothing of those that pass within the hour, and of those outside of the scope.
pub(crate) fn resource(
    prefix: &str,
    node: &AssetNode,
    counts: &HashMap<&str, SeverityCounts>,
) -> Option<NewResource> {
    let path = node.id.strip_prefix(prefix).filter(|_| !PASSING.contains(&node.kind.as_str()))?;
    let attributes: Value = serde_json::from_str(&node.attributes).unwrap_or_default();
    let word =
        |pointer: &str| attributes.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(NewResource {
        id: node.id.clone(),
        path: path.to_owned(),
        kind: node.kind.clone(),
        namespace: word("/namespace"),
        name: word("/name"),
        exposure: word("/facts/exposure"),
        findings: counts.get(path).copied().unwrap_or_default(),
        attributes,
    })
}
