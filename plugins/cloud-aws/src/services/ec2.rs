//! Instances, disks, images and networks.

use serde_json::{Value, json};

use crate::client::{Ask, ask};
use crate::failure::Failure;
use crate::item::{Body, Found, Listed, Spot, begin, items, page, text};

/// One page of a listing of EC2.
fn listed(
    spot: &Spot<'_>,
    operation: &'static str,
    list: &str,
    most: &str,
    token: Option<&str>,
) -> Result<Listed, Failure> {
    paged(spot, ask("ec2", operation, spot.region), list, most, token)
}

fn paged(
    spot: &Spot<'_>,
    ask: Ask<'_>,
    list: &str,
    most: &str,
    token: Option<&str>,
) -> Result<Listed, Failure> {
    let ask = ask.with("MaxResults", most).page("NextToken", token);
    Ok(page(spot.call(&ask)?, list, "NextToken"))
}

/// Hands over an item of a listing as it is.
fn as_listed(
    spot: &Spot<'_>,
    item: &Value,
    body: &mut Body,
    place: &str,
    id: &str,
) -> Result<Option<Found>, Failure> {
    begin(body, item);
    body.entry("Tags").or_insert_with(|| json!([]));
    spot.found(spot.arn("ec2", &format!("{place}/{}", text(item, id))))
}

macro_rules! plain {
    ($(($list:ident, $each:ident, $operation:literal, $member:literal, $most:literal, $place:literal, $id:literal)),+ $(,)?) => {
        $(
            pub(crate) fn $list(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
                listed(spot, $operation, $member, $most, token)
            }

            pub(crate) fn $each(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
                as_listed(spot, item, body, $place, $id)
            }
        )+
    };
}

plain!(
    (volumes, volume, "DescribeVolumes", "Volumes", "500", "volume", "VolumeId"),
    (
        security_groups,
        security_group,
        "DescribeSecurityGroups",
        "SecurityGroups",
        "1000",
        "security-group",
        "GroupId"
    ),
    (network_acls, network_acl, "DescribeNetworkAcls", "NetworkAcls", "1000", "network-acl", "NetworkAclId"),
    (subnets, subnet, "DescribeSubnets", "Subnets", "1000", "subnet", "SubnetId"),
    (route_tables, route_table, "DescribeRouteTables", "RouteTables", "100", "route-table", "RouteTableId"),
    (
        internet_gateways,
        internet_gateway,
        "DescribeInternetGateways",
        "InternetGateways",
        "1000",
        "internet-gateway",
        "InternetGatewayId"
    ),
    (
        peerings,
        peering,
        "DescribeVpcPeeringConnections",
        "VpcPeeringConnections",
        "1000",
        "vpc-peering-connection",
        "VpcPeeringConnectionId"
    ),
);

pub(crate) fn instances(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let mut listed = listed(spot, "DescribeInstances", "Reservations", "1000", token)?;
    let mut all = Vec::new();
    for reservation in &listed.items {
        for mut instance in items(reservation, "Instances") {
            let state = instance.get("State").map(|state| text(state, "Name")).unwrap_or_default();
            if state == "terminated" {
                continue;
            }
            if let Value::Object(fields) = &mut instance {
                for key in ["OwnerId", "ReservationId"] {
                    fields.insert(key.to_owned(), reservation.get(key).cloned().unwrap_or_default());
                }
            }
            all.push(instance);
        }
    }
    listed.items = all;
    Ok(listed)
}

pub(crate) fn instance(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    as_listed(spot, item, body, "instance", "InstanceId")
}

pub(crate) fn snapshots(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("ec2", "DescribeSnapshots", spot.region).with("Owner.1", "self");
    let mut listed = paged(spot, ask, "Snapshots", "100", token)?;
    let own = |snapshot: &Value| text(snapshot, "OwnerId") == spot.run.client.account;
    listed.items.retain(own);
    Ok(listed)
}

pub(crate) fn snapshot(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    body.entry("Tags").or_insert_with(|| json!([]));
    let id = text(item, "SnapshotId");
    let ask = ask("ec2", "DescribeSnapshotAttribute", spot.region);
    let ask = ask.with("SnapshotId", id).with("Attribute", "createVolumePermission");
    spot.part(body, "CreateVolumePermissions", &ask, &[], |answer| {
        Ok(Value::Array(items(&answer, "CreateVolumePermissions")))
    })?;
    spot.found(spot.arn_without_account("ec2", &format!("snapshot/{id}")))
}

pub(crate) fn images(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    let ask = ask("ec2", "DescribeImages", spot.region).with("Owner.1", "self");
    paged(spot, ask, "Images", "1000", token)
}

pub(crate) fn image(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    body.entry("Tags").or_insert_with(|| json!([]));
    spot.found(spot.arn_without_account("ec2", &format!("image/{}", text(item, "ImageId"))))
}

/// Networks, with the flow logs of all of them in one request.
pub(crate) fn vpcs(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    // As many as one filter takes.
    let mut listed = listed(spot, "DescribeVpcs", "Vpcs", "200", token)?;
    if listed.items.is_empty() {
        return Ok(listed);
    }
    let mut logs = Body::new();
    spot.merged(&mut logs, "FlowLogs", || flow_logs(spot, &listed.items).map(Some))?;
    for vpc in &mut listed.items {
        let id = text(vpc, "VpcId").to_owned();
        let Value::Object(fields) = vpc else { continue };
        match logs.get("FlowLogs").and_then(Value::as_array) {
            Some(all) => {
                let own = all.iter().filter(|log| text(log, "ResourceId") == id).cloned().collect();
                fields.insert("FlowLogs".to_owned(), Value::Array(own));
            }
            None => {
                fields.insert("Unknown".to_owned(), json!(["FlowLogs"]));
            }
        }
    }
    Ok(listed)
}

fn flow_logs(spot: &Spot<'_>, vpcs: &[Value]) -> Result<Value, Failure> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    for _ in 0..20 {
        let mut ask = ask("ec2", "DescribeFlowLogs", spot.region).with("Filter.1.Name", "resource-id");
        // A filter takes 200 values; where there are more networks on a page, all logs are asked for.
        if vpcs.len() <= 200 {
            for (index, vpc) in vpcs.iter().enumerate() {
                ask = ask.with(&format!("Filter.1.Value.{}", index + 1), text(vpc, "VpcId"));
            }
        } else {
            ask = crate::client::ask("ec2", "DescribeFlowLogs", spot.region);
        }
        let found = page(spot.call(&ask.page("NextToken", token.as_deref()))?, "FlowLogs", "NextToken");
        all.extend(found.items);
        match found.next {
            None => return Ok(Value::Array(all)),
            next if next == token => break,
            next => token = next,
        }
    }
    Err(Failure::Lasting("the listing does not end".to_owned()))
}

pub(crate) fn vpc(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    as_listed(spot, item, body, "vpc", "VpcId")
}

pub(crate) fn vpc_endpoints(spot: &Spot<'_>, token: Option<&str>) -> Result<Listed, Failure> {
    listed(spot, "DescribeVpcEndpoints", "VpcEndpoints", "1000", token)
}

pub(crate) fn vpc_endpoint(spot: &Spot<'_>, item: &Value, body: &mut Body) -> Result<Option<Found>, Failure> {
    begin(body, item);
    if body.get("PolicyDocument").and_then(Value::as_str).is_some_and(str::is_empty) {
        body.remove("PolicyDocument");
    }
    spot.parse(body, "PolicyDocument");
    as_listed(spot, item, body, "vpc-endpoint", "VpcEndpointId")
}
