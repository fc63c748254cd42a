//! Message ids.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

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
    ids: HashSet<[u64; 2]>,
}

impl Seen {
    /// Whether an id is new.
    pub(super) fn insert(&mut self, id: &str) -> bool {
        self.ids.insert(self.keys.each_ref().map(|key| key.hash_one(id)))
    }
}
