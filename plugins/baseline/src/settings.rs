//! What the operator chose.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use palisade_sdk::{Config, Error};
use serde::Deserialize;
use serde_json::Value;

use crate::portable::{self, Given};
use crate::text::fits;

/// Most profiles and accepted items of a configuration.
const PROFILES_MAX: usize = 500;
const ACCEPTED_MAX: usize = 2_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Nothing is an anomaly.
    Learn,
    /// What a usable profile does not know is one.
    #[default]
    Detect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyBy {
    #[default]
    Image,
    ImageAndWorkload,
}

/// Something that the operator says is normal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Accept {
    #[serde(default = "anything")]
    profile: String,
    #[serde(default = "anything")]
    class: String,
    item: String,
}

fn anything() -> String {
    "*".to_owned()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Raw {
    mode: Mode,
    minutes: u64,
    max_hours: u64,
    occasions: u64,
    unseen_percent: f64,
    expected_days: u32,
    expected_replicas: u64,
    adopt_days: u32,
    alert_minutes: u64,
    budget: u64,
    key: KeyBy,
    profiles: Vec<Value>,
    accept: Vec<Accept>,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            mode: Mode::Detect,
            minutes: 5,
            max_hours: 24,
            occasions: 20,
            unseen_percent: 5.0,
            expected_days: 3,
            expected_replicas: 5,
            adopt_days: 7,
            alert_minutes: 60,
            budget: 6,
            key: KeyBy::Image,
            profiles: Vec::new(),
            accept: Vec::new(),
        }
    }
}

/// The configuration, read.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    /// Least and most time of learning, in seconds.
    pub(crate) least: u64,
    pub(crate) most: u64,
    pub(crate) occasions: u64,
    /// The greatest share of singletons, 0 to 1.
    pub(crate) unseen: f64,
    pub(crate) expected_days: u32,
    pub(crate) expected_replicas: u64,
    pub(crate) adopt_days: u32,
    /// For how long an alert keeps its container from teaching, in seconds.
    pub(crate) alert: u64,
    /// Most anomalies below `high` of a profile and hour; twice as many from there.
    pub(crate) budget: u64,
    pub(crate) key: KeyBy,
    given: HashMap<String, Given>,
    accept: Vec<Accept>,
}

thread_local! {
    /// The last configuration, for as long as the instance lives.
    static LAST: RefCell<Option<(String, Rc<Settings>)>> = const { RefCell::new(None) };
}

impl Settings {
    pub(crate) fn of(config: &Config) -> Result<Rc<Self>, Error> {
        let last = LAST.with(|last| {
            let last = last.borrow();
            last.as_ref().filter(|(text, _)| text == config.text()).map(|(_, settings)| Rc::clone(settings))
        });
        if let Some(settings) = last {
            return Ok(settings);
        }
        let settings = Rc::new(Self::read(config.parse()?)?);
        LAST.with(|last| *last.borrow_mut() = Some((config.text().to_owned(), Rc::clone(&settings))));
        Ok(settings)
    }

    fn read(raw: Raw) -> Result<Self, Error> {
        let invalid = |why: String| Err(Error::InvalidConfig(why));
        if raw.minutes == 0 || raw.minutes > 10_080 {
            return invalid(format!("minutes: {} is not between 1 and 10080", raw.minutes));
        }
        if !(0.0..=100.0).contains(&raw.unseen_percent) {
            return invalid(format!("unseen-percent: {} is no percentage", raw.unseen_percent));
        }
        if raw.profiles.len() > PROFILES_MAX {
            return invalid(format!("profiles: {} are more than {PROFILES_MAX}", raw.profiles.len()));
        }
        if raw.accept.len() > ACCEPTED_MAX {
            return invalid(format!("accept: {} are more than {ACCEPTED_MAX}", raw.accept.len()));
        }
        let mut given: HashMap<String, Given> = HashMap::new();
        for (place, value) in raw.profiles.iter().enumerate() {
            let (key, profile) = portable::read(value)
                .map_err(|why| Error::InvalidConfig(format!("profiles[{place}]: {why}")))?;
            let known = given.entry(key).or_default();
            known.summary.merge(&profile.summary);
            known.frozen |= profile.frozen;
        }
        let least = raw.minutes * 60;
        Ok(Self {
            mode: raw.mode,
            least,
            most: raw.max_hours.min(87_600).saturating_mul(3_600).max(least),
            occasions: raw.occasions.max(1),
            unseen: raw.unseen_percent / 100.0,
            expected_days: raw.expected_days.max(1),
            expected_replicas: raw.expected_replicas,
            adopt_days: raw.adopt_days,
            alert: raw.alert_minutes.min(525_600) * 60,
            budget: raw.budget.min(1_000),
            key: raw.key,
            given,
            accept: raw.accept,
        })
    }

    /// The operator's own profile of a key.
    pub(crate) fn given(&self, key: &str) -> Option<&Given> {
        self.given.get(key)
    }

    /// Whether the operator says that an item is normal.
    pub(crate) fn accepts(&self, key: &str, class: &str, item: &str) -> bool {
        self.accept.iter().any(|accept| {
            fits(&accept.class, class) && fits(&accept.item, item) && fits(&accept.profile, key)
        })
    }
}
