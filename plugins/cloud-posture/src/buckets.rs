//! Buckets: who can reach them, how they are encrypted, what is kept and logged.

use palisade_sdk::Severity::{Critical, High, Low, Medium};
use serde_json::{Value, json};

use crate::account::blocks;
use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict, quoted, shown};
use crate::policy::{Statement, statements};

pub(crate) const CHECKS: &Table = &[
    ("s3-bucket-public-access-block", Medium, blocks),
    ("s3-bucket-policy-public", Critical, policy_public),
    ("s3-bucket-acl-public", Critical, acl_public),
    ("s3-bucket-policy-foreign-admin", High, foreign_admin),
    ("s3-bucket-encryption", Medium, encryption),
    ("s3-bucket-customer-key", Low, customer_key),
    ("s3-bucket-tls-only", Medium, tls_only),
    ("s3-bucket-versioning", Low, versioning),
    ("s3-bucket-mfa-delete", Low, mfa_delete),
    ("s3-bucket-access-logging", Low, logging),
    ("s3-bucket-acls-disabled", Low, acls_disabled),
    ("s3-log-bucket-public", Critical, log_public),
    ("s3-log-bucket-access-logging", Medium, log_logging),
];

/// Statements of a policy that may be missing.
pub(crate) fn policy<'a>(body: &Body<'a>) -> Result<Vec<Statement<'a>>, Stop> {
    body.told("Policy")?.map_or(Ok(Vec::new()), |policy| statements(&policy))
}

/// What a statement allows, for messages.
pub(crate) fn actions(statement: &Statement<'_>) -> String {
    match &statement.not_actions {
        Some(_) => "everything but the actions that it names".to_owned(),
        None => shown(&statement.actions.join(", ")),
    }
}

/// One failure for each statement of a resource's policy that is open to anyone.
pub(crate) fn open_policy(body: &Body<'_>, found: &mut Found<'_>, what: &str) -> Verdict {
    for one in policy(body)?.iter().filter(|one| one.open()) {
        let message = format!("Anyone may do {} with {what}.", actions(one));
        found.add(
            Finding::at(&one.at, message).compared(
                json!({ "Principal": "*" }),
                json!("named principals, or a condition on who it is"),
            ),
        );
    }
    Ok(true)
}

/// Whether a setting of the public access block is known to be on.
fn blocked(body: &Body<'_>, key: &str) -> Result<bool, Stop> {
    Ok(body.hint("PublicAccessBlock")?.map(|block| block.flag_of(key)).transpose()?.unwrap_or(false))
}

fn policy_public(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for one in policy(body)?.iter().filter(|one| one.open()) {
        let message = format!("Anyone may do {} with the bucket.", actions(one));
        let finding =
            Finding::at(&one.at, message).compared(json!({ "Principal": "*" }), json!("named principals"));
        let latent = blocked(body, "RestrictPublicBuckets")?;
        found.add(if latent { finding.severity(Medium) } else { finding });
    }
    Ok(true)
}

/// Grants to everybody: the grant, and to whom.
fn public_grants<'a>(body: &Body<'a>) -> Result<Vec<(Node<'a>, &'static str)>, Stop> {
    let mut public = Vec::new();
    for grant in body.need("Acl")?.items_of("Grants")? {
        let uri = grant.inside(&["Grantee", "URI"])?.map(|uri| uri.text()).transpose()?.unwrap_or_default();
        let who = match uri.rsplit('/').next() {
            Some("AllUsers") => "everybody",
            Some("AuthenticatedUsers") => "everybody with an AWS account",
            _ => continue,
        };
        public.push((grant, who));
    }
    Ok(public)
}

fn acl_public(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for (grant, who) in public_grants(body)? {
        let permission = shown(grant.text_of("Permission")?.unwrap_or_default());
        let message = format!("The bucket's ACL grants {permission} to {who}.");
        let finding = Finding::at(&grant.at, message)
            .compared(json!({ "Grantee": who, "Permission": permission }), Value::Null);
        let latent = blocked(body, "IgnorePublicAcls")? || enforced(body)?;
        found.add(if latent { finding.severity(Medium) } else { finding });
    }
    Ok(true)
}

/// Actions with which another account can take the bucket's protection away.
const PROTECTION: [&str; 8] = [
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutObjectAcl",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketVersioning",
];

fn foreign_admin(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let policy = policy(body)?;
    for one in &policy {
        let foreign = one.foreign(body);
        let Some(action) = PROTECTION.iter().find(|action| one.names(action)) else { continue };
        if let Some(account) = foreign.first() {
            let message = format!("The account {account} may do {action} with the bucket.");
            found.add(Finding::at(&one.at, message).compared(
                json!({ "account": account, "action": action }),
                json!("reading or writing of objects only"),
            ));
        }
    }
    Ok(!policy.is_empty())
}

/// Algorithms of default encryption.
fn algorithms<'a>(body: &Body<'a>) -> Result<Vec<(Node<'a>, &'a str)>, Stop> {
    let mut all = Vec::new();
    let Some(encryption) = body.told("Encryption")? else { return Ok(all) };
    // GetBucketEncryption answers with the configuration inside of a member of its own.
    let rules = match encryption.get("ServerSideEncryptionConfiguration")? {
        Some(inner) => inner.items_of("Rules")?,
        None => encryption.items_of("Rules")?,
    };
    for rule in rules {
        if let Some(node) = rule.inside(&["ApplyServerSideEncryptionByDefault", "SSEAlgorithm"])? {
            let algorithm = node.text()?;
            all.push((node, algorithm));
        }
    }
    Ok(all)
}

fn encryption(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if algorithms(body)?.is_empty() {
        let message = "The bucket has no default encryption.";
        found.add(
            Finding::at("/Encryption", message).compared(Value::Null, json!({ "SSEAlgorithm": "aws:kms" })),
        );
    }
    Ok(true)
}

fn customer_key(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let algorithms = algorithms(body)?;
    for (node, algorithm) in algorithms.iter().filter(|(_, algorithm)| !algorithm.starts_with("aws:kms")) {
        let message = "The bucket is encrypted with a key that Amazon S3 manages.";
        found.add(Finding::at(&node.at, message).compared(quoted(algorithm), json!("aws:kms")));
    }
    Ok(!algorithms.is_empty())
}

/// Whether a statement refuses everybody's requests without TLS, or with an old version of it.
fn refuses_plain(statement: &Statement<'_>) -> bool {
    let plain = |condition: &crate::condition::Condition<'_>| match condition.key.as_str() {
        "aws:securetransport" => condition.values.iter().any(|value| value.eq_ignore_ascii_case("false")),
        "s3:tlsversion" => true,
        _ => false,
    };
    let everything = statement.names("s3:GetObject") && statement.names("s3:PutObject");
    !statement.allow && statement.principals.everybody && everything && statement.conditions.iter().any(plain)
}

fn tls_only(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if !policy(body)?.iter().any(refuses_plain) {
        let message = "The bucket answers requests without TLS.";
        let wanted = json!({ "Effect": "Deny", "Condition": { "Bool": { "aws:SecureTransport": "false" } } });
        found.add(Finding::at("/Policy", message).compared(Value::Null, wanted));
    }
    Ok(true)
}

fn versioned(body: &Body<'_>) -> Result<bool, Stop> {
    let status =
        body.told("Versioning")?.map(|versioning| versioning.text_of("Status")).transpose()?.flatten();
    Ok(status == Some("Enabled"))
}

fn versioning(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if !versioned(body)? {
        let message = "The bucket does not keep versions of its objects.";
        found.add(Finding::at("/Versioning", message).compared(json!("off"), json!({ "Status": "Enabled" })));
    }
    Ok(true)
}

fn mfa_delete(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if !versioned(body)? {
        return Ok(false);
    }
    if body.need("Versioning")?.text_of("MFADelete")? != Some("Enabled") {
        let message = "Versions of objects can be deleted without a second factor.";
        found.add(
            Finding::at("/Versioning", message).compared(json!("off"), json!({ "MFADelete": "Enabled" })),
        );
    }
    Ok(true)
}

fn logging(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let logging = body.told("Logging")?;
    // GetBucketLogging answers with the target inside of a member of its own.
    let target = match &logging {
        Some(logging) => {
            logging.get("TargetBucket")?.or(logging.inside(&["LoggingEnabled", "TargetBucket"])?)
        }
        None => None,
    };
    if target.is_none() {
        let message = "Access to the bucket is not logged.";
        found.add(
            Finding::at("/Logging", message)
                .compared(Value::Null, json!({ "TargetBucket": "a bucket for logs" })),
        );
    }
    Ok(true)
}

fn enforced(body: &Body<'_>) -> Result<bool, Stop> {
    let Some(controls) = body.hint("OwnershipControls")? else { return Ok(false) };
    for rule in controls.items_of("Rules")? {
        if rule.text_of("ObjectOwnership")? == Some("BucketOwnerEnforced") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn acls_disabled(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    body.told("OwnershipControls")?;
    if !enforced(body)? {
        let message = "ACLs of objects have effect in the bucket.";
        found.add(
            Finding::at("/OwnershipControls", message).compared(json!("ACLs"), json!("BucketOwnerEnforced")),
        );
    }
    Ok(true)
}

/// Whether CloudTrail may write to the bucket: then the activity log lies there.
fn activity_log(body: &Body<'_>) -> Result<bool, Stop> {
    let writes = |one: &Statement<'_>| {
        one.allow
            && one.principals.services.contains(&"cloudtrail.amazonaws.com")
            && one.names("s3:PutObject")
    };
    Ok(policy(body)?.iter().any(writes))
}

fn log_public(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if !activity_log(body)? {
        return Ok(false);
    }
    policy_public(body, found)?;
    acl_public(body, found)
}

fn log_logging(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if activity_log(body)? { logging(body, found) } else { Ok(false) }
}
