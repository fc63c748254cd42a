//! A comparison, compiled: a value of an event and what it is compared with.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use regex::bytes::{Regex, RegexBuilder};

use crate::condition::{Modifier, Op, Transformer};
use crate::fields::{Shape, Value};
use crate::pattern::{GLOB_BYTES_MAX, Net, Number, address, base64, below, components, glob};

/// Longest regular expression, in bytes.
const REGEX_BYTES_MAX: usize = 2 << 10;
/// Largest compiled regular expression, in bytes.
const REGEX_SIZE_MAX: usize = 256 << 10;

/// A value inside transformers: the slot of a program that has it, and what is done to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operand {
    pub(crate) slot: u32,
    /// The outermost first.
    pub(crate) transformers: Vec<Transformer>,
}

/// A comparison.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) left: Operand,
    pub(crate) op: Op,
    pub(crate) modifier: Option<Modifier>,
    pub(crate) right: Right,
}

/// What a value is compared with.
#[derive(Debug)]
pub(crate) enum Right {
    Nothing,
    /// Any of these, for `in` and `intersects`.
    Set(Set),
    /// These patterns; how many have to match is the modifier's to say.
    Patterns(Vec<Pattern>),
    Field(Operand),
}

/// Texts and networks.
#[derive(Debug, Default)]
pub(crate) struct Set {
    pub(crate) texts: BTreeSet<Box<[u8]>>,
    pub(crate) nets: Vec<Net>,
}

/// One value of the right side, prepared for its operator.
#[derive(Debug)]
pub(crate) enum Pattern {
    Text(Box<[u8]>),
    Net(Net),
    Number(Number),
    /// In lower case.
    Folded(Box<[u8]>),
    Path(Vec<Box<[u8]>>),
    Regex(Box<Regex>),
}

impl Set {
    pub(crate) fn of(values: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut set = Self::default();
        for value in values {
            set.nets.extend(Net::of(&value));
            set.texts.insert(value.into_boxed_slice());
        }
        set
    }

    fn has(&self, value: &[u8]) -> bool {
        self.texts.contains(value)
            || (!self.nets.is_empty()
                && address(value).is_some_and(|address| self.nets.iter().any(|net| net.has(address))))
    }
}

impl Pattern {
    /// Prepares a value for an operator.
    ///
    /// # Errors
    /// The value is none for this operator.
    pub(crate) fn of(op: Op, shape: Shape, value: Vec<u8>) -> Result<Self, String> {
        let shown = || String::from_utf8_lossy(&value).escape_debug().to_string();
        let number = || {
            let number = Number::of(&value).map(Self::Number);
            number.ok_or_else(|| format!("`{}` compares with a number; found \"{}\"", op.word(), shown()))
        };
        match op {
            Op::Lt | Op::Le | Op::Gt | Op::Ge => number(),
            Op::Eq | Op::Ne if shape == Shape::Number => number(),
            Op::Eq | Op::Ne => Ok(Net::of(&value).map_or(Self::Text(value.into_boxed_slice()), Self::Net)),
            Op::IContains => Ok(Self::Folded(value.to_ascii_lowercase().into_boxed_slice())),
            Op::Glob | Op::IGlob if value.len() > GLOB_BYTES_MAX => {
                Err(format!("a pattern has {} bytes; at most {GLOB_BYTES_MAX} are allowed", value.len()))
            }
            Op::Pmatch if value.len() > GLOB_BYTES_MAX => {
                Err(format!("a path has {} bytes; at most {GLOB_BYTES_MAX} are allowed", value.len()))
            }
            Op::IGlob => Ok(Self::Folded(value.to_ascii_lowercase().into_boxed_slice())),
            Op::Pmatch => Ok(Self::Path(components(&value).map(Box::from).collect())),
            Op::BContains | Op::BStartsWith => {
                hexadecimal(&value).map(|bytes| Self::Text(bytes.into_boxed_slice())).ok_or_else(|| {
                    format!("`{}` compares with hexadecimal digits; found \"{}\"", op.word(), shown())
                })
            }
            Op::Regex => regex(&value).map(|regex| Self::Regex(Box::new(regex))),
            _ => Ok(Self::Text(value.into_boxed_slice())),
        }
    }

    fn matches(&self, op: Op, value: &[u8]) -> bool {
        match (self, op) {
            (Self::Text(text), Op::Eq) => **text == *value,
            (Self::Text(text), Op::Ne) => **text != *value,
            (Self::Text(text), Op::StartsWith | Op::BStartsWith) => value.starts_with(text),
            (Self::Text(text), Op::EndsWith) => value.ends_with(text),
            (Self::Text(text), Op::Contains | Op::BContains) => memchr::memmem::find(value, text).is_some(),
            (Self::Text(text), Op::Glob) => glob(text, value),
            (Self::Folded(text), Op::IContains) => {
                memchr::memmem::find(&value.to_ascii_lowercase(), text).is_some()
            }
            (Self::Folded(text), Op::IGlob) => glob(text, &value.to_ascii_lowercase()),
            (Self::Net(net), Op::Eq) => address(value).is_some_and(|address| net.has(address)),
            (Self::Net(net), Op::Ne) => !address(value).is_some_and(|address| net.has(address)),
            (Self::Number(number), op) => Number::of(value).is_some_and(|value| ordered(op, value, *number)),
            (Self::Path(prefix), Op::Pmatch) => below(prefix, value),
            (Self::Regex(regex), Op::Regex) => regex.is_match(value),
            _ => false,
        }
    }
}

fn ordered(op: Op, left: Number, right: Number) -> bool {
    let Some(order) = left.compared(right) else { return false };
    match op {
        Op::Eq => order == Ordering::Equal,
        Op::Ne => order != Ordering::Equal,
        Op::Lt => order == Ordering::Less,
        Op::Le => order != Ordering::Greater,
        Op::Gt => order == Ordering::Greater,
        Op::Ge => order != Ordering::Less,
        _ => false,
    }
}

fn hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    let pair = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    let whole = !text.is_empty() && text.len().is_multiple_of(2) && text.iter().all(u8::is_ascii_hexdigit);
    whole.then(|| text.chunks(2).map(pair).collect())?
}

/// A regular expression that has to match the whole text.
fn regex(pattern: &[u8]) -> Result<Regex, String> {
    let pattern =
        std::str::from_utf8(pattern).map_err(|_| "a regular expression must be UTF-8".to_owned())?;
    if pattern.len() > REGEX_BYTES_MAX {
        let length = pattern.len();
        return Err(format!(
            "a regular expression has {length} bytes; at most {REGEX_BYTES_MAX} are allowed"
        ));
    }
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(REGEX_SIZE_MAX)
        .dfa_size_limit(REGEX_SIZE_MAX)
        .nest_limit(50)
        .build()
        .map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("the regular expression {pattern:?} cannot be used: {reason}")
        })
}

/// What transformers make of a value.
pub(crate) fn transformed<'v>(value: Cow<'v, Value<'v>>, transformers: &[Transformer]) -> Cow<'v, Value<'v>> {
    transformers.iter().rev().fold(value, |value, transformer| Cow::Owned(transform(&value, *transformer)))
}

fn transform<'v>(value: &Value<'v>, transformer: Transformer) -> Value<'v> {
    match (value, transformer) {
        (Value::Missing, _) => Value::Missing,
        (Value::Many(values), Transformer::Len) => Value::One(values.len().to_string().into_bytes().into()),
        (Value::One(value), _) => alone(value, transformer).map_or(Value::Missing, Value::One),
        (Value::Many(values), _) => {
            Value::Many(values.iter().filter_map(|value| alone(value, transformer)).collect())
        }
    }
}

fn alone<'v>(value: &Cow<'v, [u8]>, transformer: Transformer) -> Option<Cow<'v, [u8]>> {
    Some(match transformer {
        Transformer::ToLower => value.to_ascii_lowercase().into(),
        Transformer::ToUpper => value.to_ascii_uppercase().into(),
        Transformer::B64 => base64(value)?.into(),
        Transformer::Basename => {
            value.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec().into()
        }
        Transformer::Len => String::from_utf8_lossy(value).chars().count().to_string().into_bytes().into(),
    })
}

impl Check {
    /// Whether a value, which transformers have been at, is as it should be. `right` is the value of the field on the right.
    pub(crate) fn holds(&self, left: &Value<'_>, right: Option<&Value<'_>>) -> bool {
        let values: &[Cow<'_, [u8]>] = match left {
            Value::Missing => return false,
            Value::One(value) => std::slice::from_ref(value),
            Value::Many(values) => values,
        };
        match (&self.right, right) {
            (Right::Nothing, _) => true,
            (Right::Set(set), _) => self.among(values, |value| set.has(value)),
            (Right::Patterns(patterns), _) => self.each(values, |value| self.agree(patterns, value)),
            (Right::Field(_), Some(Value::One(other))) => self.with(values, std::slice::from_ref(other)),
            (Right::Field(_), Some(Value::Many(others))) => self.with(values, others),
            (Right::Field(_), _) => false,
        }
    }

    /// `in` wants all values, all others one of them.
    fn among(&self, values: &[Cow<'_, [u8]>], has: impl Fn(&[u8]) -> bool) -> bool {
        match self.op {
            Op::In => !values.is_empty() && values.iter().all(|value| has(value)),
            _ => values.iter().any(|value| has(value)),
        }
    }

    /// Of several values one has to be as it should; with `!=` all of them.
    fn each(&self, values: &[Cow<'_, [u8]>], is: impl Fn(&[u8]) -> bool) -> bool {
        match self.op {
            Op::Ne => !values.is_empty() && values.iter().all(|value| is(value)),
            _ => values.iter().any(|value| is(value)),
        }
    }

    fn agree(&self, patterns: &[Pattern], value: &[u8]) -> bool {
        let matches = |pattern: &Pattern| pattern.matches(self.op, value);
        match self.modifier {
            None | Some(Modifier::Any) => patterns.iter().any(matches),
            Some(Modifier::All) => !patterns.is_empty() && patterns.iter().all(matches),
            Some(Modifier::One) => patterns.iter().filter(|pattern| matches(pattern)).take(2).count() == 1,
        }
    }

    fn with(&self, values: &[Cow<'_, [u8]>], others: &[Cow<'_, [u8]>]) -> bool {
        let any = |is: &dyn Fn(&[u8], &[u8]) -> bool| {
            self.each(values, |value| others.iter().any(|other| is(value, other)))
        };
        match self.op {
            Op::In | Op::Intersects => {
                self.among(values, |value| others.iter().any(|other| **other == *value))
            }
            Op::Eq => any(&|value, other| value == other),
            Op::Ne => self.each(values, |value| others.iter().all(|other| **other != *value)),
            Op::StartsWith => any(&|value, other| value.starts_with(other)),
            Op::EndsWith => any(&|value, other| value.ends_with(other)),
            Op::Contains => any(&|value, other| memchr::memmem::find(value, other).is_some()),
            Op::IContains => any(&|value, other| {
                memchr::memmem::find(&value.to_ascii_lowercase(), &other.to_ascii_lowercase()).is_some()
            }),
            Op::Lt | Op::Le | Op::Gt | Op::Ge => {
                any(&|value, other| match (Number::of(value), Number::of(other)) {
                    (Some(value), Some(other)) => ordered(self.op, value, other),
                    _ => false,
                })
            }
            _ => false,
        }
    }

    /// Operators that a field may stand on the right of.
    pub(crate) fn takes_field(op: Op) -> bool {
        !matches!(
            op,
            Op::Exists | Op::Pmatch | Op::Glob | Op::IGlob | Op::Regex | Op::BContains | Op::BStartsWith
        )
    }
}
