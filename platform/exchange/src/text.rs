//! Strangers' text, made fit to be kept: bounded, and without what changes how the text around it is shown.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::limits;

/// What stands where a text was cut.
const CUT_MARK: char = '…';

/// One line for people: at most [`limits::TITLE_CHARS`] characters, line breaks and tabs as spaces. Only the first
/// [`limits::TEXT_BYTES`] are looked at, because a long text may be the title of every result.
pub(crate) fn title(text: &str) -> String {
    let text = first(text, limits::TEXT_BYTES);
    let mut out = String::new();
    for (count, letter) in text.split_whitespace().flat_map(spaced).skip(1).enumerate() {
        if count == limits::TITLE_CHARS {
            out.push(CUT_MARK);
            break;
        }
        push(letter, &mut out);
    }
    out
}

/// Text of several lines: at most [`limits::BODY_BYTES`] bytes and what an escape adds.
pub(crate) fn body(text: &str) -> String {
    let kept = clip(text);
    let mut out = String::new();
    let mut cut = kept.len() < text.len();
    for letter in kept.trim().chars() {
        if out.len() >= limits::BODY_BYTES {
            cut = true;
            break;
        }
        match letter {
            '\n' | '\t' => out.push(letter),
            '\r' => {}
            _ => push(letter, &mut out),
        }
    }
    if cut {
        out.push(CUT_MARK);
    }
    out
}

/// The beginning of a text that many results may share, so that it costs each of them a bounded time.
pub(crate) fn clip(text: &str) -> &str {
    first(text, limits::BODY_BYTES)
}

fn first(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// A word that things are found by: cleaned; nothing where it is empty or longer than [`limits::ID_BYTES`], because a
/// word that was cut is another word.
pub(crate) fn id(text: &str) -> Option<String> {
    let mut out = String::new();
    if text.len() > limits::TEXT_BYTES {
        return None;
    }
    for letter in text.trim().chars() {
        push(letter, &mut out);
    }
    (!out.is_empty() && out.len() <= limits::ID_BYTES).then_some(out)
}

/// Text that is kept as it is, such as a version or a vector; nothing where it is empty or too long.
pub(crate) fn exact(text: &str) -> Option<String> {
    if text.len() > limits::TEXT_BYTES {
        return None;
    }
    let text = text.trim();
    let fits = !text.is_empty() && !text.contains(is_unfit);
    fits.then(|| text.to_owned())
}

/// A link that may be shown as one.
pub(crate) fn link(text: &str) -> Option<String> {
    let plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | '<' | '>' | '`' | '\\');
    if text.len() > limits::TEXT_BYTES {
        return None;
    }
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let fits = !host.is_empty() && text.chars().all(plain);
    fits.then(|| text.to_owned())
}

/// What is kept of a secret: enough to tell two apart, too little to guess it from.
pub(crate) fn secret_prefix(secret: &str) -> String {
    let mut hex = hex::encode(Sha256::digest(secret.as_bytes()));
    hex.truncate(12);
    hex
}

fn spaced(word: &str) -> impl Iterator<Item = char> {
    std::iter::once(' ').chain(word.chars())
}

fn push(letter: char, out: &mut String) {
    if is_unfit(letter) {
        let _ = write!(out, "\\u{{{:x}}}", u32::from(letter));
    } else {
        out.push(letter);
    }
}

/// Control characters, and those that change how the text around them is shown.
fn is_unfit(letter: char) -> bool {
    let joins = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let turns = matches!(letter, '\u{61c}' | '\u{2028}'..='\u{202e}');
    letter.is_control() || joins || turns
}

#[cfg(test)]
mod tests {
    use super::{body, exact, id, link, secret_prefix, title};
    use crate::limits;

    #[test]
    fn titles_are_one_visible_line() {
        assert_eq!(title("  a\r\n\tb\u{202e}c\u{1b}[2J "), "a b\\u{202e}c\\u{1b}[2J");
        let long = title(&"ä".repeat(1_000));
        assert_eq!(long.chars().count(), limits::TITLE_CHARS + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn bodies_keep_their_lines_and_their_bound() {
        assert_eq!(body("a\r\nb\u{0}\u{2066}"), "a\nb\\u{0}\\u{2066}");
        assert!(body(&"x".repeat(1 << 20)).len() <= limits::BODY_BYTES + 4);
    }

    #[test]
    fn words_that_cannot_be_kept_whole_are_not_kept() {
        assert_eq!(id(" CVE-1\n").as_deref(), Some("CVE-1"));
        assert_eq!(id(" "), None);
        assert_eq!(id(&"x".repeat(limits::ID_BYTES + 1)), None);
        assert_eq!(exact("1.0\u{202e}"), None);
        for bad in ["javascript:alert(1)", "https://", "https://a b", "https://a\u{202e}", "https://a\"b"] {
            assert_eq!(link(bad), None, "{bad}");
        }
        assert_eq!(link("https://a.example/x?y=1#z").as_deref(), Some("https://a.example/x?y=1#z"));
    }

    #[test]
    fn a_secret_is_known_by_a_prefix_of_its_hash() {
        assert_eq!(secret_prefix("abc"), "ba7816bf8f01");
    }
}
