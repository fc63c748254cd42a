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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{at, exception};

    fn seen(asset: &str, outcome: Seen) -> Observation {
        Observation { rule: "p/r".to_owned(), asset: asset.to_owned(), outcome }
    }

    fn accepted(asset: &str, outcome: Seen, exception: Exception, now: Timestamp) -> bool {
        let exceptions = Exceptions::new(vec![exception]).unwrap();
        let labels =
            BTreeMap::from([("k:l".to_owned(), BTreeMap::from([("team".to_owned(), "pay".to_owned())]))]);
        let observations = [seen(asset, outcome)];
        apply(&observations, &labels, &exceptions, now).accepted[0].is_some()
    }

    #[test]
    fn an_exception_that_nobody_may_rely_on_is_refused() {
        let bad: [(&str, fn(&mut Exception)); 15] = [
            ("nobody approved it", |e| e.approver = None),
            ("nobody approved it", |e| e.approver = Some("  ".to_owned())),
            ("its owner approved it; another person must", |e| e.approver = Some(" ALICE".to_owned())),
            ("it never expires", |e| e.expires_at = None),
            ("it expires before it was approved", |e| e.expires_at = Some(e.approved_at)),
            ("it gives no reason", |e| e.reason = String::new()),
            ("nobody owns it", |e| e.owner = "\t".to_owned()),
            ("it has no id", |e| e.id = String::new()),
            ("it has no scope, so it would be for everything", |e| e.scope = Scope::Asset(String::new())),
            ("it must name either a rule, or a framework and one of its controls", |e| e.rule = None),
            ("it must name either a rule, or a framework and one of its controls", |e| {
                e.control = Some("AC-2".to_owned());
            }),
            ("it must name either a rule, or a framework and one of its controls", |e| {
                e.rule = None;
                e.control = Some("AC-2".to_owned());
            }),
            ("it must name either a rule, or a framework and one of its controls", |e| {
                e.rule = None;
                e.framework = Some("nist".to_owned());
            }),
            ("it must name either a rule, or a framework and one of its controls", |e| {
                e.rule = Some(" ".to_owned());
            }),
            ("it has no scope, so it would be for everything", |e| {
                e.scope = Scope::Label { key: String::new(), value: "x".to_owned() };
            }),
        ];
        for (why, spoil) in bad {
            let mut spoilt = exception("e1");
            spoil(&mut spoilt);
            let error = Exceptions::new(vec![spoilt]).unwrap_err();
            assert_eq!(error.code(), "evidence-exception-refused");
            assert!(error.to_string().ends_with(why), "{error}");
        }
        let twice = Exceptions::new(vec![exception("e1"), exception("e1")]).unwrap_err();
        assert!(twice.to_string().ends_with("two of this id"));
        assert_eq!(Exceptions::new(vec![exception("b"), exception("a")]).unwrap().all()[0].id, "a");
    }

    #[test]
    fn only_failures_in_time_and_scope_are_accepted() {
        let now = at("2026-06-01T00:00:00Z");
        let asset = |prefix: &str| Exception { scope: Scope::Asset(prefix.to_owned()), ..exception("e1") };
        assert!(accepted("k:a/b/c", Seen::Fail, asset("k:a/b"), now));
        assert!(accepted("k:a/b", Seen::Fail, asset("k:a/b"), now));
        assert!(accepted("k:a/b/c", Seen::Fail, asset("k:a/"), now));
        assert!(!accepted("k:a/bc", Seen::Fail, asset("k:a/b"), now), "another name that begins alike");
        assert!(!accepted("k:a", Seen::Fail, asset("k:a/b"), now));
        for outcome in [Seen::Pass, Seen::Error] {
            assert!(!accepted("k:a/b", outcome, asset("k:a/b"), now));
        }
        let other = Exception { rule: Some("p/other".to_owned()), ..asset("k:a") };
        assert!(!accepted("k:a", Seen::Fail, other, now));
        let label = |value: &str| Exception {
            scope: Scope::Label { key: "team".to_owned(), value: value.to_owned() },
            ..exception("e1")
        };
        assert!(accepted("k:l", Seen::Fail, label("pay"), now));
        assert!(!accepted("k:l", Seen::Fail, label("payments"), now));
        assert!(!accepted("k:m", Seen::Fail, label("pay"), now));
    }

    #[test]
    fn it_holds_from_its_approval_until_it_expires() {
        let one = Exception {
            approved_at: at("2026-01-01T00:00:00Z"),
            expires_at: Some(at("2026-02-01T00:00:00Z")),
            ..exception("e1")
        };
        for (now, standing) in [
            ("2025-12-31T23:59:59Z", Standing::NotYet),
            ("2026-01-01T00:00:00Z", Standing::Active),
            ("2026-01-31T23:59:59Z", Standing::Active),
            ("2026-02-01T00:00:00Z", Standing::Expired),
        ] {
            assert_eq!(one.standing(at(now)), standing, "{now}");
            assert_eq!(accepted("k:a/b", Seen::Fail, one.clone(), at(now)), standing == Standing::Active);
        }
    }

    #[test]
    fn of_several_the_one_that_expires_last_is_named() {
        let later = Exception { expires_at: Some(at("2027-12-31T00:00:00Z")), ..exception("z") };
        let exceptions = Exceptions::new(vec![exception("a"), exception("b"), later]).unwrap();
        let observations = [seen("k:a", Seen::Fail)];
        let applied = apply(&observations, &BTreeMap::new(), &exceptions, at("2026-06-01T00:00:00Z"));
        assert_eq!(applied.accepted[0].unwrap().id, "z");
        assert_eq!(applied.standings.len(), 3);
    }

    proptest! {
        /// However long a file of exceptions is and whatever it says: without one for the rule nothing is accepted.
        #[test]
        fn nothing_is_accepted_that_no_exception_names(asset in "k:[a-c/]{0,6}", prefix in "k:[a-c/]{1,6}") {
            let one = Exception { scope: Scope::Asset(prefix.clone()), ..exception("e1") };
            let is = accepted(&asset, Seen::Fail, one, at("2026-06-01T00:00:00Z"));
            prop_assert!(!is || asset.starts_with(&prefix));
        }
    }
}
