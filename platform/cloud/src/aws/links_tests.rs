use model::graph::Edge;
use serde_json::json;

use crate::aws::fixture::{account, arn, made, trust, trusting, user, with};

#[test]
fn resources_are_joined_by_what_they_name() {
    let ec2 = |rest: &str| format!("arn:aws:ec2:eu-west-1:123456789012:{rest}");
    let (instance, profile) = (ec2("instance/i-1"), arn("instance-profile/p"));
    let key = "arn:aws:kms:eu-west-1:123456789012:key/k";
    let (trail, cluster) =
        ("arn:aws:cloudtrail:eu-west-1:123456789012:trail/t", "arn:aws:eks:eu-west-1:123456789012:cluster/c");
    let provider = arn("oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/X");
    let irsa = json!([{ "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": { "Federated": provider } }]);
    let attached =
        json!({ "AttachedManagedPolicies": [{ "PolicyArn": arn("policy/p") }], "GroupList": ["g"] });
    let world = account([
        made(
            &instance,
            "aws:ec2:instance",
            json!({ "InstanceId": "i-1", "SubnetId": "subnet-1",
            "IamInstanceProfile": { "Arn": profile }, "SecurityGroups": [{ "GroupId": "sg-1" }] }),
        ),
        made(&profile, "aws:iam:instance-profile", json!({ "Roles": [{ "Arn": arn("role/r") }] })),
        trusting("r", json!([]), trust(json!({ "AWS": arn("user/u") }))),
        trusting("pod", json!([]), irsa),
        with(user("u", json!([])), attached),
        made(&arn("group/g"), "aws:iam:group", json!({ "GroupName": "g" })),
        made(&arn("policy/p"), "aws:iam:policy", json!({ "Document": { "Statement": [] } })),
        made(&ec2("subnet/subnet-1"), "aws:ec2:subnet", json!({ "SubnetId": "subnet-1", "VpcId": "vpc-1" })),
        made(&ec2("vpc/vpc-1"), "aws:ec2:vpc", json!({ "VpcId": "vpc-1" })),
        made(&ec2("security-group/sg-1"), "aws:ec2:security-group", json!({ "GroupId": "sg-1" })),
        made(&ec2("volume/vol-1"), "aws:ec2:volume", json!({ "VolumeId": "vol-1", "KmsKeyId": key })),
        made(
            "arn:aws:ec2:eu-west-1::snapshot/snap-1",
            "aws:ec2:snapshot",
            json!({ "SnapshotId": "snap-1", "VolumeId": "vol-1" }),
        ),
        made(key, "aws:kms:key", json!({ "KeyId": "k" })),
        made("arn:aws:s3:::logs", "aws:s3:bucket", json!({ "Name": "logs" })),
        made(trail, "aws:cloudtrail:trail", json!({ "S3BucketName": "logs" })),
        made(
            cluster,
            "aws:eks:cluster",
            json!({ "identity": { "oidc": { "issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/X" } } }),
        ),
        made(&provider, "aws:iam:oidc-provider", json!({})),
    ]);
    let (nodes, relations) = world.graph();
    assert_eq!(nodes.len(), 17);
    let has = |from: &str, edge: Edge, to: &str| {
        assert!(
            relations.iter().any(|one| one.from == from && one.edge == edge && one.to == to),
            "{from} {edge:?} {to}"
        );
    };
    has(&instance, Edge::Uses, &profile);
    has(&instance, Edge::Uses, &ec2("subnet/subnet-1"));
    has(&instance, Edge::Uses, &ec2("security-group/sg-1"));
    has(&profile, Edge::Uses, &arn("role/r"));
    has(&arn("role/r"), Edge::Trusts, &arn("user/u"));
    has(&arn("role/pod"), Edge::Trusts, cluster);
    has(&arn("role/pod"), Edge::Trusts, &provider);
    has(&arn("group/g"), Edge::Contains, &arn("user/u"));
    has(&arn("policy/p"), Edge::GrantsTo, &arn("user/u"));
    has(&ec2("vpc/vpc-1"), Edge::Contains, &ec2("subnet/subnet-1"));
    has(&ec2("volume/vol-1"), Edge::Uses, key);
    has(&ec2("volume/vol-1"), Edge::Owns, "arn:aws:ec2:eu-west-1::snapshot/snap-1");
    has(trail, Edge::Uses, "arn:aws:s3:::logs");
}
