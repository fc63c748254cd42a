//! Answers in JSON, with the names and types that the CLI prints.

use serde_json::{Map, Number, Value};

use crate::shapes::{Form, Model};
use crate::{DEPTH_MAX, time};

/// Reads an answer. An empty body is an empty structure.
pub(crate) fn read(model: &Model, form: &Form, body: &[u8]) -> Result<Value, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    let value = serde_json::from_slice(body).map_err(|error| format!("the answer is not JSON: {error}"))?;
    let kind = form.payload.as_deref().and_then(|payload| {
        let members = model.shapes.get(&form.out)?.m.as_ref()?;
        Some((payload, members.values().find(|member| member.0 == payload)?.1.as_str()))
    });
    if let Some((payload, kind)) = kind {
        let value = converted(model, kind, value, 0)?;
        return Ok(Value::Object(Map::from_iter([(payload.to_owned(), value)])));
    }
    match converted(model, &form.out, value, 0)? {
        value @ Value::Object(_) => Ok(value),
        _ => Err("the answer is JSON, but not an object".to_owned()),
    }
}

fn converted(model: &Model, kind: &str, value: Value, depth: usize) -> Result<Value, String> {
    if depth > DEPTH_MAX {
        return Err("the answer is nested too deeply".to_owned());
    }
    match (kind, value) {
        ("t", Value::Number(seconds)) => Ok(moment(&seconds)),
        ("t", Value::String(text)) => Ok(Value::String(time::of_text(&text))),
        (_, value) if kind.len() == 1 => Ok(value),
        (_, value) => composed(model, kind, value, depth),
    }
}

fn moment(seconds: &Number) -> Value {
    let text = seconds.as_f64().and_then(time::of_seconds);
    text.map_or_else(|| Value::Number(seconds.clone()), Value::String)
}

/// A structure, list or map. What is of another form than the model says stays as it is: a check of it then fails to read
/// that part, instead of nobody seeing the resource.
fn composed(model: &Model, kind: &str, value: Value, depth: usize) -> Result<Value, String> {
    let Some(shape) = model.shapes.get(kind) else { return Ok(value) };
    match value {
        Value::Object(fields) => {
            let mut out = Map::new();
            for (name, field) in fields {
                if field.is_null() {
                    continue;
                }
                if let Some(member) = shape.m.as_ref().and_then(|members| members.get(&name)) {
                    out.insert(member.0.clone(), converted(model, &member.1, field, depth + 1)?);
                } else if let Some(kind) = &shape.v {
                    out.insert(name, converted(model, kind, field, depth + 1)?);
                }
            }
            Ok(Value::Object(out))
        }
        Value::Array(items) => {
            let kind = shape.l.as_deref().unwrap_or("j");
            let items = items.into_iter().map(|item| converted(model, kind, item, depth + 1));
            items.collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::read;
    use crate::shapes::model;

    fn answer(service: &str, operation: &str, body: &[u8]) -> Result<Value, String> {
        let model = model(service).unwrap();
        read(&model, &model.operations[operation], body)
    }

    #[test]
    fn names_are_those_of_the_model_and_times_are_texts() {
        let body = br#"{"KeyMetadata": {"KeyId": "k", "CreationDate": 1767323045.5, "Enabled": true, "New": 1, "Origin": null}}"#;
        let expected = json!({ "KeyMetadata":
            { "KeyId": "k", "CreationDate": "2026-01-02T03:04:05Z", "Enabled": true } });
        assert_eq!(answer("kms", "DescribeKey", body), Ok(expected));
        let body = br#"{"serviceRole": "r", "tags": {"a": "b"}, "createdAt": "2026-01-02T03:04:05.1Z"}"#;
        let expected =
            json!({ "ServiceRole": "r", "Tags": { "a": "b" }, "CreatedAt": "2026-01-02T03:04:05.1Z" });
        assert_eq!(answer("guardduty", "GetDetector", body), Ok(expected));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        assert_eq!(answer("kms", "ListKeys", b" \n"), Ok(json!({})));
        assert!(answer("kms", "ListKeys", b"{\"Keys\": [").unwrap_err().contains("not JSON"));
        assert!(answer("kms", "ListKeys", b"[]").unwrap_err().contains("not an object"));
        let deep = "[".repeat(100_000);
        assert!(answer("kms", "ListKeys", deep.as_bytes()).is_err());
    }
}
