//! Keeps tickets as messages in a channel of Slack by its Web API.
//!
//! Each message has its ticket's marker in its metadata, by which it is looked for before one is posted, and how it stood when it was
//! written last, so that nothing is told twice.

mod api;
mod message;
#[cfg(test)]
mod tests;

use palisade_sdk::{Config, Error, Notice, Notifier, Receipt};
use serde::Deserialize;
use ticketing::Wanted;

use api::{Api, Place};

/// The manifest that is built into the component.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// What the operator says; see `plugin.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) channel: String,
    #[serde(default = "usual_url")]
    pub(crate) url: String,
    #[serde(default = "usual_secret")]
    pub(crate) secret: String,
}

fn usual_url() -> String {
    "https://slack.com/api".to_owned()
}

fn usual_secret() -> String {
    "slack".to_owned()
}

/// Slack, for one destination.
#[derive(Debug)]
pub struct Slack {
    settings: Settings,
}

#[palisade_sdk::notifier]
impl Notifier for Slack {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: config.parse()? })
    }

    fn notify(&self, notice: &Notice) -> Result<Receipt, Error> {
        let wanted = Wanted::read(notice)?;
        let api = Api { settings: &self.settings };
        if wanted.is_test() {
            return api.test();
        }
        let known = match wanted.ticket.as_deref().and_then(Place::read) {
            Some(place) => api.message(&place)?,
            None => None,
        };
        let known = match known {
            Some(message) => Some(message),
            None => api.find(&wanted.marker)?,
        };
        match known {
            Some(message) => api.update(&message, &wanted),
            None if wanted.is_open() => api.post(&wanted),
            None => Ok(wanted.nothing()),
        }
    }
}
