//! Functions of texts.

use std::cell::RefCell;
use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use super::eval::Run;
use super::operators::unfit;
use super::value::Val;
use super::{Fault, failed};

/// Bytes of a compiled regular expression. Larger ones take long to compile.
const REGEX_BYTES_MAX: usize = 1 << 18;
/// Compiled regular expressions that are kept.
const REGEXES_KEPT: usize = 256;
/// What compiling one costs, in steps.
const REGEX_STEPS: usize = 2_000;

thread_local! {
    static REGEXES: RefCell<BTreeMap<String, Regex>> = const { RefCell::new(BTreeMap::new()) };
}

impl<'a> Run<'_, 'a> {
    /// The value of a function of texts; nothing where the name or the arguments are none of one.
    pub(super) fn of_texts(&self, name: &str, arguments: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
        if name == "join" {
            return self.join(arguments);
        }
        let text = arguments.first()?.as_str()?;
        if let Err(fault) = self.meter.charge_bytes(text.len()) {
            return Some(Err(fault));
        }
        let second = arguments.get(1).and_then(Val::as_str);
        Some(match (name, arguments.len()) {
            ("startsWith", 2) => Ok(Val::Bool(text.starts_with(second?))),
            ("endsWith", 2) => Ok(Val::Bool(text.ends_with(second?))),
            ("contains", 2) => Ok(Val::Bool(text.contains(second?))),
            ("matches", 2) => self.regex(second?, |regex| Val::Bool(regex.is_match(text))),
            ("find", 2) => self.regex(second?, |regex| {
                Val::text(regex.find(text).map(|found| found.as_str()).unwrap_or_default())
            }),
            ("findAll", 2 | 3) => self.find_all(text, second?, arguments.get(2)),
            ("lowerAscii", 1) => Ok(Val::text(text.to_ascii_lowercase())),
            ("upperAscii", 1) => Ok(Val::text(text.to_ascii_uppercase())),
            ("trim", 1) => Ok(Val::text(text.trim())),
            ("reverse", 1) => Ok(Val::text(text.chars().rev().collect::<String>())),
            ("charAt", 2) => char_at(text, arguments),
            ("substring", 2 | 3) => substring(text, arguments),
            ("split", 2 | 3) => self.split(text, second?, arguments.get(2)),
            ("replace", 3 | 4) => self.replace(text, second?, arguments),
            ("indexOf", 2 | 3) => place_of(text, second?, arguments.get(2), false),
            ("lastIndexOf", 2 | 3) => place_of(text, second?, arguments.get(2), true),
            ("format", 2) => self.format(text, arguments.get(1)?),
            ("strings.quote", 1) => Ok(Val::text(quoted(text))),
            _ => return None,
        })
    }

    fn regex<T>(&self, pattern: &str, then: impl FnOnce(&Regex) -> T) -> Result<T, Fault> {
        self.meter.charge_bytes(pattern.len())?;
        REGEXES.with(|kept| {
            let mut kept = kept.borrow_mut();
            if let Some(regex) = kept.get(pattern) {
                return Ok(then(regex));
            }
            self.meter.charge(REGEX_STEPS)?;
            let built =
                RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).dfa_size_limit(1 << 20).build();
            let regex = built.map_err(|error| {
                Fault::Failed(format!(
                    "the regular expression cannot be used: {}",
                    crate::shown(&error.to_string())
                ))
            })?;
            if kept.len() >= REGEXES_KEPT {
                kept.clear();
            }
            Ok(then(kept.entry(pattern.to_owned()).or_insert(regex)))
        })
    }

    fn find_all(&self, text: &str, pattern: &str, most: Option<&Val<'a>>) -> Result<Val<'a>, Fault> {
        let most = match most {
            None => usize::MAX,
            Some(Val::Int(most)) => usize::try_from(*most).unwrap_or(usize::MAX),
            Some(other) => return unfit("findAll", &[other]),
        };
        let found: Vec<Val<'a>> = self.regex(pattern, |regex| {
            regex.find_iter(text).take(most).map(|found| Val::text(found.as_str())).collect()
        })?;
        self.meter.charge(found.len())?;
        Ok(Val::list(found))
    }

    fn join(&self, arguments: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
        let items = arguments.first()?.items()?;
        let between = match arguments.get(1) {
            None => "",
            Some(between) => between.as_str()?,
        };
        let mut text = String::new();
        for (place, item) in items.iter().enumerate() {
            let Some(part) = item.as_str() else { return Some(unfit("join", &[&item])) };
            if place > 0 {
                text.push_str(between);
            }
            text.push_str(part);
            if let Err(fault) = self.meter.charge_bytes(part.len() + between.len()) {
                return Some(Err(fault));
            }
        }
        Some(Ok(Val::text(text)))
    }

    fn split(&self, text: &str, between: &str, most: Option<&Val<'a>>) -> Result<Val<'a>, Fault> {
        let most = match most {
            None => None,
            Some(Val::Int(most)) => usize::try_from(*most).ok(),
            Some(other) => return unfit("split", &[other]),
        };
        let parts: Vec<Val<'a>> = match (between, most) {
            (_, Some(0)) => Vec::new(),
            ("", most) => {
                let most = most.unwrap_or(usize::MAX);
                let mut parts: Vec<Val<'a>> =
                    text.chars().take(most.saturating_sub(1)).map(|c| Val::text(c.to_string())).collect();
                let rest: String = text.chars().skip(parts.len()).collect();
                if !rest.is_empty() {
                    parts.push(Val::text(rest));
                }
                parts
            }
            (between, Some(most)) => text.splitn(most, between).map(Val::text).collect(),
            (between, None) => text.split(between).map(Val::text).collect(),
        };
        self.meter.charge(parts.len())?;
        Ok(Val::list(parts))
    }

    fn replace(&self, text: &str, from: &str, arguments: &[Val<'a>]) -> Result<Val<'a>, Fault> {
        let Some(to) = arguments.get(2).and_then(Val::as_str) else { return failed("replace needs texts") };
        let most = match arguments.get(3) {
            None => usize::MAX,
            Some(Val::Int(most)) => usize::try_from(*most).unwrap_or(usize::MAX),
            Some(other) => return unfit("replace", &[other]),
        };
        let places = if from.is_empty() { text.chars().count() + 1 } else { text.matches(from).count() };
        self.meter.charge_bytes(places.min(most).saturating_mul(to.len()))?;
        Ok(Val::text(text.replacen(from, to, most)))
    }

    /// `%s`, `%d`, `%f`, `%e`, `%x`, `%X`, `%o`, `%b` and `%%`, the numbers with a precision.
    fn format(&self, text: &str, arguments: &Val<'a>) -> Result<Val<'a>, Fault> {
        let Some(items) = arguments.items() else { return unfit("format", &[arguments]) };
        let mut items = items.iter();
        let mut made = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            made.push_str(before);
            let precise: String = after.chars().take_while(|c| *c == '.' || c.is_ascii_digit()).collect();
            let precision = precise.strip_prefix('.').and_then(|digits| digits.parse::<usize>().ok());
            let after = after.get(precise.len()..).unwrap_or_default();
            let Some(verb) = after.chars().next() else { return failed("a format ends with %") };
            rest = after.get(verb.len_utf8()..).unwrap_or_default();
            if verb == '%' {
                made.push('%');
                continue;
            }
            let Some(item) = items.next() else { return failed("a format has more places than values") };
            let before = made.len();
            self.write(&mut made, verb, precision.unwrap_or(6).min(20), &item)?;
            self.meter.charge_bytes(made.len() - before)?;
        }
        made.push_str(rest);
        Ok(Val::text(made))
    }

    fn write(&self, made: &mut String, verb: char, precision: usize, item: &Val<'a>) -> Result<(), Fault> {
        let written = match (verb, item) {
            ('s', value) => return self.plain(made, value),
            ('d', Val::Int(value)) => value.to_string(),
            ('d', Val::Uint(value)) => value.to_string(),
            ('d' | 'f', Val::Double(value)) => format!("{value:.precision$}"),
            ('e', Val::Double(value)) => format!("{value:.precision$e}"),
            ('x', Val::Int(value)) => format!("{value:x}"),
            ('X', Val::Int(value)) => format!("{value:X}"),
            ('o', Val::Int(value)) => format!("{value:o}"),
            ('b', Val::Int(value)) => format!("{value:b}"),
            (verb, item) => return failed(format!("%{verb} cannot show a {}", item.type_name())),
        };
        made.push_str(&written);
        Ok(())
    }

    /// A value as people read it.
    fn plain(&self, made: &mut String, value: &Val<'a>) -> Result<(), Fault> {
        self.meter.charge(1)?;
        if let Some(items) = value.items() {
            made.push('[');
            for (place, item) in items.iter().enumerate() {
                made.push_str(if place > 0 { ", " } else { "" });
                self.plain(made, &item)?;
            }
            made.push(']');
            return Ok(());
        }
        if let Some(keys) = value.keys() {
            made.push('{');
            for (place, key) in keys.iter().enumerate() {
                made.push_str(if place > 0 { ", " } else { "" });
                self.plain(made, key)?;
                made.push_str(": ");
                if let Ok(Some(member)) = value.index(key) {
                    self.plain(made, &member)?;
                }
            }
            made.push('}');
            return Ok(());
        }
        match value {
            Val::Null => made.push_str("null"),
            Val::Bool(value) => made.push_str(if *value { "true" } else { "false" }),
            Val::Int(value) => made.push_str(&value.to_string()),
            Val::Uint(value) => made.push_str(&value.to_string()),
            Val::Double(value) => made.push_str(&value.to_string()),
            Val::Text(text) => {
                self.meter.charge_bytes(text.as_str().len())?;
                made.push_str(text.as_str());
            }
            Val::Type(name) => made.push_str(name),
            Val::Special(special) if special.text().is_some() => {
                made.push_str(&special.text().unwrap_or_default());
            }
            other => return failed(format!("%s cannot show a {}", other.type_name())),
        }
        Ok(())
    }
}

/// A text as a literal of the language: with what would end it or steer a terminal escaped.
fn quoted(text: &str) -> String {
    let mut made = String::from("\"");
    for character in text.chars() {
        match character {
            '\u{7}' => made.push_str("\\a"),
            '\u{8}' => made.push_str("\\b"),
            '\u{c}' => made.push_str("\\f"),
            '\n' => made.push_str("\\n"),
            '\r' => made.push_str("\\r"),
            '\t' => made.push_str("\\t"),
            '\u{b}' => made.push_str("\\v"),
            '"' | '\\' => made.extend(['\\', character]),
            other => made.push(other),
        }
    }
    made.push('"');
    made
}

fn char_at<'a>(text: &str, arguments: &[Val<'a>]) -> Result<Val<'a>, Fault> {
    let Some(Val::Int(place)) = arguments.get(1) else { return failed("charAt needs a whole number") };
    let size = text.chars().count();
    match usize::try_from(*place) {
        Ok(place) if place == size => Ok(Val::text("")),
        Ok(place) if place < size => {
            Ok(Val::text(text.chars().nth(place).map(String::from).unwrap_or_default()))
        }
        _ => failed(format!("no such place: {place}")),
    }
}

fn substring<'a>(text: &str, arguments: &[Val<'a>]) -> Result<Val<'a>, Fault> {
    let size = text.chars().count();
    let place = |argument: Option<&Val<'a>>, otherwise: usize| match argument {
        None => Ok(otherwise),
        Some(Val::Int(place)) => match usize::try_from(*place) {
            Ok(place) if place <= size => Ok(place),
            _ => failed(format!("no such place: {place}")),
        },
        Some(other) => unfit("substring", &[other]),
    };
    let (from, to) = (place(arguments.get(1), 0)?, place(arguments.get(2), size)?);
    if from > to {
        return failed("a part of a text ends before it begins");
    }
    Ok(Val::text(text.chars().skip(from).take(to - from).collect::<String>()))
}

/// Where a text stands in another, in characters; -1 where it does not.
fn place_of<'a>(text: &str, wanted: &str, from: Option<&Val<'a>>, last: bool) -> Result<Val<'a>, Fault> {
    let size = text.chars().count();
    let from = match from {
        None => {
            if last {
                size
            } else {
                0
            }
        }
        Some(Val::Int(place)) => match usize::try_from(*place) {
            Ok(place) if place <= size => place,
            _ => return failed(format!("no such place: {place}")),
        },
        Some(other) => return unfit("indexOf", &[other]),
    };
    let byte = |place: usize| text.char_indices().nth(place).map_or(text.len(), |(byte, _)| byte);
    let found = if last {
        let end = (byte(from) + wanted.len()).min(text.len());
        text.get(..text.floor_char_boundary(end)).and_then(|part| part.rfind(wanted))
    } else {
        text.get(byte(from)..).and_then(|part| part.find(wanted)).map(|place| place + byte(from))
    };
    let characters = |byte: usize| text.get(..byte).map_or(0, |part| part.chars().count());
    Ok(Val::Int(found.map_or(-1, |byte| i64::try_from(characters(byte)).unwrap_or(i64::MAX))))
}
