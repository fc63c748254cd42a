use serde_json::{Value, json};

use super::{DoorKind, Exposure, Verdict};
use crate::aws::access::Access;
use crate::aws::fixture::{account, made, with};
use crate::resource::Resource;

const INSTANCE: &str = "arn:aws:ec2:eu-west-1:123456789012:instance/i-1";

fn id(rest: &str) -> String {
    format!("arn:aws:ec2:eu-west-1:123456789012:{rest}")
}

fn group(range: &str) -> Resource {
    let rule =
        json!({ "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{ "CidrIp": range }] });
    made(
        &id("security-group/sg-1"),
        "aws:ec2:security-group",
        json!({ "GroupId": "sg-1", "IpPermissions": [rule] }),
    )
}

fn table(gateway: &str) -> Resource {
    let routes = json!([{ "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway, "State": "active" }]);
    let body = json!({ "VpcId": "vpc-1", "Routes": routes, "Associations": [{ "Main": true }] });
    made(&id("route-table/rtb-1"), "aws:ec2:route-table", body)
}

fn list(action: &str) -> Resource {
    let entry = |outwards: bool| json!({ "RuleNumber": 100, "RuleAction": action, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "Egress": outwards });
    let body =
        json!({ "Associations": [{ "SubnetId": "subnet-1" }], "Entries": [entry(false), entry(true)] });
    made(&id("network-acl/acl-1"), "aws:ec2:network-acl", body)
}

fn subnet() -> Resource {
    made(&id("subnet/subnet-1"), "aws:ec2:subnet", json!({ "SubnetId": "subnet-1", "VpcId": "vpc-1" }))
}

fn instance() -> Resource {
    let interface = json!({ "Association": { "PublicIp": "198.51.100.1" }, "SubnetId": "subnet-1", "Groups": [{ "GroupId": "sg-1" }] });
    made(INSTANCE, "aws:ec2:instance", json!({ "InstanceId": "i-1", "NetworkInterfaces": [interface] }))
}

fn exposure(resources: impl IntoIterator<Item = Resource>) -> Exposure {
    let account = account(resources);
    let access = Access::of(&account);
    Exposure::of(&account, &access)
}

#[test]
fn machines_are_open_where_nothing_keeps_the_internet_out() {
    for (world, expected) in [
        (vec![group("0.0.0.0/0"), table("igw-1"), list("allow"), subnet()], Verdict::Open),
        (vec![group("198.51.100.0/24"), table("igw-1"), list("allow"), subnet()], Verdict::Filtered),
        (vec![group("0.0.0.0/0"), table("local"), list("allow"), subnet()], Verdict::Filtered),
        (vec![group("0.0.0.0/0"), table("igw-1"), list("deny"), subnet()], Verdict::Filtered),
        (vec![group("0.0.0.0/0"), table("igw-1"), subnet()], Verdict::Possible),
        (vec![group("0.0.0.0/0"), list("allow"), subnet()], Verdict::Possible),
        (vec![table("igw-1"), list("allow"), subnet()], Verdict::Possible),
    ] {
        let kinds: Vec<String> = world.iter().map(|one| one.kind.clone()).collect();
        let found = exposure(world.into_iter().chain([instance()]));
        assert_eq!(found.resource(INSTANCE).unwrap().verdict, expected, "{kinds:?}");
    }
    let found = exposure([group("0.0.0.0/0"), table("igw-1"), list("allow"), subnet(), instance()]);
    let entry = &found.resource(INSTANCE).unwrap().entries[0];
    assert_eq!((entry.protocol.as_str(), entry.from_port, entry.to_port), ("tcp", 22, 22));
    assert_eq!(entry.rules, [id("security-group/sg-1"), id("route-table/rtb-1"), id("network-acl/acl-1")]);
    let hidden = with(instance(), json!({ "NetworkInterfaces": [{ "SubnetId": "subnet-1" }] }));
    assert!(exposure([group("0.0.0.0/0"), hidden]).resources.is_empty());
}

#[test]
fn services_are_reached_through_their_load_balancer() {
    let (balancer, target) = (
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/lb/1",
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/tg/1",
    );
    let service = "arn:aws:ecs:eu-west-1:123456789012:service/c/s";
    let world = |scheme: &str| {
        let body = json!({ "Scheme": scheme, "Type": "application", "SecurityGroups": ["sg-1"],
            "AvailabilityZones": [{ "SubnetId": "subnet-1" }], "Listeners": [{ "Port": 22, "Protocol": "HTTP" }, { "Port": 443, "Protocol": "HTTPS" }] });
        exposure([
            group("0.0.0.0/0"),
            table("igw-1"),
            list("allow"),
            subnet(),
            made(balancer, "aws:elbv2:load-balancer", body),
            made(target, "aws:elbv2:target-group", json!({ "LoadBalancerArns": [balancer] })),
            made(service, "aws:ecs:service", json!({ "loadBalancers": [{ "targetGroupArn": target }] })),
        ])
    };
    let found = world("internet-facing");
    let exposed = found.resource(service).unwrap();
    assert_eq!(exposed.entries[0].path, [balancer, target, service]);
    let verdicts: Vec<(Verdict, u16)> =
        exposed.entries.iter().map(|entry| (entry.verdict, entry.to_port)).collect();
    assert_eq!(verdicts, [(Verdict::Open, 22), (Verdict::Filtered, 443)]);
    assert_eq!(world("internal").resource(service).unwrap().verdict, Verdict::Internal);
}

#[test]
fn databases_clusters_and_functions_have_doors_of_their_own() {
    let database = |public: bool| {
        let body = json!({ "PubliclyAccessible": public, "Endpoint": { "Port": 22 },
            "VpcSecurityGroups": [{ "VpcSecurityGroupId": "sg-1" }], "DBSubnetGroup": { "Subnets": [{ "SubnetIdentifier": "subnet-1" }] } });
        made("arn:aws:rds:eu-west-1:123456789012:db:d", "aws:rds:db-instance", body)
    };
    let verdict = |resource: Resource| {
        let id = resource.id.clone();
        let found = exposure([group("0.0.0.0/0"), table("igw-1"), list("allow"), subnet(), resource]);
        found.resource(&id).map(|exposed| (exposed.verdict, exposed.entries[0].door))
    };
    assert_eq!(verdict(database(true)), Some((Verdict::Open, DoorKind::Endpoint)));
    assert_eq!(verdict(database(false)), Some((Verdict::Internal, DoorKind::Endpoint)));
    let cluster = |range: Value| {
        let config = json!({ "endpointPublicAccess": true, "publicAccessCidrs": range });
        made(
            "arn:aws:eks:eu-west-1:123456789012:cluster/c",
            "aws:eks:cluster",
            json!({ "resourcesVpcConfig": config }),
        )
    };
    assert_eq!(verdict(cluster(json!(["0.0.0.0/0"]))), Some((Verdict::Open, DoorKind::ClusterApi)));
    assert_eq!(verdict(cluster(json!(["198.51.100.0/24"]))), Some((Verdict::Filtered, DoorKind::ClusterApi)));
    let function = |kind: &str, more: Value| {
        let body = with(
            made("arn:aws:lambda:eu-west-1:123456789012:function:f", "aws:lambda:function", json!({})),
            more,
        );
        verdict(with(body, json!({ "UrlConfig": { "AuthType": kind } })))
    };
    assert_eq!(
        function("AWS_IAM", json!({ "Policy": null })),
        Some((Verdict::Internal, DoorKind::FunctionUrl))
    );
    assert_eq!(function("NONE", json!({ "Policy": null })), Some((Verdict::Filtered, DoorKind::FunctionUrl)));
    assert_eq!(
        function("NONE", json!({ "Unknown": ["Policy"] })),
        Some((Verdict::Possible, DoorKind::FunctionUrl))
    );
}

#[test]
fn buckets_are_public_by_list_and_policy_unless_that_is_blocked() {
    let everybody = json!({ "URI": "http://acs.amazonaws.com/groups/global/AllUsers", "Type": "Group" });
    let verdict = |more: Value| {
        let acl = json!({ "Grants": [{ "Grantee": everybody, "Permission": "READ" }] });
        let bucket = made(
            "arn:aws:s3:::b",
            "aws:s3:bucket",
            json!({ "Name": "b", "Policy": null, "Acl": acl, "PublicAccessBlock": null }),
        );
        let own =
            made("arn:aws:s3::123456789012:account", "aws:s3:account", json!({ "PublicAccessBlock": null }));
        exposure([with(bucket, more), own]).resource("arn:aws:s3:::b").map(|exposed| exposed.verdict)
    };
    assert_eq!(verdict(json!({})), Some(Verdict::Open));
    assert_eq!(verdict(json!({ "PublicAccessBlock": { "IgnorePublicAcls": true } })), None);
    assert_eq!(
        verdict(json!({ "OwnershipControls": { "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] } })),
        None
    );
    assert_eq!(verdict(json!({ "Acl": { "Grants": [] } })), None);
    assert_eq!(
        verdict(json!({ "Acl": { "Grants": [] }, "Unknown": ["Policy"], "Policy": "odd" })),
        Some(Verdict::Possible)
    );
}
