//! Lists of numbers split by dots and hyphens; where one list starts the other, the longer one is newer.
//! CRAN (`?numeric_version`) and Hackage (`Data.Version`) order so.

use std::cmp::Ordering;

use super::digits;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split(['.', '-']), b.split(['.', '-']));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => {
                let order = compare_part(left, right);
                if order.is_ne() {
                    return order;
                }
            }
        }
    }
}

/// The number a part begins with, then whatever follows it.
fn compare_part(a: &str, b: &str) -> Ordering {
    let (a_number, a_text) = digits::split_while(a, |b| b.is_ascii_digit());
    let (b_number, b_text) = digits::split_while(b, |b| b.is_ascii_digit());
    digits::compare(a_number, b_number).then_with(|| a_text.cmp(b_text))
}
