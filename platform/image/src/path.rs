//! Names from archives, made safe: relative, UTF-8, without `.`, `..`, empty components or NUL.

use model::GapCode;

use crate::limits::Limits;

/// Why a name is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadName {
    pub(crate) code: GapCode,
    pub(crate) why: String,
}

impl BadName {
    fn new(code: GapCode, why: impl Into<String>) -> Self {
        Self { code, why: why.into() }
    }
}

/// Writes the normal form of `raw` to `into`. The root itself is the empty string. A leading `/` or `./` says nothing
/// and goes; `..` is refused even where it would stay inside, as tools disagree on what it then means.
pub(crate) fn normalise(raw: &[u8], limits: &Limits, into: &mut String) -> Result<(), BadName> {
    into.clear();
    if raw.len() > limits.path_bytes + 2 {
        return Err(BadName::new(
            GapCode::NameLimit,
            format!("the name has {} bytes; the limit is {}", raw.len(), limits.path_bytes),
        ));
    }
    let text = std::str::from_utf8(raw)
        .map_err(|_| BadName::new(GapCode::UnsafePath, "the name is not UTF-8".to_owned()))?;
    if text.contains('\0') {
        return Err(BadName::new(GapCode::UnsafePath, "the name contains a NUL"));
    }
    let mut depth = 0;
    for component in text.split('/') {
        match component {
            "" | "." => {}
            ".." => return Err(BadName::new(GapCode::UnsafePath, "the name contains `..`")),
            name => {
                if depth > 0 {
                    into.push('/');
                }
                into.push_str(name);
                depth += 1;
            }
        }
    }
    if depth > limits.depth {
        return Err(BadName::new(
            GapCode::DepthLimit,
            format!("the path is {depth} levels deep; the limit is {}", limits.depth),
        ));
    }
    Ok(())
}

/// A name as a gap may show it: readable, without control characters, at most 200 characters.
pub(crate) fn shown(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw.get(..800).unwrap_or(raw));
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(200).collect()
}

/// Every directory above `path`, nearest first, ending with the root `""`.
pub(crate) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = (!path.is_empty()).then_some(path);
    std::iter::from_fn(move || {
        let current = rest?;
        let parent = current.rfind('/').and_then(|slash| current.get(..slash)).unwrap_or("");
        rest = (!parent.is_empty()).then_some(parent);
        Some(parent)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clean(raw: &[u8]) -> Result<String, GapCode> {
        let mut into = String::new();
        normalise(raw, &Limits::default(), &mut into).map(|()| into).map_err(|bad| bad.code)
    }

    #[test]
    fn names_become_relative_and_plain() {
        for (raw, expected) in [
            ("a/b", "a/b"),
            ("./a//b/", "a/b"),
            ("/etc/passwd", "etc/passwd"),
            ("./", ""),
            ("/", ""),
            ("a/./b", "a/b"),
            ("...", "..."),
        ] {
            assert_eq!(clean(raw.as_bytes()).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for raw in ["..", "../x", "a/../b", "a/..", "/../etc/shadow"] {
            assert_eq!(clean(raw.as_bytes()), Err(GapCode::UnsafePath), "{raw}");
        }
        assert_eq!(clean(b"a\0b"), Err(GapCode::UnsafePath));
        assert_eq!(clean(b"a\xff"), Err(GapCode::UnsafePath));
        assert_eq!(clean("x/".repeat(300).as_bytes()), Err(GapCode::DepthLimit));
        assert_eq!(clean("x".repeat(5000).as_bytes()), Err(GapCode::NameLimit));
    }

    #[test]
    fn ancestors_end_at_the_root() {
        assert_eq!(ancestors("a/b/c").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(ancestors("a").collect::<Vec<_>>(), [""]);
        assert_eq!(ancestors("").count(), 0);
    }

    proptest! {
        #[test]
        fn normal_forms_are_stable(raw in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(text) = clean(&raw) {
                prop_assert!(!text.starts_with('/') && !text.ends_with('/') && !text.contains("//"));
                prop_assert!(text.split('/').all(|part| part != ".." && part != "."));
                prop_assert_eq!(clean(text.as_bytes()), Ok(text));
            }
        }
    }
}
