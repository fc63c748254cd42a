//! Assessment results: what was seen, and which controls it speaks for or against.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Sla;
use super::common::{
    Due, assets, content, document, inventory, line, metadata, observation, prop, related, risk, risk_id,
    rules_of, statement, token, uuid, without_empty,
};
use crate::assessment::Status;
use crate::error::EvidenceError;
use crate::judged::{Judged, JudgedControl, JudgedFramework};
use crate::trend::Trend;

/// An assessment with one result for each framework. Controls that nothing could be told of have no finding, and are counted in the remarks.
/// A control that is accepted is `not-satisfied`, and its risk `deviation-approved`.
///
/// # Errors
/// [`EvidenceError::Assessment`] where there is no framework, or it cannot be written.
pub fn assessment_results(
    judged: &Judged<'_>,
    trends: &BTreeMap<String, Trend>,
    sla: Sla,
) -> Result<Vec<u8>, EvidenceError> {
    if judged.frameworks.is_empty() {
        return Err(EvidenceError::assessment("assessment results are about a framework, and there is none"));
    }
    let due = Due { sla, trends };
    let plan = uuid(&["assessment-plan", &judged.assessment.scope]);
    let results: Vec<Value> =
        judged.frameworks.iter().map(|framework| result(judged, framework, &due)).collect();
    let body = json!({
        "uuid": uuid(&["assessment-results", &content(judged)?]),
        "metadata": metadata(judged, "Assessment results"),
        "import-ap": { "href": format!("#{plan}"), "remarks": "There is no assessment plan in OSCAL: all rules are run on everything that is collected." },
        "results": results,
        "back-matter": { "resources": [{ "uuid": plan, "title": "Assessment plan", "description": "Every rule of the component definition is run on every asset of the scope." }] },
    });
    document("assessment-results", body)
}

fn result(judged: &Judged<'_>, framework: &JudgedFramework<'_>, due: &Due<'_>) -> Value {
    // The tool is described once in a document; the other results refer to it.
    let first = judged.frameworks.first().is_some_and(|first| first.framework == framework.framework);
    let (id, assessment) = (framework.framework.id.as_str(), judged.assessment);
    let controls: Vec<&JudgedControl<'_>> =
        framework.controls.iter().filter(|control| control.told()).collect();
    let mut named = BTreeSet::new();
    let rules = rules_of(judged, controls.iter().copied());
    let observations: Vec<Value> =
        rules.values().map(|rule| observation(judged, id, rule, &mut named)).collect();
    let open = controls.iter().filter(|control| control.control.status.open());
    let risks: Vec<Value> = open.map(|control| risk(judged, id, framework, control, due)).collect();
    let findings: Vec<Value> = controls.iter().map(|control| finding(judged, framework, control)).collect();
    let (reviewed, described) = match controls.is_empty() {
        true => (framework.controls.iter().collect(), "Nothing could be told of any of these controls."),
        false => (controls, "Controls that something could be told of."),
    };
    let include: Vec<Value> =
        reviewed.iter().map(|control| json!({ "control-id": token(id, &control.control.control) })).collect();
    let time = assessment.time.to_string();
    without_empty(json!({
        "uuid": uuid(&["result", &assessment.scope, &time, id]),
        "title": line(&framework.framework.name),
        "description": line(&format!("{} {}, {}", framework.framework.name, framework.framework.version, assessment.scope)),
        "start": time,
        "end": time,
        "props": [prop("framework", id), prop("catalogue", &framework.framework.catalogue)],
        "local-definitions": without_empty(json!({
            "inventory-items": inventory(id, &named),
            "assessment-assets": first.then(|| assets(judged)),
        })),
        "reviewed-controls": {
            "control-selections": [{ "description": described, "include-controls": include }],
        },
        "observations": observations,
        "risks": risks,
        "findings": findings,
        "remarks": line(&framework.summary.words()),
    }))
}

fn finding(judged: &Judged<'_>, framework: &JudgedFramework<'_>, control: &JudgedControl<'_>) -> Value {
    let (id, name) = (framework.framework.id.as_str(), control.control.control.as_str());
    let met = control.control.status == Status::Met;
    let remarks = match (control.control.status, control.accepted) {
        (_, true) => "Every failure is accepted by an exception.",
        (Status::Partly, false) => "Some of it is as it should be.",
        (Status::Met, _) => "All that could be checked is as it should be.",
        _ => "Nothing of it is as it should be.",
    };
    let risks: Vec<Value> =
        (!met).then(|| json!({ "risk-uuid": risk_id(judged, id, name) })).into_iter().collect();
    let target = json!({
        "type": "statement-id",
        "target-id": statement(id, name),
        "props": [prop("label", name)],
        "status": {
            "state": if met { "satisfied" } else { "not-satisfied" },
            "reason": if met { "pass" } else { "fail" },
            "remarks": remarks,
        },
    });
    without_empty(json!({
        "uuid": uuid(&["finding", &judged.assessment.scope, &judged.assessment.time.to_string(), id, name]),
        "title": line(&format!("{name} is {}", control.control.status.words())),
        "description": line(&control.control.rationale),
        "target": target,
        "related-observations": related(judged, id, control),
        "related-risks": risks,
    }))
}
