//! The configuration of a destination.

use std::collections::BTreeMap;

use palisade_sdk::{Config, Error};
use serde::Deserialize;

/// What the operator says; see `plugin.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) url: String,
    #[serde(default = "usual_table")]
    pub(crate) table: String,
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, String>,
    #[serde(default)]
    impacts: BTreeMap<String, Impact>,
    #[serde(default = "usual_open")]
    pub(crate) open_state: String,
    #[serde(default = "usual_resolved")]
    pub(crate) resolved_state: String,
    #[serde(default = "usual_closed")]
    pub(crate) closed_states: Vec<String>,
    #[serde(default = "usual_rejected")]
    pub(crate) rejected_states: Vec<String>,
    #[serde(default = "usual_code")]
    pub(crate) close_code: String,
    #[serde(default = "usual_secret")]
    pub(crate) secret: String,
}

/// What ServiceNow computes a priority from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Impact {
    pub(crate) impact: String,
    pub(crate) urgency: String,
}

fn usual_table() -> String {
    "incident".to_owned()
}

fn usual_open() -> String {
    "1".to_owned()
}

fn usual_resolved() -> String {
    "6".to_owned()
}

fn usual_closed() -> Vec<String> {
    ["7", "8"].map(str::to_owned).into()
}

fn usual_rejected() -> Vec<String> {
    vec!["8".to_owned()]
}

fn usual_code() -> String {
    "Solution provided".to_owned()
}

fn usual_secret() -> String {
    "servicenow".to_owned()
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Self, Error> {
        let mut settings: Self = config.parse()?;
        settings.url.truncate(settings.url.trim_end_matches('/').len());
        Ok(settings)
    }

    pub(crate) fn impact(&self, severity: &str) -> Impact {
        self.impacts.get(severity).cloned().unwrap_or_else(|| {
            let (impact, urgency) = match severity {
                "critical" => ("1", "1"),
                "high" => ("2", "1"),
                "medium" => ("2", "2"),
                _ => ("3", "3"),
            };
            Impact { impact: impact.to_owned(), urgency: urgency.to_owned() }
        })
    }

    /// Whether nothing is to be done about a record of this state.
    pub(crate) fn is_over(&self, state: &str) -> bool {
        let is = |states: &[String]| states.iter().any(|one| one == state);
        state == self.resolved_state || is(&self.closed_states) || is(&self.rejected_states)
    }
}
