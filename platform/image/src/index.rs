//! What a layer does to the file system, small enough to keep for every layer ever read.
//!
//! Whether a file of a lower layer is still there depends on the names of upper layers alone, so that is all that is
//! kept: per entry a 94-bit hash of its path and two bits for what it is, twelve bytes. 64 bits would do against
//! chance; against an image whose author searches for a name that hides another one they would not, and the work of
//! 94 is out of reach even with five million names to hit (2^72 hashes). No secret key is needed that way, and an
//! index is the same on every machine.

use model::Gap;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::ImageError;

/// First byte of every stored index; another value means it must be built again.
const VERSION: u8 = 1;

/// What an entry means to the layers below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// Anything but a directory: hides what has its path, and what lies below it.
    File = 0,
    /// Hides a file of its path; what lies below it in lower layers stays.
    Directory = 1,
    /// Removes its path and what lies below it from lower layers.
    Whiteout = 2,
    /// Removes what lies below its path from lower layers.
    Opaque = 3,
}

/// Hash and mark of one entry. The mark sits in the lowest two bits, so the marks of one path are neighbours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Tag([u32; 3]);

impl Tag {
    pub(crate) fn new(path: &str, mark: Mark) -> Self {
        Self::hash(path).with(mark)
    }

    /// The tag with the lowest mark of its path.
    pub(crate) fn hash(path: &str) -> Self {
        let hash = blake3::hash(path.as_bytes());
        let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = *hash.as_bytes();
        Self([
            u32::from_be_bytes([a, b, c, d]),
            u32::from_be_bytes([e, f, g, h]),
            u32::from_be_bytes([i, j, k, l]) & !3,
        ])
    }

    pub(crate) fn with(self, mark: Mark) -> Self {
        let Self([a, b, c]) = self;
        Self([a, b, (c & !3) | mark as u32])
    }

    pub(crate) fn mark(self) -> Mark {
        match self.0[2] & 3 {
            0 => Mark::File,
            1 => Mark::Directory,
            2 => Mark::Whiteout,
            _ => Mark::Opaque,
        }
    }

    pub(crate) fn unmarked(self) -> Self {
        self.with(Mark::File)
    }

    fn to_bytes(self) -> [u8; 12] {
        let [a, b, c] = self.0.map(u32::to_be_bytes);
        let mut bytes = [0; 12];
        for (to, from) in bytes.iter_mut().zip(a.into_iter().chain(b).chain(c)) {
            *to = from;
        }
        bytes
    }

    fn from_bytes(bytes: [u8; 12]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
        Self([
            u32::from_be_bytes([a, b, c, d]),
            u32::from_be_bytes([e, f, g, h]),
            u32::from_be_bytes([i, j, k, l]),
        ])
    }
}

/// A symbolic link that an exact path interest goes through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// The path that was asked for.
    pub path: String,
    /// Where it leads, followed as far as this layer knows.
    pub target: String,
    /// Whether the target is a file of this layer. Else another layer must have it.
    pub here: bool,
}

/// Figures of one layer, for people and benches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Entries of any kind.
    pub entries: u64,
    /// Regular files and hard links.
    pub files: u64,
    /// Whiteouts and opaque marks.
    pub whiteouts: u64,
    /// Bytes read from the source.
    pub packed_bytes: u64,
    /// Bytes of the tar stream, or of the files read from a directory.
    pub unpacked_bytes: u64,
    /// Files handed to the sink.
    pub selected: u64,
    /// Their bytes.
    pub selected_bytes: u64,
}

/// What one layer adds, hides and could not tell. Belongs to the content of the layer and the selector alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerIndex {
    /// Sorted, without doubles.
    pub(crate) tags: Vec<Tag>,
    pub(crate) links: Vec<Link>,
    pub(crate) superseded: Vec<u64>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) counters: Counters,
}

/// The parts that are words and figures, stored behind the tags.
#[derive(Serialize, Deserialize)]
struct Words {
    links: Vec<Link>,
    superseded: Vec<u64>,
    gaps: Vec<Gap>,
    counters: Counters,
}

impl LayerIndex {
    /// What was not seen, sorted. Gaps on files that a layer above removes can be left out; see
    /// [`Overlay::gaps`](crate::Overlay::gaps).
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Figures.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Ordinals of handed-over files that the same layer later replaces or buries; sorted. What was found in those
    /// files must be dropped.
    #[must_use]
    pub fn superseded(&self) -> &[u64] {
        &self.superseded
    }

    /// Symbolic links that exact path interests go through.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    pub(crate) fn has(&self, tag: Tag) -> bool {
        self.tags.binary_search(&tag).is_ok()
    }

    /// The index as bytes, to be kept with the results of its layer.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + self.tags.len() * 12);
        bytes.push(VERSION);
        bytes.extend((self.tags.len() as u64).to_be_bytes());
        for tag in &self.tags {
            bytes.extend(tag.to_bytes());
        }
        let words = Words {
            links: self.links.clone(),
            superseded: self.superseded.clone(),
            gaps: self.gaps.clone(),
            counters: self.counters,
        };
        // Strings and numbers into memory: this cannot fail.
        bytes.extend(serde_json::to_vec(&words).unwrap_or_default());
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`ImageError::Index`] for anything else, also for the bytes of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ImageError> {
        let cut = ImageError::Index { why: "it is cut short" };
        let Some((version, rest)) = bytes.split_first() else { return Err(cut) };
        if *version != VERSION {
            return Err(ImageError::Index { why: "it is of another version" });
        }
        let Some((count, rest)) = rest.split_first_chunk() else { return Err(cut) };
        let split = usize::try_from(u64::from_be_bytes(*count)).ok().and_then(|count| count.checked_mul(12));
        let Some((tags, words)) = split.and_then(|split| rest.split_at_checked(split)) else {
            return Err(cut);
        };
        let tags: Vec<_> = tags.as_chunks().0.iter().map(|bytes| Tag::from_bytes(*bytes)).collect();
        if !tags.is_sorted_by(|a, b| a < b) {
            return Err(ImageError::Index { why: "its entries are not in order" });
        }
        let words: Words = serde_json::from_slice(words)
            .map_err(|_| ImageError::Index { why: "its words cannot be read" })?;
        Ok(Self {
            tags,
            links: words.links,
            superseded: words.superseded,
            gaps: words.gaps,
            counters: words.counters,
        })
    }
}

/// Bytes in binary formats, hexadecimal text in formats for people.
impl Serialize for LayerIndex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.to_bytes();
        if serializer.is_human_readable() {
            serializer.collect_str(&Hex(&bytes))
        } else {
            serializer.serialize_bytes(&bytes)
        }
    }
}

impl<'de> Deserialize<'de> for LayerIndex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            unhex(&text).ok_or_else(|| D::Error::custom("not hexadecimal"))?
        } else {
            Vec::<u8>::deserialize(deserializer)?
        };
        Self::from_bytes(&bytes).map_err(D::Error::custom)
    }
}

struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()).collect()
}
