//! Files against the published schemas of OSCAL (`schemas/README.md`).

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::Value;

use super::common::{string, token, uuid};
use super::*;
use crate::assessment::{Assessment, Observation, Seen, Status};
use crate::exception::{Exception, Exceptions, Scope};
use crate::fixture::{assessment, at, exception};
use crate::judged::{Judged, judge};
use crate::trend::{Point, trend};

fn validator(schema: &str) -> Validator {
    let schema: Value = serde_json::from_str(schema).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// Files with the schema of each.
fn validate(judged: &Judged<'_>) -> Vec<Value> {
    let trends = trend(&Point::of(judged));
    let sla = Sla::default();
    let mut files = vec![
        (component_definition(judged).unwrap(), include_str!("../../schemas/oscal_component_schema.json")),
        (
            assessment_results(judged, &trends, sla).unwrap(),
            include_str!("../../schemas/oscal_assessment-results_schema.json"),
        ),
    ];
    let plan = plan_of_action(judged, &trends, sla).unwrap();
    files.extend(plan.map(|plan| (plan, include_str!("../../schemas/oscal_poam_schema.json"))));
    let mut read = Vec::new();
    for (bytes, schema) in files {
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        let errors: Vec<String> = validator(schema)
            .iter_errors(&value)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
        unique_and_resolved(&value);
        read.push(value);
    }
    read
}

/// Every `uuid` is there once, and every reference to one leads to it.
fn unique_and_resolved(value: &Value) {
    fn walk<'a>(value: &'a Value, defined: &mut Vec<&'a str>, named: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                for (key, field) in fields {
                    match (key.as_str(), field) {
                        ("uuid", Value::String(text)) => defined.push(text),
                        (key, Value::String(text)) if key.ends_with("-uuid") => named.push(text),
                        ("href" | "source", Value::String(text)) => named.push(text.trim_start_matches('#')),
                        _ => walk(field, defined, named),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, defined, named)),
            _ => {}
        }
    }
    let (mut defined, mut named) = (Vec::new(), Vec::new());
    walk(value, &mut defined, &mut named);
    let unique: std::collections::BTreeSet<&str> = defined.iter().copied().collect();
    let twice = defined.iter().find(|one| defined.iter().filter(|other| other == one).count() > 1);
    assert_eq!(twice, None, "a uuid is there twice");
    for reference in named {
        assert!(unique.contains(reference), "{reference} leads nowhere");
    }
}

fn accepting() -> Exceptions {
    let scope = |text: &str| Scope::Asset(text.to_owned());
    Exceptions::new(vec![
        Exception { scope: scope("k8s:u/a"), ..exception("e1") },
        Exception {
            scope: scope("k8s:u/a/1"),
            expires_at: Some(at("2026-07-01T00:00:00Z")),
            ..exception("e2")
        },
    ])
    .unwrap()
}

#[test]
fn what_is_written_is_valid_by_the_published_schemas() {
    for exceptions in [Exceptions::default(), accepting()] {
        let assessment = assessment();
        let judged = judge(&assessment, &exceptions).unwrap();
        let files = validate(&judged);
        assert_eq!(files.len(), 3);
        assert_eq!(files, validate(&judge(&assessment, &exceptions).unwrap()), "the same again");
    }
}

#[test]
fn the_schemas_refuse_what_is_not_valid() {
    let assessment = assessment();
    let none = Exceptions::default();
    let judged = judge(&assessment, &none).unwrap();
    let validator = validator(include_str!("../../schemas/oscal_poam_schema.json"));
    let plan = plan_of_action(&judged, &BTreeMap::new(), Sla::default()).unwrap().unwrap();
    let good: Value = serde_json::from_slice(&plan).unwrap();
    assert!(validator.is_valid(&good));
    for (pointer, value) in [
        ("/plan-of-action-and-milestones/uuid", "6f0c1f2a-83d4-1e0b-9a57-2c4f7d1eb860"),
        ("/plan-of-action-and-milestones/risks/0/deadline", "tomorrow"),
        ("/plan-of-action-and-milestones/system-id/id", " "),
        ("/plan-of-action-and-milestones/poam-items/0/title", "two\nlines"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value.into();
        assert!(!validator.is_valid(&bad), "{pointer}");
    }
}

#[test]
fn assessments_at_their_limits_are_valid_too() {
    let hostile = "\u{0}<script>\n\n# *x* [a](b) \u{202e}\t`";
    let mut spoilt: Vec<Assessment> = Vec::new();
    let mut one = assessment();
    one.scope = hostile.to_owned();
    one.collector.name = String::new();
    one.collector.digest = None;
    for control in &mut one.frameworks[0].controls {
        control.control.push_str(hostile);
        control.rationale = hostile.to_owned();
    }
    for rule in &mut one.rules {
        rule.title = String::new();
        rule.version = "\n".to_owned();
    }
    spoilt.push(one);
    let mut nothing_seen = assessment();
    nothing_seen.observations.clear();
    nothing_seen.frameworks[0].controls.retain(|control| control.status == Status::Manual);
    spoilt.push(nothing_seen);
    let mut two = assessment();
    let mut other = two.frameworks[0].clone();
    other.framework.id = "hipaa-security-rule".to_owned();
    other.controls[1].control = "164.308(a)(1)(ii)(A)".to_owned();
    two.frameworks.push(other);
    let many = (0..200).map(|number| Observation {
        rule: "p/bad".to_owned(),
        asset: format!("k8s:u/{number:03}"),
        outcome: Seen::Fail,
    });
    two.observations.extend(many);
    spoilt.push(two);
    for assessment in &spoilt {
        for exceptions in [Exceptions::default(), accepting()] {
            validate(&judge(assessment, &exceptions).unwrap());
        }
    }
    let mut none = assessment();
    none.frameworks.clear();
    let exceptions = Exceptions::default();
    let error = assessment_results(&judge(&none, &exceptions).unwrap(), &BTreeMap::new(), Sla::default());
    assert_eq!(error.unwrap_err().code(), "evidence-assessment-invalid");
}

#[test]
fn findings_and_risks_say_what_the_controls_say() {
    let assessment = assessment();
    let exceptions = accepting();
    let judged = judge(&assessment, &exceptions).unwrap();
    let files = validate(&judged);
    let text = |value: &Value, pointer: &str| value.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let result = files[1].pointer("/assessment-results/results/0").unwrap();
    let findings: Vec<(String, String)> = (0..3)
        .map(|number| {
            let finding = result.pointer(&format!("/findings/{number}")).unwrap();
            (text(finding, "/target/target-id"), text(finding, "/target/status/state"))
        })
        .collect();
    let expected =
        [("ac-2_smt", "satisfied"), ("ac-3_smt", "not-satisfied"), ("ac-6.1_smt", "not-satisfied")];
    assert_eq!(findings, expected.map(|(id, state)| (id.to_owned(), state.to_owned())));
    assert_eq!(result.pointer("/findings").unwrap().as_array().unwrap().len(), 3, "two could not be told");
    let plan = files[2].pointer("/plan-of-action-and-milestones").unwrap();
    assert_eq!(plan.pointer("/poam-items").unwrap().as_array().unwrap().len(), 2);
    // AC-3 is accepted, until the first of its exceptions ends; e2 is named nowhere, because e1 covers the same asset for longer.
    assert_eq!(text(plan, "/risks/0/status"), "deviation-approved");
    assert_eq!(text(plan, "/risks/0/deadline"), "2026-12-31T00:00:00Z");
    assert_eq!(text(plan, "/risks/1/status"), "open");
    assert_eq!(text(plan, "/risks/1/deadline"), "2026-06-08T12:00:00Z", "critical: seven days");
    let earlier = Point { time: at("2026-05-30T00:00:00Z"), ..Point::of(&judged).remove(0) };
    let trends = trend(&[earlier, Point::of(&judged).remove(0)]);
    let control = &judged.frameworks[0].controls[2];
    let due = Sla::default().due(control, "nist-800-53-r5", &trends, assessment.time);
    assert_eq!(due, Some(at("2026-06-06T00:00:00Z")), "from the assessment that first showed it");
}

#[test]
fn nothing_open_is_no_plan() {
    let mut assessment = assessment();
    assessment.frameworks[0].controls.retain(|control| !control.status.open());
    let none = Exceptions::default();
    let judged = judge(&assessment, &none).unwrap();
    assert_eq!(plan_of_action(&judged, &BTreeMap::new(), Sla::default()).unwrap(), None);
}

#[test]
fn names_are_those_of_the_models() {
    assert_eq!(token("nist-800-53-r5", "AC-2(1)"), "ac-2.1");
    assert_eq!(token("nist-csf-2.0", "PR.AA-01"), "PR.AA-01");
    assert_eq!(token("hipaa-security-rule", "164.308(a)(1)(i)"), "_164.308.a.1.i");
    assert_eq!(token("x", ""), "_");
    assert_eq!(string(" a\n\tb "), "a b");
    assert_eq!(string("\u{0}"), "-");
    assert_ne!(uuid(&["a", "bc"]), uuid(&["ab", "c"]));
    assert_eq!(uuid(&["a"]), uuid(&["a"]));
    assert_eq!(uuid(&["a"]).as_bytes()[14], b'5');
}
