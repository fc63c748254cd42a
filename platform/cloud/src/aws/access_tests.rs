use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Access, Principal};
use crate::aws::fixture::{account, allow, arn, deny, document, made, role, trusting, user, with};
use crate::aws::truth::Decision;
use crate::resource::Resource;

const BUCKET: &str = "arn:aws:s3:::data";
const OBJECT: &str = "arn:aws:s3:::data/report";

fn decision(
    resources: impl IntoIterator<Item = Resource>,
    who: &str,
    action: &str,
    resource: &str,
) -> Decision {
    Access::of(&account(resources)).can(&arn(who), action, resource).unwrap().decision
}

fn bucket(statements: Value) -> Resource {
    made(BUCKET, "aws:s3:bucket", json!({ "Name": "data", "Policy": document(statements) }))
}

fn read(statements: Value) -> Decision {
    let bucket = made(BUCKET, "aws:s3:bucket", json!({ "Name": "data", "Policy": null }));
    decision([role("r", statements), bucket], "role/r", "s3:GetObject", OBJECT)
}

#[test]
fn actions_and_resources_match_as_in_iam() {
    use Decision::{Allowed, Denied, Possible};
    let not_action = json!({ "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" });
    let not_resource = json!({ "Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::data/*" });
    let condition = |operator: &str, key: &str, value: &str| json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { operator: { key: value } } });
    for (statements, expected) in [
        (json!([]), Denied),
        (json!([allow("s3:GetObject", OBJECT)]), Allowed),
        (json!(allow("S3:get*", "arn:aws:s3:::data/*")), Allowed),
        (json!([allow("s3:Get?bject", "*")]), Allowed),
        (json!([allow("s3:GetObject", BUCKET)]), Denied),
        (json!([allow("s3:GetObject", "arn:aws:s3:::DATA/*")]), Denied),
        (json!([not_action]), Allowed),
        (json!([not_resource]), Denied),
        (json!([allow("*", "*"), deny("s3:*", "arn:aws:s3:::data/*")]), Denied),
        (json!([condition("Bool", "aws:MultiFactorAuthPresent", "true")]), Possible),
        (json!([condition("StringEquals", "aws:PrincipalAccount", "123456789012")]), Allowed),
        (json!([condition("StringEquals", "aws:PrincipalAccount", "999999999999")]), Denied),
        (json!([{ "Effect": "Maybe" }]), Possible),
        (json!("nonsense"), Possible),
    ] {
        assert_eq!(read(statements.clone()), expected, "{statements}");
    }
}

#[test]
fn variables_are_filled_in_where_they_are_known() {
    let own = || json!([allow("s3:GetObject", "arn:aws:s3:::data/${aws:username}")]);
    let bucket = || made(BUCKET, "aws:s3:bucket", json!({ "Policy": null }));
    assert_eq!(
        decision([user("report", own()), bucket()], "user/report", "s3:GetObject", OBJECT),
        Decision::Allowed
    );
    assert_eq!(
        decision([user("other", own()), bucket()], "user/other", "s3:GetObject", OBJECT),
        Decision::Denied
    );
    let unknown = json!([allow("s3:GetObject", "arn:aws:s3:::data/${aws:userid}")]);
    assert_eq!(
        decision([user("u", unknown), bucket()], "user/u", "s3:GetObject", OBJECT),
        Decision::Possible
    );
}

#[test]
fn boundaries_only_take_away() {
    let boundary = |statements: Value| {
        let policy = made(&arn("policy/b"), "aws:iam:policy", json!({ "Document": document(statements) }));
        let bound = json!({ "PermissionsBoundary": { "PermissionsBoundaryArn": arn("policy/b") } });
        [with(role("r", json!([allow("s3:*", "*")])), bound), policy]
    };
    let ask = |world| decision(world, "role/r", "s3:ListAllMyBuckets", "*");
    assert_eq!(ask(boundary(json!([allow("s3:*", "*")]))), Decision::Allowed);
    assert_eq!(ask(boundary(json!([allow("ec2:*", "*")]))), Decision::Denied);
    assert_eq!(ask(boundary(json!([allow("*", "*"), deny("s3:*", "*")]))), Decision::Denied);
    let unread = json!({ "PermissionsBoundary": { "PermissionsBoundaryArn": arn("policy/other") } });
    let world = [with(role("r", json!([allow("s3:*", "*")])), unread)];
    assert_eq!(decision(world, "role/r", "s3:ListAllMyBuckets", "*"), Decision::Possible);
}

#[test]
fn groups_and_managed_policies_count_and_prove() {
    let policy = made(
        &arn("policy/p"),
        "aws:iam:policy",
        json!({ "Document": document(json!([allow("ec2:*", "*")])) }),
    );
    let attached = json!({ "GroupName": "g", "GroupPolicyList": [],
        "AttachedManagedPolicies": [{ "PolicyName": "p", "PolicyArn": arn("policy/p") }] });
    let group = made(&arn("group/g"), "aws:iam:group", attached);
    let member = with(user("u", json!([])), json!({ "GroupList": ["g"] }));
    let access = Access::of(&account([policy, group, member]));
    let answer = access.can(&arn("user/u"), "ec2:StopInstances", "*").unwrap();
    assert_eq!(answer.decision, Decision::Allowed);
    assert_eq!((answer.proofs[0].policy.as_str(), answer.proofs[0].statement), (arn("policy/p").as_str(), 0));
    assert_eq!(answer.proofs[0].group, Some(arn("group/g")));
    let unread = with(
        user("v", json!([])),
        json!({ "AttachedManagedPolicies": [{ "PolicyArn": arn("policy/gone") }] }),
    );
    let answer = Access::of(&account([unread])).can(&arn("user/v"), "ec2:StopInstances", "*").unwrap();
    assert_eq!((answer.decision, answer.unread), (Decision::Possible, vec![arn("policy/gone")]));
}

#[test]
fn policies_of_resources_let_in_whom_they_name() {
    let named = |principal: Value| {
        bucket(json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*",
            "Principal": principal }]))
    };
    let of = |principal: Value| {
        decision([role("r", json!([])), named(principal)], "role/r", "s3:GetObject", OBJECT)
    };
    assert_eq!(of(json!({ "AWS": arn("role/r") })), Decision::Allowed);
    assert_eq!(of(json!("*")), Decision::Allowed);
    // An account leaves it to policies of its own.
    assert_eq!(of(json!({ "AWS": "123456789012" })), Decision::Denied);
    assert_eq!(of(json!({ "AWS": arn("role/other") })), Decision::Denied);
    let access =
        Access::of(&account([named(json!({ "AWS": ["999999999999", "arn:aws:iam::888888888888:root"] }))]));
    let who: Vec<Principal> =
        access.who_can("s3:GetObject", OBJECT).into_iter().map(|holder| holder.principal).collect();
    let other = |account: &str| Principal::Account { account: account.to_owned() };
    assert_eq!(who, [other("888888888888"), other("999999999999")]);
    assert_eq!(access.can_outsider(&Principal::Anyone, "s3:GetObject", OBJECT).decision, Decision::Denied);
}

#[test]
fn keys_answer_to_their_own_policy() {
    let key = |principal: Value| {
        let statement =
            json!([{ "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": principal }]);
        let id = "arn:aws:kms:eu-west-1:123456789012:key/k";
        made(id, "aws:kms:key", json!({ "KeyId": "k", "Policy": document(statement) }))
    };
    let of = |principal: Value| {
        let world = [role("r", json!([allow("kms:*", "*")])), key(principal)];
        decision(world, "role/r", "kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/k")
    };
    assert_eq!(of(json!({ "AWS": arn("root") })), Decision::Allowed);
    assert_eq!(of(json!({ "AWS": arn("role/other") })), Decision::Denied);
}

#[test]
fn roles_are_assumed_by_trust_and_permission() {
    let world = |trust: Value, own: Value| [trusting("target", json!([]), trust), role("r", own)];
    let ask = |trust: Value, own: Value| {
        decision(world(trust, own), "role/r", "sts:AssumeRole", &arn("role/target"))
    };
    let trust = |principal: &str| json!([{ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": principal } }]);
    let may = || json!([allow("sts:AssumeRole", "*")]);
    assert_eq!(ask(trust(&arn("root")), may()), Decision::Allowed);
    assert_eq!(ask(trust(&arn("root")), json!([])), Decision::Denied);
    assert_eq!(ask(trust(&arn("role/r")), json!([])), Decision::Allowed);
    assert_eq!(ask(trust("arn:aws:sts::123456789012:assumed-role/r/session"), json!([])), Decision::Allowed);
    assert_eq!(ask(trust(&arn("role/r")), json!([deny("sts:*", "*")])), Decision::Denied);
    assert_eq!(ask(json!([]), may()), Decision::Denied);
}

#[test]
fn hostile_documents_are_answered() {
    let stars = "*a".repeat(2_000);
    let many: Vec<Value> = (0..3_000).map(|_| allow("*", "*")).collect();
    let mut deep = json!("*");
    for _ in 0..100 {
        deep = json!([deep]);
    }
    for statements in [
        json!([allow(&stars, &stars)]),
        json!([allow("s3:GetObject", &"a".repeat(100_000))]),
        json!(many),
        json!([{ "Effect": "Allow", "Action": deep, "Resource": "*" }]),
        json!([{ "Effect": "Allow", "Action": 7, "Resource": { "a": 1 } }]),
        json!([{ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": [1] }]),
        json!([{ "Effect": "Allow", "Action": "*", "Resource": "arn:${", "Principal": { "AWS": [null] } }]),
    ] {
        assert_ne!(read(statements), Decision::Allowed);
    }
}

fn statement() -> impl Strategy<Value = Value> {
    let effect = prop_oneof![Just("Allow"), Just("Deny")];
    let action = prop_oneof![
        Just("*"),
        Just("s3:*"),
        Just("s3:GetObject"),
        Just("iam:PassRole"),
        Just("sts:AssumeRole")
    ];
    let resource = prop_oneof![Just("*"), Just(OBJECT), Just("arn:aws:iam::123456789012:role/*")];
    (effect, action, resource, any::<bool>(), any::<bool>()).prop_map(
        |(effect, action, resource, not, condition)| {
            let key = if not { "NotAction" } else { "Action" };
            let mut statement = json!({ "Effect": effect, key: action, "Resource": resource });
            if condition {
                statement["Condition"] = json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } });
            }
            statement
        },
    )
}

proptest! {
    #[test]
    fn an_explicit_deny_always_wins(
        mut statements in proptest::collection::vec(statement(), 0..6),
        at in any::<proptest::sample::Index>(),
    ) {
        statements.insert(at.index(statements.len() + 1), deny("s3:GetObject", "arn:aws:s3:::data/*"));
        prop_assert_eq!(read(json!(statements)), Decision::Denied);
    }

    #[test]
    fn one_more_denial_never_allows_more(
        mut statements in proptest::collection::vec(statement(), 0..6),
        mut more in statement(),
    ) {
        let rank = |decision| match decision {
            Decision::Denied => 0,
            Decision::Possible => 1,
            Decision::Allowed => 2,
        };
        let before = rank(read(json!(statements)));
        more["Effect"] = "Deny".into();
        statements.push(more);
        prop_assert!(rank(read(json!(statements))) <= before);
    }
}
