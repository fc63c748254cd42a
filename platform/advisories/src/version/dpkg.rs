//! Debian's order: Debian policy manual, section 5.6.12 ("Version").

use std::cmp::Ordering;

use super::digits;

/// An epoch must be a number; the rest may be anything.
pub(super) fn readable(text: &str) -> bool {
    text.split_once(':').is_none_or(|(epoch, rest)| {
        !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_digit()) && !rest.is_empty()
    })
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a_epoch, a_rest) = a.split_once(':').unwrap_or(("", a));
    let (b_epoch, b_rest) = b.split_once(':').unwrap_or(("", b));
    let (a_upstream, a_revision) = a_rest.rsplit_once('-').unwrap_or((a_rest, ""));
    let (b_upstream, b_revision) = b_rest.rsplit_once('-').unwrap_or((b_rest, ""));
    digits::compare(a_epoch, b_epoch)
        .then_with(|| compare_part(a_upstream, b_upstream))
        .then_with(|| compare_part(a_revision, b_revision))
}

/// Alternating runs of non-digits and digits, from the left.
fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (a_text, a_rest) = digits_apart(a, false);
        let (b_text, b_rest) = digits_apart(b, false);
        let (a_number, a_next) = digits_apart(a_rest, true);
        let (b_number, b_next) = digits_apart(b_rest, true);
        let order = compare_text(a_text, b_text).then_with(|| digits::compare(a_number, b_number));
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_next, b_next);
    }
    Ordering::Equal
}

fn digits_apart(text: &str, digit: bool) -> (&str, &str) {
    let end = text.bytes().position(|b| b.is_ascii_digit() != digit).unwrap_or(text.len());
    // A digit is ASCII, so the border of a run of digits is always a border of characters.
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn compare_text(a: &str, b: &str) -> Ordering {
    let weights = |text: &str| text.bytes().map(weight).chain(std::iter::once(0)).collect::<Vec<_>>();
    if a == b { Ordering::Equal } else { weights(a).cmp(&weights(b)) }
}

/// `~` sorts before the end (0), letters before everything else.
fn weight(byte: u8) -> i32 {
    match byte {
        b'~' => -1,
        b if b.is_ascii_alphabetic() => i32::from(b),
        b => i32::from(b) + 256,
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn the_traps_of_the_policy() {
        for (lower, higher) in [
            ("1.0~rc1", "1.0"),
            ("1.0~~", "1.0~"),
            ("1.0", "1.0a"),
            ("1.0a", "1.0+"),
            ("9:1", "10:0"),
            ("1.0-1~bpo9+1", "1.0-1"),
            ("1.0-1", "1.0-1+deb12u1"),
            ("2-1-1", "2-1-2"),
        ] {
            assert!(compare(lower, higher).is_lt() && compare(higher, lower).is_gt(), "{lower} < {higher}");
        }
        assert!(compare("1.0", "0:1.0-0").is_eq());
    }
}
