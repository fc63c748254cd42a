//! What assets have to do with each other: nodes of known kinds, joined by typed edges.

use serde::{Deserialize, Serialize};

/// How one asset is joined to another, read from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Edge {
    /// A namespace contains an object; a network its subnets, a group its users.
    Contains,
    /// A controller owns what it made; a volume its snapshots.
    Owns,
    /// A workload uses an identity, a secret or settings; a resource of a cloud its role, its key, its security groups.
    Uses,
    /// A workload mounts a volume.
    Mounts,
    /// A workload runs an image.
    Runs,
    /// A node runs a pod.
    Schedules,
    /// Traffic to one reaches the other: a service its workloads, an ingress its services, a load balancer its targets.
    Exposes,
    /// A policy or budget applies to a workload.
    Selects,
    /// A binding refers to a role.
    Binds,
    /// A binding gives its role to an identity; a policy its rights to whom it is attached, a resource's own policy to whom it names.
    GrantsTo,
    /// A role lets a provider, an account or another identity become it.
    Trusts,
}

impl Edge {
    /// Every edge.
    pub const ALL: [Self; 11] = [
        Self::Contains,
        Self::Owns,
        Self::Uses,
        Self::Mounts,
        Self::Runs,
        Self::Schedules,
        Self::Exposes,
        Self::Selects,
        Self::Binds,
        Self::GrantsTo,
        Self::Trusts,
    ];

    /// The word for it, as plugins and the API write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::Owns => "owns",
            Self::Uses => "uses",
            Self::Mounts => "mounts",
            Self::Runs => "runs",
            Self::Schedules => "schedules",
            Self::Exposes => "exposes",
            Self::Selects => "selects",
            Self::Binds => "binds",
            Self::GrantsTo => "grants-to",
            Self::Trusts => "trusts",
        }
    }

    /// The word for it, read from right to left.
    #[must_use]
    pub fn reverse(self) -> &'static str {
        match self {
            Self::Contains => "in",
            Self::Owns => "owned-by",
            Self::Uses => "used-by",
            Self::Mounts => "mounted-by",
            Self::Runs => "run-by",
            Self::Schedules => "scheduled-on",
            Self::Exposes => "exposed-by",
            Self::Selects => "selected-by",
            Self::Binds => "bound-by",
            Self::GrantsTo => "granted-by",
            Self::Trusts => "trusted-by",
        }
    }

    /// The edge of this word, and whether it is read from right to left.
    #[must_use]
    pub fn from_word(word: &str) -> Option<(Self, bool)> {
        let forward = Self::ALL.into_iter().find(|edge| edge.as_str() == word).map(|edge| (edge, false));
        let backward = || Self::ALL.into_iter().find(|edge| edge.reverse() == word).map(|edge| (edge, true));
        forward.or_else(backward)
    }
}

/// An asset as a node of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetNode {
    /// Canonical id.
    pub id: String,
    /// Kind; for Kubernetes objects the GroupKind, such as `Deployment.apps`, and `image` for images.
    pub kind: String,
    /// What is known of it, as a JSON object.
    pub attributes: String,
}

/// One asset joined to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation {
    /// Canonical id.
    pub from: String,
    /// How.
    pub edge: Edge,
    /// Canonical id.
    pub to: String,
}

#[cfg(test)]
mod tests {
    use super::Edge;

    #[test]
    fn every_word_names_one_edge_in_one_direction() {
        for edge in Edge::ALL {
            assert_eq!(Edge::from_word(edge.as_str()), Some((edge, false)));
            assert_eq!(Edge::from_word(edge.reverse()), Some((edge, true)));
        }
        assert_eq!(Edge::from_word("loves"), None);
    }
}
