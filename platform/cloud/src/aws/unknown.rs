//! What queries over accounts cannot know.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::account::Account;

/// Kinds that every account with the first has at least one of.
const NEEDED: [(&str, &str); 5] = [
    ("aws:ec2:instance", "aws:ec2:security-group"),
    ("aws:ec2:instance", "aws:ec2:subnet"),
    ("aws:ec2:subnet", "aws:ec2:route-table"),
    ("aws:ec2:subnet", "aws:ec2:network-acl"),
    ("aws:s3:bucket", "aws:s3:account"),
];
/// Keys that rights, paths and exposure are made of, by kind.
const KEYS: [(&str, &str); 12] = [
    ("aws:s3:bucket", "Policy"),
    ("aws:s3:bucket", "PublicAccessBlock"),
    ("aws:s3:bucket", "Acl"),
    ("aws:s3:account", "PublicAccessBlock"),
    ("aws:kms:key", "Policy"),
    ("aws:lambda:function", "Policy"),
    ("aws:lambda:function", "UrlConfig"),
    ("aws:secretsmanager:secret", "Policy"),
    ("aws:ecr:repository", "Policy"),
    ("aws:sqs:queue", "Policy"),
    ("aws:elbv2:load-balancer", "Listeners"),
    ("aws:ec2:snapshot", "CreateVolumePermissions"),
];
const ALWAYS: [&str; 3] = [
    "service control policies and resource control policies of the organization were not collected: they may forbid what policies allow",
    "policies of sessions and of VPC endpoints were not judged",
    "which targets a target group has was not collected: behind load balancers only services of ECS are known",
];

impl Account {
    /// What answers about rights, identity paths and exposure do not know of, as sentences: what is never collected, kinds of which
    /// nothing was read, keys that could not be, and what else was missing.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        let mut sentences: Vec<String> = ALWAYS.iter().map(|sentence| (*sentence).to_owned()).collect();
        let kinds: BTreeSet<&str> = self.resources().map(|resource| resource.kind.as_str()).collect();
        let identities = ["aws:iam:role", "aws:iam:user"];
        if !identities.iter().any(|kind| kinds.contains(kind)) {
            sentences.push("users and roles were not among what was read".to_owned());
        }
        let missing = NEEDED.iter().filter(|(one, other)| kinds.contains(one) && !kinds.contains(other));
        let missing: BTreeSet<&str> = missing.map(|(_, kind)| *kind).collect();
        sentences.extend(
            missing.into_iter().map(|kind| format!("resources of kind {kind} were not among what was read")),
        );
        let mut unread: BTreeMap<(&str, &str), (usize, &str)> = BTreeMap::new();
        for resource in self.resources() {
            for (kind, key) in KEYS.iter().filter(|(kind, _)| *kind == resource.kind) {
                if resource.unknown().any(|unknown| unknown == *key) {
                    unread.entry((kind, key)).or_insert((0, &resource.id)).0 += 1;
                }
            }
            if resource.kind.starts_with("aws:iam:") {
                for key in resource.unknown() {
                    let known = unread.entry(("aws:iam", known_key(key))).or_insert((0, &resource.id));
                    known.0 += 1;
                }
            }
        }
        sentences.extend(unread.into_iter().map(|((kind, key), (count, example))| {
            format!("{key} of {count} resources of {kind} could not be read, such as that of {example}")
        }));
        sentences.extend(self.missing.iter().map(|gap| format!("{}: {}", gap.subject, gap.reason)));
        sentences
    }
}

/// Keys of identities by names of our own: what a stranger writes is not repeated.
fn known_key(key: &str) -> &'static str {
    match key {
        "Credentials" => "Credentials",
        "AssumeRolePolicyDocument" => "AssumeRolePolicyDocument",
        "Document" => "Document",
        _ => "some key",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::aws::fixture::{account, made};

    #[test]
    fn what_was_not_read_is_told() {
        let bucket = made("arn:aws:s3:::b", "aws:s3:bucket", json!({ "Unknown": ["Policy", "Tags"] }));
        let told = account([bucket]).unknown();
        assert!(told.iter().any(|one| one.contains("service control policies")), "{told:?}");
        assert!(told.contains(&"users and roles were not among what was read".to_owned()));
        assert!(told.contains(&"resources of kind aws:s3:account were not among what was read".to_owned()));
        assert!(told.iter().any(|one| one.starts_with("Policy of 1 resources of aws:s3:bucket")), "{told:?}");
        assert!(!told.iter().any(|one| one.contains("Tags")), "{told:?}");
    }
}
