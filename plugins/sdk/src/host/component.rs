//! The capabilities in a component.

use std::io;

use crate::bindings::palisade::host;
use crate::bindings::palisade::host::content::Content;
use crate::http::{Request, Response};
use crate::log::Level;
use crate::{Advisory, Body, Error, HostError, ReadAt};

/// Bytes that the platform keeps and hands over in parts.
pub(crate) struct Handle(pub(crate) Content);

impl ReadAt for Handle {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, length: u32) -> io::Result<Vec<u8>> {
        self.0.read(offset, length).map_err(|error| io::Error::other(HostError::from(error)))
    }
}

pub(crate) fn config_get() -> String {
    host::config::get()
}

pub(crate) fn log_write(level: Level, message: &str) {
    host::log::write(level, message);
}

pub(crate) fn metrics_add(name: &str, value: u64) {
    host::metrics::add(name, value);
}

pub(crate) fn clock_now() -> u64 {
    host::clock::now()
}

pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, HostError> {
    Ok(host::state::get(key)?)
}

pub(crate) fn state_set(key: &str, value: &[u8]) -> Result<(), HostError> {
    Ok(host::state::set(key, value)?)
}

pub(crate) fn state_delete(key: &str) -> Result<(), HostError> {
    Ok(host::state::delete(key)?)
}

pub(crate) fn state_keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, HostError> {
    Ok(host::state::keys(prefix, after, limit)?)
}

pub(crate) fn assets_describe(asset: &str) -> Result<Vec<u8>, HostError> {
    Ok(host::assets::describe(asset)?)
}

pub(crate) fn assets_related(asset: &str, edge: &str, limit: u32) -> Result<Vec<String>, HostError> {
    Ok(host::assets::related(asset, edge, limit)?)
}

pub(crate) fn advisories_matching(purl: &str) -> Result<Vec<Advisory>, HostError> {
    let own = |found: host::advisories::Advisory| Advisory {
        id: found.id,
        aliases: found.aliases,
        fixed: found.fixed,
    };
    Ok(host::advisories::matching(purl)?.into_iter().map(own).collect())
}

pub(crate) fn blob_open(repository: &str, digest: &str) -> Result<Body, HostError> {
    Ok(Body::Parts(Box::new(Handle(host::blob::open(repository, digest)?))))
}

pub(crate) fn http_send(request: Request) -> Result<Response, HostError> {
    let Request { method, url, headers, body, secret } = request;
    let answer = host::http::send(&host::http::Request { method, url, headers, body, secret })?;
    Ok(Response { status: answer.status, headers: answer.headers, body: answer.body })
}

/// The platform itself keeps or forgets what a call wrote.
pub(crate) fn settled<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    work()
}
