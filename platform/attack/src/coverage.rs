//! What rules and their tests prove.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Platform, Technique, VERSION, technique, techniques};

/// A rule with what its replayed tests said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleProof {
    /// Its name.
    pub rule: String,
    /// The file that it is from, without folders: `aws.yml`.
    pub file: String,
    /// The log source it is about, such as `cloudtrail`; empty where it does not say.
    pub source: String,
    /// The techniques it names, by id.
    pub techniques: BTreeSet<String>,
    /// Tests in which it had to tell of something, and did.
    pub told: u32,
    /// Tests in which it had to be silent, and was.
    pub silent: u32,
    /// Tests that did not end as they should.
    pub failed: u32,
}

impl RuleProof {
    /// Whether a replayed test made it tell of something, and no test of it failed.
    #[must_use]
    pub fn is_proof(&self) -> bool {
        self.told > 0 && self.failed == 0
    }
}

/// Rules with their tests: what `plugins/ATTACK.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Map {
    /// Version of ATT&CK.
    pub attack: String,
    /// SHA-256 of the files of rules and tests, in hex; empty where nobody asked for it.
    #[serde(default)]
    pub made_of: String,
    /// In the order of file and name.
    pub rules: Vec<RuleProof>,
}

impl Map {
    /// A map of these rules, whatever their order.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = RuleProof>) -> Self {
        let mut rules: Vec<RuleProof> = rules.into_iter().collect();
        rules.sort_by(|one, other| (&one.file, &one.rule).cmp(&(&other.file, &other.rule)));
        rules.dedup();
        Self { attack: VERSION.to_owned(), made_of: String::new(), rules }
    }

    /// This map and these rules. A rule of the same file and name takes the other's place.
    #[must_use]
    pub fn with(self, rules: Vec<RuleProof>) -> Self {
        let is_replaced =
            |old: &RuleProof| rules.iter().any(|new| new.file == old.file && new.rule == old.rule);
        let kept: Vec<RuleProof> = self.rules.into_iter().filter(|old| !is_replaced(old)).collect();
        Self::new(kept.into_iter().chain(rules))
    }
}

/// What is known of one technique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The technique.
    pub technique: &'static Technique,
    /// Rules that name it, by name.
    pub rules: BTreeSet<String>,
    /// Those of them that a replayed test proves.
    pub proofs: BTreeSet<String>,
    /// Log sources of the rules that prove it.
    pub sources: BTreeSet<String>,
    /// Tests of the rules that prove it, of both kinds.
    pub tests: u32,
    /// Sub-techniques of it that are proved.
    pub through: BTreeSet<&'static str>,
}

impl Cell {
    /// Whether a rule that names the technique itself is proved.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        !self.proofs.is_empty()
    }

    /// Whether the technique, or one of its forms, is proved.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        self.is_direct() || !self.through.is_empty()
    }
}

/// How much of a platform is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Techniques and sub-techniques of the platform.
    pub techniques: usize,
    /// Those that a rule names which a test proves.
    pub direct: usize,
    /// Those, and the ones of which a form is proved.
    pub covered: usize,
}

/// What follows from a map, for every technique in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    cells: BTreeMap<&'static str, Cell>,
}

impl Coverage {
    /// What these rules prove. A technique that ATT&CK does not have is left out; `standing` tells of it.
    #[must_use]
    pub fn of(map: &Map) -> Self {
        let empty = |technique: &'static Technique| Cell {
            technique,
            rules: BTreeSet::new(),
            proofs: BTreeSet::new(),
            sources: BTreeSet::new(),
            tests: 0,
            through: BTreeSet::new(),
        };
        let mut cells: BTreeMap<&'static str, Cell> =
            techniques().map(|technique| (technique.id, empty(technique))).collect();
        for rule in &map.rules {
            for id in &rule.techniques {
                let Some(cell) = cells.get_mut(id.as_str()) else { continue };
                cell.rules.insert(rule.rule.clone());
                if rule.is_proof() {
                    cell.proofs.insert(rule.rule.clone());
                    cell.tests = cell.tests.saturating_add(rule.told.saturating_add(rule.silent));
                    if !rule.source.is_empty() {
                        cell.sources.insert(rule.source.clone());
                    }
                }
            }
        }
        let direct: Vec<&'static str> =
            cells.values().filter(|cell| cell.is_direct()).map(|cell| cell.technique.id).collect();
        for id in direct {
            let parent = technique(id).and_then(Technique::parent);
            if let Some(cell) = parent.and_then(|parent| cells.get_mut(parent.id)) {
                cell.through.insert(id);
            }
        }
        Self { cells }
    }

    /// Every technique by id; those of one platform where it is given.
    pub fn cells(&self, platform: Option<Platform>) -> impl Iterator<Item = &Cell> {
        let is_wanted = move |cell: &&Cell| platform.is_none_or(|platform| cell.technique.is_on(platform));
        self.cells.values().filter(is_wanted)
    }

    /// How much of a platform is covered. A technique counts through a form of it only where that form is of the platform too.
    #[must_use]
    pub fn counts(&self, platform: Platform) -> Counts {
        let is_on = |id: &&str| technique(id).is_some_and(|technique| technique.is_on(platform));
        let covered = |cell: &&Cell| cell.is_direct() || cell.through.iter().any(&is_on);
        let of = || self.cells(Some(platform));
        Counts {
            techniques: of().count(),
            direct: of().filter(|cell| cell.is_direct()).count(),
            covered: of().filter(covered).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Coverage, Map, RuleProof};
    use crate::{Platform, VERSION};

    fn rule(name: &str, techniques: &[&str], told: u32, failed: u32) -> RuleProof {
        RuleProof {
            rule: name.to_owned(),
            file: "aws.yml".to_owned(),
            source: "cloudtrail".to_owned(),
            techniques: techniques.iter().map(|id| (*id).to_owned()).collect(),
            told,
            silent: 1,
            failed,
        }
    }

    #[test]
    fn only_what_told_counts() {
        let map = Map::new([
            rule("never-told", &["T1610"], 0, 0),
            rule("fails", &["T1611"], 2, 1),
            rule("good", &["T1552.007", "T9999"], 2, 0),
        ]);
        let coverage = Coverage::of(&map);
        let cell = |id: &str| coverage.cells(None).find(|cell| cell.technique.id == id).unwrap();
        assert!(!cell("T1610").is_covered() && !cell("T1610").rules.is_empty());
        assert!(!cell("T1611").is_covered());
        assert!(cell("T1552.007").is_direct());
        assert_eq!(cell("T1552.007").tests, 3);
        assert!(cell("T1552").is_covered() && !cell("T1552").is_direct());
        let counts = coverage.counts(Platform::Containers);
        assert_eq!((counts.techniques, counts.direct, counts.covered), (48, 1, 2));
        // T1552 is of IaaS, but its form that is proved is not.
        assert_eq!(coverage.counts(Platform::Iaas).covered, 0);
    }

    #[test]
    fn the_same_whatever_the_order() {
        let (one, other) = (rule("a", &["T1610"], 1, 0), rule("b", &["T1610"], 1, 0));
        let map = Map::new([one.clone(), other.clone()]);
        assert_eq!(map, Map::new([other, one]));
        assert_eq!(map.attack, VERSION);
        let text = serde_json::to_string(&map).unwrap();
        assert_eq!(serde_json::from_str::<Map>(&text).unwrap(), map);
    }

    #[test]
    fn a_rule_takes_the_place_of_its_namesake() {
        let map = Map::new([rule("a", &["T1610"], 1, 0)]).with(vec![rule("a", &["T1611"], 1, 0)]);
        assert_eq!(map.rules.len(), 1);
        assert!(map.rules[0].techniques.contains("T1611"));
    }
}
