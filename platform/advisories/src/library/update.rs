//! Updates from an address laid out like the public OSV bucket.
//!
//! The first update of an ecosystem fetches `<ecosystem>/all.zip`. Later ones fetch `<ecosystem>/modified_id.csv`, a list of
//! `time,id`, and then only the records that changed since; when those are many, or one of them is missing, the whole
//! zip again. One ecosystem that fails keeps its last good data and does not hold up the others.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;

use super::state::{State, StoredFeed};
use super::{Failure, ImportReport, Library, origin_of, raw};
use crate::AdvisoryError;
use crate::feed;
use crate::index::{BuildReport, Builder, moment};
use crate::osv::RECORD_BYTES_MAX;

/// Longest zip, catalogue or score file fetched. The largest real one has some 300 MB.
const FETCH_MAX: u64 = 4 << 30;
/// Longest list of changes, in bytes; some 50 bytes a record.
const CHANGES_MAX: u64 = 256 << 20;
/// More changed records than this are not worth single requests.
const SINGLES_MAX: usize = 1000;
/// Updates kept beside a zip before it is fetched whole again.
const FILES_MAX: usize = 30;

/// Why a fetch function could not deliver, in its own words.
pub type FetchError = Box<dyn std::error::Error + Send + Sync>;

/// How a file is fetched: address in, content out.
pub type Fetch<'a> = dyn Fn(&str) -> Result<Box<dyn Read + Send>, FetchError> + 'a;

/// What to update from where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpdateOptions {
    /// Address of the bucket, with or without a slash at the end.
    pub url: String,
    /// Ecosystems without release, such as `Debian` and `PyPI`.
    pub ecosystems: Vec<String>,
    /// Address of the KEV catalogue, if wanted.
    pub kev_url: Option<String>,
    /// Address of the EPSS scores, if wanted.
    pub epss_url: Option<String>,
}

/// The ecosystems of the product's package types and of the distributions that it knows.
pub const ECOSYSTEMS: [&str; 22] = [
    "AlmaLinux",
    "Alpine",
    "Azure Linux",
    "Chainguard",
    "Debian",
    "Go",
    "Mageia",
    "Maven",
    "MinimOS",
    "NuGet",
    "Packagist",
    "Photon OS",
    "PyPI",
    "Red Hat",
    "Rocky Linux",
    "RubyGems",
    "SUSE",
    "Ubuntu",
    "Wolfi",
    "crates.io",
    "npm",
    "openSUSE",
];

/// A feed as an update would have it, and what is in use now.
struct Candidate {
    new: Option<StoredFeed>,
    old: Option<StoredFeed>,
    changed: bool,
}

impl Library {
    /// Brings the given ecosystems up to date. Feeds that are not named stay as they are; a sample is dropped.
    ///
    /// # Errors
    /// Not one of the named feeds could be asked or read, or the directory cannot be written.
    pub fn update(&self, options: &UpdateOptions, fetch: &Fetch<'_>) -> Result<ImportReport, AdvisoryError> {
        let _lock = self.lock()?;
        let state = State::read(&self.dir)?;
        let generation = state.generation + 1;
        let mut failures = Vec::new();
        let mut candidates = Vec::new();
        for (number, ecosystem) in options.ecosystems.iter().enumerate() {
            let old = state.feeds.iter().find(|feed| feed.name == *ecosystem && !feed.sample);
            let task = Task { dir: &self.dir, options, fetch, generation, number };
            candidates.push(candidate(old, ecosystem, task.ecosystem(ecosystem, old), &mut failures));
        }
        for (end, url) in [("kev", &options.kev_url), ("epss", &options.epss_url)] {
            if let Some(url) = url {
                let old = state.feeds.iter().find(|feed| feed.name == end && !feed.sample);
                let task = Task { dir: &self.dir, options, fetch, generation, number: 0 };
                candidates.push(candidate(old, end, task.whole(end, url, end).map(Some), &mut failures));
            }
        }
        self.settle(state, generation, candidates, failures)
    }

    /// Builds from the new feeds, falling back to the old form of each that turns out to be broken.
    fn settle(
        &self,
        state: State,
        generation: u64,
        mut candidates: Vec<Candidate>,
        mut failures: Vec<Failure>,
    ) -> Result<ImportReport, AdvisoryError> {
        for candidate in &mut candidates {
            let Some(new) = candidate.new.as_ref().filter(|_| candidate.changed) else { continue };
            if let Err(error) = self.load(new, &mut Builder::new()) {
                failures.push(Failure::new(&new.name, &error));
                candidate.new = candidate.old.take();
                candidate.changed = false;
            }
        }
        let asked = candidates.len();
        let changed = candidates.iter().any(|candidate| candidate.changed);
        let feeds: Vec<StoredFeed> = candidates.into_iter().filter_map(|candidate| candidate.new).collect();
        // An index that has come to harm is built again from what was fetched before, although nothing is new.
        let harmed = self.current().is_err() && !state.feeds.is_empty();
        if !changed && !harmed {
            let generation = state.generation;
            self.publish(&State { failures: failures.clone(), ..state })?;
            return match failures.first() {
                Some(first) if failures.len() >= asked => {
                    let first = format!("{}: {}", first.feed, first.message);
                    Err(AdvisoryError::UpdateFailed { feeds: asked, first })
                }
                _ => Ok(ImportReport { generation, changed: false, build: BuildReport::default(), failures }),
            };
        }
        let feeds = super::merge(&state, feeds);
        match self.build(&feeds, generation) {
            Ok(build) => {
                self.publish(&State { generation, feeds, failures: failures.clone() })?;
                Ok(ImportReport { generation, changed: true, build, failures })
            }
            Err(error) => {
                failures.push(Failure::new(&origin_of(&feeds).source, &error));
                self.publish(&State { failures, ..state })?;
                Err(error)
            }
        }
    }
}

fn candidate(
    old: Option<&StoredFeed>,
    name: &str,
    outcome: Result<Option<StoredFeed>, AdvisoryError>,
    failures: &mut Vec<Failure>,
) -> Candidate {
    let old = old.cloned();
    match outcome {
        Ok(Some(new)) => Candidate { new: Some(new), old, changed: true },
        Ok(None) => Candidate { new: old.clone(), old, changed: false },
        Err(error) => {
            failures.push(Failure::new(name, &error));
            Candidate { new: old.clone(), old, changed: false }
        }
    }
}

/// One feed's update.
struct Task<'a> {
    dir: &'a Path,
    options: &'a UpdateOptions,
    fetch: &'a Fetch<'a>,
    generation: u64,
    number: usize,
}

impl Task<'_> {
    /// The feed's new form, or nothing where it has not changed.
    fn ecosystem(&self, name: &str, old: Option<&StoredFeed>) -> Result<Option<StoredFeed>, AdvisoryError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || " .-_".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            let reason = "it is no name of an ecosystem".to_owned();
            return Err(AdvisoryError::BrokenFeed { feed: name.to_owned(), reason });
        }
        let base = format!("{}/{}", self.options.url.trim_end_matches('/'), name.replace(' ', "%20"));
        let old = old.filter(|old| old.source == self.options.url && old.files.len() < FILES_MAX);
        let since = old.and_then(|old| old.modified.as_deref());
        // Asked before the zip is fetched, so that the zip is at least as new as the list.
        let changes = match self.changes(&base, since) {
            Ok(changes) => changes,
            // Without a list there is still the zip.
            Err(_) => return self.zip(name, &base, None).map(Some),
        };
        let (Some(old), true) = (old.filter(|old| old.modified.is_some()), changes.ids.len() <= SINGLES_MAX)
        else {
            return self.zip(name, &base, changes.newest).map(Some);
        };
        if changes.ids.is_empty() {
            return Ok(None);
        }
        match self.singles(name, &base, &changes.ids) {
            Ok(file) => {
                let files = old.files.iter().cloned().chain([file]).collect();
                Ok(Some(StoredFeed { modified: changes.newest, files, ..old.clone() }))
            }
            Err(_) => self.zip(name, &base, changes.newest).map(Some),
        }
    }

    fn zip(&self, name: &str, base: &str, modified: Option<String>) -> Result<StoredFeed, AdvisoryError> {
        let feed = self.whole(name, &format!("{base}/all.zip"), "zip")?;
        Ok(StoredFeed { modified, source: self.options.url.clone(), ..feed })
    }

    fn whole(&self, name: &str, url: &str, end: &str) -> Result<StoredFeed, AdvisoryError> {
        let file = raw::file_name(name, self.generation, self.number, end);
        let path = self.dir.join("raw").join(&file);
        let mut out =
            File::create(&path).map_err(|source| AdvisoryError::Write { path: path.clone(), source })?;
        let failed = |reason: String| AdvisoryError::Fetch { url: url.to_owned(), reason };
        let body = (self.fetch)(url).map_err(|error| failed(error.to_string()))?;
        let length = std::io::copy(&mut body.take(FETCH_MAX + 1), &mut out)
            .map_err(|error| failed(error.to_string()))?;
        if length > FETCH_MAX {
            return Err(failed(format!("it is longer than {} GiB", FETCH_MAX >> 30)));
        }
        out.sync_all().map_err(|source| AdvisoryError::Write { path, source })?;
        Ok(StoredFeed {
            name: name.to_owned(),
            source: url.to_owned(),
            sample: false,
            modified: None,
            files: vec![file],
        })
    }

    fn changes(&self, base: &str, since: Option<&str>) -> Result<Changes, AdvisoryError> {
        let url = format!("{base}/modified_id.csv");
        let failed = |reason: String| AdvisoryError::Fetch { url: url.clone(), reason };
        let body = (self.fetch)(&url).map_err(|error| failed(error.to_string()))?;
        let mut changes = Changes { newest: since.map(str::to_owned), ids: Vec::new() };
        for line in BufReader::new(body.take(CHANGES_MAX)).lines() {
            let line = line.map_err(|error| failed(error.to_string()))?;
            let Some((time, id)) = line.trim().split_once(',') else { continue };
            if since.is_some_and(|since| moment(time) <= moment(since)) {
                continue;
            }
            if changes.newest.as_deref().is_none_or(|newest| moment(time) > moment(newest)) {
                changes.newest = Some(time.to_owned());
            }
            // One more than is fetched is enough to know that they are too many.
            if changes.ids.len() <= SINGLES_MAX {
                changes.ids.push(id.to_owned());
            }
        }
        if changes.newest.is_none() {
            return Err(failed("it holds no line `time,id`".to_owned()));
        }
        Ok(changes)
    }

    fn singles(&self, name: &str, base: &str, ids: &[String]) -> Result<String, AdvisoryError> {
        let file = raw::file_name(name, self.generation, self.number, "zip");
        let records = ids.iter().map(|id| {
            let url = format!("{base}/{id}.json");
            let failed = |reason: String| AdvisoryError::Fetch { url: url.clone(), reason };
            if id.len() > 200 || !id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c)) {
                return Err(failed("it is no id of a record".to_owned()));
            }
            let body = (self.fetch)(&url).map_err(|error| failed(error.to_string()))?;
            let mut json = Vec::new();
            body.take(RECORD_BYTES_MAX + 1)
                .read_to_end(&mut json)
                .map_err(|error| failed(error.to_string()))?;
            Ok((format!("{id}.json"), Cow::Owned(json)))
        });
        feed::pack(&self.dir.join("raw").join(&file), records)?;
        Ok(file)
    }
}

struct Changes {
    newest: Option<String>,
    ids: Vec<String>,
}
