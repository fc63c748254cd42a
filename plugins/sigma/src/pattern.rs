//! Values with wildcards (<https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html#escaping>): `*` is any
//! number of characters, `?` is one, `\` takes their meaning from them and from itself; anywhere else it is a backslash.

/// A part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    /// `*`
    Any,
    /// `?`
    One,
}

/// Parts of a value as it is written.
pub(crate) fn parse(written: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut characters = written.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.peek() {
                Some(&special @ ('*' | '?' | '\\')) => {
                    text.push(special);
                    characters.next();
                }
                _ => text.push('\\'),
            },
            '*' | '?' => {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                let part = if character == '*' { Part::Any } else { Part::One };
                // Two stars in a row are one.
                if part != Part::Any || parts.last() != Some(&Part::Any) {
                    parts.push(part);
                }
            }
            other => text.push(other),
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    parts
}

/// The one text that has no wildcards; nothing where there are some.
pub(crate) fn literal(parts: &[Part]) -> Option<&str> {
    match parts {
        [] => Some(""),
        [Part::Text(text)] => Some(text),
        _ => None,
    }
}

/// A pattern with wildcards in the middle, or more of them than one at each end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    /// Between the stars; each is texts and single characters.
    segments: Vec<Vec<Part>>,
}

impl Glob {
    pub(crate) fn new(parts: &[Part]) -> Self {
        Self { segments: parts.split(|part| *part == Part::Any).map(<[Part]>::to_vec).collect() }
    }

    /// Texts that every match holds.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flatten().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The leftmost place of each segment is the best one, so that time is bounded by the product of the lengths.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let Some((first, more)) = self.segments.split_first() else { return text.is_empty() };
        let Some(mut rest) = strip(text, first) else { return false };
        let Some((last, middle)) = more.split_last() else { return rest.is_empty() };
        for segment in middle {
            match find(rest, segment) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        ends(rest, last)
    }
}

/// What follows a segment that a text begins with.
fn strip<'t>(mut text: &'t str, segment: &[Part]) -> Option<&'t str> {
    for part in segment {
        text = match part {
            Part::Text(wanted) => text.strip_prefix(wanted.as_str())?,
            _ => {
                let mut characters = text.chars();
                characters.next()?;
                characters.as_str()
            }
        };
    }
    Some(text)
}

/// What follows the first place of a segment in a text.
fn find<'t>(text: &'t str, segment: &[Part]) -> Option<&'t str> {
    if let [Part::Text(wanted)] = segment {
        return text.split_once(wanted.as_str()).map(|(_, after)| after);
    }
    let mut rest = text;
    loop {
        if let Some(after) = strip(rest, segment) {
            return Some(after);
        }
        let mut characters = rest.chars();
        characters.next()?;
        rest = characters.as_str();
    }
}

/// Whether a text ends with a segment.
fn ends(mut text: &str, segment: &[Part]) -> bool {
    for part in segment.iter().rev() {
        let left = match part {
            Part::Text(wanted) => text.strip_suffix(wanted.as_str()),
            _ => {
                let mut characters = text.chars();
                characters.next_back().map(|_| characters.as_str())
            }
        };
        match left {
            Some(left) => text = left,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{Glob, Part, literal, parse};

    #[test]
    fn backslashes_count_only_before_what_they_escape() {
        for (written, meant) in [
            (r"C:\Windows", r"C:\Windows"),
            (r"C:\\Windows", r"C:\Windows"),
            (r"a\*b", "a*b"),
            (r"a\?b", "a?b"),
            (r"\\\*", r"\*"),
            (r"end\", r"end\"),
            ("", ""),
        ] {
            assert_eq!(literal(&parse(written)), Some(meant), "{written}");
        }
        assert_eq!(parse(r"\\*"), [Part::Text("\\".to_owned()), Part::Any]);
        assert_eq!(parse("**"), [Part::Any]);
    }

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "b a", false),
            ("ab*b", "ab", false),
            ("*a?b*", "aab axb", true),
            ("*?", "", false),
            ("?*?", "ab", true),
            ("a*a*a", "aa", false),
            ("*ab?", "xabab", false),
            ("*ab?", "xababc", true),
        ] {
            assert_eq!(Glob::new(&parse(pattern)).matches(text), expected, "{pattern} {text}");
        }
        let hostile = Glob::new(&parse(&"*a".repeat(500)));
        assert!(!hostile.matches(&"b".repeat(50_000)));
    }
}
