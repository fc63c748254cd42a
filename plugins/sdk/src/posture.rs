//! The kind `posture`: one resource in, results of checks out.
//!
//! Resources are judged one by one, because the platform cuts batches as it likes and the result may not depend on that. A
//! resource that cannot be understood costs only itself.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::text::{cut, evidence};
use crate::{
    Assessment, CheckResult, CheckStatus, Config, Error, Problem, Resource, Severity, Unreadable, host,
};

/// Judges resources of clusters, cloud accounts and repositories.
///
/// ```
/// use palisade_sdk::{CheckResult, Checks, Config, Error, Posture, Resource, Severity, Unreadable};
///
/// struct Replicas {
///     at_least: u64,
/// }
///
/// #[palisade_sdk::posture]
/// impl Posture for Replicas {
///     fn new(_config: &Config) -> Result<Self, Error> {
///         Ok(Self { at_least: 2 })
///     }
///
///     fn check(&self, resource: &Resource, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
///         let body: serde_json::Value = resource.json()?;
///         let replicas = body.pointer("/spec/replicas").and_then(|value| value.as_u64()).unwrap_or(1);
///         checks.add(if replicas >= self.at_least {
///             CheckResult::pass("replicas")
///         } else {
///             CheckResult::fail("replicas", Severity::Low, "Run at least two replicas.").location("/spec/replicas")
///         });
///         Ok(())
///     }
/// }
///
/// let one = Resource::new("k8s:a", "apps/v1/Deployment", &serde_json::json!({ "spec": { "replicas": 1 } }));
/// let assessment = palisade_sdk::check::<Replicas>("{}", &[one])?;
/// assert_eq!(assessment.results[0].location, "/spec/replicas");
/// # Ok::<(), Error>(())
/// ```
pub trait Posture: Sized {
    /// Made once a call, from the operator's configuration.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the key and what is wrong with it; the call then fails as a whole.
    fn new(config: &Config) -> Result<Self, Error>;

    /// Runs every check on one resource. What was reported before an error stays.
    ///
    /// # Errors
    /// [`Unreadable`] says what is wrong with the resource; it becomes a gap in the coverage statement.
    fn check(&self, resource: &Resource, checks: &mut Checks<'_>) -> Result<(), Unreadable>;
}

/// Takes what the checks say of one resource. Fills in its index, so that no result can name a wrong one.
#[derive(Debug)]
pub struct Checks<'a> {
    item: u32,
    assessment: &'a mut Assessment,
}

impl Checks<'_> {
    /// The outcome of one check. A check that does not apply may be left out.
    pub fn add(&mut self, result: CheckResult) {
        self.assessment.results.push(CheckResult { item: self.item, ..result });
    }

    /// A part of the resource that could not be understood; the rest goes on.
    pub fn problem(&mut self, message: impl Into<String>) {
        self.assessment.problems.push(Problem { item: self.item, message: cut(message) });
    }
}

impl CheckResult {
    /// As it should be.
    #[must_use]
    pub fn pass(rule: impl Into<String>) -> Self {
        Self::of(rule, CheckStatus::Pass, Severity::None, "")
    }

    /// Not as it should be: how bad, and what was found and what to do in one or two sentences.
    #[must_use]
    pub fn fail(rule: impl Into<String>, severity: Severity, message: impl Into<String>) -> Self {
        Self::of(rule, CheckStatus::Fail, severity, message)
    }

    /// The check has nothing to say about this resource.
    #[must_use]
    pub fn not_applicable(rule: impl Into<String>) -> Self {
        Self::of(rule, CheckStatus::NotApplicable, Severity::None, "")
    }

    /// The check could not be done; the message says why. It becomes a gap in the coverage statement.
    #[must_use]
    pub fn error(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(rule, CheckStatus::Error, Severity::Unknown, message)
    }

    fn of(
        rule: impl Into<String>,
        status: CheckStatus,
        severity: Severity,
        message: impl Into<String>,
    ) -> Self {
        Self {
            item: 0,
            rule: rule.into(),
            status,
            severity,
            message: cut(message),
            location: String::new(),
            evidence: Vec::new(),
        }
    }

    /// Where inside the resource, as a JSON Pointer (RFC 6901).
    #[must_use]
    pub fn location(mut self, pointer: impl Into<String>) -> Self {
        self.location = pointer.into();
        self
    }

    /// What was compared with what.
    #[must_use]
    pub fn evidence<T: Serialize>(mut self, value: &T) -> Self {
        self.evidence = evidence(value);
        self
    }
}

impl Resource {
    /// A resource with a JSON body. One that JSON cannot express has an empty body.
    #[must_use]
    pub fn new<T: Serialize + ?Sized>(asset: impl Into<String>, kind: impl Into<String>, body: &T) -> Self {
        Self { asset: asset.into(), kind: kind.into(), body: serde_json::to_vec(body).unwrap_or_default() }
    }

    /// The body as a type of the plugin's own, or as `serde_json::Value`.
    ///
    /// # Errors
    /// The body is not JSON, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Unreadable(format!("the resource's body is not as expected: {error}")))
    }
}

/// Judges one batch: what the component's export does, callable from native tests.
///
/// # Errors
/// The plugin's own, when it cannot be made from the configuration.
pub fn check<P: Posture>(config: &str, resources: &[Resource]) -> Result<Assessment, Error> {
    host::settled(|| {
        let posture = P::new(&Config::new(config))?;
        let mut assessment = Assessment { results: Vec::new(), problems: Vec::new() };
        for (item, resource) in (0..).zip(resources) {
            let mut checks = Checks { item, assessment: &mut assessment };
            if let Err(Unreadable(message)) = posture.check(resource, &mut checks) {
                checks.problem(message);
            }
        }
        Ok(assessment)
    })
}

#[cfg(test)]
mod tests {
    use super::{Checks, Posture, check};
    use crate::{CheckResult, CheckStatus, Config, Error, Resource, Severity, Unreadable};

    struct Numbers;

    impl Posture for Numbers {
        fn new(config: &Config) -> Result<Self, Error> {
            config.parse::<Vec<u8>>().map(|_| Self)
        }

        fn check(&self, resource: &Resource, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
            checks.add(CheckResult::pass("first"));
            let number: u8 = resource.json()?;
            checks.add(CheckResult::fail("second", Severity::High, "m").evidence(&number).location("/a"));
            checks.add(CheckResult::not_applicable("third"));
            checks.add(CheckResult::error("fourth", "why"));
            Ok(())
        }
    }

    #[test]
    fn results_and_problems_name_their_resource() {
        let bad = Resource { body: b"{".to_vec(), ..Resource::new("a", "k", &()) };
        let assessment = check::<Numbers>("[]", &[bad, Resource::new("b", "k", &7)]).unwrap();
        let items: Vec<u32> = assessment.results.iter().map(|result| result.item).collect();
        assert_eq!(items, [0, 1, 1, 1, 1]);
        assert_eq!(assessment.results[2].evidence, b"7");
        assert_eq!(assessment.results[4].status, CheckStatus::Error);
        assert_eq!(assessment.problems.len(), 1);
        assert_eq!(assessment.problems[0].item, 0);
    }

    #[test]
    fn a_configuration_that_is_refused_fails_the_call() {
        assert!(matches!(check::<Numbers>("{}", &[]), Err(Error::InvalidConfig(_))));
    }
}
