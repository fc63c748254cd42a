//! The OpenAPI document is complete, and the checked-in copy is the one the code makes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Rig;

fn document() -> Value {
    serde_json::to_value(crate::openapi()).unwrap()
}

/// Every operation as (method, path, operation).
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .collect()
}

#[test]
fn the_checked_in_document_is_the_one_the_code_makes() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi.json");
    let made = crate::openapi_json().unwrap();
    if std::env::var_os("UPDATE_OPENAPI").is_some_and(|value| value == "1") {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "platform/openapi.json is out of date; run this test with UPDATE_OPENAPI=1 and commit it"
    );
}

#[test]
fn every_operation_is_described_in_full() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{at}: {id} is not unique");
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{at}: summary");
        let tagged = operation["tags"].as_array().unwrap();
        assert!(tagged.len() == 1 && tags.contains(tagged[0].as_str().unwrap()), "{at}: {tagged:?}");
        let public = crate::auth::is_public(&method.to_uppercase().parse().unwrap(), path);
        assert_eq!(operation["security"].as_array().unwrap().is_empty(), public, "{at}: security");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{at}: no success");
        for status in ["400", "500", "503"] {
            assert!(responses.contains_key(status), "{at}: {status}");
        }
        assert_eq!(responses.contains_key("401"), !public || path == "/api/v1/session", "{at}: 401");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = &parameter["name"];
            assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{at}: {name}");
            assert!(parameter["schema"].is_object(), "{at}: {name}");
        }
        check_responses(&document, &at, responses);
    }
}

fn check_responses(document: &Value, at: &str, responses: &serde_json::Map<String, Value>) {
    for (status, response) in responses {
        let response = match response["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => response,
        };
        assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{at} {status}");
        if status == "204" || status == "303" {
            continue;
        }
        let content = response["content"].as_object().unwrap_or_else(|| panic!("{at} {status}: no content"));
        for (kind, content) in content {
            assert!(content["schema"].is_object(), "{at} {status} {kind}");
            assert_eq!(kind == "application/problem+json", status.as_str() >= "400", "{at} {status} {kind}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_described() {
    let document = document();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let described =
            schema["description"].is_string() || schema["enum"].is_array() || schema["allOf"].is_array();
        assert!(described || schema["type"] == "string", "{name} has no description: {schema}");
    }
}

fn collect<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn the_served_document_is_the_checked_in_one() {
    let rig = Rig::new().await;
    let served = rig.get("/api/v1/openapi.json").await;
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(served.text(), crate::openapi_json().unwrap());
}
