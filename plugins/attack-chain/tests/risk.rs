//! What is said of a workload that something happened in.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must fail")]

mod support;

use palisade_sdk::testing::Fakes;
use serde_json::{Value, json};
use support::{START, cluster, deployment, in_pod, told, told_with};

fn images() -> Value {
    json!({ "images": [{ "id": "sha256:0a", "counts": { "critical": 1 }, "exploited": 1,
        "worst": [{ "rule": "CVE-2026-1", "severity": "critical", "package": "liba", "version": "1", "fixed": ["2"], "exploited": true },
            { "rule": "CVE-2026-2", "severity": "high", "exploited": false }] }] })
}

fn exposure(verdict: &str) -> Value {
    json!({ "verdict": verdict, "entries": [{ "verdict": verdict, "door": "ingress", "port": 443, "target": 8080, "protocol": "TCP",
        "path": ["k8s:c1/networking.k8s.io/Ingress/shop/web", "k8s:c1/core/Service/shop/web", deployment("web")],
        "why": "no NetworkPolicy applies", "policies": [] }] })
}

fn rights(reach: &str) -> Value {
    json!({ "service-account": "k8s:c1/core/ServiceAccount/shop/web", "reach": reach, "cloud": [],
        "path": [{ "from": deployment("web"), "to": "k8s:c1/core/ServiceAccount/shop/web", "edge": "token-steal",
            "why": "the token of the service account is mounted", "proof": null }] })
}

fn known(attributes: Value) -> Fakes {
    cluster(&["web"]).asset(deployment("web"), &attributes)
}

fn rules(attributes: Value, severity: &str, techniques: &[&str]) -> Vec<(String, String)> {
    let _fakes = known(attributes).install();
    let told = told(&[in_pod("a", START, severity, "web", techniques)]);
    told.detections
        .iter()
        .map(|row| (row.0.clone(), row.1.trim_start_matches("Severity::").to_owned()))
        .collect()
}

fn one(rule: &str, severity: &str) -> Vec<(String, String)> {
    vec![(rule.to_owned(), severity.to_owned())]
}

#[test]
fn severities_follow_the_table() {
    let exposed = |verdict| json!({ "exposure": exposure(verdict), "image-findings": images() });
    for (verdict, severity, wanted) in [
        ("open", "medium", "Critical"),
        ("possible", "medium", "High"),
        ("possible", "high", "Critical"),
        ("open", "critical", "Critical"),
    ] {
        assert_eq!(
            rules(exposed(verdict), severity, &[]),
            one("exposed-and-exploitable", wanted),
            "{verdict} {severity}"
        );
    }
    for (reach, severity, wanted) in [
        ("cluster-admin", "medium", "High"),
        ("cluster-admin", "high", "Critical"),
        ("node", "medium", "High"),
        ("other-namespace", "critical", "Critical"),
    ] {
        assert_eq!(
            rules(json!({ "rights": rights(reach) }), severity, &[]),
            one("credential-reach", wanted),
            "{reach} {severity}"
        );
    }
    let cloud = json!({ "rights": { "reach": "none", "path": [], "cloud": ["arn:aws:iam::1:role/x"] } });
    assert_eq!(rules(cloud, "medium", &[]), one("credential-reach", "High"));
    let escape = json!({ "escape": { "path": [{ "from": deployment("web"), "to": "k8s:c1/core/Node/-/n1", "edge": "nsenter" }] } });
    assert_eq!(rules(escape.clone(), "medium", &["T1059"]), one("escape-path", "High"));
    let broken_out = rules(escape, "medium", &["T1611"]);
    assert!(broken_out.contains(&("escape-path".to_owned(), "Critical".to_owned())), "{broken_out:?}");
}

#[test]
fn nothing_is_said_where_nothing_is_known_or_nothing_is_wrong() {
    let unknown = json!({ "unknown": "the image was never scanned" });
    for attributes in [
        json!({}),
        json!({ "exposure": unknown, "image-findings": images() }),
        json!({ "exposure": exposure("open"), "image-findings": unknown }),
        json!({ "exposure": exposure("filtered"), "image-findings": images() }),
        json!({ "exposure": exposure("open"), "image-findings": { "images": [{ "worst": [{ "rule": "CVE-1", "exploited": false }] }] } }),
        json!({ "rights": { "reach": "none", "path": [], "cloud": [] }, "escape": { "path": [] } }),
        json!({ "rights": unknown, "escape": unknown }),
        json!({ "rights": 7, "escape": [], "exposure": null, "image-findings": "none" }),
        json!([1, 2]),
    ] {
        assert_eq!(rules(attributes.clone(), "high", &[]), [], "{attributes}");
    }
    let all = json!({ "exposure": exposure("open"), "image-findings": images() });
    assert_eq!(rules(all.clone(), "low", &[]), [], "it is below what is explained");
    let _fakes = known(all).install();
    let told = told_with(&[in_pod("a", START, "low", "web", &[])], r#"{"minimum-severity": "low"}"#);
    assert_eq!(told.of_rule("exposed-and-exploitable").len(), 1);
}

#[test]
fn evidence_names_the_way_in_and_what_is_known_and_what_is_not() {
    let _fakes = known(json!({ "exposure": exposure("open"), "image-findings": images(),
        "posture-findings": { "unknown": "no scan of this cluster is stored" } }))
    .install();
    let told = told(&[in_pod("a", START, "high", "web", &["T1059"])]);
    let row = told.detections.iter().next().unwrap();
    assert_eq!((row.2.as_str(), row.3.as_str()), ("pod:uid-web", deployment("web").as_str()));
    assert_eq!(row.6, ["palisade:a"], "the detection that it explains proves it");
    let evidence: Value = serde_json::from_str(&row.5).unwrap();
    let steps: Vec<(&str, &str)> = evidence["path"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["from"].as_str().unwrap(), step["to"].as_str().unwrap()))
        .collect();
    assert_eq!(
        steps,
        [
            ("internet", "k8s:c1/networking.k8s.io/Ingress/shop/web"),
            ("k8s:c1/networking.k8s.io/Ingress/shop/web", "k8s:c1/core/Service/shop/web"),
            ("k8s:c1/core/Service/shop/web", "k8s:c1/apps/Deployment/shop/web"),
            ("pod:uid-web", "k8s:c1/apps/Deployment/shop/web"),
        ]
    );
    assert_eq!(evidence["path"][0]["why"], "ingress on port 443");
    assert_eq!(evidence["because"]["vulnerability"]["fixed"], json!(["2"]));
    assert_eq!((&evidence["techniques"], &evidence["severityBefore"]), (&json!(["T1059"]), &json!("high")));
    assert_eq!(evidence["context"]["posture-findings"]["unknown"], "no scan of this cluster is stored");
    assert_eq!(evidence["context"]["rights"]["unknown"], "nothing is said of it");
    assert_eq!(evidence["context"]["image-findings"]["images"][0]["counts"]["critical"], 1);
}

#[test]
fn without_an_answer_a_detection_is_joined_and_not_explained() {
    let _fakes = Fakes::new().state(1 << 20).install();
    let told = told(&[in_pod("a", START, "critical", "web", &["T1611"])]);
    assert!(told.joins("workload:shop/Pod/web-0@c1", "principal:system:node:n1"));
    assert!(told.of_rule("escape-path").is_empty());
}
