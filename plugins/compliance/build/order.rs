//! The order of control ids.

use std::cmp::Ordering;

/// A run of digits, or a run of other characters. Numbers stand before texts, shorter numbers before longer ones.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Number(usize, &'a str),
    Text(&'a str),
}

/// The order in which people count: 1.9 stands before 1.10, and AC-2 before AC-2(1) before AC-10.
pub(crate) fn by_number(left: &str, right: &str) -> Ordering {
    parts(left).cmp(&parts(right)).then_with(|| left.cmp(right))
}

fn parts(mut id: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while let Some(first) = id.chars().next() {
        let numeric = first.is_ascii_digit();
        let end = id.find(|next: char| next.is_ascii_digit() != numeric).unwrap_or(id.len());
        let (run, rest) = id.split_at(end);
        let digits = run.trim_start_matches('0');
        parts.push(if numeric { Part::Number(digits.len(), digits) } else { Part::Text(run) });
        id = rest;
    }
    parts
}
