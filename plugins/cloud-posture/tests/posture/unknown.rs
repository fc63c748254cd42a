//! What nobody could collect is an error of the checks that need it; what nobody told is no check at all.

use palisade_sdk::CheckStatus;
use serde_json::{Value, json};

use crate::common::{Case, fixtures, judge, of};

/// Statuses of a rule where a member of the body is taken away.
fn without(rule: &str, case: &Case, key: &str, unknown: bool) -> Vec<CheckStatus> {
    let mut body = case.body.clone();
    let members = body.as_object_mut().unwrap();
    members.remove(key);
    if unknown {
        members.insert("Unknown".to_owned(), json!([key]));
    }
    of(rule, &case.judge(&body)).iter().map(|result| result.status).collect()
}

fn keys(case: &Case) -> Vec<String> {
    let keys = case.body.as_object().unwrap().keys();
    keys.filter(|key| !matches!(key.as_str(), "Account" | "Region")).cloned().collect()
}

#[test]
fn what_is_not_known_is_an_error_and_never_a_pass_or_a_new_failure() {
    let mut needed = 0;
    for (rule, fixture) in fixtures() {
        let mut errors = 0;
        for case in &fixture.fail {
            // What fails because something is missing needs what a good resource has there.
            let good = fixture.pass.iter().filter(|good| good.kind == case.kind).flat_map(keys);
            for key in keys(case).into_iter().chain(good) {
                let statuses = without(&rule, case, &key, true);
                assert!(!statuses.is_empty(), "{rule} without {key} says nothing");
                assert!(!statuses.contains(&CheckStatus::Pass), "{rule} passes without {key}");
                errors += usize::from(statuses.contains(&CheckStatus::Error));
            }
        }
        assert!(errors > 0, "{rule} needs nothing of a body");
        needed += errors;
        for case in &fixture.pass {
            for key in keys(case) {
                let statuses = without(&rule, case, &key, true);
                assert!(!statuses.contains(&CheckStatus::Fail), "{rule} fails without {key}");
                assert!(!statuses.is_empty(), "{rule} without {key} says nothing");
            }
        }
    }
    assert!(needed > 200, "{needed}");
}

/// Members that AWS leaves out where they are not configured, so that their absence is an answer; and members that make another
/// kind of thing of the resource.
const LEFT_OUT: [&str; 16] = [
    "IamInstanceProfile",
    "KmsKeyId",
    "CloudWatchLogsLogGroupArn",
    "kmsKeyId",
    "SSEDescription",
    "EnabledCloudwatchLogsExports",
    "LogPublishingOptions",
    "encryptionConfig",
    "UserGroupIds",
    "policy",
    "VPCOptions",
    "LastAccessedDate",
    "LastRotatedDate",
    "RotationEnabled",
    "ProtocolType",
    "asset",
];

#[test]
fn what_is_not_told_is_no_failure() {
    for (rule, fixture) in fixtures() {
        for case in &fixture.pass {
            for key in keys(case).iter().filter(|key| !LEFT_OUT.contains(&key.as_str())) {
                let statuses = without(&rule, case, key, false);
                assert!(!statuses.contains(&CheckStatus::Fail), "{rule} fails without {key}");
            }
        }
    }
}

#[test]
fn a_body_that_tells_nothing_has_no_failure_and_no_pass_that_rests_on_it() {
    for kind in cloud_posture::kinds() {
        let resource =
            |body: Value| palisade_sdk::Resource::new("arn:aws:x:eu-west-1:111122223333:y/z", kind, &body);
        let assessment = judge("{}", &[resource(json!({}))]);
        let said: Vec<_> = assessment
            .results
            .iter()
            .filter(|result| !matches!(result.rule.as_str(), "log-group-retention"))
            .map(|result| (&result.rule, result.status))
            .collect();
        assert!(said.iter().all(|(_, status)| *status == CheckStatus::Pass), "{kind}: {said:?}");
        assert!(said.is_empty(), "{kind}: {said:?}");
    }
}

#[test]
fn a_part_of_a_member_that_is_not_known_leaves_no_pass() {
    let body = json!({
        "Account": "111122223333", "Region": "eu-west-1", "Unknown": ["MetadataOptions.HttpEndpoint", "IpPermissions/0"],
        "MetadataOptions": { "HttpTokens": "required" },
    });
    let case = Case {
        kind: "aws:ec2:instance".into(),
        asset: "arn:aws:ec2:eu-west-1:111122223333:instance/i".into(),
        body,
        at: None,
    };
    let assessment = case.judge(&case.body);
    let result = of("ec2-imds-v2", &assessment);
    assert_eq!(
        (result[0].status, result[0].message.as_str()),
        (CheckStatus::Error, "Not known: MetadataOptions.HttpEndpoint.")
    );
}
