//! A resource of a cloud as it was collected, and how values of its body are read.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Asset id: for AWS the ARN.
    pub id: String,
    /// Kind, such as `aws:iam:role`.
    pub kind: String,
    /// What was collected. Keys that could not be read are named in its list `Unknown`.
    pub body: Map<String, Value>,
}

/// What is known of a key that a call of its own fills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Key<'a> {
    /// It is there.
    Value(&'a Value),
    /// There is none.
    None,
    /// It was denied, failed, or was not asked for.
    Unknown,
}

impl Resource {
    /// A resource. A body that is no object counts as an empty one.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: impl Into<String>, body: Value) -> Self {
        let body = match body {
            Value::Object(body) => body,
            _ => Map::new(),
        };
        Self { id: id.into(), kind: kind.into(), body }
    }

    /// A text at a path of keys.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// A value at a path of keys; `null` is none.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        inside(self.body.get(*first)?, rest)
    }

    /// Elements of a list at a path of keys; none where there is no list.
    pub(crate) fn list(&self, path: &[&str]) -> &[Value] {
        self.at(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A key that a call of its own fills.
    pub(crate) fn key(&self, name: &str) -> Key<'_> {
        match self.body.get(name) {
            Some(Value::Null) => Key::None,
            Some(value) => Key::Value(value),
            None => Key::Unknown,
        }
    }

    /// Keys that could not be read.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = &str> {
        self.list(&["Unknown"]).iter().filter_map(Value::as_str)
    }

    /// Tags in AWS's form; nothing where the body has none.
    pub(crate) fn tags(&self) -> Option<Vec<(String, String)>> {
        let tags = self.body.get("Tags")?.as_array()?;
        let text = |tag: &Value, key: &str| Some(tag.get(key)?.as_str()?.to_owned());
        Some(tags.iter().filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?))).collect())
    }
}

/// A value inside of another one; `null` is none.
pub(crate) fn inside<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    let found = path.iter().try_fold(value, |value, key| value.get(key))?;
    (!found.is_null()).then_some(found)
}

/// A text inside of a value.
pub(crate) fn text_in<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    inside(value, path)?.as_str()
}

/// Elements of a list inside of a value; none where there is no list.
pub(crate) fn list_in<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    inside(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
