//! Lines for people: texts with fields in them.

use crate::check::Operand;
use crate::condition::{self, Expr, Wrong};
use crate::fields::{self, Field, Value};

/// Longest line, in bytes.
const LINE_BYTES_MAX: usize = 4 << 10;
/// Longest value in a line or in evidence, in bytes.
const VALUE_BYTES_MAX: usize = 1 << 10;

/// An output, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Output {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Field(Operand),
}

type Looked = Result<(Operand, &'static Field), (Wrong, bool)>;

impl Output {
    /// Takes a text with `%field` and `%field[argument]` apart. `look` finds a field.
    ///
    /// # Errors
    /// A field that is not known, and whether that is all.
    pub(crate) fn of(
        text: &str,
        mut look: impl FnMut(&condition::Operand) -> Looked,
    ) -> Result<Self, (Wrong, bool)> {
        let mut output = Self::default();
        // A star at the beginning asks Falco for the line also where fields are missing: so it is always.
        let mut rest = text.trim().strip_prefix('*').unwrap_or(text.trim());
        let whole = rest.len();
        while let Some((before, behind)) = rest.split_once('%') {
            output.text(before);
            let at = whole - behind.len();
            rest = match field(behind) {
                Some((written, used)) => {
                    let found = condition::parse(&format!("{written} exists"));
                    let Ok(Expr::Check(test)) = found else {
                        return Err((Wrong::at(at, format!("%{written} is no field")), false));
                    };
                    let operand = condition::Operand { at, ..test.left };
                    output.parts.push(Part::Field(look(&operand)?.0));
                    behind.get(used..).unwrap_or_default()
                }
                None => {
                    output.text("%");
                    behind.strip_prefix('%').unwrap_or(behind)
                }
            };
        }
        output.text(rest);
        Ok(output)
    }

    fn text(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(operand) => Some(operand.slot),
            Part::Text(_) => None,
        })
    }

    /// The line of an event. `value` gives what an operand is of it.
    pub(crate) fn line(&self, mut value: impl FnMut(&Operand) -> String) -> String {
        let mut line = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => line.push_str(text),
                Part::Field(operand) => line.push_str(&value(operand)),
            }
            if line.len() > LINE_BYTES_MAX {
                line.truncate(line.floor_char_boundary(LINE_BYTES_MAX));
                line.push('…');
                break;
            }
        }
        line
    }
}

/// The field that a text begins with, as a condition would write it, and how long it is. Of `a.b.c` it is `a.b` where only that is one.
fn field(text: &str) -> Option<(String, usize)> {
    let name_end =
        text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.')).unwrap_or(text.len());
    let written = text.get(..name_end)?;
    if text.get(name_end..)?.starts_with('(') {
        // A transformer: all up to the parenthesis that closes it.
        let mut depth = 0usize;
        for (at, character) in text.char_indices() {
            match character {
                '(' => depth += 1,
                ')' if depth == 1 => return text.get(..=at).map(|all| (all.to_owned(), at + 1)),
                ')' => depth = depth.checked_sub(1)?,
                _ => {}
            }
        }
        return None;
    }
    let written = written.trim_end_matches('.');
    if !written.contains('.') {
        return None;
    }
    let mut name = written;
    while fields::find(name).is_none() {
        match name.rsplit_once('.') {
            Some((shorter, _)) if shorter.contains('.') => name = shorter,
            _ => return Some((written.to_owned(), written.len())),
        }
    }
    let end = name.len();
    let behind = text.get(end..)?;
    match behind.strip_prefix('[').and_then(|argument| argument.find(']')) {
        Some(close) => {
            let argument = behind.get(1..=close)?;
            // What a condition needs in quotation marks stands here without them.
            let bare = !argument.contains(|c: char| c.is_whitespace() || matches!(c, '[' | '"' | '\''));
            let argument =
                if bare { argument.to_owned() } else { format!("\"{}\"", argument.replace(['"', '\\'], "")) };
            Some((format!("{name}[{argument}]"), end + close + 2))
        }
        None => Some((name.to_owned(), end)),
    }
}

/// A value for people: `<NA>` for none, several in parentheses, cut where it is too long.
pub(crate) fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Missing => "<NA>".to_owned(),
        Value::One(value) => plain(value),
        Value::Many(values) => {
            let mut line = String::from("(");
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    line.push(',');
                }
                if line.len() > VALUE_BYTES_MAX {
                    line.push('…');
                    break;
                }
                line.push_str(&plain(value));
            }
            line.push(')');
            line
        }
    }
}

/// A text without what would steer a terminal.
fn plain(bytes: &[u8]) -> String {
    let cut = bytes.get(..VALUE_BYTES_MAX);
    let text = String::from_utf8_lossy(cut.unwrap_or(bytes));
    let mut text: String =
        text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect();
    if cut.is_some() && bytes.len() > VALUE_BYTES_MAX {
        text.push('…');
    }
    text
}
