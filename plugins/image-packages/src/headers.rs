//! Paragraphs of `Name: value` lines: Debian control files and the metadata of Python packages (both after RFC 822).

/// Fields of one paragraph. Python packages with a line for each of their requirements reach some hundred.
const FIELDS_MAX: usize = 10_000;

/// One paragraph. Continuation lines begin with a space or a tab; the names' case does not count. Lines are kept as they are and
/// understood when they are asked for: most never are.
pub(crate) struct Paragraph<'a> {
    lines: Vec<&'a str>,
}

impl<'a> Paragraph<'a> {
    /// Reads one paragraph of any text up to its first empty line.
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut paragraph = Self { lines: Vec::new() };
        paragraph.read(&mut Lines { rest: text });
        paragraph
    }

    fn read(&mut self, lines: &mut Lines<'a>) {
        self.lines.clear();
        for line in lines {
            match line.as_bytes().first() {
                Some(b'!'..=b'~') if self.lines.len() < FIELDS_MAX => self.lines.push(line),
                _ if blank(line) => return,
                _ => {}
            }
        }
    }

    /// The first line of a field's first value; nothing when it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    /// The first lines of every field of this name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| {
            // Most lines are another field's, and one look tells that.
            if !matches!(line.as_bytes().get(name.len()), Some(b':' | b' ' | b'\t')) {
                return None;
            }
            let (start, rest) = line.split_at_checked(name.len())?;
            let value = start.eq_ignore_ascii_case(name).then(|| rest.trim_ascii_start().strip_prefix(':'));
            value.flatten().map(str::trim_ascii)
        })
    }

    fn has_field(&self) -> bool {
        self.lines.iter().any(|line| memchr::memchr(b':', line.as_bytes()).is_some())
    }
}

/// Calls `each` with every paragraph of a text that has a field, until one fails. One pass and one list of fields: these files
/// are large and almost nothing else.
pub(crate) fn paragraphs<'a, E>(
    text: &'a str,
    mut each: impl FnMut(&Paragraph<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut lines = Lines { rest: text };
    let mut paragraph = Paragraph { lines: Vec::new() };
    while !lines.rest.is_empty() {
        paragraph.read(&mut lines);
        if paragraph.has_field() {
            each(&paragraph)?;
        }
    }
    Ok(())
}

/// Splits a text at its empty lines; what is between two of them may be empty.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut lines = Lines { rest: text };
    std::iter::from_fn(move || {
        let start = lines.rest;
        if start.is_empty() {
            return None;
        }
        loop {
            let length = start.len() - lines.rest.len();
            if lines.next().is_none_or(blank) {
                return start.get(..length);
            }
        }
    })
}

/// The lines of a text, with their `\r` if they have one.
struct Lines<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let (line, rest) = match memchr::memchr(b'\n', self.rest.as_bytes()) {
            Some(end) => (self.rest.get(..end)?, self.rest.get(end + 1..)?),
            None if self.rest.is_empty() => return None,
            None => (self.rest, ""),
        };
        self.rest = rest;
        Some(line)
    }
}

fn blank(line: &str) -> bool {
    line.trim_ascii_end().is_empty()
}

#[cfg(test)]
mod tests {
    use super::{Paragraph, blocks, paragraphs};

    #[test]
    fn paragraphs_and_fields_are_split() {
        let text = "A: 1\n more\nB:\n\n\r\nC : 2\r\na: 3\n";
        let mut found = Vec::new();
        let take = |paragraph: &Paragraph<'_>| {
            let of = |name| paragraph.all(name).map(str::to_owned).collect::<Vec<_>>();
            found.push([of("a"), of("B"), of("C")]);
            assert_eq!(paragraph.get("b"), None);
            Ok::<(), ()>(())
        };
        paragraphs(text, take).unwrap();
        assert_eq!(found, [[vec!["1"], vec![""], vec![]], [vec!["3"], vec![], vec!["2"]]]);
    }

    #[test]
    fn blocks_are_what_is_between_empty_lines() {
        assert_eq!(blocks("A:1\nF:x\n\nB:2").collect::<Vec<_>>(), ["A:1\nF:x\n", "B:2"]);
        assert_eq!(blocks("\n \r\nB").collect::<Vec<_>>(), ["", "", "B"]);
        assert_eq!(blocks("").count(), 0);
    }

    #[test]
    fn a_paragraph_ends_at_the_first_empty_line_even_if_that_is_the_first() {
        assert_eq!(Paragraph::parse("\nA: 1").get("A"), None);
        assert_eq!(Paragraph::parse("A: 1\n\nA: 2").all("A").count(), 1);
        let mut count = 0;
        let outcome = paragraphs("\n\r\n x\n\nA: 1\n\nB: 2", |_| {
            count += 1;
            Err("enough")
        });
        assert_eq!((outcome, count), (Err("enough"), 1));
    }
}
