//! Maven's order: "Version Order Specification" of the Maven POM reference, as `ComparableVersion` applies it.
//!
//! A version is a list of numbers and qualifiers, split at `.`, `-`, `_` and where digits meet letters (which counts as `-`).
//! Numbers that are zero and the qualifiers `ga`, `final`, `release` and nothing say nothing; they are dropped from the end and
//! from before every `-`. The shorter list is filled up with such nothings.
//!
//! Maven's own order is not transitive where a zero stands before `.` and a qualifier of a pre-release: `2.9.0.RC1 < 2.9.0 <
//! 2.9.0-1 < 2.9.0.RC1` (Maven issue MNG-7644). Published version lists are sorted that way, so we follow Maven; over all
//! other versions the order is total.

use std::cmp::Ordering;

use super::digits;

#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Number(&'a str),
    /// The qualifier, and whether a digit follows it directly (then `a`, `b`, `m` are short for longer words).
    Word(&'a str, bool),
}

#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    hyphen: bool,
    value: Value<'a>,
}

/// Words with a rank of their own, oldest first; the release itself is between `snapshot` and `sp`.
const SNAPSHOT: u8 = 4;
const RELEASE: u8 = 5;
const SERVICE_PACK: u8 = 6;
const OTHER_WORD: u8 = 7;
const HYPHEN_NUMBER: u8 = 8;
const DOT_NUMBER: u8 = 9;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (tokens(a), tokens(b));
    let (mut a, mut b) = (a.iter(), b.iter());
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(left), Some(right)) => compare_token(left, right),
            (Some(left), None) => against_nothing(left),
            (None, Some(right)) => against_nothing(right).reverse(),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn against_nothing(token: &Token<'_>) -> Ordering {
    if says_nothing(token) { Ordering::Equal } else { rank(token).cmp(&RELEASE) }
}

fn compare_token(a: &Token<'_>, b: &Token<'_>) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| match (a.value, b.value) {
        (Value::Number(a), Value::Number(b)) => digits::compare(a, b),
        // `.qualifier` is older than `-qualifier`, but two spellings of nothing are the same.
        (Value::Word(left, _), Value::Word(right, _)) if rank(a) != RELEASE => {
            let text =
                if rank(a) == OTHER_WORD { compare_ignoring_case(left, right) } else { Ordering::Equal };
            a.hyphen.cmp(&b.hyphen).then(text)
        }
        _ => Ordering::Equal,
    })
}

fn compare_ignoring_case(a: &str, b: &str) -> Ordering {
    a.chars().flat_map(char::to_lowercase).cmp(b.chars().flat_map(char::to_lowercase))
}

fn rank(token: &Token<'_>) -> u8 {
    match token.value {
        Value::Number(_) if token.hyphen => HYPHEN_NUMBER,
        Value::Number(_) => DOT_NUMBER,
        Value::Word(word, before_digit) => rank_word(word, before_digit),
    }
}

fn rank_word(word: &str, before_digit: bool) -> u8 {
    let is = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    match () {
        () if is(&["alpha"]) || (before_digit && is(&["a"])) => 0,
        () if is(&["beta"]) || (before_digit && is(&["b"])) => 1,
        () if is(&["milestone"]) || (before_digit && is(&["m"])) => 2,
        () if is(&["rc", "cr"]) => 3,
        () if is(&["snapshot"]) => SNAPSHOT,
        () if is(&["", "ga", "final", "release"]) => RELEASE,
        () if is(&["sp"]) => SERVICE_PACK,
        () => OTHER_WORD,
    }
}

fn says_nothing(token: &Token<'_>) -> bool {
    match token.value {
        Value::Number(number) => digits::is_zero(number),
        Value::Word(word, before_digit) => rank_word(word, before_digit) == RELEASE,
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut hyphen = false;
    loop {
        let digit = rest.starts_with(|c: char| c.is_ascii_digit());
        let end = rest
            .bytes()
            .position(|b| b.is_ascii_digit() != digit || matches!(b, b'.' | b'-' | b'_'))
            .unwrap_or(rest.len());
        let (part, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let before_digit = after.starts_with(|c: char| c.is_ascii_digit());
        let value = match part {
            // An empty part is a zero.
            "" => Value::Number("0"),
            _ if digit => Value::Number(part),
            _ => Value::Word(part, before_digit),
        };
        push(&mut tokens, Token { hyphen, value });
        match after.bytes().next() {
            None => break,
            Some(b @ (b'.' | b'-' | b'_')) => {
                hyphen = b != b'.';
                rest = after.get(1..).unwrap_or_default();
            }
            Some(_) => {
                hyphen = true;
                rest = after;
            }
        }
    }
    drop_nothing(&mut tokens);
    tokens
}

fn push<'a>(tokens: &mut Vec<Token<'a>>, token: Token<'a>) {
    if token.hyphen {
        drop_nothing(tokens);
    }
    tokens.push(token);
}

fn drop_nothing(tokens: &mut Vec<Token<'_>>) {
    while tokens.last().is_some_and(says_nothing) {
        tokens.pop();
    }
}

/// Whether a version is one of those over which Maven's order is not transitive.
#[cfg(test)]
pub(super) fn irregular(text: &str) -> bool {
    let tokens = tokens(text);
    tokens
        .windows(2)
        .any(|pair| says_nothing(&pair[0]) && !pair[1].hyphen && matches!(pair[1].value, Value::Word(..)))
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn the_examples_of_the_specification() {
        let sorted =
            ["1-alpha", "1-beta", "1-milestone", "1-rc", "1-snapshot", "1", "1-sp", "1-foo", "1-1", "1.1"];
        for pair in sorted.windows(2) {
            assert!(compare(pair[0], pair[1]).is_lt() && compare(pair[1], pair[0]).is_gt(), "{pair:?}");
        }
        for (a, b) in
            [("1.0.0", "1"), ("1.ga", "1-ga"), ("1-0.ga", "1.0"), ("1_rc2", "1-rc2"), ("1.Final", "1")]
        {
            assert!(compare(a, b).is_eq(), "{a} = {b}");
        }
        assert!(compare("1-a1", "1-alpha-1").is_eq());
        assert!(compare("1.0.0.RC1", "1.0.0").is_lt());
    }
}
