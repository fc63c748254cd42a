//! Plans to resources.

use model::GapCode;
use serde_json::{Value, json};

use crate::tests::{body, find, sources};
use crate::{Origin, Sources};

const AWS: &str = "registry.terraform.io/hashicorp/aws";

/// A resource as it stands in planned values.
fn resource(address: &str, values: Value) -> Value {
    let local = address.rsplit("module.").next().unwrap_or(address);
    let local = if address.starts_with("module.") { local.split_once('.').unwrap().1 } else { local };
    let (kind, name) = local.split_once('.').unwrap();
    let (name, index) = match name.split_once('[') {
        Some((name, index)) => (name, serde_json::from_str(index.trim_end_matches(']')).unwrap()),
        None => (name, Value::Null),
    };
    json!({ "address": address, "mode": "managed", "type": kind, "name": name, "index": index, "provider_name": AWS, "values": values })
}

fn created(address: &str, unknown: Value) -> Value {
    json!({ "address": address, "change": { "actions": ["create"], "after_unknown": unknown } })
}

fn plan(resources: &[Value], changes: &[Value], configured: &[(&str, Value)]) -> Value {
    let configured: Vec<Value> = configured
        .iter()
        .map(|(address, expressions)| json!({ "address": address, "expressions": expressions }))
        .collect();
    json!({
        "format_version": "1.2", "terraform_version": "1.11.4",
        "planned_values": { "root_module": { "resources": resources } },
        "resource_changes": changes,
        "configuration": {
            "provider_config": { "aws": { "expressions": { "region": { "constant_value": "eu-west-1" } } } },
            "root_module": { "resources": configured },
        },
    })
}

fn planned(plan: &Value) -> Sources {
    sources(&[("plan.json", &plan.to_string())])
}

fn document(resource_value: Value) -> Value {
    let address = resource_value["address"].as_str().unwrap().to_owned();
    let read = planned(&plan(&[resource_value], &[created(&address, json!({}))], &[]));
    body(find(&read, &address))
}

#[test]
fn what_terraform_keeps_apart_is_joined_by_name_and_by_reference() {
    let resources = [
        resource("aws_s3_bucket.a", json!({ "bucket": "a-bucket", "tags": { "k": "v" } })),
        resource("aws_s3_bucket.b[0]", json!({})),
        resource("aws_s3_bucket.b[1]", json!({})),
        resource(
            "aws_s3_bucket_policy.a",
            json!({ "bucket": "a-bucket", "policy": "{\"Statement\":[{\"Principal\":\"*\"}]}" }),
        ),
        resource(
            "aws_s3_bucket_versioning.b[1]",
            json!({ "versioning_configuration": [{ "status": "Enabled" }] }),
        ),
        resource("aws_s3_bucket_logging.b", json!({ "target_bucket": "logs" })),
        resource(
            "aws_s3_bucket_public_access_block.a",
            json!({ "bucket": "a-bucket", "block_public_acls": true, "block_public_policy": false, "ignore_public_acls": true, "restrict_public_buckets": null }),
        ),
        resource("aws_s3_bucket_policy.elsewhere", json!({ "bucket": "other", "policy": "{}" })),
    ];
    let reference = json!({ "bucket": { "references": ["aws_s3_bucket.b[0].id", "aws_s3_bucket.b[0]", "aws_s3_bucket.b"] } });
    let unknown = json!({ "bucket": true, "arn": true });
    let changes = [
        created("aws_s3_bucket.a", json!({ "arn": true })),
        created("aws_s3_bucket.b[0]", unknown.clone()),
        created("aws_s3_bucket.b[1]", unknown.clone()),
        created("aws_s3_bucket_versioning.b[1]", unknown.clone()),
        created("aws_s3_bucket_logging.b", unknown),
    ];
    let configured =
        [("aws_s3_bucket_versioning.b", reference.clone()), ("aws_s3_bucket_logging.b", reference)];
    let read = planned(&plan(&resources, &changes, &configured));
    let a = body(find(&read, "aws_s3_bucket.a"));
    assert_eq!(a["Policy"]["Statement"][0]["Principal"], "*");
    assert_eq!(
        a["PublicAccessBlock"],
        json!({ "BlockPublicAcls": true, "BlockPublicPolicy": false, "IgnorePublicAcls": true, "RestrictPublicBuckets": false })
    );
    assert_eq!(
        (&a["Name"], &a["Region"], &a["Versioning"], &a["Logging"]),
        (&json!("a-bucket"), &json!("eu-west-1"), &json!({}), &Value::Null)
    );
    assert_eq!(a["Tags"], json!([{ "Key": "k", "Value": "v" }]));
    let (zero, one) = (body(find(&read, "aws_s3_bucket.b[0]")), body(find(&read, "aws_s3_bucket.b[1]")));
    assert_eq!((&zero["Versioning"], &one["Versioning"]), (&json!({}), &json!({ "Status": "Enabled" })));
    // Which of the two is logged is not known.
    assert_eq!(
        (&zero["Unknown"], &one["Unknown"]),
        (&json!(["Logging", "Name"]), &json!(["Logging", "Name"]))
    );
    assert_eq!(a["Encryption"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256");
    let reasons: Vec<_> = read.gaps.iter().map(|gap| (gap.code, gap.reason.as_str())).collect();
    assert_eq!(reasons.len(), 1);
    assert!(
        reasons[0].0 == GapCode::NotCollected && reasons[0].1.contains("aws_s3_bucket_policy.elsewhere"),
        "{reasons:?}"
    );
}

#[test]
fn of_a_resource_that_is_there_already_only_what_the_plan_says_is_known() {
    let read = planned(&plan(
        &[resource("aws_s3_bucket.a", json!({ "bucket": "a", "arn": "arn:aws:s3:::a" }))],
        &[],
        &[],
    ));
    let bucket = find(&read, "aws_s3_bucket.a");
    assert_eq!((bucket.asset.as_str(), bucket.kind.as_str()), ("arn:aws:s3:::a", "aws:s3:bucket"));
    assert_eq!(body(bucket), json!({ "Name": "a", "Region": "eu-west-1", "Tags": [] }));
}

#[test]
fn security_groups_have_the_rules_of_every_form() {
    let resources = [
        resource(
            "aws_security_group.g",
            json!({ "name": "g", "ingress": [{ "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"], "security_groups": [] }], "egress": [] }),
        ),
        resource("aws_security_group.h", json!({ "name": "h" })),
        resource(
            "aws_security_group_rule.r",
            json!({ "type": "ingress", "protocol": "all", "from_port": 0, "to_port": 0, "ipv6_cidr_blocks": ["::/0"] }),
        ),
        resource(
            "aws_vpc_security_group_egress_rule.e",
            json!({ "ip_protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_ipv4": "10.0.0.0/8" }),
        ),
    ];
    let unknown = json!({ "id": true, "ingress": true, "egress": true });
    let to = |name: &str| json!({ "security_group_id": { "references": [format!("{name}.id"), name] } });
    let rule = json!({ "security_group_id": true });
    let changes = [
        created("aws_security_group.g", json!({ "id": true })),
        created("aws_security_group.h", unknown),
        created("aws_security_group_rule.r", rule.clone()),
        created("aws_vpc_security_group_egress_rule.e", rule),
    ];
    let configured = [
        ("aws_security_group_rule.r", to("aws_security_group.h")),
        ("aws_vpc_security_group_egress_rule.e", to("aws_security_group.h")),
    ];
    let read = planned(&plan(&resources, &changes, &configured));
    let (g, h) = (body(find(&read, "aws_security_group.g")), body(find(&read, "aws_security_group.h")));
    let ssh = json!({ "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": [] });
    assert_eq!((&g["IpPermissions"], &g["IpPermissionsEgress"]), (&json!([ssh]), &json!([])));
    assert_eq!(
        h["IpPermissions"],
        json!([{ "IpProtocol": "-1", "IpRanges": [], "Ipv6Ranges": [{ "CidrIpv6": "::/0" }], "PrefixListIds": [], "UserIdGroupPairs": [] }])
    );
    assert_eq!(h["IpPermissionsEgress"][0]["IpRanges"], json!([{ "CidrIp": "10.0.0.0/8" }]));
    assert_eq!(h["Unknown"], json!(["GroupId"]));
}

#[test]
fn identities_have_their_policies_and_a_list_with_a_hole_is_unknown() {
    let trust =
        "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"sts:AssumeRole\"}}";
    let resources = [
        resource("aws_iam_role.r", json!({ "name": "r", "assume_role_policy": trust })),
        resource(
            "aws_iam_role_policy_attachment.a",
            json!({ "role": "r", "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess" }),
        ),
        resource(
            "aws_iam_role_policy.i",
            json!({ "role": "r", "name": "i", "policy": "{\"Statement\":[]}" }),
        ),
        resource("aws_iam_user.u", json!({ "name": "u" })),
        resource(
            "aws_iam_user_policy_attachment.one",
            json!({ "user": "u", "policy_arn": "arn:aws:iam::aws:policy/ReadOnlyAccess" }),
        ),
        resource("aws_iam_user_policy_attachment.two", json!({ "user": "u" })),
    ];
    let changes = [
        created("aws_iam_role.r", json!({ "inline_policy": true, "managed_policy_arns": true })),
        created("aws_iam_user.u", json!({})),
        created("aws_iam_user_policy_attachment.two", json!({ "policy_arn": true })),
    ];
    let read = planned(&plan(&resources, &changes, &[]));
    let role = body(find(&read, "aws_iam_role.r"));
    assert_eq!(role["AssumeRolePolicyDocument"]["Statement"]["Principal"]["AWS"], "*");
    assert_eq!(
        role["AttachedManagedPolicies"],
        json!([{ "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "PolicyName": "AdministratorAccess" }])
    );
    assert_eq!(
        (&role["RolePolicyList"][0]["PolicyName"], role.get("Unknown"), &role["Region"]),
        (&json!("i"), None, &json!("global"))
    );
    let user = body(find(&read, "aws_iam_user.u"));
    assert_eq!(
        (user.get("AttachedManagedPolicies"), &user["Unknown"]),
        (None, &json!(["AttachedManagedPolicies"]))
    );
}

#[test]
fn values_have_the_names_of_the_command_line_and_secrets_are_left_out() {
    let cases = [
        (
            resource("aws_db_instance.x", json!({ "storage_encrypted": null, "publicly_accessible": true })),
            json!({ "StorageEncrypted": false, "PubliclyAccessible": true, "BackupRetentionPeriod": 1, "EnabledCloudwatchLogsExports": [] }),
        ),
        (
            resource(
                "aws_instance.x",
                json!({ "metadata_options": [{ "http_tokens": "optional" }], "monitoring": true }),
            ),
            json!({ "MetadataOptions": { "HttpTokens": "optional", "HttpEndpoint": "enabled" }, "Monitoring": { "State": "enabled" } }),
        ),
        (
            resource(
                "aws_lambda_function.x",
                json!({ "environment": [{ "variables": { "PASSWORD": "hunter2" } }] }),
            ),
            json!({ "Environment": { "VariableNames": ["PASSWORD"] }, "Policy": null, "UrlConfig": null }),
        ),
        (
            resource(
                "aws_ecs_task_definition.x",
                json!({ "container_definitions": "[{\"name\":\"a\",\"environment\":[{\"name\":\"K\",\"value\":\"hunter2\"}]}]" }),
            ),
            json!({ "containerDefinitions": [{ "name": "a", "environment": [{ "name": "K" }] }] }),
        ),
        (
            resource("aws_eks_cluster.x", json!({ "vpc_config": [{ "endpoint_public_access": null }] })),
            json!({ "resourcesVpcConfig": { "endpointPublicAccess": true, "endpointPrivateAccess": false, "publicAccessCidrs": ["0.0.0.0/0"] }, "logging": { "clusterLogging": [] } }),
        ),
        (
            resource("aws_dynamodb_table.x", json!({ "point_in_time_recovery": [{ "enabled": true }] })),
            json!({ "ContinuousBackups": { "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "ENABLED" } } }),
        ),
        (
            resource("aws_kms_key.x", json!({ "enable_key_rotation": true, "policy": "not json" })),
            json!({ "Rotation": { "KeyRotationEnabled": true }, "KeyState": "Enabled", "KeyManager": "CUSTOMER", "Unknown": ["Policy"] }),
        ),
        (
            resource("aws_elasticache_replication_group.x", json!({ "auth_token": "hunter2" })),
            json!({ "AuthTokenEnabled": true, "AutomaticFailover": "disabled" }),
        ),
        (
            resource("aws_lb.x", json!({ "internal": false })),
            json!({ "Scheme": "internet-facing", "Listeners": [], "Attributes": { "access_logs.s3.enabled": "false" } }),
        ),
        (
            resource("aws_cloudwatch_log_group.x", json!({ "retention_in_days": 0 })),
            json!({ "retentionInDays": null }),
        ),
        (
            resource("aws_iam_account_password_policy.x", json!({ "minimum_password_length": 14 })),
            json!({ "PasswordPolicy": { "MinimumPasswordLength": 14, "RequireSymbols": false, "RequireNumbers": false, "RequireUppercaseCharacters": false, "RequireLowercaseCharacters": false, "AllowUsersToChangePassword": true } }),
        ),
        (resource("aws_redshift_cluster.x", json!({ "encrypted": "true" })), json!({ "Encrypted": true })),
    ];
    for (resource, wanted) in cases {
        let got = document(resource);
        assert!(!got.to_string().contains("hunter2"), "{got}");
        for (key, value) in wanted.as_object().unwrap() {
            assert_eq!(got.get(key).unwrap_or(&Value::Null), value, "{key} of {got}");
        }
    }
}

#[test]
fn no_type_is_named_twice_and_there_are_more_than_those_that_were_promised() {
    let names: Vec<&str> = crate::terraform_kinds::TYPES
        .iter()
        .map(|of| of.name)
        .chain(crate::terraform_parts::PARTS.iter().map(|of| of.name))
        .collect();
    let different: std::collections::BTreeSet<&&str> = names.iter().collect();
    assert_eq!(different.len(), names.len());
    assert!(names.len() >= 25);
    let parents = crate::terraform_parts::PARTS.iter().flat_map(|part| part.parents);
    assert!(
        parents.into_iter().all(|parent| crate::terraform_kinds::TYPES.iter().any(|of| of.name == *parent))
    );
}

#[test]
fn resources_lead_to_their_blocks_and_modules_to_their_folders() {
    let child = json!({ "address": "module.m[0]", "resources": [resource("module.m[0].aws_sns_topic.t", json!({ "name": "t" }))] });
    let mut plan = plan(
        &[
            resource("aws_sns_topic.t", json!({})),
            resource("aws_sqs_queue.q", json!({})),
            resource("google_x.y", json!({})),
        ],
        &[],
        &[],
    );
    plan["planned_values"]["root_module"]["child_modules"] = json!([child]);
    plan["configuration"]["root_module"]["module_calls"] =
        json!({ "m": { "source": "./modules/m", "module": { "resources": [] } } });
    let read = sources(&[
        ("infra/plan.json", &serde_json::to_string_pretty(&plan).unwrap()),
        ("infra/main.tf", "# topics\nresource \"aws_sns_topic\" \"t\" {\n}\n"),
        ("infra/modules/m/main.tf", "\n\n\nresource \"aws_sns_topic\" \"t\" {\n}\n"),
    ]);
    let place = |path: &str| {
        let document = find(&read, path);
        (document.file.as_str(), document.lines.first())
    };
    assert_eq!(place("aws_sns_topic.t"), ("infra/main.tf", 2));
    assert_eq!(place("module.m[0].aws_sns_topic.t"), ("infra/modules/m/main.tf", 4));
    let queue = find(&read, "aws_sqs_queue.q");
    assert!(queue.file == "infra/plan.json" && queue.lines.first() > 1);
    assert_eq!(
        queue.origin,
        Origin::Planned { plan: "infra/plan.json".to_owned(), address: "aws_sqs_queue.q".to_owned() }
    );
    let gaps: Vec<_> = read.gaps.iter().map(|gap| (gap.code, gap.reason.as_str())).collect();
    assert!(
        matches!(gaps.as_slice(), [(GapCode::Unsupported, reason)] if reason.contains("google_x (1)")),
        "{gaps:?}"
    );
}

#[test]
fn what_only_looks_like_a_plan_is_none_and_a_broken_one_is_a_gap() {
    let head = "{\"format_version\":\"1.0\",\"terraform_version\":\"1.0.0\"";
    let read = sources(&[
        ("state.json", &format!("{head},\"values\":{{}}}}")),
        ("cut.json", &format!("{head},\"planned_values\":{{")),
    ]);
    assert!(read.documents.is_empty());
    let gaps: Vec<_> = read.gaps.iter().map(|gap| (gap.code, gap.subject.as_str())).collect();
    assert_eq!(gaps, [(GapCode::ParseError, "cut.json")]);
}
