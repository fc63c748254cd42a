//! Whatever runs pods, seen the same way: a Pod, or the template of a controller.

use palisade_sdk::Unreadable;
use serde::Deserialize;

use crate::object::{List, Map, Metadata};
use crate::pod::{Container, PodSpec};

/// A kind of workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Pod,
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    ReplicationController,
    Job,
    CronJob,
}

impl Kind {
    /// Group and kind as a workload, for kinds that run pods.
    pub(crate) fn of(group: &str, kind: &str) -> Option<Self> {
        match (group, kind) {
            ("", "Pod") => Some(Self::Pod),
            ("apps", "Deployment") => Some(Self::Deployment),
            ("apps", "StatefulSet") => Some(Self::StatefulSet),
            ("apps", "DaemonSet") => Some(Self::DaemonSet),
            ("apps", "ReplicaSet") => Some(Self::ReplicaSet),
            ("", "ReplicationController") => Some(Self::ReplicationController),
            ("batch", "Job") => Some(Self::Job),
            ("batch", "CronJob") => Some(Self::CronJob),
            _ => None,
        }
    }

    /// Where the pod, or its template, is.
    fn template_at(self) -> &'static str {
        match self {
            Self::Pod => "",
            Self::CronJob => "/spec/jobTemplate/spec/template",
            _ => "/spec/template",
        }
    }
}

/// A workload.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) kind: Kind,
    pub(crate) template_at: &'static str,
    /// Where the fields of the pod are.
    pub(crate) at: String,
    /// Metadata of the pods.
    pub(crate) labels: Map<String>,
    pub(crate) annotations: Map<String>,
    pub(crate) pod: PodSpec,
    /// Asked-for number of pods, where the kind has one.
    pub(crate) replicas: Option<i64>,
    pub(crate) concurrency: Option<String>,
    pub(crate) statuses: List<ContainerStatus>,
}

/// State of a container, of which only the image's digest is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ContainerStatus {
    pub(crate) name: String,
    #[serde(rename = "imageID")]
    pub(crate) image_id: String,
}

/// Which list a container is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Init,
    Main,
    Ephemeral,
}

/// A container and where it is.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) at: String,
    pub(crate) role: Role,
    pub(crate) container: &'a Container,
}

impl Place<'_> {
    /// Its name for people.
    pub(crate) fn name(&self) -> String {
        let name = crate::finding::shown(&self.container.name);
        match self.role {
            Role::Init => format!("Init container {name}"),
            Role::Main => format!("Container {name}"),
            Role::Ephemeral => format!("Ephemeral container {name}"),
        }
    }

    /// Whether it runs as long as the pod does.
    pub(crate) fn long_running(&self) -> bool {
        let sidecar = self.role == Role::Init && self.container.restart_policy.as_deref() == Some("Always");
        self.role == Role::Main || sidecar
    }

    /// Where its security context is or would be.
    pub(crate) fn security_at(&self) -> String {
        format!("{}/securityContext", self.at)
    }
}

#[derive(Deserialize)]
struct BarePod {
    #[serde(default)]
    metadata: Metadata,
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    container_statuses: List<ContainerStatus>,
}

#[derive(Deserialize)]
struct Controller {
    spec: ControllerSpec,
}

#[derive(Deserialize)]
struct ControllerSpec {
    replicas: Option<i64>,
    template: Template,
}

#[derive(Deserialize)]
struct Template {
    metadata: Option<Metadata>,
    spec: PodSpec,
}

#[derive(Deserialize)]
struct CronJob {
    spec: CronJobSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CronJobSpec {
    concurrency_policy: Option<String>,
    job_template: JobTemplate,
}

#[derive(Deserialize)]
struct JobTemplate {
    spec: ControllerSpec,
}

impl Workload {
    /// Reads the body of a workload.
    ///
    /// # Errors
    /// The body is not one of this kind.
    pub(crate) fn read(kind: Kind, body: &[u8]) -> Result<Self, Unreadable> {
        let mut concurrency = None;
        let (replicas, meta, pod, statuses) = match kind {
            Kind::Pod => {
                let pod: BarePod = crate::read(body)?;
                (None, Some(pod.metadata), pod.spec, pod.status.container_statuses)
            }
            Kind::CronJob => {
                let job: CronJob = crate::read(body)?;
                concurrency = job.spec.concurrency_policy;
                let template = job.spec.job_template.spec.template;
                (None, template.metadata, template.spec, List::default())
            }
            _ => {
                let controller: Controller = crate::read(body)?;
                let ControllerSpec { replicas, template } = controller.spec;
                (replicas, template.metadata, template.spec, List::default())
            }
        };
        let template_at = kind.template_at();
        let Metadata { labels, annotations, .. } = meta.unwrap_or_default();
        Ok(Self {
            kind,
            template_at,
            at: format!("{template_at}/spec"),
            labels,
            annotations,
            pod,
            replicas,
            concurrency,
            statuses,
        })
    }

    /// All containers: init, main, ephemeral.
    pub(crate) fn containers(&self) -> impl Iterator<Item = Place<'_>> {
        let lists = [
            ("initContainers", Role::Init, &self.pod.init_containers),
            ("containers", Role::Main, &self.pod.containers),
            ("ephemeralContainers", Role::Ephemeral, &self.pod.ephemeral_containers),
        ];
        lists.into_iter().flat_map(move |(list, role, containers)| {
            containers.iter().enumerate().map(move |(index, container)| Place {
                at: format!("{}/{list}/{index}", self.at),
                role,
                container,
            })
        })
    }

    /// Whether its pods run on Windows, where the fields of Linux say nothing.
    pub(crate) fn windows(&self) -> bool {
        self.pod.os.as_ref().and_then(|os| os.name.as_deref()) == Some("windows")
    }

    /// The service account that its pods run as.
    pub(crate) fn service_account(&self) -> &str {
        self.pod.service_account_name.as_deref().filter(|name| !name.is_empty()).unwrap_or("default")
    }

    /// Where the security context of the pod is or would be.
    pub(crate) fn security_at(&self) -> String {
        format!("{}/securityContext", self.at)
    }

    /// Where an annotation or label of the pods is.
    pub(crate) fn meta_at(&self, list: &str, key: &str) -> String {
        format!("{}/metadata/{list}/{}", self.template_at, palisade_sdk::pointer_part(key))
    }

    /// Whether it runs until it is stopped.
    pub(crate) fn long_running(&self) -> bool {
        !matches!(self.kind, Kind::Job | Kind::CronJob | Kind::Pod)
    }

    /// Whether it is a part of the control plane, or of what kubeadm brings, in the namespace that is theirs: such pods need
    /// the node, and are changed with the cluster, not by its users.
    pub(crate) fn control_plane(&self, namespace: &str) -> bool {
        let component = matches!(
            self.labels.text("component"),
            Some("etcd" | "kube-apiserver" | "kube-controller-manager" | "kube-scheduler")
        );
        let known = matches!(self.labels.text("k8s-app"), Some("kube-proxy" | "kube-dns"));
        namespace == "kube-system" && (known || component && self.labels.is("tier", "control-plane"))
    }
}
