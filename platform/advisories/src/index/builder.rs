//! Builds the index file from records.
//!
//! Memory while building is what the index holds plus small drafts: texts are packed as they arrive, names and versions are kept
//! once. The same records in the same order give the same bytes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;

use model::Kev;
use serde::{Deserialize, Serialize};

use super::aliases::{self, Closure, Link};
use super::format::{self, HEADER, MAGIC, SECTIONS, Section, VERSION, put, put_list};
use super::text::TextWriter;
use crate::AdvisoryError;
use crate::exploitation::Score;
use crate::judge::{affected, names};
use crate::osv::{Affected, Event, Rating, Record};
use crate::version::Order;

/// Skipped records that are kept with their reason; the rest is counted.
const SKIPPED_KEPT: usize = 100;

/// Where the data came from, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// A URL, file names, or `built-in sample`.
    pub source: String,
    /// It is only the sample that ships with the product.
    pub sample: bool,
}

/// A record that was not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Id, or file name where there is no id.
    pub record: String,
    /// Why, as a sentence.
    pub reason: String,
}

/// What became of the records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildReport {
    /// Records read.
    pub read: u64,
    /// Records in the index.
    pub used: u64,
    /// Records whose id came again with a later or the same change.
    pub replaced: u64,
    /// Records that their publisher has taken back.
    pub withdrawn: u64,
    /// Errata of distributions that mend no vulnerability.
    pub plain_errata: u64,
    /// Records that could not be used.
    pub skipped: u64,
    /// The first hundred of those.
    pub skipped_first: Vec<Skipped>,
    /// Packages of records left out because no order is known for their ecosystem, or their ranges cannot be read.
    pub packages_left_out: u64,
    /// Exploited vulnerabilities.
    pub kev: u64,
    /// Scores.
    pub epss: u64,
}

impl BuildReport {
    /// Notes a record that could not be used.
    pub fn skip(&mut self, record: &str, reason: &str) {
        self.read += 1;
        self.note(record, reason);
    }

    fn note(&mut self, record: &str, reason: &str) {
        self.skipped += 1;
        if self.skipped_first.len() < SKIPPED_KEPT {
            self.skipped_first.push(Skipped { record: record.to_owned(), reason: reason.to_owned() });
        }
    }
}

#[derive(Debug, Default)]
struct Interner {
    numbers: HashMap<Box<str>, u32>,
    offsets: Vec<u32>,
    bytes: Vec<u8>,
}

impl Interner {
    fn number(&mut self, text: &str) -> Result<u32, AdvisoryError> {
        if let Some(number) = self.numbers.get(text) {
            return Ok(*number);
        }
        let too_large = AdvisoryError::TooLarge { what: "names and versions", limit: "4 GiB" };
        let Ok(offset) = u32::try_from(self.bytes.len() + text.len()) else { return Err(too_large) };
        let Ok(number) = u32::try_from(self.offsets.len()) else { return Err(too_large) };
        self.bytes.extend_from_slice(text.as_bytes());
        self.offsets.push(offset);
        self.numbers.insert(text.into(), number);
        Ok(number)
    }

    /// Offsets hold the end of each string, so string `n` starts where `n - 1` ends.
    fn text(&self, number: u32) -> &str {
        let end = |n: Option<usize>| n.and_then(|n| self.offsets.get(n)).copied().unwrap_or(0) as usize;
        let number = number as usize;
        let bytes = self.bytes.get(end(number.checked_sub(1))..end(Some(number))).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

#[derive(Debug)]
struct Draft {
    id: u32,
    modified: u32,
    word: u32,
    aliases: Vec<u32>,
    upstream: Vec<u32>,
    ratings: Vec<(u32, u32)>,
    place: (u32, u32),
}

#[derive(Debug, Clone, Copy)]
struct EntryDraft {
    key: (u32, u32),
    record: u32,
    start: usize,
    length: usize,
}

/// Collects records and writes the index.
#[derive(Debug)]
pub struct Builder {
    strings: Interner,
    drafts: Vec<Draft>,
    /// Newest draft of each id.
    newest: HashMap<u32, u32>,
    /// Ids whose newest record is withdrawn, with the time of that change.
    withdrawn: HashMap<u32, String>,
    entries: Vec<EntryDraft>,
    entry_bytes: Vec<u8>,
    texts: TextWriter,
    kev: BTreeMap<u64, Kev>,
    epss: BTreeMap<u64, Score>,
    report: BuildReport,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let mut strings = Interner::default();
        // String 0 is empty, so that "none" needs no flag. It cannot fail: nothing is stored yet.
        let _ = strings.number("");
        Self {
            strings,
            drafts: Vec::new(),
            newest: HashMap::new(),
            withdrawn: HashMap::new(),
            entries: Vec::new(),
            entry_bytes: Vec::new(),
            texts: TextWriter::default(),
            kev: BTreeMap::new(),
            epss: BTreeMap::new(),
            report: BuildReport::default(),
        }
    }

    /// Reads and adds one record. A record that cannot be used is counted with its reason.
    ///
    /// # Errors
    /// The index would grow beyond its form.
    pub fn add_json(&mut self, name: &str, json: &[u8]) -> Result<(), AdvisoryError> {
        match Record::parse(json) {
            Ok(record) => self.add(&record),
            Err(reason) => {
                self.report.skip(name, &reason);
                Ok(())
            }
        }
    }

    /// Notes a record that could not even be read.
    pub fn skip(&mut self, name: &str, reason: &str) {
        self.report.skip(name, reason);
    }

    /// Adds one record. Of two with the same id the one changed later counts; if both name the same time, the one added later.
    ///
    /// # Errors
    /// The index would grow beyond its form.
    pub fn add(&mut self, record: &Record) -> Result<(), AdvisoryError> {
        self.report.read += 1;
        let id = self.strings.number(&record.id)?;
        if self.is_older(id, &record.modified) {
            self.report.replaced += 1;
            return Ok(());
        }
        let replaces = self.newest.remove(&id).is_some() || self.withdrawn.remove(&id).is_some();
        self.report.replaced += u64::from(replaces);
        if record.withdrawn {
            self.withdrawn.insert(id, record.modified.clone());
            return Ok(());
        }
        if record.is_plain_erratum() {
            self.report.plain_errata += 1;
            return Ok(());
        }
        let number = u32::try_from(self.drafts.len())
            .map_err(|_| AdvisoryError::TooLarge { what: "records", limit: "4 billion" })?;
        let added = self.add_entries(record, number)?;
        if added == 0 && !self.names_a_vulnerability(record) {
            self.report.note(&record.id, "no package in it has a version range that can be compared (commits alone, or an unknown ecosystem)");
            return Ok(());
        }
        let draft = self.draft(record, id)?;
        self.drafts.push(draft);
        self.newest.insert(id, number);
        Ok(())
    }

    /// Adds exploited vulnerabilities; the later list wins.
    pub fn add_kev(&mut self, entries: Vec<(u64, Kev)>) {
        self.kev.extend(entries);
    }

    /// Adds scores; the later list wins.
    pub fn add_epss(&mut self, scores: Vec<(u64, Score)>) {
        self.epss.extend(scores);
    }

    /// What became of the records so far.
    #[must_use]
    pub fn report(&self) -> &BuildReport {
        &self.report
    }

    /// Writes the index and says what is in it.
    ///
    /// # Errors
    /// No record could be used, the index would grow beyond its form, or it cannot be written.
    pub fn finish(mut self, origin: &Origin, out: &mut impl Write) -> Result<BuildReport, AdvisoryError> {
        self.texts.close();
        self.report.used = self.newest.len() as u64;
        self.report.withdrawn = self.withdrawn.len() as u64;
        self.report.kev = self.kev.len() as u64;
        self.report.epss = self.epss.len() as u64;
        if self.newest.is_empty() {
            let first = self.report.skipped_first.first().map_or("there were none", |first| &first.reason);
            return Err(AdvisoryError::NothingUsable {
                feed: origin.source.clone(),
                skipped: self.report.skipped,
                first: first.to_owned(),
            });
        }
        let sections = self.sections(origin)?;
        write_file(&sections, out)?;
        Ok(self.report)
    }

    fn is_older(&self, id: u32, modified: &str) -> bool {
        let known = match (self.newest.get(&id), self.withdrawn.get(&id)) {
            (Some(number), _) => {
                self.drafts.get(*number as usize).map(|draft| self.strings.text(draft.modified))
            }
            (None, withdrawn) => withdrawn.map(String::as_str),
        };
        known.is_some_and(|known| moment(modified) < moment(known))
    }

    /// A record without packages is still worth keeping for its rating, text and aliases.
    fn names_a_vulnerability(&self, record: &Record) -> bool {
        record.affected.is_empty() && (record.id.starts_with("CVE-") || !record.aliases.is_empty())
    }

    fn draft(&mut self, record: &Record, id: u32) -> Result<Draft, AdvisoryError> {
        let mut numbers = |texts: &[String]| {
            texts.iter().map(|text| self.strings.number(text)).collect::<Result<Vec<_>, _>>()
        };
        let aliases = numbers(&record.aliases)?;
        let upstream = numbers(&record.upstream)?;
        Ok(Draft {
            id,
            aliases,
            upstream,
            modified: self.strings.number(&record.modified)?,
            word: self.strings.number(record.word.as_deref().unwrap_or_default())?,
            ratings: self.ratings(&record.ratings)?,
            place: self.texts.add(record),
        })
    }

    fn ratings(&mut self, ratings: &[Rating]) -> Result<Vec<(u32, u32)>, AdvisoryError> {
        let number =
            |rating: &Rating| Ok((self.strings.number(&rating.kind)?, self.strings.number(&rating.score)?));
        ratings.iter().map(number).collect()
    }

    fn add_entries(&mut self, record: &Record, number: u32) -> Result<usize, AdvisoryError> {
        let mut added = 0;
        for item in &record.affected {
            let usable =
                Order::for_ecosystem(&item.ecosystem).and_then(|order| affected::normalise(order, item));
            let Some(item) = usable else {
                self.report.packages_left_out += 1;
                continue;
            };
            let name = names::normalise(&item.ecosystem, &item.name);
            let key = (self.strings.number(&item.ecosystem)?, self.strings.number(&name)?);
            let start = self.entry_bytes.len();
            self.encode_entry(&item, &record.summary, number)?;
            self.entries.push(EntryDraft {
                key,
                record: number,
                start,
                length: self.entry_bytes.len() - start,
            });
            added += 1;
        }
        Ok(added)
    }

    /// Record, name as written, word, module stream, ratings, ranges, versions.
    fn encode_entry(&mut self, item: &Affected, summary: &str, record: u32) -> Result<(), AdvisoryError> {
        let mut bytes = std::mem::take(&mut self.entry_bytes);
        put(&mut bytes, record);
        put(&mut bytes, self.strings.number(&item.name)?);
        put(&mut bytes, self.strings.number(item.word.as_deref().unwrap_or_default())?);
        put(&mut bytes, self.strings.number(affected::module_stream(item, summary).unwrap_or_default())?);
        let ratings = self.ratings(&item.ratings)?;
        put_list(
            &mut bytes,
            ratings.iter().flat_map(|(kind, score)| [*kind, *score]).collect::<Vec<_>>().into_iter(),
        );
        put(&mut bytes, u32::try_from(item.ranges.len()).unwrap_or(0));
        for range in &item.ranges {
            put(&mut bytes, u32::try_from(range.len()).unwrap_or(0));
            for event in range {
                let (kind, version) = match event {
                    Event::Introduced(version) => (0, version),
                    Event::Fixed(version) => (1, version),
                    Event::LastAffected(version) => (2, version),
                    Event::Limit(version) => (3, version),
                };
                bytes.push(kind);
                put(&mut bytes, self.strings.number(version)?);
            }
        }
        let versions = item.versions.iter().map(|version| self.strings.number(version));
        let versions = versions.collect::<Result<Vec<_>, _>>()?;
        put_list(&mut bytes, versions.into_iter());
        self.entry_bytes = bytes;
        Ok(())
    }

    fn sections(&mut self, origin: &Origin) -> Result<[Vec<u8>; SECTIONS], AdvisoryError> {
        let live: HashSet<u32> = self.newest.values().copied().collect();
        self.entries.retain(|entry| live.contains(&entry.record));
        let kev = self.kev_section()?;
        let (keys, slots, entries, counts) = self.key_sections()?;
        let closure = self.close(&live);
        let (records, details) = self.record_sections(&closure)?;
        let (classes, members) = class_sections(&closure)?;
        let meta = self.meta(origin, &live, counts, keys.len() / format::KEY_LINE);
        let mut sections: [Vec<u8>; SECTIONS] = Default::default();
        let mut set = |section: Section, bytes: Vec<u8>| {
            if let Some(slot) = sections.get_mut(section as usize) {
                *slot = bytes;
            }
        };
        set(Section::Meta, serde_json::to_vec(&meta).unwrap_or_default());
        set(Section::Offsets, little_endian(&self.strings.offsets));
        set(Section::Strings, std::mem::take(&mut self.strings.bytes));
        set(Section::Keys, keys);
        set(Section::Slots, slots);
        set(Section::Entries, entries);
        set(Section::Records, records);
        set(Section::Details, details);
        set(Section::Classes, classes);
        set(Section::Members, members);
        set(Section::Blocks, self.block_section());
        set(Section::Texts, std::mem::take(&mut self.texts.packed));
        set(Section::Kev, kev);
        set(Section::Epss, self.epss_section());
        Ok(sections)
    }

    fn close(&self, live: &HashSet<u32>) -> Closure {
        let links: Vec<Link<'_>> = (0_u32..)
            .zip(&self.drafts)
            .filter(|(number, _)| live.contains(number))
            .map(|(record, draft)| Link {
                record,
                id: draft.id,
                aliases: &draft.aliases,
                upstream: &draft.upstream,
            })
            .collect();
        aliases::close(&links, |id| self.strings.text(id))
    }

    /// Keys, hash slots, entries, and the records per ecosystem.
    #[expect(clippy::type_complexity, reason = "four sections that can only be made together, used once")]
    fn key_sections(&mut self) -> Result<(Vec<u8>, Vec<u8>, Vec<u8>, BTreeMap<String, u64>), AdvisoryError> {
        let strings = &self.strings;
        let record_id = |entry: &EntryDraft| {
            self.drafts.get(entry.record as usize).map_or("", |draft| strings.text(draft.id))
        };
        let mut order = std::mem::take(&mut self.entries);
        order.sort_by(|a, b| {
            let key =
                |entry: &EntryDraft| (strings.text(entry.key.0), strings.text(entry.key.1), record_id(entry));
            key(a).cmp(&key(b)).then(a.start.cmp(&b.start))
        });
        let mut per_ecosystem: BTreeMap<u32, HashSet<u32>> = BTreeMap::new();
        let (mut keys, mut entries, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
        for group in order.chunk_by(|a, b| a.key == b.key) {
            let Some(first) = group.first() else { continue };
            let start = entries.len();
            put(&mut entries, u32::try_from(group.len()).unwrap_or(u32::MAX));
            for entry in group {
                let bytes = self.entry_bytes.get(entry.start..entry.start + entry.length).unwrap_or_default();
                put(&mut entries, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
                entries.extend_from_slice(bytes);
                per_ecosystem.entry(first.key.0).or_default().insert(entry.record);
            }
            let too_large = || AdvisoryError::TooLarge { what: "list of packages", limit: "4 GiB" };
            let place = (u32::try_from(start).map_err(|_| too_large())?, entries.len() - start);
            let length = u32::try_from(place.1).map_err(|_| too_large())?;
            keys.extend(little_endian(&[first.key.0, first.key.1, place.0, length]));
            hashes.push(format::key_hash(strings.text(first.key.0), strings.text(first.key.1)));
        }
        let counts =
            per_ecosystem.iter().map(|(e, records)| (strings.text(*e).to_owned(), records.len() as u64));
        let counts = counts.collect();
        Ok((keys, hash_slots(&hashes), entries, counts))
    }

    /// Id, time of change, word, own class, classes of its findings, ratings, place of its texts.
    fn record_sections(&self, closure: &Closure) -> Result<(Vec<u8>, Vec<u8>), AdvisoryError> {
        let mut own = HashMap::new();
        for (class, item) in (0_u32..).zip(&closure.classes) {
            own.extend(item.records.iter().map(|record| (*record, class)));
        }
        let (mut offsets, mut details) = (Vec::new(), Vec::new());
        for (number, draft) in (0_u32..).zip(&self.drafts) {
            offsets.push(section_offset(&details)?);
            // A record that was replaced keeps its number, so that numbers stay valid, but says nothing.
            let Some(class) = own.get(&number) else { continue };
            put(&mut details, draft.id);
            put(&mut details, draft.modified);
            put(&mut details, draft.word);
            put(&mut details, *class);
            let targets = closure.targets.get(&number).map(Vec::as_slice).unwrap_or_default();
            put_list(&mut details, targets.iter().copied());
            let ratings: Vec<u32> = draft.ratings.iter().flat_map(|(kind, score)| [*kind, *score]).collect();
            put_list(&mut details, ratings.into_iter());
            put(&mut details, draft.place.0);
            put(&mut details, draft.place.1);
        }
        offsets.push(section_offset(&details)?);
        Ok((little_endian(&offsets), details))
    }

    fn block_section(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (start, packed, length) in &self.texts.blocks {
            bytes.extend_from_slice(&start.to_le_bytes());
            bytes.extend(little_endian(&[*packed, *length]));
        }
        bytes
    }

    fn kev_section(&mut self) -> Result<Vec<u8>, AdvisoryError> {
        let mut bytes = Vec::new();
        for (cve, kev) in &self.kev {
            let added = self.strings.number(&kev.added)?;
            let due = self.strings.number(kev.due.as_deref().unwrap_or_default())?;
            bytes.extend_from_slice(&cve.to_le_bytes());
            bytes.extend(little_endian(&[added, due, u32::from(kev.ransomware)]));
        }
        Ok(bytes)
    }

    fn epss_section(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (cve, score) in &self.epss {
            bytes.extend_from_slice(&cve.to_le_bytes());
            bytes.extend(little_endian(&[score.score, score.percentile]));
        }
        bytes
    }

    fn meta(&self, origin: &Origin, live: &HashSet<u32>, counts: BTreeMap<String, u64>, keys: usize) -> Meta {
        let newest = live
            .iter()
            .filter_map(|number| self.drafts.get(*number as usize))
            .map(|draft| self.strings.text(draft.modified))
            .max_by(|a, b| moment(a).cmp(moment(b)))
            .unwrap_or_default();
        Meta {
            source: origin.source.clone(),
            sample: origin.sample,
            as_of: newest.to_owned(),
            records: live.len() as u64,
            packages: keys as u64,
            kev: self.kev.len() as u64,
            epss: self.epss.len() as u64,
            ecosystems: counts,
        }
    }
}

/// The first section, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Meta {
    pub(super) source: String,
    pub(super) sample: bool,
    pub(super) as_of: String,
    pub(super) records: u64,
    pub(super) packages: u64,
    pub(super) kev: u64,
    pub(super) epss: u64,
    pub(super) ecosystems: BTreeMap<String, u64>,
}

/// A time as text that sorts: feeds write UTC with `Z`, with or without a fraction of a second.
pub(crate) fn moment(text: &str) -> &str {
    text.trim_end_matches(['Z', 'z'])
}

fn class_sections(closure: &Closure) -> Result<(Vec<u8>, Vec<u8>), AdvisoryError> {
    let (mut offsets, mut members) = (Vec::new(), Vec::new());
    for class in &closure.classes {
        offsets.push(section_offset(&members)?);
        put_list(&mut members, class.ids.iter().copied());
        put_list(&mut members, class.records.iter().copied());
    }
    offsets.push(section_offset(&members)?);
    Ok((little_endian(&offsets), members))
}

fn section_offset(bytes: &[u8]) -> Result<u32, AdvisoryError> {
    u32::try_from(bytes.len())
        .map_err(|_| AdvisoryError::TooLarge { what: "list of records", limit: "4 GiB" })
}

/// Twice as many slots as keys at least, so that probes stay short.
fn hash_slots(hashes: &[u64]) -> Vec<u8> {
    let count = (hashes.len() * 2).next_power_of_two().max(2);
    let mut slots = vec![(0_u32, 0_u32); count];
    for (key, hash) in (1_u32..).zip(hashes) {
        let mut at = usize::try_from(hash & (count as u64 - 1)).unwrap_or(0);
        while slots.get(at).is_some_and(|slot| slot.1 != 0) {
            at = (at + 1) % count;
        }
        if let Some(slot) = slots.get_mut(at) {
            *slot = (format::tag(*hash), key);
        }
    }
    slots.iter().flat_map(|(tag, key)| little_endian(&[*tag, *key])).collect()
}

fn little_endian(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn write_file(sections: &[Vec<u8>; SECTIONS], out: &mut impl Write) -> Result<(), AdvisoryError> {
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&(SECTIONS as u32).to_le_bytes());
    let mut offset = HEADER as u64;
    for section in sections {
        header.extend_from_slice(&offset.to_le_bytes());
        header.extend_from_slice(&(section.len() as u64).to_le_bytes());
        header.extend_from_slice(blake3::hash(section).as_bytes());
        offset += section.len() as u64;
    }
    let checksum = blake3::hash(&header);
    header.extend_from_slice(checksum.as_bytes());
    let write = |source| AdvisoryError::Write { path: "advisory index".into(), source };
    out.write_all(&header).map_err(write)?;
    for section in sections {
        out.write_all(section).map_err(write)?;
    }
    out.flush().map_err(write)
}
