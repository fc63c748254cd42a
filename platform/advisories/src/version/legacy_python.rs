//! The order that Python packages had before PEP 440, for versions that PEP 440 cannot read (`0.9-eevee`).
//!
//! All of them sort before every version that it can read, among themselves by the rules of `setuptools`, which `packaging` kept as
//! its `LegacyVersion`: runs of digits, runs of letters, dots and hyphens; letters below numbers; `final` where a version ends.

use std::cmp::Ordering;

use super::digits;

const FINAL: &str = "final";
const HYPHEN: &str = "final-";

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Number(String),
}

/// A version in the form in which it is compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Legacy(Vec<Part>);

impl PartialOrd for Legacy {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Legacy {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.0.iter().zip(&other.0).map(|(a, b)| compare(a, b));
        pairs.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

fn compare(a: &Part, b: &Part) -> Ordering {
    match (a, b) {
        (Part::Number(a), Part::Number(b)) => digits::compare(a, b),
        (Part::Text(a), Part::Text(b)) => a.cmp(b),
        (Part::Text(_), Part::Number(_)) => Ordering::Less,
        (Part::Number(_), Part::Text(_)) => Ordering::Greater,
    }
}

impl Legacy {
    /// Reads any text with a digit in it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.bytes().any(|b| b.is_ascii_digit()) {
            return None;
        }
        let lower = text.to_lowercase();
        let mut parts = Vec::new();
        let mut rest = lower.as_str();
        while let Some(first) = rest.bytes().next() {
            let (part, left) = match first {
                b'.' | b'-' => rest.split_at_checked(1).unwrap_or((rest, "")),
                b'0'..=b'9' => digits::split_while(rest, |b| b.is_ascii_digit()),
                b'a'..=b'z' => digits::split_while(rest, |b| b.is_ascii_lowercase()),
                _ => digits::split_while(rest, |b| {
                    !b.is_ascii_lowercase() && !b.is_ascii_digit() && b != b'.' && b != b'-'
                }),
            };
            rest = left;
            match part {
                "." => {}
                _ if first.is_ascii_digit() => {
                    parts.push(Part::Number(part.trim_start_matches('0').to_owned()))
                }
                "pre" | "preview" | "rc" => push_text(&mut parts, "c"),
                "-" => push_text(&mut parts, HYPHEN),
                "dev" => push_text(&mut parts, "@"),
                _ => push_text(&mut parts, part),
            }
        }
        push_text(&mut parts, FINAL);
        Some(Self(parts))
    }
}

/// A hyphen before a pre-release, and zeros before any text, say nothing.
fn push_text(parts: &mut Vec<Part>, text: &str) {
    if text < FINAL {
        while matches!(parts.last(), Some(Part::Text(last)) if last == HYPHEN) {
            parts.pop();
        }
    }
    while matches!(parts.last(), Some(Part::Number(last)) if last.is_empty()) {
        parts.pop();
    }
    parts.push(Part::Text(text.to_owned()));
}
