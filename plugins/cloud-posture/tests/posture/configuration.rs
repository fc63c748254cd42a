//! The one setting: which accounts are not foreign.

use cloud_posture::CloudPosture;
use palisade_sdk::{CheckStatus, Error, Resource};
use serde_json::json;

use crate::common::{judge, of};

fn role() -> Resource {
    let trust = json!({ "Statement": [{ "Effect": "Allow", "Principal": { "AWS": "444455556666" }, "Action": "sts:AssumeRole" }] });
    Resource::new(
        "arn:aws:iam::111122223333:role/a",
        "aws:iam:role",
        &json!({ "Account": "111122223333", "AssumeRolePolicyDocument": trust }),
    )
}

#[test]
fn accounts_of_the_same_owner_are_trusted() {
    let rule = "iam-role-trust-external-account";
    assert_eq!(of(rule, &judge("{}", &[role()]))[0].status, CheckStatus::Fail);
    assert!(of(rule, &judge(r#"{"trusted-accounts":["444455556666"]}"#, &[role()])).is_empty());
}

#[test]
fn a_wrong_setting_is_refused() {
    for wrong in [
        "[]",
        r#"{"trusted":[]}"#,
        r#"{"trusted-accounts":"444455556666"}"#,
        r#"{"trusted-accounts":["1"]}"#,
        r#"{"trusted-accounts":[444455556666]}"#,
    ] {
        let error = palisade_sdk::check::<CloudPosture>(wrong, &[]).unwrap_err();
        assert!(
            matches!(&error, Error::InvalidConfig(text) if text.contains("trusted-accounts")),
            "{wrong}: {error:?}"
        );
    }
}
