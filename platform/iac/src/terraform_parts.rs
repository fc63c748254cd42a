//! Resources that AWS knows as a property of another one, and Terraform keeps apart: joined to what they belong to.

use serde_json::{Value, json};

use crate::terraform_fields::{Body, first, policy};
use crate::terraform_kinds::attached;
use crate::terraform_plan::Planned;

/// A type that is part of another.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// Types it may belong to.
    pub(crate) parents: &'static [&'static str],
    /// The argument that names what it belongs to.
    pub(crate) by: &'static str,
    /// Keys of the body that it decides.
    pub(crate) keys: &'static [&'static str],
    add: fn(&Planned, &mut Body),
}

impl Part {
    /// Adds what a planned part says to the body it belongs to.
    pub(crate) fn join(&self, planned: &Planned, body: &mut Body) {
        (self.add)(planned, body);
    }
}

const fn part(
    name: &'static str,
    parents: &'static [&'static str],
    by: &'static str,
    keys: &'static [&'static str],
    add: fn(&Planned, &mut Body),
) -> Part {
    Part { name, parents, by, keys, add }
}

const BUCKET: &[&str] = &["aws_s3_bucket"];
const GROUP: &[&str] = &["aws_security_group"];
const BALANCER: &[&str] = &["aws_lb", "aws_alb"];
const INGRESS: &str = "IpPermissions";
const EGRESS: &str = "IpPermissionsEgress";

/// Every type.
pub(crate) const PARTS: &[Part] = &[
    part("aws_s3_bucket_public_access_block", BUCKET, "bucket", &["PublicAccessBlock"], public_access),
    part("aws_s3_bucket_versioning", BUCKET, "bucket", &["Versioning"], versioning),
    part("aws_s3_bucket_server_side_encryption_configuration", BUCKET, "bucket", &["Encryption"], encryption),
    part("aws_s3_bucket_policy", BUCKET, "bucket", &["Policy"], document),
    part("aws_s3_bucket_logging", BUCKET, "bucket", &["Logging"], logging),
    part("aws_s3_bucket_ownership_controls", BUCKET, "bucket", &["OwnershipControls"], ownership),
    part("aws_s3_bucket_acl", BUCKET, "bucket", &["Acl"], acl),
    part("aws_security_group_rule", GROUP, "security_group_id", &[INGRESS, EGRESS], rule),
    part("aws_vpc_security_group_ingress_rule", GROUP, "security_group_id", &[INGRESS], ingress_rule),
    part("aws_vpc_security_group_egress_rule", GROUP, "security_group_id", &[EGRESS], egress_rule),
    part("aws_iam_role_policy", &["aws_iam_role"], "role", &["RolePolicyList"], role_policy),
    part(
        "aws_iam_role_policy_attachment",
        &["aws_iam_role"],
        "role",
        &["AttachedManagedPolicies"],
        attachment,
    ),
    part("aws_iam_user_policy", &["aws_iam_user"], "user", &["UserPolicyList"], user_policy),
    part(
        "aws_iam_user_policy_attachment",
        &["aws_iam_user"],
        "user",
        &["AttachedManagedPolicies"],
        attachment,
    ),
    part("aws_iam_group_policy", &["aws_iam_group"], "group", &["GroupPolicyList"], group_policy),
    part(
        "aws_iam_group_policy_attachment",
        &["aws_iam_group"],
        "group",
        &["AttachedManagedPolicies"],
        attachment,
    ),
    part(
        "aws_secretsmanager_secret_rotation",
        &["aws_secretsmanager_secret"],
        "secret_id",
        &["RotationEnabled"],
        rotation,
    ),
    part(
        "aws_secretsmanager_secret_policy",
        &["aws_secretsmanager_secret"],
        "secret_arn",
        &["Policy"],
        document,
    ),
    part("aws_sqs_queue_policy", &["aws_sqs_queue"], "queue_url", &["Policy"], document),
    part("aws_sns_topic_policy", &["aws_sns_topic"], "arn", &["Policy"], document),
    part("aws_kms_key_policy", &["aws_kms_key"], "key_id", &["Policy"], document),
    part("aws_ecr_repository_policy", &["aws_ecr_repository"], "repository", &["Policy"], document),
    part("aws_ecr_lifecycle_policy", &["aws_ecr_repository"], "repository", &["LifecyclePolicy"], lifecycle),
    part("aws_efs_file_system_policy", &["aws_efs_file_system"], "file_system_id", &["Policy"], document),
    part("aws_lambda_function_url", &["aws_lambda_function"], "function_name", &["UrlConfig"], url),
    part("aws_lambda_permission", &["aws_lambda_function"], "function_name", &["Policy"], permission),
    part("aws_lb_listener", BALANCER, "load_balancer_arn", &["Listeners"], listener),
    part("aws_alb_listener", BALANCER, "load_balancer_arn", &["Listeners"], listener),
    part(
        "aws_redshift_logging",
        &["aws_redshift_cluster"],
        "cluster_identifier",
        &["Logging"],
        redshift_logging,
    ),
];

/// Arguments that the provider calls unknown when it makes a resource, as other resources may decide them. Those are in the plan too.
const COMPUTED: [(&str, &str, &str); 4] = [
    ("aws_sqs_queue", "policy", "Policy"),
    ("aws_secretsmanager_secret", "policy", "Policy"),
    ("aws_iam_role", "inline_policy", "RolePolicyList"),
    ("aws_iam_role", "managed_policy_arns", "AttachedManagedPolicies"),
];

/// What has to be there before parts are joined.
pub(crate) fn before(planned: &Planned, body: &mut Body) {
    if planned.kind == "aws_security_group" {
        inline_rules(planned, body);
    }
    let left = COMPUTED.iter().filter(|(kind, argument, _)| {
        *kind == planned.kind && planned.created && !planned.references.contains_key(*argument)
    });
    for (_, _, key) in left {
        body.unknown.remove(*key);
    }
}

/// What AWS does where a plan that makes the resource says nothing.
pub(crate) fn after(planned: &Planned, body: &mut Body) {
    match planned.kind.as_str() {
        "aws_sqs_queue" | "aws_secretsmanager_secret" | "aws_efs_file_system" => {
            absent(planned, body, &["Policy"])
        }
        "aws_lambda_function" => absent(planned, body, &["Policy", "UrlConfig"]),
        "aws_ecr_repository" => absent(planned, body, &["Policy", "LifecyclePolicy"]),
        "aws_s3_bucket" => absent(planned, body, &["Policy", "Logging"]),
        _ => {}
    }
    if planned.kind == "aws_security_group" {
        default(body, INGRESS, json!([]));
        default(body, EGRESS, json!([]));
    }
    if !planned.created {
        return;
    }
    match planned.kind.as_str() {
        // What AWS gives to every new bucket since April 2023.
        "aws_s3_bucket" => {
            let all = json!({ "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true });
            default(body, "PublicAccessBlock", all);
            default(body, "Versioning", json!({}));
            let rule = json!({ "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" }, "BucketKeyEnabled": false });
            default(body, "Encryption", json!({ "Rules": [rule] }));
            default(
                body,
                "OwnershipControls",
                json!({ "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] }),
            );
        }
        "aws_secretsmanager_secret" => default(body, "RotationEnabled", false.into()),
        "aws_iam_role" => {
            default(body, "RolePolicyList", json!([]));
            default(body, "AttachedManagedPolicies", json!([]));
        }
        "aws_iam_user" => {
            default(body, "UserPolicyList", json!([]));
            default(body, "AttachedManagedPolicies", json!([]));
            default(body, "GroupList", json!([]));
        }
        "aws_lb" | "aws_alb" => default(body, "Listeners", json!([])),
        _ => {}
    }
}

fn default(body: &mut Body, key: &str, value: Value) {
    if !body.unknown.contains(key) {
        body.keys.entry(key.to_owned()).or_insert(value);
    }
}

/// Of what a plan makes, one knows that it has no such thing unless the plan says so.
fn absent(planned: &Planned, body: &mut Body, keys: &[&str]) {
    for key in keys.iter().filter(|_| planned.created) {
        default(body, key, Value::Null);
    }
}

fn value<'a>(planned: &'a Planned, key: &str) -> &'a Value {
    planned.values.get(key).unwrap_or(&Value::Null)
}

/// A document of an argument; unknown where it is known later or is none.
fn document_of(planned: &Planned, argument: &str, key: &str, body: &mut Body) {
    match policy(value(planned, argument)) {
        Some(Ok(document)) if !planned.is_unknown(argument) => {
            drop(body.keys.insert(key.to_owned(), document))
        }
        _ => body.hide(key),
    }
}

fn document(planned: &Planned, body: &mut Body) {
    document_of(planned, "policy", "Policy", body);
}

fn lifecycle(planned: &Planned, body: &mut Body) {
    document_of(planned, "policy", "LifecyclePolicy", body);
}

fn public_access(planned: &Planned, body: &mut Body) {
    let names = [
        ("block_public_acls", "BlockPublicAcls"),
        ("ignore_public_acls", "IgnorePublicAcls"),
        ("block_public_policy", "BlockPublicPolicy"),
        ("restrict_public_buckets", "RestrictPublicBuckets"),
    ];
    for (argument, key) in names {
        if planned.is_unknown(argument) {
            return body.hide("PublicAccessBlock");
        }
        body.set(&format!("PublicAccessBlock.{key}"), (value(planned, argument) == true).into());
    }
}

fn versioning(planned: &Planned, body: &mut Body) {
    if planned.is_unknown("versioning_configuration") {
        return body.hide("Versioning");
    }
    let Some(block) = first(value(planned, "versioning_configuration")) else { return };
    // `Disabled` is what Terraform calls a bucket that never had it.
    if let Some(status) = block.get("status").and_then(Value::as_str).filter(|status| *status != "Disabled") {
        body.set("Versioning.Status", status.into());
    }
    if let Some(delete) = block.get("mfa_delete").and_then(Value::as_str) {
        body.set("Versioning.MFADelete", delete.into());
    }
}

fn encryption(planned: &Planned, body: &mut Body) {
    if planned.is_unknown("rule") {
        return body.hide("Encryption");
    }
    let rule = |rule: &Value| {
        let default = rule.get("apply_server_side_encryption_by_default").and_then(first)?;
        let mut apply = json!({ "SSEAlgorithm": default.get("sse_algorithm") });
        if let (Some(key), Some(apply)) =
            (default.get("kms_master_key_id").filter(|key| key.is_string()), apply.as_object_mut())
        {
            apply.insert("KMSMasterKeyID".to_owned(), key.clone());
        }
        let bucket_key = rule.get("bucket_key_enabled") == Some(&Value::Bool(true));
        Some(json!({ "ApplyServerSideEncryptionByDefault": apply, "BucketKeyEnabled": bucket_key }))
    };
    let rules: Vec<Value> =
        value(planned, "rule").as_array().into_iter().flatten().filter_map(rule).collect();
    body.set("Encryption.Rules", rules.into());
}

fn logging(planned: &Planned, body: &mut Body) {
    body.set("Logging.TargetPrefix", value(planned, "target_prefix").clone());
    if let Some(bucket) = planned.text("target_bucket") {
        body.set("Logging.TargetBucket", bucket.into());
    }
}

fn ownership(planned: &Planned, body: &mut Body) {
    if let Some(rule) = first(value(planned, "rule")) {
        body.set("OwnershipControls.Rules", json!([{ "ObjectOwnership": rule.get("object_ownership") }]));
    }
}

/// Grants of the canned lists that reach beyond the account; others need accounts that only AWS knows.
fn acl(planned: &Planned, body: &mut Body) {
    let group =
        |name: &str| json!({ "Type": "Group", "URI": format!("http://acs.amazonaws.com/groups/{name}") });
    let grant = |name: &str, permission: &str| json!({ "Grantee": group(name), "Permission": permission });
    let grants = match planned.text("acl") {
        Some("private") => vec![],
        Some("public-read") => vec![grant("global/AllUsers", "READ")],
        Some("public-read-write") => {
            vec![grant("global/AllUsers", "READ"), grant("global/AllUsers", "WRITE")]
        }
        Some("authenticated-read") => vec![grant("global/AuthenticatedUsers", "READ")],
        Some("log-delivery-write") => vec![grant("s3/LogDelivery", "WRITE")],
        _ => return body.hide("Acl"),
    };
    body.set("Acl.Grants", grants.into());
}

fn ranges(values: &Value, key: &str) -> Value {
    values.as_array().into_iter().flatten().map(|range| json!({ key: range })).collect::<Vec<_>>().into()
}

/// A rule in the form of `ingress` blocks and of `aws_security_group_rule`.
fn permission_of(block: &Value) -> Value {
    let part = |key: &str| block.get(key).unwrap_or(&Value::Null);
    let groups = part("security_groups").as_array().cloned().unwrap_or_default();
    let source = part("source_security_group_id").clone();
    let groups = groups.into_iter().chain([source].into_iter().filter(Value::is_string));
    let groups: Vec<Value> = groups.map(|group| json!({ "GroupId": group })).collect();
    ports(
        part("protocol"),
        part("from_port"),
        part("to_port"),
        json!({
            "IpRanges": ranges(part("cidr_blocks"), "CidrIp"),
            "Ipv6Ranges": ranges(part("ipv6_cidr_blocks"), "CidrIpv6"),
            "PrefixListIds": ranges(part("prefix_list_ids"), "PrefixListId"),
            "UserIdGroupPairs": groups,
        }),
    )
}

/// All protocols have no ports.
fn ports(protocol: &Value, from: &Value, to: &Value, mut permission: Value) -> Value {
    let protocol = match protocol.as_str() {
        Some("all") | None => "-1",
        Some(protocol) => protocol,
    };
    if let Some(permission) = permission.as_object_mut() {
        permission.insert("IpProtocol".to_owned(), protocol.into());
        if protocol != "-1" {
            permission.insert("FromPort".to_owned(), from.clone());
            permission.insert("ToPort".to_owned(), to.clone());
        }
    }
    permission
}

fn inline_rules(planned: &Planned, body: &mut Body) {
    for (argument, key) in [("ingress", INGRESS), ("egress", EGRESS)] {
        if planned.unknown.get(argument) == Some(&Value::Bool(true)) {
            // Optional and computed: without blocks it is what the rules of their own say, which are in the plan as well.
            if !planned.created || planned.references.contains_key(argument) {
                body.hide(key);
            }
            continue;
        }
        for block in value(planned, argument).as_array().into_iter().flatten() {
            body.push(key, permission_of(block));
        }
    }
}

fn rule(planned: &Planned, body: &mut Body) {
    let key = if planned.text("type") == Some("egress") { EGRESS } else { INGRESS };
    body.push(key, permission_of(&Value::Object(planned.values.clone())));
}

/// A rule of the newer types, which have one range each.
fn one_rule(planned: &Planned, key: &str, body: &mut Body) {
    let one = |argument: &str, key: &str| match value(planned, argument) {
        Value::String(range) => json!([{ key: range }]),
        _ => json!([]),
    };
    let permission = json!({
        "IpRanges": one("cidr_ipv4", "CidrIp"),
        "Ipv6Ranges": one("cidr_ipv6", "CidrIpv6"),
        "PrefixListIds": one("prefix_list_id", "PrefixListId"),
        "UserIdGroupPairs": one("referenced_security_group_id", "GroupId"),
    });
    let protocol = value(planned, "ip_protocol");
    body.push(key, ports(protocol, value(planned, "from_port"), value(planned, "to_port"), permission));
}

fn ingress_rule(planned: &Planned, body: &mut Body) {
    one_rule(planned, INGRESS, body);
}

fn egress_rule(planned: &Planned, body: &mut Body) {
    one_rule(planned, EGRESS, body);
}

/// An inline policy. The rest of the list stays known where one document is not.
fn inline(planned: &Planned, key: &str, body: &mut Body) {
    match policy(value(planned, "policy")) {
        Some(Ok(document)) if !planned.is_unknown("policy") => {
            body.push(key, json!({ "PolicyName": value(planned, "name"), "PolicyDocument": document }));
        }
        _ => body.hide(key),
    }
}

fn role_policy(planned: &Planned, body: &mut Body) {
    inline(planned, "RolePolicyList", body);
}

fn user_policy(planned: &Planned, body: &mut Body) {
    inline(planned, "UserPolicyList", body);
}

fn group_policy(planned: &Planned, body: &mut Body) {
    inline(planned, "GroupPolicyList", body);
}

fn attachment(planned: &Planned, body: &mut Body) {
    match attached(value(planned, "policy_arn")) {
        Some(policy) => body.push("AttachedManagedPolicies", policy),
        None => body.hide("AttachedManagedPolicies"),
    }
}

fn rotation(_: &Planned, body: &mut Body) {
    body.set("RotationEnabled", true.into());
}

fn url(planned: &Planned, body: &mut Body) {
    body.set("UrlConfig.AuthType", value(planned, "authorization_type").clone());
    if let Some(cors) = first(value(planned, "cors")) {
        body.set("UrlConfig.Cors.AllowOrigins", cors.get("allow_origins").cloned().unwrap_or_default());
    }
}

fn permission(planned: &Planned, body: &mut Body) {
    let principal = match planned.text("principal") {
        Some("*") => json!("*"),
        Some(service) if service.contains(".amazonaws.com") => json!({ "Service": service }),
        Some(account) => json!({ "AWS": account }),
        None => return body.hide("Policy"),
    };
    let mut statement = json!({ "Effect": "Allow", "Action": value(planned, "action"), "Principal": principal, "Sid": value(planned, "statement_id") });
    let arn = planned.text("source_arn").map(|arn| json!({ "ArnLike": { "AWS:SourceArn": arn } }));
    // That there is a condition counts even where its value is known later.
    let arn = arn.or_else(|| {
        planned
            .is_unknown("source_arn")
            .then(|| json!({ "ArnLike": { "AWS:SourceArn": "known after apply" } }))
    });
    let account = planned
        .text("source_account")
        .map(|account| json!({ "StringEquals": { "AWS:SourceAccount": account } }));
    if let (Some(condition), Some(statement)) = (arn.or(account), statement.as_object_mut()) {
        statement.insert("Condition".to_owned(), condition);
    }
    if body.unknown.contains("Policy") {
        return;
    }
    let policy = body
        .keys
        .entry("Policy".to_owned())
        .or_insert_with(|| json!({ "Version": "2012-10-17", "Statement": [] }));
    if let Some(statements) = policy.get_mut("Statement").and_then(Value::as_array_mut) {
        statements.push(statement);
    }
}

fn listener(planned: &Planned, body: &mut Body) {
    let action = |block: &Value| {
        let mut action = json!({ "Type": block.get("type") });
        if let (Some(redirect), Some(action)) =
            (block.get("redirect").and_then(first), action.as_object_mut())
        {
            let redirect = json!({ "Protocol": redirect.get("protocol"), "Port": redirect.get("port"), "StatusCode": redirect.get("status_code") });
            action.insert("RedirectConfig".to_owned(), redirect);
        }
        action
    };
    let actions: Vec<Value> =
        value(planned, "default_action").as_array().into_iter().flatten().map(action).collect();
    let mut listener = json!({ "Port": value(planned, "port"), "Protocol": value(planned, "protocol"), "DefaultActions": actions });
    if let Some(listener) = listener.as_object_mut() {
        for (argument, key) in [("ssl_policy", "SslPolicy"), ("arn", "ListenerArn")] {
            if let Some(text) = planned.text(argument) {
                listener.insert(key.to_owned(), text.into());
            }
        }
        if let Some(arn) = planned.text("certificate_arn") {
            listener.insert("Certificates".to_owned(), json!([{ "CertificateArn": arn }]));
        }
    }
    body.push("Listeners", listener);
}

fn redshift_logging(planned: &Planned, body: &mut Body) {
    body.set("Logging.LoggingEnabled", true.into());
    if let Some(bucket) = planned.text("bucket_name") {
        body.set("Logging.BucketName", bucket.into());
    }
}
