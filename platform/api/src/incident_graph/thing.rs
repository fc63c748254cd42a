//! Things by the one id that each has, however sensors, audit logs and plugins name it: the canonical id of its asset where its cluster is
//! known, else `kind:name`.

use std::collections::BTreeMap;

/// How often one name leads to another: a pod's uid to its name, and that to its canonical id.
const HOPS_MAX: usize = 3;
/// Digits of a container's id that every source has.
const CONTAINER_DIGITS: usize = 12;
/// Beginnings of canonical ids that are neither of Kubernetes, of AWS nor of images.
const OTHER_ASSETS: [&str; 4] = ["host:", "//", "/subscriptions/", "projects/"];
/// How the API of Kubernetes calls what assets are called by their kind, with the group of that.
const RESOURCES: [(&str, &str, &str); 20] = [
    ("configmaps", "core", "ConfigMap"),
    ("cronjobs", "batch", "CronJob"),
    ("daemonsets", "apps", "DaemonSet"),
    ("deployments", "apps", "Deployment"),
    ("ingresses", "networking.k8s.io", "Ingress"),
    ("jobs", "batch", "Job"),
    ("networkpolicies", "networking.k8s.io", "NetworkPolicy"),
    ("nodes", "core", "Node"),
    ("persistentvolumeclaims", "core", "PersistentVolumeClaim"),
    ("pods", "core", "Pod"),
    ("replicasets", "apps", "ReplicaSet"),
    ("replicationcontrollers", "core", "ReplicationController"),
    ("secrets", "core", "Secret"),
    ("serviceaccounts", "core", "ServiceAccount"),
    ("services", "core", "Service"),
    ("statefulsets", "apps", "StatefulSet"),
    ("clusterrolebindings", "rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("clusterroles", "rbac.authorization.k8s.io", "ClusterRole"),
    ("rolebindings", "rbac.authorization.k8s.io", "RoleBinding"),
    ("roles", "rbac.authorization.k8s.io", "Role"),
];

/// Something that took part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thing {
    pub(super) kind: &'static str,
    pub(super) id: String,
    /// Its whole name, without kind and cluster.
    pub(super) name: String,
    /// Its name for people.
    pub(super) label: String,
    /// Its canonical id, if it is an asset.
    pub(super) asset: Option<String>,
    /// How it is named where its cluster is not known.
    plain: Option<String>,
}

impl Thing {
    fn plain(kind: &'static str, name: &str) -> Self {
        let (id, name) = (format!("{kind}:{name}"), name.to_owned());
        Self { kind, id, label: name.clone(), name, asset: None, plain: None }
    }

    fn asset(kind: &'static str, name: &str, asset: String) -> Self {
        let plain = Some(format!("{kind}:{name}"));
        let name = name.to_owned();
        Self { kind, id: asset.clone(), label: name.clone(), name, asset: Some(asset), plain }
    }

    /// One that has no canonical id, and is another one in each cluster.
    fn within(kind: &'static str, name: &str, cluster: Option<&str>) -> Self {
        let plain = Self::plain(kind, name);
        match cluster {
            Some(cluster) => {
                Self { id: format!("{}@{cluster}", plain.id), plain: Some(plain.id.clone()), ..plain }
            }
            None => plain,
        }
    }

    /// An object of Kubernetes; `namespace` is empty or `-` for what has none.
    fn object(cluster: Option<&str>, group: &str, kind: &str, namespace: &str, name: &str) -> Self {
        let namespace = if namespace.is_empty() { "-" } else { namespace };
        let (sort, plain) = match (group, kind) {
            ("core", "Pod") => ("pod", format!("{namespace}/{name}")),
            ("core", "Node") => ("node", name.to_owned()),
            ("core", "ServiceAccount") => ("principal", format!("system:serviceaccount:{namespace}:{name}")),
            _ if group_of(kind) == Some(group) => ("workload", format!("{namespace}/{kind}/{name}")),
            _ => ("resource", format!("{namespace}/{kind}/{name}")),
        };
        match cluster {
            Some(cluster) => {
                Self::asset(sort, &plain, format!("k8s:{cluster}/{group}/{kind}/{namespace}/{name}"))
            }
            None => Self::plain(sort, &plain),
        }
    }

    pub(super) fn workload(cluster: Option<&str>, namespace: &str, kind: &str, name: &str) -> Self {
        match group_of(kind) {
            Some(group) => Self::object(cluster, group, kind, namespace, name),
            None => Self::within("workload", &format!("{namespace}/{kind}/{name}"), cluster),
        }
    }

    pub(super) fn pod(cluster: Option<&str>, namespace: &str, name: &str) -> Self {
        Self::object(cluster, "core", "Pod", namespace, name)
    }

    pub(super) fn node(cluster: Option<&str>, name: &str) -> Self {
        Self::object(cluster, "core", "Node", "", name)
    }

    /// Whoever acts. A service account is the same as an asset and as a user of the API.
    pub(super) fn principal(cluster: Option<&str>, name: &str) -> Self {
        let account = name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
        match account {
            Some((namespace, name)) => Self::object(cluster, "core", "ServiceAccount", namespace, name),
            None if name.starts_with("arn:") => Self::asset("principal", name, name.to_owned()),
            None => Self::plain("principal", name),
        }
    }

    pub(super) fn container(id: &str) -> Self {
        Self::plain("container", &id.chars().take(CONTAINER_DIGITS).collect::<String>())
    }

    /// An image by its digest where that is known: tags move.
    pub(super) fn image(name: &str) -> Self {
        let digest = name.rsplit_once('@').map_or(name, |(_, digest)| digest);
        if digest.starts_with("sha256:") {
            Self::asset("image", digest, digest.to_owned())
        } else {
            Self::plain("image", name)
        }
    }

    pub(super) fn address(ip: &str) -> Self {
        Self::plain("address", ip)
    }

    /// A process by a key of its own; people know it by its program.
    pub(super) fn process(key: &str, binary: &str) -> Self {
        let thing = Self::plain("process", key);
        if binary.is_empty() { thing } else { Self { label: binary.to_owned(), ..thing } }
    }

    /// What a call of an API was about. One without a name was about all of its kind.
    pub(super) fn resource(cluster: Option<&str>, [group, resource, namespace, name]: [&str; 4]) -> Self {
        let group = if group.is_empty() { "core" } else { group };
        let known = RESOURCES.iter().find(|(plural, of, _)| *plural == resource && *of == group);
        if let Some((_, group, kind)) = known
            && !name.is_empty()
        {
            return Self::object(cluster, group, kind, namespace, name);
        }
        let named = [namespace, resource, name].into_iter().filter(|part| !part.is_empty());
        Self::within("resource", &named.collect::<Vec<_>>().join("/"), cluster)
    }

    /// The asset of a detection, by its canonical id.
    pub(super) fn of_asset(id: &str) -> Self {
        Self::known_asset(id)
            .unwrap_or_else(|| Self { asset: Some(id.to_owned()), ..Self::plain("asset", id) })
    }

    fn known_asset(id: &str) -> Option<Self> {
        if let Some((cluster, [group, kind, namespace, name])) = object_of(id) {
            return Some(Self::object(Some(cluster), group, kind, namespace, name));
        }
        if id.starts_with("arn:") {
            let acts = [":role/", ":user/", ":assumed-role/"].iter().any(|sort| id.contains(sort));
            return Some(Self::asset(if acts { "principal" } else { "asset" }, id, id.to_owned()));
        }
        if id.starts_with("sha256:") {
            return Some(Self::image(id));
        }
        let other = OTHER_ASSETS.iter().any(|beginning| id.starts_with(beginning));
        other.then(|| Self { asset: Some(id.to_owned()), ..Self::plain("asset", id) })
    }

    /// A thing as a plugin names it: by its canonical id, as `kind:name` like the keys of incidents, or in words.
    pub(super) fn named(name: &str) -> Self {
        let known = Self::known_asset(name);
        let by_kind = || name.split_once(':').and_then(|(kind, rest)| Self::of_kind(kind, rest));
        known.or_else(by_kind).unwrap_or_else(|| Self::plain("place", name))
    }

    fn of_kind(kind: &str, name: &str) -> Option<Self> {
        // Names of Kubernetes hold no `@`; those of people do.
        let (bare, cluster) = match name.rsplit_once('@') {
            Some((bare, cluster)) => (bare, Some(cluster)),
            None => (name, None),
        };
        let mut parts = bare.splitn(3, '/');
        Some(match (kind, parts.next(), parts.next(), parts.next()) {
            (_, None | Some(""), ..) => return None,
            ("workload", Some(namespace), Some(kind), Some(name)) => {
                Self::workload(cluster, namespace, kind, name)
            }
            ("workload", ..) => Self::within("workload", bare, cluster),
            ("pod", Some(namespace), Some(name), None) => Self::pod(cluster, namespace, name),
            ("pod", ..) => Self::plain("pod", bare),
            ("node", ..) => Self::node(cluster, bare),
            ("resource", ..) => Self::within("resource", bare, cluster),
            ("principal", ..) => Self::principal(None, name),
            ("container", ..) => Self::container(name),
            ("image", ..) => Self::image(name),
            ("address", ..) => Self::address(name),
            ("exec" | "process", ..) => Self::process(name, ""),
            _ => return None,
        })
    }
}

/// Cluster, and group, kind, namespace and name, of the canonical id of an object of Kubernetes.
fn object_of(id: &str) -> Option<(&str, [&str; 4])> {
    let mut parts = id.strip_prefix("k8s:")?.splitn(5, '/');
    let cluster = parts.next()?;
    Some((cluster, [parts.next()?, parts.next()?, parts.next()?, parts.next()?]))
}

/// The cluster that an asset is in.
pub(super) fn cluster_of(asset: &str) -> Option<&str> {
    object_of(asset).map(|(cluster, _)| cluster)
}

/// The API group of the kinds that own pods, as canonical ids of events have it.
fn group_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => "apps",
        "Job" | "CronJob" => "batch",
        "Pod" | "ReplicationController" => "core",
        "Rollout" => "argoproj.io",
        "DeploymentConfig" => "apps.openshift.io",
        _ => return None,
    })
}

/// Which names mean the same thing, learned from everything that is told of an incident.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, BTreeMap<String, Thing>>);

impl Names {
    /// Learns that what is named without its cluster may be this thing.
    pub(super) fn learn(&mut self, thing: &Thing) {
        if let Some(plain) = &thing.plain {
            self.learn_as(plain.clone(), thing);
        }
    }

    /// Learns that a name may mean this thing.
    pub(super) fn learn_as(&mut self, name: String, thing: &Thing) {
        if name != thing.id {
            self.0.entry(name).or_default().entry(thing.id.clone()).or_insert_with(|| thing.clone());
        }
    }

    /// The thing itself. A name that may mean several stays what it is: none of them is known to be meant.
    pub(super) fn resolve(&self, thing: &Thing) -> Thing {
        let mut found = thing.clone();
        for _ in 0..HOPS_MAX {
            let Some(meant) = self.0.get(&found.id) else { break };
            let mut meant = meant.values();
            let (Some(one), None) = (meant.next(), meant.next()) else { break };
            found = one.clone();
        }
        found
    }
}
