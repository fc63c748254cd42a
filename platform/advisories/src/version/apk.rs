//! Alpine's order, as `apk version -t` of apk-tools 3 decides it.
//!
//! A version is a list of marks: numbers joined by dots, one letter after a number, suffixes (`_rc1`, `_p2`), a commit hash
//! (`~1a2b`) and the package revision (`-r3`). The first mark that differs decides; where the kinds differ, the kind that may
//! come earlier in a version is the newer one, except that pre-release suffixes come before everything.
//! Text that fits none of this ends the list with a mark that sorts just before the end, so broken versions have a place too.

use std::cmp::Ordering;

use super::digits;

/// Suffixes before a release, oldest first, then those after it.
const BEFORE: [&str; 4] = ["alpha", "beta", "pre", "rc"];
const AFTER: [&str; 5] = ["cvs", "svn", "git", "hg", "p"];

/// In the order of age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Before,
    Invalid,
    End,
    Revision,
    Commit,
    SuffixNumber,
    After,
    Letter,
    Number,
}

struct Mark<'a> {
    kind: Kind,
    /// Rank of a suffix, or the letter.
    rank: u8,
    text: &'a str,
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (Marks::new(a), Marks::new(b));
    let mut first = true;
    loop {
        let (left, right) = (a.next(), b.next());
        let order = left.kind.cmp(&right.kind).then_with(|| compare_values(&left, &right, first));
        if order.is_ne() || matches!(left.kind, Kind::End | Kind::Invalid) {
            return order;
        }
        first = false;
    }
}

fn compare_values(a: &Mark<'_>, b: &Mark<'_>, first: bool) -> Ordering {
    match a.kind {
        // As in Gentoo: after a dot, a leading zero makes the number a fraction, compared as text.
        Kind::Number if !first && (fraction(a.text) || fraction(b.text)) => a.text.cmp(b.text),
        Kind::Number | Kind::SuffixNumber | Kind::Revision => digits::compare(a.text, b.text),
        Kind::Commit => a.text.cmp(b.text),
        _ => a.rank.cmp(&b.rank),
    }
}

fn fraction(digits: &str) -> bool {
    digits.is_empty() || digits.starts_with('0')
}

struct Marks<'a> {
    rest: &'a str,
    /// The mark before; none at the start.
    last: Option<Kind>,
}

impl<'a> Marks<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text, last: None }
    }

    fn next(&mut self) -> Mark<'a> {
        let mark = self.read();
        self.last = Some(mark.kind);
        mark
    }

    fn read(&mut self) -> Mark<'a> {
        let Some(last) = self.last else {
            return self.number(self.rest);
        };
        let numeric = matches!(last, Kind::Number | Kind::Letter);
        let tail = self.rest.get(1..).unwrap_or_default();
        match self.rest.bytes().next() {
            None => Mark { kind: Kind::End, rank: 0, text: "" },
            // A dot before a letter says nothing; between two dots the number may be missing.
            Some(b'.') if numeric && tail.starts_with(|c: char| c.is_ascii_lowercase()) => self.letter(tail),
            Some(b'.') if numeric => self.number(tail),
            Some(b'0'..=b'9') if last == Kind::Letter => self.number(self.rest),
            Some(b'a'..=b'z') if last == Kind::Number => self.letter(self.rest),
            Some(b'0'..=b'9') if matches!(last, Kind::Before | Kind::After) => {
                Mark { kind: Kind::SuffixNumber, ..self.number(self.rest) }
            }
            Some(b'_') if last > Kind::Commit || last == Kind::Before => self.suffix(tail),
            Some(b'~') if last > Kind::Commit || last == Kind::Before => self.commit(tail),
            Some(b'-') if last != Kind::Revision => self.revision(tail),
            Some(_) => invalid(),
        }
    }

    fn number(&mut self, from: &'a str) -> Mark<'a> {
        let (text, rest) = digits::split_while(from, |b| b.is_ascii_digit());
        self.rest = rest;
        Mark { kind: Kind::Number, rank: 0, text }
    }

    fn letter(&mut self, from: &'a str) -> Mark<'a> {
        let rank = from.bytes().next().unwrap_or_default();
        self.rest = from.get(1..).unwrap_or_default();
        Mark { kind: Kind::Letter, rank, text: "" }
    }

    fn suffix(&mut self, from: &'a str) -> Mark<'a> {
        let (name, rest) = digits::split_while(from, |b| b.is_ascii_lowercase());
        self.rest = rest;
        let position =
            |names: &[&str]| names.iter().position(|n| *n == name).and_then(|p| u8::try_from(p).ok());
        match (position(&BEFORE), position(&AFTER)) {
            (Some(rank), _) => Mark { kind: Kind::Before, rank, text: "" },
            (_, Some(rank)) => Mark { kind: Kind::After, rank, text: "" },
            _ => invalid(),
        }
    }

    fn commit(&mut self, from: &'a str) -> Mark<'a> {
        let (text, rest) = digits::split_while(from, |b| b.is_ascii_hexdigit());
        self.rest = rest;
        if text.is_empty() { invalid() } else { Mark { kind: Kind::Commit, rank: 0, text } }
    }

    fn revision(&mut self, from: &'a str) -> Mark<'a> {
        let Some(after) = from.strip_prefix('r') else { return invalid() };
        let (text, rest) = digits::split_while(after, |b| b.is_ascii_digit());
        self.rest = rest;
        if text.is_empty() && !rest.is_empty() {
            return invalid();
        }
        Mark { kind: Kind::Revision, rank: 0, text }
    }
}

fn invalid<'a>() -> Mark<'a> {
    Mark { kind: Kind::Invalid, rank: 0, text: "" }
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn suffixes_stand_around_the_release() {
        let sorted = [
            "1.0_alpha",
            "1.0_alpha1",
            "1.0_beta",
            "1.0_pre2",
            "1.0_rc1",
            "1.0",
            "1.0-r1",
            "1.0_cvs1",
            "1.0_svn",
            "1.0_git20240101",
            "1.0_hg1",
            "1.0_p1",
            "1.0a",
            "1.0.1",
        ];
        for pair in sorted.windows(2) {
            assert!(compare(pair[0], pair[1]).is_lt(), "{} < {}", pair[0], pair[1]);
        }
        assert!(compare("1.01", "1.1").is_lt(), "a leading zero makes a fraction");
    }
}
