//! Message ids.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use model::event::EventSource;

use crate::limits;

/// The id of an event: the source and its own id for the event, or `b3:` and the first 32 hexadecimal digits of the BLAKE3 hash of
/// the object's text where it has none, or one longer than [`limits::EVENT_KEY_BYTES`].
#[must_use]
pub fn of(source: EventSource, native: Option<&str>, raw: &str) -> String {
    match native {
        Some(native) if native.len() <= limits::EVENT_KEY_BYTES => [source.as_str(), ":", native].concat(),
        _ => {
            let hash = blake3::hash(raw.as_bytes()).to_hex();
            [source.as_str(), ":b3:", hash.as_str().get(..32).unwrap_or_default()].concat()
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
