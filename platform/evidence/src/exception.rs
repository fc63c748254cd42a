//! Exceptions: failures that somebody has accepted, in writing, for a time.
//!
//! An exception never makes a failure a pass. A failed observation under one is *accepted*, and shown as such wherever it is
//! shown; the statuses of controls and the score stay what they are without it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::assessment::{Observation, Seen};
use crate::error::{EvidenceError, shown};

/// Exceptions that are read. More are no longer exceptions.
const EXCEPTIONS_MAX: usize = 10_000;

/// One exception, as it is kept. Nothing of it holds before [`Exceptions::new`] has seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// From when it holds: when it was approved.
    pub approved_at: Timestamp,
    /// Who approved it; another person than the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// Id of a control; then `framework` says of which framework.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    /// Until when it holds. From this moment on it holds no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Id of a framework, with `control`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<String>,
    /// Its own id.
    pub id: String,
    /// Who answers for the risk.
    pub owner: String,
    /// Why the risk is borne.
    pub reason: String,
    /// Id of a rule, in place of framework and control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// For which assets.
    pub scope: Scope,
}

/// Assets that an exception is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Scope {
    /// The asset of this id, and those below it: ids that go on with `/` or `:`.
    Asset(String),
    /// Assets with this label.
    Label {
        /// Key of the label.
        key: String,
        /// Its value, exactly.
        value: String,
    },
}

impl Scope {
    fn holds(&self, asset: &str, labels: &BTreeMap<String, BTreeMap<String, String>>) -> bool {
        match self {
            Self::Asset(prefix) => asset.strip_prefix(prefix.as_str()).is_some_and(|rest| {
                rest.is_empty() || prefix.ends_with(['/', ':']) || rest.starts_with(['/', ':'])
            }),
            Self::Label { key, value } => {
                labels.get(asset).and_then(|of_asset| of_asset.get(key)).is_some_and(|found| found == value)
            }
        }
    }

    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Asset(prefix) => format!("{prefix} and below"),
            Self::Label { key, value } => format!("label {key}={value}"),
        }
    }
}

/// Where an exception stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It holds.
    Active,
    /// It held once.
    Expired,
    /// It was approved later than the moment that is asked about.
    NotYet,
}

impl Standing {
    /// The words for it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Active => "in force",
            Self::Expired => "expired",
            Self::NotYet => "not yet in force",
        }
    }
}

impl Exception {
    /// Where it stands.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        if now < self.approved_at {
            return Standing::NotYet;
        }
        match self.expires_at {
            Some(end) if now < end => Standing::Active,
            _ => Standing::Expired,
        }
    }

    /// What it is about, for people.
    #[must_use]
    pub fn about(&self) -> String {
        match (&self.rule, &self.framework, &self.control) {
            (Some(rule), _, _) => format!("rule {rule}"),
            (None, framework, control) => format!(
                "control {} of {}",
                control.as_deref().unwrap_or_default(),
                framework.as_deref().unwrap_or_default()
            ),
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        let blank = |text: &str| text.trim().is_empty();
        let approver = self.approver.as_deref().unwrap_or_default();
        let empty_scope = match &self.scope {
            Scope::Asset(prefix) => blank(prefix),
            Scope::Label { key, .. } => blank(key),
        };
        let target = match (&self.rule, &self.framework, &self.control) {
            (Some(rule), None, None) => !blank(rule),
            (None, Some(framework), Some(control)) => !blank(framework) && !blank(control),
            _ => false,
        };
        let same = approver.trim().to_lowercase() == self.owner.trim().to_lowercase();
        let rules = [
            (!blank(&self.id), "it has no id"),
            (target, "it must name either a rule, or a framework and one of its controls"),
            (!empty_scope, "it has no scope, so it would be for everything"),
            (!blank(&self.owner), "nobody owns it"),
            (!blank(&self.reason), "it gives no reason"),
            (!blank(approver), "nobody approved it"),
            (!same, "its owner approved it; another person must"),
            (self.expires_at.is_some(), "it never expires"),
            (self.expires_at.is_none_or(|end| self.approved_at < end), "it expires before it was approved"),
        ];
        rules.into_iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, why)| Err(why))
    }
}

/// Exceptions that may be relied on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exceptions {
    all: Vec<Exception>,
}

impl Exceptions {
    /// Takes them all or none, sorted by id.
    ///
    /// # Errors
    /// [`EvidenceError::Exception`] for one without owner, reason, scope, approver or expiry, one that its owner approved, one that names
    /// neither a rule nor a control, or one whose id is there twice.
    pub fn new(mut all: Vec<Exception>) -> Result<Self, EvidenceError> {
        let refused = |id: &str, why: &str| EvidenceError::Exception { id: shown(id), why: why.to_owned() };
        if all.len() > EXCEPTIONS_MAX {
            return Err(refused("", &format!("there are more than {EXCEPTIONS_MAX}")));
        }
        let mut ids = BTreeSet::new();
        for exception in &all {
            exception.check().map_err(|why| refused(&exception.id, why))?;
            if !ids.insert(&exception.id) {
                return Err(refused(&exception.id, "there are two of this id"));
            }
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Self { all })
    }

    /// All of them, by id, those that expired too.
    #[must_use]
    pub fn all(&self) -> &[Exception] {
        &self.all
    }

    /// Those that hold for a control itself.
    pub(crate) fn of_control<'a>(
        &'a self,
        framework: &'a str,
        control: &'a str,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Exception> {
        self.all.iter().filter(move |exception| {
            exception.framework.as_deref() == Some(framework)
                && exception.control.as_deref() == Some(control)
                && exception.standing(now) == Standing::Active
        })
    }
}

/// What exceptions make of observations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied<'a> {
    /// For each observation, in their order, the exception under which its failure is accepted. Of several the one that expires last.
    pub accepted: Vec<Option<&'a Exception>>,
    /// Every exception with where it stands.
    pub standings: Vec<(&'a Exception, Standing)>,
}

/// Applies the exceptions that are about rules. Only failures are accepted: what passed needs no exception, and what could not be
/// checked is not known to be what was accepted. Exceptions about a control concern that control alone; [`judged`](crate::judge) applies them.
#[must_use]
pub fn apply<'a>(
    observations: &[Observation],
    labels: &BTreeMap<String, BTreeMap<String, String>>,
    exceptions: &'a Exceptions,
    now: Timestamp,
) -> Applied<'a> {
    let standings: Vec<(&Exception, Standing)> =
        exceptions.all.iter().map(|exception| (exception, exception.standing(now))).collect();
    let mut of_rule: HashMap<&str, Vec<&'a Exception>> = HashMap::new();
    for (exception, standing) in &standings {
        if let (Some(rule), Standing::Active) = (&exception.rule, standing) {
            of_rule.entry(rule).or_default().push(exception);
        }
    }
    let accepted = observations.iter().map(|seen| {
        let known = of_rule.get(seen.rule.as_str()).filter(|_| seen.outcome == Seen::Fail)?;
        under(known.iter().copied(), &seen.asset, labels)
    });
    Applied { accepted: accepted.collect(), standings }
}

/// The exception for an asset that expires last; of equals the first by id.
pub(crate) fn under<'a>(
    exceptions: impl Iterator<Item = &'a Exception>,
    asset: &str,
    labels: &BTreeMap<String, BTreeMap<String, String>>,
) -> Option<&'a Exception> {
    let holding = exceptions.filter(|exception| exception.scope.holds(asset, labels));
    holding.min_by_key(|exception| (std::cmp::Reverse(exception.expires_at), &exception.id))
}

#[cfg(test)]
#[path = "exception_tests.rs"]
mod tests;
