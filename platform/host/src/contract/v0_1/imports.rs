//! The host's side of every import of 0.1.0: thin and metered. What needs a grant goes through the gate and nowhere else.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::bindings::palisade::host::{
    advisories, assets, blob, clock, config, content, errors, http, log, metrics, state,
};
use crate::analysis::LogLevel;
use crate::content::Stored;
use crate::fault::FaultKind;
use crate::gate::{Ask, Reply};
use crate::services::{HttpRequest, Refusal};
use crate::state::State;

use errors::HostError;

type Answer<T> = Result<std::result::Result<T, HostError>>;

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

impl errors::Host for State {}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) -> Result<()> {
        self.meter.enter("log.write", [length(&message), 0])?;
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        self.log(level, message);
        Ok(())
    }
}

impl config::Host for State {
    fn get(&mut self) -> Result<String> {
        self.meter.enter("config.get", [0, 0])?;
        let text = self.config().to_owned();
        if !self.meter.copy(text.len())? {
            // There is no error in this function's type; the last refusal is what stops the call.
            return Err(self.stop());
        }
        Ok(text)
    }
}

impl State {
    fn stop(&self) -> wasmtime::Error {
        match self.meter.refused() {
            Some(stop) => stop.into(),
            None => wasmtime::Error::msg("stopped without a reason"),
        }
    }
}

impl clock::Host for State {
    fn now(&mut self) -> Result<u64> {
        self.meter.enter("clock.now", [0, 0])?;
        Ok(self.time())
    }
}

impl metrics::Host for State {
    fn add(&mut self, name: String, value: u64) -> Result<()> {
        self.meter.enter("metrics.add", [length(&name), value])?;
        self.count(&name, value);
        Ok(())
    }
}

impl content::Host for State {}

impl content::HostContent for State {
    fn size(&mut self, handle: Resource<Stored>) -> Result<u64> {
        self.meter.enter("content.size", [0, 0])?;
        Ok(u64::try_from(self.stored(&handle)?.len()).unwrap_or(u64::MAX))
    }

    fn read(&mut self, handle: Resource<Stored>, offset: u64, length: u32) -> Answer<Vec<u8>> {
        let length = u64::from(length);
        self.meter.enter("content.read", [offset, length])?;
        let bytes = self.stored(&handle)?.available(offset, length);
        if !self.meter.copy(bytes)? {
            return Ok(Err(HostError::Limit("host-copy".to_owned())));
        }
        Ok(Ok(self.stored(&handle)?.read(offset, length).to_vec()))
    }

    fn slice(&mut self, handle: Resource<Stored>, offset: u64, length: u64) -> Answer<Resource<Stored>> {
        self.meter.enter("content.slice", [offset, length])?;
        let Some(part) = self.stored(&handle)?.slice(offset, length) else {
            return Ok(Err(HostError::Invalid("the slice leaves its content".to_owned())));
        };
        match self.hold(part) {
            Ok(handle) => Ok(Ok(handle)),
            Err(()) => {
                self.meter.refuse(FaultKind::Handles, "it held more handles than allowed".to_owned())?;
                Ok(Err(HostError::Limit("handles".to_owned())))
            }
        }
    }

    fn drop(&mut self, handle: Resource<Stored>) -> Result<()> {
        self.release(handle)
    }
}

/// What the gate says, as a reply of the expected form.
fn reply<T>(
    state: &mut State,
    ask: Ask,
    take: impl FnOnce(&mut State, Reply) -> Result<Option<T>>,
) -> Answer<T> {
    Ok(Err(match state.pass(ask)? {
        Ok(reply) => match take(state, reply)? {
            Some(value) => return Ok(Ok(value)),
            None => return Err(wasmtime::Error::msg("the gate gave a reply of another form")),
        },
        Err(Refusal::Denied(text)) => HostError::Denied(text),
        Err(Refusal::Limit(text)) => HostError::Limit(text),
        Err(Refusal::Invalid(text)) => HostError::Invalid(text),
        Err(Refusal::NotFound) => HostError::NotFound,
        Err(Refusal::Unavailable(text)) => HostError::Unavailable(text),
    }))
}

fn done(_: &mut State, reply: Reply) -> Result<Option<()>> {
    Ok(matches!(reply, Reply::Done).then_some(()))
}

fn names(_: &mut State, reply: Reply) -> Result<Option<Vec<String>>> {
    Ok(if let Reply::Names(names) = reply { Some(names) } else { None })
}

impl state::Host for State {
    fn get(&mut self, key: String) -> Answer<Option<Vec<u8>>> {
        reply(self, Ask::StateGet { key }, |_, reply| {
            Ok(if let Reply::Value(value) = reply { Some(value) } else { None })
        })
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Answer<()> {
        reply(self, Ask::StateSet { key, value }, done)
    }

    fn delete(&mut self, key: String) -> Answer<()> {
        reply(self, Ask::StateDelete { key }, done)
    }

    fn keys(&mut self, prefix: String, after: Option<String>, limit: u32) -> Answer<Vec<String>> {
        reply(self, Ask::StateKeys { prefix, after, limit }, names)
    }
}

impl advisories::Host for State {
    fn matching(&mut self, purl: String) -> Answer<Vec<advisories::Advisory>> {
        reply(self, Ask::AdvisoriesMatching { purl }, |_, reply| {
            let Reply::Advisories(all) = reply else { return Ok(None) };
            let one = |it: crate::services::AdvisoryAnswer| advisories::Advisory {
                id: it.id,
                aliases: it.aliases,
                fixed: it.fixed,
            };
            Ok(Some(all.into_iter().map(one).collect()))
        })
    }
}

impl assets::Host for State {
    fn describe(&mut self, asset: String) -> Answer<Vec<u8>> {
        reply(self, Ask::AssetsDescribe { asset }, |_, reply| {
            Ok(if let Reply::Value(value) = reply { value } else { None })
        })
    }

    fn related(&mut self, asset: String, edge: String, limit: u32) -> Answer<Vec<String>> {
        reply(self, Ask::AssetsRelated { asset, edge, limit }, names)
    }
}

impl blob::Host for State {
    fn open(&mut self, repository: String, digest: String) -> Answer<Resource<Stored>> {
        let opened = reply(self, Ask::BlobOpen { repository, digest }, |state, reply| {
            let Reply::Blob(bytes) = reply else { return Ok(None) };
            Ok(Some(state.hold(Stored::whole(bytes))))
        })?;
        Ok(match opened {
            Ok(Ok(handle)) => Ok(handle),
            Ok(Err(())) => {
                self.meter.refuse(FaultKind::Handles, "it held more handles than allowed".to_owned())?;
                Err(HostError::Limit("handles".to_owned()))
            }
            Err(error) => Err(error),
        })
    }
}

impl http::Host for State {
    fn send(&mut self, request: http::Request) -> Answer<http::Response> {
        let http::Request { method, url, headers, body, secret } = request;
        let request = HttpRequest { method, url, headers, body, secret };
        reply(self, Ask::HttpSend { request }, |_, reply| {
            let Reply::Response(response) = reply else { return Ok(None) };
            Ok(Some(http::Response {
                status: response.status,
                headers: response.headers,
                body: response.body,
            }))
        })
    }
}
