//! The functions: those of the language, and those that Kubernetes adds (lists, regular expressions, strings, sets,
//! quantities, optional values).

use std::cmp::Ordering;

use cel::common::ast::{CallExpr, Expr, operators};

use super::eval::Run;
use super::operators::unfit;
use super::quantity::Quantity;
use super::value::Val;
use super::{Fault, failed};

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Global,
    Method,
}

use Style::{Global, Method};

/// Every function: its name, how it is called, and with how many arguments, the target not counted.
const FUNCTIONS: &[(&str, Style, std::ops::RangeInclusive<usize>)] = &[
    (operators::CONDITIONAL, Global, 3..=3),
    (operators::LOGICAL_AND, Global, 2..=2),
    (operators::LOGICAL_OR, Global, 2..=2),
    (operators::LOGICAL_NOT, Global, 1..=1),
    (operators::NOT_STRICTLY_FALSE, Global, 1..=1),
    (operators::NEGATE, Global, 1..=1),
    (operators::ADD, Global, 2..=2),
    (operators::SUBSTRACT, Global, 2..=2),
    (operators::MULTIPLY, Global, 2..=2),
    (operators::DIVIDE, Global, 2..=2),
    (operators::MODULO, Global, 2..=2),
    (operators::EQUALS, Global, 2..=2),
    (operators::NOT_EQUALS, Global, 2..=2),
    (operators::LESS, Global, 2..=2),
    (operators::LESS_EQUALS, Global, 2..=2),
    (operators::GREATER, Global, 2..=2),
    (operators::GREATER_EQUALS, Global, 2..=2),
    (operators::IN, Global, 2..=2),
    (operators::INDEX, Global, 2..=2),
    (operators::OPT_INDEX, Global, 2..=2),
    (operators::OPT_SELECT, Global, 2..=2),
    ("size", Global, 1..=1),
    ("type", Global, 1..=1),
    ("dyn", Global, 1..=1),
    ("bool", Global, 1..=1),
    ("int", Global, 1..=1),
    ("uint", Global, 1..=1),
    ("double", Global, 1..=1),
    ("string", Global, 1..=1),
    ("bytes", Global, 1..=1),
    ("matches", Global, 2..=2),
    ("quantity", Global, 1..=1),
    ("isQuantity", Global, 1..=1),
    ("math.greatest", Global, 1..=64),
    ("math.least", Global, 1..=64),
    ("sets.contains", Global, 2..=2),
    ("sets.intersects", Global, 2..=2),
    ("sets.equivalent", Global, 2..=2),
    ("optional.of", Global, 1..=1),
    ("optional.ofNonZeroValue", Global, 1..=1),
    ("optional.none", Global, 0..=0),
    ("size", Method, 0..=0),
    ("startsWith", Method, 1..=1),
    ("endsWith", Method, 1..=1),
    ("contains", Method, 1..=1),
    ("matches", Method, 1..=1),
    ("find", Method, 1..=1),
    ("findAll", Method, 1..=2),
    ("lowerAscii", Method, 0..=0),
    ("upperAscii", Method, 0..=0),
    ("trim", Method, 0..=0),
    ("reverse", Method, 0..=0),
    ("charAt", Method, 1..=1),
    ("substring", Method, 1..=2),
    ("split", Method, 1..=2),
    ("replace", Method, 2..=3),
    ("join", Method, 0..=1),
    ("format", Method, 1..=1),
    ("indexOf", Method, 1..=2),
    ("lastIndexOf", Method, 1..=2),
    ("isSorted", Method, 0..=0),
    ("sum", Method, 0..=0),
    ("min", Method, 0..=0),
    ("max", Method, 0..=0),
    ("hasValue", Method, 0..=0),
    ("value", Method, 0..=0),
    ("or", Method, 1..=1),
    ("orValue", Method, 1..=1),
    ("isGreaterThan", Method, 1..=1),
    ("isLessThan", Method, 1..=1),
    ("compareTo", Method, 1..=1),
    ("add", Method, 1..=1),
    ("sub", Method, 1..=1),
    ("sign", Method, 0..=0),
    ("isInteger", Method, 0..=0),
    ("asInteger", Method, 0..=0),
    ("asApproximateFloat", Method, 0..=0),
];

/// Refuses what is not a function, or is called in another way.
pub(super) fn known(name: &str, style: Style, arguments: usize) -> Result<(), String> {
    let mut named = FUNCTIONS.iter().filter(|function| function.0 == name).peekable();
    if named.peek().is_none() {
        return Err(format!("there is no function {name:?}"));
    }
    if named.any(|(_, its, allowed)| *its == style && allowed.contains(&arguments)) {
        return Ok(());
    }
    let how = if style == Method { "on a value " } else { "" };
    Err(format!("the function {name:?} cannot be called {how}with {arguments} arguments"))
}

/// The name of a function that stands in a namespace, such as `math.greatest`, unless the namespace's name is a variable here.
pub(super) fn namespace(call: &CallExpr, bound: impl Fn(&str) -> bool) -> Option<String> {
    let Expr::Ident(space) = &call.target.as_ref()?.expr else { return None };
    (matches!(space.as_str(), "math" | "sets" | "optional") && !bound(space))
        .then(|| format!("{space}.{}", call.func_name))
}

/// The name of a type, where it is one.
pub(super) fn type_name(name: &str) -> Option<&'static str> {
    ["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "optional_type"]
        .into_iter()
        .find(|known| *known == name)
}

impl<'a> Run<'_, 'a> {
    /// Calls a function with its target first.
    pub(super) fn apply(&self, name: &str, arguments: &[Val<'a>]) -> Result<Val<'a>, Fault> {
        if let Some(value) = self.operator(name, arguments) {
            return value;
        }
        if let Some(value) = self.of_texts(name, arguments) {
            return value;
        }
        if let Some(value) = self.of_lists(name, arguments) {
            return value;
        }
        let value = conversion(name, arguments)
            .or_else(|| of_optional(name, arguments))
            .or_else(|| of_quantities(name, arguments));
        value.unwrap_or_else(|| unfit(name, &arguments.iter().collect::<Vec<_>>()))
    }

    fn of_lists(&self, name: &str, arguments: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
        let items = arguments.first()?.items();
        Some(match (name, arguments) {
            ("size", [value]) => {
                let Some(size) = value.size() else { return Some(unfit(name, &[value])) };
                Ok(Val::Int(i64::try_from(size).unwrap_or(i64::MAX)))
            }
            ("sum", [_]) => self.sum(&items?.iter().collect::<Vec<_>>()),
            ("min", [_]) => self.extreme(items?.iter(), Ordering::Less),
            ("max", [_]) => self.extreme(items?.iter(), Ordering::Greater),
            ("math.least", [_, ..]) => self.extreme(several(arguments), Ordering::Less),
            ("math.greatest", [_, ..]) => self.extreme(several(arguments), Ordering::Greater),
            ("isSorted", [_]) => self.sorted(&items?.iter().collect::<Vec<_>>()),
            ("indexOf", [_, wanted]) => self.place(items?.iter(), wanted),
            ("lastIndexOf", [_, wanted]) => {
                let items: Vec<_> = items?.iter().collect();
                let last = items.len();
                self.place(items.into_iter().rev(), wanted).map(|found| match found {
                    Val::Int(place) if place >= 0 => {
                        Val::Int(i64::try_from(last).unwrap_or(i64::MAX) - 1 - place)
                    }
                    other => other,
                })
            }
            ("sets.contains", [_, others]) => self.all_in(others, arguments.first()?),
            ("sets.equivalent", [a, b]) => match self.all_in(a, b) {
                Ok(Val::Bool(true)) => self.all_in(b, a),
                other => other,
            },
            ("sets.intersects", [a, b]) => self.intersects(a, b),
            _ => return None,
        })
    }

    fn sum(&self, items: &[Val<'a>]) -> Result<Val<'a>, Fault> {
        let mut items = items.iter();
        let Some(first) = items.next() else { return Ok(Val::Int(0)) };
        let mut total = first.clone();
        for item in items {
            total = self.apply(operators::ADD, &[total, item.clone()])?;
        }
        Ok(total)
    }

    fn extreme(&self, items: impl Iterator<Item = Val<'a>>, wanted: Ordering) -> Result<Val<'a>, Fault> {
        let mut best: Option<Val<'a>> = None;
        for item in items {
            self.meter.charge(1)?;
            best = match best {
                None => Some(item),
                Some(kept) => match item.compare(&kept) {
                    None => return unfit("a comparison", &[&item, &kept]),
                    Some(order) if order == wanted => Some(item),
                    Some(_) => Some(kept),
                },
            };
        }
        best.map_or_else(|| failed("an empty list has no least and no greatest item"), Ok)
    }

    fn sorted(&self, items: &[Val<'a>]) -> Result<Val<'a>, Fault> {
        for (a, b) in items.iter().zip(items.iter().skip(1)) {
            self.meter.charge(1)?;
            match a.compare(b) {
                None => return unfit("a comparison", &[a, b]),
                Some(Ordering::Greater) => return Ok(Val::Bool(false)),
                Some(_) => {}
            }
        }
        Ok(Val::Bool(true))
    }

    fn place(&self, items: impl Iterator<Item = Val<'a>>, wanted: &Val<'a>) -> Result<Val<'a>, Fault> {
        for (place, item) in items.enumerate() {
            if self.equal(&item, wanted)? {
                return Ok(Val::Int(i64::try_from(place).unwrap_or(i64::MAX)));
            }
        }
        Ok(Val::Int(-1))
    }

    fn all_in(&self, items: &Val<'a>, container: &Val<'a>) -> Result<Val<'a>, Fault> {
        let Some(items) = items.items() else { return unfit("sets", &[items, container]) };
        for item in items.iter() {
            match self.apply(operators::IN, &[item, container.clone()])? {
                Val::Bool(true) => {}
                _ => return Ok(Val::Bool(false)),
            }
        }
        Ok(Val::Bool(true))
    }

    fn intersects(&self, a: &Val<'a>, b: &Val<'a>) -> Result<Val<'a>, Fault> {
        let Some(items) = a.items() else { return unfit("sets", &[a, b]) };
        for item in items.iter() {
            if let Val::Bool(true) = self.apply(operators::IN, &[item, b.clone()])? {
                return Ok(Val::Bool(true));
            }
        }
        Ok(Val::Bool(false))
    }
}

/// The arguments of a function that takes several, or one list of them.
fn several<'a>(arguments: &[Val<'a>]) -> std::vec::IntoIter<Val<'a>> {
    let list = match arguments {
        [one] => one.items().map(|items| items.iter().collect()),
        _ => None,
    };
    list.unwrap_or_else(|| arguments.to_vec()).into_iter()
}

#[expect(clippy::cast_precision_loss, reason = "the language says so")]
fn conversion<'a>(name: &str, arguments: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
    let [value] = arguments else { return None };
    let range = || failed(format!("{name} cannot hold it"));
    let text = value.as_str();
    Some(match (name, value) {
        ("dyn", value) => Ok(value.clone()),
        ("type", value) => Ok(Val::Type(value.type_name())),
        ("bool", Val::Bool(_)) | ("int", Val::Int(_)) | ("uint", Val::Uint(_)) => Ok(value.clone()),
        ("double", Val::Double(_)) | ("string", Val::Text(_)) | ("bytes", Val::Bytes(_)) => Ok(value.clone()),
        ("bool", Val::Text(_)) => match text? {
            "true" | "True" | "TRUE" | "t" | "1" => Ok(Val::Bool(true)),
            "false" | "False" | "FALSE" | "f" | "0" => Ok(Val::Bool(false)),
            _ => range(),
        },
        ("int", Val::Uint(value)) => i64::try_from(*value).map_or_else(|_| range(), |v| Ok(Val::Int(v))),
        ("int", Val::Double(value)) => truncated(*value).map_or_else(range, |value| Ok(Val::Int(value))),
        ("int", Val::Text(_)) => text?.parse().map_or_else(|_| range(), |value| Ok(Val::Int(value))),
        ("uint", Val::Int(value)) => u64::try_from(*value).map_or_else(|_| range(), |v| Ok(Val::Uint(v))),
        ("uint", Val::Double(value)) => truncated(*value)
            .and_then(|value| u64::try_from(value).ok())
            .map_or_else(range, |value| Ok(Val::Uint(value))),
        ("uint", Val::Text(_)) => text?.parse().map_or_else(|_| range(), |value| Ok(Val::Uint(value))),
        ("double", Val::Int(value)) => Ok(Val::Double(*value as f64)),
        ("double", Val::Uint(value)) => Ok(Val::Double(*value as f64)),
        ("double", Val::Text(_)) => text?.parse().map_or_else(|_| range(), |value| Ok(Val::Double(value))),
        ("string", Val::Bool(value)) => Ok(Val::text(value.to_string())),
        ("string", Val::Int(value)) => Ok(Val::text(value.to_string())),
        ("string", Val::Uint(value)) => Ok(Val::text(value.to_string())),
        ("string", Val::Double(value)) => Ok(Val::text(value.to_string())),
        ("string", Val::Bytes(value)) => {
            std::str::from_utf8(value).map_or_else(|_| range(), |text| Ok(Val::text(text)))
        }
        ("bytes", Val::Text(_)) => Ok(Val::Bytes(text?.as_bytes().into())),
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the range is looked at before")]
fn truncated(value: f64) -> Option<i64> {
    (value > -9.223_372_036_854_775e18 && value < 9.223_372_036_854_775e18).then_some(value as i64)
}

fn of_optional<'a>(name: &str, arguments: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
    Some(Ok(match (name, arguments) {
        ("optional.none", []) => Val::Optional(None),
        ("optional.of", [value]) => Val::some(value.clone()),
        ("optional.ofNonZeroValue", [value]) => {
            let zero = match value {
                Val::Null | Val::Bool(false) | Val::Int(0) | Val::Uint(0) => true,
                Val::Double(value) => *value == 0.0,
                other => other.size() == Some(0),
            };
            if zero { Val::Optional(None) } else { Val::some(value.clone()) }
        }
        ("hasValue", [Val::Optional(inner)]) => Val::Bool(inner.is_some()),
        ("value", [Val::Optional(inner)]) => match inner {
            Some(inner) => (**inner).clone(),
            None => return Some(failed("the optional value is not there")),
        },
        ("or", [first @ Val::Optional(inner), second @ Val::Optional(_)]) => {
            if inner.is_some() {
                first.clone()
            } else {
                second.clone()
            }
        }
        ("orValue", [Val::Optional(inner), other]) => {
            inner.as_ref().map_or_else(|| other.clone(), |inner| (**inner).clone())
        }
        _ => return None,
    }))
}

fn of_quantities<'a>(name: &str, arguments: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
    let large = || failed("the quantity is too large");
    Some(Ok(match (name, arguments) {
        ("quantity", [Val::Text(text)]) => match Quantity::parse(text.as_str()) {
            Some(quantity) => Val::Quantity(quantity),
            None => return Some(failed("the text is not a quantity")),
        },
        ("isQuantity", [Val::Text(text)]) => Val::Bool(Quantity::parse(text.as_str()).is_some()),
        ("isGreaterThan", [Val::Quantity(a), Val::Quantity(b)]) => Val::Bool(a > b),
        ("isLessThan", [Val::Quantity(a), Val::Quantity(b)]) => Val::Bool(a < b),
        ("compareTo", [Val::Quantity(a), Val::Quantity(b)]) => Val::Int(a.cmp(b) as i64),
        ("add" | "sub", [Val::Quantity(a), other]) => {
            let b = match other {
                Val::Quantity(b) => Some(*b),
                Val::Int(b) => Quantity::of_int(*b),
                _ => return None,
            };
            let Some(b) = b else { return Some(large()) };
            match if name == "add" { a.add(b) } else { a.sub(b) } {
                Some(sum) => Val::Quantity(sum),
                None => return Some(large()),
            }
        }
        ("sign", [Val::Quantity(a)]) => Val::Int(a.sign()),
        ("isInteger", [Val::Quantity(a)]) => Val::Bool(a.as_integer().is_some()),
        ("asInteger", [Val::Quantity(a)]) => match a.as_integer() {
            Some(value) => Val::Int(value),
            None => return Some(large()),
        },
        ("asApproximateFloat", [Val::Quantity(a)]) => Val::Double(a.as_float()),
        _ => return None,
    }))
}
