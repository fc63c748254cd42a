//! What queries over a snapshot cannot know.

use std::collections::BTreeMap;

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
    /// The images that pods run, by digest, each with one reference that leads to it.
    #[must_use]
    pub fn running_images(&self) -> BTreeMap<String, String> {
        let pods = self.objects().filter_map(|object| object.facts.get("images")?.as_array());
        let references = pods.flatten().filter_map(serde_json::Value::as_str);
        let by_digest = |reference: &str| {
            let (_, digest) = reference.split_once('@')?;
            Some((digest.to_owned(), reference.to_owned()))
        };
        references.filter_map(by_digest).collect()
    }

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fixture::{object, snapshot};

    #[test]
    fn images_are_known_by_what_the_kubelet_pulled() {
        let pod = |name: &str, ids: serde_json::Value| {
            object("v1", "Pod", name, json!({ "status": { "containerStatuses": ids } }))
        };
        let digest = format!("sha256:{}", "a".repeat(64));
        let snapshot = snapshot([
            pod("n/a", json!([{ "imageID": format!("docker-pullable://registry.example/app@{digest}") }])),
            pod(
                "n/b",
                json!([{ "imageID": format!("registry.example/app@{digest}") }, { "imageID": "sha256:local" }]),
            ),
            pod("n/c", json!([{ "imageID": "" }, {}])),
        ]);
        let images: Vec<_> = snapshot.running_images().into_iter().collect();
        assert_eq!(images, [(digest.clone(), format!("registry.example/app@{digest}"))]);
    }
}
