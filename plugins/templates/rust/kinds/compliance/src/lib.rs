//! Maps rules to controls, and leaves to people what only people can tell.

use palisade_sdk::{Compliance, Config, ControlResult, Controls, Error, Observations};

struct Framework;

/// Controls, and the rules that tell where they stand.
const CONTROLS: [(&str, &[&str]); 2] = [
    ("example:availability", &["replicas", "backups"]),
    ("example:isolation", &["privileged"]),
];

#[palisade_sdk::compliance]
impl Compliance for Framework {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn assess(&self, seen: &Observations<'_>, controls: &mut Controls) -> Result<(), Error> {
        for (control, rules) in CONTROLS {
            controls.add(ControlResult::judged(control, seen.of_rules(rules)));
        }
        controls.add(ControlResult::manual(
            "example:training",
            "Whether people were trained is not seen here.",
        ));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Framework;
    use palisade_sdk::{CheckStatus, ControlStatus, Observation, Severity};

    #[test]
    fn a_control_stands_where_its_rules_do() {
        let seen = [
            Observation::new("backups", "host:a", CheckStatus::Pass, Severity::None),
            Observation::new(
                "replicas",
                "workload:a",
                CheckStatus::Fail,
                Severity::Medium,
            ),
            Observation::new("unrelated", "host:a", CheckStatus::Fail, Severity::High),
        ];
        let controls = palisade_sdk::assess::<Framework>("{}", &seen).unwrap();
        let statuses: Vec<ControlStatus> = controls.iter().map(|control| control.status).collect();
        assert_eq!(
            statuses,
            [
                ControlStatus::Partly,
                ControlStatus::NotAssessed,
                ControlStatus::Manual
            ]
        );
        assert_eq!(controls[0].items, [0, 1]);
    }
}
