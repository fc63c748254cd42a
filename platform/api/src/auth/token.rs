//! Bearer tokens: `pal_`, 52 characters of base32 that hold 32 random bytes, and 6 characters of checksum.
//!
//! The prefix and the checksum let secret scanners recognise a leaked token without asking us, and let the server turn
//! away noise before it asks the store. Only a hash of the token is kept: the token has 256 random bits, so a slow
//! password hash would protect nothing. Looking a token up by that hash is what makes the comparison independent of
//! the secret: an attacker who can measure time learns about the hash of a guess and nothing about any token.

use std::fmt;

use sha2::{Digest as _, Sha256};
use store::TokenHash;

/// Everything before the random part.
const PREFIX: &str = "pal_";
/// The same of a token that a source of events has.
pub(crate) const SOURCE_PREFIX: &str = "pse_";
/// Characters that hold the 32 random bytes, five bits each.
const RANDOM_CHARS: usize = 52;
/// Characters of checksum: 30 bits, so one in a billion mistyped tokens reaches the store.
const CHECKSUM_CHARS: usize = 6;
/// The alphabet of RFC 4648 base32, in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A token in clear. It is shown once, when it is made; it has no `Debug` that prints it and cannot be serialised.
pub struct Secret(String);

impl Secret {
    /// A new token from the operating system's random source.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        Self::generate_as(PREFIX)
    }

    /// The same with another beginning, by which people and secret scanners tell what it opens.
    ///
    /// # Errors
    /// As [`Secret::generate`].
    pub(crate) fn generate_as(prefix: &str) -> Result<Self, getrandom::Error> {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random)?;
        let body = format!("{prefix}{}", base32(&random));
        let checksum = checksum(&body);
        Ok(Self(body + &checksum))
    }

    /// The token itself, for the one place that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The hash under which the store keeps a token; `None` for text that cannot be a token.
pub(crate) fn hash(token: &str) -> Option<TokenHash> {
    hash_of(PREFIX, token)
}

/// The same of a token with another beginning.
pub(crate) fn hash_of(prefix: &str, token: &str) -> Option<TokenHash> {
    let rest = token.strip_prefix(prefix)?;
    if rest.len() != RANDOM_CHARS + CHECKSUM_CHARS || !rest.bytes().all(|byte| ALPHABET.contains(&byte)) {
        return None;
    }
    let (body, sum) = token.split_at_checked(prefix.len() + RANDOM_CHARS)?;
    (checksum(body) == sum).then(|| TokenHash::of(token))
}

fn checksum(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    base32(digest.as_slice()).chars().take(CHECKSUM_CHARS).collect()
}

/// Base32 without padding; the last character is filled up with zero bits.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0_u32);
    let mut push = |index: u32| {
        // Five bits are always inside the alphabet.
        out.extend(ALPHABET.get(index as usize & 31).copied().map(char::from));
    };
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(held >> bits);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        push(held << (5 - bits));
    }
    out
}

#[cfg(test)]
mod tests {
    use store::TokenHash;

    use super::{Secret, base32, hash};

    #[test]
    fn base32_follows_the_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ];
        for (plain, coded) in vectors {
            assert_eq!(base32(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn a_token_is_recognised_and_any_changed_character_is_not() {
        let secret = Secret::generate().unwrap();
        let token = secret.expose();
        assert_eq!(token.len(), 62);
        assert_eq!(hash(token), Some(TokenHash::of(token)));
        for at in 0..token.len() {
            let mut bytes = token.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            assert_eq!(hash(std::str::from_utf8(&bytes).unwrap()), None, "changed at {at}");
        }
        for bad in ["", "pal_", "pal_é", &token[..61], &format!("{token}a"), &token.to_uppercase()] {
            assert_eq!(hash(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_two_tokens_are_alike_and_none_is_printed() {
        let (one, two) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(one.expose(), two.expose());
        assert!(!format!("{one:?}").contains(&one.expose()[4..]));
    }
}
