//! What queries need to know of the pods that workloads make.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::access::index;
use crate::object::{Object, template};
use crate::problem::{Problems, nullable};
use crate::scope::Scope;
use crate::selector::Selector;

/// A pod's `spec`, as far as queries look into it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Pod {
    pub(crate) service_account_name: Option<String>,
    pub(crate) service_account: Option<String>,
    pub(crate) automount_service_account_token: Option<bool>,
    #[serde(rename = "hostPID", deserialize_with = "nullable")]
    pub(crate) host_pid: bool,
    #[serde(deserialize_with = "nullable")]
    pub(crate) host_network: bool,
    #[serde(deserialize_with = "nullable")]
    containers: Vec<Container>,
    #[serde(deserialize_with = "nullable")]
    init_containers: Vec<Container>,
    #[serde(deserialize_with = "nullable")]
    ephemeral_containers: Vec<Container>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) volumes: Vec<Volume>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Container {
    #[serde(deserialize_with = "nullable")]
    pub(crate) ports: Vec<Port>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) volume_mounts: Vec<Mount>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) security_context: Security,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Port {
    pub(crate) container_port: u16,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) host_port: u16,
    #[serde(default, rename = "hostIP")]
    pub(crate) host_ip: Option<String>,
    #[serde(default)]
    pub(crate) protocol: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Security {
    #[serde(deserialize_with = "nullable")]
    pub(crate) privileged: bool,
    #[serde(deserialize_with = "nullable")]
    pub(crate) capabilities: Capabilities,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Capabilities {
    #[serde(deserialize_with = "nullable")]
    pub(crate) add: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mount {
    pub(crate) name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) read_only: bool,
    #[serde(default)]
    pub(crate) sub_path: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Volume {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) host_path: Option<HostPath>,
    #[serde(default)]
    pub(crate) projected: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HostPath {
    pub(crate) path: String,
}

impl Pod {
    /// Every container, those of the start and those for debugging too.
    pub(crate) fn containers(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers).chain(&self.ephemeral_containers)
    }

    /// Every port that a container declares.
    pub(crate) fn ports(&self) -> impl Iterator<Item = &Port> {
        self.containers().flat_map(|container| &container.ports)
    }

    /// Name of its service account.
    pub(crate) fn account(&self) -> &str {
        let named = self.service_account_name.as_deref().filter(|name| !name.is_empty());
        named.or(self.service_account.as_deref()).filter(|name| !name.is_empty()).unwrap_or("default")
    }

    /// Whether a token for the API server is projected into it in so many words.
    pub(crate) fn projects_token(&self) -> bool {
        self.volumes.iter().filter_map(|volume| volume.projected.as_ref()).any(|projected| {
            crate::object::each(projected, "/sources").any(|source| {
                source
                    .get("serviceAccountToken")
                    .is_some_and(|token| token.get("audience").is_none_or(Value::is_null))
            })
        })
    }
}

impl Port {
    pub(crate) fn protocol(&self) -> &str {
        self.protocol.as_deref().unwrap_or("TCP")
    }
}

/// A workload that no other made.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) path: String,
    pub(crate) namespace: String,
    /// Labels of its pods.
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) pod: Arc<Pod>,
}

/// Every workload that no other made, by path, and which labels its pods have.
#[derive(Debug)]
pub(crate) struct Workloads {
    pub(crate) all: Vec<Workload>,
    by_label: HashMap<(String, String, String), Vec<u32>>,
    by_namespace: HashMap<String, Vec<u32>>,
}

impl Workloads {
    pub(crate) fn of(scope: &Scope<'_>, problems: &mut Problems) -> Self {
        let mut found = Self { all: Vec::new(), by_label: HashMap::new(), by_namespace: HashMap::new() };
        for object in scope.objects() {
            if scope.snapshot().top_workload(object).is_some_and(|top| std::ptr::eq(top, object))
                && let Some(pod) = scope.view(object, || pod(object, problems))
            {
                found.add(object, pod);
            }
        }
        found
    }

    fn add(&mut self, object: &Object, pod: Arc<Pod>) {
        let number = index(self.all.len());
        let namespace = object.namespace.clone().unwrap_or_default();
        let labels = object.pod_labels.clone().unwrap_or_default();
        for (key, value) in &labels {
            let label = (namespace.clone(), key.clone(), value.clone());
            self.by_label.entry(label).or_default().push(number);
        }
        self.by_namespace.entry(namespace.clone()).or_default().push(number);
        self.all.push(Workload { path: object.path(), namespace, labels, pod });
    }

    /// Indices of the workloads of a namespace whose pods are selected.
    pub(crate) fn selected(&self, namespace: &str, selector: &Selector) -> Vec<u32> {
        let candidates = match selector.one_label() {
            Some((key, value)) => {
                self.by_label.get(&(namespace.to_owned(), key.to_owned(), value.to_owned()))
            }
            None => self.by_namespace.get(namespace),
        };
        let candidates = candidates.into_iter().flatten().copied();
        let selected =
            |number: &u32| self.get(*number).is_some_and(|workload| selector.matches(&workload.labels));
        candidates.filter(selected).collect()
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Workload> {
        self.all.get(number as usize)
    }
}

/// The pod of a workload's template.
fn pod(object: &Object, problems: &mut Problems) -> Option<Pod> {
    let value = problems.view::<Value>(object)?;
    let spec = template(&object.kind, &value).and_then(|template| template.get("spec"));
    match spec.map(Pod::deserialize) {
        Some(Ok(pod)) => return Some(pod),
        Some(Err(error)) => problems.add(&object.path(), format!("its pod cannot be read: {error}")),
        None => problems.add(&object.path(), "it has no pod"),
    }
    None
}
