//! The cluster in which it happens: benign workloads and those that are attacked, each with pods on nodes that they share.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};

use super::story::{Scanned, Scene, Workload};

/// The cluster's own uid, which names it.
pub(super) const CLUSTER: &str = "5f1d8a3e-0000-4000-8000-00000000ace5";
const NODES: usize = 14;
/// Kinds that are collected.
const KINDS: [(&str, &str); 18] = [
    ("namespaces", "Namespace"),
    ("nodes", "Node"),
    ("pods", "Pod"),
    ("services", "Service"),
    ("serviceaccounts", "ServiceAccount"),
    ("deployments", "Deployment"),
    ("replicasets", "ReplicaSet"),
    ("statefulsets", "StatefulSet"),
    ("daemonsets", "DaemonSet"),
    ("jobs", "Job"),
    ("cronjobs", "CronJob"),
    ("replicationcontrollers", "ReplicationController"),
    ("roles", "Role"),
    ("rolebindings", "RoleBinding"),
    ("clusterroles", "ClusterRole"),
    ("clusterrolebindings", "ClusterRoleBinding"),
    ("networkpolicies", "NetworkPolicy"),
    ("ingresses", "Ingress"),
];
/// Pods of a benign workload.
const REPLICAS: usize = 2;

/// Digits that are always the same for the same words.
pub(super) fn digits(words: &str, length: usize) -> String {
    let parts = (0_u8..).map(|part| {
        let mut hasher = DefaultHasher::new();
        (part, words).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    });
    parts.take(length.div_ceil(16)).collect::<String>()[..length].to_owned()
}

pub(super) fn uid(words: &str) -> String {
    let digits = digits(words, 20);
    format!("{}-0000-4000-8000-{}", &digits[..8], &digits[8..])
}

/// A pod with a container.
#[derive(Debug, Clone)]
pub(super) struct Pod {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    /// Kind and name of what it comes from, as Tetragon tells it.
    pub(super) owner: (&'static str, String),
    pub(super) image: String,
    /// 64 digits.
    pub(super) container: String,
    pub(super) node: String,
}

impl Pod {
    pub(super) fn new(
        namespace: &str,
        name: &str,
        owner: (&'static str, &str),
        image: &str,
        node: usize,
    ) -> Self {
        let words = format!("{namespace}/{name}");
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: uid(&words),
            owner: (owner.0, owner.1.to_owned()),
            image: image.to_owned(),
            container: digits(&format!("container of {words}"), 64),
            node: node_name(node),
        }
    }
}

pub(super) fn node_name(number: usize) -> String {
    format!("node-{:02}", number % NODES + 1)
}

/// Everything that the cluster has.
#[derive(Default)]
pub(super) struct World {
    /// Pods of each workload, by namespace and name.
    pub(super) pods: BTreeMap<(String, String), Vec<Pod>>,
    /// The benign ones among the namespaces.
    pub(super) teams: Vec<String>,
    scanned: Scanned,
    objects: Vec<Value>,
}

impl World {
    /// A cluster with these scenes and so many benign workloads.
    pub(super) fn new(scenes: &[Scene], benign: usize, scanned: Scanned) -> Self {
        let mut world = Self { scanned, ..Self::default() };
        world.add(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "kube-system", "uid": CLUSTER } }));
        for number in 0..NODES {
            let name = node_name(number);
            world.add(json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "uid": uid(&name) } }));
        }
        for number in 0..benign {
            let namespace = format!("team-{number:02}");
            let plain = Workload::plain("app", &format!("registry.example.org/{namespace}:1.0"));
            world.namespace(&namespace);
            world.workload(&namespace, &plain, REPLICAS, number);
            world.teams.push(namespace);
        }
        for (number, scene) in scenes.iter().enumerate() {
            world.namespace(&scene.namespace);
            for workload in &scene.workloads {
                // Two attacks share each node.
                world.workload(&scene.namespace, workload, 1, number % (scenes.len() / 2));
            }
        }
        world
    }

    /// All of it by the kind's name, as `kubectl get -o json` writes it. Of kinds without objects there are empty lists: only so is it
    /// known that there are none.
    pub(super) fn lists(&self) -> Vec<(&'static str, Value)> {
        let of = |(name, kind): (&'static str, &str)| {
            let items: Vec<&Value> = self.objects.iter().filter(|object| object["kind"] == kind).collect();
            (name, json!({ "apiVersion": "v1", "kind": "List", "items": items }))
        };
        KINDS.into_iter().map(of).collect()
    }

    pub(super) fn pod(&self, namespace: &str, workload: &str) -> &Pod {
        let found = self.pods.get(&(namespace.to_owned(), workload.to_owned()));
        &found.unwrap_or_else(|| panic!("{namespace} has no workload {workload}"))[0]
    }

    fn add(&mut self, object: Value) {
        self.objects.push(object);
    }

    fn namespace(&mut self, name: &str) {
        self.add(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "uid": uid(name) } }));
    }

    /// A Deployment with its own service account, its ReplicaSet and pods, and what the scene says of it.
    fn workload(&mut self, namespace: &str, workload: &Workload, replicas: usize, node: usize) {
        let name = &workload.name;
        let meta = |name: &str, kind: &str| json!({ "name": name, "namespace": namespace, "uid": uid(&format!("{kind}/{namespace}/{name}")), "labels": { "app": workload.name } });
        let owned = |mut meta: Value, kind: &str, name: &str| {
            let version = if kind == "Pod" { "v1" } else { "apps/v1" };
            meta["ownerReferences"] = json!([{ "apiVersion": version, "kind": kind, "name": name, "uid": uid(&format!("{kind}/{namespace}/{name}")), "controller": true }]);
            meta
        };
        let mut spec = workload.pod_spec();
        self.add(
            json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(name, "ServiceAccount") }),
        );
        let template =
            |spec: &Value| json!({ "metadata": { "labels": { "app": workload.name } }, "spec": spec });
        let selector = json!({ "matchLabels": { "app": workload.name } });
        self.add(
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(name, "Deployment"),
            "spec": { "replicas": replicas, "selector": selector, "template": template(&spec) } }),
        );
        let set = format!("{name}-7d9c5b6f4");
        self.add(json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": owned(meta(&set, "ReplicaSet"), "Deployment", name),
            "spec": { "replicas": replicas, "selector": selector, "template": template(&spec) } }));
        for replica in 0..replicas {
            let pod_name = format!("{set}-{}", digits(&format!("{namespace}/{name}/{replica}"), 5));
            let pod = Pod::new(namespace, &pod_name, ("Deployment", name), &workload.image, node + replica);
            let mut meta = owned(meta(&pod_name, "Pod"), "ReplicaSet", &set);
            meta["uid"] = json!(pod.uid);
            spec["nodeName"] = json!(pod.node);
            let image = json!([{ "name": name, "image": workload.image, "imageID": workload.image_id(&self.scanned), "containerID": format!("containerd://{}", pod.container) }]);
            self.add(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec,
                "status": { "phase": "Running", "containerStatuses": image } }));
            self.pods.entry((namespace.to_owned(), name.clone())).or_default().push(pod);
        }
        for object in workload.around(namespace) {
            self.add(object);
        }
    }
}
