//! Texts of an issue.

use serde_json::{Value, json};
use ticketing::{Wanted, text};

/// Longest summary that Jira takes, in characters.
const SUMMARY_MAX: usize = 255;
/// The label of all that is ours.
pub(crate) const LABEL: &str = "palisade";

/// Severity and title. The marker is a label.
pub(crate) fn summary(wanted: &Wanted) -> String {
    text::line(&format!("[{}] {}", wanted.severity, wanted.title), SUMMARY_MAX)
}

/// The label of a ticket: its marker, of plain letters.
pub(crate) fn label(marker: &str) -> String {
    marker.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}

/// A text in which nothing has a meaning: on Cloud a block of code in the Atlassian Document Format, on Data Center one of the wiki's
/// markup whose end is broken where it occurs.
pub(crate) fn block(lines: &[String], cloud: bool) -> Value {
    let text = lines.join("\n");
    if !cloud {
        return format!("{{noformat}}\n{}\n{{noformat}}", text.replace("{noformat", "{ noformat")).into();
    }
    json!({
        "type": "doc",
        "version": 1,
        "content": [{ "type": "codeBlock", "attrs": { "language": "text" }, "content": [{ "type": "text", "text": text }] }],
    })
}

/// A sentence of our own.
pub(crate) fn sentence(text: &str, cloud: bool) -> Value {
    if !cloud {
        return text.into();
    }
    json!({
        "type": "doc",
        "version": 1,
        "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": text }] }],
    })
}
