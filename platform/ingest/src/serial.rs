//! A document number that is a function of the document, so that the same report is the same file.

/// A UUID of version 8 (RFC 9562, "custom") made from the content, in its usual spelling.
pub(crate) fn uuid(content: &str) -> String {
    let mut bytes = [0u8; 16];
    for (to, from) in bytes.iter_mut().zip(blake3::hash(content.as_bytes()).as_bytes()) {
        *to = *from;
    }
    let number = (u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62)) | (0x8 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let mut out = String::with_capacity(36);
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_a_uuid_of_version_8() {
        let one = super::uuid("a");
        assert_eq!(one, super::uuid("a"));
        assert_ne!(one, super::uuid("b"));
        let bytes = one.as_bytes();
        assert_eq!((one.len(), bytes[8], bytes[14]), (36, b'-', b'8'));
        assert!(matches!(bytes[19], b'8' | b'9' | b'a' | b'b'));
    }
}
