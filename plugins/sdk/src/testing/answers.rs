//! The capabilities as the fakes answer them.

use super::{Answering, Reply, with};
use crate::http::{Request, Response};
use crate::log::Level;
use crate::state::KEYS_MAX;
use crate::{Advisory, Body, HostError};

pub(crate) use super::settled;

/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 512;

pub(crate) fn config_get() -> String {
    with(|answering| answering.fakes.config.clone()).unwrap_or_else(|| "{}".to_owned())
}

pub(crate) fn log_write(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
    with(|answering| answering.logs.push((level, message.to_owned())));
}

pub(crate) fn metrics_add(name: &str, value: u64) {
    with(|answering| {
        let counter = answering.counters.entry(name.to_owned()).or_default();
        *counter = counter.saturating_add(value);
    });
}

pub(crate) fn clock_now() -> u64 {
    with(|answering| answering.fakes.now)
}

pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, HostError> {
    with(|answering| {
        granted_state(answering)?;
        usable_key(key)?;
        Ok(answering.fakes.state.get(key).cloned())
    })
}

pub(crate) fn state_set(key: &str, value: &[u8]) -> Result<(), HostError> {
    with(|answering| {
        let granted = granted_state(answering)?;
        usable_key(key)?;
        let others = answering.fakes.state.iter().filter(|(own, _)| *own != key);
        let others: usize = others.map(|(own, value)| own.len() + value.len()).sum();
        let bytes = (others + key.len() + value.len()) as u64;
        if bytes > granted {
            return Err(HostError::Limit(format!("state: {bytes} bytes; granted are {granted}")));
        }
        answering.fakes.state.insert(key.to_owned(), value.to_vec());
        Ok(())
    })
}

pub(crate) fn state_delete(key: &str) -> Result<(), HostError> {
    with(|answering| {
        granted_state(answering)?;
        usable_key(key)?;
        answering.fakes.state.remove(key);
        Ok(())
    })
}

pub(crate) fn state_keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, HostError> {
    with(|answering| {
        granted_state(answering)?;
        let keys = answering.fakes.state.keys();
        let found =
            keys.filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
        Ok(found.take(limit.min(KEYS_MAX) as usize).cloned().collect())
    })
}

fn granted_state(answering: &Answering) -> Result<u64, HostError> {
    answering.fakes.state_bytes.ok_or_else(|| HostError::Denied("state".to_owned()))
}

fn usable_key(key: &str) -> Result<(), HostError> {
    if (1..=KEY_BYTES_MAX).contains(&key.len()) {
        return Ok(());
    }
    Err(HostError::Invalid(format!("a key of {} bytes; allowed are 1 to {KEY_BYTES_MAX}", key.len())))
}

pub(crate) fn assets_describe(asset: &str) -> Result<Vec<u8>, HostError> {
    with(|answering| {
        granted_assets(answering)?;
        answering.fakes.assets.get(asset).cloned().ok_or(HostError::NotFound)
    })
}

pub(crate) fn assets_related(asset: &str, edge: &str, limit: u32) -> Result<Vec<String>, HostError> {
    with(|answering| {
        granted_assets(answering)?;
        let joined = answering.fakes.related.get(&(asset.to_owned(), edge.to_owned()));
        Ok(joined.into_iter().flatten().take(limit as usize).cloned().collect())
    })
}

fn granted_assets(answering: &Answering) -> Result<(), HostError> {
    if answering.fakes.assets.is_empty() && answering.fakes.related.is_empty() {
        return Err(HostError::Denied("assets".to_owned()));
    }
    Ok(())
}

pub(crate) fn advisories_matching(purl: &str) -> Result<Vec<Advisory>, HostError> {
    with(|answering| {
        if answering.fakes.advisories.is_empty() {
            return Err(HostError::Denied("advisories".to_owned()));
        }
        Ok(answering.fakes.advisories.get(purl).cloned().unwrap_or_default())
    })
}

pub(crate) fn blob_open(repository: &str, digest: &str) -> Result<Body, HostError> {
    with(|answering| {
        if !answering.fakes.blobs.keys().any(|(own, _)| own == repository) {
            return Err(HostError::Denied(format!("blob: {repository}")));
        }
        let bytes = answering.fakes.blobs.get(&(repository.to_owned(), digest.to_owned()));
        bytes.cloned().map(Body::Whole).ok_or(HostError::NotFound)
    })
}

pub(crate) fn http_send(request: Request) -> Result<Response, HostError> {
    let server = with(|answering| answering.fakes.server.clone());
    // Outside of the borrow: a server may look at the fakes.
    let served = server.0.and_then(|answer| answer(&request));
    with(|answering| {
        let replies = &mut answering.fakes.replies;
        let fits = |(_, (method, url, _)): &(usize, &(String, String, Reply))| {
            *method == request.method && *url == request.url
        };
        let places: Vec<usize> = replies.iter().enumerate().filter(fits).map(|(place, _)| place).collect();
        let reply = match *places {
            [only] => replies.get(only).map(|(_, _, reply)| reply.clone()),
            [first, ..] => Some(replies.remove(first).2),
            [] => served,
        };
        let denied = || HostError::Denied(format!("http: {} {}", request.method, request.url));
        let outcome = reply.map_or_else(|| Err(denied()), |reply| reply.0);
        answering.requests.push(request);
        outcome
    })
}
