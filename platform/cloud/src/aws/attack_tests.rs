use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Attack, Certainty, Goal, Limits, Paths, Place, Sources};
use crate::aws::access::Access;
use crate::aws::exposure::Exposure;
use crate::aws::fixture::{
    account, allow, arn, by_service, deny, document, made, role, trust, trusting, user, with,
};
use crate::aws::techniques::{PASSINGS, Technique};
use crate::resource::Resource;

fn attack<T>(resources: impl IntoIterator<Item = Resource>, ask: impl Fn(&Attack) -> T) -> T {
    let account = account(resources);
    let access = Arc::new(Access::of(&account));
    let exposure = Arc::new(Exposure::of(&account, &access));
    ask(&Attack::of(&account, access, exposure))
}

fn paths(resources: impl IntoIterator<Item = Resource>) -> Paths {
    attack(resources, |attack| attack.paths(Sources::All, &Limits::default()))
}

/// Techniques and certainty of the path from somebody to a goal.
fn ways(found: &Paths, source: &Place, goal: Goal) -> Option<(Vec<Technique>, Certainty)> {
    let path = found.paths.iter().find(|path| path.source == *source && path.goal == goal)?;
    Some((path.steps.iter().map(|step| step.technique).collect(), path.certainty))
}

fn who(rest: &str) -> Place {
    Place::Identity { arn: arn(rest) }
}

fn admin(name: &str, trust: Value) -> Resource {
    trusting(name, json!([allow("*", "*")]), trust)
}

fn to_administrator(
    resources: impl IntoIterator<Item = Resource>,
    source: &str,
) -> Option<(Vec<Technique>, Certainty)> {
    ways(&paths(resources), &who(source), Goal::Administrator)
}

#[test]
fn whoever_assumes_an_administrator_is_one() {
    let world = |own: Value| [user("u", own), admin("admin", trust(json!({ "AWS": arn("root") })))];
    let steps = vec![Technique::AssumeRole, Technique::Everything];
    assert_eq!(
        to_administrator(world(json!([allow("sts:AssumeRole", "*")])), "user/u"),
        Some((steps.clone(), Certainty::Certain))
    );
    assert_eq!(to_administrator(world(json!([allow("sts:AssumeRole", &arn("role/other"))])), "user/u"), None);
    let denied = json!([allow("sts:AssumeRole", "*"), deny("sts:*", &arn("role/adm*"))]);
    assert_eq!(to_administrator(world(denied), "user/u"), None);
    let mut with_mfa = allow("sts:AssumeRole", "*");
    with_mfa["Condition"] = json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } });
    assert_eq!(to_administrator(world(json!([with_mfa])), "user/u"), Some((steps, Certainty::Possible)));
    let named = [user("u", json!([])), admin("admin", trust(json!({ "AWS": arn("user/u") })))];
    let found = paths(named);
    assert_eq!(found.paths.len(), 2, "{:?}", found.paths);
    assert!(found.paths[0].steps[0].grants.iter().any(|proof| proof.policy == arn("role/admin")));
}

#[test]
fn trust_that_depends_on_who_asks_is_asked() {
    let mut statement = trust(json!({ "AWS": arn("root") }));
    statement[0]["Condition"] = json!({ "ArnEquals": { "aws:PrincipalArn": arn("user/u") } });
    let may = || json!([allow("sts:AssumeRole", "*")]);
    let found = paths([user("u", may()), user("v", may()), admin("admin", statement)]);
    assert!(ways(&found, &who("user/u"), Goal::Administrator).is_some());
    assert!(ways(&found, &who("user/v"), Goal::Administrator).is_none());
}

#[test]
fn roles_are_passed_to_services_that_they_trust() {
    for passing in &PASSINGS {
        let mut own = vec![allow("iam:PassRole", "*")];
        own.extend(passing.needs.iter().map(|any| allow(any[0], "*")));
        let world = |own: Value, service: &str| [role("r", own), admin("admin", by_service(service))];
        let found = to_administrator(world(json!(own), passing.service), "role/r");
        let found = found.unwrap_or_else(|| panic!("{:?}", passing.technique));
        assert_eq!(found.0[1], Technique::Everything);
        assert_eq!(found.1, Certainty::Certain);
        assert_eq!(to_administrator(world(json!(own), "other.amazonaws.com"), "role/r"), None);
        assert_eq!(to_administrator(world(json!(own[..own.len() - 1]), passing.service), "role/r"), None);
        own[0]["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "other.amazonaws.com" } });
        assert_eq!(to_administrator(world(json!(own), passing.service), "role/r"), None);
    }
}

#[test]
fn rights_on_users_and_policies_are_rights_of_an_administrator() {
    let boss = || user("boss", json!([allow("*", "*")]));
    for (action, resource, technique) in [
        ("iam:CreateAccessKey", arn("user/boss"), Technique::CreateAccessKey),
        ("iam:AttachUserPolicy", arn("user/u"), Technique::AttachUserPolicy),
        ("iam:PutUserPolicy", arn("user/${aws:username}"), Technique::PutUserPolicy),
        ("iam:AddUserToGroup", arn("group/bosses"), Technique::AddUserToGroup),
    ] {
        let group = json!({ "GroupName": "bosses",
            "GroupPolicyList": [{ "PolicyName": "all", "PolicyDocument": document(json!([allow("*", "*")])) }] });
        let group = made(&arn("group/bosses"), "aws:iam:group", group);
        let found = to_administrator([user("u", json!([allow(action, &resource)])), boss(), group], "user/u");
        assert_eq!(found.map(|(steps, _)| steps[0]), Some(technique));
    }
    let world = |policy: &str| {
        let body = json!({ "Document": document(json!([allow("iam:CreatePolicyVersion", policy)])) });
        let attached = json!({ "AttachedManagedPolicies": [{ "PolicyArn": arn("policy/p") }] });
        [with(role("r", json!([])), attached), made(&arn("policy/p"), "aws:iam:policy", body)]
    };
    let steps = vec![Technique::CreatePolicyVersion];
    assert_eq!(to_administrator(world(&arn("policy/p")), "role/r"), Some((steps, Certainty::Certain)));
    assert_eq!(to_administrator(world(&arn("policy/q")), "role/r"), None);
    // A boundary keeps what is attached from counting.
    let bound = json!({ "PermissionsBoundary": { "PermissionsBoundaryArn": arn("policy/b") } });
    let boundary = json!({ "Document": document(json!([allow("iam:*", "*")])) });
    let bounded = with(role("r", json!([allow("iam:AttachRolePolicy", "*")])), bound);
    assert_eq!(
        to_administrator([bounded, made(&arn("policy/b"), "aws:iam:policy", boundary)], "role/r"),
        None
    );
}

#[test]
fn somebody_new_can_have_every_right() {
    let own = |pattern: &str| json!([allow("iam:CreateRole", pattern), allow("iam:PutRolePolicy", pattern)]);
    let found = to_administrator([role("r", own("arn:aws:iam::123456789012:role/team-*"))], "role/r");
    assert_eq!(found, Some((vec![Technique::CreateRole], Certainty::Certain)));
    let apart =
        json!([allow("iam:CreateRole", &arn("role/a-*")), allow("iam:PutRolePolicy", &arn("role/b-*"))]);
    assert_eq!(to_administrator([role("r", apart)], "role/r"), None);
}

#[test]
fn what_runs_has_the_rights_of_its_role() {
    let function = "arn:aws:lambda:eu-west-1:123456789012:function:f";
    let anyone = json!([{ "Effect": "Allow", "Action": "lambda:InvokeFunctionUrl", "Resource": function, "Principal": "*",
        "Condition": { "StringEquals": { "lambda:FunctionUrlAuthType": "NONE" } } }]);
    let body =
        json!({ "Role": arn("role/admin"), "Policy": document(anyone), "UrlConfig": { "AuthType": "NONE" } });
    let found = paths([
        made(function, "aws:lambda:function", body),
        admin("admin", by_service("lambda.amazonaws.com")),
        user("u", json!([allow("lambda:UpdateFunctionCode", "*")])),
    ]);
    let (steps, certainty) = ways(&found, &Place::Internet, Goal::Administrator).unwrap();
    assert_eq!(steps, [Technique::Exposed, Technique::ComputeRole, Technique::Everything]);
    assert_eq!(certainty, Certainty::Certain);
    let (steps, _) = ways(&found, &who("user/u"), Goal::PrivilegedRole).unwrap();
    assert_eq!(steps, [Technique::UpdateFunctionCode, Technique::ComputeRole]);

    let instance = "arn:aws:ec2:eu-west-1:123456789012:instance/i-1";
    let profile = arn("instance-profile/p");
    let body = json!({ "InstanceId": "i-1", "IamInstanceProfile": { "Arn": profile } });
    let found = paths([
        made(instance, "aws:ec2:instance", body),
        made(&profile, "aws:iam:instance-profile", json!({ "Roles": [{ "Arn": arn("role/admin") }] })),
        admin("admin", by_service("ec2.amazonaws.com")),
        role("r", json!([allow("ssm:SendCommand", "*")])),
    ]);
    let (steps, _) = ways(&found, &who("role/r"), Goal::Administrator).unwrap();
    assert_eq!(steps, [Technique::SendCommand, Technique::ComputeRole, Technique::Everything]);
}

#[test]
fn outsiders_come_in_where_trust_lets_them() {
    let open = |principal: Value| paths([admin("admin", trust(principal))]);
    assert!(ways(&open(json!("*")), &Place::Internet, Goal::Administrator).is_some());
    let other = Place::Account { account: "999999999999".to_owned() };
    assert!(ways(&open(json!({ "AWS": "999999999999" })), &other, Goal::Administrator).is_some());
    let mut own = trust(json!("*"));
    own[0]["Condition"] = json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } });
    assert!(ways(&paths([admin("admin", own)]), &Place::Internet, Goal::Administrator).is_none());

    let provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    let github = |subject: Option<&str>| {
        let mut condition =
            json!({ "StringEquals": { "token.actions.githubusercontent.com:aud": "sts.amazonaws.com" } });
        if let Some(subject) = subject {
            condition["StringLike"] = json!({ "token.actions.githubusercontent.com:sub": subject });
        }
        let statement = json!([{ "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": { "Federated": provider }, "Condition": condition }]);
        let found = paths([admin("admin", statement)]);
        let vouched = Place::Provider { arn: provider.to_owned() };
        assert!(ways(&found, &vouched, Goal::Administrator).is_some());
        ways(&found, &Place::Internet, Goal::Administrator).is_some()
    };
    assert!(github(None));
    assert!(github(Some("*")));
    assert!(github(Some("repo:*")));
    assert!(!github(Some("repo:owner/name:*")));
}

#[test]
fn public_data_is_reached_from_the_internet() {
    let statement = json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Principal": "*" }]);
    let bucket = |blocked: bool| {
        let block = json!({ "RestrictPublicBuckets": blocked });
        let body = json!({ "Name": "b", "Policy": document(statement.clone()), "PublicAccessBlock": block });
        let off = json!({ "PublicAccessBlock": null });
        let own = made("arn:aws:s3::123456789012:account", "aws:s3:account", off);
        paths([made("arn:aws:s3:::b", "aws:s3:bucket", body), own])
    };
    let open = bucket(false);
    assert_eq!(
        ways(&open, &Place::Internet, Goal::PublicData),
        Some((vec![Technique::PublicRead], Certainty::Certain))
    );
    assert!(bucket(true).paths.is_empty());
}

#[test]
fn the_step_that_all_share_is_the_first_choke_point() {
    let mut world: Vec<Resource> = (0..5)
        .map(|number| user(&format!("u{number}"), json!([allow("sts:AssumeRole", &arn("role/middle"))])))
        .collect();
    world.push(trusting(
        "middle",
        json!([allow("sts:AssumeRole", "*")]),
        trust(json!({ "AWS": arn("root") })),
    ));
    world.push(admin("admin", trust(json!({ "AWS": arn("role/middle") }))));
    let points = attack(world, |attack| attack.choke_points(3));
    assert_eq!(points[0].cuts, 12, "{points:?}");
    assert_eq!(points[0].step.from, who("role/middle"));
    assert_eq!(points[0].step.to, who("role/admin"));
}

#[test]
fn limits_cut_and_say_so() {
    let world = || {
        [user("u", json!([allow("sts:AssumeRole", "*")])), admin("a", trust(json!({ "AWS": arn("root") })))]
    };
    let cut = |limits| attack(world(), |attack| attack.paths(Sources::All, &limits));
    let none = cut(Limits { paths_max: 0, ..Limits::default() });
    assert!(none.truncated && none.paths.is_empty());
    let short = cut(Limits { steps_max: 1, ..Limits::default() });
    assert!(short.truncated);
    assert!(!cut(Limits::default()).truncated);
}

fn statement(effect: &'static str) -> impl Strategy<Value = Value> {
    let action = prop_oneof![
        Just("*"),
        Just("iam:*"),
        Just("sts:AssumeRole"),
        Just("iam:PassRole"),
        Just("lambda:*"),
        Just("iam:Put*"),
        Just("iam:CreateAccessKey"),
        Just("iam:AddUserToGroup"),
        Just("iam:Create*"),
        Just("s3:*"),
    ];
    let resource = prop_oneof![
        Just("*".to_owned()),
        Just(arn("role/*")),
        Just(arn("user/u?")),
        Just(arn("role/r1")),
        Just(arn("group/g")),
    ];
    (action, resource, any::<bool>(), 0..4_u8).prop_map(move |(action, resource, not, condition)| {
        let key = if not && effect == "Deny" { "NotResource" } else { "Resource" };
        let mut statement = json!({ "Effect": effect, "Action": action, key: resource });
        match condition {
            0 => statement["Condition"] = json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }),
            1 => statement["Condition"] = json!({ "StringLike": { "aws:PrincipalArn": "*1" } }),
            _ => {}
        }
        statement
    })
}

fn world(policies: &[Vec<Value>], denial: Option<(usize, &Value)>) -> BTreeSet<(Place, Goal)> {
    let own = |number: usize| {
        let mut statements = policies.get(number).cloned().unwrap_or_default();
        statements.extend(denial.filter(|(at, _)| *at == number).map(|(_, denial)| denial.clone()));
        json!(statements)
    };
    let mut both = trust(json!({ "AWS": arn("root") }));
    both.as_array_mut().unwrap().extend(by_service("lambda.amazonaws.com").as_array().unwrap().clone());
    let group = json!({ "GroupName": "g", "GroupPolicyList": [{ "PolicyName": "own", "PolicyDocument": document(own(4)) }] });
    let found = paths([
        with(user("u0", own(0)), json!({ "GroupList": ["g"] })),
        user("u1", own(1)),
        trusting("r0", own(2), both.clone()),
        trusting("r1", own(3), both),
        made(&arn("group/g"), "aws:iam:group", group),
        admin("admin", by_service("lambda.amazonaws.com")),
    ]);
    // A privileged role has no path to where it is, and may get one to another such role by a denial.
    let user = |place: &Place| matches!(place, Place::Identity { arn } if arn.contains(":user/"));
    let reached = found.paths.into_iter().map(|path| (path.source, path.goal));
    reached.filter(|(source, goal)| *goal == Goal::Administrator || user(source)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whoever has every right is no source, and may become one by a denial: what is reached is compared from the others.
    #[test]
    fn one_more_denial_never_adds_a_path(
        policies in proptest::collection::vec(proptest::collection::vec(statement("Allow"), 0..3), 5),
        at in 0..5_usize,
        denial in statement("Deny"),
    ) {
        let reached = |policies: &[Vec<Value>], denial| world(policies, denial);
        let before = reached(&policies, None);
        let after = reached(&policies, Some((at, &denial)));
        let every = |number: usize| policies.get(number).into_iter().flatten().any(|one| one["Action"] == "*" && one["Resource"] == "*");
        prop_assume!(!(0..5).any(every));
        let added: Vec<_> = after.difference(&before).collect();
        prop_assert!(added.is_empty(), "{:?}", added);
    }
}
