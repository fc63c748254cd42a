//! Message ids.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use model::event::EventSource;
use sha2::{Digest as _, Sha256};

use crate::limits;

/// The id of an event: the source and its own id for the event, or `sha256:` and the first 32 hexadecimal digits of the SHA-256 of
/// the object's text where it has none, or one longer than [`limits::EVENT_KEY_BYTES`]. Nobody may be able to make an event that has the id of another
/// one, which would then be taken for a repeat; of the functions that promise this, processors help with this one.
#[must_use]
pub fn of(source: EventSource, native: Option<&str>, raw: &str) -> String {
    match native {
        Some(native) if native.len() <= limits::EVENT_KEY_BYTES => [source.as_str(), ":", native].concat(),
        _ => {
            let hash = Sha256::digest(raw.as_bytes());
            let mut id = String::with_capacity(64);
            id.push_str(source.as_str());
            id.push_str(":sha256:");
            for byte in hash.iter().take(16) {
                id.extend(
                    [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')),
                );
            }
            id
        }
    }
}

/// The ids of one batch, as 128 bits each that nobody outside can foretell.
#[derive(Default)]
pub(super) struct Seen {
    keys: [RandomState; 2],
    ids: HashSet<[u64; 2], BuildHasherDefault<First>>,
}

impl Seen {
    /// Whether an id is new.
    pub(super) fn insert(&mut self, id: &str) -> bool {
        self.ids.insert(self.keys.each_ref().map(|key| key.hash_one(id)))
    }
}

/// Takes the first number of what is hashed already.
#[derive(Default)]
struct First(u64);

impl Hasher for First {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 ^= u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
