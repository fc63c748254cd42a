//! Makes JSON of what is nearly JSON. Nothing is thrown away that a reader could have wanted; see the words on broken elements
//! in [`super`].

use super::reader::escape;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Bytes as text: what is no UTF-8 becomes the JSON escape of `\xHH`.
pub(super) fn bytes(body: &[u8]) -> String {
    let mut out = String::with_capacity(body.len() + body.len() / 8);
    for chunk in body.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str("\\\\x");
            push_hex(&mut out, *byte);
        }
    }
    out
}

/// Strings of a text with escapes that JSON has. Nothing where that changes nothing.
pub(super) fn strings(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() + 64);
    let (mut inside, mut changed, mut copied, mut at) = (false, false, 0, 0);
    while let Some(byte) = bytes.get(at) {
        let (length, instead) = match byte {
            b'"' => {
                inside = !inside;
                (1, None)
            }
            b'\\' if inside => match escape(bytes, at) {
                Some((_, length)) => (length, None),
                None => broken_escape(bytes, at),
            },
            0..b' ' if inside => {
                let mut escape = String::from("\\u00");
                push_hex(&mut escape, *byte);
                (1, Some(escape))
            }
            _ => (1, None),
        };
        if let Some(instead) = instead {
            out.push_str(text.get(copied..at).unwrap_or_default());
            out.push_str(&instead);
            copied = at + length;
            changed = true;
        }
        at += length;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    changed.then_some(out)
}

/// Half of a surrogate pair is a character that cannot be told; any other escape means itself.
fn broken_escape(bytes: &[u8], at: usize) -> (usize, Option<String>) {
    let digits = bytes.get(at + 2..at + 6).unwrap_or_default();
    let half =
        bytes.get(at + 1) == Some(&b'u') && digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit);
    if half { (6, Some("\\ufffd".to_owned())) } else { (1, Some("\\\\".to_owned())) }
}

fn push_hex(out: &mut String, byte: u8) {
    for digit in [byte >> 4, byte & 15] {
        out.push(HEX.get(usize::from(digit)).map_or('?', |digit| char::from(*digit)));
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, strings};

    #[test]
    fn bytes_and_escapes_are_shown_and_not_lost() {
        assert_eq!(bytes(b"{\"a\":\"b\xff\xc3\xa4\xe2\x82\"}"), "{\"a\":\"b\\\\xffä\\\\xe2\\\\x82\"}");
        let mended = strings("{\"a\":\"\\x41 \\n \\ud800 \\ud83d\\ude00 \\u12 \u{1}\t\"}\n").unwrap();
        assert_eq!(mended, "{\"a\":\"\\\\x41 \\n \\ufffd \\ud83d\\ude00 \\\\u12 \\u0001\\u0009\"}\n");
        let value: serde_json::Value = serde_json::from_str(&mended).unwrap();
        assert_eq!(value["a"], "\\x41 \n \u{fffd} 😀 \\u12 \u{1}\t");
        assert_eq!(strings("{\"a\": \"\\u0041\"}"), None);
    }
}
