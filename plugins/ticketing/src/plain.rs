//! Titles that are only text in systems that format titles.

use crate::{Wanted, text};

/// Shortest run of digits and letters a to f that systems of code take for a commit.
const COMMIT_MIN: usize = 7;

/// [`text::subject`] for systems that make links, mentions and pictures of what stands in a title.
#[must_use]
pub fn plain_subject(wanted: &Wanted, most: usize) -> String {
    let subject = text::subject(wanted, most);
    let marker = format!(" ({})", wanted.marker);
    subject.strip_suffix(&marker).map_or_else(|| plain(&subject), |title| plain(title) + &marker)
}

/// A title without the marker, for systems that format titles and strip them.
#[must_use]
pub fn plain_title(wanted: &Wanted, most: usize) -> String {
    plain(text::line(&format!("[{}] {}", wanted.severity, wanted.title), most).trim_end())
}

/// The same text, to the eye, in which nothing has a meaning: what begins a mention, a reference, a link, code or a
/// picture is replaced by its wide form, as is the first character of what looks like a commit. As many characters as
/// before.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut word = String::new();
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            word.push(letter);
            continue;
        }
        push_word(&mut plain, &word);
        word.clear();
        plain.push(if "@#!~%&^$`*:<>\\".contains(letter) { wide(letter) } else { letter });
    }
    push_word(&mut plain, &word);
    plain
}

fn push_word(plain: &mut String, word: &str) {
    let commit = word.len() >= COMMIT_MIN && word.chars().all(|letter| letter.is_ascii_hexdigit());
    let mut letters = word.chars();
    plain.extend(letters.next().map(|first| if commit { wide(first) } else { first }));
    plain.push_str(letters.as_str());
}

/// The wide form of a printable character of ASCII.
fn wide(letter: char) -> char {
    char::from_u32(u32::from(letter) + 0xfee0).unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_title_is_neither_mention_nor_reference_nor_link() {
        let hostile =
            "@all #12 !3 o/r@deadbeef `x` :+1: https://e.example/ www ~bug %\"m\" &4 $5 palisade:abc <b>";
        let text = plain(hostile);
        assert_eq!(text.chars().count(), hostile.chars().count());
        assert!(!text.contains(['@', '#', '!', '`', ':', '~', '%', '&', '$', '<', '>']), "{text}");
        assert!(!text.contains("deadbeef") && text.contains("eadbeef"), "{text}");
        assert_eq!(plain("Update openssl 1.2-r3 (CVE-2026-1)"), "Update openssl 1.2-r3 (CVE-2026-1)");
    }
}
