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
        let mut fields = Vec::new();
        for line in text.lines().take_while(|line| !line.trim_end().is_empty()) {
            if line.starts_with([' ', '\t']) {
                continue;
            }
            if fields.len() < FIELDS_MAX
                && let Some((name, value)) = line.split_once(':')
            {
                fields.push((name.trim_end(), value.trim()));
            }
        }
        Self { fields }
    }

    /// The first line of a field's first value; nothing when it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    /// The first lines of every field of this name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// Splits a text at its empty lines.
pub(crate) fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        let mut next = rest.len();
        for line in rest.split_inclusive('\n') {
            if line.trim_end().is_empty() {
                next = end + line.len();
                break;
            }
            end += line.len();
        }
        let (paragraph, tail) = (rest.get(..end)?, rest.get(next..)?);
        rest = tail;
        Some(paragraph)
    })
}

#[cfg(test)]
mod tests {
    use super::{Paragraph, paragraphs};

    #[test]
    fn paragraphs_and_fields_are_split() {
        let text = "A: 1\n more\nB:\n\n\r\nC : 2\r\na: 3\n";
        let found: Vec<_> = paragraphs(text).filter(|p| !p.is_empty()).map(Paragraph::parse).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].get("a"), Some("1"));
        assert_eq!(found[0].get("B"), None);
        assert_eq!(found[1].get("C"), Some("2"));
        assert_eq!(found[1].all("A").collect::<Vec<_>>(), ["3"]);
    }
}
