//! From arguments of a planned resource to the keys of a body, as the AWS CLI names them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::terraform_plan::some_true;

/// A body in the making.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) keys: Map<String, Value>,
    /// Top-level keys whose values are known after apply only.
    pub(crate) unknown: BTreeSet<String>,
}

/// How a value becomes that of a key.
pub(crate) enum How {
    /// As it is; nothing where it is not set.
    Copy,
    /// As it is, or else what AWS does by default.
    Bool(bool),
    /// The same for numbers.
    Number(i64),
    /// The same for texts.
    Text(&'static str),
    /// A policy document, which is a text of JSON.
    Policy,
    /// A map of tags.
    Tags,
    /// The only block of its name.
    Block(&'static [Field]),
    /// Every block of its name.
    Blocks(&'static [Field]),
    /// Anything else, of the value or `null`.
    By(fn(&Value) -> Option<Value>),
}

/// Argument, place in the body with dots between levels, and how.
pub(crate) struct Field(pub(crate) &'static str, pub(crate) &'static str, pub(crate) How);

impl Body {
    /// Puts a value at a place, whose levels are made.
    pub(crate) fn set(&mut self, place: &str, value: Value) {
        let mut parts = place.split('.');
        let Some(mut part) = parts.next() else { return };
        let mut here = &mut self.keys;
        for next in parts {
            let inner = here.entry(part.to_owned()).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            let Some(inner) = inner.as_object_mut() else { return };
            (here, part) = (inner, next);
        }
        here.insert(part.to_owned(), value);
    }

    /// Adds to a list, unless something in it is unknown: a list of which a piece is missing would pass for whole.
    pub(crate) fn push(&mut self, key: &str, item: Value) {
        if self.unknown.contains(key) {
            return;
        }
        if let Value::Array(items) = self.keys.entry(key.to_owned()).or_insert_with(|| json!([])) {
            items.push(item);
        }
    }

    /// Says that a key is known after apply only.
    pub(crate) fn hide(&mut self, place: &str) {
        let key = place.split('.').next().unwrap_or(place);
        self.keys.remove(key);
        self.unknown.insert(key.to_owned());
    }

    /// Fills the keys of a table.
    pub(crate) fn fill(&mut self, fields: &[Field], values: &Map<String, Value>, unknown: &Value) {
        for field in fields {
            if unknown.get(field.0).is_some_and(some_true) {
                self.hide(field.1);
            } else if let Some(value) = field.value(values.get(field.0).unwrap_or(&Value::Null)) {
                match value {
                    Ok(value) => self.set(field.1, value),
                    Err(NoDocument) => self.hide(field.1),
                }
            }
        }
    }

    /// The JSON object of the body.
    pub(crate) fn end(mut self) -> Value {
        self.unknown.retain(|key| !self.keys.contains_key(key));
        if !self.unknown.is_empty() {
            self.keys.insert("Unknown".to_owned(), self.unknown.into_iter().collect::<Vec<_>>().into());
        }
        Value::Object(self.keys)
    }
}

/// A policy that is no JSON.
pub(crate) struct NoDocument;

impl Field {
    fn value(&self, value: &Value) -> Option<Result<Value, NoDocument>> {
        let or = |default: Value| if value.is_null() { default } else { value.clone() };
        Some(Ok(match &self.2 {
            How::Copy => return (!value.is_null()).then(|| Ok(value.clone())),
            How::Bool(default) => or((*default).into()),
            How::Number(default) => or((*default).into()),
            How::Text(default) => or((*default).into()),
            How::Tags => tags(value),
            How::By(by) => return by(value).map(Ok),
            How::Policy => return policy(value),
            How::Block(fields) => return first(value).map(|block| Ok(inner(fields, block))),
            How::Blocks(fields) => value
                .as_array()
                .into_iter()
                .flatten()
                .map(|block| inner(fields, block))
                .collect::<Vec<_>>()
                .into(),
        }))
    }
}

fn inner(fields: &[Field], block: &Value) -> Value {
    let mut body = Body::default();
    if let Some(block) = block.as_object() {
        body.fill(fields, block, &Value::Null);
    }
    Value::Object(body.keys)
}

/// The only block of a list of blocks.
pub(crate) fn first(value: &Value) -> Option<&Value> {
    value.as_array().and_then(|blocks| blocks.first()).filter(|block| !block.is_null())
}

/// A policy document; nothing where there is none.
pub(crate) fn policy(value: &Value) -> Option<Result<Value, NoDocument>> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    Some(serde_json::from_str(text).map_err(|_| NoDocument))
}

fn tags(value: &Value) -> Value {
    let tag = |(key, value): (&String, &Value)| json!({ "Key": key, "Value": value });
    value.as_object().into_iter().flatten().map(tag).collect::<Vec<_>>().into()
}
