//! The kinds of plugins. A kind is an exported interface; one component may be of several.

use serde::{Deserialize, Serialize};

/// The version of the contract's packages that this release knows.
pub const CONTRACT_VERSION: &str = "0.1.0";

/// What a plugin can be called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Reads files of image layers and root directories.
    ImageAnalyzer,
    /// Judges resources.
    Posture,
    /// Joins events into detections.
    Correlator,
    /// Maps check results to controls.
    Compliance,
    /// Decides about admission requests.
    Admission,
    /// Fetches resources.
    Collector,
    /// Tells other systems of changes.
    Notifier,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::ImageAnalyzer,
        Self::Posture,
        Self::Correlator,
        Self::Compliance,
        Self::Admission,
        Self::Collector,
        Self::Notifier,
    ];

    /// The word used in manifests, errors and the API; the name of the WIT interface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImageAnalyzer => "image-analyzer",
            Self::Posture => "posture",
            Self::Correlator => "correlator",
            Self::Compliance => "compliance",
            Self::Admission => "admission",
            Self::Collector => "collector",
            Self::Notifier => "notifier",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The exported interface, with package and version.
    #[must_use]
    pub fn interface(self) -> String {
        format!("palisade:plugin/{}@{CONTRACT_VERSION}", self.as_str())
    }

    /// All names, for error texts.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
