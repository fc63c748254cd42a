//! A bound on what single built-in functions do: one instruction may make a list of a milliard numbers, or write out a value
//! that shares its parts a thousand times over.

use std::cell::Cell;

use regorus::unstable::{BUILTINS, Expr, Span};
use regorus::{LimitError, Value, rvm::program::Program};

/// Parts and 16 bytes of text that the built-in functions of one evaluation may look at or make.
const UNITS_MAX: u64 = 500_000;
/// Longest regular expression, in bytes. How large it may become when it is compiled, regorus bounds itself.
const REGEX_BYTES_MAX: usize = 2_048;

/// The functions that make more than they are given, or cost more than its size.
const HEAVY: [&str; 24] = [
    "sprintf",
    "concat",
    "replace",
    "strings.replace_n",
    "numbers.range",
    "numbers.range_step",
    "array.concat",
    "object.union",
    "object.union_n",
    "json.marshal",
    "json.marshal_with_options",
    "json.patch",
    "split",
    "bits.lsh",
    "format_int",
    "regex.match",
    "regex.find_n",
    "regex.replace",
    "regex.split",
    "regex.is_valid",
    "regex.find_all_string_submatch_n",
    "regex.template_match",
    "glob.match",
    "walk",
];

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(UNITS_MAX) };
}

/// Before an evaluation.
pub(super) fn start() {
    LEFT.set(UNITS_MAX);
}

/// Puts a guard before every heavy function of a program.
pub(super) fn guard(program: &mut Program) {
    for (info, resolved) in program.builtin_info_table.iter().zip(&mut program.resolved_builtins) {
        if let Some(place) = HEAVY.iter().position(|name| *name == info.name)
            && let Some(guarded) = GUARDED.get(place)
        {
            resolved.0 = *guarded;
        }
    }
}

type Function = fn(&Span, &[regorus::unstable::Ref<Expr>], &[Value], bool) -> anyhow::Result<Value>;

macro_rules! guarded {
    ($($place:literal)*) => { [$(guarded::<$place>),*] };
}

const GUARDED: [Function; 24] = guarded!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23);

fn guarded<const PLACE: usize>(
    span: &Span,
    parameters: &[regorus::unstable::Ref<Expr>],
    arguments: &[Value],
    strict: bool,
) -> anyhow::Result<Value> {
    let name = HEAVY.get(PLACE).copied().unwrap_or_default();
    for argument in arguments {
        charge(argument)?;
    }
    pay(made_of(name, arguments))?;
    match BUILTINS.get(name) {
        Some((function, _)) => function(span, parameters, arguments, strict),
        None => anyhow::bail!("there is no function {name}"),
    }
}

/// What a function makes beyond what it is given, as far as its arguments tell.
fn made_of(name: &str, arguments: &[Value]) -> u64 {
    let text = |place: usize| arguments.get(place).and_then(|value| value.as_string().ok());
    let number = |place: usize| arguments.get(place).and_then(|value| value.as_i64().ok());
    match name {
        "numbers.range" | "numbers.range_step" => match (number(0), number(1)) {
            (Some(from), Some(to)) => from.abs_diff(to) / number(2).map_or(1, i64::unsigned_abs).max(1),
            _ => u64::MAX,
        },
        "bits.lsh" => number(1).map_or(u64::MAX, |by| if by > 4_096 { u64::MAX } else { 1 }),
        "sprintf" => text(0).map_or(1, |format| widest(format)),
        "replace" => match (text(0), text(1), text(2)) {
            (Some(whole), Some(from), Some(to)) => {
                let places = if from.is_empty() { whole.len() + 1 } else { whole.len() / from.len() + 1 };
                units(places.saturating_mul(to.len()))
            }
            _ => 1,
        },
        // The longest text may stand in every place.
        "strings.replace_n" | "regex.replace" => {
            arguments.iter().map(size).max().map_or(1, |longest| longest.saturating_mul(longest))
        }
        _ if name.starts_with("regex.") => match text(0) {
            Some(pattern) if pattern.len() > REGEX_BYTES_MAX => u64::MAX,
            Some(pattern) => units(pattern.len()).saturating_mul(8) + 50,
            None => 1,
        },
        _ => 1,
    }
}

/// Bytes of text as units.
fn units(bytes: usize) -> u64 {
    u64::try_from(bytes / 16).unwrap_or(u64::MAX).saturating_add(1)
}

/// The largest number in a format: a width or a precision.
fn widest(format: &str) -> u64 {
    let numbers = format.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    numbers
        .map(|digits| digits.parse::<u64>().unwrap_or(u64::MAX))
        .max()
        .unwrap_or(1)
        .saturating_mul(u64::try_from(format.matches('%').count()).unwrap_or(1))
        / 16
}

fn pay(units: u64) -> anyhow::Result<()> {
    match LEFT.get().checked_sub(units) {
        Some(left) => {
            LEFT.set(left);
            Ok(())
        }
        None => {
            LEFT.set(0);
            Err(LimitError::MemoryLimitExceeded { usage: units, limit: UNITS_MAX }.into())
        }
    }
}

/// Pays for a value, part by part: parts that are shared count as often as they stand there.
pub(super) fn charge(value: &Value) -> anyhow::Result<()> {
    pay(1)?;
    match value {
        Value::String(text) => pay(units(text.len())),
        Value::Array(items) => items.iter().try_for_each(charge),
        Value::Set(items) => items.iter().try_for_each(charge),
        Value::Object(map) => {
            map.iter().try_for_each(|(key, value)| charge(key).and_then(|()| charge(value)))
        }
        _ => Ok(()),
    }
}

/// The units of a text, and one for anything else.
fn size(value: &Value) -> u64 {
    value.as_string().map_or(1, |text| units(text.len()))
}
