//! Keyed state of this plugin for this tenant; needs the capability `state`.
//!
//! What a call writes it sees at once, and it becomes lasting together with the call's answer: a call that ends in an error or
//! in a fault leaves the state as it was. A key has 1 to 512 bytes. Each call to the platform costs well under a
//! microsecond, but a correlator that keeps one key for each of its counters makes thousands of them: keep what belongs
//! together under one key.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, HostError, host};

/// Most keys that one call of [`keys`] answers with.
pub const KEYS_MAX: u32 = 1_000;

/// The value of a key; nothing where there is none.
///
/// # Errors
/// [`HostError::Denied`] without the grant, [`HostError::Invalid`] for a key that is none.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, HostError> {
    host::state_get(key)
}

/// Sets a key.
///
/// # Errors
/// As [`get`], and [`HostError::Limit`] where the granted bytes are used up.
pub fn set(key: &str, value: &[u8]) -> Result<(), HostError> {
    host::state_set(key, value)
}

/// Removes a key. A key that does not exist is removed already.
///
/// # Errors
/// As [`get`].
pub fn delete(key: &str) -> Result<(), HostError> {
    host::state_delete(key)
}

/// Keys that start with `prefix`, sorted by bytes, after the key `after` where there is one; at most `limit`, and never more
/// than [`KEYS_MAX`].
///
/// # Errors
/// As [`get`].
pub fn keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, HostError> {
    host::state_keys(prefix, after, limit)
}

/// Every key that starts with `prefix`, sorted by bytes, however many calls that takes.
///
/// # Errors
/// As [`get`].
pub fn all_keys(prefix: &str) -> Result<Vec<String>, HostError> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let page = keys(prefix, all.last().map(String::as_str), KEYS_MAX)?;
        let last = page.len() < KEYS_MAX as usize;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}

/// The value of a key as a type of the plugin's own, from JSON.
///
/// # Errors
/// Those of [`get`], and [`Error::Other`] for a value that is not of this type, with the key.
///
/// ```
/// use palisade_sdk::{state, testing::Fakes};
///
/// let fakes = Fakes::new().state(1_024).install();
/// assert_eq!(state::get_json::<u32>("tries")?, None);
/// state::set_json("tries", &3)?;
/// assert_eq!(state::get_json::<u32>("tries")?, Some(3));
/// assert_eq!(fakes.state()["tries"], b"3");
/// # Ok::<(), palisade_sdk::Error>(())
/// ```
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<T>, Error> {
    let Some(bytes) = get(key)? else { return Ok(None) };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|error| Error::Other(format!("the state under {key:?} is not readable: {error}")))
}

/// Sets a key to JSON.
///
/// # Errors
/// Those of [`set`], and [`Error::Other`] for a value that JSON cannot express.
pub fn set_json<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<(), Error> {
    let bytes = serde_json::to_vec(value)
        .map_err(|error| Error::Other(format!("the state for {key:?} cannot be written: {error}")))?;
    Ok(set(key, &bytes)?)
}
