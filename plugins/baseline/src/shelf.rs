//! Records in the state, bounded in number: the one that was longest without an event makes room.
//!
//! A record lies under `PREFIX/HASH`, and an empty-handed mark under `PREFIX!HOUR/HASH` puts them in the order of the hour of their
//! last event, so that finding the oldest is one call.

use std::collections::BTreeMap;

use palisade_sdk::{HostError, log, state};

use crate::codec::{Input, Output};
use crate::text::hash;

/// What can be kept.
pub(crate) trait Record: Sized {
    /// Nothing where the bytes are none of it.
    fn read(input: &mut Input<'_>) -> Option<Self>;
    fn write(&self, output: &mut Output);
}

#[derive(Debug)]
struct Open<R> {
    record: R,
    hour: u64,
    changed: bool,
}

/// Records of one kind.
#[derive(Debug)]
pub(crate) struct Shelf<R> {
    prefix: &'static str,
    most: u64,
    open: BTreeMap<String, Open<R>>,
    count: Option<(u64, bool)>,
    /// Records that made room in this call.
    pub(crate) forgotten: u64,
}

impl<R: Record> Shelf<R> {
    pub(crate) fn new(prefix: &'static str, most: u64) -> Self {
        Self { prefix, most, open: BTreeMap::new(), count: None, forgotten: 0 }
    }

    /// The hash that a name has in the state.
    pub(crate) fn id(name: &str) -> String {
        let bytes = name.as_bytes();
        format!("{:016x}{:016x}", hash(&[b"a", bytes]), hash(&[b"b", bytes]))
    }

    fn key(&self, id: &str) -> String {
        format!("{}/{id}", self.prefix)
    }

    fn mark(&self, hour: u64, id: &str) -> String {
        format!("{}!{hour:012x}/{id}", self.prefix)
    }

    /// Whether there is a record, which is then open.
    pub(crate) fn load(&mut self, id: &str) -> Result<bool, HostError> {
        if self.open.contains_key(id) {
            return Ok(true);
        }
        let Some(bytes) = state::get(&self.key(id))? else { return Ok(false) };
        let mut input = Input(&bytes);
        let read = input.number().and_then(|hour| Some((hour, R::read(&mut input)?)));
        let Some((hour, record)) = read else {
            log::warn(&format!("the state under {:?} is not readable; it is learned anew", self.key(id)));
            return Ok(false);
        };
        self.open.insert(id.to_owned(), Open { record, hour, changed: false });
        Ok(true)
    }

    /// An open record.
    pub(crate) fn get(&self, id: &str) -> Option<&R> {
        self.open.get(id).map(|open| &open.record)
    }

    /// An open record, which is to be written.
    pub(crate) fn change(&mut self, id: &str) -> Option<&mut R> {
        self.open.get_mut(id).map(|open| {
            open.changed = true;
            &mut open.record
        })
    }

    /// Takes an open record out, to be put back with [`Shelf::put_back`] before anything else is asked.
    pub(crate) fn take(&mut self, id: &str) -> Option<(R, u64, bool)> {
        self.open.remove(id).map(|open| (open.record, open.hour, open.changed))
    }

    pub(crate) fn put_back(&mut self, id: &str, record: R, hour: u64, changed: bool) {
        self.open.insert(id.to_owned(), Open { record, hour, changed });
    }

    /// Notes that an open record had an event in this hour.
    pub(crate) fn touch(&mut self, id: &str, hour: u64) -> Result<(), HostError> {
        let Some(before) = self.open.get(id).map(|open| open.hour).filter(|before| *before < hour) else {
            return Ok(());
        };
        state::delete(&self.mark(before, id))?;
        if let Some(open) = self.open.get_mut(id) {
            (open.hour, open.changed) = (hour, true);
        }
        self.set_or_forget(&self.mark(hour, id), &[])
    }

    /// Adds a record, for which another may have to go.
    pub(crate) fn add(&mut self, id: &str, record: R, hour: u64) -> Result<(), HostError> {
        let mut count = self.count()?;
        while count >= self.most && self.forget_oldest()? {
            count -= 1;
        }
        self.count = Some((count + 1, true));
        self.set_or_forget(&self.mark(hour, id), &[])?;
        self.open.insert(id.to_owned(), Open { record, hour, changed: true });
        Ok(())
    }

    fn count(&mut self) -> Result<u64, HostError> {
        if let Some((count, _)) = self.count {
            return Ok(count);
        }
        let bytes = state::get(&format!("{}#", self.prefix))?.unwrap_or_default();
        let count = Input(&bytes).number().unwrap_or_default();
        self.count = Some((count, false));
        Ok(count)
    }

    /// Removes the record that was longest without an event; false where there is none.
    fn forget_oldest(&mut self) -> Result<bool, HostError> {
        let prefix = format!("{}!", self.prefix);
        let Some(mark) = state::keys(&prefix, None, 1)?.into_iter().next() else { return Ok(false) };
        state::delete(&mark)?;
        if let Some((_, id)) = mark.split_once('/') {
            state::delete(&self.key(id))?;
            self.open.remove(id);
        }
        self.forgotten += 1;
        Ok(true)
    }

    fn set_or_forget(&mut self, key: &str, bytes: &[u8]) -> Result<(), HostError> {
        loop {
            match state::set(key, bytes) {
                Err(HostError::Limit(why)) => {
                    if !self.forget_oldest()? {
                        return Err(HostError::Limit(why));
                    }
                    let count = self.count()?;
                    self.count = Some((count.saturating_sub(1), true));
                }
                other => return other,
            }
        }
    }

    /// Open records, by their hashes.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.open.keys().cloned().collect()
    }

    /// Writes what changed.
    pub(crate) fn finish(&mut self) -> Result<(), HostError> {
        for id in self.ids() {
            let Some(open) = self.open.get(&id).filter(|open| open.changed) else { continue };
            let mut output = Output::default();
            output.number(open.hour);
            open.record.write(&mut output);
            self.set_or_forget(&self.key(&id), &output.0)?;
            if !self.open.contains_key(&id) {
                // It was itself the oldest one, and has no mark any more.
                state::delete(&self.key(&id))?;
            }
        }
        if let Some((count, true)) = self.count {
            let mut output = Output::default();
            output.number(count);
            self.set_or_forget(&format!("{}#", self.prefix), &output.0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use palisade_sdk::testing::Fakes;

    use super::{Record, Shelf};
    use crate::codec::{Input, Output};

    #[derive(Debug, PartialEq)]
    struct Word(String);

    impl Record for Word {
        fn read(input: &mut Input<'_>) -> Option<Self> {
            input.text().map(Self)
        }

        fn write(&self, output: &mut Output) {
            output.text(&self.0);
        }
    }

    fn shelf() -> Shelf<Word> {
        Shelf::new("w", 3)
    }

    #[test]
    fn the_one_that_was_longest_silent_makes_room() {
        let fakes = Fakes::new().state(10_000).install();
        let mut words = shelf();
        for (hour, id) in ["a", "b", "c"].iter().enumerate() {
            words.add(id, Word((*id).to_owned()), hour as u64).unwrap();
        }
        words.touch("a", 9).unwrap();
        words.finish().unwrap();
        let mut words = shelf();
        words.add("d", Word("d".to_owned()), 10).unwrap();
        words.finish().unwrap();
        let mut words = shelf();
        assert!(!words.load("b").unwrap());
        for id in ["a", "c", "d"] {
            assert!(words.load(id).unwrap(), "{id}");
        }
        assert_eq!(fakes.state().len(), 7);
    }

    #[test]
    fn full_state_makes_room_too_and_what_is_broken_begins_anew() {
        let fakes = Fakes::new().state(150).entry("w/x", b"\xff").install();
        let mut words = shelf();
        assert!(!words.load("x").unwrap());
        for (hour, id) in ["a", "b", "c"].iter().enumerate() {
            words.add(id, Word((*id).repeat(40)), hour as u64).unwrap();
        }
        words.finish().unwrap();
        assert!(words.forgotten > 0);
        let left = fakes.state().keys().filter(|key| key.starts_with("w/") && *key != "w/x").count();
        let marks = fakes.state().keys().filter(|key| key.starts_with("w!")).count();
        assert_eq!(left, marks);
    }
}
