//! What happens, as the files of `tests/fixtures/scenes` tell it: an attack each, with its workloads and the steps that sensors see.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::fixture;

/// An attack.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Scene {
    /// Its number, from 1 on.
    #[serde(skip)]
    pub(super) number: usize,
    /// The namespace that it has for itself: the name of its file.
    #[serde(skip)]
    pub(super) namespace: String,
    pub(super) title: String,
    pub(super) workloads: Vec<Workload>,
    pub(super) steps: Vec<Step>,
}

/// A workload that is attacked, with what is wrong with it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Workload {
    pub(super) name: String,
    pub(super) image: String,
    /// The internet reaches it.
    exposed: bool,
    privileged: bool,
    host_network: bool,
    root: bool,
    cluster_admin: bool,
    /// Group, resource and verbs that its service account may use.
    rights: Vec<String>,
    /// In all namespaces.
    cluster_wide: bool,
}

/// Digests of the images that were scanned, by the name that workloads use.
pub(super) type Scanned = BTreeMap<String, String>;

/// What one sensor sees.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Step {
    /// Seconds after the beginning of the scene.
    pub(super) at: u64,
    /// How often it happens, once a second; `#` in names is the number.
    #[serde(default = "once")]
    pub(super) times: u64,
    #[serde(flatten)]
    pub(super) place: Place,
    #[serde(flatten)]
    pub(super) said: Said,
}

fn once() -> u64 {
    1
}

/// Where it is seen.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Place {
    /// A pod of this workload.
    pub(super) r#in: Option<String>,
    /// A pod without an owner, which the attack made.
    pub(super) in_pod: Option<String>,
    /// A pod of a cron job that the attack made.
    pub(super) in_job_of: Option<String>,
    /// A pod of a daemon set that the attack made.
    pub(super) in_daemon_of: Option<String>,
    /// No container: the node on which a pod of this workload runs.
    pub(super) on_node_of: Option<String>,
}

/// Who says what.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Said {
    /// Tetragon: a program was started.
    Exec(Exec),
    /// Tetragon: a connection was opened.
    Connect(Connect),
    /// Falco: one of its rules fired.
    Alert(Alert),
    /// The API server's audit log.
    Audit(Box<Audit>),
}

#[derive(Debug, Deserialize)]
pub(super) struct Exec {
    pub(super) exec: String,
    pub(super) arguments: String,
    pub(super) parent: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Connect {
    pub(super) connect: String,
    pub(super) binary: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Alert {
    pub(super) alert: String,
    pub(super) priority: String,
    pub(super) tags: Vec<String>,
    pub(super) process: String,
    pub(super) file: Option<String>,
    pub(super) connection: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Audit {
    /// The verb.
    pub(super) audit: String,
    /// `GROUP/RESOURCE/SUBRESOURCE`, without what is not there.
    pub(super) resource: String,
    /// The service account of a workload of the scene, or a person.
    pub(super) r#as: String,
    /// The workload whose pod the token was made for, where it says so.
    pub(super) from: Option<String>,
    pub(super) agent: String,
    #[serde(default)]
    pub(super) in_namespace: bool,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    /// The workload whose pod is acted upon.
    pub(super) of: Option<String>,
    pub(super) code: Option<u16>,
    pub(super) query: Option<String>,
    pub(super) object: Option<Value>,
}

/// All scenes, in the order of their files.
pub(super) fn scenes() -> Vec<Scene> {
    let mut files: Vec<_> =
        std::fs::read_dir(fixture("scenes")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |(number, path): (usize, &std::path::PathBuf)| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let scene: Scene = serde_json::from_slice(&std::fs::read(path).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        Scene { number: number + 1, namespace: name.split_once('-').unwrap().1.to_owned(), ..scene }
    };
    files.iter().enumerate().map(read).collect()
}

impl Workload {
    /// One with nothing wrong about it.
    pub(super) fn plain(name: &str, image: &str) -> Self {
        Self { name: name.to_owned(), image: image.to_owned(), ..Self::default() }
    }

    /// The image by its digest, as the runtime tells it: that of the image which was scanned, else one that nobody knows.
    pub(super) fn image_id(&self, scanned: &Scanned) -> String {
        let repository = self.image.rsplit_once(':').map_or(&*self.image, |(name, _)| name);
        let unknown = || format!("sha256:{}", super::world::digits(&self.image, 64));
        format!("{repository}@{}", scanned.get(&self.image).cloned().unwrap_or_else(unknown))
    }

    pub(super) fn pod_spec(&self) -> Value {
        let security = if self.privileged {
            json!({ "privileged": true })
        } else if self.root {
            json!({ "runAsUser": 0 })
        } else {
            json!({ "runAsNonRoot": true, "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } })
        };
        json!({
            "serviceAccountName": self.name, "hostNetwork": self.host_network,
            "containers": [{ "name": self.name, "image": self.image, "securityContext": security, "ports": [{ "containerPort": 8080 }] }],
        })
    }

    /// Rights and doors.
    pub(super) fn around(&self, namespace: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let subject = json!([{ "kind": "ServiceAccount", "name": self.name, "namespace": namespace }]);
        let scope = if self.cluster_wide { "Cluster" } else { "" };
        let meta = |name: &str| match self.cluster_wide {
            true => json!({ "name": format!("{namespace}-{name}") }),
            false => json!({ "name": name, "namespace": namespace }),
        };
        if let [group, resource, verbs @ ..] = self.rights.as_slice() {
            all.push(json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{scope}Role"), "metadata": meta(&self.name),
                "rules": [{ "apiGroups": [group], "resources": [resource], "verbs": verbs }] }));
            all.push(json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{scope}RoleBinding"), "metadata": meta(&self.name),
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": format!("{scope}Role"), "name": meta(&self.name)["name"] }, "subjects": subject }));
        }
        if self.cluster_admin {
            all.push(json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": format!("{namespace}-admin") },
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" }, "subjects": subject }));
        }
        if self.exposed {
            all.push(json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": self.name, "namespace": namespace },
                "spec": { "type": "LoadBalancer", "selector": { "app": self.name }, "ports": [{ "port": 80, "targetPort": 8080 }] },
                "status": { "loadBalancer": { "ingress": [{ "ip": "203.0.113.200" }] } } }));
        }
        all
    }
}
