//! What a plugin may ask for and what the operator allows. Effective right = asked and granted.

use serde::{Deserialize, Serialize};

/// An ability beyond computing on the batch. Every one needs a request in the manifest and a grant of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Requests to named hosts.
    Http,
    /// Keyed state of the plugin.
    State,
    /// Questions to the advisory index.
    Advisories,
    /// Questions about the tenant's assets.
    Assets,
    /// Artifacts of registries.
    Blob,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 5] = [Self::Http, Self::State, Self::Advisories, Self::Assets, Self::Blob];

    /// The word used in manifests, errors and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::State => "state",
            Self::Advisories => "advisories",
            Self::Assets => "assets",
            Self::Blob => "blob",
        }
    }

    /// The capability with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.as_str() == name)
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Hosts that a plugin may call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HttpGrant {
    /// Host names, without scheme and port. Empty allows nothing.
    pub hosts: Vec<String>,
}

/// State that a plugin may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StateGrant {
    /// Most bytes of keys and values together.
    pub bytes: u64,
}

/// Kinds of assets that a plugin may ask about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AssetsGrant {
    /// Kinds of assets. Empty allows nothing.
    pub kinds: Vec<String>,
}

/// Repositories that a plugin may read blobs from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BlobGrant {
    /// Repositories with their registry. Empty allows nothing.
    pub repositories: Vec<String>,
}

/// What the operator allows one plugin. The default allows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Grants {
    /// Requests to hosts.
    pub http: Option<HttpGrant>,
    /// Keyed state.
    pub state: Option<StateGrant>,
    /// Questions to the advisory index.
    pub advisories: bool,
    /// Questions about assets.
    pub assets: Option<AssetsGrant>,
    /// Artifacts of registries.
    pub blob: Option<BlobGrant>,
}

impl Grants {
    /// Allows nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether a capability is granted at all.
    #[must_use]
    pub fn allows(&self, capability: Capability) -> bool {
        match capability {
            Capability::Http => self.http.is_some(),
            Capability::State => self.state.is_some(),
            Capability::Advisories => self.advisories,
            Capability::Assets => self.assets.is_some(),
            Capability::Blob => self.blob.is_some(),
        }
    }

    /// The capabilities that are granted, in order.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capability> {
        Capability::ALL.into_iter().filter(|capability| self.allows(*capability)).collect()
    }
}
