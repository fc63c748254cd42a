//! A small assessment for tests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::Severity;

use crate::assessment::{
    Assessment, Collector, Control, Framework, FrameworkResult, Gap, Input, Observation, Rule, Seen, Status,
};
use crate::canonical::sha256;
use crate::exception::{Exception, Scope};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// For the rule `p/r` on `k:a`, in 2026.
pub(crate) fn exception(id: &str) -> Exception {
    Exception {
        approved_at: at("2026-01-01T00:00:00Z"),
        approver: Some("Bob".to_owned()),
        control: None,
        expires_at: Some(at("2026-12-31T00:00:00Z")),
        framework: None,
        id: id.to_owned(),
        owner: "Alice".to_owned(),
        reason: "The tool needs it until it is replaced.".to_owned(),
        rule: Some("p/r".to_owned()),
        scope: Scope::Asset("k:a".to_owned()),
    }
}

fn rule(id: &str, severity: Severity) -> Rule {
    Rule {
        digest: sha256(b"plugin"),
        id: id.to_owned(),
        severity,
        title: format!("Title of {id}"),
        version: "1.2.3".to_owned(),
    }
}

fn control(control: &str, status: Status, rules: &[&str]) -> Control {
    Control {
        control: control.to_owned(),
        status,
        rationale: format!("Why {control} stands there <b>&amp; \u{202e}漢"),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
    }
}

/// AC-2 met, AC-3 partly (two failures, one pass, one error of `p/r`), AC-6 not met, AC-7 for people, AC-8 not assessed.
pub(crate) fn assessment() -> Assessment {
    let seen = |rule: &str, asset: &str, outcome| Observation {
        rule: rule.to_owned(),
        asset: asset.to_owned(),
        outcome,
    };
    Assessment {
        time: at("2026-06-01T12:00:00Z"),
        scope: "k8s:u".to_owned(),
        collector: Collector {
            digest: Some(sha256(b"binary")),
            name: "palisade".to_owned(),
            version: "0.1.0".to_owned(),
        },
        inputs: vec![
            Input { bytes: 3, description: "pods.json".to_owned(), sha256: sha256(b"one") },
            Input { bytes: 5, description: "roles.json".to_owned(), sha256: sha256(b"three") },
        ],
        rules: vec![
            rule("p/r", Severity::High),
            rule("p/ok", Severity::Low),
            rule("p/bad", Severity::Critical),
        ],
        observations: vec![
            seen("p/r", "k8s:u/b", Seen::Pass),
            seen("p/r", "k8s:u/a/2", Seen::Fail),
            seen("p/r", "k8s:u/a/1", Seen::Fail),
            seen("p/r", "k8s:u/c", Seen::Error),
            seen("p/ok", "k8s:u/a/1", Seen::Pass),
            seen("p/bad", "k8s:u/c", Seen::Fail),
        ],
        labels: BTreeMap::new(),
        frameworks: vec![FrameworkResult {
            framework: Framework {
                id: "nist-800-53-r5".to_owned(),
                name: "NIST SP 800-53 Security and Privacy Controls".to_owned(),
                version: "Rev. 5, release 5.2.0".to_owned(),
                catalogue: sha256(b"catalogue"),
            },
            controls: vec![
                control("AC-2", Status::Met, &["p/ok"]),
                control("AC-3", Status::Partly, &["p/r"]),
                control("AC-6(1)", Status::NotMet, &["p/bad"]),
                control("AC-7", Status::Manual, &[]),
                control("AC-8", Status::NotAssessed, &[]),
            ],
        }],
        gaps: vec![Gap {
            code: "not-collected".to_owned(),
            reason: "nobody collected it".to_owned(),
            subject: "networking.k8s.io/NetworkPolicy".to_owned(),
        }],
    }
}
