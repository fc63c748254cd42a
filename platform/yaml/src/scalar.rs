//! What a plain scalar means: the rules of go-yaml 2 (`resolve.go`), which `kubectl` and Helm read with.

use saphyr_parser::{ScalarStyle, Tag};
use serde_json::{Number, Value};

/// The value of a scalar. Quoted ones and blocks are text, whatever they look like, unless a tag says otherwise.
pub(crate) fn value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    match tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str()) {
        Some("str" | "binary" | "timestamp") => text.into(),
        Some("null") => Value::Null,
        Some("float") => float(text).map_or_else(|| text.into(), Value::Number),
        Some("int" | "bool") => plain(text),
        // `!` alone is the tag of what is not to be resolved.
        _ if style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "!" || tag.handle == "!") => {
            text.into()
        }
        _ => plain(text),
    }
}

/// Whether a key means "take over the keys of that mapping".
pub(crate) fn is_merge(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> bool {
    text == "<<" && style == ScalarStyle::Plain && tag.is_none_or(Tag::is_yaml_core_schema)
}

/// The name of a key in JSON.
pub(crate) fn key(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> String {
    match value(text, style, tag) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => true.into(),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => false.into(),
        _ => number(text).map_or_else(|| text.into(), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    match text.bytes().next()? {
        b'0'..=b'9' | b'+' | b'-' => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| float(&digits))
        }
        b'.' => float(text),
        _ => None,
    }
}

/// Go's `strconv.ParseInt` with base 0: the prefix says the base.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let prefixed =
        |prefix: &str| digits.strip_prefix(prefix).or_else(|| digits.strip_prefix(&prefix.to_uppercase()));
    let (radix, digits) = if let Some(rest) = prefixed("0x") {
        (16, rest)
    } else if let Some(rest) = prefixed("0b") {
        (2, rest)
    } else if let Some(rest) = prefixed("0o") {
        (8, rest)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, digits)
    } else {
        (10, digits)
    };
    // A second sign would be read by Rust.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if negative { 0_i64.checked_sub_unsigned(size).map(Number::from) } else { Some(Number::from(size)) }
}

/// Digits, a point, an exponent: nothing else, so that `1e400`, `inf` and `nan` stay text.
fn float(text: &str) -> Option<Number> {
    let allowed = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    if !text.bytes().all(allowed) || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Number::from_f64(text.parse().ok()?)
}
