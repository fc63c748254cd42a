//! rpm's order: `rpmvercmp` over epoch, version and release.
//!
//! `rpmvercmp` reads a part as a list of marks: `~` sorts before the end of the part, `^` right after it, then letters, then
//! numbers; every other character only separates. Comparing the lists element by element is what the original does,
//! and shows that the order is total.

use std::cmp::Ordering;

use super::digits;

#[derive(PartialEq, Eq)]
enum Mark<'a> {
    Tilde,
    End,
    Caret,
    Letters(&'a str),
    Number(&'a str),
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a_epoch, a_version, a_release) = split(a);
    let (b_epoch, b_version, b_release) = split(b);
    compare_part(a_epoch, b_epoch)
        .then_with(|| compare_part(a_version, b_version))
        .then_with(|| compare_part(a_release, b_release))
}

/// Epoch (`0` where missing), version and release (empty where missing).
fn split(text: &str) -> (&str, &str, &str) {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (if epoch.is_empty() { "0" } else { epoch }, version, release)
}

fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let a_mark = next(&mut a);
        let b_mark = next(&mut b);
        let order = compare_mark(&a_mark, &b_mark);
        if order.is_ne() || a_mark == Mark::End {
            return order;
        }
    }
}

fn next<'a>(text: &mut &'a str) -> Mark<'a> {
    let rest = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^');
    let (mark, left) = match rest.bytes().next() {
        None => (Mark::End, rest),
        Some(b'~') => (Mark::Tilde, rest.get(1..).unwrap_or_default()),
        Some(b'^') => (Mark::Caret, rest.get(1..).unwrap_or_default()),
        Some(b) if b.is_ascii_digit() => {
            let (number, left) = digits::split_while(rest, |b| b.is_ascii_digit());
            (Mark::Number(number), left)
        }
        Some(_) => {
            let (letters, left) = digits::split_while(rest, |b| b.is_ascii_alphabetic());
            (Mark::Letters(letters), left)
        }
    };
    *text = left;
    mark
}

fn compare_mark(a: &Mark<'_>, b: &Mark<'_>) -> Ordering {
    match (a, b) {
        (Mark::Number(a), Mark::Number(b)) => digits::compare(a, b),
        (Mark::Letters(a), Mark::Letters(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(mark: &Mark<'_>) -> u8 {
    match mark {
        Mark::Tilde => 0,
        Mark::End => 1,
        Mark::Caret => 2,
        Mark::Letters(_) => 3,
        Mark::Number(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn epochs_tildes_and_carets() {
        assert!(compare("4:1.0-1", "0:2.0-1").is_gt());
        assert!(compare("0:1.0-1", "1.0-1").is_eq());
        assert!(compare("1.0~rc1", "1.0").is_lt());
        assert!(compare("1.0^git1", "1.0.1").is_lt());
        assert!(compare("1.0-9.el9", "1.0-9.el9_2").is_lt());
    }
}
