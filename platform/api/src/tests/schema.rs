//! Checks answers against the OpenAPI document: a small reader of the parts of JSON Schema that the document uses.

use std::sync::LazyLock;

use axum::http::Method;
use serde_json::Value;

use super::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(crate::openapi()).unwrap());

/// Panics when the document does not know this answer or describes it otherwise.
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap();
    let Some(item) = item_for(path) else { return };
    let Some(operation) = item.get(method.as_str().to_ascii_lowercase()) else { return };
    let status = answer.status.as_str();
    // 304 has no body and belongs to every operation with an entity tag; 405 belongs to no operation.
    if ["304", "405"].contains(&status) {
        return;
    }
    let response = &operation["responses"][status];
    assert!(!response.is_null(), "{method} {path}: status {status} is not in the document");
    let response = resolve(response);
    let kind = answer.header("content-type").split(';').next().unwrap();
    if kind.is_empty() {
        assert!(response.get("content").is_none(), "{method} {path} {status}: the document promises a body");
        return;
    }
    let schema = &response["content"][kind]["schema"];
    assert!(!schema.is_null(), "{method} {path} {status}: {kind} is not in the document");
    if (kind == "application/json" || kind.ends_with("+json"))
        && let Err(error) = valid(&answer.json(), schema, "")
    {
        panic!("{method} {path} {status}: {error}\n{}", answer.text());
    }
}

fn item_for(path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    // A literal path wins over one with a parameter, as in the router.
    paths.get(path).or_else(|| {
        paths
            .iter()
            .find(|(template, _)| {
                let (template, path): (Vec<_>, Vec<_>) =
                    (template.split('/').collect(), path.split('/').collect());
                template.len() == path.len()
                    && template.iter().zip(&path).all(|(one, other)| one.starts_with('{') || one == other)
            })
            .map(|(_, item)| item)
    })
}

fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let found = DOCUMENT.pointer(reference.trim_start_matches('#'));
            resolve(found.unwrap_or_else(|| panic!("{reference} leads nowhere")))
        }
        None => value,
    }
}

fn valid(value: &Value, schema: &'static Value, at: &str) -> Result<(), String> {
    let schema = resolve(schema);
    let any = |key: &str| schema[key].as_array();
    if let Some(parts) = any("allOf") {
        // Each part describes some members; only together do they describe all.
        let mut known = Vec::new();
        for part in parts {
            members(resolve(part), &mut known);
            check_object(value, resolve(part), at, None)?;
        }
        return only_known(value, &known, at);
    }
    if let Some(choices) = any("oneOf").or_else(|| any("anyOf")) {
        let fits = choices.iter().any(|choice| valid(value, choice, at).is_ok());
        return if fits { Ok(()) } else { Err(format!("{at}: fits none of {choices:?}")) };
    }
    if let Some(words) = any("enum") {
        return if words.contains(value) {
            Ok(())
        } else {
            Err(format!("{at}: {value} is not one of {words:?}"))
        };
    }
    check_type(value, &schema["type"], at)?;
    if let Some(items) = value.as_array() {
        for (index, item) in items.iter().enumerate() {
            valid(item, &schema["items"], &format!("{at}/{index}"))?;
        }
    }
    if value.is_object() && schema["properties"].is_object() {
        let mut known = Vec::new();
        members(schema, &mut known);
        check_object(value, schema, at, Some(&known))?;
    }
    Ok(())
}

fn members(schema: &'static Value, known: &mut Vec<&'static str>) {
    if let Some(properties) = schema["properties"].as_object() {
        known.extend(properties.keys().map(String::as_str));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members(resolve(part), known);
    }
}

fn check_object(
    value: &Value,
    schema: &'static Value,
    at: &str,
    known: Option<&[&str]>,
) -> Result<(), String> {
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        if value.get(name).is_none() {
            return Err(format!("{at}: {name} is missing"));
        }
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            valid(value, schema, &format!("{at}/{name}"))?;
        }
    }
    known.map_or(Ok(()), |known| only_known(value, known, at))
}

fn only_known(value: &Value, known: &[&str], at: &str) -> Result<(), String> {
    match value.as_object().unwrap().keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("{at}: {key} is not in the document")),
        None => Ok(()),
    }
}

fn check_type(value: &Value, wanted: &Value, at: &str) -> Result<(), String> {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("{at}: unknown type {other}"),
    };
    let fits = match wanted {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("{at}: {value} is not {wanted}")) }
}
