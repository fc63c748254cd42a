//! Texts: small letters, cut, shown.

use std::borrow::Cow;

/// Small letters, character by character, so that a part of a text stays a part of it.
pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        }
    } else {
        Cow::Owned(text.chars().flat_map(small).collect())
    }
}

/// A small letter. The long s is one too: regular expressions that ignore the size of letters take it for an s.
pub(crate) fn small(character: char) -> impl Iterator<Item = char> {
    if character == 'ſ' { 's' } else { character }.to_lowercase()
}

/// At most `most` bytes of a text.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

/// A stranger's text, escaped and cut.
pub(crate) fn shown(text: &str) -> String {
    let head = cut(text, 120);
    let more = if head.len() < text.len() { "…" } else { "" };
    let plain = |c: char| matches!(c, '"' | '\'' | '\\');
    let escaped: String =
        head.chars().flat_map(|c| if plain(c) { vec![c] } else { c.escape_debug().collect() }).collect();
    format!("{escaped}{more}")
}

/// A text without what would steer a terminal, cut.
pub(crate) fn plain(text: &str, most: usize) -> String {
    cut(text, most).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
