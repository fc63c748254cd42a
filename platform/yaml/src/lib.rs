//! YAML and JSON of strangers to JSON values, with the line of every key, within a budget.
//!
//! Plain scalars mean what `kubectl` and Helm make of them (go-yaml 2, the schema of YAML 1.1): `yes` and `on` are booleans, `0644`
//! is octal. Whoever judged `privileged: yes` by YAML 1.2 would see a harmless string where the cluster sees a privilege. What JSON
//! cannot say becomes text: `.inf`, `.nan`, tags of applications.
//!
//! Aliases are copied, and every copy counts against the [`Budget`]: a bomb is an error after as much work as a document of that
//! size would be. Of a key that stands twice in a mapping the last value counts, as `kubectl` reads it, and the document says so.

mod budget;
mod error;
mod json;
mod lines;
mod scalar;
mod tree;

use serde_json::Value;

pub use budget::Budget;
pub use error::YamlError;
pub use lines::Lines;

/// One document of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it says.
    pub value: Value,
    /// Where it says it.
    pub lines: Lines,
    /// JSON Pointers of keys that stand more than once in their mapping, at most [`DUPLICATES_MAX`]. The last value counts.
    pub duplicates: Vec<String>,
}

/// Most duplicate keys that a document names.
pub const DUPLICATES_MAX: usize = 20;

/// Reads every document of a stream. Documents in which nothing stands are left out. Bytes that begin like JSON are read as JSON where
/// they are, one value after the other.
///
/// # Errors
/// [`YamlError`] at the first thing that is no YAML or is over the budget.
pub fn read(bytes: &[u8], budget: &Budget) -> Result<Vec<Document>, YamlError> {
    match read_until_error(bytes, budget) {
        (documents, None) => Ok(documents),
        (_, Some(error)) => Err(error),
    }
}

/// Like [`read`], but what stands before the first error is kept: a mistake in the last document of a file hides nothing of those before.
#[must_use]
pub fn read_until_error(bytes: &[u8], budget: &Budget) -> (Vec<Document>, Option<YamlError>) {
    match text(bytes, budget) {
        Ok(text) => documents(text, budget),
        Err(error) => (Vec::new(), Some(error)),
    }
}

fn documents(text: &str, budget: &Budget) -> (Vec<Document>, Option<YamlError>) {
    if !text.trim_start().starts_with(['{', '[']) {
        return tree::read(text, budget);
    }
    let (documents, error) = json::read(text, budget);
    match error {
        // Also YAML may begin with a brace.
        Some(YamlError::Syntax { .. }) => match tree::read(text, budget) {
            (flow, None) => (flow, None),
            _ => (documents, error),
        },
        _ => (documents, error),
    }
}

/// The text of a file, without its byte order mark. A NUL would end it for the parser, and hide what follows.
fn text<'a>(bytes: &'a [u8], budget: &Budget) -> Result<&'a str, YamlError> {
    if bytes.len() > budget.bytes {
        return Err(YamlError::Budget { what: "bytes", limit: budget.bytes, line: 1 });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| YamlError::Encoding {
        line: line_of(bytes.get(..error.valid_up_to()).unwrap_or_default()),
        what: "it is not UTF-8".to_owned(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let odd = |character: char| character.is_ascii_control() && !matches!(character, '\t' | '\n' | '\r');
    match text.char_indices().find(|(_, character)| odd(*character)) {
        Some((at, character)) => Err(YamlError::Encoding {
            line: line_of(text.get(..at).unwrap_or_default().as_bytes()),
            what: format!("it holds the control character {}", character.escape_unicode()),
        }),
        None => Ok(text),
    }
}

fn line_of(before: &[u8]) -> u32 {
    u32::try_from(before.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests;
