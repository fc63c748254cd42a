//! The matrix as data.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

static TEXT: &str = include_str!("../data/techniques.tsv");
static LINES: LazyLock<BTreeMap<&'static str, Line>> =
    LazyLock::new(|| TEXT.lines().filter_map(line).collect());

enum Line {
    Current(Technique),
    Revoked,
    Deprecated,
}

/// A technique or sub-technique that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Technique {
    /// `T1609`, or `T1552.007` for a sub-technique.
    pub id: &'static str,
    /// As ATT&CK calls it; of a sub-technique without its parent's name.
    pub name: &'static str,
    /// Short names of its tactics, such as `privilege-escalation`, in alphabetical order.
    pub tactics: Vec<&'static str>,
    platforms: Vec<&'static str>,
}

impl Technique {
    /// The technique that this one is a form of, where it is a sub-technique.
    #[must_use]
    pub fn parent(&self) -> Option<&'static Technique> {
        let (parent, _) = self.id.split_once('.')?;
        technique(parent)
    }

    /// Its forms, by id; none for a sub-technique.
    pub fn subs(&self) -> impl Iterator<Item = &'static Technique> {
        let id = self.id;
        techniques().filter(move |other| other.id.split_once('.').is_some_and(|(parent, _)| parent == id))
    }

    /// Whether ATT&CK names this platform for it.
    #[must_use]
    pub fn is_on(&self, platform: Platform) -> bool {
        self.platforms.contains(&platform.name())
    }

    /// Where ATT&CK describes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://attack.mitre.org/techniques/{}", self.id.replace('.', "/"))
    }
}

/// A platform that Palisade watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Containers, and what orchestrates them.
    Containers,
    /// Accounts of clouds.
    Iaas,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Containers, Self::Iaas];

    /// As ATT&CK writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Containers => "Containers",
            Self::Iaas => "IaaS",
        }
    }
}

/// Whether rules may name an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is in force.
    Current,
    /// Another technique has taken its place.
    Revoked,
    /// It is no longer kept up.
    Deprecated,
    /// ATT&CK has no such id in this version.
    Unknown,
}

impl Standing {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Revoked => "revoked",
            Self::Deprecated => "deprecated",
            Self::Unknown => "unknown",
        }
    }
}

/// Every technique and sub-technique in force, by id.
pub fn techniques() -> impl Iterator<Item = &'static Technique> {
    LINES.values().filter_map(|line| match line {
        Line::Current(technique) => Some(technique),
        Line::Revoked | Line::Deprecated => None,
    })
}

/// The technique of this id, where it is in force. Ids are written as ATT&CK writes them.
#[must_use]
pub fn technique(id: &str) -> Option<&'static Technique> {
    match LINES.get(id)? {
        Line::Current(technique) => Some(technique),
        Line::Revoked | Line::Deprecated => None,
    }
}

/// Whether rules may name this id.
#[must_use]
pub fn standing(id: &str) -> Standing {
    match LINES.get(id) {
        Some(Line::Current(_)) => Standing::Current,
        Some(Line::Revoked) => Standing::Revoked,
        Some(Line::Deprecated) => Standing::Deprecated,
        None => Standing::Unknown,
    }
}

/// The id that a rule's tag names: `attack.t1552.007` in Sigma's form, `T1552.007` or `T1490-inhibit-system-recovery` in Falco's.
/// Nothing for a tag of another kind.
#[must_use]
pub fn of_tag(tag: &str) -> Option<String> {
    let tag = tag.trim().to_ascii_uppercase();
    let tag = tag.strip_prefix("ATTACK.").unwrap_or(&tag);
    let id: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
    let (parent, sub) = id.split_once('.').unwrap_or((&id, ""));
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let is = parent.strip_prefix('T').is_some_and(|number| digits(number, 4))
        && (sub.is_empty() && !id.contains('.') || digits(sub, 3));
    is.then_some(id)
}

fn line(text: &'static str) -> Option<(&'static str, Line)> {
    let mut columns = text.split('\t');
    let (id, name, tactics, platforms) =
        (columns.next()?, columns.next()?, columns.next()?, columns.next().unwrap_or_default());
    Some((
        id,
        match tactics {
            "revoked" => Line::Revoked,
            "deprecated" => Line::Deprecated,
            _ => Line::Current(Technique {
                id,
                name,
                tactics: tactics.split(',').collect(),
                platforms: platforms.split(',').collect(),
            }),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::{LINES, Platform, Standing, TEXT, of_tag, standing, technique, techniques};

    #[test]
    fn every_line_is_read() {
        assert_eq!(LINES.len(), TEXT.lines().count());
        assert_eq!(LINES.len(), 835);
        assert_eq!(techniques().count(), 691);
        for technique in techniques() {
            assert_eq!(of_tag(technique.id).as_deref(), Some(technique.id));
            assert!(technique.tactics.iter().all(|tactic| !tactic.is_empty()), "{}", technique.id);
            assert_eq!(technique.id.contains('.'), technique.parent().is_some(), "{}", technique.id);
        }
    }

    #[test]
    fn a_technique_its_parent_and_its_forms() {
        let found = technique("T1552.007").unwrap();
        assert_eq!((found.name, &found.tactics[..]), ("Container API", &["credential-access"][..]));
        assert!(found.is_on(Platform::Containers) && !found.is_on(Platform::Iaas));
        let parent = found.parent().unwrap();
        assert_eq!(parent.id, "T1552");
        assert!(parent.subs().any(|sub| sub.id == "T1552.007"));
        assert_eq!(found.subs().count(), 0);
        assert_eq!(found.url(), "https://attack.mitre.org/techniques/T1552/007");
        let on = |platform| techniques().filter(|technique| technique.is_on(platform)).count();
        assert_eq!((on(Platform::Containers), on(Platform::Iaas)), (48, 104));
    }

    #[test]
    fn what_may_be_named() {
        assert_eq!(standing("T1610"), Standing::Current);
        assert_eq!(standing("T1171"), Standing::Revoked);
        assert_eq!(standing("T1610.999"), Standing::Unknown);
        assert_eq!(standing(""), Standing::Unknown);
    }

    #[test]
    fn tags() {
        assert_eq!(of_tag("attack.t1552.007").as_deref(), Some("T1552.007"));
        assert_eq!(of_tag("T1490-inhibit-system-recovery").as_deref(), Some("T1490"));
        for other in ["attack.persistence", "attack.ta0001", "T1", "T1552.", "T1552.07", "T15522", "tét", ""]
        {
            assert_eq!(of_tag(other), None, "{other}");
        }
    }
}
