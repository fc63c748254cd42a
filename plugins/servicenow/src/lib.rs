//! Keeps tickets in ServiceNow by its Table API.
//!
//! Each record has the marker of its ticket as its correlation id, by which it is looked for before one is made.

mod api;
mod changed;
mod settings;
#[cfg(test)]
mod tests;

use palisade_sdk::{Collector, Config, Error, Notice, Notifier, Page, Receipt};
use ticketing::Wanted;

use api::{Api, Record};
use settings::Settings;

/// The manifest that is built into the component.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// ServiceNow, for one destination.
#[derive(Debug)]
pub struct ServiceNow {
    settings: Settings,
}

#[palisade_sdk::notifier]
impl Notifier for ServiceNow {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: Settings::read(config)? })
    }

    fn notify(&self, notice: &Notice) -> Result<Receipt, Error> {
        let wanted = Wanted::read(notice)?;
        let api = Api { settings: &self.settings };
        if wanted.is_test() {
            return api.test();
        }
        let of_use =
            |record: &Record| !wanted.is_open() || !self.settings.closed_states.contains(&record.state.value);
        let known = match &wanted.ticket {
            Some(id) => api.record(id)?.filter(of_use),
            None => None,
        };
        let known = match known {
            Some(record) => Some(record),
            None => api.find(&wanted.marker)?.filter(of_use),
        };
        match known {
            Some(record) => api.update(&record, &wanted),
            None if wanted.is_open() => api.create(&wanted),
            None => Ok(wanted.nothing()),
        }
    }
}

#[palisade_sdk::collector]
impl Collector for ServiceNow {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: Settings::read(config)? })
    }

    fn collect(&self, cursor: Option<&str>) -> Result<Page, Error> {
        changed::page(&Api { settings: &self.settings }, cursor)
    }
}
