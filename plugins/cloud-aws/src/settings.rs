//! What the operator configured.

use palisade_sdk::{Config, Error};
use serde::Deserialize;

use crate::endpoint::Partition;
use crate::steps;

/// Regions beyond these many are a mistake: AWS has some 40.
const REGIONS_MAX: usize = 100;

/// The configuration, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The account that is meant; collecting another one is an error.
    #[serde(default)]
    pub(crate) account: Option<String>,
    /// Where the account lives.
    #[serde(default)]
    pub(crate) partition: Partition,
    /// Regions; nothing for all that the account has enabled.
    #[serde(default)]
    pub(crate) regions: Option<Vec<String>>,
    /// Services, as in the kinds; nothing for all.
    #[serde(default)]
    pub(crate) services: Option<Vec<String>>,
    /// Where every request goes instead of to AWS.
    #[serde(default)]
    pub(crate) endpoint: Option<String>,
    /// Name of the secret that signs.
    #[serde(default = "aws")]
    pub(crate) secret: String,
}

fn aws() -> String {
    "aws".to_owned()
}

impl Settings {
    /// Reads and checks the configuration.
    pub(crate) fn read(config: &Config) -> Result<Self, Error> {
        let settings: Self = config.parse()?;
        let wrong = |problem: String| Err(Error::InvalidConfig(problem));
        if let Some(account) = &settings.account
            && !is_account(account)
        {
            return wrong("`account` is not a number of 12 digits, as text".to_owned());
        }
        let regions = settings.regions.as_deref().unwrap_or_default();
        if regions.len() > REGIONS_MAX || !regions.iter().all(|region| is_region(region)) {
            return wrong(format!("`regions` is no list of up to {REGIONS_MAX} names like eu-west-1"));
        }
        if settings.regions.as_ref().is_some_and(Vec::is_empty) {
            return wrong("`regions` is empty; leave it out to collect all".to_owned());
        }
        let known: Vec<&str> = steps::STEPS.iter().map(|step| step.service).collect();
        let services = settings.services.as_deref().unwrap_or_default();
        if let Some(odd) = services.iter().find(|service| !known.contains(&service.as_str())) {
            let shown = odd.get(..odd.floor_char_boundary(40)).unwrap_or_default();
            return wrong(format!("`services` names {shown:?}; known are {}", distinct(&known).join(", ")));
        }
        if let Some(endpoint) = &settings.endpoint
            && !(endpoint.starts_with("https://") || endpoint.starts_with("http://"))
        {
            return wrong("`endpoint` is not a URL of https or http".to_owned());
        }
        Ok(settings)
    }

    /// Whether a service is to be collected.
    pub(crate) fn wants(&self, service: &str) -> bool {
        self.services.as_ref().is_none_or(|services| services.iter().any(|wanted| wanted == service))
    }
}

fn distinct<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a text is the number of an account.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a text can be the name of a region, and so a part of a host name.
pub(crate) fn is_region(text: &str) -> bool {
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (4..=32).contains(&text.len()) && text.bytes().all(letters) && text.contains('-')
}
