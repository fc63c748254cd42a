//! Reads the index file where it lies.
//!
//! Nothing is decoded when it is opened except the small first section. Every position and length in the file is checked when it
//! is followed, so a damaged file gives [`AdvisoryError::IndexDamaged`], never a panic and never another record's data unseen.

use std::collections::BTreeMap;
use std::path::Path;

use model::{Epss, Kev};
use serde::Serialize;

use super::builder::Meta;
use super::format::{
    self, BLOCK_LINE, Cursor, EPSS_LINE, HEADER, KEV_LINE, KEY_LINE, MAGIC, SECTION_LINE, SECTIONS,
    SLOT_LINE, Section, VERSION, u32_at, u32_in, u64_in,
};
use super::mapping::Mapping;
pub use super::text::Texts;
use crate::AdvisoryError;
use crate::exploitation::{Score, cve_number};
use crate::judge::names;

/// What is in an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexInfo {
    /// Where the data came from, for people.
    pub source: String,
    /// Latest change of any record, as its feed writes it.
    pub as_of: String,
    /// Digest of the content, `blake3:` and 64 hexadecimal digits.
    pub digest: String,
    /// It is only the sample that ships with the product.
    pub sample: bool,
    /// Records.
    pub records: u64,
    /// Pairs of ecosystem and package name.
    pub packages: u64,
    /// Known exploited vulnerabilities.
    pub kev: u64,
    /// Vulnerabilities with an EPSS score.
    pub epss: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Records per ecosystem.
    pub ecosystems: BTreeMap<String, u64>,
}

/// An open index. Cheap to share: every method takes `&self` and no lock.
#[derive(Debug)]
pub struct Index {
    map: Mapping,
    sections: [(usize, usize); SECTIONS],
    info: IndexInfo,
    slots: usize,
}

/// What kind of border an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// First affected version.
    Introduced,
    /// First version not affected any more.
    Fixed,
    /// Last affected version.
    LastAffected,
    /// Nothing is said from here on.
    Limit,
}

/// What one record says of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Number of the record.
    pub record: u32,
    /// The package's name as the record writes it.
    pub name: &'a str,
    /// The vendor's word for this package, or nothing.
    pub word: &'a str,
    /// Module stream that the fix belongs to, or nothing.
    pub stream: &'a str,
    /// Type and score of ratings for this package alone.
    pub ratings: Vec<(&'a str, &'a str)>,
    /// Ranges, each with its events from old to new.
    pub ranges: Vec<Vec<(EventKind, &'a str)>>,
    /// Affected versions that no range covers.
    pub versions: Vec<&'a str>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// Its id.
    pub id: &'a str,
    /// When it was last changed, as the feed writes it.
    pub modified: &'a str,
    /// Its publisher's word, or nothing.
    pub word: &'a str,
    /// Number of its own alias class.
    pub class: u32,
    /// Numbers of the classes that its findings belong to.
    pub targets: Vec<u32>,
    /// Type and score of its ratings.
    pub ratings: Vec<(&'a str, &'a str)>,
    place: (u32, u32),
}

/// Ids that mean the same vulnerability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class<'a> {
    /// The primary one first.
    pub ids: Vec<&'a str>,
    /// Numbers of the records among them.
    pub records: Vec<u32>,
}

impl Index {
    /// Opens an index file and checks its header.
    ///
    /// # Errors
    /// The file cannot be read, or is no index of this version.
    pub fn open(path: &Path) -> Result<Self, AdvisoryError> {
        let map = Mapping::open(path)?;
        let form =
            |reason: &str| AdvisoryError::IndexForm { path: path.to_owned(), reason: reason.to_owned() };
        let bytes = map.bytes();
        let header = bytes.get(..HEADER).ok_or_else(|| form("it is shorter than a header"))?;
        if !header.starts_with(MAGIC) {
            return Err(form("its first bytes are not those of an index"));
        }
        if u32_in(header, 8) != Some(VERSION) || u32_in(header, 12) != Some(SECTIONS as u32) {
            return Err(form("it was written by another version"));
        }
        let (table, checksum) = header.split_at(HEADER - 32);
        if blake3::hash(table).as_bytes().as_slice() != checksum {
            return Err(form("its header is damaged"));
        }
        let sections =
            section_table(table, bytes.len()).ok_or_else(|| form("a section lies outside of the file"))?;
        let mut index = Self { sections, info: IndexInfo::empty(), slots: 0, map };
        let meta: Meta = serde_json::from_slice(index.section(Section::Meta))
            .map_err(|_| form("its summary is damaged"))?;
        index.slots = index.section(Section::Slots).len() / SLOT_LINE;
        if !index.slots.is_power_of_two() {
            return Err(form("its hash table is damaged"));
        }
        let digest =
            format!("blake3:{}", blake3::hash(index.map.bytes().get(..HEADER).unwrap_or_default()).to_hex());
        index.info = IndexInfo::new(meta, digest, index.map.bytes().len() as u64);
        Ok(index)
    }

    /// Checks every section against its digest.
    ///
    /// # Errors
    /// A section was changed after it was written.
    pub fn verify(&self) -> Result<(), AdvisoryError> {
        for number in 0..SECTIONS {
            let line = 16 + number * SECTION_LINE + 16;
            let digest = self.map.bytes().get(line..line + 32).unwrap_or_default();
            let (start, length) = self.sections.get(number).copied().unwrap_or_default();
            let section = self.map.bytes().get(start..start + length).unwrap_or_default();
            if blake3::hash(section).as_bytes().as_slice() != digest {
                return Err(AdvisoryError::IndexDamaged { what: "content of a section" });
            }
        }
        Ok(())
    }

    /// What is in it.
    #[must_use]
    pub fn info(&self) -> &IndexInfo {
        &self.info
    }

    /// What the records say of a package. `ecosystem` is exact (`Debian:12`, `PyPI`); the name is brought into the ecosystem's
    /// normal form first.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn lookup(&self, ecosystem: &str, name: &str) -> Result<Entries<'_>, AdvisoryError> {
        self.lookup_normalised(ecosystem, &names::normalise(ecosystem, name))
    }

    pub(crate) fn lookup_normalised(
        &self,
        ecosystem: &str,
        name: &str,
    ) -> Result<Entries<'_>, AdvisoryError> {
        match self.find(ecosystem, name) {
            Some(Some(place)) => self.entries(place),
            Some(None) => Ok(Entries { index: self, left: 0, cursor: Cursor(&[]) }),
            None => Err(AdvisoryError::IndexDamaged { what: "hash table" }),
        }
    }

    /// Every key, sorted: ecosystem and normal name.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn keys(&self) -> impl Iterator<Item = Result<(&str, &str), AdvisoryError>> {
        let count = self.section(Section::Keys).len() / KEY_LINE;
        (0..count).map(|number| {
            self.key(number).map(|key| (key.0, key.1)).ok_or(AdvisoryError::IndexDamaged { what: "keys" })
        })
    }

    /// A record by its number.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn record(&self, number: u32) -> Result<RecordView<'_>, AdvisoryError> {
        self.read_record(number).ok_or(AdvisoryError::IndexDamaged { what: "records" })
    }

    /// An alias class by its number.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn class(&self, number: u32) -> Result<Class<'_>, AdvisoryError> {
        self.read_class(number).ok_or(AdvisoryError::IndexDamaged { what: "alias classes" })
    }

    /// The texts of a record.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn texts(&self, record: &RecordView<'_>) -> Result<Texts, AdvisoryError> {
        self.block(record.place.0)
            .and_then(|block| super::text::read(&block, record.place.1))
            .ok_or(AdvisoryError::IndexDamaged { what: "texts" })
    }

    /// The catalogue's entry for a CVE.
    #[must_use]
    pub fn kev(&self, cve: &str) -> Option<Kev> {
        let section = self.section(Section::Kev);
        let line = find_line(section, KEV_LINE, cve_number(cve)?)?;
        let due = self.text(u32_in(line, 12)?)?;
        Some(Kev {
            added: self.text(u32_in(line, 8)?)?.to_owned(),
            due: (!due.is_empty()).then(|| due.to_owned()),
            ransomware: u32_in(line, 16)? != 0,
        })
    }

    /// The score of a CVE.
    #[must_use]
    pub fn epss(&self, cve: &str) -> Option<Epss> {
        let line = find_line(self.section(Section::Epss), EPSS_LINE, cve_number(cve)?)?;
        Some(Score { score: u32_in(line, 8)?, percentile: u32_in(line, 12)? }.into())
    }

    pub(crate) fn block(&self, number: u32) -> Option<Vec<u8>> {
        let blocks = self.section(Section::Blocks);
        let line = usize::try_from(number).ok()?.checked_mul(BLOCK_LINE)?;
        let start = usize::try_from(u64_in(blocks, line)?).ok()?;
        let packed = u32_in(blocks, line + 8)? as usize;
        let bytes = self.section(Section::Texts).get(start..start.checked_add(packed)?)?;
        super::text::unpack(bytes, u32_in(blocks, line + 12)?)
    }

    pub(crate) fn text_place(record: &RecordView<'_>) -> (u32, u32) {
        record.place
    }

    fn section(&self, section: Section) -> &[u8] {
        let (start, length) = self.sections.get(section as usize).copied().unwrap_or_default();
        // Checked when the file was opened.
        self.map.bytes().get(start..start + length).unwrap_or_default()
    }

    fn text(&self, number: u32) -> Option<&str> {
        let offsets = self.section(Section::Offsets);
        let number = number as usize;
        let start = match number.checked_sub(1) {
            Some(before) => u32_at(offsets, before)?,
            None => 0,
        };
        let bytes = self.section(Section::Strings).get(start as usize..u32_at(offsets, number)? as usize)?;
        std::str::from_utf8(bytes).ok()
    }

    fn key(&self, number: usize) -> Option<(&str, &str, (u32, u32))> {
        let keys = self.section(Section::Keys);
        let line = keys.get(number.checked_mul(KEY_LINE)?..)?;
        let place = (u32_in(line, 8)?, u32_in(line, 12)?);
        Some((self.text(u32_in(line, 0)?)?, self.text(u32_in(line, 4)?)?, place))
    }

    /// The outer option is damage, the inner one absence.
    #[expect(
        clippy::option_option,
        reason = "damage and absence are different answers of a private function"
    )]
    fn find(&self, ecosystem: &str, name: &str) -> Option<Option<(u32, u32)>> {
        let hash = format::key_hash(ecosystem, name);
        let slots = self.section(Section::Slots);
        let mask = self.slots.checked_sub(1)?;
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
        let start = hash as usize & mask;
        for step in 0..self.slots {
            let line = ((start + step) & mask) * SLOT_LINE;
            let key = u32_in(slots, line + 4)?;
            if key == 0 {
                return Some(None);
            }
            if u32_in(slots, line)? == format::tag(hash) {
                let (known_ecosystem, known_name, place) = self.key(key as usize - 1)?;
                if known_ecosystem == ecosystem && known_name == name {
                    return Some(Some(place));
                }
            }
        }
        Some(None)
    }

    fn entries(&self, (start, length): (u32, u32)) -> Result<Entries<'_>, AdvisoryError> {
        let damaged = AdvisoryError::IndexDamaged { what: "entries" };
        let start = start as usize;
        let bytes =
            start.checked_add(length as usize).and_then(|end| self.section(Section::Entries).get(start..end));
        let Some(bytes) = bytes else { return Err(damaged) };
        let mut cursor = Cursor(bytes);
        match cursor.number() {
            Some(left) => Ok(Entries { index: self, left, cursor }),
            None => Err(damaged),
        }
    }

    fn read_entry(&self, bytes: &[u8]) -> Option<Entry<'_>> {
        let mut cursor = Cursor(bytes);
        let record = cursor.number()?;
        let name = self.text(cursor.number()?)?;
        let word = self.text(cursor.number()?)?;
        let stream = self.text(cursor.number()?)?;
        let ratings = self.pairs(&cursor.list()?)?;
        let count = cursor.number()?;
        let mut ranges = Vec::new();
        for _ in 0..count {
            let events = cursor.number()?;
            let mut range = Vec::new();
            for _ in 0..events {
                let kind = match cursor.bytes(1)? {
                    [0] => EventKind::Introduced,
                    [1] => EventKind::Fixed,
                    [2] => EventKind::LastAffected,
                    [3] => EventKind::Limit,
                    _ => return None,
                };
                range.push((kind, self.text(cursor.number()?)?));
            }
            ranges.push(range);
        }
        let versions = cursor.list()?.into_iter().map(|version| self.text(version)).collect::<Option<_>>()?;
        Some(Entry { record, name, word, stream, ratings, ranges, versions })
    }

    fn pairs(&self, numbers: &[u32]) -> Option<Vec<(&str, &str)>> {
        numbers
            .chunks_exact(2)
            .map(|pair| Some((self.text(*pair.first()?)?, self.text(*pair.last()?)?)))
            .collect()
    }

    fn line(&self, offsets: Section, data: Section, number: u32) -> Option<Cursor<'_>> {
        let offsets = self.section(offsets);
        let number = usize::try_from(number).ok()?;
        let (start, end) = (u32_at(offsets, number)?, u32_at(offsets, number.checked_add(1)?)?);
        Some(Cursor(self.section(data).get(start as usize..end as usize)?))
    }

    fn read_record(&self, number: u32) -> Option<RecordView<'_>> {
        let mut cursor = self.line(Section::Records, Section::Details, number)?;
        let id = self.text(cursor.number()?)?;
        let modified = self.text(cursor.number()?)?;
        let word = self.text(cursor.number()?)?;
        let class = cursor.number()?;
        let targets = cursor.list()?;
        let ratings = self.pairs(&cursor.list()?)?;
        let place = (cursor.number()?, cursor.number()?);
        Some(RecordView { id, modified, word, class, targets, ratings, place })
    }

    fn read_class(&self, number: u32) -> Option<Class<'_>> {
        let mut cursor = self.line(Section::Classes, Section::Members, number)?;
        let ids = cursor.list()?.into_iter().map(|id| self.text(id)).collect::<Option<Vec<_>>>()?;
        Some(Class { ids, records: cursor.list()? })
    }
}

impl IndexInfo {
    fn empty() -> Self {
        let meta = Meta {
            source: String::new(),
            sample: false,
            as_of: String::new(),
            records: 0,
            packages: 0,
            kev: 0,
            epss: 0,
            ecosystems: BTreeMap::new(),
        };
        Self::new(meta, String::new(), 0)
    }

    fn new(meta: Meta, digest: String, bytes: u64) -> Self {
        Self {
            source: meta.source,
            as_of: meta.as_of,
            digest,
            sample: meta.sample,
            records: meta.records,
            packages: meta.packages,
            kev: meta.kev,
            epss: meta.epss,
            bytes,
            ecosystems: meta.ecosystems,
        }
    }
}

/// The entries of one package, ordered by record id.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    index: &'a Index,
    left: u32,
    cursor: Cursor<'a>,
}

impl Entries<'_> {
    /// Entries not read yet. None means that no record names the package.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.left
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, AdvisoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let mut cursor = self.cursor;
        let entry = cursor
            .number()
            .and_then(|length| cursor.bytes(length))
            .and_then(|bytes| self.index.read_entry(bytes));
        self.cursor = cursor;
        if entry.is_none() {
            self.left = 0;
        }
        Some(entry.ok_or(AdvisoryError::IndexDamaged { what: "entries" }))
    }
}

fn section_table(table: &[u8], length: usize) -> Option<[(usize, usize); SECTIONS]> {
    let mut sections = [(0, 0); SECTIONS];
    for (number, section) in sections.iter_mut().enumerate() {
        let line = 16 + number * SECTION_LINE;
        let start = usize::try_from(u64_in(table, line)?).ok()?;
        let size = usize::try_from(u64_in(table, line + 8)?).ok()?;
        if start.checked_add(size)? > length {
            return None;
        }
        *section = (start, size);
    }
    Some(sections)
}

/// Binary search in lines of fixed length that begin with a sorted number.
fn find_line(section: &[u8], line: usize, wanted: u64) -> Option<&[u8]> {
    let (mut low, mut high) = (0, section.len() / line);
    while low < high {
        let middle = low.midpoint(high);
        let found = section.get(middle * line..(middle + 1) * line)?;
        match u64_in(found, 0)?.cmp(&wanted) {
            std::cmp::Ordering::Equal => return Some(found),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}
