//! Ranges of addresses and ports, security groups, network access lists and routes, as far as the internet at large is concerned.

use std::net::IpAddr;

use serde_json::Value;

use crate::aws::truth::Truth;
use crate::resource::{Resource, list_in, text_in};

/// Longest prefix of a range that still counts as the internet at large: a sixteenth of it, or of what is in use of version 6.
const INTERNET_BITS_MAX: u8 = 4;
/// Prefixes of version 6 that people write for the internet at large: `2000::/3` and shorter ones.
const INTERNET_BITS_MAX_6: u8 = 3;

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) address: IpAddr,
    pub(crate) bits: u8,
}

impl Range {
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.trim().parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.trim().parse().ok().filter(|bits| *bits <= most)?,
            None => most,
        };
        Some(Self { address, bits })
    }

    /// Whether it is so wide that it leaves nobody out who cares: `0.0.0.0/0`, and halves of it that hide from searches for that.
    pub(crate) fn is_internet(self) -> bool {
        match self.address {
            IpAddr::V4(_) => self.bits <= INTERNET_BITS_MAX,
            IpAddr::V6(_) => self.bits <= INTERNET_BITS_MAX_6,
        }
    }
}

/// Ports of one protocol, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ports {
    /// `tcp`, `udp`, or `all`.
    pub(crate) protocol: String,
    pub(crate) from: u16,
    pub(crate) to: u16,
}

impl Ports {
    pub(crate) fn tcp(port: u16) -> Self {
        Self { protocol: "tcp".to_owned(), from: port, to: port }
    }

    fn cut(&self, protocol: &str, from: u16, to: u16) -> Option<Self> {
        let protocol = match (self.protocol.as_str(), protocol) {
            ("all", other) | (other, "all") => other,
            (one, other) if one == other => one,
            _ => return None,
        };
        let (from, to) = (self.from.max(from), self.to.min(to));
        (from <= to).then(|| Self { protocol: protocol.to_owned(), from, to })
    }

    pub(crate) fn both(&self, other: &Self) -> Option<Self> {
        self.cut(&other.protocol, other.from, other.to)
    }
}

/// The name of a protocol that has ports; nothing for others, such as ICMP.
fn protocol(text: &str) -> Option<&'static str> {
    match text {
        "-1" | "all" => Some("all"),
        "6" | "tcp" => Some("tcp"),
        "17" | "udp" => Some("udp"),
        _ => None,
    }
}

fn port(value: &Value, key: &str, otherwise: u16) -> u16 {
    value.get(key).and_then(Value::as_i64).and_then(|port| u16::try_from(port).ok()).unwrap_or(otherwise)
}

/// What a security group lets in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inbound {
    /// From the internet at large.
    pub(crate) open: Vec<Ports>,
    /// From lists of addresses that were not collected.
    pub(crate) possible: Vec<Ports>,
}

/// Reads the rules of a security group.
pub(crate) fn inbound(group: &Resource) -> Inbound {
    let mut inbound = Inbound::default();
    for rule in group.list(&["IpPermissions"]) {
        let Some(protocol) = text_in(rule, &["IpProtocol"]).and_then(protocol) else { continue };
        let ports = if protocol == "all" {
            Ports { protocol: protocol.to_owned(), from: 0, to: u16::MAX }
        } else {
            let ports = (port(rule, "FromPort", 0), port(rule, "ToPort", u16::MAX));
            Ports { protocol: protocol.to_owned(), from: ports.0, to: ports.1 }
        };
        let range = |range: &Value, key: &str| Range::of(text_in(range, &[key])?);
        let four = list_in(rule, &["IpRanges"]).iter().filter_map(|value| range(value, "CidrIp"));
        let six = list_in(rule, &["Ipv6Ranges"]).iter().filter_map(|value| range(value, "CidrIpv6"));
        if four.chain(six).any(Range::is_internet) {
            inbound.open.push(ports);
        } else if !list_in(rule, &["PrefixListIds"]).is_empty() {
            inbound.possible.push(ports);
        }
    }
    inbound
}

/// Ports that an access list lets through to the internet or from it: its rules in order, the first that is about a port decides. Rules
/// about narrow ranges of addresses neither open nor close anything to the internet at large.
pub(crate) fn access_list(list: &Resource, outwards: bool, wanted: &Ports) -> Vec<Ports> {
    let mut entries: Vec<(i64, &Value)> = list
        .list(&["Entries"])
        .iter()
        .filter(|entry| entry.get("Egress").and_then(Value::as_bool) == Some(outwards))
        .map(|entry| (entry.get("RuleNumber").and_then(Value::as_i64).unwrap_or(i64::MAX), entry))
        .collect();
    entries.sort_by_key(|(number, _)| *number);
    let (mut left, mut open) = (vec![wanted.clone()], Vec::new());
    for (_, entry) in entries {
        let range = text_in(entry, &["CidrBlock"]).or_else(|| text_in(entry, &["Ipv6CidrBlock"]));
        let Some(protocol) = text_in(entry, &["Protocol"]).and_then(protocol) else { continue };
        if !range.and_then(Range::of).is_some_and(Range::is_internet) {
            continue;
        }
        let (from, to) = match entry.get("PortRange").filter(|_| protocol != "all") {
            Some(ports) => (port(ports, "From", 0), port(ports, "To", u16::MAX)),
            None => (0, u16::MAX),
        };
        let allows = text_in(entry, &["RuleAction"]) == Some("allow");
        let mut rest = Vec::new();
        for piece in left {
            let Some(cut) = piece.cut(protocol, from, to) else {
                rest.push(piece);
                continue;
            };
            // Of a piece of every protocol one protocol is cut out: what is left of it is not told apart, and stays for denials.
            let narrower = piece.protocol != cut.protocol;
            if narrower && !allows {
                rest.extend(other_protocol(&piece, &cut.protocol));
            } else if narrower {
                rest.push(piece.clone());
            }
            if piece.from < cut.from {
                rest.push(Ports { protocol: cut.protocol.clone(), from: piece.from, to: cut.from - 1 });
            }
            if cut.to < piece.to {
                rest.push(Ports { protocol: cut.protocol.clone(), from: cut.to + 1, to: piece.to });
            }
            if allows {
                open.push(cut);
            }
        }
        rest.sort();
        rest.dedup();
        left = rest;
        // Lists have at most forty rules; more pieces than this come from nothing that AWS gives.
        left.truncate(512);
    }
    open.sort();
    open.dedup();
    open
}

fn other_protocol(piece: &Ports, taken: &str) -> Option<Ports> {
    let other = if taken == "tcp" { "udp" } else { "tcp" };
    Some(Ports { protocol: other.to_owned(), ..piece.clone() })
}

/// Whether a route table leads to the internet, by a gateway that lets connections in.
pub(crate) fn leads_out(table: &Resource) -> Truth {
    let out = table.list(&["Routes"]).iter().any(|route| {
        let to = text_in(route, &["DestinationCidrBlock"])
            .or_else(|| text_in(route, &["DestinationIpv6CidrBlock"]));
        let gateway = text_in(route, &["GatewayId"]).unwrap_or_default();
        let alive = text_in(route, &["State"]).is_none_or(|state| state == "active");
        gateway.starts_with("igw-") && alive && to.and_then(Range::of).is_some_and(Range::is_internet)
    });
    Truth::from(out)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Ports, Range, access_list, inbound};
    use crate::resource::Resource;

    fn entry(number: i64, action: &str, protocol: &str, range: &str, ports: Value) -> Value {
        json!({ "RuleNumber": number, "RuleAction": action, "Protocol": protocol, "CidrBlock": range, "Egress": false,
            "PortRange": ports })
    }

    fn open(entries: Value, wanted: &Ports) -> Vec<Ports> {
        access_list(&Resource::new("a", "aws:ec2:network-acl", json!({ "Entries": entries })), false, wanted)
    }

    #[test]
    fn the_internet_is_what_leaves_nobody_out() {
        for (text, expected) in [
            ("0.0.0.0/0", true),
            ("128.0.0.0/1", true),
            ("::/0", true),
            ("10.0.0.0/8", false),
            ("198.51.100.7", false),
        ] {
            assert_eq!(Range::of(text).unwrap().is_internet(), expected, "{text}");
        }
        assert_eq!(Range::of("10.0.0.0/33"), None);
    }

    #[test]
    fn the_first_rule_of_an_access_list_about_a_port_decides() {
        let web = Ports { protocol: "tcp".to_owned(), from: 1, to: 100 };
        let all = entry(100, "allow", "-1", "0.0.0.0/0", Value::Null);
        assert_eq!(open(json!([all]), &web), std::slice::from_ref(&web));
        let ssh = entry(50, "deny", "6", "0.0.0.0/0", json!({ "From": 22, "To": 22 }));
        let expected = [Ports { from: 1, to: 21, ..web.clone() }, Ports { from: 23, to: 100, ..web.clone() }];
        assert_eq!(open(json!([all, ssh]), &web), expected);
        assert_eq!(
            open(json!([all, entry(50, "deny", "6", "10.0.0.0/8", Value::Null)]), &web),
            std::slice::from_ref(&web)
        );
        assert!(open(json!([entry(50, "deny", "-1", "0.0.0.0/0", Value::Null), all]), &web).is_empty());
        assert!(open(json!([entry(50, "deny", "6", "0.0.0.0/0", Value::Null)]), &web).is_empty());
        let any = Ports { protocol: "all".to_owned(), from: 0, to: u16::MAX };
        let udp = open(json!([entry(50, "deny", "6", "0.0.0.0/0", Value::Null), all]), &any);
        assert_eq!(udp, [Ports { protocol: "udp".to_owned(), ..any }]);
    }

    #[test]
    fn groups_let_in_whom_their_ranges_name() {
        let rules = json!([
            { "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] },
            { "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{ "CidrIp": "198.51.100.0/24" }] },
            { "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "PrefixListIds": [{ "PrefixListId": "pl-1" }] },
            { "IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] },
        ]);
        let found = inbound(&Resource::new("g", "aws:ec2:security-group", json!({ "IpPermissions": rules })));
        assert_eq!(found.open, [Ports::tcp(443)]);
        assert_eq!(found.possible, [Ports::tcp(80)]);
    }
}
