//! Reading the members of a YAML mapping, with the line of whatever is wrong.

use serde_json::{Map, Value};
use yaml::Lines;

use crate::error::PlaybookError;
use crate::filter::Filter;

/// Longest text of a playbook's member.
const TEXT_MAX: usize = 8192;
/// Longest time that a playbook may name: a lease of a month.
const DURATION_MAX: i64 = 31 * 24 * 3600;

/// A mapping, and where it stands.
pub(crate) struct Members<'a> {
    map: &'a Map<String, Value>,
    pointer: String,
    lines: Lookup<'a>,
}

/// Lines of a document, or one line for a part that was made anew.
#[derive(Clone)]
enum Lookup<'a> {
    Lines(&'a Lines),
    Line(u32),
}

impl<'a> Members<'a> {
    pub(crate) fn of(value: &'a Value, pointer: &str, lines: &'a Lines) -> Result<Self, PlaybookError> {
        Self::new(value, pointer.to_owned(), Lookup::Lines(lines))
    }

    /// A part that was made of the one that stands on this line.
    pub(crate) fn on(value: &'a Value, line: u32) -> Result<Self, PlaybookError> {
        Self::new(value, String::new(), Lookup::Line(line))
    }

    fn new(value: &'a Value, pointer: String, lines: Lookup<'a>) -> Result<Self, PlaybookError> {
        match value.as_object() {
            Some(map) => Ok(Self { map, pointer, lines }),
            None => Err(PlaybookError::at(lines.of(&pointer), "a mapping is expected")),
        }
    }

    pub(crate) fn line(&self) -> u32 {
        self.lines.of(&self.pointer)
    }

    pub(crate) fn line_of(&self, name: &str) -> u32 {
        self.lines.of(&self.path(name))
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.map.keys().map(String::as_str)
    }

    /// A member; null is as good as none.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn missing(&self, name: &str) -> PlaybookError {
        PlaybookError::at(self.line(), format!("{name:?} is missing"))
    }

    pub(crate) fn wrong(&self, name: &str, what: &str) -> PlaybookError {
        PlaybookError::at(self.line_of(name), format!("{name:?}: {what}"))
    }

    pub(crate) fn only(&self, allowed: &[&str]) -> Result<(), PlaybookError> {
        match self.map.keys().find(|name| !allowed.contains(&name.as_str())) {
            Some(name) => {
                Err(self
                    .wrong(name, &format!("there is no such member here; there are {}", allowed.join(", "))))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, PlaybookError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= TEXT_MAX => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(name, "a text is expected; put it in quotes")),
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, PlaybookError> {
        let wrong = || self.wrong(name, "a list of texts is expected");
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<bool, PlaybookError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(_) => Err(self.wrong(name, "true or false is expected")),
        }
    }

    pub(crate) fn number(&self, name: &str, min: u64, max: u64) -> Result<Option<u64>, PlaybookError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64().filter(|number| (min..=max).contains(number)) {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(name, &format!("a whole number from {min} to {max} is expected"))),
            },
        }
    }

    /// Seconds.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<i64>, PlaybookError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let unit = |text: &str| match text {
            "s" => Some(1),
            "m" => Some(60),
            "h" => Some(3600),
            "d" => Some(86_400),
            _ => None,
        };
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let seconds = digits.parse::<i64>().ok().zip(text.get(digits.len()..).and_then(unit));
        let seconds = seconds.and_then(|(count, unit)| count.checked_mul(unit));
        match seconds.filter(|seconds| (1..=DURATION_MAX).contains(seconds)) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(self.wrong(name, "a time such as 90s, 30m, 2h or 1d is expected, at most 31d")),
        }
    }

    pub(crate) fn filter(&self, name: &str) -> Result<Option<Filter>, PlaybookError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        Filter::parse(&text).map(Some).map_err(|error| self.wrong(name, &error.to_string()))
    }

    pub(crate) fn inner(&self, name: &str) -> Result<Option<Self>, PlaybookError> {
        self.get(name).map(|value| Self::new(value, self.path(name), self.lines.clone())).transpose()
    }

    pub(crate) fn items(&self, name: &str) -> Result<Vec<Self>, PlaybookError> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                let item = |(place, value): (usize, &'a Value)| {
                    Self::new(value, format!("{}/{place}", self.path(name)), self.lines.clone())
                };
                items.iter().enumerate().map(item).collect()
            }
            Some(_) => Err(self.wrong(name, "a list is expected")),
        }
    }
}

impl Lookup<'_> {
    fn of(&self, pointer: &str) -> u32 {
        match self {
            Self::Lines(lines) => lines.of(pointer),
            Self::Line(line) => *line,
        }
    }
}
