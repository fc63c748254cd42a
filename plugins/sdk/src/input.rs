//! A selected file and its bytes, whole or in parts.

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom};
use std::str::Utf8Chunk;

use crate::Unreadable;

/// A file that one or more of the manifest's interests selected.
#[derive(Debug)]
pub struct InputFile {
    /// Path in the root, without a leading slash. May hold any character but NUL.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Names of the interests that selected it.
    pub interests: Vec<String>,
    /// Its bytes.
    pub body: Body,
}

/// The bytes of a file.
pub enum Body {
    /// All of them.
    Whole(Vec<u8>),
    /// A handle to read parts from.
    Parts(Box<dyn ReadAt>),
}

/// Bytes that are read in parts, so that a file larger than the plugin's memory can be understood.
pub trait ReadAt {
    /// Length in bytes.
    fn size(&self) -> u64;

    /// Up to `length` bytes from `offset`; fewer only at the end.
    ///
    /// # Errors
    /// The platform refuses, mostly because the call's copy limit is used up.
    fn read_at(&self, offset: u64, length: u32) -> io::Result<Vec<u8>>;
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::Parts(parts) => write!(f, "Parts({} bytes)", parts.size()),
        }
    }
}

impl InputFile {
    /// A file in memory, for tests.
    #[must_use]
    pub fn whole(path: impl Into<String>, interest: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self {
            path: path.into(),
            size: bytes.len() as u64,
            interests: vec![interest.into()],
            body: Body::Whole(bytes),
        }
    }

    /// Whether this interest selected the file.
    #[must_use]
    pub fn selected_by(&self, interest: &str) -> bool {
        self.interests.iter().any(|name| name == interest)
    }

    /// All bytes of a file that may not be larger than `size_max`.
    ///
    /// # Errors
    /// The file is larger, or the platform refuses to hand it over.
    pub fn bytes(&self, size_max: u64) -> Result<Cow<'_, [u8]>, Unreadable> {
        self.body.bytes(size_max)
    }

    /// The file as text; bytes that are not UTF-8 become the replacement character.
    ///
    /// # Errors
    /// As [`Self::bytes`]. The replacement character is three bytes long, and the text may not be larger than `size_max`
    /// either.
    pub fn text(&self, size_max: u64) -> Result<Cow<'_, str>, Unreadable> {
        self.body.text(size_max)
    }

    /// The file as a stream that can seek.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        self.body.reader()
    }
}

impl Body {
    /// Length in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Parts(parts) => parts.size(),
        }
    }

    /// All bytes, if they are not more than `size_max`.
    ///
    /// # Errors
    /// There are more, or the platform refuses to hand them over.
    pub fn bytes(&self, size_max: u64) -> Result<Cow<'_, [u8]>, Unreadable> {
        match self {
            Self::Whole(bytes) if bytes.len() as u64 <= size_max => Ok(Cow::Borrowed(bytes)),
            Self::Parts(parts) if parts.size() <= size_max => {
                // Grown step by step, it would take twice the memory for a while.
                let mut bytes = Vec::with_capacity(usize::try_from(parts.size()).unwrap_or_default());
                self.reader().read_to_end(&mut bytes).map_err(|error| error.to_string())?;
                Ok(Cow::Owned(bytes))
            }
            _ => Err(format!("the file has {} bytes; more than {size_max} are not read", self.size()).into()),
        }
    }

    /// The bytes as text; those that are not UTF-8 become the replacement character.
    ///
    /// # Errors
    /// As [`InputFile::text`].
    pub fn text(&self, size_max: u64) -> Result<Cow<'_, str>, Unreadable> {
        Ok(match self.bytes(size_max)? {
            Cow::Borrowed(bytes) => match simdutf8::basic::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(lossy(bytes, size_max)?),
            },
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => lossy(error.as_bytes(), size_max)?,
            }),
        })
    }

    /// The bytes as a stream that can seek.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        Reader { body: self, position: 0, kept: Vec::new(), kept_at: 0 }
    }
}

fn lossy(bytes: &[u8], size_max: u64) -> Result<String, Unreadable> {
    let mark = |chunk: &Utf8Chunk<'_>| if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
    let size: usize = bytes.utf8_chunks().map(|chunk| chunk.valid().len() + mark(&chunk).len()).sum();
    if size as u64 > size_max {
        return Err(format!("the file is not UTF-8, and more than {size_max} bytes as text").into());
    }
    let mut text = String::with_capacity(size);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(mark(&chunk));
    }
    Ok(text)
}

/// A file as `Read + Seek`. Keeps one window of 16 KiB: small reads then cost few calls to the
/// platform, and little is copied that nobody looks at.
#[derive(Debug)]
pub struct Reader<'a> {
    body: &'a Body,
    position: u64,
    kept: Vec<u8>,
    kept_at: u64,
}

/// Bytes fetched for a small read.
const WINDOW: u32 = 16 * 1024;

impl Reader<'_> {
    /// Length of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.body.size()
    }

    /// What is at hand from the position on.
    fn window(&mut self, wanted: usize) -> io::Result<&[u8]> {
        let parts = match self.body {
            Body::Whole(bytes) => return Ok(tail(bytes, self.position)),
            Body::Parts(parts) => parts,
        };
        let end = self.kept_at.saturating_add(self.kept.len() as u64);
        if !(self.kept_at..end).contains(&self.position) {
            let length = u32::try_from(wanted).unwrap_or(u32::MAX).clamp(WINDOW, 64 * WINDOW);
            self.kept = parts.read_at(self.position, length)?;
            self.kept_at = self.position;
        }
        Ok(tail(&self.kept, self.position - self.kept_at))
    }
}

fn tail(bytes: &[u8], from: u64) -> &[u8] {
    usize::try_from(from).ok().and_then(|from| bytes.get(from..)).unwrap_or_default()
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.position >= self.size() {
            return Ok(0);
        }
        let count = self.window(buffer.len())?.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, InputFile, ReadAt};
    use std::io::{Read as _, Seek as _, SeekFrom};

    struct Slow(Vec<u8>);

    impl ReadAt for Slow {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }
        fn read_at(&self, offset: u64, length: u32) -> std::io::Result<Vec<u8>> {
            let rest = self.0.get(offset as usize..).unwrap_or_default();
            Ok(rest[..rest.len().min(length as usize)].to_vec())
        }
    }

    fn both(bytes: &[u8]) -> [InputFile; 2] {
        let parts = InputFile {
            body: Body::Parts(Box::new(Slow(bytes.to_vec()))),
            ..InputFile::whole("a", "i", vec![])
        };
        [InputFile::whole("a", "i", bytes.to_vec()), parts]
    }

    #[test]
    fn text_that_is_not_utf_8_stays_within_the_bound() {
        for file in both(b"a\xff\xe2\x82b\xc3") {
            assert_eq!(file.text(11).unwrap(), "a\u{fffd}\u{fffd}b\u{fffd}");
            assert!(file.text(10).is_err());
        }
    }

    #[test]
    fn a_handle_reads_like_bytes_in_memory() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        for file in both(&bytes) {
            assert_eq!(file.bytes(200_000).unwrap().as_ref(), bytes);
            assert!(file.bytes(199_999).is_err());
            let mut reader = file.reader();
            let mut four = [0; 4];
            for at in [0, 65_534, 131_071, 3, 199_996] {
                reader.seek(SeekFrom::Start(at)).unwrap();
                reader.read_exact(&mut four).unwrap();
                assert_eq!(four, bytes[at as usize..at as usize + 4]);
            }
            assert_eq!(reader.read(&mut four).unwrap(), 0);
            assert_eq!(reader.seek(SeekFrom::Start(u64::MAX)).unwrap(), u64::MAX);
            assert_eq!(reader.read(&mut four).unwrap(), 0);
            assert!(reader.seek(SeekFrom::Current(1)).is_err());
        }
    }
}
