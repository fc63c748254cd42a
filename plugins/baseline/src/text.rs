//! Texts of strangers, hashes that stay the same for ever, and times for people.

/// At most `most` bytes of a text.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

/// A text without what would steer a terminal, cut.
pub(crate) fn plain(text: &str, most: usize) -> String {
    cut(text, most).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// FNV-1a of 64 bits, mixed at the end: profiles keep hashes for months, so that it must be one that no library changes.
pub(crate) fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    // The finaliser of SplitMix64.
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// Seconds since 1970 as RFC 3339 in UTC.
pub(crate) fn moment(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's civil_from_days, for days after 1970.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let turned = (5 * of_year + 2) / 153;
    let day = of_year - (153 * turned + 2) / 5 + 1;
    let month = if turned < 10 { turned + 3 } else { turned - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest % 3_600 / 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Whether a text is of a pattern in which `*` stands for anything, a `*` too.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut place) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while place < text.len() {
        match (pattern.get(at), text.get(place)) {
            (Some(b'*'), _) => {
                back = Some((at + 1, place));
                at += 1;
            }
            (Some(wanted), Some(there)) if wanted == there => {
                at += 1;
                place += 1;
            }
            _ => match back {
                Some((after, from)) => {
                    back = Some((after, from + 1));
                    at = after;
                    place = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_none_or(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::{fits, hash, moment};

    #[test]
    fn a_pattern_fits_itself_and_what_it_stands_for() {
        for (pattern, text, wanted) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "a*c", true),
            ("/bin/sh -c * < ?", "/bin/sh -c * < ?", true),
            ("a*b*c", "a--b--b-c", true),
            ("a*b", "a--c", false),
            ("", "a", false),
            ("ab", "abc", false),
            ("**a", "bba", true),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(moment(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(moment(1_795_392_000), "2026-11-23T00:00:00Z");
        assert!(!moment(u64::MAX / 1_000_000_000).is_empty());
    }

    #[test]
    fn a_hash_is_the_same_tomorrow() {
        assert_eq!(hash(&[b"a", b"b"]), hash(&[b"a", b"b"]));
        assert_ne!(hash(&[b"ab"]), hash(&[b"a", b"b"]));
    }
}
