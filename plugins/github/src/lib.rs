//! Keeps tickets in GitHub by its REST API.
//!
//! A notice says how a ticket ought to be, not what has changed; so telling it twice, late, or after others were lost
//! ends in the same issue. The text of each issue begins with a marker in a hidden comment, which is looked for before
//! an issue is made: a receipt that was lost does not lead to a second one.

mod answer;
mod api;
mod changed;
mod find;
mod issue;
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

/// GitHub, for one destination.
#[derive(Debug)]
pub struct Github {
    settings: Settings,
}

#[palisade_sdk::notifier]
impl Notifier for Github {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: Settings::read(config)? })
    }

    fn notify(&self, notice: &Notice) -> Result<Receipt, Error> {
        let wanted = Wanted::read(notice)?;
        let api = Api { settings: &self.settings };
        if wanted.is_test() {
            return api.test();
        }
        let known = match wanted.ticket.as_deref().and_then(|number| number.parse().ok()) {
            // After a change of the settings a number can be that of somebody else's issue.
            Some(number) => api.issue(number)?.filter(|issue| issue.is_of(&wanted.marker)),
            None => None,
        };
        let known = match known {
            Some(issue) => Some(issue),
            None => find::find(&api, &wanted.marker)?,
        };
        match known {
            Some(issue) => api.update(&issue, &wanted),
            None if wanted.is_open() => api.create(&wanted),
            None => Ok(wanted.nothing()),
        }
    }
}

#[palisade_sdk::collector]
impl Collector for Github {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: Settings::read(config)? })
    }

    fn collect(&self, cursor: Option<&str>) -> Result<Page, Error> {
        changed::page(&Api { settings: &self.settings }, cursor)
    }
}
