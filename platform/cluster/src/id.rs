//! How Kubernetes objects are named.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Group and kind of an object, without the version: the same object is served under several. Written as Kubernetes writes it:
/// `Deployment.apps`, and `Pod` for the core group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKind {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
}

impl GroupKind {
    /// A group and a kind.
    pub fn new(group: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { group: group.into(), kind: kind.into() }
    }

    /// Of an `apiVersion` such as `apps/v1` or `v1`.
    #[must_use]
    pub fn of(api_version: &str, kind: &str) -> Self {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self::new(group, kind)
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if self.group.is_empty() { Ok(()) } else { write!(f, ".{}", self.group) }
    }
}

/// Path of an object in its cluster: `group/Kind/namespace/name`. The core group is written `core`, the namespace of an object that
/// has none `-`; neither can be a real one's name.
#[must_use]
pub fn path(kind: &GroupKind, namespace: Option<&str>, name: &str) -> String {
    let group = if kind.group.is_empty() { "core" } else { &kind.group };
    format!("{group}/{}/{}/{name}", kind.kind, namespace.unwrap_or("-"))
}

/// Canonical asset id of an object of a cluster, which is known by the uid of its namespace `kube-system`.
#[must_use]
pub fn asset_id(cluster: &str, path: &str) -> String {
    format!("k8s:{cluster}/{path}")
}

#[cfg(test)]
mod tests {
    use super::{GroupKind, asset_id, path};

    #[test]
    fn names_are_those_of_kubernetes() {
        let (pod, deployment) = (GroupKind::of("v1", "Pod"), GroupKind::of("apps/v1", "Deployment"));
        assert_eq!((pod.to_string(), deployment.to_string()), ("Pod".into(), "Deployment.apps".into()));
        assert_eq!(path(&deployment, Some("shop"), "web"), "apps/Deployment/shop/web");
        assert_eq!(asset_id("u", &path(&GroupKind::of("v1", "Node"), None, "n")), "k8s:u/core/Node/-/n");
    }
}
