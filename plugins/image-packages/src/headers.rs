//! Paragraphs of `Name: value` lines: Debian control files and the metadata of Python packages (both after RFC 822).

/// Fields of one paragraph. Python packages with a line for each of their requirements reach some hundred.
const FIELDS_MAX: usize = 10_000;

/// One paragraph. Continuation lines begin with a space or a tab; the names' case does not count.
pub(crate) struct Paragraph<'a> {
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Paragraph<'a> {
    /// Reads one paragraph of any text up to its first empty line.
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut paragraph = Self { fields: Vec::new() };
        paragraph.read(&mut Lines { rest: text });
        paragraph
    }

    fn read(&mut self, lines: &mut Lines<'a>) {
        self.fields.clear();
        for line in lines.by_ref().take_while(|line| !blank(line)) {
            if !matches!(line.as_bytes().first(), Some(b' ' | b'\t')) && self.fields.len() < FIELDS_MAX {
                self.fields.extend(field(line));
            }
        }
    }

    /// The first line of a field's first value; nothing when it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    /// The first lines of every field of this name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// Calls `each` with every paragraph of a text that has a field, until one fails. One pass and one list of fields: these files
/// are large and almost nothing else.
pub(crate) fn paragraphs<'a, E>(
    text: &'a str,
    mut each: impl FnMut(&Paragraph<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut lines = Lines { rest: text };
    let mut paragraph = Paragraph { fields: Vec::new() };
    while !lines.rest.is_empty() {
        paragraph.read(&mut lines);
        if !paragraph.fields.is_empty() {
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

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest.as_bytes()).unwrap_or(self.rest.len());
        let line = self.rest.get(..end)?;
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Some(line)
    }
}

fn blank(line: &str) -> bool {
    line.trim_ascii_end().is_empty()
}

fn field(line: &str) -> Option<(&str, &str)> {
    let colon = memchr::memchr(b':', line.as_bytes())?;
    Some((line.get(..colon)?.trim_ascii_end(), line.get(colon + 1..)?.trim_ascii()))
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
