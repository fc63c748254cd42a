//! Versions of semver.org, compared without their build metadata.

use std::cmp::Ordering;

/// A version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Semver {
    pub(crate) numbers: [u64; 3],
    before: Vec<Identifier>,
}

/// A part of a pre-release: numbers stand before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

impl Semver {
    /// Reads one. `normalise` takes a leading `v`, fewer than three numbers, and numbers with leading zeros.
    pub(crate) fn parse(text: &str, normalise: bool) -> Option<Self> {
        if text.len() > 1_000 {
            return None;
        }
        if !normalise {
            return Self::strict(text);
        }
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut parts: Vec<String> = text.splitn(3, '.').map(without_zeros).collect();
        if parts.len() < 3 && parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return None;
        }
        parts.resize(3, "0".to_owned());
        Self::strict(&parts.join("."))
    }

    fn strict(text: &str) -> Option<Self> {
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (core, before) = text.split_once('-').map_or((text, None), |(core, before)| (core, Some(before)));
        let mut parts = core.split('.').map(number);
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        let word =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if parts.next().is_some() || build.is_some_and(|build| !build.split('.').all(word)) {
            return None;
        }
        let identifier = |part: &str| match part.bytes().all(|b| b.is_ascii_digit()) {
            true => number(part).map(Identifier::Number),
            false => word(part).then(|| Identifier::Word(part.to_owned())),
        };
        let before = before.map_or(Some(Vec::new()), |before| before.split('.').map(identifier).collect())?;
        Some(Self { numbers, before })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let release = |version: &Self| version.before.is_empty();
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| release(self).cmp(&release(other)))
            .then_with(|| self.before.cmp(&other.before))
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits && (text.len() == 1 || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

fn without_zeros(part: &str) -> String {
    let rest = part.trim_start_matches('0');
    match rest.chars().next() {
        Some(first) if first.is_ascii_digit() => rest.to_owned(),
        _ if rest.len() == part.len() => part.to_owned(),
        _ => format!("0{rest}"),
    }
}
