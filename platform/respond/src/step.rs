//! The steps that there are, and what they want to know.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::PlaybookError;
use crate::members::Members;
use crate::object::{Kind, is_name, put};
use crate::playbook::{NAMEABLE, is_label};

/// What a step does to the world, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// It looks, or tells somebody.
    Observing,
    /// It changes something, and can change it back.
    Reversible,
    /// It changes something for good.
    Destructive,
}

impl Class {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observing => "observing",
            Self::Reversible => "reversible",
            Self::Destructive => "destructive",
        }
    }
}

/// What a step is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aim {
    /// The pods of the incident.
    Pod,
    /// What made them: of each pod the controller that nothing else controls.
    Workload,
    /// The nodes that they run on.
    Node,
    /// The service accounts that they run as.
    ServiceAccount,
    /// One object, by name.
    Named(Kind, String, String),
}

/// A step.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Labels an object.
    Label {
        /// What.
        aim: Aim,
        /// The labels.
        labels: BTreeMap<String, String>,
    },
    /// Takes a pod off the network, as far as NetworkPolicies are enforced in the cluster.
    Quarantine {
        /// Pods, or a workload all of whose pods are meant.
        aim: Aim,
        /// Peers of NetworkPolicies that it may still speak to.
        allow: Vec<Value>,
        /// Whether all other labels are taken off, so that no Service, controller or policy knows the pod any more.
        detach: bool,
    },
    /// Scales a workload to nothing, and remembers how many there were.
    ScaleToZero {
        /// What.
        aim: Aim,
    },
    /// Deletes pods.
    DeletePod {
        /// Which.
        aim: Aim,
        /// Seconds to end.
        grace: Option<u32>,
    },
    /// Evicts pods, as disruption budgets allow.
    EvictPod {
        /// Which.
        aim: Aim,
        /// Seconds to end.
        grace: Option<u32>,
    },
    /// Lets no new pod onto a node.
    Cordon {
        /// Which.
        aim: Aim,
    },
    /// The same, and evicts what runs there but for pods of DaemonSets.
    Drain {
        /// Which.
        aim: Aim,
        /// Seconds to end.
        grace: Option<u32>,
    },
    /// Ends the tokens of a service account that are kept in Secrets.
    RevokeToken {
        /// Which.
        aim: Aim,
        /// Whether the account is made anew, which ends the tokens of its running pods too.
        rotate: bool,
        /// Whether it is taken out of role bindings.
        unbind: bool,
    },
    /// Keeps what there is to know.
    CollectEvidence {
        /// Of what.
        aim: Aim,
        /// Lines of each container's log.
        lines: u32,
    },
    /// Hands a message over to a destination of the operator's.
    Tell {
        /// `ticket`, `notify` or `webhook`.
        how: &'static str,
        /// What it was given.
        body: Value,
    },
}

impl Step {
    /// What it does to the world.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Label { .. } | Self::Quarantine { .. } | Self::ScaleToZero { .. } | Self::Cordon { .. } => {
                Class::Reversible
            }
            Self::DeletePod { .. }
            | Self::EvictPod { .. }
            | Self::Drain { .. }
            | Self::RevokeToken { .. } => Class::Destructive,
            Self::CollectEvidence { .. } | Self::Tell { .. } => Class::Observing,
        }
    }

    /// Reads a step whose places are filled.
    pub(crate) fn read(action: &str, body: &Value, line: u32) -> Result<Self, PlaybookError> {
        let members = Members::on(body, line)?;
        let grace = |members: &Members<'_>| {
            let grace = members.number("grace-seconds", 0, 3600)?;
            Ok::<_, PlaybookError>(grace.and_then(|grace| u32::try_from(grace).ok()))
        };
        match action {
            "label" => {
                members.only(&["target", "labels"])?;
                let labels = labels(&members, "labels")?;
                // The marks of responses are what tells them from each other; those of Kubernetes mean something to it.
                let reserved = |key: &&String| {
                    let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
                    prefix == "palisade.dev"
                        || prefix.ends_with("kubernetes.io")
                        || prefix.ends_with("k8s.io")
                };
                if let Some(key) = labels.keys().find(reserved) {
                    return Err(members.wrong("labels", &format!("{key} is not for playbooks to set")));
                }
                Ok(Self::Label { aim: aim(&members, None)?, labels })
            }
            "quarantine" => {
                members.only(&["target", "allow", "detach"])?;
                let allow = members.items("allow")?.iter().map(peer).collect::<Result<_, _>>()?;
                let aim = aim(&members, Some(&[Aim::Pod, Aim::Workload]))?;
                Ok(Self::Quarantine { aim, allow, detach: members.boolean("detach")? })
            }
            "scale-to-zero" => {
                members.only(&["target"])?;
                Ok(Self::ScaleToZero { aim: aim(&members, Some(&[Aim::Workload]))? })
            }
            "delete-pod" => {
                members.only(&["target", "grace-seconds"])?;
                Ok(Self::DeletePod { aim: aim(&members, Some(&[Aim::Pod]))?, grace: grace(&members)? })
            }
            "evict-pod" => {
                members.only(&["target", "grace-seconds"])?;
                Ok(Self::EvictPod { aim: aim(&members, Some(&[Aim::Pod]))?, grace: grace(&members)? })
            }
            "cordon" => {
                members.only(&["target"])?;
                Ok(Self::Cordon { aim: aim(&members, Some(&[Aim::Node]))? })
            }
            "drain" => {
                members.only(&["target", "grace-seconds"])?;
                Ok(Self::Drain { aim: aim(&members, Some(&[Aim::Node]))?, grace: grace(&members)? })
            }
            "revoke-token" => {
                members.only(&["target", "rotate", "unbind"])?;
                let aim = aim(&members, Some(&[Aim::ServiceAccount]))?;
                let (rotate, unbind) = (members.boolean("rotate")?, members.boolean("unbind")?);
                Ok(Self::RevokeToken { aim, rotate, unbind })
            }
            "collect-evidence" => {
                members.only(&["target", "logs"])?;
                let lines = members.number("logs", 0, 10_000)?.unwrap_or(200);
                let lines = u32::try_from(lines).unwrap_or_default();
                Ok(Self::CollectEvidence { aim: aim(&members, None)?, lines })
            }
            "ticket" | "notify" | "webhook" => tell(action, &members, body),
            other => Err(PlaybookError::at(
                line,
                format!(
                    "there is no action {other:?}; there are label, quarantine, scale-to-zero, delete-pod, evict-pod, cordon, drain, \
                     revoke-token, collect-evidence, ticket, notify and webhook"
                ),
            )),
        }
    }
}

fn tell(action: &str, members: &Members<'_>, body: &Value) -> Result<Step, PlaybookError> {
    let (how, needed) = match action {
        "ticket" => ("ticket", "title"),
        "notify" => ("notify", "channel"),
        _ => ("webhook", "endpoint"),
    };
    members.only(match how {
        "ticket" => &["title", "text", "queue"],
        "notify" => &["channel", "text"],
        // The name of an endpoint that the operator configured, never an address: a playbook cannot send anything anywhere else.
        _ => &["endpoint", "body"],
    })?;
    members.text(needed)?.ok_or_else(|| members.missing(needed))?;
    Ok(Step::Tell { how, body: body.clone() })
}

/// What the step is about: without a word for it, the pods. `allowed` are those that make sense; kinds of named objects have to be of them.
fn aim(members: &Members<'_>, allowed: Option<&[Aim]>) -> Result<Aim, PlaybookError> {
    const WORKLOADS: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet];
    let first = allowed.and_then(|allowed| allowed.first()).cloned().unwrap_or(Aim::Pod);
    let aim = match members.get("target") {
        None => first,
        Some(Value::String(word)) => match word.as_str() {
            "pod" => Aim::Pod,
            "workload" => Aim::Workload,
            "node" => Aim::Node,
            "service-account" => Aim::ServiceAccount,
            _ => {
                let what = "pod, workload, node, service-account or a mapping with kind, namespace and name is expected";
                return Err(members.wrong("target", what));
            }
        },
        Some(_) => named(members)?,
    };
    let fits = |one: &Aim| match (one, &aim) {
        (one, aim) if one == aim => true,
        (Aim::Pod, Aim::Named(kind, ..)) => *kind == Kind::Pod,
        (Aim::Node, Aim::Named(kind, ..)) => *kind == Kind::Node,
        (Aim::ServiceAccount, Aim::Named(kind, ..)) => *kind == Kind::ServiceAccount,
        (Aim::Workload, Aim::Named(kind, ..)) => WORKLOADS.contains(kind),
        _ => false,
    };
    if allowed.is_some_and(|allowed| !allowed.iter().any(fits)) {
        return Err(members.wrong("target", "the action cannot be done to this"));
    }
    Ok(aim)
}

fn named(members: &Members<'_>) -> Result<Aim, PlaybookError> {
    let target = members.inner("target")?.ok_or_else(|| members.missing("target"))?;
    target.only(&["kind", "namespace", "name"])?;
    let kind = target.text("kind")?.ok_or_else(|| target.missing("kind"))?;
    let kind = Kind::from_name(&kind).filter(|kind| NAMEABLE.contains(kind));
    let kind = kind.ok_or_else(|| target.wrong("kind", "no action is done to this kind"))?;
    let name = target.text("name")?.ok_or_else(|| target.missing("name"))?;
    let namespace = target.text("namespace")?.unwrap_or_default();
    if kind.is_namespaced() && namespace.is_empty() {
        return Err(target.missing("namespace"));
    }
    if !is_name(&name) || (!namespace.is_empty() && !is_name(&namespace)) {
        return Err(target.wrong("name", "this is no name of an object"));
    }
    Ok(Aim::Named(kind, namespace, name))
}

fn labels(members: &Members<'_>, name: &str) -> Result<BTreeMap<String, String>, PlaybookError> {
    let map = members.inner(name)?.ok_or_else(|| members.missing(name))?;
    let mut labels = BTreeMap::new();
    for key in map.names() {
        let (prefix, short) = key.split_once('/').unwrap_or(("", key));
        if !is_label(short) || (!prefix.is_empty() && !is_name(prefix)) {
            return Err(map.wrong(key, "this is no name of a label"));
        }
        let value = map.text(key)?.unwrap_or_default();
        if !value.is_empty() && !is_label(&value) {
            return Err(map.wrong(key, "this is no value of a label"));
        }
        labels.insert(key.to_owned(), value);
    }
    if labels.is_empty() || labels.len() > 16 {
        return Err(members.wrong(name, "1 to 16 labels are expected"));
    }
    Ok(labels)
}

/// A peer, as NetworkPolicies write it.
fn peer(members: &Members<'_>) -> Result<Value, PlaybookError> {
    members.only(&["cidr", "namespace", "labels"])?;
    if let Some(cidr) = members.text("cidr")? {
        let parts = cidr
            .split_once('/')
            .and_then(|(address, bits)| Some((address.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?)));
        let fits = parts.is_some_and(|(address, bits)| bits <= if address.is_ipv4() { 32 } else { 128 });
        if !fits || members.names().count() > 1 {
            return Err(members.wrong("cidr", "an address with a prefix length, alone, is expected"));
        }
        return Ok(json!({ "ipBlock": { "cidr": cidr } }));
    }
    let mut peer = json!({});
    if let Some(namespace) = members.text("namespace")? {
        if !is_name(&namespace) {
            return Err(members.wrong("namespace", "this is no name of a namespace"));
        }
        let selector = json!({ "matchLabels": { "kubernetes.io/metadata.name": namespace } });
        put(&mut peer, "namespaceSelector", selector);
    }
    if members.get("labels").is_some() {
        put(&mut peer, "podSelector", json!({ "matchLabels": labels(members, "labels")? }));
    }
    match peer.as_object().is_some_and(|peer| peer.is_empty()) {
        true => Err(PlaybookError::at(members.line(), "a peer has a cidr, a namespace or labels")),
        false => Ok(peer),
    }
}
