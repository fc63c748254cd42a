//! Patterns that values are compared with: wildcards, paths, networks, numbers.

use std::net::IpAddr;

/// Longest pattern with wildcards, in bytes: comparing takes at most this times the length of the value.
pub(crate) const GLOB_BYTES_MAX: usize = 512;

/// Whether a text matches a pattern with `*`, `?` and `[…]` as a whole (glob(7), where `*` stands for slashes too).
pub(crate) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    let mut again: Option<(&[u8], &[u8])> = None;
    loop {
        match pattern.split_first() {
            Some((b'*', behind)) => {
                again = Some((behind, text));
                pattern = behind;
                continue;
            }
            None if text.is_empty() => return true,
            Some(_) => {
                if let Some((first, rest)) = text.split_first()
                    && let Some(behind) = single(pattern, *first)
                {
                    (pattern, text) = (behind, rest);
                    continue;
                }
            }
            None => {}
        }
        // The last star takes one character more.
        let Some((behind, from)) = again else { return false };
        let Some((_, rest)) = from.split_first() else { return false };
        again = Some((behind, rest));
        (pattern, text) = (behind, rest);
    }
}

/// Whether the first part of a pattern, which is no star, matches a byte; then the rest of the pattern.
fn single(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'\\', literal, rest @ ..] => (*literal == byte).then_some(rest),
        [b'[', rest @ ..] => match class(rest, byte) {
            Some((true, rest)) => Some(rest),
            Some((false, _)) => None,
            // A bracket that is not closed is one.
            None => (byte == b'[').then_some(rest),
        },
        [literal, rest @ ..] => (*literal == byte).then_some(rest),
        [] => None,
    }
}

/// Whether a byte is of a class, which begins behind its bracket, and what stands behind the class.
fn class(pattern: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    let (negated, mut rest) = match pattern {
        [b'!' | b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut inside = false;
    let mut first = true;
    loop {
        match rest {
            [b']', behind @ ..] if !first => return Some((inside != negated, behind)),
            [low, b'-', high, behind @ ..] if *high != b']' => {
                inside |= (*low..=*high).contains(&byte);
                rest = behind;
            }
            [literal, behind @ ..] => {
                inside |= *literal == byte;
                rest = behind;
            }
            [] => return None,
        }
        first = false;
    }
}

/// The parts of a path, for comparing prefixes.
pub(crate) fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty())
}

/// Whether a path is the prefix's or one below it. Parts of the prefix may have wildcards.
pub(crate) fn below(prefix: &[Box<[u8]>], path: &[u8]) -> bool {
    let mut parts = components(path);
    prefix.iter().all(|wanted| parts.next().is_some_and(|part| **wanted == *part || glob(wanted, part)))
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Net {
    address: IpAddr,
    bits: u8,
}

impl Net {
    /// Reads `ADDRESS/BITS`.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let (address, bits) = std::str::from_utf8(text).ok()?.split_once('/')?;
        let (address, bits): (IpAddr, u8) = (address.parse().ok()?, bits.parse().ok()?);
        (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some(Self { address, bits })
    }

    /// Whether an address is in it. An IPv4 address written as IPv6 is one of IPv4.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, unused: u32| a.checked_shr(unused) == b.checked_shr(unused);
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let unused = 32 - u32::from(self.bits);
                same(u128::from(net.to_bits()), u128::from(address.to_bits()), unused)
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                same(net.to_bits(), address.to_bits(), 128 - u32::from(self.bits))
            }
            _ => false,
        }
    }
}

/// An address, as a source writes it.
pub(crate) fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A number of any size that conditions use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    /// Reads a decimal or, with `0x`, hexadecimal number.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            return i128::from_str_radix(digits, 16).ok().map(Self::Whole);
        }
        if let Ok(whole) = text.parse() {
            return Some(Self::Whole(whole));
        }
        text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')).then_some(())?;
        text.parse().ok().filter(|real: &f64| real.is_finite()).map(Self::Real)
    }

    pub(crate) fn compared(self, other: Self) -> Option<std::cmp::Ordering> {
        #[allow(clippy::cast_precision_loss, reason = "a real number is on the other side")]
        let real = |number| match number {
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        };
        match (self, other) {
            (Self::Whole(one), Self::Whole(two)) => Some(one.cmp(&two)),
            (one, two) => real(one).partial_cmp(&real(two)),
        }
    }
}

/// The bytes of a text in Base64 (RFC 4648, either alphabet); white space and padding are passed over.
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut kept, mut bits) = (Vec::with_capacity(text.len() / 4 * 3), 0u32, 0);
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' | b' ' | b'\n' | b'\r' | b'\t' => continue,
            _ => return None,
        };
        kept = kept << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((kept >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Net, Number, address, base64, below, components, glob};

    #[test]
    fn wildcards_match_wholes() {
        for (pattern, text, matches) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("*/x/*", "a/x/b/c", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("[ab", "[ab", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("*a*b*", "xxaxxbxx", true),
        ] {
            assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), matches, "{pattern} {text}");
        }
        // Hostile: stars that try one another in vain.
        assert!(!glob("*a".repeat(256).as_bytes(), "a".repeat(255).as_bytes()));
    }

    #[test]
    fn prefixes_are_of_whole_parts() {
        let prefix = |text: &str| components(text.as_bytes()).map(Box::from).collect::<Vec<Box<[u8]>>>();
        for (wanted, path, is) in [
            ("/tmp/hello", "/tmp/hello", true),
            ("/tmp/hello", "/tmp/hello/world", true),
            ("/tmp/hello", "/tmp/hello_world", false),
            ("/var/*/*.txt", "/var/a/b.txt/c", true),
            ("/var/*", "/var", false),
            ("/", "/etc", true),
        ] {
            assert_eq!(below(&prefix(wanted), path.as_bytes()), is, "{wanted} {path}");
        }
    }

    #[test]
    fn networks_have_their_addresses() {
        let has = |net: &str, ip: &str| Net::of(net.as_bytes()).unwrap().has(address(ip.as_bytes()).unwrap());
        assert!(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("0.0.0.0/0", "1.2.3.4") && has("::/0", "::1") && !has("::/0", "1.2.3.4"));
        assert!(has("10.0.0.0/8", "::ffff:10.0.0.1") && has("2001:db8::/32", "2001:db8::1"));
        assert_eq!(Net::of(b"10.0.0.0/33"), None);
        assert_eq!(Net::of(b"a/8"), None);
    }

    #[test]
    fn numbers_of_every_form() {
        let less = |a: &str, b: &str| {
            Number::of(a.as_bytes()).unwrap().compared(Number::of(b.as_bytes()).unwrap()).unwrap().is_lt()
        };
        assert!(less("1718108124058348968", "1718108124058348969") && less("-1", "0x10") && less("1.5", "2"));
        for text in ["", "inf", "nan", "1x", "0x"] {
            assert_eq!(Number::of(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn base64_of_either_alphabet() {
        assert_eq!(base64(b"aGVsbG8/Pw==").unwrap(), b"hello??");
        assert_eq!(base64(b"aGVsbG8_Pw").unwrap(), b"hello??");
        assert_eq!(base64(b"a!"), None);
    }
}
