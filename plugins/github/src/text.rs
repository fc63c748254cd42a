//! Texts of an issue.

use ticketing::{Wanted, plain_title, text};

/// Longest title that GitHub takes, in characters.
const TITLE_MAX: usize = 256;
/// Longest list of findings, in characters; GitHub takes texts of 65536.
const LINES_MAX: usize = 60_000;

pub(crate) fn title(wanted: &Wanted) -> String {
    plain_title(wanted, TITLE_MAX)
}

/// The marker in a comment that nobody sees, and what is to be done in a block that formats nothing.
pub(crate) fn body(wanted: &Wanted) -> String {
    let mut room = LINES_MAX;
    let mut lines = text::lines(wanted);
    let fitting = lines.iter().take_while(|line| {
        // What would end the block becomes longer when it is broken, at most twice as long.
        let taken = room.checked_sub(line.chars().count() * 2 + 1);
        room = taken.unwrap_or_default();
        taken.is_some()
    });
    let fitting = fitting.count();
    if fitting < lines.len() {
        lines.truncate(fitting);
        lines.push("and more".to_owned());
    }
    format!("{}\n{}", comment(&wanted.marker), text::fenced(&lines))
}

/// Whether a text has the marker. The block's own lines are never such a comment: each has more than that.
pub(crate) fn has_marker(body: &str, marker: &str) -> bool {
    let comment = comment(marker);
    body.lines().any(|line| line.trim() == comment)
}

/// Whether a text has any marker of ours.
pub(crate) fn has_any_marker(body: &str) -> bool {
    body.lines().any(|line| line.trim().starts_with("<!-- palisade:"))
}

/// Whether two texts are the same to people. GitHub's own editor ends lines otherwise than we do.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.trim_end().lines().eq(other.trim_end().lines())
}

fn comment(marker: &str) -> String {
    format!("<!-- {marker} -->")
}
