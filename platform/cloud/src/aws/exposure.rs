//! What of the accounts the internet gets to, on which ports, and which resources prove it.
//!
//! Judged are public addresses, routes, network access lists and security groups; load balancers and the services behind them; URLs of
//! functions; databases, search domains, gateways and API servers of clusters; buckets and snapshots. Not known are firewalls inside of
//! machines, prefix lists, AWS Network Firewall and WAF, and which machines a target group has: AWS lists its members elsewhere.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::aws::access::Access;
use crate::aws::account::Account;
use crate::aws::exposure_doors::Doors;
use crate::aws::network::Ports;

/// Most entries that are kept of one resource.
const ENTRIES_MAX: usize = 200;

/// What becomes of traffic from the internet. Sorted: what gets furthest is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountVerdict))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It gets there.
    Open,
    /// It may: that depends on something that was not collected.
    Possible,
    /// A security group, an access list, a route or a policy keeps it out.
    Filtered,
    /// The door is there, and not of the internet.
    Internal,
}

/// How traffic comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountDoorKind))]
#[serde(rename_all = "kebab-case")]
pub enum DoorKind {
    /// A public address of a network interface.
    PublicAddress,
    /// A load balancer.
    LoadBalancer,
    /// The URL of a function.
    FunctionUrl,
    /// The endpoint of a database or search domain.
    Endpoint,
    /// The API server of a cluster.
    ClusterApi,
    /// A gateway for HTTP.
    ApiGateway,
    /// A distribution of CloudFront.
    Distribution,
    /// The API of AWS itself, which lets anybody read what is there.
    AwsApi,
}

/// One way to a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountEntry))]
pub struct Entry {
    /// What becomes of traffic.
    pub verdict: Verdict,
    /// How it comes in.
    pub door: DoorKind,
    /// `tcp`, `udp`, `all`, or `https` for what only that is spoken with.
    pub protocol: String,
    /// First port.
    pub from_port: u16,
    /// Last port.
    pub to_port: u16,
    /// Asset ids from the door to the resource, in order.
    pub path: Vec<String>,
    /// Why it is judged so.
    pub why: String,
    /// Asset ids of what decided: security groups, access lists, route tables.
    pub rules: Vec<String>,
}

impl Entry {
    pub(crate) fn web(verdict: Verdict, door: DoorKind, path: &[&str], why: impl Into<String>) -> Self {
        Self {
            verdict,
            door,
            protocol: "https".to_owned(),
            from_port: 443,
            to_port: 443,
            path: path.iter().map(|id| (*id).to_owned()).collect(),
            why: why.into(),
            rules: Vec::new(),
        }
    }

    pub(crate) fn with_ports(mut self, ports: &Ports) -> Self {
        (self.protocol, self.from_port, self.to_port) = (ports.protocol.clone(), ports.from, ports.to);
        self
    }
}

/// A resource with at least one door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountExposed))]
pub struct Exposed {
    /// Asset id of the resource.
    pub resource: String,
    /// Its kind.
    pub kind: String,
    /// The best that traffic can hope for.
    pub verdict: Verdict,
    /// Every way, sorted.
    pub entries: Vec<Entry>,
}

/// Exposure of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountExposure))]
pub struct Exposure {
    /// Resources with a door, by id.
    pub resources: Vec<Exposed>,
    /// Of some resource there are more ways than are kept.
    pub truncated: bool,
}

impl Exposure {
    /// Follows every door to what is behind it.
    #[must_use]
    pub fn of(account: &Account, access: &Access) -> Self {
        let mut found: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        Doors::of(account, access).all(&mut |resource: &str, entry| {
            found.entry(resource.to_owned()).or_default().push(entry);
        });
        let mut truncated = false;
        let resources = found.into_iter().filter_map(|(id, mut entries)| {
            entries.sort();
            entries.dedup();
            truncated |= entries.len() > ENTRIES_MAX;
            entries.truncate(ENTRIES_MAX);
            let verdict = entries.first()?.verdict;
            let kind = account.resource(&id)?.kind.clone();
            Some(Exposed { resource: id, kind, verdict, entries })
        });
        let resources = resources.collect();
        Self { resources, truncated }
    }

    /// What is known of a resource, by its id; nothing of one without a door.
    #[must_use]
    pub fn resource(&self, id: &str) -> Option<&Exposed> {
        let found = self.resources.binary_search_by(|exposed| exposed.resource.as_str().cmp(id)).ok()?;
        self.resources.get(found)
    }
}

#[cfg(test)]
#[path = "exposure_tests.rs"]
mod tests;
