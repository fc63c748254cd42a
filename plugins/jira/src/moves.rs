//! The way of an issue through its workflow: which transition leads where, and what it asks for.

use palisade_sdk::Error;
use palisade_sdk::http::Request;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use ticketing::segment;

use crate::api::{Api, Issue, Status, done};

#[derive(Deserialize)]
struct Transitions {
    transitions: Vec<Transition>,
}

#[derive(Deserialize)]
struct Transition {
    id: String,
    #[serde(default)]
    name: String,
    to: Status,
    #[serde(default)]
    fields: Map<String, Value>,
}

/// Closes or reopens an issue.
pub(crate) fn go(api: &Api<'_>, issue: &Issue, close: bool) -> Result<(), Error> {
    let url = api.url(&format!("/issue/{}/transitions", segment(&issue.id)));
    let answer = done(api.send(Request::get(&url).query("expand", "transitions.fields"))?)?;
    let all = answer.json::<Transitions>()?.transitions;
    let Some(way) = best(&all, close) else {
        let (from, to) = (&issue.fields.status.name, if close { "Done" } else { "To Do or In Progress" });
        return Err(Error::Host(format!(
            "jira: no transition that the user may use leads from {from:?} to a status of the category {to}; add one to the workflow"
        )));
    };
    let mut body = Map::from_iter([("transition".to_owned(), json!({ "id": way.id }))]);
    let fields = fields(api, way, close)?;
    if !fields.is_empty() {
        body.insert("fields".to_owned(), fields.into());
    }
    done(api.send(Request::post(&url).json(&body)?)?).map(drop)
}

/// Done, if that is wanted; else rather a status in which nobody is at it yet.
fn best(all: &[Transition], close: bool) -> Option<&Transition> {
    let to = |category: &str| all.iter().find(|one| one.to.status_category.key == category);
    if close {
        return to("done");
    }
    to("new").or_else(|| to("indeterminate")).or_else(|| all.iter().find(|one| !one.to.is_done()))
}

/// What the transition asks for: a resolution, and what the settings have.
fn fields(api: &Api<'_>, way: &Transition, close: bool) -> Result<Map<String, Value>, Error> {
    let mut fields = Map::new();
    let mut missing = Vec::new();
    for (id, about) in &way.fields {
        let flag = |name: &str| about.get(name).and_then(Value::as_bool).unwrap_or_default();
        let needed = flag("required") && !flag("hasDefaultValue");
        if id == "resolution" && close {
            fields.insert(id.clone(), json!({ "name": api.settings.resolution }));
        } else if let Some(value) = api.settings.fields.get(id) {
            fields.insert(id.clone(), value.clone());
        } else if needed {
            missing.push(id.as_str());
        }
    }
    if missing.is_empty() {
        return Ok(fields);
    }
    Err(Error::Host(format!(
        "jira: the transition {:?} requires {}; say their values in `fields`",
        way.name,
        missing.join(", ")
    )))
}
