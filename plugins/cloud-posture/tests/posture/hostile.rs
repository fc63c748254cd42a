//! Bodies that AWS never sends: no panic, no record that the platform would refuse, and an error where nothing is understood.

use palisade_sdk::{Assessment, CheckStatus, Resource};
use serde_json::{Value, json};

use crate::common::{Case, fixtures, judge};

fn bounded(resource: Resource) -> Assessment {
    let assessment = judge("{}", &[resource]);
    for result in &assessment.results {
        assert!(
            result.message.len() <= 2_000,
            "{} bytes in a message of {}",
            result.message.len(),
            result.rule
        );
        assert!(result.location.len() <= 64 << 10 && result.evidence.len() <= 64 << 10, "{}", result.rule);
    }
    assessment
}

/// One failing case of every kind of resource, and of every rule.
fn samples() -> Vec<Case> {
    fixtures().into_iter().flat_map(|(_, fixture)| fixture.fail.into_iter().take(1)).collect()
}

/// Pointers to every value of a body.
fn places(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                places(member, format!("{at}/{}", palisade_sdk::pointer_part(key)), all);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, format!("{at}/{index}"), all);
            }
        }
        _ => {}
    }
    all.push(at);
}

#[test]
fn any_value_may_be_anything() {
    let strange = [
        json!([]),
        json!({}),
        json!("x"),
        json!(5),
        json!(-1e300),
        json!(true),
        Value::Null,
        json!([[[{}]]]),
        json!(i64::MIN),
    ];
    for sample in samples() {
        let mut all = Vec::new();
        places(&sample.body, String::new(), &mut all);
        for place in all {
            for value in &strange {
                let mut body = sample.body.clone();
                *body.pointer_mut(&place).unwrap() = value.clone();
                bounded(Resource::new(sample.asset.clone(), sample.kind.clone(), &body));
            }
        }
    }
}

#[test]
fn a_wrong_type_is_an_error_of_the_checks_that_read_it() {
    let body = json!({ "Account": "111122223333", "Region": "eu-west-1", "PublicAccessBlock": [], "Policy": "{}", "Versioning": 5 });
    let assessment = bounded(Resource::new("arn:aws:s3:::b", "aws:s3:bucket", &body));
    for rule in ["s3-bucket-public-access-block", "s3-bucket-policy-public", "s3-bucket-versioning"] {
        let result = assessment.results.iter().find(|result| result.rule == rule).unwrap();
        assert_eq!(result.status, CheckStatus::Error, "{rule}");
        assert!(result.message.starts_with("Not as AWS writes it: /"), "{}", result.message);
    }
}

#[test]
fn a_body_that_is_no_object_is_a_problem_of_its_resource() {
    for body in ["[]", "5", "{", "", "{\"Unknown\":5}", "{\"Unknown\":[1]}"] {
        let resource =
            Resource { asset: "arn:aws:s3:::b".into(), kind: "aws:s3:bucket".into(), body: body.into() };
        let assessment = bounded(resource);
        assert_eq!((assessment.problems.len(), assessment.results.len()), (1, 0), "{body}");
    }
}

#[test]
fn nesting_has_no_bottom_and_strings_no_end() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = "x".repeat(4 << 20);
    for sample in samples() {
        let body = format!("{{\"Account\":{deep}}}").into_bytes();
        bounded(Resource { asset: sample.asset.clone(), kind: sample.kind.clone(), body });
    }
    let statement = json!({ "Effect": "Allow", "Principal": "*", "Action": [long], "Resource": long });
    let policy = json!({ "Account": long, "Name": long, "Policy": { "Statement": [statement] } });
    bounded(Resource::new(long.clone(), "aws:s3:bucket", &policy));
    let container = json!({ "name": long, "image": long, "user": long, "environment": [{ "name": format!("{long}_PASSWORD") }] });
    let task = json!({ "containerDefinitions": [container], "volumes": [{ "host": { "sourcePath": format!("/etc/{long}") } }] });
    assert!(bounded(Resource::new(long, "aws:ecs:task-definition", &task)).results.len() > 5);
}

#[test]
fn a_pattern_of_many_stars_ends() {
    let pattern = "*a".repeat(20_000);
    let statement = json!({ "Effect": "Allow", "Action": vec![pattern; 20], "Resource": "*" });
    let body = json!({ "Document": { "Statement": vec![statement; 20] } });
    bounded(Resource::new("arn:aws:iam::111122223333:policy/p", "aws:iam:policy", &body));
}

#[test]
fn many_failures_are_told_once_and_bounded() {
    let rule =
        json!({ "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] });
    let body = json!({ "GroupName": "a", "IpPermissions": vec![rule; 5_000] });
    let assessment = bounded(Resource::new(
        "arn:aws:ec2:eu-west-1:111122223333:security-group/s",
        "aws:ec2:security-group",
        &body,
    ));
    assert!(assessment.results.len() < 1_000, "{}", assessment.results.len());
    assert!(!assessment.problems.is_empty());
}
