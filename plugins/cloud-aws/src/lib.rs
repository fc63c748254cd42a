//! Fetches the configuration of an AWS account: what stands in `RESOURCES.md`, with the operations of [`operations`] and nothing
//! more.
//!
//! A call does a bounded number of requests and hands back a cursor that says where to go on ([`cursor`]). When AWS throttles, the
//! cursor carries until when to wait, and the call that comes too early asks for the rest of the pause: the platform sleeps, the
//! guest never does. What cannot be fetched is named, and the collection goes on.

mod client;
mod cursor;
mod endpoint;
mod failure;
mod item;
mod json;
pub mod operations;
mod run;
mod services;
mod settings;
mod shapes;
mod steps;
#[cfg(test)]
mod tests;
mod time;
mod xml;

use palisade_sdk::{Collector, Config, Error, Page};
use settings::Settings;

/// The manifest that is built into the component.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// The rights that the collecting role needs, and no more: an IAM policy.
pub const POLICY: &str = include_str!("../policy.json");

/// How deeply an answer may be nested; the models of AWS need some 20 levels.
const DEPTH_MAX: usize = 64;

/// The collector, for one configured account.
#[derive(Debug)]
pub struct Aws {
    settings: Settings,
}

#[palisade_sdk::collector]
impl Collector for Aws {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: Settings::read(config)? })
    }

    fn collect(&self, cursor: Option<&str>) -> Result<Page, Error> {
        run::collect(&self.settings, cursor)
    }
}
