//! The kind `compliance`: observations in, the status of every control out.

use crate::item::{Item, items};
use crate::text::cut;
use crate::{CheckStatus, Config, ControlResult, ControlStatus, Error, Observation, Severity, host};

/// Maps what was observed to controls of a framework.
///
/// ```
/// use palisade_sdk::{CheckStatus, Compliance, Config, ControlResult, Controls, Error, Observation, Observations};
/// use palisade_sdk::{ControlStatus, Severity};
///
/// struct Example;
///
/// #[palisade_sdk::compliance]
/// impl Compliance for Example {
///     fn new(_config: &Config) -> Result<Self, Error> {
///         Ok(Self)
///     }
///
///     fn assess(&self, seen: &Observations<'_>, controls: &mut Controls) -> Result<(), Error> {
///         controls.add(ControlResult::judged("example:1", seen.of_rules(&["encrypted"])));
///         controls.add(ControlResult::manual("example:2", "People have to be asked."));
///         Ok(())
///     }
/// }
///
/// let seen = Observation::new("encrypted", "bucket:a", CheckStatus::Fail, Severity::High);
/// let controls = palisade_sdk::assess::<Example>("{}", &[seen])?;
/// assert_eq!(controls[0].status, ControlStatus::NotMet);
/// assert_eq!(controls[0].items, [0]);
/// # Ok::<(), Error>(())
/// ```
pub trait Compliance: Sized {
    /// Made once a call, from the operator's configuration.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the key and what is wrong with it; the call then fails as a whole.
    fn new(config: &Config) -> Result<Self, Error>;

    /// Says where every control of the framework stands, given all that was observed of a scope.
    ///
    /// # Errors
    /// The call fails as a whole.
    fn assess(&self, seen: &Observations<'_>, controls: &mut Controls) -> Result<(), Error>;
}

/// All that was observed of a scope.
#[derive(Debug, Clone, Copy)]
pub struct Observations<'a>(&'a [Observation]);

impl<'a> Observations<'a> {
    /// All of them, each knowing its place, so that a control can name it as its proof.
    pub fn iter(&self) -> impl Iterator<Item = Item<'a, Observation>> + use<'a> {
        items(self.0)
    }

    /// Those of some rules.
    pub fn of_rules(&self, rules: &[&str]) -> impl Iterator<Item = Item<'a, Observation>> {
        self.iter().filter(|observation| rules.contains(&observation.rule.as_str()))
    }
}

/// Takes where the controls stand.
#[derive(Debug)]
pub struct Controls(Vec<ControlResult>);

impl Controls {
    /// Where one control stands.
    pub fn add(&mut self, result: ControlResult) {
        self.0.push(result);
    }
}

impl ControlResult {
    /// A control such as `nist-800-53-r5:AC-6`, its status and why in one sentence.
    #[must_use]
    pub fn new(control: impl Into<String>, status: ControlStatus, rationale: impl Into<String>) -> Self {
        Self { control: control.into(), status, items: Vec::new(), rationale: cut(rationale) }
    }

    /// A control that only people can judge.
    #[must_use]
    pub fn manual(control: impl Into<String>, rationale: impl Into<String>) -> Self {
        Self::new(control, ControlStatus::Manual, rationale)
    }

    /// Observations that prove it.
    #[must_use]
    pub fn proof<'a>(mut self, observations: impl IntoIterator<Item = Item<'a, Observation>>) -> Self {
        self.items.extend(observations.into_iter().map(|observation| observation.place()));
        self
    }

    /// A control judged by observations, which become its proof: met where all of them pass, not met where none does, partly
    /// otherwise. A check that could not be done counts as one that does not pass. Without any observation that applies the
    /// control is not assessed, because nothing seen is not the same as nothing wrong.
    #[must_use]
    pub fn judged<'a>(
        control: impl Into<String>,
        observations: impl IntoIterator<Item = Item<'a, Observation>>,
    ) -> Self {
        let applies = |seen: &Item<'_, Observation>| seen.status != CheckStatus::NotApplicable;
        let seen: Vec<_> = observations.into_iter().filter(applies).collect();
        let passed = seen.iter().filter(|seen| seen.status == CheckStatus::Pass).count();
        let status = match passed {
            _ if seen.is_empty() => ControlStatus::NotAssessed,
            0 => ControlStatus::NotMet,
            _ if passed == seen.len() => ControlStatus::Met,
            _ => ControlStatus::Partly,
        };
        let rationale = if seen.is_empty() {
            "Nothing was observed that could tell.".to_owned()
        } else {
            format!("{passed} of {} observations are as they should be.", seen.len())
        };
        Self::new(control, status, rationale).proof(seen)
    }
}

impl Observation {
    /// What a check says of an asset, for tests.
    #[must_use]
    pub fn new(
        rule: impl Into<String>,
        asset: impl Into<String>,
        status: CheckStatus,
        severity: Severity,
    ) -> Self {
        Self { rule: rule.into(), asset: asset.into(), status, severity }
    }
}

/// Judges one scope: what the component's export does, callable from native tests.
///
/// # Errors
/// The plugin's own.
pub fn assess<C: Compliance>(
    config: &str,
    observations: &[Observation],
) -> Result<Vec<ControlResult>, Error> {
    host::settled(|| {
        let mut controls = Controls(Vec::new());
        C::new(&Config::new(config))?.assess(&Observations(observations), &mut controls)?;
        Ok(controls.0)
    })
}

#[cfg(test)]
mod tests {
    use super::Observations;
    use crate::{CheckStatus, ControlResult, ControlStatus, Observation, Severity};

    #[test]
    fn a_control_is_met_only_by_what_was_seen_to_pass() {
        use CheckStatus::{Error, Fail, NotApplicable, Pass};
        let judged = |statuses: &[CheckStatus]| {
            let seen: Vec<_> =
                statuses.iter().map(|status| Observation::new("r", "a", *status, Severity::Low)).collect();
            let result = ControlResult::judged("c:1", Observations(&seen).of_rules(&["r"]));
            (result.status, result.items)
        };
        assert_eq!(judged(&[]), (ControlStatus::NotAssessed, vec![]));
        assert_eq!(judged(&[NotApplicable]), (ControlStatus::NotAssessed, vec![]));
        assert_eq!(judged(&[NotApplicable, Pass, Pass]), (ControlStatus::Met, vec![1, 2]));
        assert_eq!(judged(&[Pass, Fail]), (ControlStatus::Partly, vec![0, 1]));
        assert_eq!(judged(&[Pass, Error]), (ControlStatus::Partly, vec![0, 1]));
        assert_eq!(judged(&[Fail, Error]), (ControlStatus::NotMet, vec![0, 1]));
    }
}
