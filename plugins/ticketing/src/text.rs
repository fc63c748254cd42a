//! Texts of a ticket. What findings say comes from feeds and scanned files: it is of one line each, bounded, and every plugin puts it where
//! its system formats nothing.

use crate::{Member, Wanted};

/// Longest line about a finding, in characters.
const LINE_MAX: usize = 400;

/// Severity, title and marker, at most so many characters; the marker is whole.
#[must_use]
pub fn subject(wanted: &Wanted, most: usize) -> String {
    let marker = format!(" ({})", wanted.marker);
    let room = most.saturating_sub(marker.chars().count());
    line(&format!("[{}] {}", wanted.severity, wanted.title), room) + &marker
}

/// What is to be done, in lines of at most 400 characters.
#[must_use]
pub fn lines(wanted: &Wanted) -> Vec<String> {
    let mut lines = vec![format!("Findings: {}", wanted.total)];
    lines.extend(wanted.owner.as_ref().map(|owner| format!("Owner: {owner}")));
    lines.push(String::new());
    lines.extend(wanted.members.iter().map(member));
    let others = wanted.total.saturating_sub(wanted.members.len() as u64);
    if others > 0 {
        lines.push(format!("and {others} more"));
    }
    lines.iter().map(|one| line(one, LINE_MAX)).collect()
}

/// A finding in a line.
#[must_use]
pub fn member(member: &Member) -> String {
    let mut text = format!("{} {}: {} on {}", member.severity, member.rule, member.title, member.asset);
    if let Some(package) = &member.package {
        text += &format!("; package {package} {}", member.version.as_deref().unwrap_or_default());
    }
    if let Some(version) = member.fixed.first() {
        text += &format!("; mended in {version}");
    }
    text
}

/// One line without control characters or characters that turn the direction of writing, at most so many characters.
#[must_use]
pub fn line(text: &str, most: usize) -> String {
    let flat: String = text.chars().filter(|letter| !turns(*letter)).map(flat).collect();
    if flat.chars().count() <= most {
        return flat;
    }
    let mut cut: String = flat.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Lines as a block of Markdown in which nothing has a meaning. What would end the block is broken.
#[must_use]
pub fn fenced(lines: &[String]) -> String {
    format!("~~~~\n{}\n~~~~", lines.join("\n").replace("~~~", "~ ~ ~"))
}

fn flat(letter: char) -> char {
    if letter.is_control() { ' ' } else { letter }
}

fn turns(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_one_bounded_line_and_ends_no_block() {
        assert_eq!(line("a\n\u{202e}b\u{0}c", 10), "a b c");
        assert_eq!(line("äöüß", 3), "äö…");
        assert_eq!(fenced(&["x ~~~~ y".to_owned()]).matches("~~~").count(), 2);
    }
}
