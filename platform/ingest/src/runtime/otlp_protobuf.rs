//! The binary form of `ExportLogsServiceRequest`, as most exporters send it, written as the JSON form.
//!
//! A reader of the wire format for these few messages alone (opentelemetry-proto, `collector/logs/v1`, `logs/v1`, `common/v1`,
//! `resource/v1`; JSON mapping of OTLP: 64-bit numbers as text, ids in hexadecimal). Fields that are not known here are left
//! out: whoever needs them keeps the bytes.

use std::fmt::Write as _;

use thiserror::Error;

use crate::limits;

/// Deepest value in a value.
const VALUE_DEPTH: usize = 16;

/// The bytes are no such message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProtobufError {
    /// Not protobuf, cut off, or not of these messages.
    #[error(
        "the request is not a readable ExportLogsServiceRequest; check that the sender exports logs, not traces or metrics"
    )]
    Malformed,
    /// Larger than [`limits::EVENT_BATCH_BYTES`], also as JSON four times as large.
    #[error("the request is larger than {limit} bytes; let the sender make smaller batches")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
}

impl ProtobufError {
    /// The stable code; `platform/error-codes/` has a page for each.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "event-protobuf-malformed",
            Self::TooLarge { .. } => "event-batch-too-large",
        }
    }
}

type Done = Result<(), ProtobufError>;

/// Writes a request as JSON, which [`super::decode`] reads as [`super::Format::Otlp`].
///
/// # Errors
/// See [`ProtobufError`].
pub fn to_json(request: &[u8]) -> Result<String, ProtobufError> {
    let too_large = ProtobufError::TooLarge { limit: limits::EVENT_BATCH_BYTES };
    if request.len() > limits::EVENT_BATCH_BYTES {
        return Err(too_large);
    }
    let mut out = String::with_capacity(request.len() * 2);
    out.push('{');
    repeated(request, 1, "resourceLogs", &mut out, resource_logs)?;
    out.push('}');
    if out.len() > limits::EVENT_BATCH_BYTES { Err(too_large) } else { Ok(out) }
}

/// The value of a field.
enum Value<'b> {
    Number(u64),
    Fixed(u64),
    Bytes(&'b [u8]),
}

/// Walks over the fields of a message.
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for place in 0..10 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(place * 7)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Value<'b>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Fixed(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed(u64::from(u32::from_le_bytes(self.take(4)?.try_into().ok()?))),
            _ => return None,
        };
        (tag >> 3 != 0).then_some((tag >> 3, value))
    }

    /// The next field; nothing at the end.
    fn next(&mut self) -> Result<Option<(u64, Value<'b>)>, ProtobufError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.field().map(Some).ok_or(ProtobufError::Malformed)
    }
}

/// Writes a list of the messages of one field, after a comma where something stands in front. Nothing for none.
fn repeated(
    message: &[u8],
    number: u64,
    key: &str,
    out: &mut String,
    each: fn(&[u8], &mut String) -> Done,
) -> Done {
    let mut fields = Fields(message);
    let mut open = false;
    while let Some((field, value)) = fields.next()? {
        let Value::Bytes(bytes) = value else { continue };
        if field != number {
            continue;
        }
        if open {
            out.push(',');
        } else {
            member(out, key);
            out.push('[');
            open = true;
        }
        each(bytes, out)?;
        if out.len() > limits::EVENT_BATCH_BYTES * 4 {
            return Err(ProtobufError::TooLarge { limit: limits::EVENT_BATCH_BYTES });
        }
    }
    if open {
        out.push(']');
    }
    Ok(())
}

/// Begins a member of the object that is being written.
fn member(out: &mut String, key: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    let _ = write!(out, "\"{key}\":");
}

/// The bytes of a field that is a message; the last of several counts.
fn message(bytes: &[u8], number: u64) -> Result<Option<&[u8]>, ProtobufError> {
    let (mut fields, mut found) = (Fields(bytes), None);
    while let Some((field, value)) = fields.next()? {
        if let (Value::Bytes(bytes), true) = (value, field == number) {
            found = Some(bytes);
        }
    }
    Ok(found)
}

fn resource_logs(bytes: &[u8], out: &mut String) -> Done {
    out.push('{');
    if let Some(resource) = message(bytes, 1)? {
        member(out, "resource");
        out.push('{');
        repeated(resource, 1, "attributes", out, key_value)?;
        out.push('}');
    }
    repeated(bytes, 2, "scopeLogs", out, scope_logs)?;
    out.push('}');
    Ok(())
}

fn scope_logs(bytes: &[u8], out: &mut String) -> Done {
    out.push('{');
    if let Some(scope) = message(bytes, 1)? {
        member(out, "scope");
        out.push('{');
        for (number, key) in [(1, "name"), (2, "version")] {
            if let Some(bytes) = message(scope, number)? {
                member(out, key);
                text(bytes, out);
            }
        }
        out.push('}');
    }
    repeated(bytes, 2, "logRecords", out, log_record)?;
    out.push('}');
    Ok(())
}

fn log_record(bytes: &[u8], out: &mut String) -> Done {
    out.push('{');
    let mut fields = Fields(bytes);
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (1, Value::Fixed(number)) => number_text("timeUnixNano", number, out),
            (11, Value::Fixed(number)) => number_text("observedTimeUnixNano", number, out),
            (2, Value::Number(number)) => {
                member(out, "severityNumber");
                let _ = write!(out, "{number}");
            }
            (3, Value::Bytes(bytes)) => {
                member(out, "severityText");
                text(bytes, out);
            }
            (5, Value::Bytes(bytes)) => {
                member(out, "body");
                any_value(bytes, out, 0)?;
            }
            (9 | 10, Value::Bytes(bytes)) => {
                member(out, if field == 9 { "traceId" } else { "spanId" });
                out.push('"');
                for byte in bytes.iter().take(64) {
                    let _ = write!(out, "{byte:02x}");
                }
                out.push('"');
            }
            (12, Value::Bytes(bytes)) => {
                member(out, "eventName");
                text(bytes, out);
            }
            _ => {}
        }
    }
    repeated(bytes, 6, "attributes", out, key_value)?;
    out.push('}');
    Ok(())
}

fn number_text(key: &str, number: u64, out: &mut String) {
    member(out, key);
    let _ = write!(out, "\"{number}\"");
}

fn key_value(bytes: &[u8], out: &mut String) -> Done {
    key_value_at(bytes, out, 0)
}

fn key_value_at(bytes: &[u8], out: &mut String, depth: usize) -> Done {
    out.push('{');
    if let Some(key) = message(bytes, 1)? {
        member(out, "key");
        text(key, out);
    }
    if let Some(value) = message(bytes, 2)? {
        member(out, "value");
        any_value(value, out, depth)?;
    }
    out.push('}');
    Ok(())
}

fn any_value(bytes: &[u8], out: &mut String, depth: usize) -> Done {
    if depth > VALUE_DEPTH {
        return Err(ProtobufError::Malformed);
    }
    out.push('{');
    // One of them; the last of several counts.
    let (mut fields, mut last) = (Fields(bytes), None);
    while let Some(field) = fields.next()? {
        last = Some(field);
    }
    match last {
        Some((1, Value::Bytes(bytes))) => {
            member(out, "stringValue");
            text(bytes, out);
        }
        Some((2, Value::Number(number))) => {
            member(out, "boolValue");
            out.push_str(if number == 0 { "false" } else { "true" });
        }
        Some((3, Value::Number(number))) => {
            member(out, "intValue");
            let _ = write!(out, "\"{}\"", number.cast_signed());
        }
        Some((4, Value::Fixed(bits))) => {
            let number = f64::from_bits(bits);
            if number.is_finite() {
                member(out, "doubleValue");
                let _ = write!(out, "{number:?}");
            }
        }
        Some((5, Value::Bytes(bytes))) => values(bytes, "arrayValue", out, depth, any_value)?,
        Some((6, Value::Bytes(bytes))) => values(bytes, "kvlistValue", out, depth, key_value_at)?,
        _ => {}
    }
    out.push('}');
    Ok(())
}

fn values(
    bytes: &[u8],
    key: &str,
    out: &mut String,
    depth: usize,
    each: fn(&[u8], &mut String, usize) -> Done,
) -> Done {
    member(out, key);
    out.push_str("{\"values\":[");
    let (mut fields, mut first) = (Fields(bytes), true);
    while let Some((field, value)) = fields.next()? {
        if let (1, Value::Bytes(bytes)) = (field, value) {
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            each(bytes, out, depth + 1)?;
        }
    }
    out.push_str("]}");
    Ok(())
}

fn text(bytes: &[u8], out: &mut String) {
    let text = String::from_utf8_lossy(bytes);
    // Writing a text as JSON does not fail.
    out.push_str(&serde_json::to_string(text.as_ref()).unwrap_or_else(|_| "\"\"".to_owned()));
}

#[cfg(test)]
mod tests {
    use super::{ProtobufError, to_json};

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        out.extend_from_slice(content);
        out
    }

    fn string(text: &str) -> Vec<u8> {
        field(1, text.as_bytes())
    }

    #[test]
    fn a_request_is_written_as_its_json_form() {
        let attribute = |key: &str, value: &[u8]| [string(key), field(2, value)].concat();
        let int = [3 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        let list = field(5, &[field(1, &string("a")), field(1, &[2 << 3, 1])].concat());
        let record = [
            [[1 << 3 | 1].as_slice(), &7u64.to_le_bytes()].concat(),
            vec![2 << 3, 17],
            field(5, &string("a \"b\"")),
            field(6, &attribute("n", &int)),
            field(6, &attribute("l", &list)),
            field(9, &[0xab, 0xcd]),
        ]
        .concat();
        let scope = [field(1, &string("s")), field(2, &record)].concat();
        let resource = field(1, &attribute("k", &string("v")));
        let request = field(1, &[field(1, &resource), field(2, &scope)].concat());
        let expected = concat!(
            r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"k","value":{"stringValue":"v"}}]},"#,
            r#""scopeLogs":[{"scope":{"name":"s"},"logRecords":[{"timeUnixNano":"7","severityNumber":17,"#,
            r#""body":{"stringValue":"a \"b\""},"traceId":"abcd","attributes":["#,
            r#"{"key":"n","value":{"intValue":"-1"}},"#,
            r#"{"key":"l","value":{"arrayValue":{"values":[{"stringValue":"a"},{"boolValue":true}]}}}]}]}]}]}"#
        );
        assert_eq!(to_json(&request).unwrap(), expected);
        assert_eq!(to_json(&request[..request.len() - 1]), Err(ProtobufError::Malformed));
        assert_eq!(to_json(b"").unwrap(), "{}");
    }
}
