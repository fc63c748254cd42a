//! Python's order: PEP 440, "Summary of permitted suffixes and relative ordering", with its normalisations.

use std::cmp::Ordering;

use super::digits;
use super::legacy_python::Legacy;

/// Any version: those that PEP 440 cannot read come first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Placed<'a> {
    Legacy(Legacy),
    Version(Version<'a>),
}

impl<'a> Placed<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        Version::parse(text).map(Self::Version).or_else(|| Legacy::parse(text).map(Self::Legacy))
    }
}

/// A parsed version. Fields are in the order in which they decide.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version<'a> {
    epoch: Number<'a>,
    /// Without trailing zeros.
    release: Vec<Number<'a>>,
    phase: Phase<'a>,
    post: Option<Number<'a>>,
    dev: Dev<'a>,
    local: Option<Vec<Local>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Number<'a>(&'a str);

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Number<'_> {}
impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        digits::compare(self.0, other.0)
    }
}

/// What stands after the release number.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase<'a> {
    /// Only `.devN`: before every pre-release.
    DevOnly,
    Alpha(Number<'a>),
    Beta(Number<'a>),
    Candidate(Number<'a>),
    Final,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dev<'a> {
    Number(Number<'a>),
    Absent,
}

/// Part of a local version label: text sorts before numbers.
#[derive(Debug, PartialEq, Eq)]
enum Local {
    Text(String),
    Number(String),
}

impl PartialOrd for Local {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Local {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) | (Self::Number(a), Self::Number(b)) if a == b => Ordering::Equal,
            (Self::Number(a), Self::Number(b)) => digits::compare(a, b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Text(_), Self::Number(_)) => Ordering::Less,
            (Self::Number(_), Self::Text(_)) => Ordering::Greater,
        }
    }
}

/// Reads from the left; every step either takes what it knows or leaves the text alone.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn number(&mut self) -> &'a str {
        let (number, rest) = digits::split_while(self.0, |b| b.is_ascii_digit());
        self.0 = rest;
        number
    }

    fn word(&mut self, words: &[&str]) -> bool {
        for word in words {
            if let Some(head) = self.0.get(..word.len())
                && head.eq_ignore_ascii_case(word)
            {
                self.0 = self.0.get(word.len()..).unwrap_or_default();
                return true;
            }
        }
        false
    }

    fn separator(&mut self) {
        if self.0.starts_with(['.', '-', '_']) {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
    }

    /// `[sep] word [sep] number`, the number being zero where missing.
    fn labelled(&mut self, words: &[&str]) -> Option<Number<'a>> {
        let start = self.0;
        self.separator();
        if !self.word(words) {
            self.0 = start;
            return None;
        }
        let after_word = self.0;
        self.separator();
        if !self.0.starts_with(|c: char| c.is_ascii_digit()) {
            self.0 = after_word;
        }
        Some(Number(self.number()))
    }

    /// `-N`, the short form of a post-release.
    fn implicit_post(&mut self) -> Option<Number<'a>> {
        let after = self.0.strip_prefix('-')?;
        let (number, rest) = digits::split_while(after, |b| b.is_ascii_digit());
        if number.is_empty() {
            return None;
        }
        self.0 = rest;
        Some(Number(number))
    }
}

impl<'a> Version<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', 'V']);
        let (public, local) = match text.split_once('+') {
            Some((public, local)) => (public, Some(parse_local(local)?)),
            None => (text, None),
        };
        let (epoch, rest) = public.split_once('!').unwrap_or(("", public));
        if !epoch.bytes().all(|b| b.is_ascii_digit()) || !rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut cursor = Cursor(rest);
        let release = parse_release(&mut cursor);
        let mut phase = parse_phase(&mut cursor);
        let post = cursor.implicit_post().or_else(|| cursor.labelled(&["post", "rev", "r"]));
        let dev = cursor.labelled(&["dev"]);
        if !cursor.0.is_empty() {
            return None;
        }
        if dev.is_some() && post.is_none() && phase == Phase::Final {
            phase = Phase::DevOnly;
        }
        let dev = dev.map_or(Dev::Absent, Dev::Number);
        Some(Self { epoch: Number(epoch), release, phase, post, dev, local })
    }
}

fn parse_release<'a>(cursor: &mut Cursor<'a>) -> Vec<Number<'a>> {
    let mut release = vec![Number(cursor.number())];
    while let Some(next) = cursor.0.strip_prefix('.')
        && next.starts_with(|c: char| c.is_ascii_digit())
    {
        cursor.0 = next;
        release.push(Number(cursor.number()));
    }
    while release.last().is_some_and(|number| digits::is_zero(number.0)) {
        release.pop();
    }
    release
}

fn parse_phase<'a>(cursor: &mut Cursor<'a>) -> Phase<'a> {
    if let Some(number) = cursor.labelled(&["alpha", "a"]) {
        return Phase::Alpha(number);
    }
    if let Some(number) = cursor.labelled(&["beta", "b"]) {
        return Phase::Beta(number);
    }
    match cursor.labelled(&["rc", "c", "preview", "pre"]) {
        Some(number) => Phase::Candidate(number),
        None => Phase::Final,
    }
}

fn parse_local(text: &str) -> Option<Vec<Local>> {
    text.split(['.', '-', '_'])
        .map(|part| {
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
                None
            } else if part.bytes().all(|b| b.is_ascii_digit()) {
                Some(Local::Number(part.trim_start_matches('0').to_owned()))
            } else {
                Some(Local::Text(part.to_ascii_lowercase()))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn the_ladder_of_the_pep() {
        let sorted = [
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.1.dev1",
            "1!0.1",
        ];
        for pair in sorted.windows(2) {
            assert!(Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap(), "{pair:?}");
        }
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        for (a, b) in [
            ("v1.0-ALPHA_1", "1a1"),
            ("1.0-1", "1.post1"),
            ("1.0.rc", "1.0c0"),
            ("1.0+Ubuntu-1", "1+ubuntu.1"),
        ] {
            assert_eq!(Version::parse(a).unwrap(), Version::parse(b).unwrap(), "{a} = {b}");
        }
        assert!(Version::parse("2004d-final").is_none());
    }
}
