//! Semantic Versioning 2.0 with the leniency that registries and advisories show, and Go's variant of it.
//!
//! Lenient means: a leading `v` or `=`, any count of numbers (missing ones are zero), and text that follows the numbers
//! without a hyphen counts as a pre-release.

use std::cmp::Ordering;

use super::digits;

struct Version<'a> {
    numbers: &'a str,
    /// The text, and a last part that was split off it.
    pre: Option<(&'a str, &'a str)>,
    build: Option<&'a str>,
}

pub(super) fn readable(text: &str) -> bool {
    strip_prefix(text).starts_with(|c: char| c.is_ascii_digit())
}

pub(super) fn readable_go(text: &str) -> bool {
    strip_go(text).starts_with(|c: char| c.is_ascii_digit())
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    compare_parsed(&parse(strip_prefix(a)), &parse(strip_prefix(b)))
}

pub(super) fn compare_go(a: &str, b: &str) -> Ordering {
    compare_parsed(&parse(strip_go(a)), &parse(strip_go(b)))
}

/// Dart's order: a build part is newer than none, and builds order like pre-releases.
pub(super) fn compare_with_build(a: &str, b: &str) -> Ordering {
    let (a, b) = (parse(strip_prefix(a)), parse(strip_prefix(b)));
    compare_parsed(&a, &b).then_with(|| match (a.build, b.build) {
        (Some(a), Some(b)) => compare_identifiers(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    })
}

fn strip_prefix(text: &str) -> &str {
    text.trim_start_matches(['v', 'V', '=', ' '])
}

/// `go1.22.1 X:boringcrypto` and `v1.2.3` to their numbers.
fn strip_go(text: &str) -> &str {
    let text = text.strip_prefix("go").unwrap_or(text);
    strip_prefix(text.split_whitespace().next().unwrap_or_default())
}

fn parse(text: &str) -> Version<'_> {
    let (text, build) = match text.split_once('+') {
        Some((text, build)) => (text, Some(build)),
        None => (text, None),
    };
    let (numbers, rest) = digits::split_while(text, |b| b.is_ascii_digit() || b == b'.');
    let pre = match rest.strip_prefix('-') {
        Some(pre) => Some((pre, "")),
        None if rest.is_empty() => None,
        None => Some(split_tight(rest)),
    };
    Version { numbers, pre, build }
}

/// Go writes `1.22rc10` for what semantic versions call `1.22.0-rc.10`: a word that hangs on the numbers gives up its own
/// number as a part that orders by value.
fn split_tight(text: &str) -> (&str, &str) {
    let (word, number) = digits::split_while(text, |b| b.is_ascii_alphabetic());
    if is_number(number) { (word, number) } else { (text, "") }
}

fn compare_parsed(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    compare_numbers(a.numbers, b.numbers).then_with(|| match (a.pre, b.pre) {
        (Some(a), Some(b)) => compare_lists(identifiers(a), identifiers(b)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    })
}

/// Dotted numbers; a missing one is zero.
pub(super) fn compare_numbers(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let (left, right) = (a.next(), b.next());
        if left.is_none() && right.is_none() {
            return Ordering::Equal;
        }
        let order = digits::compare(left.unwrap_or_default(), right.unwrap_or_default());
        if order.is_ne() {
            return order;
        }
    }
}

/// Rule 11.4: numbers below text, numbers by value, text by bytes, more fields are newer.
pub(super) fn compare_identifiers(a: &str, b: &str) -> Ordering {
    compare_lists(a.split('.'), b.split('.'))
}

fn identifiers<'a>((text, number): (&'a str, &'a str)) -> impl Iterator<Item = &'a str> {
    text.split('.').chain(Some(number).filter(|n| !n.is_empty()))
}

fn compare_lists<'a>(mut a: impl Iterator<Item = &'a str>, mut b: impl Iterator<Item = &'a str>) -> Ordering {
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => {
                let order = compare_identifier(left, right);
                if order.is_ne() {
                    return order;
                }
            }
        }
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}

fn compare_identifier(a: &str, b: &str) -> Ordering {
    match (is_number(a), is_number(b)) {
        (true, true) => digits::compare(a, b),
        (false, false) => a.cmp(b),
        (a_number, b_number) => b_number.cmp(&a_number),
    }
}

#[cfg(test)]
mod tests {
    use super::{compare, compare_go, compare_with_build};

    #[test]
    fn pre_releases_and_builds() {
        let sorted =
            ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-rc.2", "1.0.0-rc.11", "1.0.0"];
        for pair in sorted.windows(2) {
            assert!(compare(pair[0], pair[1]).is_lt(), "{pair:?}");
        }
        assert!(compare("1.0.0+a", "v1+b").is_eq());
        assert!(compare_with_build("1.0.0+a", "1.0.0+b").is_lt());
        assert!(
            compare("1.0.0-rc10", "1.0.0-rc2").is_lt(),
            "text orders by bytes, as the specification says"
        );
    }

    #[test]
    fn go_tool_chains_and_pseudo_versions() {
        assert!(compare_go("go1.22rc2", "go1.22rc10").is_lt());
        assert!(compare_go("go1.22rc1", "1.22.0-rc.1").is_eq());
        assert!(compare_go("go1.22.1 X:boringcrypto", "1.22.1").is_eq());
        assert!(
            compare_go("v0.0.0-20190308221718-c2843e01d9a2", "v0.0.0-20211202192323-5770296d904e").is_lt()
        );
        assert!(compare_go("v2.0.0+incompatible", "2.0.0").is_eq());
    }
}
