//! How long texts of an answer may be.

/// Longest text of a record, in bytes. The platform refuses the whole answer, with all that its call was about, for a
/// longer one; so a longer text is cut, or its record left out and told of, here.
pub(crate) const TEXT_BYTES_MAX: usize = 64 << 10;

/// Longest evidence of a record, in bytes of JSON.
pub(crate) const EVIDENCE_BYTES_MAX: usize = 64 << 10;

/// A text for people, cut where it is too long.
pub(crate) fn cut(text: impl Into<String>) -> String {
    let mut text = text.into();
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

/// Evidence as JSON. What is too long, or cannot be written as JSON, is replaced by a word that says so: half a JSON text
/// proves nothing.
pub(crate) fn evidence(value: &impl serde::Serialize) -> Vec<u8> {
    match serde_json::to_vec(value) {
        Ok(bytes) if bytes.len() <= EVIDENCE_BYTES_MAX => bytes,
        Ok(bytes) => left_out(&format!("{} bytes; at most {EVIDENCE_BYTES_MAX} are allowed", bytes.len())),
        Err(error) => left_out(&error.to_string()),
    }
}

fn left_out(why: &str) -> Vec<u8> {
    serde_json::json!({ "left-out": cut(why) }).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{EVIDENCE_BYTES_MAX, TEXT_BYTES_MAX, cut, evidence};

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("é".repeat(TEXT_BYTES_MAX)).len(), TEXT_BYTES_MAX);
        assert_eq!(cut(format!("a{}", "é".repeat(TEXT_BYTES_MAX))).len(), TEXT_BYTES_MAX - 1);
    }

    #[test]
    fn evidence_that_is_too_long_is_left_out_and_told_of() {
        assert_eq!(evidence(&[1, 2]), b"[1,2]");
        let long = evidence(&"x".repeat(EVIDENCE_BYTES_MAX));
        assert!(long.starts_with(br#"{"left-out":"65538 bytes"#), "{}", String::from_utf8_lossy(&long));
    }
}
