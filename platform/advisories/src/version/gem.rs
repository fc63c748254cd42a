//! RubyGems' order, `Gem::Version`: runs of digits and runs of letters; a letter makes a pre-release.
//!
//! A missing segment counts as zero and text sorts below numbers, so `1.0.a` comes before `1.0`. Zeros before the first text
//! do not count. A platform suffix, as in `1.13.0-x86_64-linux`, is no part of the version.

use std::cmp::Ordering;

use super::digits;

const PLATFORMS: [&str; 12] =
    ["x86", "x64", "i386", "i586", "i686", "aarch64", "arm", "arm64", "java", "jruby", "universal", "mswin"];

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (segments(a), segments(b));
    let (mut a, mut b) = (a.iter().copied(), b.iter().copied());
    loop {
        let (left, right) = (a.next(), b.next());
        if left.is_none() && right.is_none() {
            return Ordering::Equal;
        }
        let order = compare_segment(left.unwrap_or("0"), right.unwrap_or("0"));
        if order.is_ne() {
            return order;
        }
    }
}

fn segments(text: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    let mut seen_text = false;
    let mut rest = strip_platform(text);
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() {
            let (number, left) = digits::split_while(rest, |b| b.is_ascii_digit());
            segments.push(number);
            rest = left;
        } else if first.is_ascii_alphabetic() || first == '-' {
            let (word, left) = if first == '-' {
                // `Gem::Version` reads a hyphen as `.pre.`.
                ("pre", rest.get(1..).unwrap_or_default())
            } else {
                digits::split_while(rest, |b| b.is_ascii_alphabetic())
            };
            if !seen_text {
                drop_zeros(&mut segments);
                seen_text = true;
            }
            segments.push(word);
            rest = left;
        } else {
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    segments
}

fn drop_zeros(segments: &mut Vec<&str>) {
    while segments.last().is_some_and(|segment| digits::is_zero(segment)) {
        segments.pop();
    }
}

fn strip_platform(text: &str) -> &str {
    text.split_once('-')
        .filter(|(_, tail)| PLATFORMS.iter().any(|platform| tail.starts_with(platform)))
        .map_or(text, |(version, _)| version)
}

fn compare_segment(a: &str, b: &str) -> Ordering {
    let number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    match (number(a), number(b)) {
        (true, true) => digits::compare(a, b),
        (false, false) => a.cmp(b),
        (a_number, b_number) => a_number.cmp(&b_number),
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn letters_make_pre_releases_and_platforms_do_not_count() {
        assert!(compare("1.0.a", "1.0").is_lt());
        assert!(compare("1.0.0.a", "1.a").is_eq());
        assert!(compare("1.13.0-x86_64-linux", "1.13.0").is_eq());
        assert!(compare("1.0-1", "1.0").is_lt(), "a hyphen reads as .pre.");
        assert!(compare("7.0.0.rc10", "7.0.0.rc9").is_gt());
    }
}
