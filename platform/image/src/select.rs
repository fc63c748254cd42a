//! Which files somebody wants: one matcher for all interests of all plugins.
//!
//! Clauses are tried in the order of what they cost: path and size when the header is read, magic bytes on the first
//! bytes of the body, keywords on the whole body. A file nobody can want any more is skipped without being held.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, Input, MatchKind};
use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::ImageError;

/// Magic bytes must lie within this many bytes of the start; the deepest in wide use (ISO 9660) lies at 36,869.
const MAGIC_REACH_MAX: usize = 64 * 1024;

/// Longer keywords identify nothing better, and the overlap of a streamed search is as long as the longest.
const KEYWORD_BYTES_MAX: usize = 1024;

/// Bytes at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Magic {
    /// From the start of the file.
    pub offset: u64,
    /// What stands there.
    pub bytes: Vec<u8>,
}

/// What one plugin wants to see. A file is selected when every clause that is given holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interest {
    /// Which plugin, in the caller's numbering.
    pub owner: u32,
    /// Name of the interest within the plugin.
    pub name: String,
    /// Globs over the path without leading slash: `*` and `?` stay within a component, `**` crosses. One must match.
    pub paths: Vec<String>,
    /// One must match.
    pub magic: Vec<Magic>,
    /// One must occur somewhere in the file.
    pub keywords: Vec<Vec<u8>>,
    /// Smallest size in bytes, inclusive.
    pub size_min: u64,
    /// Largest size in bytes, inclusive.
    pub size_max: u64,
}

/// All interests, compiled. Shared by all threads.
#[derive(Debug)]
pub struct Selector {
    interests: Vec<Interest>,
    globs: GlobSet,
    /// Interest of each glob.
    glob_interest: Vec<usize>,
    /// Interests without path clause.
    anywhere: Vec<usize>,
    /// Paths that interests name without wildcard, and which.
    exact: BTreeMap<String, Vec<usize>>,
    keywords: Option<AhoCorasick>,
    /// Interest of each keyword.
    keyword_interest: Vec<usize>,
    keyword_longest: usize,
}

/// Interests that may still want a file: sorted indexes into the selector's list.
pub(crate) type Candidates = Vec<usize>;

impl Selector {
    /// Compiles. The order of `interests` does not matter to what is selected.
    ///
    /// # Errors
    /// [`ImageError::Interest`] for a clause that cannot be compiled, or an interest in everything.
    pub fn new(interests: Vec<Interest>) -> Result<Self, ImageError> {
        let mut globs = GlobSetBuilder::new();
        let mut glob_interest = Vec::new();
        let mut anywhere = Vec::new();
        let mut exact = BTreeMap::<String, Vec<usize>>::new();
        let mut keywords = Vec::new();
        let mut keyword_interest = Vec::new();
        for (number, interest) in interests.iter().enumerate() {
            check(interest)?;
            if interest.paths.is_empty() {
                anywhere.push(number);
            }
            for pattern in &interest.paths {
                let pattern = pattern.trim_start_matches('/');
                let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
                globs.add(glob.map_err(|error| unusable(interest, format!("{pattern:?}: {error}")))?);
                glob_interest.push(number);
                if !pattern.contains(['*', '?', '[', ']', '{', '}', '\\']) {
                    exact.entry(pattern.to_owned()).or_default().push(number);
                }
            }
            keywords.extend(interest.keywords.iter().cloned());
            keyword_interest.resize(keywords.len(), number);
        }
        let refused = |why: String| ImageError::Interest { name: "all together".to_owned(), why };
        let globs = globs.build().map_err(|error| refused(error.to_string()))?;
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&keywords);
        let automaton = automaton.map_err(|error| refused(error.to_string()))?;
        let keyword_longest = keywords.iter().map(Vec::len).max().unwrap_or_default();
        let keywords = (!keywords.is_empty()).then_some(automaton);
        Ok(Self {
            interests,
            globs,
            glob_interest,
            anywhere,
            exact,
            keywords,
            keyword_interest,
            keyword_longest,
        })
    }

    /// Paths named without wildcard, with the interests that name them.
    pub(crate) fn exact(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.exact.iter().map(|(path, interests)| (path.as_str(), interests.as_slice()))
    }

    /// Interests whose path clause holds.
    pub(crate) fn by_path(&self, path: &str, into: &mut Candidates) {
        into.clear();
        self.globs.matches_candidate_into(&Candidate::new(path), into);
        for glob in into.iter_mut() {
            *glob = self.glob_interest.get(*glob).copied().unwrap_or(usize::MAX);
        }
        into.extend(&self.anywhere);
        into.sort_unstable();
        into.dedup();
    }

    /// Keeps those whose size clause holds.
    pub(crate) fn by_size(&self, size: u64, candidates: &mut Candidates) {
        self.retain(candidates, |interest| (interest.size_min..=interest.size_max).contains(&size));
    }

    /// First bytes that [`by_magic`](Self::by_magic) needs to decide.
    pub(crate) fn magic_reach(&self, candidates: &Candidates) -> usize {
        let interests = candidates.iter().filter_map(|number| self.interests.get(*number));
        interests.flat_map(|interest| &interest.magic).map(reach).max().unwrap_or_default()
    }

    /// Keeps those whose magic clause holds on the first bytes of the file.
    pub(crate) fn by_magic(&self, start: &[u8], candidates: &mut Candidates) {
        let there = |magic: &Magic| {
            let offset = usize::try_from(magic.offset).unwrap_or(usize::MAX);
            start.get(offset..).is_some_and(|rest| rest.starts_with(&magic.bytes))
        };
        self.retain(candidates, |interest| interest.magic.is_empty() || interest.magic.iter().any(there));
    }

    /// Whether a keyword has yet to decide about one of them.
    pub(crate) fn needs_keywords(&self, candidates: &Candidates) -> bool {
        let interests = candidates.iter().filter_map(|number| self.interests.get(*number));
        interests.into_iter().any(|interest| !interest.keywords.is_empty())
    }

    /// A search for the keywords of these candidates in a body that comes in pieces.
    pub(crate) fn search<'a>(&'a self, candidates: &Candidates) -> KeywordSearch<'a> {
        let (open, found) = candidates.iter().partition(|number| {
            self.interests.get(**number).is_some_and(|interest| !interest.keywords.is_empty())
        });
        KeywordSearch { selector: self, open, found, tail: Vec::new() }
    }

    /// The names under which the wanting plugins know a file.
    pub(crate) fn names(&self, candidates: &Candidates) -> Vec<(u32, String)> {
        let interests = candidates.iter().filter_map(|number| self.interests.get(*number));
        let names: BTreeSet<_> = interests.map(|interest| (interest.owner, interest.name.clone())).collect();
        names.into_iter().collect()
    }

    /// Whether the interest has a path clause.
    pub(crate) fn has_paths(&self, number: usize) -> bool {
        self.interests.get(number).is_some_and(|interest| !interest.paths.is_empty())
    }

    fn retain(&self, candidates: &mut Candidates, keep: impl Fn(&Interest) -> bool) {
        candidates.retain(|number| self.interests.get(*number).is_some_and(&keep));
    }
}

/// See [`Selector::search`].
pub(crate) struct KeywordSearch<'a> {
    selector: &'a Selector,
    open: BTreeSet<usize>,
    found: BTreeSet<usize>,
    /// End of the last piece, as long as a keyword that began there may go on.
    tail: Vec<u8>,
}

impl KeywordSearch<'_> {
    /// Looks at a body that is here as a whole, or at the first piece.
    pub(crate) fn look(&mut self, bytes: &[u8]) {
        let Some(automaton) = &self.selector.keywords else { return };
        let mut state = OverlappingState::start();
        while !self.open.is_empty() {
            automaton.find_overlapping(Input::new(bytes), &mut state);
            let Some(hit) = state.get_match() else { break };
            let interest = self.selector.keyword_interest.get(hit.pattern().as_usize()).copied();
            if let Some(number) = interest.filter(|number| self.open.remove(number)) {
                self.found.insert(number);
            }
        }
    }

    /// Looks at the next piece, including keywords that began in the last.
    pub(crate) fn look_on(&mut self, piece: &[u8]) {
        let overlap = self.selector.keyword_longest.saturating_sub(1);
        let mut seam = std::mem::take(&mut self.tail);
        let held = seam.len();
        seam.extend(piece.iter().take(overlap));
        if held > 0 {
            self.look(&seam);
        }
        self.look(piece);
        let end = if piece.len() > overlap { piece } else { &seam };
        self.tail = end.get(end.len().saturating_sub(overlap)..).unwrap_or_default().to_vec();
    }

    /// Candidates that want the file after all.
    pub(crate) fn finish(self) -> Candidates {
        self.found.into_iter().collect()
    }
}

fn reach(magic: &Magic) -> usize {
    usize::try_from(magic.offset).unwrap_or(usize::MAX).saturating_add(magic.bytes.len())
}

fn unusable(interest: &Interest, why: impl Into<String>) -> ImageError {
    ImageError::Interest { name: interest.name.clone(), why: why.into() }
}

fn check(interest: &Interest) -> Result<(), ImageError> {
    if interest.paths.is_empty() && interest.magic.is_empty() && interest.keywords.is_empty() {
        return Err(unusable(
            interest,
            "it has neither paths nor magic nor keywords: it would want every file",
        ));
    }
    if interest.magic.iter().any(|magic| magic.bytes.is_empty() || reach(magic) > MAGIC_REACH_MAX) {
        return Err(unusable(
            interest,
            format!("magic must be 1 or more bytes in the first {MAGIC_REACH_MAX}"),
        ));
    }
    if interest.keywords.iter().any(|keyword| keyword.is_empty() || keyword.len() > KEYWORD_BYTES_MAX) {
        return Err(unusable(interest, format!("a keyword must have 1 to {KEYWORD_BYTES_MAX} bytes")));
    }
    if interest.size_min > interest.size_max {
        return Err(unusable(interest, "its smallest size is larger than its largest"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
