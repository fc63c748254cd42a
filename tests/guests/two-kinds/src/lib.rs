//! A well-behaved plugin of two kinds in one component.

use palisade_sdk::{CheckResult, Checks, Compliance, Config, ControlResult, Controls, Error};
use palisade_sdk::{Observations, Posture, Resource, Severity, Unreadable};

struct Named;

#[palisade_sdk::posture]
impl Posture for Named {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn check(&self, resource: &Resource, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
        checks.add(if resource.asset.is_empty() {
            CheckResult::fail("named", Severity::Low, "Give it a name.")
        } else {
            CheckResult::pass("named")
        });
        Ok(())
    }
}

#[palisade_sdk::compliance]
impl Compliance for Named {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn assess(&self, seen: &Observations<'_>, controls: &mut Controls) -> Result<(), Error> {
        controls.add(ControlResult::judged("example:1", seen.of_rules(&["named"])));
        Ok(())
    }
}
