//! Patterns of paths and repositories in rights: segments joined by `/`, where `*` stands for exactly one segment and `**`, at
//! the end alone, for any number of them. No other character is special, so that what is granted can be read at a glance.

const BYTES_MAX: usize = 1_024;

/// Whether a pattern can be used; the error completes a sentence. `rooted` ones start with `/`.
pub(crate) fn check(pattern: &str, rooted: bool) -> Result<(), &'static str> {
    if pattern.len() > BYTES_MAX {
        return Err("is longer than 1,024 bytes");
    }
    if pattern.bytes().any(|b| !b.is_ascii_graphic() || matches!(b, b'?' | b'#' | b'\\')) {
        return Err("has characters that no path has");
    }
    let rest = match (rooted, pattern.strip_prefix('/')) {
        (true, None) => return Err("does not start with /"),
        (false, Some(_)) | (false, None) if pattern.is_empty() || pattern.starts_with('/') => {
            return Err("is empty or starts with /");
        }
        (true, Some(rest)) => rest,
        (false, _) => pattern,
    };
    let segments: Vec<&str> = rest.split('/').collect();
    let last = segments.len().saturating_sub(1);
    for (index, segment) in segments.iter().enumerate() {
        match *segment {
            "**" if index != last => return Err("has ** before its end"),
            "." | ".." => return Err("has . or .. as a segment"),
            "" if index != last => return Err("has an empty segment"),
            segment if segment.contains('*') && !matches!(segment, "*" | "**") => {
                return Err("has a * that is not a whole segment");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a text is within a pattern that was checked.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut wanted = pattern.split('/');
    let mut given = text.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (Some("**"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(segment)) if !segment.is_empty() => {}
            (Some(segment), Some(other)) if segment == other && segment != "*" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{check, matches};

    #[test]
    fn stars_are_whole_segments() {
        for (pattern, text, expected) in [
            ("/", "/", true),
            ("/", "/a", false),
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/", false),
            ("/a/*", "/a/b/c", false),
            ("/a/*/c", "/a/b/c", true),
            ("/a/**", "/a/b/c", true),
            ("/a/**", "/a/", true),
            ("/a/**", "/a", false),
            ("/**", "/", true),
            ("/**", "/x/y", true),
            ("/a", "/A", false),
            ("r.example/team/*", "r.example/team/app", true),
            ("r.example/team/*", "r.example/teamx/app", false),
        ] {
            assert!(check(pattern, pattern.starts_with('/')).is_ok(), "{pattern}");
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_that_mislead_are_refused() {
        for (pattern, rooted) in [
            ("", true),
            ("a", true),
            ("", false),
            ("/a", false),
            ("/a/**/b", true),
            ("/a*", true),
            ("/../a", true),
            ("/a//b", true),
            ("/a?b", true),
            ("/a b", true),
            ("/\u{e9}", true),
        ] {
            assert!(check(pattern, rooted).is_err(), "{pattern:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_pattern_without_stars_is_itself_alone(text in "/[a-c/]{0,6}", other in "/[a-c/]{0,6}") {
            proptest::prop_assert_eq!(matches(&text, &other), text == other);
        }
    }
}
