//! A file, read.

use serde_json::Value;
use yaml::{Budget, Document};

use crate::PolicyError;

/// Largest file of policies, in bytes. Gatekeeper's whole library has less.
pub const FILE_BYTES_MAX: usize = 4 << 20;

/// A file of policies.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its path, for messages.
    pub path: String,
    /// What is in it.
    pub content: Content,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A module of Rego (`*.rego`).
    Rego(String),
    /// Documents of YAML or JSON. Items of a `List` are documents of their own.
    Documents(Vec<Document>),
}

impl Source {
    /// Reads a file. One that does not end in `.rego` is YAML or JSON.
    ///
    /// # Errors
    /// [`PolicyError`] for a file that is too large, not text or not YAML.
    pub fn read(path: &str, bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > FILE_BYTES_MAX {
            let allowed = FILE_BYTES_MAX;
            return Err(PolicyError::TooLarge { path: path.to_owned(), bytes: bytes.len(), allowed });
        }
        let content = if path.ends_with(".rego") {
            let text =
                std::str::from_utf8(bytes).map_err(|_| PolicyError::NotText { path: path.to_owned() })?;
            Content::Rego(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
        } else {
            Content::Documents(documents(path, bytes)?)
        };
        Ok(Self { path: path.to_owned(), content })
    }
}

/// The documents of a file, lists taken apart.
pub(crate) fn documents(path: &str, bytes: &[u8]) -> Result<Vec<Document>, PolicyError> {
    let budget = Budget { bytes: FILE_BYTES_MAX, documents: 2_000, nodes: 200_000, ..Budget::default() };
    let read =
        yaml::read(bytes, &budget).map_err(|error| PolicyError::Yaml { path: path.to_owned(), error })?;
    let mut all = Vec::new();
    for document in read {
        let list =
            document.value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
        match document.value.get("items").and_then(Value::as_array) {
            Some(items) if list => {
                for (place, item) in items.iter().enumerate() {
                    let lines = document.lines.within(&format!("/items/{place}"));
                    all.push(Document { value: item.clone(), lines, duplicates: Vec::new() });
                }
            }
            _ => all.push(document),
        }
    }
    Ok(all)
}
