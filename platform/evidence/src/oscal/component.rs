//! Component definition: what our checks can say of which controls.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::common::{content, document, line, metadata, prop, token, tool, uuid, without_empty};
use crate::error::EvidenceError;
use crate::judged::{Judged, JudgedFramework};

/// The rules of an assessment as one component, with the controls that they speak to.
///
/// # Errors
/// [`EvidenceError::Assessment`] where it cannot be written.
pub fn component_definition(judged: &Judged<'_>) -> Result<Vec<u8>, EvidenceError> {
    let collector = &judged.assessment.collector;
    let mut props = Vec::new();
    for (number, rule) in judged.rules.values().enumerate() {
        let set = format!("rule_set_{number:04}");
        let word = |name: &str, value: &str| {
            let mut word = prop(name, value);
            if let Value::Object(fields) = &mut word {
                fields.insert("remarks".to_owned(), json!(set));
            }
            word
        };
        // Names as other tools of the field write them, so that they find the rules.
        props.push(word("Rule_Id", &rule.rule.id));
        props.push(word("Rule_Description", &rule.rule.title));
        props.push(word("Check_Version", &rule.rule.version));
        props.push(word("Check_Digest", &rule.rule.digest));
    }
    let implementations: Vec<Value> = judged.frameworks.iter().filter_map(implementation).collect();
    let component = without_empty(json!({
        "uuid": tool(judged),
        "type": "software",
        "title": line(&format!("{} {}", collector.name, collector.version)),
        "description": "Checks of configurations, each of which speaks to the controls named here. That a check exists does not say \
                        that a control is met.",
        "props": props,
        "control-implementations": implementations,
    }));
    let resources: Vec<Value> = judged.frameworks.iter().map(resource).collect();
    let body = without_empty(json!({
        "uuid": uuid(&["component-definition", &content(judged)?]),
        "metadata": metadata(judged, "Checks and the controls that they speak to"),
        "components": [component],
        "back-matter": without_empty(json!({ "resources": resources })),
    }));
    document("component-definition", body)
}

fn source(framework: &JudgedFramework<'_>) -> String {
    uuid(&["framework", &framework.framework.id, &framework.framework.version])
}

fn resource(framework: &JudgedFramework<'_>) -> Value {
    json!({
        "uuid": source(framework),
        "title": line(&framework.framework.name),
        "description": line(&format!("{}, version {}", framework.framework.name, framework.framework.version)),
        "props": [prop("framework", &framework.framework.id), prop("catalogue", &framework.framework.catalogue)],
    })
}

fn implementation(framework: &JudgedFramework<'_>) -> Option<Value> {
    let id = &framework.framework.id;
    let requirement = |control: &crate::judged::JudgedControl<'_>| {
        let rules: BTreeSet<&String> = control.control.rules.iter().collect();
        let named: Vec<Value> = rules.into_iter().map(|rule| prop("Rule_Id", rule)).collect();
        let label = prop("label", &control.control.control);
        let props: Vec<Value> = std::iter::once(label).chain(named).collect();
        (props.len() > 1).then(|| {
            json!({
                "uuid": uuid(&["requirement", id, &control.control.control]),
                "control-id": token(id, &control.control.control),
                "description": "These rules speak to the control.",
                "props": props,
            })
        })
    };
    let requirements: Vec<Value> = framework.controls.iter().filter_map(requirement).collect();
    (!requirements.is_empty()).then(|| {
        json!({
            "uuid": uuid(&["implementation", id]),
            "source": format!("#{}", source(framework)),
            "description": line(&framework.framework.name),
            "implemented-requirements": requirements,
        })
    })
}
