//! Security groups: what the internet reaches.

use std::ops::RangeInclusive;

use palisade_sdk::Severity::{Critical, High, Low, Medium};
use serde_json::json;

use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict};

pub(crate) const CHECKS: &Table = &[
    ("sg-open-all", Critical, all_ports),
    ("sg-open-ssh", High, |body, found| ports(body, found, &[Version::Four], SSH, "SSH")),
    ("sg-open-rdp", High, |body, found| ports(body, found, &[Version::Four], RDP, "remote desktops")),
    ("sg-open-admin-ipv6", High, admin_ipv6),
    ("sg-open-remote-administration", High, |body, found| {
        ports(body, found, BOTH, REMOTE, "remote administration")
    }),
    ("sg-open-database", High, |body, found| ports(body, found, BOTH, DATABASES, "databases")),
    ("sg-open-file-sharing", High, |body, found| ports(body, found, BOTH, FILES, "file sharing")),
    ("sg-open-orchestration", High, |body, found| {
        ports(body, found, BOTH, ORCHESTRATION, "container and cluster control")
    }),
    ("sg-open-wide-range", Medium, wide_range),
    ("sg-open-other-port", Low, other_port),
    ("sg-default-rules", Medium, default_rules),
];

const SSH: &[u16] = &[22];
const RDP: &[u16] = &[3389];
const ADMIN: &[u16] = &[22, 3389];
/// Telnet, Windows RPC, VNC, WinRM.
const REMOTE: &[u16] = &[23, 135, 5500, 5900, 5901, 5902, 5903, 5985, 5986];
/// SQL Server, Oracle, MySQL, PostgreSQL, Redshift, CouchDB, Redis, Cassandra, InfluxDB, Elasticsearch, Memcached, MongoDB.
const DATABASES: &[u16] = &[
    1433, 1434, 1521, 2483, 2484, 3306, 5432, 5439, 5984, 6379, 7000, 7001, 8086, 9042, 9200, 9300, 11211,
    27017, 27018, 27019,
];
/// FTP, port mapper, NetBIOS, SMB, rsync, NFS.
const FILES: &[u16] = &[20, 21, 111, 137, 138, 139, 445, 873, 2049];
/// Docker, etcd, the API server of Kubernetes, the kubelet.
const ORCHESTRATION: &[u16] = &[2375, 2376, 2379, 2380, 6443, 10250, 10255];
/// What the whole internet may reach.
const WEB: &[u16] = &[80, 443];

/// Ports that are opened at once before the range counts as wide.
const RANGE_MAX: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Four,
    Six,
}

const BOTH: &[Version] = &[Version::Four, Version::Six];

/// A rule that lets any address in.
struct Opening<'a> {
    /// The entry of the addresses.
    at: String,
    version: Version,
    protocol: &'a str,
    ports: RangeInclusive<u16>,
}

impl Opening<'_> {
    fn all_ports(&self) -> bool {
        self.protocol == "-1" || *self.ports.start() <= 1 && *self.ports.end() == u16::MAX
    }

    fn reaches(&self, port: u16) -> bool {
        matches!(self.protocol, "tcp" | "6" | "udp" | "17" | "-1") && self.ports.contains(&port)
    }

    fn shown(&self) -> String {
        let protocol = match self.protocol {
            "-1" => "all protocols",
            "6" => "tcp",
            "17" => "udp",
            other => other,
        };
        let (start, end) = (self.ports.start(), self.ports.end());
        let range = if start == end { start.to_string() } else { format!("{start}-{end}") };
        format!("{}, {range}", crate::finding::shown(protocol))
    }

    fn finding(&self, message: String) -> Finding {
        let address = if self.version == Version::Four { "0.0.0.0/0" } else { "::/0" };
        Finding::at(&self.at, message).compared(
            json!({ "from": address, "ports": self.shown() }),
            json!("addresses of your own, or another security group"),
        )
    }
}

/// Every rule of the group that lets any address in.
fn openings<'a>(body: &Body<'a>) -> Result<Vec<Opening<'a>>, Stop> {
    let mut all = Vec::new();
    for permission in body.need("IpPermissions")?.items()? {
        let protocol = permission.text_of("IpProtocol")?.unwrap_or("-1");
        let ports = range(&permission, protocol)?;
        for (list, key, version) in
            [("IpRanges", "CidrIp", Version::Four), ("Ipv6Ranges", "CidrIpv6", Version::Six)]
        {
            for range in permission.items_of(list)? {
                if range.text_of(key)?.is_some_and(any) {
                    all.push(Opening { at: range.at, version, protocol, ports: ports.clone() });
                }
            }
        }
    }
    Ok(all)
}

/// Whether a range is the internet, or so much of it that it comes to the same: 0.0.0.0/0, and its halves.
fn any(range: &str) -> bool {
    matches!(range.rsplit_once('/'), Some((_, "0")))
        || matches!(range, "0.0.0.0/1" | "128.0.0.0/1" | "::/1" | "8000::/1")
}

fn range(permission: &Node<'_>, protocol: &str) -> Result<RangeInclusive<u16>, Stop> {
    let port = |key: &str, other: u16| -> Result<u16, Stop> {
        let number = permission.get(key)?.map(|node| node.number()).transpose()?;
        Ok(number
            .filter(|number| *number >= 0)
            .and_then(|number| u16::try_from(number).ok())
            .unwrap_or(other))
    };
    if protocol == "-1" {
        return Ok(0..=u16::MAX);
    }
    Ok(port("FromPort", 0)?..=port("ToPort", u16::MAX)?)
}

fn icmp(opening: &Opening<'_>) -> bool {
    matches!(opening.protocol, "icmp" | "icmpv6" | "1" | "58")
}

fn all_ports(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for opening in openings(body)?.iter().filter(|opening| !icmp(opening) && opening.all_ports()) {
        found.add(opening.finding(format!("Any address reaches every port ({}).", opening.shown())));
    }
    Ok(true)
}

/// Rules that open some ports. One that opens all of them is told by the check for that, which then answers for this one.
fn some<'a>(body: &Body<'a>) -> Result<(Vec<Opening<'a>>, bool), Stop> {
    let (all, some): (Vec<_>, Vec<_>) =
        openings(body)?.into_iter().filter(|opening| !icmp(opening)).partition(Opening::all_ports);
    Ok((some, !all.is_empty()))
}

fn ports(
    body: &Body<'_>,
    found: &mut Found<'_>,
    versions: &[Version],
    wanted: &[u16],
    what: &str,
) -> Verdict {
    let (some, all) = some(body)?;
    for opening in some.iter().filter(|opening| versions.contains(&opening.version)) {
        if let Some(port) = wanted.iter().find(|port| opening.reaches(**port)) {
            found.add(opening.finding(format!("Any address reaches {what} on port {port}.")));
        }
    }
    found.unless(all)
}

/// Frameworks ask about IPv6 by itself, and all ports may be open to IPv4 alone; so what opens all of them to IPv6 fails here too.
fn admin_ipv6(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for opening in openings(body)?.iter().filter(|opening| opening.version == Version::Six) {
        if let Some(port) = ADMIN.iter().find(|port| opening.reaches(**port)) {
            found.add(opening.finding(format!("Any IPv6 address reaches port {port}.")));
        }
    }
    Ok(true)
}

fn wide_range(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let (some, all) = some(body)?;
    for opening in some.iter().filter(|opening| opening.ports.len() > RANGE_MAX) {
        found.add(opening.finding(format!(
            "Any address reaches {} ports at once ({}).",
            opening.ports.len(),
            opening.shown()
        )));
    }
    found.unless(all)
}

fn other_port(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let (some, all) = some(body)?;
    let mut told = all;
    for opening in some.iter().filter(|opening| !WEB.iter().any(|port| opening.ports == (*port..=*port))) {
        let named = [ADMIN, REMOTE, DATABASES, FILES, ORCHESTRATION]
            .concat()
            .into_iter()
            .any(|port| opening.reaches(port));
        if named || opening.ports.len() > RANGE_MAX {
            told = true;
            continue;
        }
        found.add(
            opening.finding(format!(
                "Any address reaches a port that is none of the web ({}).",
                opening.shown()
            )),
        );
    }
    found.unless(told)
}

fn default_rules(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    if body.need("GroupName")?.text()? != "default" {
        return Ok(false);
    }
    for (key, way) in [("IpPermissions", "in"), ("IpPermissionsEgress", "out")] {
        let rules = body.need(key)?.items()?.len();
        if rules > 0 {
            let message = format!("The default security group has {rules} rules that let traffic {way}.");
            found.add(Finding::at(body.place(key), message).compared(json!(rules), json!(0)));
        }
    }
    Ok(true)
}
