//! Policy documents of AWS, and collections. Every question is answered, a denial of everything leaves nothing allowed, and what was kept is joined as before.

use std::collections::BTreeSet;
use std::sync::Arc;

use cloud::aws::{Access, Account, Attack, Decision, Exposure, Limits, Sources};
use cloud::{Collection, Resource};
use serde_json::{Value, json};

use crate::must::must;

const ROLE: &str = "arn:aws:iam::123456789012:role/r";
const BUCKET: &str = "arn:aws:s3:::b";
const QUESTIONS: [(&str, &str); 4] = [
    ("s3:GetObject", "arn:aws:s3:::b/object"),
    ("sts:AssumeRole", ROLE),
    ("iam:PassRole", ROLE),
    ("ec2:RunInstances", "*"),
];

pub(crate) fn run(data: &[u8]) {
    if let Ok(collection) = Collection::from_json(data) {
        let again = must(Collection::from_json(collection.to_json().as_bytes()), "what was written");
        assert_eq!(
            (again.resources.len(), &again.missing),
            (collection.resources.len(), &collection.missing)
        );
    }
    let Ok(document) = serde_json::from_slice::<Value>(data) else { return };
    let account = world(&document, json!([]));
    let again = must(Account::unpack(&account.pack()), "what was kept");
    // Fractions of conditions may differ in their last digit: what the bodies say is compared by the graph.
    assert_eq!(again.graph(), account.graph());
    let access = Arc::new(Access::of(&account));
    let exposure = Arc::new(Exposure::of(&account, &access));
    let attack = Attack::of(&account, access, exposure);
    let outside = attack.paths(Sources::Outside, &Limits::default());
    assert!(outside.sources <= attack.paths(Sources::All, &Limits::default()).sources);
    let (nodes, relations) = account.graph();
    let ids: BTreeSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    for relation in &relations {
        assert!(ids.contains(relation.from.as_str()) && ids.contains(relation.to.as_str()), "{relation:?}");
    }
    let nothing = json!([{
        "PolicyName": "nothing",
        "PolicyDocument": { "Statement": { "Effect": "Deny", "Action": "*", "Resource": "*" } },
    }]);
    let denied = world(&document, nothing);
    let access = Access::of(&denied);
    for (action, resource) in QUESTIONS {
        let answer = access.can(ROLE, action, resource);
        assert!(
            answer.is_some_and(|answer| answer.decision == Decision::Denied),
            "{action} in spite of a denial"
        );
    }
}

/// The document as the policy of a role, its trust, its boundary, and the policy of a bucket.
fn world(document: &Value, more: Value) -> Account {
    let mut policies = vec![json!({ "PolicyName": "own", "PolicyDocument": document })];
    policies.extend(more.as_array().into_iter().flatten().cloned());
    let user = json!({ "Account": "123456789012", "UserName": "u", "UserPolicyList": policies });
    let role = json!({
        "Account": "123456789012",
        "RoleName": "r",
        "RolePolicyList": policies,
        "AssumeRolePolicyDocument": document,
        "PermissionsBoundary": { "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/b" },
    });
    let resources = [
        Resource::new(ROLE, "aws:iam:role", role),
        Resource::new("arn:aws:iam::123456789012:user/u", "aws:iam:user", user),
        Resource::new(
            "arn:aws:iam::123456789012:policy/b",
            "aws:iam:policy",
            json!({ "Document": document }),
        ),
        Resource::new(
            BUCKET,
            "aws:s3:bucket",
            json!({ "Account": "123456789012", "Name": "b", "Policy": document }),
        ),
    ];
    Account::of(resources, BTreeSet::new())
}
