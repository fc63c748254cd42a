//! The configuration of a destination.

use std::collections::BTreeMap;

use palisade_sdk::{Config, Error};
use serde::Deserialize;

/// What the operator says; see `plugin.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) url: String,
    pub(crate) project: String,
    pub(crate) tracker: Option<u64>,
    pub(crate) open_status: Option<u64>,
    pub(crate) closed_status: Option<u64>,
    pub(crate) in_progress_statuses: Option<Vec<u64>>,
    #[serde(default)]
    pub(crate) rejected_statuses: Vec<u64>,
    #[serde(default)]
    pub(crate) priorities: BTreeMap<String, u64>,
    #[serde(default)]
    pub(crate) custom_fields: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) markup: Markup,
    #[serde(default = "usual_secret")]
    pub(crate) secret: String,
}

/// What Redmine formats texts with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Markup {
    #[default]
    Markdown,
    Textile,
}

fn usual_secret() -> String {
    "redmine".to_owned()
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Self, Error> {
        let mut settings: Self = config.parse()?;
        settings.url.truncate(settings.url.trim_end_matches('/').len());
        for id in settings.custom_fields.keys() {
            if id.parse::<u64>().is_err() {
                return Err(Error::InvalidConfig(format!(
                    "custom-fields: {id:?} is not the id of a field, a number"
                )));
            }
        }
        Ok(settings)
    }
}
