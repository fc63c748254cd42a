//! PHP's order, `version_compare`: a list of numbers and words, split at `.`, `-`, `_`, `+` and between digits and letters.
//!
//! Words have ranks: unknown word < `dev` < `alpha`, `a` < `beta`, `b` < `RC`, `rc` < (any number) < `pl`, `p`. Where a list
//! ends, a following number is newer and a following word counts as if compared with a number. `#` equals every number and
//! the end, by PHP's own table; that one component is why texts that hold it have no place in a total order.

use std::cmp::Ordering;

use super::digits;

/// Rank of a number among the words.
const NUMBER: i8 = 4;

/// `dev-master` names a branch, which has no place in time.
pub(super) fn is_branch(text: &str) -> bool {
    text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("dev-"))
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (Parts::new(a), Parts::new(b));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(left), Some(right)) => compare_part(left, right),
            (Some(left), None) => against_end(left),
            (None, Some(right)) => against_end(right).reverse(),
        };
        if order.is_ne() {
            return order;
        }
        // PHP stops where the shorter list ends.
        if a.ended || b.ended {
            return Ordering::Equal;
        }
    }
}

fn against_end(part: &str) -> Ordering {
    if is_number(part) { Ordering::Greater } else { rank(part).cmp(&NUMBER) }
}

fn compare_part(a: &str, b: &str) -> Ordering {
    match (is_number(a), is_number(b)) {
        (true, true) => digits::compare(a, b),
        (true, false) => NUMBER.cmp(&rank(b)),
        (false, true) => rank(a).cmp(&NUMBER),
        (false, false) => rank(a).cmp(&rank(b)),
    }
}

fn is_number(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_digit())
}

fn rank(word: &str) -> i8 {
    // By prefix, in the order of PHP's table.
    let table = [
        ("dev", 0),
        ("alpha", 1),
        ("a", 1),
        ("beta", 2),
        ("b", 2),
        ("RC", 3),
        ("rc", 3),
        ("#", NUMBER),
        ("pl", 5),
        ("p", 5),
    ];
    table.iter().find(|(form, _)| word.starts_with(form)).map_or(-1, |(_, rank)| *rank)
}

struct Parts<'a> {
    rest: &'a str,
    ended: bool,
}

impl<'a> Parts<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.strip_prefix(['v', 'V']).unwrap_or(text), ended: false }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start_matches(['.', '-', '_', '+']);
        let digit = self.rest.starts_with(|c: char| c.is_ascii_digit());
        let end = self
            .rest
            .bytes()
            .position(|b| b.is_ascii_digit() != digit || matches!(b, b'.' | b'-' | b'_' | b'+'))
            .unwrap_or(self.rest.len());
        if end == 0 {
            self.ended = true;
            return None;
        }
        let (part, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn stability_ranks() {
        let sorted = ["1.0-dev", "1.0-alpha1", "1.0-beta1", "1.0-RC1", "1.0", "1.0.0", "1.0-pl1"];
        for pair in sorted.windows(2) {
            assert!(compare(pair[0], pair[1]).is_lt(), "{pair:?}");
        }
        assert!(compare("v1.2", "1.2").is_eq());
    }
}
