//! What anybody can read through the API of AWS: by policies, access lists, and permissions of snapshots.

use serde_json::Value;

use crate::aws::access::Access;
use crate::aws::account::{Account, Attached, owner};
use crate::aws::policy::Effect;
use crate::aws::request::{Caller, Request};
use crate::aws::truth::Truth;
use crate::resource::{Key, Resource, list_in, text_in};

/// Groups of an access list that are everybody.
const EVERYBODY: [&str; 2] = [
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
];

/// Whether anybody can read it, and why.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) truth: Truth,
    pub(crate) why: &'static str,
}

impl Open {
    fn no() -> Self {
        Self { truth: Truth::No, why: "" }
    }
}

/// Whether the policy of a resource lets anybody do one of these things.
pub(crate) fn by_policy(access: &Access, holder: &str, actions: &[&str], resource: &str) -> Open {
    let document = match access.attached.get(holder) {
        Some(Attached::Document(document)) => *document,
        Some(Attached::Unknown) => return Open { truth: Truth::Maybe, why: "its policy could not be read" },
        Some(Attached::None) | None => return Open::no(),
    };
    let mut best = Truth::No;
    for action in actions {
        let request = Request {
            caller: Caller::Anyone,
            action,
            resource,
            resource_account: access.owners.get(holder).map(|owned| owned.account.as_str()),
            resource_tags: None,
            chosen: &[("lambda:functionurlauthtype", Some("NONE"))],
        };
        let (mut allow, mut deny) = (Truth::No, Truth::No);
        for statement in access.statements(document) {
            let (direct, account) = request.holds_for_caller(statement);
            match statement.effect {
                Effect::Allow => allow = allow.or(direct),
                Effect::Deny => deny = deny.or(direct).or(account),
            }
        }
        best = best.or(allow.and(deny.not()));
    }
    Open { truth: best, why: "its policy lets anybody read it" }
}

/// Whether anybody can read what is in a resource.
pub(crate) fn of(account: &Account, access: &Access, resource: &Resource) -> Open {
    let id = resource.id.as_str();
    match resource.kind.as_str() {
        "aws:s3:bucket" => bucket(account, access, resource),
        "aws:secretsmanager:secret" => by_policy(access, id, &["secretsmanager:getsecretvalue"], id),
        "aws:ecr:repository" => {
            by_policy(access, id, &["ecr:batchgetimage", "ecr:getdownloadurlforlayer"], id)
        }
        "aws:sqs:queue" => by_policy(access, id, &["sqs:receivemessage"], id),
        "aws:ec2:snapshot" => snapshot(account, resource),
        "aws:ec2:image" if resource.body.get("Public") == Some(&Value::Bool(true)) => {
            Open { truth: Truth::Yes, why: "the image is public" }
        }
        "aws:rds:db-snapshot" | "aws:rds:db-cluster-snapshot" => {
            let all = resource.list(&["Restore"]).iter().any(|who| who.as_str() == Some("all"));
            Open { truth: Truth::from(all), why: "anybody may restore the snapshot" }
        }
        _ => Open::no(),
    }
}

fn snapshot(account: &Account, snapshot: &Resource) -> Open {
    let all = |who: &Value| text_in(who, &["Group"]) == Some("all");
    if !snapshot.list(&["CreateVolumePermissions"]).iter().any(all) {
        return Open::no();
    }
    // Blocking all sharing also hides what was shared before.
    let region = snapshot.text(&["Region"]);
    let blocked = account
        .of_kind("aws:account:region")
        .filter(|here| owner(here) == owner(snapshot) && here.text(&["RegionName"]) == region)
        .any(|here| here.text(&["SnapshotBlockPublicAccess"]) == Some("block-all-sharing"));
    Open { truth: Truth::from(!blocked), why: "anybody may make a volume of the snapshot" }
}

fn bucket(account: &Account, access: &Access, bucket: &Resource) -> Open {
    let own = account.of_kind("aws:s3:account").find(|settings| owner(settings) == owner(bucket));
    let block = |key: &str| {
        let here = setting(Some(bucket), key);
        here.or(setting(own, key))
    };
    let within = format!("{}/*", bucket.id);
    let policy = by_policy(access, &bucket.id, &["s3:getobject"], &within).truth;
    let list = by_policy(access, &bucket.id, &["s3:listbucket"], &bucket.id).truth;
    let policy = policy.or(list).and(block("RestrictPublicBuckets").not());
    let acl = by_access_list(bucket).and(block("IgnorePublicAcls").not());
    if policy >= acl {
        Open { truth: policy, why: "the policy of the bucket lets anybody read it" }
    } else {
        Open { truth: acl, why: "the access list of the bucket lets anybody read it" }
    }
}

/// Whether a block of public access is on. Where nobody asked, that is not known.
fn setting(resource: Option<&Resource>, key: &str) -> Truth {
    match resource.map(|resource| resource.key("PublicAccessBlock")) {
        Some(Key::Value(block)) => Truth::from(block.get(key) == Some(&Value::Bool(true))),
        Some(Key::None) => Truth::No,
        Some(Key::Unknown) | None => Truth::Maybe,
    }
}

fn by_access_list(bucket: &Resource) -> Truth {
    // Buckets whose owner owns every object have no access lists in force.
    let rules = bucket.list(&["OwnershipControls", "Rules"]);
    if rules.iter().any(|rule| text_in(rule, &["ObjectOwnership"]) == Some("BucketOwnerEnforced")) {
        return Truth::No;
    }
    match bucket.key("Acl") {
        Key::Value(acl) => Truth::from(list_in(acl, &["Grants"]).iter().any(|grant| {
            let everybody = text_in(grant, &["Grantee", "URI"]).is_some_and(|uri| EVERYBODY.contains(&uri));
            everybody && matches!(text_in(grant, &["Permission"]), Some("READ" | "FULL_CONTROL"))
        })),
        Key::None => Truth::No,
        Key::Unknown if bucket.unknown().any(|key| key == "Acl") => Truth::Maybe,
        Key::Unknown => Truth::No,
    }
}
