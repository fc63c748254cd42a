//! The kinds that a cluster is asked for, and how their lists are called.

use crate::id::GroupKind;

/// Name of the resource in URLs, group, kind.
const KINDS: [(&str, &str, &str); 37] = [
    ("namespaces", "", "Namespace"),
    ("nodes", "", "Node"),
    ("pods", "", "Pod"),
    ("services", "", "Service"),
    ("serviceaccounts", "", "ServiceAccount"),
    ("secrets", "", "Secret"),
    ("configmaps", "", "ConfigMap"),
    ("limitranges", "", "LimitRange"),
    ("resourcequotas", "", "ResourceQuota"),
    ("persistentvolumes", "", "PersistentVolume"),
    ("persistentvolumeclaims", "", "PersistentVolumeClaim"),
    ("replicationcontrollers", "", "ReplicationController"),
    ("endpoints", "", "Endpoints"),
    ("events", "", "Event"),
    ("deployments", "apps", "Deployment"),
    ("statefulsets", "apps", "StatefulSet"),
    ("daemonsets", "apps", "DaemonSet"),
    ("replicasets", "apps", "ReplicaSet"),
    ("jobs", "batch", "Job"),
    ("cronjobs", "batch", "CronJob"),
    ("networkpolicies", "networking.k8s.io", "NetworkPolicy"),
    ("ingresses", "networking.k8s.io", "Ingress"),
    ("ingressclasses", "networking.k8s.io", "IngressClass"),
    ("poddisruptionbudgets", "policy", "PodDisruptionBudget"),
    ("storageclasses", "storage.k8s.io", "StorageClass"),
    ("roles", "rbac.authorization.k8s.io", "Role"),
    ("clusterroles", "rbac.authorization.k8s.io", "ClusterRole"),
    ("rolebindings", "rbac.authorization.k8s.io", "RoleBinding"),
    ("clusterrolebindings", "rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("validatingwebhookconfigurations", "admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("mutatingwebhookconfigurations", "admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("validatingadmissionpolicies", "admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("validatingadmissionpolicybindings", "admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("customresourcedefinitions", "apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiservices", "apiregistration.k8s.io", "APIService"),
    ("endpointslices", "discovery.k8s.io", "EndpointSlice"),
    ("horizontalpodautoscalers", "autoscaling", "HorizontalPodAutoscaler"),
];

/// The kind whose lists are called so.
pub(crate) fn of_plural(plural: &str) -> Option<GroupKind> {
    let plural = plural.split('.').next().unwrap_or_default();
    KINDS.iter().find(|(name, _, _)| *name == plural).map(|(_, group, kind)| GroupKind::new(*group, *kind))
}

/// Kinds that every cluster serves.
pub(crate) fn built_in() -> impl Iterator<Item = GroupKind> {
    KINDS.iter().map(|(_, group, kind)| GroupKind::new(*group, *kind))
}

/// How their lists are called, with their groups.
#[cfg(all(test, feature = "live"))]
pub(crate) fn built_in_resources() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(|(plural, group, _)| (*plural, *group))
}

/// Whether objects of this kind run pods.
#[must_use]
pub fn is_workload(kind: &GroupKind) -> bool {
    matches!(
        (kind.group.as_str(), kind.kind.as_str()),
        ("", "Pod" | "ReplicationController")
            | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job" | "CronJob")
    )
}
