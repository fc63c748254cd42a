//! What one object says of others, as far as it can be told from it alone.

use std::collections::BTreeSet;

use model::graph::Edge;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::GroupKind;
use crate::object::{each, labels, text};
use crate::selector::Selector;

const ISTIO: [&str; 2] = ["security.istio.io", "networking.istio.io"];
const GATEWAY: &str = "gateway.networking.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";

/// Something that an object says of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Link {
    /// Of an object that it names.
    Named {
        /// How.
        edge: Edge,
        /// The edge leads from the named object to this one.
        reverse: bool,
        /// Group and kind.
        kind: GroupKind,
        /// Namespace.
        namespace: Option<String>,
        /// Name.
        name: String,
    },
    /// Of an image, by its reference.
    Image(String),
    /// Of the workloads of its namespace whose pods it selects.
    Select {
        /// How.
        edge: Edge,
        /// Which.
        selector: Selector,
    },
}

/// Everything that an object says of others.
pub(crate) fn links(
    kind: &GroupKind,
    namespace: Option<&str>,
    value: &Value,
    template: Option<&Value>,
) -> Vec<Link> {
    let here = Here { namespace };
    let mut all = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Service") => service(value),
        ("networking.k8s.io", "NetworkPolicy") => selects(value, "/spec/podSelector"),
        ("policy", "PodDisruptionBudget") => selects(value, "/spec/selector"),
        ("policy.linkerd.io", "Server") => selects(value, "/spec/podSelector"),
        ("networking.k8s.io", "Ingress") => here.ingress(value),
        (GATEWAY, _) => here.route(value),
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => here.binding(value),
        (group, _) if ISTIO.contains(&group) => istio(value),
        _ => Vec::new(),
    };
    if let Some(template) = template {
        all.extend(here.pod(template));
        if *kind == GroupKind::new("", "Pod") {
            let node = text(value, "/spec/nodeName").filter(|name| !name.is_empty());
            all.extend(node.map(|name| Link::Named {
                edge: Edge::Schedules,
                reverse: true,
                kind: GroupKind::new("", "Node"),
                namespace: None,
                name: name.to_owned(),
            }));
        }
    }
    all
}

fn selects(value: &Value, pointer: &str) -> Vec<Link> {
    // Where there is no selector at all nothing is selected; an empty one selects everything.
    let selector = value.pointer(pointer).map(Selector::of);
    selector.map(|selector| Link::Select { edge: Edge::Selects, selector }).into_iter().collect()
}

/// Istio's selectors have labels alone; without one a policy is about all workloads of its namespace.
fn istio(value: &Value) -> Vec<Link> {
    let of = |pointer| Selector::of_labels(&labels(value, pointer));
    let policies = ["/spec/selector/matchLabels", "/spec/workloadSelector/labels"];
    let selector = policies.map(of).into_iter().find(|selector| !selector.is_empty()).unwrap_or_default();
    vec![Link::Select { edge: Edge::Selects, selector }]
}

fn service(value: &Value) -> Vec<Link> {
    let selector = Selector::of_labels(&labels(value, "/spec/selector"));
    // A service without a selector is given its addresses by somebody else.
    if selector.is_empty() { Vec::new() } else { vec![Link::Select { edge: Edge::Exposes, selector }] }
}

struct Here<'a> {
    namespace: Option<&'a str>,
}

impl Here<'_> {
    fn named(&self, edge: Edge, kind: &str, name: &str) -> Link {
        Link::Named {
            edge,
            reverse: false,
            kind: GroupKind::new("", kind),
            namespace: self.namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// What a pod names anywhere. Doubles are left out.
    fn pod(&self, template: &Value) -> Vec<Link> {
        let mut uses: BTreeSet<(Edge, &str, &str)> = BTreeSet::new();
        let account = text(template, "/spec/serviceAccountName").or(text(template, "/spec/serviceAccount"));
        uses.insert((
            Edge::Uses,
            "ServiceAccount",
            account.filter(|name| !name.is_empty()).unwrap_or("default"),
        ));
        for secret in each(template, "/spec/imagePullSecrets") {
            uses.extend(text(secret, "/name").map(|name| (Edge::Uses, "Secret", name)));
        }
        for volume in each(template, "/spec/volumes") {
            volume_sources(volume, |kind, name| {
                uses.insert((Edge::Mounts, kind, name));
                if kind != "PersistentVolumeClaim" {
                    uses.insert((Edge::Uses, kind, name));
                }
            });
        }
        let mut images: BTreeSet<&str> = BTreeSet::new();
        for container in containers(template) {
            images.extend(text(container, "/image").filter(|image| !image.is_empty()));
            for source in each(container, "/envFrom") {
                uses.extend(text(source, "/secretRef/name").map(|name| (Edge::Uses, "Secret", name)));
                uses.extend(text(source, "/configMapRef/name").map(|name| (Edge::Uses, "ConfigMap", name)));
            }
            for variable in each(container, "/env") {
                let secret = text(variable, "/valueFrom/secretKeyRef/name");
                uses.extend(secret.map(|name| (Edge::Uses, "Secret", name)));
                let settings = text(variable, "/valueFrom/configMapKeyRef/name");
                uses.extend(settings.map(|name| (Edge::Uses, "ConfigMap", name)));
            }
        }
        let named = uses.into_iter().map(|(edge, kind, name)| self.named(edge, kind, name));
        named.chain(images.into_iter().map(|image| Link::Image(image.to_owned()))).collect()
    }

    fn ingress(&self, value: &Value) -> Vec<Link> {
        let paths = each(value, "/spec/rules").flat_map(|rule| each(rule, "/http/paths"));
        let services = paths.filter_map(|path| text(path, "/backend/service/name"));
        let default = text(value, "/spec/defaultBackend/service/name");
        let names: BTreeSet<&str> = services.chain(default).collect();
        names.into_iter().map(|name| self.named(Edge::Exposes, "Service", name)).collect()
    }

    /// Routes of the Gateway API: a gateway exposes the route, the route exposes services.
    fn route(&self, value: &Value) -> Vec<Link> {
        let namespace =
            |reference: &Value| text(reference, "/namespace").or(self.namespace).map(str::to_owned);
        let parents = each(value, "/spec/parentRefs").filter_map(|parent| {
            Some(Link::Named {
                edge: Edge::Exposes,
                reverse: true,
                kind: GroupKind::new(
                    text(parent, "/group").unwrap_or(GATEWAY),
                    text(parent, "/kind").unwrap_or("Gateway"),
                ),
                namespace: namespace(parent),
                name: text(parent, "/name")?.to_owned(),
            })
        });
        let backends = each(value, "/spec/rules").flat_map(|rule| each(rule, "/backendRefs"));
        let services = backends.filter_map(|backend| {
            Some(Link::Named {
                edge: Edge::Exposes,
                reverse: false,
                kind: GroupKind::new(
                    text(backend, "/group").unwrap_or(""),
                    text(backend, "/kind").unwrap_or("Service"),
                ),
                namespace: namespace(backend),
                name: text(backend, "/name")?.to_owned(),
            })
        });
        parents.chain(services).collect()
    }

    fn binding(&self, value: &Value) -> Vec<Link> {
        let kind = text(value, "/roleRef/kind").unwrap_or_default();
        let namespace = (kind == "Role").then_some(self.namespace).flatten();
        let role = text(value, "/roleRef/name").map(|name| Link::Named {
            edge: Edge::Binds,
            reverse: false,
            kind: GroupKind::new(RBAC, kind),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        });
        let accounts = each(value, "/subjects")
            .filter(|subject| text(subject, "/kind") == Some("ServiceAccount"))
            .filter_map(|subject| {
                Some(Link::Named {
                    edge: Edge::GrantsTo,
                    reverse: false,
                    kind: GroupKind::new("", "ServiceAccount"),
                    namespace: text(subject, "/namespace").or(self.namespace).map(str::to_owned),
                    name: text(subject, "/name")?.to_owned(),
                })
            });
        role.into_iter().chain(accounts).collect()
    }
}

/// Every container of a pod template, those of the start and those for debugging too.
pub(crate) fn containers(template: &Value) -> impl Iterator<Item = &Value> {
    ["/spec/initContainers", "/spec/containers", "/spec/ephemeralContainers"]
        .into_iter()
        .flat_map(|list| each(template, list))
}

fn volume_sources<'a>(volume: &'a Value, mut found: impl FnMut(&'static str, &'a str)) {
    let mut one = |kind, name: Option<&'a str>| name.into_iter().for_each(|name| found(kind, name));
    one("Secret", text(volume, "/secret/secretName"));
    one("ConfigMap", text(volume, "/configMap/name"));
    one("PersistentVolumeClaim", text(volume, "/persistentVolumeClaim/claimName"));
    for source in each(volume, "/projected/sources") {
        one("Secret", text(source, "/secret/name"));
        one("ConfigMap", text(source, "/configMap/name"));
    }
}
