//! A well-behaved plugin of kind `compliance`: maps checks to controls, and leaves to people what only people can tell.

use palisade_sdk::{Compliance, Config, ControlResult, Controls, Error, Observations};

struct Example;

/// Controls, and the rules that tell where they stand.
const CONTROLS: [(&str, &[&str]); 2] =
    [("example:1", &["replicas", "backups"]), ("example:2", &["privileged"])];

#[palisade_sdk::compliance]
impl Compliance for Example {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn assess(&self, seen: &Observations<'_>, controls: &mut Controls) -> Result<(), Error> {
        for (control, rules) in CONTROLS {
            controls.add(ControlResult::judged(control, seen.of_rules(rules)));
        }
        controls
            .add(ControlResult::manual("example:3", "Whether people were trained is not seen from here."));
        Ok(())
    }
}
