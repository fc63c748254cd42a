//! Networks: ACLs, flow logs, subnets.

use palisade_sdk::Severity::{Low, Medium};
use serde_json::json;

use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict, off};

pub(crate) const ACL_CHECKS: &Table = &[("nacl-open-admin-ports", Medium, admin_ports)];

pub(crate) const VPC_CHECKS: &Table = &[("vpc-flow-logs", Medium, flow_logs)];

pub(crate) const SUBNET_CHECKS: &Table = &[("subnet-auto-public-ip", Low, |body, found| {
    off(body, found, "MapPublicIpOnLaunch", "Machines started in the subnet get a public address.")
})];

/// An inbound entry that is about any address.
struct Entry<'a> {
    number: i64,
    allow: bool,
    node: Node<'a>,
}

/// Inbound entries about any address of a version of IP that decide about a port, in the order in which AWS looks at them.
fn entries<'a>(acl: &[Node<'a>], addresses: (&str, &str), port: i64) -> Result<Vec<Entry<'a>>, Stop> {
    let mut all = Vec::new();
    for node in acl {
        let any = node.text_of(addresses.0)? == Some(addresses.1);
        if !any || node.need("Egress")?.flag()? || !decides(node, port)? {
            continue;
        }
        let allow = node.text_of("RuleAction")? == Some("allow");
        all.push(Entry { number: node.need("RuleNumber")?.number()?, allow, node: node.clone() });
    }
    all.sort_by_key(|entry| entry.number);
    Ok(all)
}

/// Whether an entry is about TCP connections to a port.
fn decides(entry: &Node<'_>, port: i64) -> Result<bool, Stop> {
    match entry.text_of("Protocol")? {
        Some("-1" | "all") => Ok(true),
        Some("6" | "tcp") => {
            let Some(range) = entry.get("PortRange")? else { return Ok(true) };
            Ok(range.need("From")?.number()? <= port && port <= range.need("To")?.number()?)
        }
        _ => Ok(false),
    }
}

fn admin_ports(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let acl = body.need("Entries")?.items()?;
    let mut told = Vec::new();
    for addresses in [("CidrBlock", "0.0.0.0/0"), ("Ipv6CidrBlock", "::/0")] {
        for port in [22, 3389] {
            let entries = entries(&acl, addresses, port)?;
            let Some(first) = entries.first().filter(|entry| entry.allow) else { continue };
            if !told.contains(&first.node.at) {
                let message = format!("Entry {} lets {} reach port {port}.", first.number, addresses.1);
                found.add(
                    Finding::at(&first.node.at, message)
                        .compared(json!({ "from": addresses.1, "port": port }), json!("deny")),
                );
                told.push(first.node.at.clone());
            }
        }
    }
    Ok(true)
}

fn flow_logs(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for log in body.need("FlowLogs")?.items()? {
        let active = log.text_of("FlowLogStatus")?.is_none_or(|status| status == "ACTIVE");
        if active && log.text_of("TrafficType")?.is_none_or(|traffic| matches!(traffic, "ALL" | "REJECT")) {
            return Ok(true);
        }
    }
    let message = "The VPC has no active flow log that records rejected traffic.";
    found.add(
        Finding::at("/FlowLogs", message)
            .compared(json!("none"), json!({ "TrafficType": "ALL", "FlowLogStatus": "ACTIVE" })),
    );
    Ok(true)
}
