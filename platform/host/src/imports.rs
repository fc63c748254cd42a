//! The host's side of every import: thin, metered, and the only place where a guest's request meets the host.
//!
//! Capabilities that this release cannot serve are here too: they answer `denied`, typed and counted. A grant for one of
//! them is refused when the component is loaded, so nothing here ever pretends.

use wasmtime::Result;
use wasmtime::component::Resource;

use crate::Capability;
use crate::analysis::LogLevel;
use crate::bindings::palisade::host::{
    advisories, assets, blob, config, content, errors, http, log, metrics, state,
};
use crate::content::Stored;
use crate::fault::FaultKind;
use crate::state::State;

use errors::HostError;

type Answer<T> = Result<std::result::Result<T, HostError>>;

impl State {
    fn deny<T>(&mut self, capability: Capability, call: &'static str) -> Answer<T> {
        self.meter.enter(call, [0, 0])?;
        self.meter.deny(capability)?;
        Ok(Err(HostError::Denied(capability.as_str().to_owned())))
    }
}

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

impl state::Host for State {
    fn get(&mut self, _key: String) -> Answer<Option<Vec<u8>>> {
        self.deny(Capability::State, "state.get")
    }

    fn set(&mut self, _key: String, _value: Vec<u8>) -> Answer<()> {
        self.deny(Capability::State, "state.set")
    }

    fn delete(&mut self, _key: String) -> Answer<()> {
        self.deny(Capability::State, "state.delete")
    }
}

impl advisories::Host for State {
    fn matching(&mut self, _purl: String) -> Answer<Vec<advisories::Advisory>> {
        self.deny(Capability::Advisories, "advisories.matching")
    }
}

impl assets::Host for State {
    fn describe(&mut self, _asset: String) -> Answer<Vec<u8>> {
        self.deny(Capability::Assets, "assets.describe")
    }

    fn related(&mut self, _asset: String, _edge: String, _limit: u32) -> Answer<Vec<String>> {
        self.deny(Capability::Assets, "assets.related")
    }
}

impl blob::Host for State {
    fn open(&mut self, _repository: String, _digest: String) -> Answer<Resource<Stored>> {
        self.deny(Capability::Blob, "blob.open")
    }
}

impl http::Host for State {
    fn send(&mut self, _request: http::Request) -> Answer<http::Response> {
        self.deny(Capability::Http, "http.send")
    }
}
