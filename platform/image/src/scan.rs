//! One pass over the entries of a layer, whatever they come from: what is wanted goes to the sink, what hides lower
//! layers into the index, what could not be seen into the gaps.
//!
//! Memory: twelve bytes an entry, the names of links and of selected files up to a cap, and bodies within the shared budget.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, Read};

use model::{Gap, GapCode};

use crate::budget::{Budget, Permit};
use crate::gaps::GapList;
use crate::index::{Counters, LayerIndex, Link, Mark, Tag};
use crate::limits::Limits;
use crate::links::{Leads, Links};
use crate::overlay::LinkedFile;
use crate::path::{ancestors, parent};
use crate::select::{Candidates, Selector};
use crate::sink::{Body, SelectedFile, Sink};
use crate::unpacked::Cut;

/// What a body costs beyond its bytes, so that a million empty files are not free.
const FILE_OVERHEAD: u64 = 256;

/// Piece size of a streamed keyword search.
const PIECE_BYTES: usize = 64 * 1024;

/// A file in memory with the interests that want it, if any does.
pub(crate) type Held = Option<(Body, Candidates)>;

/// A pass in progress.
pub(crate) struct Scan<'a> {
    selector: &'a Selector,
    limits: &'a Limits,
    budget: &'a Budget,
    sink: &'a mut dyn Sink,
    /// Subject of gaps about the layer as a whole.
    label: &'a str,
    /// One for each entry, in order; the position is the ordinal.
    tags: Vec<Tag>,
    /// Directories of this layer, said or implied by what is in them.
    directories: HashSet<Tag>,
    /// Parent of the last entry: most entries share it with the next.
    parent: String,
    delivered: Vec<Delivered>,
    delivered_bytes: usize,
    links: Links,
    gaps: GapList,
    counters: Counters,
}

struct Delivered {
    path: String,
    ordinal: u64,
    interests: Candidates,
}

/// A file that has to be read again under another name.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The name it has in the layer.
    pub(crate) target: String,
    /// Which of several entries of that name counts, from one, directories left out.
    pub(crate) occurrence: u64,
    /// The name to hand it over under.
    path: String,
    candidates: Candidates,
    ordinal: u64,
}

/// A linked name that somebody may want: path, first name of the file, and for symbolic links who asked.
type Asked = (String, String, Option<Candidates>);

/// The last entry of a path.
#[derive(Clone, Copy)]
struct Last {
    ordinal: u64,
    mark: Mark,
    /// Last entry that is not a directory.
    file: Option<u64>,
    /// How many entries are not directories.
    count: u64,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(
        selector: &'a Selector,
        limits: &'a Limits,
        budget: &'a Budget,
        label: &'a str,
        sink: &'a mut dyn Sink,
    ) -> Self {
        Self {
            selector,
            limits,
            budget,
            sink,
            label,
            tags: Vec::new(),
            directories: HashSet::new(),
            parent: String::new(),
            delivered: Vec::new(),
            delivered_bytes: 0,
            links: Links::new(limits.link_bytes),
            gaps: GapList::new(limits.gaps),
            counters: Counters::default(),
        }
    }

    /// Counts an entry.
    ///
    /// # Errors
    /// A [`Cut`] when there are too many.
    pub(crate) fn count(&mut self) -> io::Result<()> {
        self.counters.entries += 1;
        if self.counters.entries > self.limits.entries {
            let why = format!("the layer has more than {} entries", self.limits.entries);
            return Err(Cut::new(GapCode::EntryLimit, why).into_io());
        }
        Ok(())
    }

    pub(crate) fn gap(&mut self, code: GapCode, subject: &[u8], reason: impl Into<String>) {
        self.gaps.add(code, subject, reason);
    }

    /// The rest of the layer is missing.
    pub(crate) fn cut(&mut self, cut: Cut) {
        self.gaps.add(cut.code, self.label.as_bytes(), cut.why);
    }

    pub(crate) fn counters(&mut self) -> &mut Counters {
        &mut self.counters
    }

    pub(crate) fn directory(&mut self, path: &str) -> io::Result<()> {
        if path.is_empty() { Ok(()) } else { self.enter(path, Mark::Directory).map(|_| ()) }
    }

    /// Something without content.
    pub(crate) fn other(&mut self, path: &str) -> io::Result<()> {
        self.enter(path, Mark::File).map(|_| ())
    }

    /// A sparse file: there, wanted perhaps, not readable here.
    pub(crate) fn sparse(&mut self, path: &str) -> io::Result<()> {
        self.enter(path, Mark::File)?;
        let mut candidates = Candidates::new();
        self.selector.by_path(path, &mut candidates);
        if !candidates.is_empty() {
            self.gap(GapCode::Unsupported, path.as_bytes(), "sparse files in archives are not read");
        }
        Ok(())
    }

    pub(crate) fn whiteout(&mut self, path: &str, mark: Mark) {
        self.counters.whiteouts += 1;
        self.tags.push(Tag::new(path, mark));
    }

    pub(crate) fn symlink(&mut self, path: &str, target: &[u8]) -> io::Result<()> {
        self.enter(path, Mark::File)?;
        if target.len() > self.limits.path_bytes {
            let why = format!(
                "the link's target has {} bytes; the limit is {}",
                target.len(),
                self.limits.path_bytes
            );
            self.gap(GapCode::NameLimit, path.as_bytes(), why);
        } else if let Ok(target) = std::str::from_utf8(target) {
            self.links.add_symbolic(path, target);
        }
        Ok(())
    }

    /// `target` in normal form.
    pub(crate) fn hard_link(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.counters.files += 1;
        self.enter(path, Mark::File)?;
        let mut candidates = Candidates::new();
        self.selector.by_path(path, &mut candidates);
        if !candidates.is_empty() {
            self.links.add_hard(path, target);
        }
        Ok(())
    }

    /// A file of `size` bytes that `body` gives. Reads only as much of it as is needed.
    ///
    /// # Errors
    /// Whatever `body` says.
    pub(crate) fn file(&mut self, path: &str, size: u64, body: &mut dyn Read) -> io::Result<()> {
        self.counters.files += 1;
        let ordinal = self.enter(path, Mark::File)?;
        let mut candidates = Candidates::new();
        self.selector.by_path(path, &mut candidates);
        if let Some((body, candidates)) = self.hold(path, size, candidates, body)? {
            self.delivered_bytes += path.len() + size_of::<Delivered>();
            if self.delivered_bytes > self.limits.selected_name_bytes {
                let why = format!(
                    "the names of its selected files have more than {} bytes",
                    self.limits.selected_name_bytes
                );
                return Err(Cut::new(GapCode::EntryLimit, why).into_io());
            }
            self.hand_over(path.to_owned(), ordinal, &candidates, body);
            self.delivered.push(Delivered { path: path.to_owned(), ordinal, interests: candidates });
        }
        Ok(())
    }

    /// A file of the second pass, for all that want it under another name.
    ///
    /// # Errors
    /// Whatever `body` says.
    pub(crate) fn file_again(&mut self, size: u64, wanted: &[Wanted], body: &mut dyn Read) -> io::Result<()> {
        let Some(first) = wanted.first() else { return Ok(()) };
        let mut all: Candidates = wanted.iter().flat_map(|w| &w.candidates).copied().collect();
        all.sort_unstable();
        all.dedup();
        if let Some((body, matching)) = self.hold(&first.path, size, all, body)? {
            for want in wanted {
                let matching = want.candidates.iter().filter(|c| matching.contains(c)).copied().collect();
                self.hand_over(want.path.clone(), want.ordinal, &matching, body.clone());
            }
        }
        Ok(())
    }

    /// Holds a file that is reached through a link of another layer, if its interests want it.
    ///
    /// # Errors
    /// Whatever `body` says.
    pub(crate) fn hold_linked(
        &mut self,
        linked: &LinkedFile,
        size: u64,
        body: &mut dyn Read,
    ) -> io::Result<Held> {
        self.hold(&linked.path, size, linked.candidates.clone(), body)
    }

    /// Hands over what [`hold_linked`](Self::hold_linked) held last.
    pub(crate) fn hand_over_linked(&mut self, linked: &LinkedFile, held: Held) {
        if let Some((body, candidates)) = held {
            self.hand_over(linked.path.clone(), 0, &candidates, body);
        }
    }

    fn enter(&mut self, path: &str, mark: Mark) -> io::Result<u64> {
        self.imply(path)?;
        self.links.forget(path);
        let tag = Tag::new(path, mark);
        match mark {
            Mark::Directory => {
                self.directories.insert(tag);
            }
            _ if self.directories.remove(&tag.with(Mark::Directory)) => self.parent.clear(),
            _ => {}
        }
        self.tags.push(tag);
        Ok((self.tags.len() - 1) as u64)
    }

    /// Enters the directories above a path that have no entry of their own: whoever unpacks the layer makes them, in
    /// the place of whatever file a lower layer has there. They count as entries, since they cost as much.
    fn imply(&mut self, path: &str) -> io::Result<()> {
        let above = parent(path);
        if above == self.parent {
            return Ok(());
        }
        for directory in ancestors(path).filter(|directory| !directory.is_empty()) {
            // Runtimes follow a link of the same layer to a directory here, and so leave it in place.
            if self.links.is_symbolic(directory) {
                continue;
            }
            let tag = Tag::new(directory, Mark::Directory);
            if !self.directories.insert(tag) {
                break;
            }
            self.count()?;
            self.links.forget(directory);
            self.tags.push(tag);
        }
        above.clone_into(&mut self.parent);
        Ok(())
    }

    fn hand_over(&mut self, path: String, ordinal: u64, candidates: &Candidates, body: Body) {
        let matches = self.selector.names(candidates);
        if matches.is_empty() {
            return;
        }
        let size = body.len() as u64;
        self.counters.selected += 1;
        self.counters.selected_bytes += size;
        self.sink.file(SelectedFile { path, size, matches, ordinal, body });
    }

    /// Reads a file into memory if somebody wants it.
    fn hold(
        &mut self,
        path: &str,
        size: u64,
        mut candidates: Candidates,
        body: &mut dyn Read,
    ) -> io::Result<Held> {
        self.selector.by_size(size, &mut candidates);
        if candidates.is_empty() {
            return Ok(None);
        }
        let mut start = Vec::new();
        let reach = (self.selector.magic_reach(&candidates) as u64).min(size);
        if reach > 0 {
            body.take(reach).read_to_end(&mut start)?;
            self.selector.by_magic(&start, &mut candidates);
        }
        if candidates.is_empty() {
            return Ok(None);
        }
        let Some(permit) = self.permit(size + FILE_OVERHEAD) else {
            self.too_large(path, size, &candidates, &start, body)?;
            return Ok(None);
        };
        let Ok(capacity) = usize::try_from(size) else { return Ok(None) };
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(&start);
        body.take(size - start.len() as u64).read_to_end(&mut bytes)?;
        if bytes.len() != capacity {
            return Err(Cut::new(GapCode::Corrupt, "a file is shorter than announced").into_io());
        }
        if self.selector.needs_keywords(&candidates) {
            let mut search = self.selector.search(&candidates);
            search.look(&bytes);
            candidates = search.finish();
        }
        Ok((!candidates.is_empty()).then(|| (Body::new(bytes, permit), candidates)))
    }

    fn permit(&mut self, bytes: u64) -> Option<Permit> {
        if let Some(permit) = self.budget.try_take(bytes) {
            return Some(permit);
        }
        if bytes <= self.budget.capacity() {
            self.sink.release();
        }
        self.budget.take(bytes)
    }

    /// A file that can never be held: a gap, unless its content shows that nobody wants it.
    fn too_large(
        &mut self,
        path: &str,
        size: u64,
        candidates: &Candidates,
        start: &[u8],
        body: &mut dyn Read,
    ) -> io::Result<()> {
        let mut wanted = candidates.clone();
        if self.selector.needs_keywords(candidates) {
            let mut search = self.selector.search(candidates);
            search.look_on(start);
            let mut piece = vec![0; PIECE_BYTES];
            loop {
                let count = body.read(&mut piece)?;
                if count == 0 {
                    break;
                }
                search.look_on(piece.get(..count).unwrap_or_default());
            }
            wanted = search.finish();
        }
        if !wanted.is_empty() {
            let limit = self.budget.capacity();
            let why = format!("the file has {size} bytes; files of up to {limit} can be held in memory");
            self.gap(GapCode::SizeLimit, path.as_bytes(), why);
        }
        Ok(())
    }
}

/// The end of the pass.
impl Scan<'_> {
    /// Decides which files have to be read again under other names, now that the layer is known as a whole. Sorted by
    /// target.
    pub(crate) fn wanted(&mut self) -> (Vec<Wanted>, Vec<Link>) {
        if self.links.dropped > 0 {
            let why = format!("{} links found no room and were not followed", self.links.dropped);
            self.gap(GapCode::EntryLimit, self.label.as_bytes(), why);
        }
        let asked = self.asked_links();
        let lasts = self.lasts(asked.iter().flat_map(|(path, target, _)| [path.as_str(), target.as_str()]));
        let delivered = self.delivered_targets(&asked);
        let mut wanted = Vec::new();
        let mut links = Vec::new();
        for (path, target, interests) in asked {
            let symbolic = interests.is_some();
            let found = lasts.get(&Tag::hash(&target)).copied();
            let here = found.is_some_and(|last| last.mark == Mark::File) && !self.links.is_symbolic(&target);
            let own = lasts.get(&Tag::hash(&path)).map(|last| last.ordinal);
            if !here {
                self.missing(&path, &target, symbolic, found.is_some(), &mut links);
                continue;
            }
            let known = delivered.get(&target).map(Vec::as_slice).unwrap_or_default();
            let candidates = self.still_unknown(&path, &target, interests, known);
            if candidates.is_empty() {
                continue;
            }
            if symbolic {
                links.push(Link { path: path.clone(), target: target.clone(), here: true });
            }
            let occurrence = found.map(|last| last.count).unwrap_or_default();
            let ordinal = own.or(found.map(|last| last.ordinal)).unwrap_or_default();
            wanted.push(Wanted { target, occurrence, path, candidates, ordinal });
        }
        links.sort();
        links.dedup();
        wanted.sort_by(|a, b| (&a.target, &a.path).cmp(&(&b.target, &b.path)));
        (wanted, links)
    }

    /// Every linked name that somebody may want.
    fn asked_links(&mut self) -> Vec<Asked> {
        let mut asked = Vec::new();
        let mut circles = BTreeSet::new();
        for path in self.links.hard() {
            match self.links.follow_hard(path) {
                Leads::To(target) => asked.push((path.to_owned(), target, None)),
                Leads::Circle => {
                    circles.insert(path.to_owned());
                }
            }
        }
        for (path, interests) in self.selector.exact() {
            match self.links.follow_symbolic(path) {
                Leads::To(target) if target == path => {}
                Leads::To(target) => match self.links.follow_hard(&target) {
                    Leads::To(first) => asked.push((path.to_owned(), first, Some(interests.to_vec()))),
                    Leads::Circle => {
                        circles.insert(path.to_owned());
                    }
                },
                Leads::Circle => {
                    circles.insert(path.to_owned());
                }
            }
        }
        for path in circles {
            self.gap(GapCode::BrokenLink, path.as_bytes(), "the link leads in a circle");
        }
        asked
    }

    fn missing(&mut self, path: &str, target: &str, symbolic: bool, something: bool, links: &mut Vec<Link>) {
        if symbolic {
            // A path below a linked directory that has no such file is no broken link; it just is not there.
            if self.links.is_symbolic(path) && !something {
                links.push(Link { path: path.to_owned(), target: target.to_owned(), here: false });
            }
        } else if !self.links.is_symbolic(target) {
            self.gap(GapCode::BrokenLink, path.as_bytes(), "the hard link leads to nothing in its layer");
        }
    }

    /// The interests that got those of the targets that were handed over; of several files of one name the last.
    fn delivered_targets(&self, asked: &[Asked]) -> HashMap<String, Candidates> {
        let targets: HashSet<&str> = asked.iter().map(|(_, target, _)| target.as_str()).collect();
        let linked = self.delivered.iter().filter(|delivered| targets.contains(delivered.path.as_str()));
        linked.map(|delivered| (delivered.path.clone(), delivered.interests.clone())).collect()
    }

    /// Interests in the linked name that the file's own name has not settled. `delivered`: those that got the file
    /// under its own name.
    fn still_unknown(
        &self,
        path: &str,
        target: &str,
        interests: Option<Candidates>,
        delivered: &[usize],
    ) -> Candidates {
        let mut settled = Candidates::new();
        self.selector.by_path(target, &mut settled);
        let hard = interests.is_none();
        let asking = interests.unwrap_or_else(|| {
            let mut candidates = Candidates::new();
            self.selector.by_path(path, &mut candidates);
            candidates
        });
        // A hard link is a file of its own, so what its content decided for the first name holds for it again. A
        // symbolic link adds nothing to a file that its interest got already.
        let keep = |interest: &usize| !settled.contains(interest) || (hard && delivered.contains(interest));
        let mut kept: Candidates = asking.into_iter().filter(keep).collect();
        kept.retain(|interest| hard || self.selector.has_paths(*interest));
        kept
    }

    /// The last entries of some paths.
    fn lasts<'b>(&self, paths: impl Iterator<Item = &'b str>) -> HashMap<Tag, Last> {
        let mut lasts: HashMap<Tag, Option<Last>> = paths.map(|path| (Tag::hash(path), None)).collect();
        if lasts.is_empty() {
            return HashMap::new();
        }
        for (ordinal, tag) in self.tags.iter().enumerate() {
            let mark = tag.mark();
            if let (Mark::File | Mark::Directory, Some(slot)) = (mark, lasts.get_mut(&tag.unmarked())) {
                let ordinal = ordinal as u64;
                let before = slot.and_then(|last| last.file);
                let file = if mark == Mark::File { Some(ordinal) } else { before };
                let count = slot.map_or(0, |last| last.count) + u64::from(mark == Mark::File);
                *slot = Some(Last { ordinal, mark, file, count });
            }
        }
        lasts.into_iter().filter_map(|(tag, last)| Some((tag, last?))).collect()
    }

    /// Closes a pass that was only about one file.
    pub(crate) fn finish_linked(self) -> Vec<Gap> {
        self.gaps.finish(self.label)
    }

    /// Closes the pass.
    pub(crate) fn finish(mut self, links: Vec<Link>) -> LayerIndex {
        let superseded = self.superseded();
        let mut tags = std::mem::take(&mut self.tags);
        tags.sort_unstable();
        tags.dedup();
        LayerIndex { tags, links, superseded, gaps: self.gaps.finish(self.label), counters: self.counters }
    }

    /// Handed-over files that a later entry of the same layer replaced, or buried under what is no directory.
    fn superseded(&self) -> Vec<u64> {
        let paths = self.delivered.iter().map(|delivered| delivered.path.as_str());
        let lasts = self.lasts(paths.flat_map(|path| ancestors(path).chain([path])));
        let later = |path: &str, ordinal| {
            let file = lasts.get(&Tag::hash(path)).and_then(|last| last.file);
            file.is_some_and(|file| file > ordinal)
        };
        let gone = |delivered: &&Delivered| {
            let last = lasts.get(&Tag::hash(&delivered.path)).map(|last| last.ordinal);
            last != Some(delivered.ordinal)
                || ancestors(&delivered.path).any(|path| later(path, delivered.ordinal))
        };
        let mut ordinals: Vec<u64> =
            self.delivered.iter().filter(gone).map(|delivered| delivered.ordinal).collect();
        ordinals.sort_unstable();
        ordinals
    }
}
