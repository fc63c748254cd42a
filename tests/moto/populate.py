"""Fills a moto server with an account of made-up resources and planted faults.

    MOTO_EC2_LOAD_DEFAULT_AMIS=false moto_server -H 127.0.0.1 -p 5000 &
    python3 populate.py --endpoint http://127.0.0.1:5000 [--region eu-west-1] [--resources 2000]

needs PyPI `moto[server]`, which brings boto3. Prints one JSON object:

    planted         [{arn, rule}]: what is wrong, with the rule of plugins/cloud-posture that has to find it
    resources       how many resources were made
    least_requests  the fewest requests that tell of all of it what plugins/cloud-aws/RESOURCES.md promises, with the largest pages
                    that AWS gives; counted from what the server lists afterwards

A fault that this version of moto cannot hold is named on standard error and not planted.
"""

import argparse
import io
import json
import math
import sys
import zipfile

import boto3

ACCOUNT = "123456789012"


class Account:
    def __init__(self, endpoint, region):
        self.endpoint, self.region = endpoint, region
        self.planted, self.made, self.clients = [], 0, {}

    def __getattr__(self, service):
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service.replace("_", "-"), region_name=self.region, endpoint_url=self.endpoint,
                aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="example",
            )
        return self.clients[service]

    def plant(self, arn, *rules):
        self.planted += [{"arn": arn, "rule": rule} for rule in rules]

    def arn(self, service, rest):
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{rest}"

    @property
    def here(self):
        return f"arn:aws:account::{ACCOUNT}:region/{self.region}"


def allow(action, resource="*", principal=None):
    statement = {"Effect": "Allow", "Action": action}
    if resource:
        statement["Resource"] = resource
    if principal:
        statement["Principal"] = principal
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


TRUST = allow("sts:AssumeRole", None, {"Service": "ec2.amazonaws.com"})


def buckets(a, number):
    place = {"LocationConstraint": a.region}
    for name in ["example-public-policy", "example-public-acl", "example-bare"]:
        a.s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        arn = f"arn:aws:s3:::{name}"
        a.plant(arn, "s3-bucket-public-access-block", "s3-bucket-versioning", "s3-bucket-access-logging")
        a.plant(arn, "s3-bucket-tls-only")
    policy = allow("s3:GetObject", "arn:aws:s3:::example-public-policy/*", "*")
    a.s3.put_bucket_policy(Bucket="example-public-policy", Policy=policy)
    a.plant("arn:aws:s3:::example-public-policy", "s3-bucket-policy-public")
    a.s3.put_bucket_acl(Bucket="example-public-acl", ACL="public-read")
    a.plant("arn:aws:s3:::example-public-acl", "s3-bucket-acl-public")
    a.plant(f"arn:aws:s3::{ACCOUNT}:account", "s3-account-public-access-block")
    for n in range(number):
        name = f"filler-{n:04}"
        a.s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        a.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        block = dict.fromkeys(
            ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True
        )
        a.s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    a.made += 3 + number


def identity(a, users, roles, policies):
    user = f"arn:aws:iam::{ACCOUNT}:user/"
    a.iam.create_user(UserName="example-inline")
    a.iam.put_user_policy(UserName="example-inline", PolicyName="own", PolicyDocument=allow("s3:ListBucket"))
    a.plant(user + "example-inline", "iam-user-inline-policy")
    a.iam.create_user(UserName="example-console")
    a.iam.create_login_profile(UserName="example-console", Password="Made-up-1-password")
    a.plant(user + "example-console", "iam-user-mfa")
    a.iam.create_user(UserName="example-keys")
    for _ in range(2):
        a.iam.create_access_key(UserName="example-keys")
    a.plant(user + "example-keys", "iam-user-two-keys")
    for name, action, rule in [
        ("example-admin", "*", "iam-policy-full-admin"),
        ("example-escalation", "iam:CreatePolicyVersion", "iam-policy-privilege-escalation"),
        ("example-pass-role", "iam:PassRole", "iam-policy-pass-role"),
        ("example-assume", "sts:AssumeRole", "iam-policy-assume-any-role"),
        ("example-decrypt", "kms:Decrypt", "iam-policy-decrypt-any"),
        ("example-secrets", "secretsmanager:GetSecretValue", "iam-policy-read-any-secret"),
    ]:
        made = a.iam.create_policy(PolicyName=name, PolicyDocument=allow(action))
        a.plant(made["Policy"]["Arn"], rule)
    admin = f"arn:aws:iam::{ACCOUNT}:policy/example-admin"
    a.iam.attach_user_policy(UserName="example-keys", PolicyArn=admin)
    a.plant(user + "example-keys", "iam-user-attached-policy")
    for name, trust, rule in [
        ("example-anyone", allow("sts:AssumeRole", None, {"AWS": "*"}), "iam-role-trust-anyone"),
        ("example-external", allow("sts:AssumeRole", None, {"AWS": "arn:aws:iam::999999999999:root"}),
         "iam-role-trust-external-account"),
        ("example-oidc", allow("sts:AssumeRoleWithWebIdentity", None, {
            "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"}),
         "iam-role-trust-oidc-subject"),
    ]:
        made = a.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        a.plant(made["Role"]["Arn"], rule)
    a.iam.create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com", ThumbprintList=["0" * 40], ClientIDList=["sts.amazonaws.com"]
    )
    a.plant(f"arn:aws:iam::{ACCOUNT}:root", "iam-password-policy")
    for n in range(users):
        a.iam.create_user(UserName=f"filler-{n:04}")
    for n in range(roles):
        a.iam.create_role(RoleName=f"filler-{n:04}", AssumeRolePolicyDocument=TRUST)
    for n in range(policies):
        a.iam.create_policy(PolicyName=f"filler-{n:04}", PolicyDocument=allow("s3:ListBucket", "arn:aws:s3:::x"))
    a.made += 13 + users + roles + policies


def networks(a, groups, subnets):
    vpc = a.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    a.plant(a.arn("ec2", f"vpc/{vpc}"), "vpc-flow-logs")
    for n in range(subnets + 1):
        subnet = a.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24")["Subnet"]["SubnetId"]
        if n == 0:
            a.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
            a.plant(a.arn("ec2", f"subnet/{subnet}"), "subnet-auto-public-ip")
    for name, low, high, rule in [
        ("ssh", 22, 22, "sg-open-ssh"), ("rdp", 3389, 3389, "sg-open-rdp"), ("mysql", 3306, 3306, "sg-open-database"),
        ("all", -1, -1, "sg-open-all"), ("six", 22, 22, "sg-open-admin-ipv6"), ("filler", 443, 443, None),
    ]:
        for n in range(groups if name == "filler" else 1):
            group = a.ec2.create_security_group(GroupName=f"{name}-{n:04}", Description="made up", VpcId=vpc)["GroupId"]
            world = {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]} if name == "six" else {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
            if name == "filler":
                world = {"IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
            ports = {} if name == "all" else {"FromPort": low, "ToPort": high}
            permission = {"IpProtocol": "-1" if name == "all" else "tcp", **ports, **world}
            a.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
            if rule:
                a.plant(a.arn("ec2", f"security-group/{group}"), rule)
    a.made += 7 + subnets + groups


def machines(a, instances, volumes, snapshots):
    image = {"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}
    for n in range(instances + 1):
        options = {"HttpTokens": "optional" if n == 0 else "required", "HttpEndpoint": "enabled"}
        made = a.ec2.run_instances(MinCount=1, MaxCount=1, MetadataOptions=options, **image)["Instances"][0]
        if n == 0:
            a.plant(a.arn("ec2", f"instance/{made['InstanceId']}"), "ec2-imds-v2")
    zone = f"{a.region}a"
    for n in range(volumes + 1):
        volume = a.ec2.create_volume(AvailabilityZone=zone, Size=1, Encrypted=n > 0)["VolumeId"]
        if n == 0:
            plain = volume
            a.plant(a.arn("ec2", f"volume/{volume}"), "ebs-volume-encryption")
    for n in range(snapshots + 1):
        snapshot = a.ec2.create_snapshot(VolumeId=plain if n == 0 else volume)["SnapshotId"]
        if n == 0:
            a.ec2.modify_snapshot_attribute(
                SnapshotId=snapshot, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"]
            )
            arn = f"arn:aws:ec2:{a.region}::snapshot/{snapshot}"
            a.plant(arn, "ebs-snapshot-public", "ebs-snapshot-encryption")
    a.plant(a.here, "ebs-default-encryption")
    a.made += 3 + 2 * instances + volumes + snapshots


def databases(a, instances, tables):
    for n in range(instances + 1):
        bad = n == 0
        made = a.rds.create_db_instance(
            DBInstanceIdentifier="example-public" if bad else f"filler-{n:04}", Engine="postgres",
            DBInstanceClass="db.t3.micro", AllocatedStorage=20, MasterUsername="made", MasterUserPassword="made-up-1",
            PubliclyAccessible=bad, StorageEncrypted=not bad, DeletionProtection=not bad,
            BackupRetentionPeriod=0 if bad else 14,
        )["DBInstance"]["DBInstanceArn"]
        if bad:
            a.plant(made, "rds-public-access", "rds-encryption", "rds-deletion-protection", "rds-backup-retention")
    key = {"AttributeName": "id", "AttributeType": "S"}
    for n in range(tables + 1):
        name = "example-table" if n == 0 else f"filler-{n:04}"
        schema = [{"AttributeName": "id", "KeyType": "HASH"}]
        a.dynamodb.create_table(
            TableName=name, AttributeDefinitions=[key], KeySchema=schema, BillingMode="PAY_PER_REQUEST"
        )
        if n == 0:
            arn = a.arn("dynamodb", f"table/{name}")
            a.plant(arn, "dynamodb-point-in-time-recovery", "dynamodb-deletion-protection")
    cluster = a.redshift.create_cluster(
        ClusterIdentifier="example-warehouse", NodeType="ra3.large", MasterUsername="made",
        MasterUserPassword="Made-up-1", PubliclyAccessible=True, Encrypted=False,
    )["Cluster"]["ClusterIdentifier"]
    a.plant(a.arn("redshift", f"cluster:{cluster}"), "redshift-public-access", "redshift-encryption")
    a.made += 3 + instances + tables


def keys(a, number, secrets, parameters):
    for n in range(number + 2):
        arn = a.kms.create_key(Description="made up")["KeyMetadata"]["Arn"]
        if n == 0:
            a.plant(arn, "kms-key-rotation")
            continue
        a.kms.enable_key_rotation(KeyId=arn)
        if n == 1:
            a.kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=allow("kms:*", "*", {"AWS": "*"}))
            a.plant(arn, "kms-key-policy-public")
    for n in range(secrets + 1):
        name = "example-secret" if n == 0 else f"filler-{n:04}"
        made = a.secretsmanager.create_secret(Name=name, SecretString="made up")["ARN"]
        if n == 0:
            a.plant(made, "secretsmanager-rotation")
    for n in range(parameters + 1):
        name = "/example/database-password" if n == 0 else f"/filler/{n:04}"
        a.ssm.put_parameter(Name=name, Value="made up", Type="String")
        if n == 0:
            a.plant(a.arn("ssm", f"parameter{name}"), "ssm-secret-plain")
    a.made += 4 + number + secrets + parameters


def messages(a, queues, topics):
    for n in range(queues + 1):
        name = "example-queue" if n == 0 else f"filler-{n:04}"
        url = a.sqs.create_queue(QueueName=name, Attributes={"SqsManagedSseEnabled": "false" if n == 0 else "true"})["QueueUrl"]
        if n == 0:
            arn = a.arn("sqs", name)
            policy = allow("sqs:SendMessage", arn, "*")
            a.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
            a.plant(arn, "sqs-policy-public", "sqs-encryption")
    for n in range(topics + 1):
        arn = a.sns.create_topic(Name="example-topic" if n == 0 else f"filler-{n:04}")["TopicArn"]
        if n == 0:
            policy = allow("sns:Publish", arn, {"AWS": "*"})
            a.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
            a.plant(arn, "sns-policy-public", "sns-encryption")
    a.made += 2 + queues + topics


def logs(a, groups, alarms):
    for n in range(groups + 1):
        name = "example-group" if n == 0 else f"filler-{n:04}"
        a.logs.create_log_group(logGroupName=name)
        if n == 0:
            a.plant(a.arn("logs", f"log-group:{name}"), "log-group-retention")
        a.logs.put_retention_policy(logGroupName=name, retentionInDays=30 if n == 0 else 400)
    a.logs.put_metric_filter(
        logGroupName="example-group", filterName="root", filterPattern='{ $.userIdentity.type = "Root" }',
        metricTransformations=[{"metricName": "root", "metricNamespace": "made-up", "metricValue": "1"}],
    )
    for n in range(alarms):
        a.cloudwatch.put_metric_alarm(
            AlarmName=f"filler-{n:04}", MetricName="root" if n == 0 else f"m{n}", Namespace="made-up", Period=300,
            EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold", Statistic="Sum",
        )
    a.s3.create_bucket(Bucket="example-trail", CreateBucketConfiguration={"LocationConstraint": a.region})
    trail = a.cloudtrail.create_trail(Name="example-trail", S3BucketName="example-trail", EnableLogFileValidation=False)
    a.plant(trail["TrailARN"], "cloudtrail-logging", "cloudtrail-validation")
    a.plant(a.here, "guardduty-enabled", "config-recorder", "securityhub-enabled")
    a.made += 3 + groups + alarms


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("lambda_function.py", "def handler(event, context):\n    return None\n")
    return buffer.getvalue()


def functions(a, number, repositories):
    role = f"arn:aws:iam::{ACCOUNT}:role/example-anyone"
    code = {"ZipFile": archive()}
    for n in range(number + 1):
        name = "example-function" if n == 0 else f"filler-{n:04}"
        arn = a.__getattr__("lambda").create_function(
            FunctionName=name, Runtime="python3.7" if n == 0 else "python3.13", Role=role, Handler="lambda_function.handler",
            Code=code, Environment={"Variables": {"DATABASE_PASSWORD": "made up"} if n == 0 else {"LEVEL": "info"}},
        )["FunctionArn"]
        if n == 0:
            a.__getattr__("lambda").add_permission(
                FunctionName=name, StatementId="all", Action="lambda:InvokeFunction", Principal="*"
            )
            a.__getattr__("lambda").create_function_url_config(FunctionName=name, AuthType="NONE")
            a.plant(arn, "lambda-policy-public", "lambda-url-authentication", "lambda-runtime-end-of-life")
            a.plant(arn, "lambda-secret-in-environment")
    for n in range(repositories + 1):
        name = "example/open" if n == 0 else f"filler/{n:04}"
        made = a.ecr.create_repository(
            repositoryName=name, imageTagMutability="MUTABLE" if n == 0 else "IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": n > 0},
        )["repository"]["repositoryArn"]
        if n == 0:
            policy = allow("ecr:BatchGetImage", None, "*")
            a.ecr.set_repository_policy(repositoryName=name, policyText=policy)
            a.plant(made, "ecr-scan-on-push", "ecr-tag-immutability", "ecr-policy-public", "ecr-lifecycle-policy")
    a.made += 2 + number + repositories


def clusters(a):
    container = {
        "name": "app", "image": "example/app:latest", "memory": 128, "privileged": True,
        "environment": [{"name": "API_TOKEN", "value": "made up"}],
    }
    task = a.ecs.register_task_definition(family="example", networkMode="host", containerDefinitions=[container])
    arn = task["taskDefinition"]["taskDefinitionArn"]
    a.plant(arn, "ecs-privileged-container", "ecs-secret-in-environment", "ecs-image-tag")
    a.ecs.create_cluster(clusterName="example")
    a.ecs.create_service(cluster="example", serviceName="example", taskDefinition="example", desiredCount=1)
    role = f"arn:aws:iam::{ACCOUNT}:role/example-anyone"
    network = {"subnetIds": ["subnet-1", "subnet-2"], "endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}
    made = a.eks.create_cluster(name="example", roleArn=role, resourcesVpcConfig=network)["cluster"]["arn"]
    a.plant(made, "eks-public-endpoint", "eks-secrets-encryption")
    a.eks.create_nodegroup(clusterName="example", nodegroupName="nodes", subnets=["subnet-1"], nodeRole=role)
    a.made += 5


def web(a):
    subnets = [one["SubnetId"] for one in a.ec2.describe_subnets()["Subnets"]][:2]
    balancer = a.elbv2.create_load_balancer(Name="example", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    vpc = a.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    target = a.elbv2.create_target_group(Name="example", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    action = {"Type": "forward", "TargetGroupArn": target["TargetGroupArn"]}
    a.elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[action])
    a.plant(balancer, "elb-plain-http", "elb-access-logs", "elb-deletion-protection")
    api = a.apigateway.create_rest_api(name="example")["id"]
    root = a.apigateway.get_resources(restApiId=api)["items"][0]["id"]
    a.apigateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    a.plant(f"arn:aws:apigateway:{a.region}::/restapis/{api}", "apigateway-method-authorization")
    files = a.efs.create_file_system(CreationToken="example", Encrypted=False)["FileSystemArn"]
    a.plant(files, "efs-encryption")
    domain = a.opensearch.create_domain(DomainName="example", EngineVersion="OpenSearch_2.11")["DomainStatus"]["ARN"]
    a.plant(domain, "opensearch-encryption-at-rest", "opensearch-node-encryption", "opensearch-https")
    a.made += 5


def least(a):
    """The fewest requests for one region, by what is there now."""
    def count(client, operation, key, **arguments):
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate(**arguments)
        else:
            pages = [getattr(client, operation)(**arguments)]
        return sum(len(page.get(key, [])) for page in pages)

    function = a.__getattr__("lambda")
    customer, rotating = 0, 0
    for key in a.kms.list_keys()["Keys"]:
        data = a.kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        customer += data["KeyManager"] == "CUSTOMER"
        rotating += data["KeyManager"] == "CUSTOMER" and data["KeySpec"] == "SYMMETRIC_DEFAULT"
    services = sum(
        1 + math.ceil(count(a.ecs, "list_services", "serviceArns", cluster=one) / 10)
        for one in a.ecs.list_clusters()["clusterArns"]
    )
    nodes = sum(
        2 + count(a.eks, "list_nodegroups", "nodegroups", clusterName=one) for one in a.eks.list_clusters()["clusters"]
    )
    parts = {
        "sts": 1,
        # Summary, password policy, aliases, MFA devices, certificates, details, SAML; the report is made and fetched.
        "iam": 7 + 2 + 1 + len(a.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]),
        # moto does not tell the region of a bucket in its listing.
        "s3": 2 + 9 * len(a.s3.list_buckets()["Buckets"]),
        "cloudfront": 1,
        # Trails, detectors, recorders, channels, four defaults of EC2, scanning, analyzers, Security Hub.
        "account": 11,
        "cloudtrail": 2 * len(a.cloudtrail.describe_trails()["trailList"]),
        "logs": math.ceil(count(a.logs, "describe_log_groups", "logGroups") / 50) + 1,
        "cloudwatch": math.ceil(count(a.cloudwatch, "describe_alarms", "MetricAlarms") / 100),
        "ec2": 13 + count(a.ec2, "describe_snapshots", "Snapshots", OwnerIds=["self"]),
        "elbv2": 2 + 2 * count(a.elbv2, "describe_load_balancers", "LoadBalancers"),
        "apigateway": 1 + 2 * count(a.apigateway, "get_rest_apis", "items"),
        "apigatewayv2": 1,
        "acm": 1,
        "lambda": 1 + 2 * count(function, "list_functions", "Functions"),
        "ecs": 2 + services + 1 + count(a.ecs, "list_task_definition_families", "families"),
        "eks": 1 + nodes,
        "ecr": 1 + 2 * count(a.ecr, "describe_repositories", "repositories"),
        "rds": 5,
        "dynamodb": 1 + 2 * count(a.dynamodb, "list_tables", "TableNames"),
        "elasticache": 2,
        "redshift": 1 + count(a.redshift, "describe_clusters", "Clusters"),
        "opensearch": 1 + math.ceil(len(a.opensearch.list_domain_names()["DomainNames"]) / 5),
        "efs": 1 + 2 * count(a.efs, "describe_file_systems", "FileSystems"),
        "backup": 1,
        "kms": 2 + len(a.kms.list_keys()["Keys"]) + customer + rotating,
        "secretsmanager": 1 + count(a.secretsmanager, "list_secrets", "SecretList"),
        "ssm": math.ceil(count(a.ssm, "describe_parameters", "Parameters") / 50),
        "sns": 1 + count(a.sns, "list_topics", "Topics"),
        "sqs": 1 + count(a.sqs, "list_queues", "QueueUrls"),
    }
    return parts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint", default="http://127.0.0.1:5000")
    parser.add_argument("--region", default="eu-west-1")
    parser.add_argument("--resources", type=int, default=2000)
    options = parser.parse_args()
    a = Account(options.endpoint, options.region)

    def part(of_two_thousand):
        return round(of_two_thousand * options.resources / 2000)

    for fill, numbers in [
        (buckets, [200]), (identity, [150, 200, 100]), (networks, [300, 20]), (machines, [90, 150, 30]),
        (databases, [20, 60]), (keys, [40, 80, 150]), (messages, [150, 100]), (logs, [120, 30]),
        (functions, [40, 40]), (clusters, []), (web, []),
    ]:
        before = list(a.planted)
        try:
            fill(a, *[part(number) for number in numbers])
        except Exception as error:  # What moto cannot do must be seen, and must not hide the rest.
            print(f"{fill.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
            lost = len(a.planted) - len(before)
            print(f"{fill.__name__}: {lost} faults before it are planted", file=sys.stderr)
    parts = least(a)
    print(json.dumps({
        "planted": a.planted, "resources": a.made, "least_requests": sum(parts.values()), "least_by_service": parts,
    }))


if __name__ == "__main__":
    main()
