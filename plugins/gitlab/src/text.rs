//! Texts of an issue.

use ticketing::{Wanted, plain_subject, text};

/// Longest title that GitLab takes, in characters.
const TITLE_MAX: usize = 255;

/// Title and marker. GitLab makes links and mentions of what stands in titles, too.
pub(crate) fn title(wanted: &Wanted) -> String {
    plain_subject(wanted, TITLE_MAX)
}

/// The marker in a comment that nobody sees, and what is to be done in a block that formats nothing.
///
/// A line that begins with `/` can be a quick action, which GitLab runs as the token's user: some releases look for
/// them in blocks like this as well, so no line begins with one.
pub(crate) fn description(wanted: &Wanted) -> String {
    let lines: Vec<String> = text::lines(wanted).into_iter().map(no_action).collect();
    format!("{}\n\n{}", comment(&wanted.marker), text::fenced(&lines))
}

fn no_action(line: String) -> String {
    if line.trim_start().starts_with('/') { format!("- {line}") } else { line }
}

/// Whether a text has the marker. The block's own lines are never such a comment: each has more than that.
pub(crate) fn has_marker(description: &str, marker: &str) -> bool {
    let comment = comment(marker);
    description.lines().any(|line| line.trim() == comment)
}

/// Whether two texts are the same to people. GitLab's own editor may end lines otherwise than we do.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.trim_end().lines().eq(other.trim_end().lines())
}

fn comment(marker: &str) -> String {
    format!("<!-- {marker} -->")
}
