//! What was read, and how it is put together: targets in the order of the file, equal results as one finding, gaps
//! that are counted even where they are no longer told.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use model::{Digest, Finding, Gap, GapCode};
use serde::Serialize;

use crate::draft::{Draft, join};
use crate::tree::Item;
use crate::{ExchangeError, Format, limits, text};

/// Who wrote the report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Tool {
    /// Its name; several, joined by commas, where one file has the runs of several.
    pub name: String,
    /// Its version, where the file tells one.
    pub version: Option<String>,
}

/// What sort of thing a tool looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// A container image.
    Image,
    /// Source code under version control.
    Repository,
    /// A machine.
    Host,
    /// A Kubernetes cluster.
    Cluster,
    /// An account of a cloud.
    Account,
    /// Something else, or the file does not tell.
    Other,
}

impl TargetKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Image, Self::Repository, Self::Host, Self::Cluster, Self::Account, Self::Other];

    /// The word for it in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Repository => "repository",
            Self::Host => "host",
            Self::Cluster => "cluster",
            Self::Account => "account",
            Self::Other => "other",
        }
    }

    /// Reads [`TargetKind::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One thing that the tool looked at. A target without findings was looked at and found clean.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// Sort of thing.
    pub kind: TargetKind,
    /// What the tool calls it; empty where the file does not tell, so that whoever imports it has to.
    pub name: String,
    /// `sha256:…` of an image's manifest, where the file tells it.
    pub digest: Option<String>,
    /// In the order of the file, each key once.
    pub findings: Vec<Finding>,
}

/// A report as it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Imported {
    /// Who wrote it.
    pub tool: Tool,
    /// In which format.
    #[serde(serialize_with = "format_name")]
    pub format: Format,
    /// When it was made, where the file tells.
    pub made_at: Option<Timestamp>,
    /// In the order of the file.
    pub targets: Vec<Target>,
    /// What was not used and why, with its JSON pointer; the first [`limits::GAPS`], then one that counts the rest.
    pub gaps: Vec<Gap>,
    /// Results that gave no finding because they could not be used. Each has a gap.
    pub skipped: u64,
    /// Whether what is not in the report is not there: every result could be used, and the tool does not say that it failed.
    pub whole: bool,
    /// Places that the tool says it could not read, sorted: nothing is known of them.
    pub unseen: Vec<String>,
}

fn format_name<S: serde::Serializer>(format: &Format, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(format.as_str())
}

/// Which target of a [`Builder`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct TargetIndex(usize);

/// Puts an [`Imported`] together.
pub(crate) struct Builder {
    format: Format,
    tools: Vec<Tool>,
    made_at: Option<Timestamp>,
    targets: Vec<Target>,
    places: HashMap<(TargetKind, String, Option<String>), usize>,
    keys: Vec<HashMap<String, usize>>,
    findings: usize,
    bytes: usize,
    gaps: Vec<Gap>,
    gaps_untold: u64,
    used: u64,
    skipped: u64,
    first_skipped: Option<Gap>,
    failed: bool,
    unseen: BTreeSet<String>,
}

impl Builder {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            tools: Vec::new(),
            made_at: None,
            targets: Vec::new(),
            places: HashMap::new(),
            keys: Vec::new(),
            findings: 0,
            bytes: 0,
            gaps: Vec::new(),
            gaps_untold: 0,
            used: 0,
            skipped: 0,
            first_skipped: None,
            failed: false,
            unseen: BTreeSet::new(),
        }
    }

    /// Names who wrote the file, or a part of it.
    pub(crate) fn tool(&mut self, name: &str, version: Option<&str>) {
        let tool = Tool { name: text::title(name), version: version.map(text::title) };
        if !self.tools.contains(&tool) && self.tools.len() < limits::LIST {
            self.tools.push(tool);
        }
    }

    /// Takes the time of a member over; the latest of several is when the file was made.
    pub(crate) fn made_at(&mut self, parent: &Item<'_>, name: &str) {
        let Some(said) = parent.text(name) else { return };
        match said.trim().parse::<Timestamp>() {
            Ok(time) => self.latest(time),
            Err(_) => self.gap(GapCode::ParseError, parent.pointer_of(name), "it is no time of RFC 3339"),
        }
    }

    /// The same for milliseconds since 1970, or seconds as Prowler writes them.
    pub(crate) fn made_at_milliseconds(&mut self, parent: &Item<'_>, name: &str) {
        let Some(value) = parent.get(name) else { return };
        match value.value().as_i64().and_then(since_1970) {
            Some(time) => self.latest(time),
            None => self.gap(GapCode::ParseError, value.pointer(), "it is no time in milliseconds"),
        }
    }

    fn latest(&mut self, time: Timestamp) {
        self.made_at = self.made_at.max(Some(time));
    }

    /// The target of that name, made when it is first asked for.
    pub(crate) fn target(&mut self, kind: TargetKind, name: &str, digest: Option<&str>) -> TargetIndex {
        let digest = digest.and_then(|digest| Digest::parse(digest).ok()).map(String::from);
        let place = (kind, text::title(name), digest);
        if let Some(known) = self.places.get(&place) {
            return TargetIndex(*known);
        }
        let index = self.targets.len();
        let (kind, name, digest) = place.clone();
        self.places.insert(place, index);
        self.targets.push(Target { kind, name, digest, findings: Vec::new() });
        self.keys.push(HashMap::new());
        TargetIndex(index)
    }

    /// Elements of a list that have to be objects. Anything else is a gap.
    pub(crate) fn objects<'a>(&mut self, parent: &Item<'a>, name: &str) -> Vec<Item<'a>> {
        match parent.get(name) {
            Some(list) if list.value().is_array() => self.objects_of(&list),
            Some(other) => {
                self.skip(GapCode::ParseError, other.pointer(), "it is no list");
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// The same of a list that is at hand.
    pub(crate) fn objects_of<'a>(&mut self, list: &Item<'a>) -> Vec<Item<'a>> {
        let mut objects = Vec::new();
        for (index, value) in list.value().as_array().into_iter().flatten().enumerate() {
            let item = list.element(index, value);
            if value.is_object() {
                objects.push(item);
            } else {
                self.skip(GapCode::ParseError, item.pointer(), "it is no object");
            }
        }
        objects
    }

    /// A part was read and has nothing to tell, such as a check that passed.
    pub(crate) fn clean(&mut self) {
        self.used += 1;
    }

    /// A result gives no finding.
    pub(crate) fn skip(&mut self, code: GapCode, pointer: String, reason: impl Into<String>) {
        let gap = Gap { code, subject: text::title(&pointer), reason: text::title(&reason.into()) };
        self.skipped += 1;
        self.first_skipped.get_or_insert_with(|| gap.clone());
        self.keep(gap);
    }

    /// A part of a result is not used, or the tool itself did not see something.
    pub(crate) fn gap(&mut self, code: GapCode, pointer: String, reason: impl Into<String>) {
        self.keep(Gap { code, subject: text::title(&pointer), reason: text::title(&reason.into()) });
    }

    /// The tool itself failed, or left something out that the file does not name: what is not in it may be there.
    pub(crate) fn blind(&mut self, code: GapCode, pointer: String, reason: impl Into<String>) {
        self.failed = true;
        self.gap(code, pointer, reason);
    }

    /// The tool could not read a place. More than can be told one by one are as good as all.
    pub(crate) fn unseen(&mut self, path: String) {
        if self.unseen.len() < limits::GAPS {
            self.unseen.insert(path);
        } else {
            self.failed = true;
        }
    }

    fn keep(&mut self, gap: Gap) {
        if self.gaps.len() < limits::GAPS {
            self.gaps.push(gap);
        } else {
            self.gaps_untold += 1;
        }
    }

    /// Adds a result to its target; one with the key of another adds its places to it.
    pub(crate) fn finding(&mut self, target: TargetIndex, draft: Draft) {
        self.used += 1;
        self.bytes = self.bytes.saturating_add(draft.weight());
        if self.is_full() {
            return;
        }
        let finding = draft.finish();
        let (Some(target), Some(keys)) = (self.targets.get_mut(target.0), self.keys.get_mut(target.0)) else {
            return;
        };
        if let Some(known) = keys.get(&finding.key).and_then(|index| target.findings.get_mut(*index)) {
            join(known, finding);
            return;
        }
        self.findings += 1;
        if self.findings <= limits::FINDINGS {
            keys.insert(finding.key.clone(), target.findings.len());
            target.findings.push(finding);
        }
    }

    /// Whether the file is over its bounds, so that reading on is in vain.
    pub(crate) fn is_full(&self) -> bool {
        self.findings > limits::FINDINGS || self.bytes > limits::RESULT_BYTES
    }

    /// The whole.
    ///
    /// # Errors
    /// [`ExchangeError::TooMany`], [`ExchangeError::NothingUsable`].
    pub(crate) fn finish(mut self) -> Result<Imported, ExchangeError> {
        if self.findings > limits::FINDINGS {
            return Err(ExchangeError::TooMany { what: "findings", limit: limits::FINDINGS });
        }
        if self.bytes > limits::RESULT_BYTES {
            return Err(ExchangeError::TooMany { what: "bytes of results", limit: limits::RESULT_BYTES });
        }
        if let (0, Some(first)) = (self.used, self.first_skipped) {
            let (format, skipped) = (self.format, self.skipped);
            return Err(ExchangeError::NothingUsable {
                format,
                skipped,
                pointer: first.subject,
                reason: first.reason,
            });
        }
        if self.gaps_untold > 0 {
            let reason = format!("{} more parts were not used", self.gaps_untold);
            self.gaps.push(Gap { code: GapCode::EntryLimit, subject: "/".to_owned(), reason });
        }
        Ok(Imported {
            tool: one_tool(self.tools),
            format: self.format,
            made_at: self.made_at,
            targets: self.targets,
            gaps: self.gaps,
            skipped: self.skipped,
            whole: self.skipped == 0 && !self.failed,
            unseen: self.unseen.into_iter().collect(),
        })
    }
}

/// Milliseconds, unless they would lie before 1973: then they are seconds.
fn since_1970(said: i64) -> Option<Timestamp> {
    let seconds = said.unsigned_abs() < 100_000_000_000;
    if seconds { Timestamp::from_second(said).ok() } else { Timestamp::from_millisecond(said).ok() }
}

/// Several tools have no version together, and one that is named twice has the version that is told.
fn one_tool(tools: Vec<Tool>) -> Tool {
    let mut names: Vec<String> = Vec::new();
    let mut versions: Vec<String> = Vec::new();
    for tool in tools {
        if !names.contains(&tool.name) {
            names.push(tool.name);
        }
        versions.extend(tool.version.filter(|version| !versions.contains(version)));
    }
    let version = versions.pop().filter(|_| names.len() == 1 && versions.is_empty());
    Tool { name: names.join(", "), version }
}
