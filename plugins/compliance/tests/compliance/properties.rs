//! What holds for any observations: failures never improve anything, and order decides nothing.

use palisade_sdk::{CheckStatus, ControlResult, ControlStatus, Observation, Severity};
use proptest::prelude::*;

use crate::common::{CATALOGUES, assess, platform_name, rules_of, statuses};

/// Better statuses are greater. What only people can judge is never anything else.
fn rank(status: ControlStatus) -> u8 {
    match status {
        ControlStatus::NotMet => 0,
        ControlStatus::NotAssessed => 1,
        ControlStatus::Partly => 2,
        ControlStatus::Met => 3,
        ControlStatus::Manual => 4,
    }
}

fn status() -> impl Strategy<Value = CheckStatus> {
    prop_oneof![
        Just(CheckStatus::Pass),
        Just(CheckStatus::Fail),
        Just(CheckStatus::NotApplicable),
        Just(CheckStatus::Error)
    ]
}

fn severity() -> impl Strategy<Value = Severity> {
    prop_oneof![
        Just(Severity::Unknown),
        Just(Severity::Low),
        Just(Severity::Medium),
        Just(Severity::Critical)
    ]
}

/// A framework, and observations mostly of a few of its rules, so that rules meet each other and themselves.
fn scope() -> impl Strategy<Value = (String, Vec<String>, Vec<Observation>)> {
    (0..CATALOGUES.len()).prop_flat_map(|place| {
        let framework = &CATALOGUES[place];
        let mut rules: Vec<String> = rules_of(framework).into_iter().map(platform_name).collect();
        rules.push("org.example.other/host-pid".to_owned());
        let count = rules.len();
        let of = rules.clone();
        let observation =
            (0..count, "[a-d]", status(), severity()).prop_map(move |(rule, asset, status, severity)| {
                Observation::new(of[rule].clone(), asset, status, severity)
            });
        (Just(framework.id.clone()), Just(rules), prop::collection::vec(observation, 0..200))
    })
}

/// Results with the proof itself in place of its place in the batch.
fn proofs(results: &[ControlResult], observations: &[Observation]) -> Vec<String> {
    let proof = |result: &ControlResult| {
        let named: Vec<_> = result.items.iter().map(|item| &observations[*item as usize]).collect();
        format!("{} {:?} {} {named:?}", result.control, result.status, result.rationale)
    };
    results.iter().map(proof).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_failure_never_improves_and_a_pass_never_worsens(
        ((id, rules, before), which, asset, severity) in
            (scope(), any::<prop::sample::Index>(), "[a-f]", severity())
    ) {
        let base = statuses(&assess(&id, &before));
        let with = |status: CheckStatus| {
            let mut after = before.clone();
            after.push(Observation::new(which.get(&rules).clone(), asset.clone(), status, severity));
            statuses(&assess(&id, &after))
        };
        for (old, new) in base.iter().zip(with(CheckStatus::Fail)) {
            prop_assert!(rank(new) <= rank(*old), "{old:?} became {new:?}");
        }
        for (old, new) in base.iter().zip(with(CheckStatus::Pass)) {
            prop_assert!(rank(new) >= rank(*old), "{old:?} became {new:?}");
        }
        prop_assert_eq!(&base, &with(CheckStatus::Error));
        prop_assert_eq!(&base, &with(CheckStatus::NotApplicable));
    }

    #[test]
    fn the_order_of_observations_decides_nothing(
        (id, before, after) in scope().prop_flat_map(|(id, _, seen)| {
            (Just(id), Just(seen.clone()), Just(seen).prop_shuffle())
        })
    ) {
        prop_assert_eq!(proofs(&assess(&id, &before), &before), proofs(&assess(&id, &after), &after));
    }

    #[test]
    fn proof_names_each_observation_once_and_only_of_the_controls_own_rules(
        (id, _, seen) in scope()
    ) {
        let framework = CATALOGUES.iter().find(|framework| framework.id == id).unwrap();
        for (result, control) in assess(&id, &seen).iter().zip(&framework.controls) {
            let mut items = result.items.clone();
            items.sort_unstable();
            items.dedup();
            prop_assert_eq!(items.len(), result.items.len());
            for item in &items {
                let rule = &seen[*item as usize].rule;
                prop_assert!(control.rules.iter().any(|map| platform_name(&map.rule) == *rule));
            }
            let failures = result.items.iter().map(|item| seen[*item as usize].status == CheckStatus::Fail);
            prop_assert!(failures.clone().is_sorted_by(|left, right| left >= right), "failures come first");
        }
    }
}
