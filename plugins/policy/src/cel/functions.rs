//! The functions by name, and those of conversions, optional values and quantities. README.md has the table of what there is.

use cel::common::ast::{CallExpr, Expr, operators};

use super::eval::Run;
use super::formats;
use super::libraries;
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
    ("optional.unwrap", Global, 1..=1),
    ("unwrapOpt", Method, 0..=0),
    ("lists.range", Global, 1..=1),
    ("strings.quote", Global, 1..=1),
    ("jsonpatch.escapeKey", Global, 1..=1),
    ("timestamp", Global, 1..=1),
    ("duration", Global, 1..=1),
    ("getFullYear", Method, 0..=1),
    ("getMonth", Method, 0..=1),
    ("getDate", Method, 0..=1),
    ("getDayOfMonth", Method, 0..=1),
    ("getDayOfWeek", Method, 0..=1),
    ("getDayOfYear", Method, 0..=1),
    ("getHours", Method, 0..=1),
    ("getMinutes", Method, 0..=1),
    ("getSeconds", Method, 0..=1),
    ("getMilliseconds", Method, 0..=1),
    ("ip", Global, 1..=1),
    ("isIP", Global, 1..=1),
    ("ip.isCanonical", Global, 1..=1),
    ("family", Method, 0..=0),
    ("isUnspecified", Method, 0..=0),
    ("isLoopback", Method, 0..=0),
    ("isLinkLocalMulticast", Method, 0..=0),
    ("isLinkLocalUnicast", Method, 0..=0),
    ("isGlobalUnicast", Method, 0..=0),
    ("cidr", Global, 1..=1),
    ("isCIDR", Global, 1..=1),
    ("containsIP", Method, 1..=1),
    ("containsCIDR", Method, 1..=1),
    ("ip", Method, 0..=0),
    ("masked", Method, 0..=0),
    ("prefixLength", Method, 0..=0),
    ("url", Global, 1..=1),
    ("isURL", Global, 1..=1),
    ("getScheme", Method, 0..=0),
    ("getHost", Method, 0..=0),
    ("getHostname", Method, 0..=0),
    ("getPort", Method, 0..=0),
    ("getEscapedPath", Method, 0..=0),
    ("getQuery", Method, 0..=0),
    ("semver", Global, 1..=2),
    ("isSemver", Global, 1..=2),
    ("major", Method, 0..=0),
    ("minor", Method, 0..=0),
    ("patch", Method, 0..=0),
    ("image", Global, 1..=1),
    ("isImage", Global, 1..=1),
    ("containsDigest", Method, 0..=0),
    ("registry", Method, 0..=0),
    ("repository", Method, 0..=0),
    ("tag", Method, 0..=0),
    ("digest", Method, 0..=0),
    ("identifier", Method, 0..=0),
    ("validate", Method, 1..=1),
    ("format.named", Global, 1..=1),
    ("slice", Method, 2..=2),
    ("flatten", Method, 0..=1),
    ("distinct", Method, 0..=0),
    ("sort", Method, 0..=0),
    ("first", Method, 0..=0),
    ("last", Method, 0..=0),
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

/// Names that functions stand in.
const SPACES: [&str; 8] = ["format", "ip", "jsonpatch", "lists", "math", "optional", "sets", "strings"];

/// Refuses what is not a function, or is called in another way.
pub(super) fn known(name: &str, style: Style, arguments: usize) -> Result<(), String> {
    // Every named format is a function without arguments.
    if name.strip_prefix("format.").is_some_and(|format| formats::NAMES.contains(&format)) && arguments == 0 {
        return Ok(());
    }
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
    (SPACES.contains(&space.as_str()) && !bound(space)).then(|| format!("{space}.{}", call.func_name))
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
            .or_else(|| of_quantities(name, arguments))
            .or_else(|| libraries::call(name, arguments));
        value.unwrap_or_else(|| unfit(name, &arguments.iter().collect::<Vec<_>>()))
    }
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
