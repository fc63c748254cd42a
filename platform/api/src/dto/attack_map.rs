//! Techniques of MITRE ATT&CK, and what detects them.

use std::collections::BTreeMap;

use attack::{Cell, Coverage, Platform, VERSION};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Techniques, and what detects them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttackMap {
    /// Version of ATT&CK.
    #[schema(example = "18.1")]
    pub attack: String,
    /// Over how many days detections are counted.
    pub days: u32,
    /// How much of each platform is covered.
    pub platforms: Vec<AttackPlatformCounts>,
    /// Techniques by id: those of the platform that was asked for; without one, those of all platforms here, and every other that a
    /// rule names or that was detected.
    pub techniques: Vec<AttackTechnique>,
}

/// Platform of ATT&CK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttackPlatform {
    /// Containers and what orchestrates them.
    Containers,
    /// Accounts of clouds.
    Iaas,
}

impl From<AttackPlatform> for Platform {
    fn from(platform: AttackPlatform) -> Self {
        match platform {
            AttackPlatform::Containers => Self::Containers,
            AttackPlatform::Iaas => Self::Iaas,
        }
    }
}

impl From<Platform> for AttackPlatform {
    fn from(platform: Platform) -> Self {
        match platform {
            Platform::Containers => Self::Containers,
            Platform::Iaas => Self::Iaas,
        }
    }
}

/// How much of a platform is covered.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttackPlatformCounts {
    /// Which.
    pub platform: AttackPlatform,
    /// Its techniques and sub-techniques.
    pub techniques: usize,
    /// Those that a rule names which a replayed test proves.
    pub tested: usize,
    /// Those, and the ones of which a sub-technique is proved.
    pub covered: usize,
}

/// A technique or sub-technique.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttackTechnique {
    /// Its id.
    #[schema(example = "T1552.007")]
    pub id: String,
    /// As ATT&CK calls it.
    pub name: String,
    /// Short names of its tactics.
    pub tactics: Vec<String>,
    /// Platforms here that it is of.
    pub platforms: Vec<AttackPlatform>,
    /// Where ATT&CK describes it.
    pub url: String,
    /// Rules that name it.
    pub rules: Vec<String>,
    /// Those of them that a replayed test made tell of it, and no test of which failed.
    pub proofs: Vec<String>,
    /// Whether there is such a rule.
    pub tested: bool,
    /// Tests of those rules.
    pub tests: u32,
    /// Log sources of those rules.
    pub sources: Vec<String>,
    /// Its sub-techniques that are tested.
    pub through: Vec<String>,
    /// Detections that name it, over the days asked for. Suppressed ones do not count.
    pub detections: u64,
}

impl AttackMap {
    /// The wire form of a coverage, with how often each technique was detected.
    pub(crate) fn new(
        coverage: &Coverage,
        platform: Option<Platform>,
        days: u32,
        detected: &BTreeMap<String, u64>,
    ) -> Self {
        let counts = |platform: Platform| {
            let counts = coverage.counts(platform);
            AttackPlatformCounts {
                platform: platform.into(),
                techniques: counts.techniques,
                tested: counts.direct,
                covered: counts.covered,
            }
        };
        let is_shown = |cell: &&Cell| {
            Platform::ALL.into_iter().any(|platform| cell.technique.is_on(platform))
                || !cell.rules.is_empty()
                || cell.is_covered()
                || detected.contains_key(cell.technique.id)
        };
        let technique = |cell| AttackTechnique::new(cell, detected);
        Self {
            attack: VERSION.to_owned(),
            days,
            platforms: Platform::ALL.into_iter().map(counts).collect(),
            techniques: coverage.cells(platform).filter(is_shown).map(technique).collect(),
        }
    }
}

impl AttackTechnique {
    fn new(cell: &Cell, detected: &BTreeMap<String, u64>) -> Self {
        let technique = cell.technique;
        let on = Platform::ALL.into_iter().filter(|platform| technique.is_on(*platform));
        Self {
            id: technique.id.to_owned(),
            name: technique.name.to_owned(),
            tactics: technique.tactics.iter().map(|tactic| (*tactic).to_owned()).collect(),
            platforms: on.map(AttackPlatform::from).collect(),
            url: technique.url(),
            rules: cell.rules.iter().cloned().collect(),
            proofs: cell.proofs.iter().cloned().collect(),
            tested: cell.is_direct(),
            tests: cell.tests,
            sources: cell.sources.iter().cloned().collect(),
            through: cell.through.iter().map(|id| (*id).to_owned()).collect(),
            detections: detected.get(technique.id).copied().unwrap_or_default(),
        }
    }
}
