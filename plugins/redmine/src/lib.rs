//! Keeps tickets in Redmine by its REST API.
//!
//! A notice says how a ticket ought to be, not what has changed; so telling it twice, late, or after others were lost ends in the same
//! issue. The subject of each issue ends in a marker, which is looked for before an issue is made: a receipt that was lost does not lead
//! to a second one.

mod api;
mod changed;
mod settings;
#[cfg(test)]
mod tests;
mod text;

use palisade_sdk::{Collector, Config, Error, Notice, Notifier, Page, Receipt};
use serde::Deserialize;

use api::Api;
use settings::Settings;

/// The manifest that is built into the component.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// How a ticket ought to be.
#[derive(Debug, Deserialize)]
struct Wanted {
    /// `ticket`, or `self-test` for a look at whether all would go well, which writes nothing.
    #[serde(rename = "type")]
    kind: String,
    /// `open`, or `resolved` where nothing is left of it.
    state: String,
    /// What finds it again.
    marker: String,
    title: String,
    severity: String,
    /// Findings in all; `members` are the worst of them.
    total: u64,
    members: Vec<Member>,
    /// Whose all of them are.
    owner: Option<String>,
    /// The issue, where one was made.
    ticket: Option<String>,
    /// People have closed it, and a later scan still finds what it is about.
    #[serde(default)]
    closed: bool,
}

/// A finding.
#[derive(Debug, Deserialize)]
struct Member {
    rule: String,
    title: String,
    severity: String,
    asset: String,
    #[serde(default)]
    package: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    fixed: Vec<String>,
}

/// Redmine, for one destination.
#[derive(Debug)]
pub struct Redmine {
    settings: Settings,
}

#[palisade_sdk::notifier]
impl Notifier for Redmine {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: Settings::read(config)? })
    }

    fn notify(&self, notice: &Notice) -> Result<Receipt, Error> {
        let wanted: Wanted = notice.json()?;
        let api = Api { settings: &self.settings };
        if wanted.kind == "self-test" {
            return api.test();
        }
        let open = wanted.state == "open";
        let known = match wanted.ticket.as_deref().and_then(|id| id.parse().ok()) {
            Some(id) => api.issue(id)?,
            None => None,
        };
        let known = match known {
            Some(issue) => Some(issue),
            None => api.find(&wanted.marker)?,
        };
        match known {
            Some(issue) => api.update(&issue, &wanted, open),
            None if open => api.create(&wanted),
            // Nothing is left of what nobody made an issue of, or of an issue that people have deleted.
            None => Ok(Receipt::new(wanted.ticket.unwrap_or_else(|| "none".to_owned()))),
        }
    }
}

#[palisade_sdk::collector]
impl Collector for Redmine {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: Settings::read(config)? })
    }

    fn collect(&self, cursor: Option<&str>) -> Result<Page, Error> {
        changed::page(&Api { settings: &self.settings }, cursor)
    }
}
