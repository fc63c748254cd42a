//! Canonical JSON: the JSON Canonicalization Scheme (RFC 8785), for values without fractions.
//!
//! - No whitespace. Keys of an object in the order of their UTF-16 code units, each once.
//! - Strings as `"…"`, with `\"`, `\\`, `\b`, `\f`, `\n`, `\r`, `\t`, and `\u00xx` in lower case for the other
//!   characters below U+0020. Everything else stands as it is, in UTF-8.
//! - Numbers are whole, from -(2^53 - 1) to 2^53 - 1, in decimal digits. RFC 8785 also has fractions; evidence has none, so that nobody
//!   needs a printer of doubles to check it.
//!
//! Records and manifests are structs whose fields stand in that order, so that `serde_json` writes them canonically; a test
//! compares it with [`write`].

use std::fmt::Write as _;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The greatest whole number that every reader of JSON keeps: 2^53 - 1.
pub(crate) const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The value as canonical JSON; nothing where it holds a number that canonical JSON does not have here.
#[must_use]
pub fn write(value: &Value) -> Option<String> {
    let mut out = String::new();
    put(value, &mut out)?;
    Some(out)
}

fn put(value: &Value, out: &mut String) -> Option<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => {
            let whole = number.as_i64().filter(|whole| whole.unsigned_abs() <= INTEGER_MAX)?;
            let _ = write!(out, "{whole}");
        }
        Value::String(text) => put_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                put(item, out)?;
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            out.push('{');
            for (place, (key, field)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                put_text(key, out);
                out.push(':');
                put(field, out)?;
            }
            out.push('}');
        }
    }
    Some(())
}

fn put_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// A struct of this crate as canonical JSON.
pub(crate) fn bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|error| error.to_string())
}

/// Reads what [`bytes`] wrote, and nothing else: any other spelling of the same is refused.
pub(crate) fn read<T: Serialize + DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    let value: T = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if bytes(&value)? != text {
        return Err("it is not in canonical form".to_owned());
    }
    Ok(value)
}

/// SHA-256 in lower-case hexadecimal digits, after `sha256:`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    digest(&Sha256::digest(bytes))
}

/// A finished hash, written the same way.
pub(crate) fn digest(hash: &[u8]) -> String {
    let mut out = String::with_capacity(71);
    out.push_str("sha256:");
    for byte in hash {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Whether a text is a hash as [`sha256`] writes it.
pub(crate) fn is_digest(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix("sha256:").is_some_and(|rest| rest.len() == 64 && rest.bytes().all(hex))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The strings and the order of keys of RFC 8785, sections 3.2.2 and 3.2.3.
    #[test]
    fn the_examples_of_the_rfc() {
        let value = json!({ "string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/", "literals": [null, true, false] });
        assert_eq!(
            write(&value).unwrap(),
            "{\"literals\":[null,true,false],\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis"
        });
        let text = write(&value).unwrap();
        let mut last = 0;
        for word in ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"] {
            let at = text.find(word).unwrap();
            assert!(at > last, "{word}");
            last = at;
        }
    }

    #[test]
    fn numbers_that_readers_lose_are_refused() {
        assert_eq!(
            write(&json!([INTEGER_MAX, -9_007_199_254_740_991_i64])).unwrap(),
            "[9007199254740991,-9007199254740991]"
        );
        for bad in [json!(INTEGER_MAX + 1), json!(u64::MAX), json!(0.5)] {
            assert_eq!(write(&bad), None);
        }
    }

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_writes_them(text in any::<String>()) {
            prop_assert_eq!(write(&json!(text)).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }
}
