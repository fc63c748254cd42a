//! Texts of an issue.

use ticketing::{Wanted, text};

use crate::settings::Markup;

/// Longest subject that Redmine takes, in characters.
const SUBJECT_MAX: usize = 255;

/// Title and marker.
pub(crate) fn subject(wanted: &Wanted) -> String {
    text::subject(wanted, SUBJECT_MAX)
}

/// What is to be done, in a block that formats nothing.
pub(crate) fn description(wanted: &Wanted, markup: Markup) -> String {
    let lines = text::lines(wanted);
    match markup {
        Markup::Markdown => text::fenced(&lines),
        Markup::Textile => format!("<pre>\n{}\n</pre>", lines.join("\n").replace("</", "< /")),
    }
}
