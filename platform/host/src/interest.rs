//! Which files an image analyzer wants to see. Checked here; matched, for all plugins at once, by the crate `image`.

use serde::{Deserialize, Serialize};

use crate::error::{LoadError, shown};
use crate::manifest::{count, refuse, word};

/// Most interests of one plugin.
pub const INTERESTS_MAX: usize = 64;
/// Files up to this size are selected when an interest does not say otherwise.
pub const SIZE_MAX_DEFAULT: u64 = 64 * 1024 * 1024;

const PATHS_MAX: usize = 256;
const PATH_BYTES_MAX: usize = 512;
const MAGICS_MAX: usize = 32;
const MAGIC_BYTES_MAX: usize = 64;
/// Magic bytes are compared with the first block of a file, which is all that is buffered before the decision.
const MAGIC_END_MAX: u64 = 4_096;
const KEYWORDS_MAX: usize = 64;
const KEYWORD_BYTES: std::ops::RangeInclusive<usize> = 3..=128;
const SIZE_CEILING: u64 = 1024 * 1024 * 1024;

/// A file is selected when every clause that is given holds; at least one of paths, magic and keywords is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interest {
    /// Name, handed to the plugin with each file.
    pub name: String,
    /// Globs over the path without leading slash, any of which matches. `*` stays within a segment, `**` crosses.
    pub paths: Vec<String>,
    /// Magic bytes, any of which matches.
    pub magic: Vec<Magic>,
    /// Byte strings, any of which occurs somewhere in the content.
    pub keywords: Vec<Vec<u8>>,
    /// Smallest size in bytes.
    pub size_min: u64,
    /// Largest size in bytes.
    pub size_max: u64,
}

/// Bytes at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Magic {
    /// Offset from the start of the file.
    pub offset: u64,
    /// The bytes there.
    pub bytes: Vec<u8>,
}

/// An interest as the manifest writes it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RawInterest {
    name: String,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    magic: Vec<RawMagic>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    size_min: u64,
    size_max: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawMagic {
    offset: u64,
    bytes: String,
}

impl RawInterest {
    pub(crate) fn check(self, key: &str) -> Result<Interest, LoadError> {
        word(&format!("{key}.name"), &self.name)?;
        count(&format!("{key}.paths"), self.paths.len(), PATHS_MAX)?;
        count(&format!("{key}.magic"), self.magic.len(), MAGICS_MAX)?;
        count(&format!("{key}.keywords"), self.keywords.len(), KEYWORDS_MAX)?;
        if self.paths.is_empty() && self.magic.is_empty() && self.keywords.is_empty() {
            return refuse(key, "selects every file; give paths, magic or keywords".to_owned());
        }
        let size_max = self.size_max.unwrap_or(SIZE_MAX_DEFAULT);
        if size_max > SIZE_CEILING || self.size_min > size_max {
            return refuse(
                &format!("{key}.size-max"),
                format!("must be between size-min ({}) and {SIZE_CEILING}", self.size_min),
            );
        }
        for (index, path) in self.paths.iter().enumerate() {
            check_glob(&format!("{key}.paths[{index}]"), path)?;
        }
        let magic =
            self.magic.iter().enumerate().map(|(index, raw)| raw.check(&format!("{key}.magic[{index}]")));
        let keywords = self
            .keywords
            .iter()
            .enumerate()
            .map(|(index, text)| keyword(&format!("{key}.keywords[{index}]"), text));
        Ok(Interest {
            magic: magic.collect::<Result<_, _>>()?,
            keywords: keywords.collect::<Result<_, _>>()?,
            name: self.name,
            paths: self.paths,
            size_min: self.size_min,
            size_max,
        })
    }
}

impl RawMagic {
    fn check(&self, key: &str) -> Result<Magic, LoadError> {
        let bytes = hex(&format!("{key}.bytes"), &self.bytes)?;
        if bytes.is_empty() || bytes.len() > MAGIC_BYTES_MAX {
            return refuse(
                &format!("{key}.bytes"),
                format!("has {} bytes; allowed are 1 to {MAGIC_BYTES_MAX}", bytes.len()),
            );
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.offset.saturating_add(length) > MAGIC_END_MAX {
            return refuse(
                &format!("{key}.offset"),
                format!("is {}; the bytes must end within the first {MAGIC_END_MAX}", self.offset),
            );
        }
        Ok(Magic { offset: self.offset, bytes })
    }
}

fn keyword(key: &str, text: &str) -> Result<Vec<u8>, LoadError> {
    let bytes = match text.strip_prefix("hex:") {
        Some(digits) => hex(key, digits)?,
        None => text.as_bytes().to_vec(),
    };
    if !KEYWORD_BYTES.contains(&bytes.len()) {
        return refuse(
            key,
            format!(
                "has {} bytes; allowed are {} to {}",
                bytes.len(),
                KEYWORD_BYTES.start(),
                KEYWORD_BYTES.end()
            ),
        );
    }
    Ok(bytes)
}

fn check_glob(key: &str, path: &str) -> Result<(), LoadError> {
    if path.is_empty() || path.len() > PATH_BYTES_MAX {
        return refuse(key, format!("has {} bytes; allowed are 1 to {PATH_BYTES_MAX}", path.len()));
    }
    if path.starts_with('/') || path.contains('\0') || path.split('/').any(|s| s == ".." || s == ".") {
        return refuse(
            key,
            format!("is {:?}; allowed are globs without a leading slash, `.` and `..`", shown(path)),
        );
    }
    match globset::GlobBuilder::new(path).literal_separator(true).build() {
        Ok(_) => Ok(()),
        Err(e) => refuse(key, format!("is not a glob: {}", shown(&e.to_string()))),
    }
}

fn hex(key: &str, digits: &str) -> Result<Vec<u8>, LoadError> {
    let value = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        if pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit) {
            u8::from_str_radix(text, 16).ok()
        } else {
            None
        }
    };
    match digits.as_bytes().chunks(2).map(value).collect::<Option<Vec<u8>>>() {
        Some(bytes) => Ok(bytes),
        None => refuse(key, format!("is {:?}; allowed are pairs of hexadecimal digits", shown(digits))),
    }
}
