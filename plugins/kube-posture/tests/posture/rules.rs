//! Every rule against its fixture: what passes, what fails and where, and whether the patch mends it.

use std::collections::{BTreeMap, BTreeSet};

use kube_posture::KubePosture;
use palisade_sdk::testing::Fakes;
use palisade_sdk::{Assessment, CheckResult, CheckStatus, Severity};
use serde_json::Value;

use crate::common::{manifest, manifest_text, own_folder, resource};
use crate::patch::apply;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    pass: Vec<Case>,
    fail: Vec<Case>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    object: Value,
    #[serde(default)]
    related: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    assets: BTreeMap<String, Value>,
    at: Option<String>,
}

impl Case {
    fn judge(&self, object: &Value) -> Assessment {
        let mut fakes = Fakes::new().asset("k8s:c/core/Namespace/-/none", &serde_json::json!({}));
        for (asset, attributes) in &self.assets {
            fakes = fakes.asset(asset, attributes);
        }
        for (question, answer) in &self.related {
            let (asset, edge) = question.split_once(' ').unwrap();
            fakes = fakes.related(asset, edge, answer.iter().cloned());
        }
        let _installed = fakes.install();
        palisade_sdk::check::<KubePosture>("{}", &[resource(object)]).unwrap()
    }
}

fn of<'a>(rule: &str, assessment: &'a Assessment) -> Vec<&'a CheckResult> {
    assert_eq!(assessment.problems, [], "{rule}");
    assessment.results.iter().filter(|result| result.rule == rule).collect()
}

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
        let assessment = case.judge(&case.object);
        let statuses: Vec<CheckStatus> = of(rule, &assessment).iter().map(|result| result.status).collect();
        if statuses != [CheckStatus::Pass] {
            faults.push(format!("{rule}: pass case {number} gives {:?}", of(rule, &assessment)));
        }
    }
    for (number, case) in fixture.fail.iter().enumerate() {
        let assessment = case.judge(&case.object);
        let results = of(rule, &assessment);
        let at = case.at.as_deref().unwrap_or("(no place given)");
        let hit = results.iter().any(|result| result.status == CheckStatus::Fail && result.location == at);
        if !hit || results.iter().any(|result| result.status != CheckStatus::Fail) {
            faults.push(format!("{rule}: fail case {number}, wanted at {at}: {results:?}"));
        }
        faults.extend(results.iter().filter_map(|result| fault_of_result(rule, case, result)));
        if let Err(why) = mended(rule, case, &results) {
            faults.push(format!("{rule}: fail case {number}: {why}"));
        }
    }
    faults
}

/// What a failure has to say and to show.
fn fault_of_result(rule: &str, case: &Case, result: &CheckResult) -> Option<String> {
    if case.object.pointer(&result.location).is_none() {
        return Some(format!("{rule}: {} is no place of the object", result.location));
    }
    if result.message.is_empty() || result.message.len() > 400 {
        return Some(format!("{rule}: the message {:?}", result.message));
    }
    let evidence: Value = serde_json::from_slice(&result.evidence).unwrap_or_default();
    let whole = evidence.get("found").is_some() && evidence.get("wanted").is_some();
    (!whole).then(|| format!("{rule}: the evidence {evidence}"))
}

/// Applies every patch, the last first so that places in lists stay, and judges again.
fn mended(rule: &str, case: &Case, results: &[&CheckResult]) -> Result<(), String> {
    let mut object = case.object.clone();
    for result in results.iter().rev() {
        let evidence: Value = serde_json::from_slice(&result.evidence).unwrap_or_default();
        let Some(patch) = evidence.get("patch").and_then(Value::as_array) else { return Ok(()) };
        apply(&mut object, patch)?;
    }
    let assessment = case.judge(&object);
    let after = of(rule, &assessment);
    if after.iter().any(|result| result.status != CheckStatus::Pass) {
        return Err(format!("the patch does not mend it: {after:?} of {object}"));
    }
    Ok(())
}

#[test]
fn every_rule_passes_fails_and_is_mended_as_its_fixture_says() {
    let mut found = Vec::new();
    let mut patched = 0;
    for rule in manifest().rules {
        let path = own_folder().join(format!("fixtures/{}.json", rule.id));
        let Ok(text) = std::fs::read_to_string(&path) else {
            found.push(format!("{}: no fixture", rule.id));
            continue;
        };
        match serde_json::from_str::<Fixture>(&text) {
            Ok(fixture) => {
                found.extend(faults(&rule.id, &fixture));
                let case = &fixture.fail[0];
                let assessment = case.judge(&case.object);
                patched += usize::from(of(&rule.id, &assessment).iter().any(|one| has_patch(one)));
            }
            Err(error) => found.push(format!("{}: {error}", rule.id)),
        }
    }
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
    assert!(patched >= 110, "only {patched} rules bring a patch");
}

fn has_patch(result: &CheckResult) -> bool {
    serde_json::from_slice::<Value>(&result.evidence).is_ok_and(|evidence| evidence.get("patch").is_some())
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
        kube_posture::rules().into_iter().map(|(rule, severity)| (rule, word(severity))).collect();
    let manifest = manifest();
    let told: BTreeMap<&str, &str> =
        manifest.rules.iter().map(|rule| (rule.id.as_str(), rule.severity.as_str())).collect();
    assert_eq!(coded, told);
    assert_eq!(told.len(), manifest.rules.len(), "an id is there twice");
    assert!(told.len() >= 110);
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
        assert!(rule.patch.as_deref().is_none_or(|patch| !patch.trim().is_empty()), "{}", rule.id);
        assert!(!rule.references.is_empty() && !rule.tags.is_empty(), "{}", rule.id);
        assert!(rule.references.iter().all(|reference| reference.starts_with("https://")), "{}", rule.id);
    }
}

#[test]
fn every_kind_with_a_fixture_is_consumed() {
    let manifest = manifest();
    let consumed = &manifest.kinds["posture"].consumes;
    for rule in &manifest.rules {
        let text = std::fs::read_to_string(own_folder().join(format!("fixtures/{}.json", rule.id))).unwrap();
        let fixture: Fixture = serde_json::from_str(&text).unwrap();
        for case in fixture.pass.iter().chain(&fixture.fail) {
            assert!(consumed.contains(&resource(&case.object).kind), "{}", rule.id);
        }
    }
}

#[test]
fn without_the_platforms_answers_checks_are_errors_and_not_passes() {
    let deployment = serde_json::json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "a", "namespace": "b" },
        "spec": { "replicas": 2, "template": { "spec": { "containers": [{ "name": "c", "image": "d" }] } } },
    });
    let assessment = palisade_sdk::check::<KubePosture>("{}", &[resource(&deployment)]).unwrap();
    for rule in ["disruption-budget", "workload-network-policy", "memory-limit", "workload-cluster-admin"] {
        let statuses: Vec<CheckStatus> = of(rule, &assessment).iter().map(|result| result.status).collect();
        assert_eq!(statuses, [CheckStatus::Error], "{rule}");
    }
    let plain = of("read-only-root-filesystem", &assessment);
    assert_eq!(plain[0].status, CheckStatus::Fail);
}

#[test]
fn what_the_platform_may_not_list_is_not_called_missing() {
    for rule in [
        "binding-dangling-role",
        "binding-dangling-subject",
        "webhook-dangling-service",
        "ingress-dangling-backend",
    ] {
        let text = std::fs::read_to_string(own_folder().join(format!("fixtures/{rule}.json"))).unwrap();
        let fixture: Fixture = serde_json::from_str(&text).unwrap();
        for case in fixture.fail {
            let blind = Case { assets: BTreeMap::new(), ..case };
            assert!(of(rule, &blind.judge(&blind.object)).is_empty(), "{rule}");
        }
    }
}

#[test]
fn a_worse_failure_leaves_no_pass_behind() {
    let containers = serde_json::json!([{
        "name": "c", "image": "a:latest",
        "securityContext": { "capabilities": { "add": ["ALL"] }, "seccompProfile": { "type": "Unconfined" } },
    }]);
    let pod = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a", "namespace": "b" }, "spec": { "containers": containers },
    });
    let role = serde_json::json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": "a" },
        "rules": [{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }],
    });
    let assessment = palisade_sdk::check::<KubePosture>("{}", &[resource(&pod), resource(&role)]).unwrap();
    for rule in
        ["image-digest", "capability-net-raw", "seccomp-profile", "rbac-secrets-read", "rbac-escalate"]
    {
        assert!(of(rule, &assessment).is_empty(), "{rule}");
    }
}

#[test]
fn what_kubeadm_brings_is_no_failure_and_what_hides_behind_its_labels_is() {
    let binding = |kind: &str, meta: serde_json::Value, role: (&str, &str), subject: (&str, &str)| {
        resource(&serde_json::json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": meta,
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": role.0, "name": role.1 },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": subject.0, "name": subject.1 }],
        }))
    };
    let join = "kubeadm:bootstrap-signer-clusterinfo";
    let own = [
        binding(
            "ClusterRoleBinding",
            serde_json::json!({ "name": "kubeadm:cluster-admins" }),
            ("ClusterRole", "cluster-admin"),
            ("Group", "kubeadm:cluster-admins"),
        ),
        binding(
            "RoleBinding",
            serde_json::json!({ "name": join, "namespace": "kube-public" }),
            ("Role", join),
            ("User", "system:anonymous"),
        ),
    ];
    let hidden = binding(
        "ClusterRoleBinding",
        serde_json::json!({ "name": "system:nothing", "labels": { "kubernetes.io/bootstrapping": "rbac-defaults" } }),
        ("ClusterRole", "cluster-admin"),
        ("User", "mallory"),
    );
    let failed = |resources: &[palisade_sdk::Resource]| -> Vec<String> {
        let results = palisade_sdk::check::<KubePosture>("{}", resources).unwrap().results;
        results.into_iter().filter(|one| one.status == CheckStatus::Fail).map(|one| one.rule).collect()
    };
    assert_eq!(failed(&own), Vec::<String>::new());
    assert_eq!(failed(&[hidden]), ["cluster-admin-subject"]);
}
