//! A detection as an event: what of it joins it to others.

use palisade_sdk::{Event, Severity, Unreadable};
use serde::Deserialize;

use crate::settings::severity;

/// Longest key that is used; a longer one joins nothing. Keys of state hold one of them.
const KEY_BYTES_MAX: usize = 400;
/// Techniques that are looked at.
const TECHNIQUES_MAX: usize = 32;

/// The members that are looked at.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    techniques: Option<Vec<String>>,
    #[serde(default)]
    joins: Option<Vec<String>>,
    #[serde(default)]
    cluster: Option<String>,
    #[serde(default)]
    node: Option<String>,
    #[serde(default)]
    pod: Option<Pod>,
    #[serde(default)]
    actor: Option<Actor>,
    #[serde(default)]
    api: Option<Api>,
    detection: Judged,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Pod {
    namespace: Option<String>,
    name: Option<String>,
    uid: Option<String>,
    workload: Option<Owner>,
}

#[derive(Debug, Clone, Deserialize)]
struct Owner {
    kind: String,
    name: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Actor {
    name: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Api {
    service: Option<String>,
    verb: Option<String>,
    resource: Option<String>,
    subresource: Option<String>,
    outcome: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Judged {
    id: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    asset: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    first: Option<u64>,
}

/// A detection.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) rule: String,
    pub(crate) title: String,
    pub(crate) severity: Severity,
    pub(crate) asset: String,
    pub(crate) key: String,
    /// Time of its first event, in nanoseconds since 1970 in UTC.
    pub(crate) first: u64,
    pub(crate) techniques: Vec<String>,
    pub(crate) cluster: Option<String>,
    /// Canonical id of the node that it happened on.
    pub(crate) node: Option<String>,
    pub(crate) node_name: Option<String>,
    /// Canonical ids of the pod, and of what owns it as the event has it.
    pub(crate) pod: Option<String>,
    pub(crate) workload: Option<String>,
    /// Keys of the container and of the pod's uid, if the event is about that pod.
    pub(crate) container_key: Option<String>,
    pub(crate) uid_key: Option<String>,
    pub(crate) workload_key: Option<String>,
    /// Who acted.
    pub(crate) principal: Option<String>,
    /// All principals among the joins.
    pub(crate) principals: Vec<String>,
    /// How the actor entered the pod: `exec`, `attach`, `portforward`, `ephemeralcontainers`.
    pub(crate) entered: Option<&'static str>,
    /// Whether the actor made or changed the pod or workload.
    pub(crate) made: bool,
    /// Key of the pod that the actor's token was made for, where that is not the pod that the event is about.
    pub(crate) caller_key: Option<String>,
}

impl Seen {
    pub(crate) fn of(event: &Event) -> Result<Self, Unreadable> {
        let body: Body = event.json()?;
        let Body { techniques, joins, cluster, node, pod, actor, api, detection } = body;
        let joins: Vec<String> = joins.unwrap_or_default().into_iter().filter(|key| usable(key)).collect();
        let cluster = cluster.filter(|cluster| is_name(cluster));
        let pod = pod.unwrap_or_default();
        let namespace = pod.namespace.filter(|name| is_name(name));
        let object = |group: &str, kind: &str, name: &str| {
            let (cluster, namespace) = (cluster.as_ref()?, namespace.as_ref()?);
            is_name(name).then(|| format!("k8s:{cluster}/{group}/{kind}/{namespace}/{name}"))
        };
        let pod_id = pod.name.as_deref().and_then(|name| object("core", "Pod", name));
        let workload =
            pod.workload.as_ref().and_then(|owner| object(group(&owner.kind)?, &owner.kind, &owner.name));
        let uid_key = pod.uid.map(|uid| format!("pod:{uid}")).filter(|key| joins.contains(key));
        let find = |kind: &str| joins.iter().find(|key| key.starts_with(kind)).cloned();
        let api = api.unwrap_or_default();
        let principals: Vec<String> =
            joins.iter().filter_map(|key| key.strip_prefix("principal:")).map(str::to_owned).collect();
        let node_name = node.filter(|node| is_name(node));
        Ok(Self {
            entered: entered(&api),
            made: made(&api, pod.workload.is_some()),
            caller_key: joins
                .iter()
                .find(|key| key.starts_with("pod:") && Some(*key) != uid_key.as_ref())
                .cloned(),
            principal: actor.and_then(|actor| actor.name).filter(|name| principals.contains(name)),
            principals,
            container_key: find("container:"),
            workload_key: find("workload:"),
            uid_key,
            pod: pod_id,
            workload,
            node: node_name
                .as_ref()
                .zip(cluster.as_ref())
                .map(|(node, cluster)| format!("k8s:{cluster}/core/Node/-/{node}")),
            node_name,
            cluster,
            techniques: techniques.unwrap_or_default().into_iter().take(TECHNIQUES_MAX).collect(),
            first: detection.first.unwrap_or(event.time),
            severity: detection.severity.as_deref().and_then(severity).unwrap_or(Severity::Unknown),
            key: if usable(&detection.key) { detection.key } else { String::new() },
            asset: if detection.asset.is_empty() { event.asset.clone() } else { detection.asset },
            id: detection.id,
            rule: detection.rule,
            title: detection.title,
        })
    }

    /// Whether it is about this technique, or a part of it.
    pub(crate) fn is_about(&self, technique: &str) -> bool {
        self.techniques.iter().any(|own| {
            own.strip_prefix(technique).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// How somebody got into a pod, if that is what the call was for and nobody refused it.
fn entered(api: &Api) -> Option<&'static str> {
    let ways = ["exec", "attach", "portforward", "ephemeralcontainers"];
    let of_pods = api.is_done_in_kubernetes() && api.resource.as_deref() == Some("pods");
    ways.into_iter().find(|way| of_pods && api.subresource.as_deref() == Some(way))
}

/// Whether the call made a pod, or made or changed a workload, and nobody refused it. A pod that is there is changed by its node.
fn made(api: &Api, is_workload: bool) -> bool {
    let verbs: &[&str] = match api.resource.as_deref() {
        Some("pods") => &["create"],
        _ if is_workload => &["create", "update", "patch"],
        _ => &[],
    };
    let is_verb = api.verb.as_deref().is_some_and(|verb| verbs.contains(&verb));
    is_verb && api.is_done_in_kubernetes() && api.subresource.is_none()
}

impl Api {
    fn is_done_in_kubernetes(&self) -> bool {
        let is_refused = matches!(self.outcome.as_deref(), Some("denied" | "error"));
        self.service.as_deref() == Some("kubernetes") && !is_refused
    }
}

/// A key that can be one of state, and that is shown without harm.
pub(crate) fn usable(key: &str) -> bool {
    !key.is_empty() && key.len() <= KEY_BYTES_MAX && !key.chars().any(char::is_control)
}

/// A name of Kubernetes: nothing in it could be taken for another part of an id.
fn is_name(text: &str) -> bool {
    (1..=253).contains(&text.len()) && !text.chars().any(|c| c == '/' || c == '@' || c.is_control())
}

/// The API group of the kinds that own pods, as `ingest` has it.
pub(crate) fn group(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => "apps",
        "Job" | "CronJob" => "batch",
        "Pod" | "ReplicationController" => "core",
        "Rollout" => "argoproj.io",
        "DeploymentConfig" => "apps.openshift.io",
        _ => return None,
    })
}

/// The key of a workload or pod, of its canonical id.
pub(crate) fn key_of(id: &str) -> Option<String> {
    let mut parts = id.strip_prefix("k8s:")?.splitn(5, '/');
    let (cluster, _group, kind) = (parts.next()?, parts.next()?, parts.next()?);
    let (namespace, name) = (parts.next()?, parts.next()?);
    Some(format!("workload:{namespace}/{kind}/{name}@{cluster}")).filter(|key| usable(key))
}
