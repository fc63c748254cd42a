//! Types of resources that become a body of their own: kind, and which argument is which key. Defaults are those of AWS where the
//! provider leaves an argument out.

use serde_json::{Value, json};

use crate::terraform_fields::Field;
use crate::terraform_fields::How::{Block, Blocks, Bool, By, Copy, Number, Policy, Tags, Text};

/// A type of the provider.
pub(crate) struct Type {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) fields: &'static [Field],
}

const fn of(name: &'static str, kind: &'static str, fields: &'static [Field]) -> Type {
    Type { name, kind, fields }
}

/// Every type.
pub(crate) const TYPES: &[Type] = &[
    of("aws_s3_bucket", "aws:s3:bucket", &[Field("bucket", "Name", Copy), TAGS]),
    of(
        "aws_s3_account_public_access_block",
        "aws:s3:account",
        &[
            Field("account_id", "Account", Copy),
            Field("block_public_acls", "PublicAccessBlock.BlockPublicAcls", Bool(false)),
            Field("ignore_public_acls", "PublicAccessBlock.IgnorePublicAcls", Bool(false)),
            Field("block_public_policy", "PublicAccessBlock.BlockPublicPolicy", Bool(false)),
            Field("restrict_public_buckets", "PublicAccessBlock.RestrictPublicBuckets", Bool(false)),
        ],
    ),
    of(
        "aws_ebs_volume",
        "aws:ec2:volume",
        &[
            Field("encrypted", "Encrypted", Bool(false)),
            Field("kms_key_id", "KmsKeyId", Copy),
            Field("snapshot_id", "SnapshotId", Copy),
            TAGS,
        ],
    ),
    of(
        "aws_ebs_encryption_by_default",
        "aws:account:region",
        &[Field("enabled", "EbsEncryptionByDefault", Bool(true))],
    ),
    of(
        "aws_instance",
        "aws:ec2:instance",
        &[
            Field("ami", "ImageId", Copy),
            Field("subnet_id", "SubnetId", Copy),
            Field("metadata_options", "MetadataOptions", Block(METADATA)),
            Field("monitoring", "Monitoring.State", By(monitoring)),
            Field("vpc_security_group_ids", "SecurityGroups", By(groups)),
            Field("public_ip", "PublicIpAddress", Copy),
            TAGS,
        ],
    ),
    of(
        "aws_security_group",
        "aws:ec2:security-group",
        &[
            Field("name", "GroupName", Copy),
            Field("id", "GroupId", Copy),
            Field("vpc_id", "VpcId", Copy),
            TAGS,
        ],
    ),
    of("aws_vpc", "aws:ec2:vpc", &[Field("cidr_block", "CidrBlock", Copy), Field("id", "VpcId", Copy), TAGS]),
    of(
        "aws_subnet",
        "aws:ec2:subnet",
        &[
            Field("cidr_block", "CidrBlock", Copy),
            Field("vpc_id", "VpcId", Copy),
            Field("map_public_ip_on_launch", "MapPublicIpOnLaunch", Bool(false)),
            TAGS,
        ],
    ),
    of("aws_lb", "aws:elbv2:load-balancer", BALANCER),
    of("aws_alb", "aws:elbv2:load-balancer", BALANCER),
    of(
        "aws_iam_role",
        "aws:iam:role",
        &[
            Field("name", "RoleName", Copy),
            Field("path", "Path", Text("/")),
            Field("assume_role_policy", "AssumeRolePolicyDocument", Policy),
            Field("permissions_boundary", "PermissionsBoundary.PermissionsBoundaryArn", Copy),
            Field("inline_policy", "RolePolicyList", By(inline)),
            Field("managed_policy_arns", "AttachedManagedPolicies", By(managed)),
            TAGS,
        ],
    ),
    of(
        "aws_iam_user",
        "aws:iam:user",
        &[
            Field("name", "UserName", Copy),
            Field("path", "Path", Text("/")),
            Field("permissions_boundary", "PermissionsBoundary.PermissionsBoundaryArn", Copy),
            TAGS,
        ],
    ),
    of(
        "aws_iam_group",
        "aws:iam:group",
        &[Field("name", "GroupName", Copy), Field("path", "Path", Text("/"))],
    ),
    of(
        "aws_iam_policy",
        "aws:iam:policy",
        &[
            Field("name", "PolicyName", Copy),
            Field("path", "Path", Text("/")),
            Field("policy", "Document", Policy),
            TAGS,
        ],
    ),
    of("aws_iam_account_password_policy", "aws:iam:account", PASSWORDS),
    of(
        "aws_db_instance",
        "aws:rds:db-instance",
        &[
            Field("identifier", "DBInstanceIdentifier", Copy),
            Field("publicly_accessible", "PubliclyAccessible", Bool(false)),
            Field("storage_encrypted", "StorageEncrypted", Bool(false)),
            Field("multi_az", "MultiAZ", Bool(false)),
            Field("auto_minor_version_upgrade", "AutoMinorVersionUpgrade", Bool(true)),
            Field("backup_retention_period", "BackupRetentionPeriod", Number(1)),
            DATABASE_ENGINE,
            DATABASE_VERSION,
            DATABASE_KEY,
            DATABASE_DELETION,
            DATABASE_IAM,
            DATABASE_CA,
            DATABASE_LOGS,
            TAGS,
        ],
    ),
    of(
        "aws_rds_cluster",
        "aws:rds:db-cluster",
        &[
            Field("cluster_identifier", "DBClusterIdentifier", Copy),
            Field("storage_encrypted", "StorageEncrypted", Bool(false)),
            Field("backup_retention_period", "BackupRetentionPeriod", Number(1)),
            DATABASE_ENGINE,
            DATABASE_VERSION,
            DATABASE_KEY,
            DATABASE_DELETION,
            DATABASE_IAM,
            DATABASE_LOGS,
            TAGS,
        ],
    ),
    of(
        "aws_db_parameter_group",
        "aws:rds:db-parameter-group",
        &[
            Field("name", "DBParameterGroupName", Copy),
            Field("family", "DBParameterGroupFamily", Copy),
            Field("parameter", "Parameters", By(parameters)),
        ],
    ),
    of(
        "aws_dynamodb_table",
        "aws:dynamodb:table",
        &[
            Field("name", "TableName", Copy),
            Field("deletion_protection_enabled", "DeletionProtectionEnabled", Bool(false)),
            Field("server_side_encryption", "SSEDescription", By(table_encryption)),
            Field("point_in_time_recovery", "ContinuousBackups", By(recovery)),
            TAGS,
        ],
    ),
    of(
        "aws_kms_key",
        "aws:kms:key",
        &[
            Field("key_id", "KeyId", Copy),
            Field("key_usage", "KeyUsage", Text("ENCRYPT_DECRYPT")),
            Field("customer_master_key_spec", "KeySpec", Text("SYMMETRIC_DEFAULT")),
            Field("multi_region", "MultiRegion", Bool(false)),
            Field("is_enabled", "KeyState", By(key_state)),
            Field("enable_key_rotation", "Rotation.KeyRotationEnabled", Bool(false)),
            Field("policy", "Policy", Policy),
            Field("type", "KeyManager", Text("CUSTOMER")),
            TAGS,
        ],
    ),
    of(
        "aws_secretsmanager_secret",
        "aws:secretsmanager:secret",
        &[
            Field("name", "Name", Copy),
            Field("kms_key_id", "KmsKeyId", Copy),
            Field("policy", "Policy", Policy),
            TAGS,
        ],
    ),
    of(
        "aws_ssm_parameter",
        "aws:ssm:parameter",
        &[
            Field("name", "Name", Copy),
            Field("type", "Type", Copy),
            Field("key_id", "KeyId", Copy),
            Field("tier", "Tier", Text("Standard")),
        ],
    ),
    of(
        "aws_sqs_queue",
        "aws:sqs:queue",
        &[
            Field("url", "QueueUrl", Copy),
            Field("kms_master_key_id", "Attributes.KmsMasterKeyId", Copy),
            Field("sqs_managed_sse_enabled", "Attributes.SqsManagedSseEnabled", By(word)),
            Field("redrive_policy", "Attributes.RedrivePolicy", Copy),
            Field("policy", "Policy", Policy),
            TAGS,
        ],
    ),
    of(
        "aws_sns_topic",
        "aws:sns:topic",
        &[
            Field("arn", "TopicArn", Copy),
            Field("kms_master_key_id", "Attributes.KmsMasterKeyId", Copy),
            Field("policy", "Policy", Policy),
            TAGS,
        ],
    ),
    of(
        "aws_lambda_function",
        "aws:lambda:function",
        &[
            Field("function_name", "FunctionName", Copy),
            Field("runtime", "Runtime", Copy),
            Field("role", "Role", Copy),
            Field("handler", "Handler", Copy),
            Field("package_type", "PackageType", Text("Zip")),
            Field("kms_key_arn", "KMSKeyArn", Copy),
            Field("tracing_config", "TracingConfig", Block(&[Field("mode", "Mode", Copy)])),
            Field(
                "vpc_config",
                "VpcConfig",
                Block(&[
                    Field("subnet_ids", "SubnetIds", Copy),
                    Field("security_group_ids", "SecurityGroupIds", Copy),
                ]),
            ),
            Field("environment", "Environment", By(variables)),
            TAGS,
        ],
    ),
    of(
        "aws_ecr_repository",
        "aws:ecr:repository",
        &[
            Field("name", "repositoryName", Copy),
            Field("image_tag_mutability", "imageTagMutability", Text("MUTABLE")),
            Field("image_scanning_configuration", "imageScanningConfiguration", By(scanning)),
            Field(
                "encryption_configuration",
                "encryptionConfiguration",
                Block(&[
                    Field("encryption_type", "encryptionType", Text("AES256")),
                    Field("kms_key", "kmsKey", Copy),
                ]),
            ),
            TAGS,
        ],
    ),
    of(
        "aws_ecs_cluster",
        "aws:ecs:cluster",
        &[
            Field("name", "clusterName", Copy),
            Field(
                "setting",
                "settings",
                Blocks(&[Field("name", "name", Copy), Field("value", "value", Copy)]),
            ),
        ],
    ),
    of(
        "aws_ecs_task_definition",
        "aws:ecs:task-definition",
        &[
            Field("family", "family", Copy),
            Field("network_mode", "networkMode", Copy),
            Field("pid_mode", "pidMode", Copy),
            Field("ipc_mode", "ipcMode", Copy),
            Field("task_role_arn", "taskRoleArn", Copy),
            Field("execution_role_arn", "executionRoleArn", Copy),
            Field("container_definitions", "containerDefinitions", By(containers)),
        ],
    ),
    of(
        "aws_eks_cluster",
        "aws:eks:cluster",
        &[
            Field("name", "name", Copy),
            Field("version", "version", Copy),
            Field("role_arn", "roleArn", Copy),
            Field("vpc_config", "resourcesVpcConfig", Block(EKS_NETWORK)),
            Field("enabled_cluster_log_types", "logging.clusterLogging", By(cluster_logging)),
            Field("encryption_config", "encryptionConfig", Blocks(&[Field("resources", "resources", Copy)])),
            TAGS,
        ],
    ),
    of(
        "aws_eks_node_group",
        "aws:eks:nodegroup",
        &[
            Field("node_group_name", "nodegroupName", Copy),
            Field("cluster_name", "clusterName", Copy),
            Field("version", "version", Copy),
            Field("ami_type", "amiType", Copy),
            Field("node_role_arn", "nodeRole", Copy),
            Field("subnet_ids", "subnets", Copy),
            Field(
                "remote_access",
                "remoteAccess",
                Block(&[
                    Field("ec2_ssh_key", "ec2SshKey", Copy),
                    Field("source_security_group_ids", "sourceSecurityGroups", Copy),
                ]),
            ),
        ],
    ),
    of(
        "aws_cloudtrail",
        "aws:cloudtrail:trail",
        &[
            Field("name", "Name", Copy),
            Field("s3_bucket_name", "S3BucketName", Copy),
            Field("is_multi_region_trail", "IsMultiRegionTrail", Bool(false)),
            Field("include_global_service_events", "IncludeGlobalServiceEvents", Bool(true)),
            Field("enable_log_file_validation", "LogFileValidationEnabled", Bool(false)),
            Field("kms_key_id", "KmsKeyId", Copy),
            Field("cloud_watch_logs_group_arn", "CloudWatchLogsLogGroupArn", Copy),
            Field("is_organization_trail", "IsOrganizationTrail", Bool(false)),
            Field("enable_logging", "Status.IsLogging", Bool(true)),
        ],
    ),
    of(
        "aws_cloudwatch_log_group",
        "aws:logs:log-group",
        &[
            Field("name", "logGroupName", Copy),
            Field("retention_in_days", "retentionInDays", By(days)),
            Field("kms_key_id", "kmsKeyId", Copy),
        ],
    ),
    of(
        "aws_efs_file_system",
        "aws:efs:file-system",
        &[Field("encrypted", "Encrypted", Bool(false)), Field("kms_key_id", "KmsKeyId", Copy), TAGS],
    ),
    of(
        "aws_elasticache_replication_group",
        "aws:elasticache:replication-group",
        &[
            Field("replication_group_id", "ReplicationGroupId", Copy),
            Field("transit_encryption_enabled", "TransitEncryptionEnabled", Bool(false)),
            Field("at_rest_encryption_enabled", "AtRestEncryptionEnabled", Bool(false)),
            Field("auth_token", "AuthTokenEnabled", By(is_set)),
            Field("user_group_ids", "UserGroupIds", Copy),
            Field("automatic_failover_enabled", "AutomaticFailover", By(enabled)),
            Field("snapshot_retention_limit", "SnapshotRetentionLimit", Number(0)),
        ],
    ),
    of(
        "aws_elasticache_cluster",
        "aws:elasticache:cache-cluster",
        &[
            Field("cluster_id", "CacheClusterId", Copy),
            Field("engine", "Engine", Copy),
            Field("engine_version", "EngineVersion", Copy),
            Field("replication_group_id", "ReplicationGroupId", Copy),
            Field("transit_encryption_enabled", "TransitEncryptionEnabled", Bool(false)),
        ],
    ),
    of(
        "aws_redshift_cluster",
        "aws:redshift:cluster",
        &[
            Field("cluster_identifier", "ClusterIdentifier", Copy),
            Field("publicly_accessible", "PubliclyAccessible", Bool(false)),
            Field("encrypted", "Encrypted", By(truth)),
            Field("kms_key_id", "KmsKeyId", Copy),
            Field("automated_snapshot_retention_period", "AutomatedSnapshotRetentionPeriod", Number(1)),
            Field("enhanced_vpc_routing", "EnhancedVpcRouting", Bool(false)),
            Field("allow_version_upgrade", "AllowVersionUpgrade", Bool(true)),
            TAGS,
        ],
    ),
    of("aws_opensearch_domain", "aws:opensearch:domain", SEARCH),
    of("aws_elasticsearch_domain", "aws:opensearch:domain", SEARCH),
];

const TAGS: Field = Field("tags", "Tags", Tags);
const DATABASE_ENGINE: Field = Field("engine", "Engine", Copy);
const DATABASE_VERSION: Field = Field("engine_version", "EngineVersion", Copy);
const DATABASE_KEY: Field = Field("kms_key_id", "KmsKeyId", Copy);
const DATABASE_DELETION: Field = Field("deletion_protection", "DeletionProtection", Bool(false));
const DATABASE_IAM: Field =
    Field("iam_database_authentication_enabled", "IAMDatabaseAuthenticationEnabled", Bool(false));
const DATABASE_CA: Field = Field("ca_cert_identifier", "CACertificateIdentifier", Copy);
const DATABASE_LOGS: Field =
    Field("enabled_cloudwatch_logs_exports", "EnabledCloudwatchLogsExports", By(items));

const METADATA: &[Field] = &[
    Field("http_tokens", "HttpTokens", Copy),
    Field("http_endpoint", "HttpEndpoint", Text("enabled")),
    Field("http_put_response_hop_limit", "HttpPutResponseHopLimit", Copy),
];

const BALANCER: &[Field] = &[
    Field("name", "LoadBalancerName", Copy),
    Field("internal", "Scheme", By(scheme)),
    Field("load_balancer_type", "Type", Text("application")),
    Field("security_groups", "SecurityGroups", Copy),
    Field("vpc_id", "VpcId", Copy),
    Field("access_logs", "Attributes", By(access_logs)),
    TAGS,
];

const EKS_NETWORK: &[Field] = &[
    Field("endpoint_public_access", "endpointPublicAccess", Bool(true)),
    Field("endpoint_private_access", "endpointPrivateAccess", Bool(false)),
    Field("public_access_cidrs", "publicAccessCidrs", By(open)),
    Field("security_group_ids", "securityGroupIds", Copy),
    Field("subnet_ids", "subnetIds", Copy),
];

const PASSWORDS: &[Field] = &[
    Field("minimum_password_length", "PasswordPolicy.MinimumPasswordLength", Number(6)),
    Field("require_symbols", "PasswordPolicy.RequireSymbols", Bool(false)),
    Field("require_numbers", "PasswordPolicy.RequireNumbers", Bool(false)),
    Field("require_uppercase_characters", "PasswordPolicy.RequireUppercaseCharacters", Bool(false)),
    Field("require_lowercase_characters", "PasswordPolicy.RequireLowercaseCharacters", Bool(false)),
    Field("allow_users_to_change_password", "PasswordPolicy.AllowUsersToChangePassword", Bool(true)),
    Field("max_password_age", "PasswordPolicy.MaxPasswordAge", Copy),
    Field("password_reuse_prevention", "PasswordPolicy.PasswordReusePrevention", Copy),
];

const SEARCH: &[Field] = &[
    Field("domain_name", "DomainName", Copy),
    Field("engine_version", "EngineVersion", Copy),
    Field("access_policies", "AccessPolicies", Policy),
    Field("encrypt_at_rest", "EncryptionAtRestOptions.Enabled", By(block_enabled)),
    Field("node_to_node_encryption", "NodeToNodeEncryptionOptions.Enabled", By(block_enabled)),
    Field("advanced_security_options", "AdvancedSecurityOptions.Enabled", By(block_enabled)),
    Field(
        "domain_endpoint_options",
        "DomainEndpointOptions",
        Block(&[
            Field("enforce_https", "EnforceHTTPS", Bool(false)),
            Field("tls_security_policy", "TLSSecurityPolicy", Copy),
        ]),
    ),
    Field(
        "vpc_options",
        "VPCOptions",
        Block(&[
            Field("subnet_ids", "SubnetIds", Copy),
            Field("security_group_ids", "SecurityGroupIds", Copy),
        ]),
    ),
    TAGS,
];

/// A value in the only block of a list.
fn in_block<'a>(blocks: &'a Value, key: &str) -> &'a Value {
    blocks.pointer(&format!("/0/{key}")).unwrap_or(&Value::Null)
}

fn monitoring(value: &Value) -> Option<Value> {
    Some(if value == true { "enabled" } else { "disabled" }.into())
}

fn enabled(value: &Value) -> Option<Value> {
    monitoring(value)
}

fn key_state(value: &Value) -> Option<Value> {
    Some(if value == false { "Disabled" } else { "Enabled" }.into())
}

fn scheme(value: &Value) -> Option<Value> {
    Some(if value == true { "internal" } else { "internet-facing" }.into())
}

fn access_logs(blocks: &Value) -> Option<Value> {
    Some(
        json!({ "access_logs.s3.enabled": if in_block(blocks, "enabled") == true { "true" } else { "false" } }),
    )
}

fn groups(ids: &Value) -> Option<Value> {
    let ids = ids.as_array()?.iter().map(|id| json!({ "GroupId": id }));
    Some(ids.collect::<Vec<_>>().into())
}

fn items(value: &Value) -> Option<Value> {
    Some(if value.is_null() { json!([]) } else { value.clone() })
}

fn open(value: &Value) -> Option<Value> {
    Some(if value.as_array().is_none_or(Vec::is_empty) { json!(["0.0.0.0/0"]) } else { value.clone() })
}

fn word(value: &Value) -> Option<Value> {
    value.as_bool().map(|value| value.to_string().into())
}

/// The provider takes a truth as text for some arguments.
fn truth(value: &Value) -> Option<Value> {
    Some((value == true || value == "true").into())
}

fn is_set(value: &Value) -> Option<Value> {
    Some(value.as_str().is_some_and(|value| !value.is_empty()).into())
}

fn block_enabled(blocks: &Value) -> Option<Value> {
    Some((in_block(blocks, "enabled") == true).into())
}

fn scanning(blocks: &Value) -> Option<Value> {
    Some(json!({ "scanOnPush": in_block(blocks, "scan_on_push") == true }))
}

/// Zero stands for never.
fn days(value: &Value) -> Option<Value> {
    value.as_i64().filter(|days| *days > 0).map(Value::from)
}

fn cluster_logging(types: &Value) -> Option<Value> {
    Some(match types.as_array().filter(|types| !types.is_empty()) {
        Some(types) => json!([{ "types": types, "enabled": true }]),
        None => json!([]),
    })
}

/// Names only: values may be secrets.
fn variables(blocks: &Value) -> Option<Value> {
    let names = in_block(blocks, "variables").as_object()?.keys().collect::<Vec<_>>();
    Some(json!({ "VariableNames": names }))
}

fn table_encryption(blocks: &Value) -> Option<Value> {
    // Without the block the key is one that AWS owns, and AWS says nothing.
    let block = blocks.pointer("/0").filter(|block| block.get("enabled") == Some(&Value::Bool(true)))?;
    let mut description = json!({ "Status": "ENABLED", "SSEType": "KMS" });
    if let (Some(key), Some(description)) =
        (block.get("kms_key_arn").filter(|key| key.is_string()), description.as_object_mut())
    {
        description.insert("KMSMasterKeyArn".to_owned(), key.clone());
    }
    Some(description)
}

fn recovery(blocks: &Value) -> Option<Value> {
    let status = if in_block(blocks, "enabled") == true { "ENABLED" } else { "DISABLED" };
    Some(json!({ "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": status } }))
}

fn parameters(blocks: &Value) -> Option<Value> {
    let pair = |block: &Value| Some((block.get("name")?.as_str()?.to_owned(), block.get("value")?.clone()));
    Some(Value::Object(blocks.as_array().into_iter().flatten().filter_map(pair).collect()))
}

fn inline(blocks: &Value) -> Option<Value> {
    let policy = |block: &Value| {
        let document: Value = serde_json::from_str(block.get("policy")?.as_str()?).ok()?;
        Some(json!({ "PolicyName": block.get("name"), "PolicyDocument": document }))
    };
    Some(blocks.as_array().into_iter().flatten().filter_map(policy).collect::<Vec<_>>().into())
}

fn managed(arns: &Value) -> Option<Value> {
    Some(arns.as_array().into_iter().flatten().filter_map(attached).collect::<Vec<_>>().into())
}

/// An attached policy by its ARN.
pub(crate) fn attached(arn: &Value) -> Option<Value> {
    let text = arn.as_str()?;
    let name = text.rsplit_once('/').map_or(text, |(_, name)| name);
    Some(json!({ "PolicyArn": text, "PolicyName": name }))
}

/// The text of JSON that task definitions are given in, without values of variables.
fn containers(text: &Value) -> Option<Value> {
    let mut all: Value = serde_json::from_str(text.as_str()?).ok()?;
    for variable in all.as_array_mut()?.iter_mut().filter_map(|container| container.get_mut("environment")) {
        for variable in variable.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            variable.remove("value");
        }
    }
    Some(all)
}
