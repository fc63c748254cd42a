//! Every framework over no observations, over all that passes, and over each of its rules that fails alone.

use palisade_sdk::{CheckStatus, ControlResult, ControlStatus, Observation, Severity};

use crate::catalogue::{Assessment, Framework};
use crate::common::{CATALOGUES, assess, rules_of, seen, statuses};

/// The statuses of all controls where those with one of `rules` stand as `told` says, and the others as without observations.
fn expected(
    framework: &Framework,
    rules: &[&str],
    told: impl Fn(Assessment) -> ControlStatus,
) -> Vec<ControlStatus> {
    let status = |control: &crate::catalogue::Control| match control.assessment {
        Assessment::Manual => ControlStatus::Manual,
        assessment if control.rules.iter().any(|map| rules.contains(&map.rule.as_str())) => told(assessment),
        Assessment::Automated | Assessment::Partly => ControlStatus::NotAssessed,
    };
    framework.controls.iter().map(status).collect()
}

/// What holds for every answer: one result for each control, in order, and a rationale that begins with its title.
fn checked(framework: &Framework, observations: &[Observation]) -> Vec<ControlResult> {
    let results = assess(&framework.id, observations);
    assert_eq!(results.len(), framework.controls.len());
    for (result, control) in results.iter().zip(&framework.controls) {
        assert_eq!(result.control, format!("{}:{}", framework.id, control.id));
        let reason = result.rationale.strip_prefix(&format!("{}: ", control.title));
        assert!(reason.is_some_and(|reason| reason.len() > 10), "{}", result.rationale);
        assert!(result.rationale.ends_with('.') && !result.rationale.ends_with(".."), "{}", result.rationale);
        assert!(result.rationale.len() < 2_000, "{}", result.rationale);
        assert!(result.items.iter().all(|item| (*item as usize) < observations.len()));
    }
    results
}

#[test]
fn there_are_thirteen() {
    assert_eq!(CATALOGUES.len(), 13);
    assert_eq!(CATALOGUES.iter().map(|framework| framework.controls.len()).sum::<usize>(), 1_525);
}

#[test]
fn nothing_is_assessed_where_nothing_was_observed() {
    for framework in CATALOGUES.iter() {
        let results = checked(framework, &[]);
        let none = expected(framework, &[], |_| ControlStatus::NotAssessed);
        assert_eq!(statuses(&results), none, "{}", framework.id);
        assert!(results.iter().all(|result| result.items.is_empty()));
    }
}

#[test]
fn all_that_passes_meets_what_can_be_met_and_no_more() {
    for framework in CATALOGUES.iter() {
        let rules: Vec<&str> = rules_of(framework).into_iter().collect();
        let observations: Vec<_> = rules.iter().map(|rule| seen(rule, "asset", CheckStatus::Pass)).collect();
        let results = checked(framework, &observations);
        let all = expected(framework, &rules, |assessment| match assessment {
            Assessment::Automated => ControlStatus::Met,
            Assessment::Partly | Assessment::Manual => ControlStatus::Partly,
        });
        assert_eq!(statuses(&results), all, "{}", framework.id);
        for (result, control) in results.iter().zip(&framework.controls) {
            assert_eq!(result.items.len(), control.rules.len(), "{}", result.control);
        }
    }
}

#[test]
fn one_failing_rule_is_told_of_every_control_that_it_speaks_to() {
    for framework in CATALOGUES.iter() {
        for rule in rules_of(framework) {
            let results = checked(framework, &[seen(rule, "asset", CheckStatus::Fail)]);
            let one = expected(framework, &[rule], |_| ControlStatus::NotMet);
            assert_eq!(statuses(&results), one, "{} {rule}", framework.id);
            for (result, control) in results.iter().zip(&framework.controls) {
                let Some(map) = control.rules.iter().find(|map| map.rule == rule) else {
                    assert!(result.items.is_empty() && !result.rationale.contains(" fails: "));
                    continue;
                };
                assert_eq!(result.items, [0]);
                let why = map.why.trim_end_matches('.');
                let told = format!("{}: {why}; 1 of 1 rule that could tell fails: {rule}", control.title);
                assert!(result.rationale.starts_with(&told), "{}", result.rationale);
            }
        }
    }
}

#[test]
fn one_failure_among_all_that_passes_leaves_no_control_met_that_it_speaks_to() {
    for framework in CATALOGUES.iter() {
        let rules = rules_of(framework);
        for failing in &rules {
            let observations: Vec<_> = rules
                .iter()
                .map(|rule| {
                    let status = if rule == failing { CheckStatus::Fail } else { CheckStatus::Pass };
                    seen(rule, "asset", status)
                })
                .collect();
            for (result, control) in assess(&framework.id, &observations).iter().zip(&framework.controls) {
                let of = control.rules.iter().filter(|map| map.rule == *failing).count();
                match (of, control.rules.len()) {
                    (0, _) => assert_ne!(result.status, ControlStatus::NotMet),
                    (_, 1) => assert_eq!(result.status, ControlStatus::NotMet, "{}", result.control),
                    _ => assert_eq!(result.status, ControlStatus::Partly, "{}", result.control),
                }
            }
        }
    }
}

#[test]
fn rules_of_other_publishers_say_nothing() {
    for framework in CATALOGUES.iter() {
        let others: Vec<_> = rules_of(framework)
            .into_iter()
            .flat_map(|rule| {
                [
                    format!("org.example.posture/{rule}"),
                    format!("palisade.kube-postures/{rule}"),
                    format!("palisade.cloud/{rule}"),
                    format!(" {rule}"),
                ]
            })
            .map(|rule| Observation::new(rule, "asset", CheckStatus::Fail, Severity::Critical))
            .collect();
        assert_eq!(assess(&framework.id, &others), assess(&framework.id, &[]), "{}", framework.id);
    }
}

#[test]
fn a_scope_of_two_hundred_thousand_observations_is_answered_within_bounds() {
    let framework = CATALOGUES.iter().find(|framework| framework.id == "nist-800-53-r5").unwrap();
    let rules: Vec<&str> = rules_of(framework).into_iter().collect();
    let statuses = [CheckStatus::Pass, CheckStatus::Fail, CheckStatus::Error, CheckStatus::NotApplicable];
    let observations: Vec<_> = (0..200_000)
        .map(|number| {
            let asset = format!("k8s:cluster/apps/Deployment/namespace-{}/workload-{number}", number % 97);
            seen(rules[number % rules.len()], &asset, statuses[number % statuses.len()])
        })
        .collect();
    let results = checked(framework, &observations);
    assert!(results.iter().all(|result| result.items.len() <= 1_000));
    assert!(results.iter().any(|result| result.rationale.contains("; named are 1000 of ")));
}
