//! NuGet's order: numbers (usually four), then a semantic pre-release without regard to case; build metadata is ignored.

use std::cmp::Ordering;

use super::{digits, semver};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a_numbers, a_pre) = split(a);
    let (b_numbers, b_pre) = split(b);
    semver::compare_numbers(a_numbers, b_numbers).then_with(|| match (a_pre, b_pre) {
        (Some(a), Some(b)) => semver::compare_identifiers(&a.to_ascii_lowercase(), &b.to_ascii_lowercase()),
        (a, b) => b.is_some().cmp(&a.is_some()),
    })
}

fn split(text: &str) -> (&str, Option<&str>) {
    let text = text.split('+').next().unwrap_or(text);
    let (numbers, rest) = digits::split_while(text, |b| b.is_ascii_digit() || b == b'.');
    (numbers, if rest.is_empty() { None } else { Some(rest.strip_prefix('-').unwrap_or(rest)) })
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn four_parts_and_letter_case() {
        assert!(compare("1.0", "1.0.0.0").is_eq());
        assert!(compare("1.0.0-RC.1+x", "1.0.0-rc.1").is_eq());
        assert!(compare("1.0.0.1", "1.0.0").is_gt());
        assert!(compare("1.0.0-beta", "1.0.0").is_lt());
    }
}
