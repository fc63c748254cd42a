use serde_json::json;

use super::assemble;
use crate::{PolicyError, Source};

fn source(path: &str, text: &str) -> Source {
    Source::read(path, text.as_bytes()).unwrap()
}

const TEMPLATE: &str = "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata: {name: a, annotations: {description: d, metadata.gatekeeper.sh/title: T}}\nspec: {crd: {spec: {names: {kind: A}}}}\n---\napiVersion: constraints.gatekeeper.sh/v1beta1\nkind: A\nmetadata: {name: one}\n---\napiVersion: constraints.gatekeeper.sh/v1beta1\nkind: B\nmetadata: {name: lost}\n";
const VAP: &str = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: admissionregistration.k8s.io/v1\n  kind: ValidatingAdmissionPolicy\n  metadata: {name: v}\n  spec: {paramKind: {apiVersion: v1, kind: ConfigMap}}\n- apiVersion: admissionregistration.k8s.io/v1\n  kind: ValidatingAdmissionPolicyBinding\n  metadata: {name: b}\n  spec: {policyName: v}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: p}\n- apiVersion: v1\n  kind: Secret\n";

#[test]
fn documents_that_belong_together_become_one_policy() {
    let rego = "# METADATA\n# title: No root\n# custom:\n#   severity: high\npackage a\n";
    let made = assemble(&[
        source("x/t.yaml", TEMPLATE),
        source("x/v.yaml", VAP),
        source("x/no root.rego", rego),
        source("x/c.yaml", "name: v\nexpression: 'true'\nseverity: low\n"),
    ]);
    let seen: Vec<_> = made.policies.iter().map(|p| (p.name.as_str(), p.format, p.documents.len())).collect();
    assert_eq!(seen, [("no-root", "rego", 0), ("a", "gatekeeper", 2), ("v", "vap", 3), ("v-2", "cel", 1)]);
    assert_eq!(
        (made.policies[0].title.as_str(), made.policies[0].severity.as_deref()),
        ("No root", Some("high"))
    );
    assert_eq!((made.policies[1].title.as_str(), made.policies[1].description.as_str()), ("T", "d"));
    assert_eq!(made.policies[3].severity.as_deref(), Some("low"));
    assert_eq!(made.problems.len(), 1);
    assert_eq!((made.problems[0].path.as_str(), made.problems[0].line), ("x/t.yaml", 10));
    let config = made.config(&json!({ "a": 1 }));
    assert_eq!(config["policies"][1]["documents"][1]["metadata"]["name"], "one");
    assert_eq!(config["parameters"], json!({ "a": 1 }));
}

#[test]
fn what_checks_nothing_is_a_problem() {
    let lonely = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: v}\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nspec: {policyName: w}\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: MutatingAdmissionPolicy\n---\nhello: world\n---\napiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nspec: {crd: {spec: {names: {kind: A}}}}\n";
    let made = assemble(&[source("l.yaml", lonely)]);
    assert!(made.policies.is_empty());
    let lines: Vec<u32> = made.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 5, 9, 12, 14]);
}

#[test]
fn bombs_and_large_files_are_refused() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let before = level - 1;
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(",")));
    }
    assert!(matches!(Source::read("b.yaml", bomb.as_bytes()), Err(PolicyError::Yaml { .. })));
    let error = Source::read("b.rego", &vec![b'#'; 5 << 20]).unwrap_err();
    assert_eq!(error.code(), "policy-file-too-large");
    assert_eq!(Source::read("b.rego", &[0xff]).unwrap_err().code(), "policy-file-not-text");
    assert!(Source::read("b.yaml", "[".repeat(100_000).as_bytes()).is_err());
}
