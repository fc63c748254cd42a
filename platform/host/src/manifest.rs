//! The manifest: what a plugin says of itself, as TOML in the custom section `palisade:manifest` of its component.
//!
//! It is a stranger's text. Unknown keys are refused, so that a misspelt right is never taken for a right not asked; every
//! list and string has a bound; an error names the key and says what is allowed. Nothing here is believed on its own:
//! [`crate::Host::load`] compares it with what the component really imports and exports.

use std::collections::BTreeMap;

use model::Severity;
use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::interest::{Interest, RawInterest};
use crate::limits::AskedLimits;
use crate::rights::{HttpRule, Rights, SecretRule};
use crate::{Capability, Kind, Limits};

/// Largest manifest, in bytes. The largest honest one so far has 6 kB.
pub const MANIFEST_BYTES_MAX: usize = 256 * 1024;

const RULES_MAX: usize = 2_000;
/// References and tags of a rule.
const RULE_WORDS_MAX: usize = 16;
const PROSE_BYTES_MAX: usize = 2_000;
const METRICS_MAX: usize = 32;
const CONSUMES_MAX: usize = 256;
const PARAMETERS_MAX: usize = 64;

/// A checked manifest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// Reverse-dot name, such as `org.example.licences`. Stable over all versions.
    pub id: String,
    /// Version, three numbers with an optional suffix.
    pub version: String,
    /// Who publishes it, for people.
    pub publisher: String,
    /// SPDX licence expression, not checked.
    pub license: String,
    /// What it does, for people.
    pub description: String,
    /// What it can be called for.
    pub kinds: Vec<DeclaredKind>,
    /// What it asks for.
    pub capabilities: Vec<CapabilityRequest>,
    /// What it asks for per call; absent figures are the defaults.
    pub limits: AskedLimits,
    /// JSON-schema-like description of its configuration, kept as data. Empty when it takes none.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// Rules it can emit findings for. A finding with another rule is a protocol fault.
    pub rules: Vec<Rule>,
    /// Counters it may add to. Others are ignored.
    pub metrics: Vec<String>,
}

/// A kind and what the plugin consumes in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeclaredKind {
    /// The kind.
    pub kind: Kind,
    /// For [`Kind::ImageAnalyzer`]: which files are handed over. Never empty there, always empty elsewhere.
    pub interests: Vec<Interest>,
    /// For the other kinds: names of what they consume, such as kinds of resources or sources of events. Empty for all.
    pub consumes: Vec<String>,
}

/// One thing asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CapabilityRequest {
    /// Which.
    pub capability: Capability,
    /// Why, in the publisher's words.
    pub why: String,
    /// How far it reaches.
    pub rights: Rights,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Stable id.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// How bad it usually is.
    pub severity: Severity,
    /// What it looks at; empty where the title says it all.
    pub description: String,
    /// What an attacker gains where it is not kept.
    pub risk: String,
    /// What to do.
    pub remediation: String,
    /// How the mended thing looks, as a fragment of it.
    pub patch: String,
    /// Links to documentation.
    pub references: Vec<String>,
    /// Words to group rules by.
    pub tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawManifest {
    id: String,
    version: String,
    publisher: String,
    license: String,
    description: String,
    kinds: BTreeMap<String, RawKind>,
    #[serde(default)]
    capabilities: BTreeMap<String, RawCapability>,
    #[serde(default)]
    limits: AskedLimits,
    #[serde(default)]
    config: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    rules: Vec<RawRule>,
    #[serde(default)]
    metrics: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawKind {
    #[serde(default)]
    interests: Vec<RawInterest>,
    #[serde(default)]
    consumes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawCapability {
    why: String,
    allow: Option<Vec<HttpRule>>,
    names: Option<Vec<String>>,
    bytes: Option<u64>,
    kinds: Option<Vec<String>>,
    repositories: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawRule {
    id: String,
    title: String,
    severity: Severity,
    #[serde(default)]
    description: String,
    #[serde(default)]
    risk: String,
    #[serde(default)]
    remediation: String,
    #[serde(default)]
    patch: String,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`LoadError::Manifest`] with the key that is wrong.
    pub fn parse(text: &str) -> Result<Self, LoadError> {
        if text.len() > MANIFEST_BYTES_MAX {
            return refuse("manifest", format!("has {} bytes; allowed are {MANIFEST_BYTES_MAX}", text.len()));
        }
        let raw: RawManifest = toml::from_str(text).map_err(|e| LoadError::Manifest {
            key: "manifest".to_owned(),
            problem: format!("cannot be read: {}", crate::error::shown(e.to_string().trim())),
        })?;
        check_id(&raw.id)?;
        check_version(&raw.version)?;
        line("publisher", &raw.publisher, 200)?;
        line("license", &raw.license, 200)?;
        line("description", &raw.description, 1_000)?;
        raw.limits
            .resolve(&Limits::CEILING)
            .map_err(|(key, problem)| LoadError::Manifest { key, problem })?;
        count("rules", raw.rules.len(), RULES_MAX)?;
        count("metrics", raw.metrics.len(), METRICS_MAX)?;
        for name in &raw.metrics {
            word("metrics", name)?;
        }
        Ok(Self {
            kinds: raw.kinds.into_iter().map(declared_kind).collect::<Result<_, _>>().and_then(some_kind)?,
            capabilities: raw.capabilities.into_iter().map(request).collect::<Result<_, _>>()?,
            rules: raw.rules.into_iter().enumerate().map(rule).collect::<Result<_, _>>()?,
            id: raw.id,
            version: raw.version,
            publisher: raw.publisher,
            license: raw.license,
            description: raw.description,
            limits: raw.limits,
            config: raw.config,
            metrics: raw.metrics,
        })
    }

    /// All rights that it asks for.
    #[must_use]
    pub fn asked(&self) -> Rights {
        let mut all = Rights::none();
        for Rights { http, secrets, state_bytes, advisories, assets, blob } in
            self.capabilities.iter().map(|request| request.rights.clone())
        {
            all.http.extend(http);
            all.secrets.extend(secrets);
            all.state_bytes = all.state_bytes.max(state_bytes);
            all.advisories |= advisories;
            all.assets.extend(assets);
            all.blob.extend(blob);
        }
        all
    }

    /// Whether the manifest asks for a capability.
    #[must_use]
    pub fn asks(&self, capability: Capability) -> bool {
        self.capabilities.iter().any(|request| request.capability == capability)
    }

    /// Whether the manifest declares a kind.
    #[must_use]
    pub fn declares(&self, kind: Kind) -> bool {
        self.kinds.iter().any(|declared| declared.kind == kind)
    }

    /// The interests of the kind `image-analyzer`; empty when it is not of that kind.
    #[must_use]
    pub fn interests(&self) -> &[Interest] {
        self.kinds
            .iter()
            .find(|declared| declared.kind == Kind::ImageAnalyzer)
            .map_or(&[], |declared| &declared.interests)
    }

    /// What it consumes in a kind; empty for all, and for a kind that it does not have.
    #[must_use]
    pub fn consumes(&self, kind: Kind) -> &[String] {
        self.kinds.iter().find(|declared| declared.kind == kind).map_or(&[], |declared| &declared.consumes)
    }
}

fn declared_kind((name, raw): (String, RawKind)) -> Result<DeclaredKind, LoadError> {
    let Some(kind) = Kind::from_name(&name) else {
        return refuse(
            &format!("kinds.{}", crate::error::shown(&name)),
            format!("is not a kind; allowed are {}", Kind::names()),
        );
    };
    let key = format!("kinds.{name}");
    count(&format!("{key}.interests"), raw.interests.len(), crate::interest::INTERESTS_MAX)?;
    count(&format!("{key}.consumes"), raw.consumes.len(), CONSUMES_MAX)?;
    for (index, text) in raw.consumes.iter().enumerate() {
        line(&format!("{key}.consumes[{index}]"), text, 200)?;
    }
    let analyzer = kind == Kind::ImageAnalyzer;
    if analyzer && raw.interests.is_empty() {
        return refuse(&format!("{key}.interests"), "is empty; at least one is needed".to_owned());
    }
    if !analyzer && !raw.interests.is_empty() {
        return refuse(&format!("{key}.interests"), "is only allowed for image-analyzer".to_owned());
    }
    let mut interests: Vec<Interest> = Vec::new();
    for (index, raw) in raw.interests.into_iter().enumerate() {
        let key = format!("{key}.interests[{index}]");
        let interest = raw.check(&key)?;
        if interests.iter().any(|other| other.name == interest.name) {
            return refuse(&format!("{key}.name"), format!("{:?} is there twice", interest.name));
        }
        interests.push(interest);
    }
    Ok(DeclaredKind { kind, interests, consumes: raw.consumes })
}

fn some_kind(kinds: Vec<DeclaredKind>) -> Result<Vec<DeclaredKind>, LoadError> {
    if kinds.is_empty() {
        return refuse("kinds", format!("is empty; allowed are {}", Kind::names()));
    }
    Ok(kinds)
}

fn request((name, raw): (String, RawCapability)) -> Result<CapabilityRequest, LoadError> {
    let Some(capability) = Capability::from_name(&name) else {
        let known = Capability::ALL.map(Capability::as_str).join(", ");
        return refuse(
            &format!("capabilities.{}", crate::error::shown(&name)),
            format!("is not a capability; allowed are {known}"),
        );
    };
    let key = format!("capabilities.{name}");
    line(&format!("{key}.why"), &raw.why, 500)?;
    let why = raw.why.clone();
    check_parameters(&key, capability, &raw)?;
    let mut rights = Rights::none();
    match capability {
        Capability::Http => rights.http = raw.allow.unwrap_or_default(),
        Capability::Secret => {
            let secret = |name| SecretRule { name, hosts: Vec::new() };
            rights.secrets = raw.names.unwrap_or_default().into_iter().map(secret).collect();
        }
        Capability::State => rights.state_bytes = raw.bytes.unwrap_or_default(),
        Capability::Advisories => rights.advisories = true,
        Capability::Assets => rights.assets = raw.kinds.unwrap_or_default(),
        Capability::Blob => rights.blob = raw.repositories.unwrap_or_default(),
    }
    if !rights.has(capability) {
        return refuse(&key, "asks for nothing; leave it out".to_owned());
    }
    rights.check(true).or_else(|error| refuse(&key, error.to_string()))?;
    Ok(CapabilityRequest { capability, why, rights })
}

/// Each capability has one parameter, but `advisories`, which has none.
fn check_parameters(key: &str, capability: Capability, raw: &RawCapability) -> Result<(), LoadError> {
    let own = match capability {
        Capability::Http => "allow",
        Capability::Secret => "names",
        Capability::State => "bytes",
        Capability::Assets => "kinds",
        Capability::Blob => "repositories",
        Capability::Advisories => "",
    };
    let given = [
        ("allow", raw.allow.as_ref().map(Vec::len)),
        ("names", raw.names.as_ref().map(Vec::len)),
        ("bytes", raw.bytes.map(|_| 1)),
        ("kinds", raw.kinds.as_ref().map(Vec::len)),
        ("repositories", raw.repositories.as_ref().map(Vec::len)),
    ];
    for (parameter, length) in given {
        let key = format!("{key}.{parameter}");
        match length {
            None if own == parameter => return refuse(&key, "is missing".to_owned()),
            Some(_) if own != parameter => {
                return refuse(&key, format!("is not a parameter of {capability}"));
            }
            Some(length) => count(&key, length, PARAMETERS_MAX)?,
            None => {}
        }
    }
    Ok(())
}

fn rule((index, raw): (usize, RawRule)) -> Result<Rule, LoadError> {
    word(&format!("rules[{index}].id"), &raw.id)?;
    line(&format!("rules[{index}].title"), &raw.title, 300)?;
    for (name, text) in [
        ("description", &raw.description),
        ("risk", &raw.risk),
        ("remediation", &raw.remediation),
        ("patch", &raw.patch),
    ] {
        prose(&format!("rules[{index}].{name}"), text)?;
    }
    count(&format!("rules[{index}].references"), raw.references.len(), RULE_WORDS_MAX)?;
    for reference in &raw.references {
        let key = format!("rules[{index}].references");
        line(&key, reference, 500)?;
        if !reference.starts_with("https://") {
            return refuse(&key, "must be https links".to_owned());
        }
    }
    count(&format!("rules[{index}].tags"), raw.tags.len(), RULE_WORDS_MAX)?;
    raw.tags.iter().try_for_each(|tag| word(&format!("rules[{index}].tags"), tag))?;
    Ok(Rule {
        id: raw.id,
        title: raw.title,
        severity: raw.severity,
        description: raw.description,
        risk: raw.risk,
        remediation: raw.remediation,
        patch: raw.patch,
        references: raw.references,
        tags: raw.tags,
    })
}

fn check_id(id: &str) -> Result<(), LoadError> {
    let letters =
        id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    let segments = id.split('.').all(|s| !s.is_empty() && !s.starts_with('-') && !s.ends_with('-'));
    if id.len() <= 128 && letters && segments && id.contains('.') {
        return Ok(());
    }
    refuse(
        "id",
        format!(
            "is {:?}; allowed are two or more segments of a-z, 0-9 and - joined by dots, at most 128 characters",
            crate::error::shown(id)
        ),
    )
}

fn check_version(version: &str) -> Result<(), LoadError> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let numeric = |n: &&str| !n.is_empty() && n.len() <= 9 && n.bytes().all(|b| b.is_ascii_digit());
    let letters = version.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'));
    if numbers.len() == 3 && numbers.iter().all(numeric) && letters && version.len() <= 64 {
        return Ok(());
    }
    refuse(
        "version",
        format!(
            "is {:?}; allowed are three numbers with an optional suffix, such as 1.2.0 or 1.2.0-rc.1",
            crate::error::shown(version)
        ),
    )
}

/// A name that may stand in a label, a file name and a URL.
pub(crate) fn word(key: &str, text: &str) -> Result<(), LoadError> {
    let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if !text.is_empty() && text.len() <= 100 && letters {
        return Ok(());
    }
    refuse(
        key,
        format!(
            "is {:?}; allowed are 1 to 100 letters, digits, dots, dashes and underscores",
            crate::error::shown(text)
        ),
    )
}

/// Text of several lines for people; may be empty.
fn prose(key: &str, text: &str) -> Result<(), LoadError> {
    if text.len() > PROSE_BYTES_MAX || text.chars().any(|c| c.is_control() && c != '\n') {
        let problem =
            format!("must have at most {PROSE_BYTES_MAX} bytes and no control characters but line ends");
        return refuse(key, problem);
    }
    Ok(())
}

/// One line of text for people.
fn line(key: &str, text: &str, bytes_max: usize) -> Result<(), LoadError> {
    if text.trim().is_empty() || text.len() > bytes_max || text.chars().any(char::is_control) {
        return refuse(key, format!("must be one line of 1 to {bytes_max} bytes without control characters"));
    }
    Ok(())
}

pub(crate) fn count(key: &str, count: usize, count_max: usize) -> Result<(), LoadError> {
    if count > count_max {
        return refuse(key, format!("has {count} entries; at most {count_max} are allowed"));
    }
    Ok(())
}

pub(crate) fn refuse<T>(key: &str, problem: String) -> Result<T, LoadError> {
    Err(LoadError::Manifest { key: key.to_owned(), problem })
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
