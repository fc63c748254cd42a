//! SHA-256, and HMAC over it (RFC 2104).

use sha2::{Digest as _, Sha256};

/// Block size of SHA-256, in bytes.
const BLOCK: usize = 64;

pub(crate) fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// HMAC-SHA256 of a message (RFC 2104).
#[must_use]
pub fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let short = if key.len() > BLOCK { hash(key).to_vec() } else { key.to_vec() };
    let padded = |pad: u8| -> Vec<u8> {
        let filled = short.iter().copied().chain(std::iter::repeat(0));
        filled.take(BLOCK).map(|byte| byte ^ pad).collect()
    };
    let mut inner = Sha256::new();
    inner.update(padded(0x36));
    inner.update(message);
    let mut outer = Sha256::new();
    outer.update(padded(0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{hex, mac};

    /// RFC 4231, test cases 2 and 6.
    #[test]
    fn the_code_is_that_of_the_standard() {
        assert_eq!(
            hex(&mac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(&mac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
