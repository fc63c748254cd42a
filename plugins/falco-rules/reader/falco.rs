//! Files of Falco's rules and of their tests, read: YAML to the configuration of the plugin `palisade.falco-rules`.
//!
//! Nothing is understood here but the form: a file is a list of items, each a mapping. The plugin gets every item with its line and
//! the lines of its keys, so that what it says of a rule can be found.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};
use yaml::Budget;

/// Largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 4 << 20;

/// Why a file cannot be used.
#[derive(Debug)]
pub enum FileError {
    /// It is not YAML, or too much of it.
    Yaml {
        /// The file.
        path: String,
        /// What is wrong, with its line.
        error: yaml::YamlError,
    },
    /// It is not what it should be.
    Form {
        /// The file.
        path: String,
        /// Where.
        line: u32,
        /// What is wrong.
        why: String,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yaml { path, error } => write!(f, "{path}: {error}"),
            Self::Form { path, line, why } => write!(f, "{path} line {line}: {why}"),
        }
    }
}

impl std::error::Error for FileError {}

/// A case: events that a rule matches, or does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Name of the rule.
    pub rule: String,
    /// Objects of its source.
    pub events: Vec<Value>,
    /// Whether each of them matches.
    pub matches: bool,
    /// Where the case stands.
    pub line: u32,
}

/// Whether a file of this path has tests (`*_test.yaml`).
#[must_use]
pub fn is_tests(path: &str) -> bool {
    path.ends_with("_test.yaml") || path.ends_with("_test.yml")
}

/// Reads a file of rules to an element of the plugin's `rules`.
///
/// # Errors
/// [`FileError`] for what is no YAML or no list of items.
pub fn rules(path: &str, bytes: &[u8]) -> Result<Value, FileError> {
    let items: Vec<Value> = items(path, bytes)?
        .into_iter()
        .map(|(line, lines, item)| json!({ "line": line, "lines": lines, "item": item }))
        .collect();
    Ok(json!({ "path": path, "items": items }))
}

/// Reads a file of tests.
///
/// # Errors
/// [`FileError`] for what is no YAML or no list of cases.
pub fn tests(path: &str, bytes: &[u8]) -> Result<Vec<Case>, FileError> {
    let case = |(line, _, item): (u32, BTreeMap<String, u32>, Value)| {
        let wrong = |why: &str| FileError::Form { path: path.to_owned(), line, why: why.to_owned() };
        let odd = item
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .find(|key| !["rule", "events", "matches"].contains(&key.as_str()));
        if let Some(key) = odd {
            return Err(wrong(&format!("a case has no {key:?}")));
        }
        let rule = item
            .get("rule")
            .and_then(Value::as_str)
            .ok_or_else(|| wrong("a case needs the name of a `rule`"))?;
        let events = item.get("events").and_then(Value::as_array).filter(|events| !events.is_empty());
        let events = events.ok_or_else(|| wrong("a case needs `events`"))?.clone();
        let matches = item
            .get("matches")
            .and_then(Value::as_bool)
            .ok_or_else(|| wrong("`matches` must be true or false"))?;
        Ok(Case { rule: rule.to_owned(), events, matches, line })
    };
    items(path, bytes)?.into_iter().map(case).collect()
}

type Read = (u32, BTreeMap<String, u32>, Value);

/// The items of all documents of a file, with their lines. Items in which nothing stands are left out.
fn items(path: &str, bytes: &[u8]) -> Result<Vec<Read>, FileError> {
    let budget = Budget { bytes: FILE_BYTES_MAX, documents: 100, nodes: 500_000, ..Budget::default() };
    let documents =
        yaml::read(bytes, &budget).map_err(|error| FileError::Yaml { path: path.to_owned(), error })?;
    let mut all = Vec::new();
    for document in documents {
        let lines = document.lines;
        let Value::Array(items) = document.value else {
            return Err(FileError::Form {
                path: path.to_owned(),
                line: lines.first(),
                why: "it is no list of items".to_owned(),
            });
        };
        for (place, item) in items.into_iter().enumerate() {
            let pointer = format!("/{place}");
            let line = lines.of(&pointer);
            match &item {
                Value::Null => {}
                Value::Object(map) => {
                    let of_key = |key: &String| {
                        (
                            key.clone(),
                            lines.of(&format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))),
                        )
                    };
                    let of_keys = map
                        .keys()
                        .filter(|key| ["condition", "output"].contains(&key.as_str()))
                        .map(of_key)
                        .collect();
                    all.push((line, of_keys, item));
                }
                _ => {
                    let why = "an item must be a mapping".to_owned();
                    return Err(FileError::Form { path: path.to_owned(), line, why });
                }
            }
        }
    }
    Ok(all)
}
