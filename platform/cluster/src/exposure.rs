//! Which workloads traffic from the internet can get to, on which ports, and which objects prove it.
//!
//! Judged is what objects of the cluster say. Firewalls of clouds, addresses of nodes, and what an ingress controller makes of its
//! rules are not known here: a node port counts as open to the internet.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::exposure_doors::{Door, Service, doors, services};
use crate::exposure_policies::{Policies, Source};
use crate::problem::{Problem, Problems};
use crate::scope::Scope;
use crate::snapshot::Snapshot;
use crate::workload::{Workload, Workloads};

/// Most entries that are kept of one workload.
const ENTRIES_MAX: usize = 200;

/// What becomes of traffic from the internet. Sorted: what gets furthest is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It gets to the pods.
    Open,
    /// It may: that depends on something that the objects do not say.
    Possible,
    /// A NetworkPolicy keeps it out.
    Filtered,
    /// The door is there, and not of the internet.
    Internal,
}

/// How traffic gets into the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DoorKind {
    /// A Service of type LoadBalancer.
    LoadBalancer,
    /// A Service of type NodePort.
    NodePort,
    /// A Service with public `externalIPs`.
    ExternalIp,
    /// An Ingress.
    Ingress,
    /// A Gateway and a route.
    Gateway,
    /// A container with a `hostPort`.
    HostPort,
    /// A pod on its node's network.
    HostNetwork,
}

/// One way to a workload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Entry {
    /// What becomes of traffic.
    pub verdict: Verdict,
    /// How it comes in.
    pub door: DoorKind,
    /// Port outside.
    pub port: u16,
    /// Port of the pod.
    pub target: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// Paths of the objects from the door to the workload, in order.
    pub path: Vec<String>,
    /// Why it is judged so.
    pub why: String,
    /// Paths of the NetworkPolicies that decided.
    pub policies: Vec<String>,
}

/// A workload with at least one door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Exposed {
    /// Path of the workload.
    pub workload: String,
    /// The best that traffic can hope for.
    pub verdict: Verdict,
    /// Every way, sorted.
    pub entries: Vec<Entry>,
}

/// Exposure of a cluster.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Exposure {
    /// Workloads with a door, by path.
    pub workloads: Vec<Exposed>,
    /// What was skipped; the first thousand.
    pub problems: Vec<Problem>,
    /// How much was skipped altogether.
    pub problem_count: usize,
}

impl Exposure {
    /// Follows every door to the workloads behind it.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        Self::within(&Scope::all(snapshot))
    }

    /// The same for a part of the cluster.
    pub(crate) fn within(scope: &Scope<'_>) -> Self {
        let mut problems = Problems::default();
        let workloads = Workloads::of(scope, &mut problems);
        let policies = Policies::of(scope, &workloads, &mut problems);
        let services = services(scope, &mut problems);
        let mut following = Following {
            workloads: &workloads,
            policies,
            services: &services,
            entries: BTreeMap::new(),
            cut: false,
        };
        for door in doors(scope, &services, &mut problems) {
            following.door(&door);
        }
        following.hosts();
        let (mut exposed, mut cut): (Vec<Exposed>, bool) = (Vec::new(), following.cut);
        for (number, mut entries) in following.entries {
            let Some(workload) = workloads.get(number) else { continue };
            cut |= keep_best(&mut entries);
            let verdict = entries.first().map_or(Verdict::Internal, |entry| entry.verdict);
            exposed.push(Exposed { workload: workload.path.clone(), verdict, entries });
        }
        if cut {
            problems.add(
                "cluster",
                format!("of a workload the best {ENTRIES_MAX} ways are kept; some have more"),
            );
        }
        Self { workloads: exposed, problem_count: problems.count, problems: problems.kept }
    }

    /// What is known of a workload, by its path; nothing of one without a door.
    #[must_use]
    pub fn workload(&self, path: &str) -> Option<&Exposed> {
        let found = self.workloads.binary_search_by(|exposed| exposed.workload.as_str().cmp(path)).ok()?;
        self.workloads.get(found)
    }
}

struct Following<'a> {
    workloads: &'a Workloads,
    policies: Policies,
    services: &'a HashMap<String, Arc<Service>>,
    entries: BTreeMap<u32, Vec<Entry>>,
    /// Some workload has more ways than are kept.
    cut: bool,
}

impl Following<'_> {
    fn door(&mut self, door: &Door) {
        let Some(service) = self.services.get(&door.service) else { return };
        let workloads = self.workloads;
        for port in service.ports.iter().filter(|port| door.backend.is(port)) {
            let outside = match door.kind {
                DoorKind::NodePort => port.node_port.unwrap_or(port.port),
                _ => door.port.unwrap_or(port.port),
            };
            for number in workloads.selected(&service.namespace, &service.selector) {
                let Some(workload) = workloads.get(number) else { continue };
                let Some(target) = target(port.target.as_ref(), port.port, port.protocol(), workload) else {
                    continue;
                };
                let mut path = door.path.clone();
                path.push(workload.path.clone());
                self.enter(number, workload, door, (outside, target, port.protocol()), path);
            }
        }
    }

    fn enter(
        &mut self,
        number: u32,
        workload: &Workload,
        door: &Door,
        (port, target, protocol): (u16, u16, &str),
        path: Vec<String>,
    ) {
        let (mut verdict, why, policies) =
            self.policies.judge(number, workload, door.source, (target, protocol));
        let mut why = why.to_owned();
        if let (Some(doubt), Verdict::Open) = (&door.doubt, verdict) {
            (verdict, why) = (Verdict::Possible, doubt.clone());
        }
        if let Some(internal) = &door.internal {
            (verdict, why) = (Verdict::Internal, internal.clone());
        }
        let entry = Entry {
            verdict,
            door: door.kind,
            port,
            target,
            protocol: protocol.to_owned(),
            path,
            why,
            policies,
        };
        let entries = self.entries.entry(number).or_default();
        entries.push(entry);
        // Every service of a namespace may select every workload of it.
        if entries.len() >= 4 * ENTRIES_MAX {
            self.cut |= keep_best(entries);
        }
    }

    /// Pods that are themselves on their node's addresses, by the ports that they declare.
    fn hosts(&mut self) {
        let workloads = self.workloads;
        for (number, workload) in (0_u32..).zip(&workloads.all) {
            for port in workload.pod.ports() {
                let local = port.host_ip.as_deref().is_some_and(|ip| ip == "::1" || ip.starts_with("127."));
                let (kind, outside) = match (workload.pod.host_network, port.host_port) {
                    (true, _) => (DoorKind::HostNetwork, port.container_port),
                    (false, 0) => continue,
                    (false, host_port) => (DoorKind::HostPort, host_port),
                };
                if !local {
                    let door = Door::host(kind);
                    let ports = (outside, port.container_port, port.protocol());
                    self.enter(number, workload, &door, ports, vec![workload.path.clone()]);
                }
            }
        }
    }
}

/// Sorts the ways and keeps the best; whether there were more.
fn keep_best(entries: &mut Vec<Entry>) -> bool {
    entries.sort();
    entries.dedup();
    let more = entries.len() > ENTRIES_MAX;
    entries.truncate(ENTRIES_MAX);
    more
}

/// Port of the pod that a service's port leads to; a name is that of a container's port, and leads nowhere if no container has it.
fn target(target: Option<&Value>, port: u16, protocol: &str, workload: &Workload) -> Option<u16> {
    match target {
        Some(Value::Number(number)) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Some(Value::String(name)) => {
            let mut ports = workload.pod.ports();
            let named = ports.find(|port| port.name.as_ref() == Some(name) && port.protocol() == protocol);
            named.map(|port| port.container_port).or_else(|| name.parse().ok())
        }
        _ => Some(port),
    }
}

impl Door {
    fn host(kind: DoorKind) -> Self {
        Self {
            kind,
            port: None,
            source: Source::Client,
            service: String::new(),
            backend: crate::exposure_doors::Backend::All,
            path: Vec::new(),
            internal: None,
            doubt: None,
        }
    }
}

#[cfg(test)]
#[path = "exposure_tests.rs"]
mod tests;
