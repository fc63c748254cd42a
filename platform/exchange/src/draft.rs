//! One result on its way to a finding: the same cleaning, the same keys and the same bounds for every format.

use model::{
    Confidence, Cvss, Evidence, Finding, FindingClass, Fix, FixState, PackageRef, Severity, Suppression,
    finding_key,
};
use serde_json::Value;

use crate::{limits, text};

/// A result, as its reader knows it. Texts are raw until [`Draft::finish`].
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    class: FindingClass,
    rule: String,
    /// Other ids of the same thing.
    pub(crate) ids: Vec<String>,
    /// One line.
    pub(crate) title: String,
    /// More lines.
    pub(crate) description: String,
    /// How bad.
    pub(crate) severity: Severity,
    /// Which field of which tool says so.
    pub(crate) severity_source: String,
    /// Ratings.
    pub(crate) cvss: Vec<Cvss>,
    /// What it is about, with its architecture.
    pub(crate) package: Option<(PackageRef, Option<String>)>,
    /// The way out.
    pub(crate) fix: Fix,
    /// Where.
    pub(crate) evidence: Vec<Evidence>,
    /// Links.
    pub(crate) references: Vec<String>,
    /// What was compared with what.
    pub(crate) proof: Option<Value>,
    /// Why it does not count.
    pub(crate) suppressed: Option<Suppression>,
    /// The key that our own export says it has.
    pub(crate) key: Option<String>,
    /// What tells it from others of the same rule; not asked for where there is a package.
    pub(crate) location: Vec<String>,
}

impl Draft {
    /// A result of a rule, which is an id as [`text::id`] gives it.
    pub(crate) fn new(class: FindingClass, rule: String) -> Self {
        Self {
            class,
            rule,
            ids: Vec::new(),
            title: String::new(),
            description: String::new(),
            severity: Severity::Unknown,
            severity_source: String::new(),
            cvss: Vec::new(),
            package: None,
            fix: Fix { state: FixState::Unknown, versions: Vec::new() },
            evidence: Vec::new(),
            references: Vec::new(),
            proof: None,
            suppressed: None,
            key: None,
            location: Vec::new(),
        }
    }

    /// The same of another rule.
    pub(crate) fn with_rule(self, rule: String) -> Self {
        Self { rule, ..self }
    }

    /// Bytes of its texts, about.
    pub(crate) fn weight(&self) -> usize {
        let lists = [&self.ids, &self.references, &self.fix.versions, &self.location];
        let listed: usize = lists.into_iter().flatten().map(String::len).sum();
        self.title.len() + self.description.len() + listed
    }

    /// The finding. The key of one about a package has the recipe of our own judgement, so that both are one.
    pub(crate) fn finish(self) -> Finding {
        let mut evidence = self.evidence;
        evidence.sort();
        evidence.dedup();
        evidence.truncate(limits::LIST);
        let path = evidence.first().map(|place| place.path.clone()).unwrap_or_default();
        let location: Vec<&str> = match &self.package {
            Some((package, arch)) => {
                let arch = arch.as_deref().unwrap_or_default();
                vec![package.kind.as_str(), &package.name, &package.version, arch, &path]
            }
            None => self.location.iter().map(String::as_str).collect(),
        };
        let key = self.key.unwrap_or_else(|| finding_key(self.class, &self.rule, &location));
        let title = text::title(&self.title);
        Finding {
            key,
            class: self.class,
            title: if title.is_empty() { named(&self.rule, self.package.as_ref()) } else { title },
            ids: all_ids(&self.rule, self.ids),
            rule: self.rule,
            description: text::body(&self.description),
            severity: self.severity,
            severity_source: text::title(&self.severity_source),
            cvss: bounded(self.cvss),
            kev: None,
            epss: None,
            package: self.package.map(|(package, _)| package),
            fix: Fix {
                state: self.fix.state,
                versions: bounded(
                    self.fix.versions.iter().filter_map(|version| text::exact(version)).collect(),
                ),
            },
            evidence,
            records: Vec::new(),
            references: bounded(self.references.iter().filter_map(|url| text::link(url)).collect()),
            proof: self.proof,
            suppressed: self
                .suppressed
                .map(|said| Suppression { code: said.code, reason: text::title(&said.reason) }),
        }
    }
}

/// The title of a result that has none.
fn named(rule: &str, package: Option<&(PackageRef, Option<String>)>) -> String {
    package
        .map_or_else(|| rule.to_owned(), |(package, _)| text::title(&format!("{rule} in {}", package.name)))
}

/// Adds what an equal result knows. It counts unless both are suppressed, and as much as the worse of the two.
pub(crate) fn join(known: &mut Finding, other: Finding) {
    if other.severity > known.severity {
        known.severity = other.severity;
        known.severity_source = other.severity_source;
    }
    if other.suppressed.is_none() {
        known.suppressed = None;
    }
    if known.fix.versions.is_empty() && known.fix.state == FixState::Unknown {
        known.fix = other.fix;
    }
    known.evidence.extend(other.evidence);
    known.evidence.sort();
    known.evidence.dedup();
    known.evidence.truncate(limits::LIST);
    let ids = std::mem::take(&mut known.ids).into_iter().chain(other.ids).collect();
    known.ids = all_ids(&known.rule, ids);
    known.references =
        bounded(std::mem::take(&mut known.references).into_iter().chain(other.references).collect());
    known.cvss = bounded(std::mem::take(&mut known.cvss).into_iter().chain(other.cvss).collect());
}

/// The rule first, the rest sorted.
fn all_ids(rule: &str, others: Vec<String>) -> Vec<String> {
    let mut others: Vec<String> =
        others.iter().filter_map(|id| text::id(id)).filter(|id| id != rule).collect();
    others.sort();
    others.dedup();
    others.truncate(limits::LIST);
    others.insert(0, rule.to_owned());
    others
}

/// Without doubles, in the order given, at most [`limits::LIST`].
fn bounded<T: PartialEq>(items: Vec<T>) -> Vec<T> {
    let mut out: Vec<T> = Vec::new();
    for item in items {
        if out.len() == limits::LIST {
            break;
        }
        if !out.contains(&item) {
            out.push(item);
        }
    }
    out
}

/// A key as [`finding_key`] gives it. Anybody can compute one, so that taking it over gives nobody a power.
pub(crate) fn own_key(said: &str) -> Option<String> {
    let digits = said.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (said.len() == 32 && digits).then(|| said.to_owned())
}

/// A place that a tool names.
pub(crate) fn place(path: String, method: &str, line: Option<u64>) -> Evidence {
    let line = line.filter(|line| *line > 0).and_then(|line| u32::try_from(line).ok());
    Evidence {
        path,
        inner: None,
        method: method.to_owned(),
        confidence: Confidence::Medium,
        plugin: None,
        line,
    }
}

/// Why a tool itself says that a result does not count.
pub(crate) fn suppressed(code: &str, reason: impl Into<String>) -> Option<Suppression> {
    Some(Suppression { code: code.to_owned(), reason: reason.into() })
}

/// A rating; nothing where the vector is none, or there is no score of 0–10 for it.
pub(crate) fn rating(vector: &str, score: Option<f64>, source: &str) -> Option<Cvss> {
    let vector = text::exact(vector)?;
    let version = match vector.split_once('/')?.0 {
        "CVSS:3.0" => "3.0",
        "CVSS:3.1" => "3.1",
        "CVSS:4.0" => "4.0",
        first if first.starts_with("AV:") => "2.0",
        _ => return None,
    };
    let score = score.filter(|score| (0.0..=10.0).contains(score))?;
    Some(Cvss { version: version.to_owned(), vector, score, source: text::title(source) })
}
