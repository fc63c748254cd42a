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
    pub(crate) owner: String,
    pub(crate) repository: String,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    #[serde(default)]
    pub(crate) assignees: Vec<String>,
    #[serde(default)]
    pub(crate) severity_labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) in_progress_labels: Vec<String>,
    #[serde(default = "usual_secret")]
    pub(crate) secret: String,
}

fn usual_url() -> String {
    "https://api.github.com".to_owned()
}

fn usual_secret() -> String {
    "github".to_owned()
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Self, Error> {
        let mut settings: Self = config.parse()?;
        settings.url.truncate(settings.url.trim_end_matches('/').len());
        names("owner", [&settings.owner])?;
        names("repository", [&settings.repository])?;
        names("assignees", &settings.assignees)?;
        Ok(settings)
    }
}

/// They become parts of a path: what is no name would lead elsewhere.
fn names<'a>(key: &str, names: impl IntoIterator<Item = &'a String>) -> Result<(), Error> {
    let usual = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    for name in names {
        if name.is_empty() || matches!(name.as_str(), "." | "..") || !name.chars().all(usual) {
            return Err(Error::InvalidConfig(format!("{key}: {name:?} is no name of GitHub")));
        }
    }
    Ok(())
}
