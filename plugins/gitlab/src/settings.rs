//! The configuration of a destination.

use std::collections::BTreeMap;

use palisade_sdk::{Config, Error};
use serde::Deserialize;

/// What the operator says; see `plugin.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(default = "usual_url")]
    pub(crate) url: String,
    pub(crate) project: u64,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    #[serde(default)]
    pub(crate) severity_labels: BTreeMap<String, String>,
    #[serde(default = "yes")]
    pub(crate) confidential: bool,
    #[serde(default)]
    pub(crate) in_progress_labels: Vec<String>,
    #[serde(default)]
    pub(crate) rejected_labels: Vec<String>,
    #[serde(default = "usual_secret")]
    pub(crate) secret: String,
}

fn usual_url() -> String {
    "https://gitlab.com".to_owned()
}

fn usual_secret() -> String {
    "gitlab".to_owned()
}

fn yes() -> bool {
    true
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Self, Error> {
        let mut settings: Self = config.parse()?;
        settings.url.truncate(settings.url.trim_end_matches('/').len());
        let mut labels = settings.labels.iter().chain(settings.severity_labels.values());
        // A comma would make two labels of one.
        if let Some(label) = labels.find(|label| label.contains(',') || label.trim().is_empty()) {
            return Err(Error::InvalidConfig(format!("labels: {label:?} is empty or has a comma")));
        }
        Ok(settings)
    }
}
