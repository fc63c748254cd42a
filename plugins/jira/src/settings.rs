//! The configuration of a destination.

use std::collections::BTreeMap;

use palisade_sdk::{Config, Error};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What the operator says; see `plugin.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) deployment: Deployment,
    pub(crate) project: String,
    #[serde(default = "usual_type")]
    pub(crate) issue_type: String,
    #[serde(default)]
    pub(crate) priorities: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    #[serde(default)]
    pub(crate) fields: Map<String, Value>,
    #[serde(default = "usual_resolution")]
    pub(crate) resolution: String,
    #[serde(default)]
    pub(crate) rejected_resolutions: Vec<String>,
    #[serde(default = "usual_secret")]
    pub(crate) secret: String,
}

/// Which Jira.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Deployment {
    #[default]
    Cloud,
    DataCenter,
}

fn usual_type() -> String {
    "Task".to_owned()
}

fn usual_resolution() -> String {
    "Done".to_owned()
}

fn usual_secret() -> String {
    "jira".to_owned()
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Self, Error> {
        let mut settings: Self = config.parse()?;
        settings.url.truncate(settings.url.trim_end_matches('/').len());
        Ok(settings)
    }

    pub(crate) fn is_cloud(&self) -> bool {
        self.deployment == Deployment::Cloud
    }
}
