//! Plan of action and milestones: what is open, and until when.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Sla;
use super::common::{
    Due, NS, assets, content, document, inventory, line, metadata, observation, prop, related, risk, risk_id,
    rules_of, uuid, without_empty,
};
use crate::error::EvidenceError;
use crate::judged::{Judged, JudgedControl, JudgedFramework};
use crate::trend::Trend;

/// UUIDs of one POA&M are those of one part.
const PLACE: &str = "poam";

/// One item, with its risk and the day it is due, for every control that is not met or partly met, accepted ones included. Nothing where
/// there is none: the model knows no empty plan.
///
/// # Errors
/// [`EvidenceError::Assessment`] where it cannot be written.
pub fn plan_of_action(
    judged: &Judged<'_>,
    trends: &BTreeMap<String, Trend>,
    sla: Sla,
) -> Result<Option<Vec<u8>>, EvidenceError> {
    let due = Due { sla, trends };
    let controls = judged
        .frameworks
        .iter()
        .flat_map(|framework| framework.controls.iter().map(move |control| (framework, control)));
    let open: Vec<(&JudgedFramework<'_>, &JudgedControl<'_>)> =
        controls.filter(|(_, control)| control.control.status.open()).collect();
    if open.is_empty() {
        return Ok(None);
    }
    let mut named = BTreeSet::new();
    let rules = rules_of(judged, open.iter().map(|(_, control)| *control));
    let observations: Vec<Value> =
        rules.values().map(|rule| observation(judged, PLACE, rule, &mut named)).collect();
    let risks: Vec<Value> =
        open.iter().map(|(framework, control)| risk(judged, PLACE, framework, control, &due)).collect();
    let items: Vec<Value> =
        open.iter().map(|(framework, control)| item(judged, framework, control)).collect();
    let body = without_empty(json!({
        "uuid": uuid(&["plan-of-action-and-milestones", &content(judged)?]),
        "metadata": metadata(judged, "Plan of action and milestones"),
        "system-id": { "identifier-type": NS, "id": super::common::string(&judged.assessment.scope) },
        "local-definitions": without_empty(json!({
            "inventory-items": inventory(PLACE, &named),
            "assessment-assets": assets(judged),
        })),
        "observations": observations,
        "risks": risks,
        "poam-items": items,
    }));
    document("plan-of-action-and-milestones", body).map(Some)
}

fn item(judged: &Judged<'_>, framework: &JudgedFramework<'_>, control: &JudgedControl<'_>) -> Value {
    let (id, name) = (framework.framework.id.as_str(), control.control.control.as_str());
    let exceptions = control.exceptions.iter().map(|exception| prop("exception", &exception.id));
    let props: Vec<Value> =
        [prop("framework", id), prop("label", name)].into_iter().chain(exceptions).collect();
    without_empty(json!({
        "uuid": uuid(&["poam-item", &judged.assessment.scope, id, name]),
        "title": line(&format!("{name} of {}", framework.framework.name)),
        "description": line(&control.control.rationale),
        "props": props,
        "related-observations": related(judged, PLACE, control),
        "related-risks": [{ "risk-uuid": risk_id(judged, id, name) }],
    }))
}
