//! Numbers of any length, compared as text.

use std::cmp::Ordering;

/// Compares two runs of ASCII digits by value. An empty run is zero.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Whether a run of digits has the value zero.
pub(super) fn is_zero(digits: &str) -> bool {
    digits.bytes().all(|b| b == b'0')
}

/// Splits off the longest prefix whose bytes all satisfy the test; the test must only accept ASCII.
pub(super) fn split_while(text: &str, accepts: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|b| !accepts(b)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}
