//! Wildcards of policies: `*` for any text, `?` for one byte. Without backtracking: between two asterisks the leftmost place is
//! always right, so time is bounded by the length of the text for parts without `?`, and by the product of the lengths otherwise.

use std::borrow::Cow;

/// Longest pattern that is looked at, in bytes. ARNs have at most 2,048.
pub(crate) const PATTERN_BYTES_MAX: usize = 4_096;

/// Whether a pattern covers the whole text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let (Some(head), Some(mut rest)) =
        (text.as_bytes().get(..first.len()), text.as_bytes().get(first.len()..))
    else {
        return false;
    };
    if !same(first.as_bytes(), head) {
        return false;
    }
    let mut last: Option<&str> = None;
    for part in parts {
        let Some(middle) = last.replace(part) else { continue };
        let Some(after) = find(middle, rest).and_then(|at| rest.get(at + middle.len()..)) else {
            return false;
        };
        rest = after;
    }
    match last {
        None => rest.is_empty(),
        Some(last) => {
            let end = rest.len().checked_sub(last.len()).and_then(|at| rest.get(at..));
            end.is_some_and(|end| same(last.as_bytes(), end))
        }
    }
}

/// Whether a pattern covers the whole text, of whatever case the letters are.
pub(crate) fn matches_any_case(pattern: &str, text: &str) -> bool {
    matches(&lower(pattern), &lower(text))
}

/// A text with small letters.
pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a pattern has wildcards.
pub(crate) fn is_wild(pattern: &str) -> bool {
    pattern.bytes().any(|byte| matches!(byte, b'*' | b'?'))
}

fn same(pattern: &[u8], text: &[u8]) -> bool {
    pattern.len() == text.len() && pattern.iter().zip(text).all(|(one, other)| one == other || *one == b'?')
}

/// The leftmost place of a part without asterisks.
fn find(part: &str, text: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    // What the standard library does for texts takes linear time; cutting a text inside of a character leaves none.
    match std::str::from_utf8(text) {
        Ok(text) if !part.contains('?') => text.find(part),
        _ => text.windows(part.len()).position(|window| same(part.as_bytes(), window)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{matches, matches_any_case};

    #[test]
    fn wildcards_are_those_of_iam() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "ab", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*?b", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(matches_any_case("S3:get*", "s3:GetObject"));
    }

    #[test]
    fn patterns_that_make_others_backtrack_are_answered() {
        let pattern = "*a".repeat(2_000) + "b";
        assert!(!matches(&pattern, &"a".repeat(4_000)));
        assert!(matches(&"*?a".repeat(1_000), &"a".repeat(4_000)));
    }

    /// The definition, which takes exponential time.
    fn slow(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', more)), _) => {
                slow(more, text) || text.split_first().is_some_and(|(_, rest)| slow(pattern, rest))
            }
            (Some((one, more)), Some((other, rest))) => (*one == b'?' || one == other) && slow(more, rest),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_the_definition_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            prop_assert_eq!(matches(&pattern, &text), slow(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
