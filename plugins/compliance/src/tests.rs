//! The status rules, over a framework made for them.

use palisade_sdk::CheckStatus::{Error as Untold, Fail, NotApplicable, Pass};
use palisade_sdk::{
    CheckStatus, Compliance, Config, ControlResult, ControlStatus, Controls, Error, Observation,
    Observations, Severity,
};

use crate::catalogue::Framework;
use crate::judge::PROOF_MAX;

/// Like the plugin, with a framework of the test's own in place of an id.
struct Handmade(Framework<'static>);

impl Compliance for Handmade {
    fn new(config: &Config) -> Result<Self, Error> {
        let json: &'static str = Box::leak(config.text().to_owned().into_boxed_str());
        serde_json::from_str(json).map(Self).map_err(|error| Error::Other(error.to_string()))
    }

    fn assess(&self, observations: &Observations<'_>, controls: &mut Controls) -> Result<(), Error> {
        crate::assess(&self.0, observations, controls);
        Ok(())
    }
}

fn seen(rule: &str, asset: &str, status: CheckStatus) -> Observation {
    Observation::new(format!("palisade.kube-posture/{rule}"), asset, status, Severity::Medium)
}

/// One control of the rules `a`, `b` and `c`, over observations of them.
fn judged(assessment: &str, observations: &[Observation]) -> ControlResult {
    let framework = format!(
        r#"["f", [["1", "Title", "{assessment}", [["a", "A is \"bad\"."], ["b", "B is bad."], ["c", "C is bad."]]]]]"#
    );
    let mut results = palisade_sdk::assess::<Handmade>(&framework, observations).unwrap();
    assert_eq!(results.len(), 1);
    results.remove(0)
}

fn status(assessment: &str, observed: &[(&str, CheckStatus)]) -> ControlStatus {
    let observations: Vec<_> = observed.iter().map(|(rule, status)| seen(rule, "asset", *status)).collect();
    judged(assessment, &observations).status
}

#[test]
fn what_only_people_can_judge_is_left_to_them() {
    let framework = r#"["f", [["1", "Training", "manual", []]]]"#;
    let observations = [seen("a", "asset", Fail), Observation::new("1", "asset", Fail, Severity::High)];
    let results = palisade_sdk::assess::<Handmade>(framework, &observations).unwrap();
    assert_eq!(results[0].control, "f:1");
    assert_eq!((results[0].status, results[0].items.len()), (ControlStatus::Manual, 0));
    let why = "Training: only people can judge it, because nothing that the platform sees shows it.";
    assert_eq!(results[0].rationale, why);
}

#[test]
fn a_control_without_rules_is_not_assessed() {
    for assessment in ["automated", "partly"] {
        let framework = format!(r#"["f", [["1", "Title", "{assessment}", []]]]"#);
        let results = palisade_sdk::assess::<Handmade>(&framework, &[seen("a", "asset", Fail)]).unwrap();
        assert_eq!((results[0].status, results[0].items.len()), (ControlStatus::NotAssessed, 0));
        assert_eq!(results[0].rationale, "Title: nothing was checked, because no rule speaks to it yet.");
    }
}

#[test]
fn nothing_seen_is_not_assessed() {
    for assessment in ["automated", "partly"] {
        assert_eq!(status(assessment, &[]), ControlStatus::NotAssessed);
        assert_eq!(status(assessment, &[("other", Fail)]), ControlStatus::NotAssessed);
        assert_eq!(status(assessment, &[("a", NotApplicable)]), ControlStatus::NotAssessed);
        assert_eq!(status(assessment, &[("a", Untold)]), ControlStatus::NotAssessed);
        assert_eq!(status(assessment, &[("a", Untold), ("b", NotApplicable)]), ControlStatus::NotAssessed);
    }
    let result = judged("partly", &[seen("b", "asset", NotApplicable), seen("a", "asset", Untold)]);
    assert_eq!(result.items, [1], "what could not be told is why nothing is known");
    assert_eq!(
        result.rationale,
        "Title: nothing was observed that could tell; could not be checked: a; nothing in the scope to check: b; \
         not observed: c."
    );
}

#[test]
fn passing_rules_meet_only_what_they_see_all_of() {
    assert_eq!(status("automated", &[("a", Pass)]), ControlStatus::Met);
    assert_eq!(status("partly", &[("a", Pass)]), ControlStatus::Partly);
    assert_eq!(status("partly", &[("a", Pass), ("b", Pass), ("c", Pass)]), ControlStatus::Partly);
    let all = [seen("a", "1", Pass), seen("b", "1", Pass), seen("c", "1", Pass)];
    assert_eq!(judged("automated", &all).rationale, "Title: 3 of 3 rules that could tell pass.");
    assert_eq!(
        judged("partly", &all[..1]).rationale,
        "Title: 1 of 1 rule that could tell passes, which cannot show that all of the control is met; not observed: b, c."
    );
    assert_eq!(judged("partly", &all).items, [0, 1, 2]);
}

#[test]
fn what_could_not_be_told_or_does_not_apply_changes_no_status() {
    for (extra, told) in
        [(Untold, "could not be checked: b"), (NotApplicable, "nothing in the scope to check: b")]
    {
        assert_eq!(status("automated", &[("a", Pass), ("b", extra)]), ControlStatus::Met);
        assert_eq!(status("automated", &[("a", Fail), ("b", extra)]), ControlStatus::NotMet);
        assert_eq!(status("partly", &[("a", Fail), ("b", extra)]), ControlStatus::NotMet);
        let result = judged("automated", &[seen("a", "asset", Pass), seen("b", "asset", extra)]);
        assert!(result.rationale.contains(told), "{}", result.rationale);
        assert_eq!(result.items, [0]);
    }
    let result = judged("automated", &[seen("a", "1", Pass), seen("a", "2", Untold)]);
    assert_eq!(result.status, ControlStatus::Met);
    assert!(result.rationale.contains("not checked everywhere: a"), "{}", result.rationale);
}

#[test]
fn failing_rules_alone_are_not_met_and_beside_passing_ones_partly() {
    for assessment in ["automated", "partly"] {
        assert_eq!(status(assessment, &[("a", Fail)]), ControlStatus::NotMet);
        assert_eq!(status(assessment, &[("a", Fail), ("b", Fail)]), ControlStatus::NotMet);
        assert_eq!(status(assessment, &[("a", Fail), ("b", Pass)]), ControlStatus::Partly);
    }
}

#[test]
fn many_assets_that_pass_do_not_outweigh_one_that_fails() {
    let mut observations: Vec<_> = (0..500).map(|number| seen("a", &number.to_string(), Pass)).collect();
    observations.push(seen("a", "500", Fail));
    for assessment in ["automated", "partly"] {
        let result = judged(assessment, &observations);
        assert_eq!(result.status, ControlStatus::NotMet);
        assert_eq!(result.items, [500], "what passes beside a failure of the same rule decides nothing");
    }
}

#[test]
fn a_rationale_says_what_the_gravest_failure_means_and_names_the_rules() {
    let mut observations = vec![seen("b", "1", Fail), seen("a", "1", Fail), seen("c", "1", Pass)];
    let begins = |observations: &[Observation], text: &str| {
        let rationale = judged("automated", observations).rationale;
        assert!(rationale.starts_with(text), "{rationale}");
    };
    begins(&observations, "Title: A is \"bad\"; 2 of 3 rules that could tell fail: a, b.");
    observations[0].severity = Severity::High;
    begins(&observations, "Title: B is bad; 2 of 3 rules that could tell fail: b, a.");
    begins(
        &observations[1..],
        "Title: A is \"bad\"; 1 of 2 rules that could tell fails: a; not observed: b.",
    );
}

#[test]
fn a_rationale_names_some_rules_and_counts_the_others() {
    let rules: Vec<String> = (10..30).map(|number| format!(r#"["r{number}", "Bad."]"#)).collect();
    let framework = format!(r#"["f", [["1", "Title", "partly", [{}]]]]"#, rules.join(", "));
    let observations: Vec<_> = (10..30).map(|number| seen(&format!("r{number}"), "1", Fail)).collect();
    let results = palisade_sdk::assess::<Handmade>(&framework, &observations).unwrap();
    assert_eq!(
        results[0].rationale,
        "Title: Bad; 20 of 20 rules that could tell fail: r10, r11, r12, r13, r14, r15, r16, r17, r18, r19 and 10 more."
    );
}

#[test]
fn proof_begins_with_failures_of_every_rule_and_the_gravest() {
    let mut observations = vec![
        seen("c", "1", Pass),
        seen("a", "2", Fail),
        seen("a", "1", Fail),
        seen("b", "1", Fail),
        seen("a", "3", Fail),
        seen("b", "2", Pass),
    ];
    observations[4].severity = Severity::Critical;
    assert_eq!(judged("partly", &observations).items, [4, 3, 2, 1, 0]);
}

#[test]
fn proof_is_bounded_and_says_so() {
    let many = PROOF_MAX + 500;
    let mut observations: Vec<_> = (0..many).map(|number| seen("a", &format!("{number:05}"), Fail)).collect();
    observations.push(seen("b", "rare", Fail));
    observations.push(seen("c", "1", Pass));
    let result = judged("automated", &observations);
    assert_eq!(result.items.len(), PROOF_MAX);
    assert_eq!(result.items[..3], [0, u32::try_from(many).unwrap(), 1], "a rare rule is not pushed out");
    let told = "; named are 1000 of 1502 observations that decide.";
    assert!(result.rationale.ends_with(told), "{}", result.rationale);
}

#[test]
fn a_failure_that_is_reported_twice_is_proof_twice() {
    assert_eq!(judged("partly", &[seen("a", "1", Fail), seen("a", "1", Fail)]).items, [0, 1]);
}
