//! Arithmetic, comparison and membership.

use std::cmp::Ordering;

use cel::common::ast::operators as names;

use super::eval::Run;
use super::libraries;
use super::value::{Key, Val};
use super::{Fault, failed};

impl<'a> Run<'_, 'a> {
    /// The value of an operator; nothing where the name is none of one.
    pub(super) fn operator(&self, name: &str, arguments: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
        let [a, b] = arguments else {
            return match (name, arguments) {
                (names::LOGICAL_NOT, [Val::Bool(value)]) => Some(Ok(Val::Bool(!value))),
                (names::NEGATE, [Val::Int(value)]) => Some(whole(value.checked_neg())),
                (names::NEGATE, [Val::Double(value)]) => Some(Ok(Val::Double(-value))),
                (names::LOGICAL_NOT | names::NEGATE, [other]) => Some(unfit(name, &[other])),
                _ => None,
            };
        };
        Some(match name {
            names::EQUALS => self.equal(a, b).map(Val::Bool),
            names::NOT_EQUALS => self.equal(a, b).map(|equal| Val::Bool(!equal)),
            names::LESS => ordered(name, a, b, Ordering::is_lt),
            names::LESS_EQUALS => ordered(name, a, b, Ordering::is_le),
            names::GREATER => ordered(name, a, b, Ordering::is_gt),
            names::GREATER_EQUALS => ordered(name, a, b, Ordering::is_ge),
            names::IN => self.is_in(a, b),
            names::INDEX => self.entry(a, b),
            names::OPT_INDEX | names::OPT_SELECT => optional_entry(a, b),
            names::ADD => self.add(a, b),
            names::SUBSTRACT | names::MULTIPLY | names::DIVIDE | names::MODULO => arithmetic(name, a, b),
            _ => return None,
        })
    }

    /// Whether two values are the same: numbers by their value, lists and maps by what is in them. Values of different types
    /// are different.
    pub(super) fn equal(&self, a: &Val<'a>, b: &Val<'a>) -> Result<bool, Fault> {
        self.meter.charge(1)?;
        if let (Some(a), Some(b)) = (a.items(), b.items()) {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                if !self.equal(&a, &b)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        if let (Some(keys), Some(others)) = (a.keys(), b.keys()) {
            if keys.len() != others.len() {
                return Ok(false);
            }
            for key in keys {
                let (Ok(Some(a)), Ok(Some(b))) = (a.index(&key), b.index(&key)) else { return Ok(false) };
                if !self.equal(&a, &b)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
            self.meter.charge_bytes(a.len().min(b.len()))?;
            return Ok(a == b);
        }
        Ok(match (a, b) {
            (Val::Null, Val::Null) | (Val::Optional(None), Val::Optional(None)) => true,
            (Val::Type(a), Val::Type(b)) => a == b,
            (Val::Special(a), Val::Special(b)) => a.equal(b),
            (Val::Optional(Some(a)), Val::Optional(Some(b))) => return self.equal(a, b),
            (a, b) => a.compare(b) == Some(Ordering::Equal),
        })
    }

    fn is_in(&self, value: &Val<'a>, container: &Val<'a>) -> Result<Val<'a>, Fault> {
        if let Some(items) = container.items() {
            for item in items.iter() {
                if self.equal(value, &item)? {
                    return Ok(Val::Bool(true));
                }
            }
            return Ok(Val::Bool(false));
        }
        match (container.keys(), value.key()) {
            (Some(_), None) => failed(format!("a {} is not a key", value.type_name())),
            (Some(_), Some(_)) => Ok(Val::Bool(matches!(container.index(value), Ok(Some(_))))),
            (None, _) => failed(format!("nothing can be in a {}", container.type_name())),
        }
    }

    fn entry(&self, container: &Val<'a>, key: &Val<'a>) -> Result<Val<'a>, Fault> {
        if let Val::Optional(_) = container {
            return optional_entry(container, key);
        }
        match container.index(key) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => failed(match key.key() {
                Some(Key::Text(key)) => format!("no such key: {key}"),
                Some(Key::Int(place)) => format!("no such place: {place}"),
                _ => "no such key".to_owned(),
            }),
            Err(why) => failed(why),
        }
    }

    fn add(&self, a: &Val<'a>, b: &Val<'a>) -> Result<Val<'a>, Fault> {
        if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
            self.meter.charge_bytes(a.len().saturating_add(b.len()))?;
            return Ok(Val::text([a, b].concat()));
        }
        if let (Some(a), Some(b)) = (a.items(), b.items()) {
            self.meter.charge(a.len().saturating_add(b.len()))?;
            return Ok(Val::list(a.iter().chain(b.iter()).collect()));
        }
        arithmetic(names::ADD, a, b)
    }
}

fn optional_entry<'a>(container: &Val<'a>, key: &Val<'a>) -> Result<Val<'a>, Fault> {
    let container = match container {
        Val::Optional(None) => return Ok(Val::Optional(None)),
        Val::Optional(Some(inner)) => inner,
        other => other,
    };
    match container.index(key) {
        Ok(Some(value)) => Ok(Val::some(value)),
        Ok(None) => Ok(Val::Optional(None)),
        Err(why) => failed(why),
    }
}

fn ordered<'a>(name: &str, a: &Val<'a>, b: &Val<'a>, holds: fn(Ordering) -> bool) -> Result<Val<'a>, Fault> {
    match a.compare(b) {
        Some(order) => Ok(Val::Bool(holds(order))),
        // No comparison with what is not a number holds.
        None if matches!((a.type_name(), b.type_name()), ("double", _) | (_, "double")) => {
            if matches!(
                (a, b),
                (Val::Double(_) | Val::Int(_) | Val::Uint(_), Val::Double(_) | Val::Int(_) | Val::Uint(_))
            ) {
                Ok(Val::Bool(false))
            } else {
                unfit(name, &[a, b])
            }
        }
        None => unfit(name, &[a, b]),
    }
}

fn arithmetic<'a>(name: &str, a: &Val<'a>, b: &Val<'a>) -> Result<Val<'a>, Fault> {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => whole(match name {
            names::ADD => a.checked_add(*b),
            names::SUBSTRACT => a.checked_sub(*b),
            names::MULTIPLY => a.checked_mul(*b),
            names::DIVIDE => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }),
        (Val::Uint(a), Val::Uint(b)) => match name {
            names::ADD => a.checked_add(*b),
            names::SUBSTRACT => a.checked_sub(*b),
            names::MULTIPLY => a.checked_mul(*b),
            names::DIVIDE => a.checked_div(*b),
            _ => a.checked_rem(*b),
        }
        .map_or_else(out_of_range, |value| Ok(Val::Uint(value))),
        (Val::Double(a), Val::Double(b)) if name != names::MODULO => Ok(Val::Double(match name {
            names::ADD => a + b,
            names::SUBSTRACT => a - b,
            names::MULTIPLY => a * b,
            _ => a / b,
        })),
        _ if matches!(name, names::ADD | names::SUBSTRACT) => {
            libraries::arithmetic(name == names::ADD, a, b).unwrap_or_else(|| unfit(name, &[a, b]))
        }
        _ => unfit(name, &[a, b]),
    }
}

fn whole<'a>(value: Option<i64>) -> Result<Val<'a>, Fault> {
    value.map_or_else(out_of_range, |value| Ok(Val::Int(value)))
}

fn out_of_range<T>() -> Result<T, Fault> {
    failed("the number is too large, or divided by zero")
}

/// No function or operator of this name takes values of these types.
pub(super) fn unfit<T>(name: &str, arguments: &[&Val<'_>]) -> Result<T, Fault> {
    let types: Vec<&str> = arguments.iter().map(|argument| argument.type_name()).collect();
    failed(format!("no overload of {name} takes {}", types.join(", ")))
}
