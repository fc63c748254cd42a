//! Keeps tickets in Jira by its REST API: version 3 on Cloud, version 2 on Data Center.
//!
//! Each issue has a label of its ticket, by which it is looked for before one is made.

mod api;
mod changed;
mod moves;
mod required;
mod settings;
#[cfg(test)]
mod tests;
mod text;

use palisade_sdk::{Collector, Config, Error, Notice, Notifier, Page, Receipt};
use ticketing::Wanted;

use api::Api;
use settings::Settings;

/// The manifest that is built into the component.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// Jira, for one destination.
#[derive(Debug)]
pub struct Jira {
    settings: Settings,
}

#[palisade_sdk::notifier]
impl Notifier for Jira {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: Settings::read(config)? })
    }

    fn notify(&self, notice: &Notice) -> Result<Receipt, Error> {
        let wanted = Wanted::read(notice)?;
        let api = Api { settings: &self.settings };
        if wanted.is_test() {
            return required::test(&api);
        }
        let known = match &wanted.ticket {
            Some(id) => api.issue(id)?,
            None => None,
        };
        let known = match known {
            Some(issue) => Some(issue),
            None => api.find(&wanted.marker)?,
        };
        match known {
            Some(issue) => api.update(&issue, &wanted),
            None if wanted.is_open() => api.create(&wanted),
            None => Ok(wanted.nothing()),
        }
    }
}

#[palisade_sdk::collector]
impl Collector for Jira {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: Settings::read(config)? })
    }

    fn collect(&self, cursor: Option<&str>) -> Result<Page, Error> {
        changed::page(&Api { settings: &self.settings }, cursor)
    }
}
