//! What a report is made of.

/// A part of a report, in reading order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    /// A heading: level 1 once, then 2 and 3.
    Heading(u16, String),
    /// A paragraph.
    Paragraph(String),
    /// A table.
    Table(Table),
}

/// A table. The first cell of a row is its heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// What it shows.
    pub(super) caption: String,
    /// Headings of its columns, each with how wide it is beside the others on paper.
    pub(super) columns: Vec<(&'static str, u16)>,
    /// Its rows; each has a cell for each column.
    pub(super) rows: Vec<Vec<String>>,
}

/// A stranger's text as it may be shown: what moves a cursor, turns text around or is not seen is written as `\u{…}`, and line ends become
/// spaces.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' | '\t' => out.push(' '),
            '\'' | '"' | '\\' => out.push(letter),
            other => out.extend(other.escape_debug()),
        }
    }
    out
}
