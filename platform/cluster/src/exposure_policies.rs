//! Whether NetworkPolicies let traffic from outside get to a pod (`networking.k8s.io/v1`): a pod that some policy selects for ingress
//! gets only what one of these policies admits; one that none selects gets everything.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::address::has_public;
use crate::exposure::Verdict;
use crate::object::{each, text};
use crate::problem::{Problems, nullable};
use crate::scope::Scope;
use crate::selector::Selector;
use crate::workload::{Pod, Workload, Workloads};

/// Whose address traffic comes from when it gets to the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The client's own.
    Client,
    /// The client's own or a node's, which translates addresses on the way.
    ClientOrNode,
    /// Of a proxy, which may be a pod of the cluster or stand outside of it.
    Proxy,
}

#[derive(Debug)]
struct Policy {
    path: String,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// Nothing: from anywhere.
    peers: Vec<Peer>,
    ports: Vec<Value>,
}

#[derive(Debug)]
enum Peer {
    Block { public: bool },
    Pods,
}

#[derive(Deserialize)]
struct Body {
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default, deserialize_with = "nullable")]
    pod_selector: Value,
    #[serde(default, deserialize_with = "nullable")]
    policy_types: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    ingress: Vec<Value>,
}

/// Policies about ingress, and the workloads that each isolates.
#[derive(Debug)]
pub(crate) struct Policies {
    all: Vec<Policy>,
    of_workload: HashMap<u32, Vec<usize>>,
}

impl Policies {
    pub(crate) fn of(scope: &Scope<'_>, workloads: &Workloads, problems: &mut Problems) -> Self {
        let mut policies = Self { all: Vec::new(), of_workload: HashMap::new() };
        for object in scope.objects() {
            if object.kind.group != "networking.k8s.io" || object.kind.kind != "NetworkPolicy" {
                continue;
            }
            let Some(body) = scope.view(object, || problems.view::<Body>(object)) else { continue };
            let spec = &body.spec;
            if !spec.policy_types.is_empty() && !spec.policy_types.iter().any(|kind| kind == "Ingress") {
                continue;
            }
            let namespace = object.namespace.as_deref().unwrap_or_default();
            for workload in workloads.selected(namespace, &Selector::of(&spec.pod_selector)) {
                policies.of_workload.entry(workload).or_default().push(policies.all.len());
            }
            policies.all.push(Policy { path: object.path(), rules: spec.ingress.iter().map(rule).collect() });
        }
        policies
    }

    /// What becomes of traffic to a port of a workload, why, and by which policies.
    pub(crate) fn judge(
        &self,
        number: u32,
        workload: &Workload,
        source: Source,
        (port, protocol): (u16, &str),
    ) -> (Verdict, &'static str, Vec<String>) {
        let numbers = self.of_workload.get(&number).map_or(&[][..], Vec::as_slice);
        if numbers.is_empty() {
            return (Verdict::Open, "no NetworkPolicy selects the pods for ingress", Vec::new());
        }
        if workload.pod.host_network {
            return (
                Verdict::Open,
                "NetworkPolicies do not apply to pods on the network of their node",
                Vec::new(),
            );
        }
        let policies = numbers.iter().filter_map(|number| self.all.get(*number));
        let mut best =
            (Verdict::Filtered, "no NetworkPolicy admits traffic from outside to this port", Vec::new());
        for policy in policies.clone() {
            for rule in policy.rules.iter().filter(|rule| rule.has_port(&workload.pod, port, protocol)) {
                let (verdict, why) = rule.judge(source);
                if verdict < best.0 {
                    best = (verdict, why, vec![policy.path.clone()]);
                }
            }
        }
        if best.0 == Verdict::Filtered {
            best.2 = policies.map(|policy| policy.path.clone()).collect();
        }
        best
    }
}

fn rule(value: &Value) -> Rule {
    let peer = |peer: &Value| match text(peer, "/ipBlock/cidr") {
        Some(block) => {
            let except: Vec<&str> = each(peer, "/ipBlock/except").filter_map(Value::as_str).collect();
            Peer::Block { public: has_public(block, &except) }
        }
        None => Peer::Pods,
    };
    Rule { peers: each(value, "/from").map(peer).collect(), ports: each(value, "/ports").cloned().collect() }
}

impl Rule {
    fn judge(&self, source: Source) -> (Verdict, &'static str) {
        let public = self.peers.iter().any(|peer| matches!(peer, Peer::Block { public: true }));
        let blocks = self.peers.iter().any(|peer| matches!(peer, Peer::Block { .. }));
        match source {
            _ if self.peers.is_empty() => (Verdict::Open, "a NetworkPolicy admits traffic from anywhere"),
            Source::Proxy => (
                Verdict::Possible,
                "a NetworkPolicy admits some pods or addresses, which may be those of the proxy",
            ),
            _ if public => (Verdict::Open, "a NetworkPolicy admits public addresses"),
            Source::ClientOrNode if blocks => (
                Verdict::Possible,
                "a NetworkPolicy admits addresses that may be those of nodes, which translate",
            ),
            _ => (Verdict::Filtered, "a NetworkPolicy admits only pods or private addresses"),
        }
    }

    /// A rule without ports is about all of them. Named ports are those of the pod's containers.
    fn has_port(&self, pod: &Pod, port: u16, protocol: &str) -> bool {
        self.ports.is_empty()
            || self.ports.iter().any(|known| {
                let same = text(known, "/protocol").unwrap_or("TCP") == protocol;
                let number = |key: &str| known.get(key).and_then(Value::as_u64);
                same && match (number("port"), text(known, "/port")) {
                    (Some(first), _) => {
                        (first..=number("endPort").unwrap_or(first)).contains(&u64::from(port))
                    }
                    (None, Some(name)) => pod.ports().any(|own| {
                        own.name.as_deref() == Some(name)
                            && own.container_port == port
                            && own.protocol() == protocol
                    }),
                    (None, None) => true,
                }
            })
    }
}
