//! A look at whether issues could be made, which writes nothing.

use palisade_sdk::http::Request;
use palisade_sdk::{Error, Receipt};
use serde::Deserialize;
use ticketing::segment;

use crate::api::{Api, done};

/// Fields that every issue of ours has.
const OURS: [&str; 6] = ["project", "issuetype", "summary", "description", "labels", "priority"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Types {
    /// On Data Center `values`.
    #[serde(alias = "values")]
    issue_types: Vec<Type>,
}

#[derive(Deserialize)]
struct Type {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Asked {
    /// On Data Center `values`.
    #[serde(alias = "values")]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    field_id: String,
    #[serde(default)]
    name: String,
    required: bool,
    #[serde(default)]
    has_default_value: bool,
}

/// Whether issues could be made.
pub(crate) fn test(api: &Api<'_>) -> Result<Receipt, Error> {
    let project = &api.settings.project;
    let base = format!("/issue/createmeta/{}/issuetypes", segment(project));
    let get = |path: &str| done(api.send(Request::get(api.url(path)).query("maxResults", "200"))?);
    let types = get(&base)?.json::<Types>()?.issue_types;
    let wanted = &api.settings.issue_type;
    let Some(kind) = types.iter().find(|kind| kind.name.eq_ignore_ascii_case(wanted)) else {
        let there: Vec<&str> = types.iter().map(|kind| kind.name.as_str()).collect();
        return Err(Error::Host(format!(
            "jira: the user can make no issue of the type {wanted:?} in {project}; set `issue-type` to one of: {}",
            there.join(", ")
        )));
    };
    let fields = get(&format!("{base}/{}", segment(&kind.id)))?.json::<Asked>()?.fields;
    if !fields.iter().any(|field| field.field_id == "labels") {
        return Err(Error::Host(
            "jira: the screen of new issues has no field Labels, by which issues are found again; add it"
                .to_owned(),
        ));
    }
    let lacks = |field: &&Field| {
        let id = field.field_id.as_str();
        let given = OURS.contains(&id) || api.settings.fields.contains_key(id);
        field.required && !field.has_default_value && !given && id != "reporter"
    };
    let missing: Vec<String> =
        fields.iter().filter(lacks).map(|field| format!("{} ({})", field.field_id, field.name)).collect();
    if !missing.is_empty() {
        return Err(Error::Host(format!(
            "jira: issues of {project} require {}; say their values in `fields`",
            missing.join(", ")
        )));
    }
    Ok(Receipt::new(format!("an issue of the type {} in {project}", kind.name)).url(format!(
        "{}/browse/{}",
        api.settings.url,
        segment(project)
    )))
}
