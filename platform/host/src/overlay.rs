//! What a call wrote to its state: seen by the call at once, by nobody else until its results are kept.

use std::collections::BTreeMap;

use crate::gate::Ask;
use crate::services::{Caller, Refusal, Services};

/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 512;

/// Changes of state: the new value of each key, or nothing where it was removed.
pub type StateChanges = BTreeMap<String, Option<Vec<u8>>>;

/// The state of one call.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    changes: StateChanges,
    /// Size of what is kept under a key, as far as it has been asked for; nothing where there is no such key.
    known: BTreeMap<String, Option<usize>>,
    /// Bytes of the whole state as this call sees it.
    bytes: Option<u64>,
}

impl Overlay {
    pub(crate) fn into_changes(self) -> StateChanges {
        self.changes
    }

    /// Notes a write that was allowed when it was recorded.
    pub(crate) fn repeat(&mut self, ask: &Ask) {
        let change = match ask {
            Ask::StateSet { key, value } => (key.clone(), Some(value.clone())),
            Ask::StateDelete { key } => (key.clone(), None),
            _ => return,
        };
        self.changes.extend([change]);
    }

    pub(crate) fn get(
        &mut self,
        services: &dyn Services,
        caller: &Caller,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        check(key)?;
        if let Some(changed) = self.changes.get(key) {
            return Ok(changed.clone());
        }
        let value = services.state_get(caller, key)?;
        if !self.known.contains_key(key) {
            self.known.insert(key.to_owned(), value.as_ref().map(Vec::len));
        }
        Ok(value)
    }

    /// Sets or removes a key, if the whole state then has no more bytes than allowed. Removing is always possible.
    pub(crate) fn set(
        &mut self,
        services: &dyn Services,
        caller: &Caller,
        key: &str,
        value: Option<&Vec<u8>>,
        bytes_max: u64,
    ) -> Result<(), Refusal> {
        check(key)?;
        let cost = |size: usize| u64::try_from(key.len().saturating_add(size)).unwrap_or(u64::MAX);
        let before = self.size(services, caller, key)?.map_or(0, cost);
        let after = value.map_or(0, |value| cost(value.len()));
        let bytes = match self.bytes {
            Some(bytes) => bytes,
            None => services.state_bytes(caller)?,
        };
        let total = bytes.saturating_sub(before).saturating_add(after);
        if total > bytes_max && after > before {
            self.bytes = Some(bytes);
            return Err(Refusal::Limit(format!("state: {total} bytes, {bytes_max} are granted")));
        }
        self.bytes = Some(total);
        match self.changes.get_mut(key) {
            Some(changed) => *changed = value.cloned(),
            None => {
                self.changes.insert(key.to_owned(), value.cloned());
            }
        }
        Ok(())
    }

    /// Size of the value that this call sees under a key.
    fn size(
        &mut self,
        services: &dyn Services,
        caller: &Caller,
        key: &str,
    ) -> Result<Option<usize>, Refusal> {
        if let Some(changed) = self.changes.get(key) {
            return Ok(changed.as_ref().map(Vec::len));
        }
        if let Some(known) = self.known.get(key) {
            return Ok(*known);
        }
        let size = services.state_get(caller, key)?.map(|value| value.len());
        self.known.insert(key.to_owned(), size);
        Ok(size)
    }

    pub(crate) fn keys(
        &self,
        services: &dyn Services,
        caller: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Refusal> {
        // As many more as were removed here, so that a page is full where there are keys for it.
        let removed = self.changes.values().filter(|value| value.is_none()).count();
        let wanted = limit.saturating_add(removed);
        let mut keys = services.state_keys(caller, prefix, after, wanted)?;
        let complete = keys.len() < wanted;
        let last = keys.last().cloned();
        keys.retain(|key| !matches!(self.changes.get(key), Some(None)));
        let written = self.changes.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key);
        let written = written.filter(|key| {
            key.starts_with(prefix)
                && after.is_none_or(|after| key.as_str() > after)
                // Beyond the page that was read there may be kept keys that belong before this one.
                && (complete || last.as_ref().is_some_and(|last| *key <= last))
        });
        keys.extend(written.cloned());
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(limit);
        Ok(keys)
    }
}

fn check(key: &str) -> Result<(), Refusal> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX || key.contains('\0') {
        return Err(Refusal::Invalid(format!("a key has 1 to {KEY_BYTES_MAX} bytes and no NUL")));
    }
    Ok(())
}

#[cfg(test)]
#[path = "overlay_tests.rs"]
mod tests;
