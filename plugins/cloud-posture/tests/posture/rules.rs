//! Every rule against its fixture: what passes, what fails, and where.

use std::collections::{BTreeMap, BTreeSet};

use palisade_sdk::{CheckResult, CheckStatus, Severity};
use serde_json::Value;

use crate::common::{Case, Fixture, fixtures, manifest, manifest_text, of, own_folder};

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
        _ => "none",
    }
}

/// What is wrong with a rule's fixture, or with the rule.
fn faults(rule: &str, fixture: &Fixture) -> Vec<String> {
    let mut faults = Vec::new();
    if fixture.pass.is_empty() || fixture.fail.is_empty() {
        faults.push(format!("{rule}: at least one case of each is needed"));
    }
    for (number, case) in fixture.pass.iter().enumerate() {
        let assessment = case.judge(&case.body);
        let statuses: Vec<CheckStatus> = of(rule, &assessment).iter().map(|result| result.status).collect();
        if statuses != [CheckStatus::Pass] {
            faults.push(format!("{rule}: pass case {number} gives {:?}", of(rule, &assessment)));
        }
    }
    for (number, case) in fixture.fail.iter().enumerate() {
        let assessment = case.judge(&case.body);
        let results = of(rule, &assessment);
        let at = case.at.as_deref().unwrap_or("(no place given)");
        let hit = results.iter().any(|result| result.status == CheckStatus::Fail && result.location == at);
        if !hit || results.iter().any(|result| result.status != CheckStatus::Fail) {
            faults.push(format!("{rule}: fail case {number}, wanted at {at}: {results:?}"));
        }
        faults.extend(results.iter().filter_map(|result| fault_of_result(rule, case, result)));
    }
    faults
}

/// What a failure has to say and to show.
fn fault_of_result(rule: &str, case: &Case, result: &CheckResult) -> Option<String> {
    if case.body.pointer(&result.location).is_none() {
        return Some(format!("{rule}: {} is no place of the body", result.location));
    }
    if !result.message.ends_with('.') || result.message.len() > 400 {
        return Some(format!("{rule}: the message {:?}", result.message));
    }
    let evidence: Value = serde_json::from_slice(&result.evidence).unwrap_or_default();
    let whole = evidence.get("found").is_some() && evidence.get("wanted").is_some();
    (!whole).then(|| format!("{rule}: the evidence {evidence}"))
}

#[test]
fn every_rule_passes_and_fails_as_its_fixture_says() {
    let found: Vec<String> = fixtures().iter().flat_map(|(rule, fixture)| faults(rule, fixture)).collect();
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_fixture_belongs_to_a_rule() {
    let rules: BTreeSet<String> =
        manifest().rules.into_iter().map(|rule| format!("{}.json", rule.id)).collect();
    for entry in std::fs::read_dir(own_folder().join("fixtures")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(rules.contains(&name), "{name}");
    }
}

#[test]
fn the_code_and_the_manifest_have_the_same_rules() {
    let coded: BTreeMap<&str, &str> =
        cloud_posture::rules().into_iter().map(|(rule, severity)| (rule, word(severity))).collect();
    let manifest = manifest();
    let told: BTreeMap<&str, &str> =
        manifest.rules.iter().map(|rule| (rule.id.as_str(), rule.severity.as_str())).collect();
    assert_eq!(coded, told);
    assert_eq!(told.len(), manifest.rules.len(), "an id is there twice");
    assert!(told.len() >= 180);
}

#[test]
fn every_kind_with_checks_is_consumed_and_has_a_failing_fixture() {
    let manifest = manifest();
    let consumed: BTreeSet<&str> = manifest.kinds["posture"].consumes.iter().map(String::as_str).collect();
    assert_eq!(consumed, cloud_posture::kinds());
    let fixtures = fixtures();
    let failing: BTreeSet<&str> =
        fixtures.iter().flat_map(|(_, fixture)| &fixture.fail).map(|case| case.kind.as_str()).collect();
    assert_eq!(failing, consumed);
}

#[test]
fn the_manifest_is_complete_and_fits() {
    assert!(manifest_text().len() < 200_000, "{} bytes", manifest_text().len());
    let ends = |text: &str| text.ends_with('.') && text.len() > 25;
    for rule in manifest().rules {
        let letters =
            rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(letters, "{}", rule.id);
        assert!(rule.title.len() < 100 && !rule.title.ends_with('.'), "{}", rule.id);
        assert!(ends(&rule.description) && ends(&rule.risk) && ends(&rule.remediation), "{}", rule.id);
        assert!(rule.patch.as_deref().is_none_or(|patch| patch.starts_with("aws ")), "{}", rule.id);
        assert!(!rule.references.is_empty() && !rule.tags.is_empty(), "{}", rule.id);
        assert!(
            rule.references.iter().all(|reference| reference.starts_with("https://docs.aws.amazon.com/")),
            "{}",
            rule.id
        );
    }
}

#[test]
fn what_is_good_has_no_failure_of_any_rule() {
    // The first passing case of a rule is a resource as it should be, unless its rule needs a special one.
    let special = [
        "external-account",
        "saml",
        "oidc",
        "two-keys",
        "log-bucket",
        "alarm",
        "cloudfront-origin-access",
        "default-rules",
    ];
    for (rule, fixture) in
        fixtures().iter().filter(|(rule, _)| !special.iter().any(|word| rule.contains(word)))
    {
        let case = &fixture.pass[0];
        let assessment = case.judge(&case.body);
        let failed: Vec<_> = assessment
            .results
            .iter()
            .filter(|result| result.status == CheckStatus::Fail && !result.rule.starts_with("alarm-"))
            .collect();
        assert!(failed.is_empty(), "{rule}: {failed:?}");
    }
}

#[test]
fn a_worse_failure_leaves_no_pass_behind() {
    let fixtures: BTreeMap<String, Fixture> = fixtures().into_iter().collect();
    for (worse, others) in [
        ("sg-open-all", ["sg-open-ssh", "sg-open-database", "sg-open-wide-range", "sg-open-other-port"]),
        (
            "iam-policy-full-admin",
            [
                "iam-policy-privilege-escalation",
                "iam-policy-pass-role",
                "iam-policy-service-admin",
                "iam-policy-read-any-secret",
            ],
        ),
    ] {
        let case = &fixtures[worse].fail[0];
        let assessment = case.judge(&case.body);
        for other in others {
            assert!(of(other, &assessment).is_empty(), "{worse} {other}");
        }
    }
}

#[test]
fn severity_follows_what_stands_in_the_way() {
    let fixtures: BTreeMap<String, Fixture> = fixtures().into_iter().collect();
    let severity = |rule: &str, case: usize| {
        let case = &fixtures[rule].fail[case];
        of(rule, &case.judge(&case.body))[0].severity
    };
    assert_eq!(severity("s3-bucket-policy-public", 0), Severity::Critical);
    assert_eq!(
        severity("s3-bucket-policy-public", 1),
        Severity::Medium,
        "the bucket ignores public policies"
    );
    assert_eq!(severity("iam-policy-full-admin", 0), Severity::High);
    assert_eq!(severity("iam-policy-full-admin", 1), Severity::Medium, "nobody holds the policy");
    assert_eq!(severity("opensearch-public-access", 0), Severity::Critical);
    assert_eq!(severity("opensearch-public-access", 1), Severity::High);
    assert_eq!(severity("secretsmanager-rotation", 0), Severity::Medium);
    assert_eq!(severity("secretsmanager-rotation", 2), Severity::Low, "it was changed by hand");
    assert_eq!(severity("eks-version", 0), Severity::Medium);
    assert_eq!(severity("eks-version", 1), Severity::High);
}
