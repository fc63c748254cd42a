//! Making text fit for columns: without U+0000, and short enough to be a key.
//!
//! Scanned text is hostile. Postgres refuses U+0000 in text and JSON, and an index entry longer than a third of a page;
//! without care one odd file name would make a whole scan fail. Both databases get the same text, so that both give the
//! same answers.

use std::borrow::Cow;

use serde::Serialize;

use crate::{Result, StoreError};

/// Longest text in a column that is part of an index, in bytes. Postgres allows about 2,700 bytes for a whole entry,
/// which here holds at most a tenant (63), one long key and a short tiebreak.
pub const KEY_MAX: usize = 1_024;

/// The text with U+FFFD for U+0000.
pub(crate) fn text(value: &str) -> Cow<'_, str> {
    if value.contains('\0') { Cow::Owned(value.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(value) }
}

/// The text as a key: clean, and if it is longer than [`KEY_MAX`] its beginning with a hash of the whole, so that
/// different texts stay different and the same text is found again.
pub(crate) fn key(value: &str) -> String {
    let value = text(value);
    if value.len() <= KEY_MAX {
        return value.into_owned();
    }
    let hash = blake3::hash(value.as_bytes()).to_hex();
    let cut = value.floor_char_boundary(KEY_MAX - 40);
    format!("{}…{}", value.get(..cut).unwrap_or_default(), hash.get(..32).unwrap_or_default())
}

/// The identity of something: clean, and refused rather than cut if it is too long.
///
/// # Errors
/// [`StoreError::TooLong`].
pub(crate) fn identity(what: &'static str, value: &str) -> Result<String> {
    if value.len() > KEY_MAX {
        return Err(StoreError::TooLong { what, length: value.len(), max: KEY_MAX });
    }
    Ok(text(value).into_owned())
}

/// A pattern that finds a text anywhere, letter by letter.
pub(crate) fn literal_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// The value as JSON text without U+0000.
///
/// # Errors
/// [`StoreError::Encode`].
pub(crate) fn json<T: Serialize>(what: &'static str, value: &T) -> Result<String> {
    let encode = |source| StoreError::Encode { what, source };
    let text = serde_json::to_string(value).map_err(encode)?;
    // The escape may be the tail of an escaped backslash, so that only a parse can tell; it is rare enough to afford one.
    if !text.contains("\\u0000") {
        return Ok(text);
    }
    let mut tree: serde_json::Value = serde_json::from_str(&text).map_err(encode)?;
    clean_tree(&mut tree);
    serde_json::to_string(&tree).map_err(encode)
}

/// Recursion is bounded: the tree was just parsed, and serde_json refuses more than 128 levels.
fn clean_tree(tree: &mut serde_json::Value) {
    match tree {
        serde_json::Value::String(value) => *value = text(value).into_owned(),
        serde_json::Value::Array(values) => values.iter_mut().for_each(clean_tree),
        serde_json::Value::Object(map) => {
            map.values_mut().for_each(clean_tree);
            // Of two names that become the same one, the later stays: as with any name that comes twice.
            if map.keys().any(|name| name.contains('\0')) {
                let members = std::mem::take(map).into_iter();
                *map = members.map(|(name, value)| (text(&name).into_owned(), value)).collect();
            }
        }
        _ => {}
    }
}

/// Longest text to search for, in bytes. SQLite refuses patterns of more than 50,000; nobody types a thousand.
const NEEDLE_MAX: usize = 1_024;

/// What a `LIKE … ESCAPE '\'` pattern needs to find `needle` anywhere in a text that was lower-cased by
/// [`str::to_lowercase`].
///
/// # Errors
/// [`StoreError::TooLong`].
pub(crate) fn contains_pattern(needle: &str) -> Result<String> {
    if needle.len() > NEEDLE_MAX {
        return Err(StoreError::TooLong {
            what: "a text to search for",
            length: needle.len(),
            max: NEEDLE_MAX,
        });
    }
    let mut pattern = String::with_capacity(needle.len() + 2);
    pattern.push('%');
    for letter in text(needle).to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    Ok(pattern)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{KEY_MAX, contains_pattern, json, key};

    #[test]
    fn only_real_nul_characters_are_replaced() {
        assert_eq!(json("t", &["a\0b"]).unwrap(), "[\"a\u{fffd}b\"]");
        assert_eq!(json("t", &[r"a\u0000b"]).unwrap(), r#"["a\\u0000b"]"#);
        assert_eq!(json("t", &["\\\0"]).unwrap(), "[\"\\\\\u{fffd}\"]");
        let names = serde_json::json!({ "\0": { "a\0": 1 }, "b": 2 });
        assert_eq!(json("t", &names).unwrap(), "{\"b\":2,\"\u{fffd}\":{\"a\u{fffd}\":1}}");
    }

    #[test]
    fn patterns_mean_themselves() {
        assert_eq!(contains_pattern("50%_\\X").unwrap(), r"%50\%\_\\x%");
        assert!(contains_pattern(&"x".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn keys_are_short_and_still_tell_texts_apart(a in "[aé]{1000,1100}", b in "[aé]{1000,1100}") {
            prop_assert!(key(&a).len() <= KEY_MAX);
            prop_assert_eq!(key(&a) == key(&b), a == b);
        }
    }
}
