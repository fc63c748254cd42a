//! What queries over a snapshot cannot know.

use crate::snapshot::Snapshot;

/// Kinds that exposure, rights and attack paths are made of.
const NEEDED: [&str; 11] = [
    "Pod",
    "Namespace",
    "Service",
    "ServiceAccount",
    "Secret",
    "Ingress.networking.k8s.io",
    "NetworkPolicy.networking.k8s.io",
    "Role.rbac.authorization.k8s.io",
    "ClusterRole.rbac.authorization.k8s.io",
    "RoleBinding.rbac.authorization.k8s.io",
    "ClusterRoleBinding.rbac.authorization.k8s.io",
];

impl Snapshot {
    /// What answers about exposure, rights and attack paths do not know of, as sentences: kinds that were not read, and what could
    /// not be.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        let missing = self.missing().into_iter().map(|kind| kind.to_string());
        let missing = missing.filter(|kind| NEEDED.contains(&kind.as_str()));
        let missing = missing.map(|kind| format!("objects of kind {kind} were not among what was read"));
        let gaps = self.gaps().iter().map(|gap| format!("{}: {}", gap.subject, gap.reason));
        missing.chain(gaps).collect()
    }
}
