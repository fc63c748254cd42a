//! Network policies, and workloads without one. Source: kubernetes.io, "Network Policies".

use std::net::Ipv4Addr;

use palisade_sdk::Severity::{Low, Medium};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::object::{List, Selector, Specified, system_namespace};
use crate::workload::Workload;

pub(crate) const WORKLOAD_CHECKS: &Table<Workload> = &[("workload-network-policy", Medium, selected)];

fn selected(pods: &Object<'_, Workload>, found: &mut Found<'_>) -> Verdict {
    let outside = pods.body.pod.host_network == Some(true) || system_namespace(pods.meta.namespace());
    // A namespace without any policy is told of once.
    if outside || !pods.beside("NetworkPolicy.networking.k8s.io")? {
        return Ok(false);
    }
    if !pods.joined("selected-by:NetworkPolicy.networking.k8s.io")? {
        let at = format!("{}/metadata/labels", pods.body.template_at);
        let message = "No network policy selects the pods: everything reaches them, though others of the namespace are protected.";
        found.add(Finding::at(at, message).compared(Value::Null, json!("a NetworkPolicy")));
    }
    Ok(true)
}

/// A network policy.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Policy {
    policy_types: List<String>,
    ingress: List<Rule>,
    egress: List<Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rule {
    from: List<Peer>,
    to: List<Peer>,
    ports: List<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Peer {
    ip_block: Option<Block>,
    namespace_selector: Option<Selector>,
    pod_selector: Option<Selector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Block {
    cidr: String,
    except: List<String>,
}

type Policies<'a> = Object<'a, Specified<Policy>>;

pub(crate) const CHECKS: &Table<Specified<Policy>> = &[
    ("network-policy-open-ingress", Medium, open_ingress),
    ("network-policy-open-egress", Medium, open_egress),
    ("network-policy-metadata-egress", Medium, metadata),
    ("network-policy-all-namespaces", Low, all_namespaces),
    ("network-policy-rules-ignored", Medium, ignored),
    ("network-policy-selects-nothing", Low, selects_nothing),
];

/// Networks that hold every address.
fn everywhere(cidr: &str) -> bool {
    cidr.split_once('/').is_some_and(|(_, bits)| bits == "0")
}

fn open_ingress(object: &Policies<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, rule) in object.body.spec.ingress.iter().enumerate() {
        let at = format!("/spec/ingress/{index}");
        if rule.from.is_empty() {
            let ports = if rule.ports.is_empty() { "all ports" } else { "the ports it names" };
            let message = format!("The rule lets every address connect to {ports}.");
            found.add(
                Finding::at(&at, message)
                    .lesser(!rule.ports.is_empty())
                    .compared(Value::Null, json!({ "from": [{ "podSelector": {} }] }))
                    .set(format!("{at}/from"), json!([{ "podSelector": {} }])),
            );
        }
        for (peer, block) in
            blocks(&rule.from).filter(|(_, block)| everywhere(&block.cidr) && block.except.is_empty())
        {
            let message = format!("The rule lets {} connect: every address.", shown(&block.cidr));
            let finding =
                Finding::at(format!("{at}/from/{peer}/ipBlock"), message).lesser(!rule.ports.is_empty());
            found.add(finding.compared(quoted(&block.cidr), json!("the networks of those who call")));
        }
    }
    Ok(true)
}

fn blocks(peers: &[Peer]) -> impl Iterator<Item = (usize, &Block)> {
    peers.iter().enumerate().filter_map(|(index, peer)| Some((index, peer.ip_block.as_ref()?)))
}

fn open_egress(object: &Policies<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, rule) in object.body.spec.egress.iter().enumerate() {
        let at = format!("/spec/egress/{index}");
        // Ports alone are how names are looked up.
        if rule.to.is_empty() && rule.ports.is_empty() {
            let message = "The rule lets the pods connect to every address.";
            let wanted = json!([{ "podSelector": {} }]);
            found.add(
                Finding::at(&at, message)
                    .compared(Value::Null, json!({ "to": wanted }))
                    .set(format!("{at}/to"), wanted),
            );
        }
        for (peer, block) in
            blocks(&rule.to).filter(|(_, block)| everywhere(&block.cidr) && block.except.is_empty())
        {
            let message =
                format!("The rule lets the pods connect to {}: to every address.", shown(&block.cidr));
            let finding =
                Finding::at(format!("{at}/to/{peer}/ipBlock"), message).lesser(!rule.ports.is_empty());
            found.add(finding.compared(quoted(&block.cidr), json!("the networks that are called")));
        }
    }
    Ok(true)
}

/// Where clouds tell a machine of itself, its credentials too.
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// Whether a network in CIDR form holds an address.
fn holds(cidr: &str, address: Ipv4Addr) -> bool {
    let Some((network, bits)) = cidr.split_once('/') else { return false };
    let (Ok(network), Ok(bits)) = (network.parse::<Ipv4Addr>(), bits.parse::<u32>()) else { return false };
    let Some(shift) = 32_u32.checked_sub(bits) else { return false };
    let mask = u32::MAX.checked_shl(shift).unwrap_or_default();
    u32::from(network) & mask == u32::from(address) & mask
}

fn metadata(object: &Policies<'_>, found: &mut Found<'_>) -> Verdict {
    if object.body.spec.egress.is_empty() {
        return Ok(false);
    }
    for (index, rule) in object.body.spec.egress.iter().enumerate() {
        for (peer, block) in blocks(&rule.to) {
            // What is open to everything is told of as that.
            let open = everywhere(&block.cidr) && block.except.is_empty();
            let excepted = block.except.iter().any(|except| holds(except, METADATA));
            if holds(&block.cidr, METADATA) && !excepted && !open {
                let at = format!("/spec/egress/{index}/to/{peer}/ipBlock");
                let message = format!(
                    "The rule lets the pods reach the metadata service {METADATA} through {}.",
                    shown(&block.cidr)
                );
                let except = format!("{METADATA}/32");
                let finding =
                    Finding::at(&at, message).compared(quoted(&block.cidr), json!({ "except": [except] }));
                found.add(if block.except.is_empty() {
                    finding.set(format!("{at}/except"), json!([except]))
                } else {
                    finding.set(format!("{at}/except/-"), json!(except))
                });
            }
        }
    }
    let everything = |rule: &Rule| {
        let all = rule.to.is_empty() && rule.ports.is_empty();
        all || blocks(&rule.to).any(|(_, block)| everywhere(&block.cidr) && block.except.is_empty())
    };
    found.unless(object.body.spec.egress.iter().any(everything))
}

fn all_namespaces(object: &Policies<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, rule) in object.body.spec.ingress.iter().enumerate() {
        for (peer, from) in rule.from.iter().enumerate() {
            let all = from.namespace_selector.as_ref().is_some_and(Selector::is_empty);
            if all && from.pod_selector.as_ref().is_none_or(Selector::is_empty) {
                let at = format!("/spec/ingress/{index}/from/{peer}/namespaceSelector");
                let message = "The rule lets every pod of every namespace connect.";
                let wanted = json!({ "matchLabels": { "kubernetes.io/metadata.name": "example" } });
                found.add(Finding::at(&at, message).compared(json!({}), wanted.clone()).set(at, wanted));
            }
        }
    }
    Ok(true)
}

fn ignored(object: &Policies<'_>, found: &mut Found<'_>) -> Verdict {
    let spec = &object.body.spec;
    let types = &spec.policy_types;
    // Types that are not said follow from the rules.
    if types.is_empty() {
        return Ok(true);
    }
    for (rules, kind, key) in [(&spec.ingress, "Ingress", "ingress"), (&spec.egress, "Egress", "egress")] {
        if !rules.is_empty() && !types.iter().any(|name| name == kind) {
            let message =
                format!("The policy has {key} rules, which do nothing: policyTypes does not name {kind}.");
            let finding = Finding::at("/spec/policyTypes", message)
                .compared(json!(types.iter().map(|name| shown(name)).collect::<Vec<_>>()), json!(kind));
            found.add(finding.set("/spec/policyTypes/-", json!(kind)));
        }
    }
    Ok(true)
}

fn selects_nothing(object: &Policies<'_>, found: &mut Found<'_>) -> Verdict {
    if !object.joined("selects")? {
        let message = "The policy selects no workload: what it should protect is not protected.";
        found.add(
            Finding::at("/spec/podSelector", message).compared(Value::Null, json!("labels of a workload")),
        );
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::{METADATA, holds};

    #[test]
    fn networks_hold_addresses() {
        for cidr in ["0.0.0.0/0", "169.254.0.0/16", "169.254.169.254/32", "128.0.0.0/1"] {
            assert!(holds(cidr, METADATA), "{cidr}");
        }
        for cidr in ["10.0.0.0/8", "169.254.169.253/32", "::/0", "", "1.2.3.4", "0.0.0.0/33", "a/b"] {
            assert!(!holds(cidr, METADATA), "{cidr}");
        }
    }
}
