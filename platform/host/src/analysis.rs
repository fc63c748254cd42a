//! What a call of an image analyzer gives, checked: a stranger's word becomes model types here or nowhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::{Confidence, OperatingSystem, PackageType, Severity, SourcePackage};
use serde::{Deserialize, Serialize};

use crate::bindings::exports::palisade::plugin::image_analyzer as wit;
use crate::bindings::palisade::types::{common, packages};
use crate::error::shown;
use crate::fault::{Fault, FaultKind};

/// Longest string in an answer, in bytes. Longer ones are no names, versions or sentences.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// A file that one or more interests of the plugin selected.
pub struct InputFile {
    /// Path in the root, without a leading slash.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Names of the interests that selected it.
    pub interests: Vec<String>,
    /// Its bytes.
    pub body: Body,
}

/// Bytes that the host lends to a guest for one call.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// The bytes of a file.
pub enum Body {
    /// Copied into the guest with the batch. For files up to 1 MiB.
    Whole(Vec<u8>),
    /// Lent; the guest gets a handle and reads what it needs.
    Stored(SharedBytes),
}

/// The checked answer to one batch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Analysis {
    /// Distributions.
    pub systems: Vec<FoundSystem>,
    /// Packages.
    pub packages: Vec<FoundPackage>,
    /// Files that operating-system packages brought.
    pub ownerships: Vec<FoundOwnership>,
    /// Risks that the plugin itself judged.
    pub findings: Vec<FoundRisk>,
    /// Files that could not be understood.
    pub problems: Vec<Problem>,
    /// What it logged.
    pub logs: Vec<LogLine>,
    /// What the call cost.
    pub usage: Usage,
}

/// A distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSystem {
    /// Index of the file that proves it; always within the batch.
    pub item: usize,
    /// What the file says.
    pub os: OperatingSystem,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPackage {
    /// Index of the file that proves it; always within the batch.
    pub item: usize,
    /// Package manager.
    pub kind: PackageType,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Architecture, where the record tells.
    pub arch: Option<String>,
    /// Source package, where it has another name or version.
    pub source: Option<SourcePackage>,
    /// Licences as declared.
    pub licenses: Vec<String>,
    /// Path inside an archive.
    pub inner: Option<String>,
    /// How it was read.
    pub method: String,
    /// How sure that makes the plugin.
    pub confidence: Confidence,
}

/// Files of an operating-system package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundOwnership {
    /// Index of the file that says so; always within the batch.
    pub item: usize,
    /// Package manager of the owner.
    pub kind: PackageType,
    /// Name of the owner.
    pub name: String,
    /// Paths without a leading slash.
    pub paths: Vec<String>,
}

/// A judged risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRisk {
    /// Index of the file that proves it; always within the batch.
    pub item: usize,
    /// A rule of the manifest.
    pub rule: String,
    /// One line for people.
    pub title: String,
    /// What it means and what to do.
    pub description: String,
    /// How bad.
    pub severity: Severity,
    /// Where inside the file.
    pub location: String,
}

/// A file that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Index of the file; always within the batch.
    pub item: usize,
    /// What is wrong.
    pub message: String,
}

/// Importance of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For the plugin's author.
    Debug,
    /// For the record.
    Info,
    /// Something to look at.
    Warn,
    /// Something failed.
    Error,
}

/// A line that a plugin logged. Its text is a stranger's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Importance.
    pub level: LogLevel,
    /// The text.
    pub message: String,
}

/// What a call cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// Time waiting for a free instance.
    pub queued: Duration,
    /// Time in the guest, host calls included.
    pub wall: Duration,
    /// Processor time of the calling thread.
    pub cpu: Duration,
    /// Most guest memory at a time, in bytes.
    pub memory_bytes_peak: u64,
    /// Bytes that crossed the boundary by host calls.
    pub copied_bytes: u64,
    /// Host calls.
    pub host_calls: u64,
    /// Host calls that were denied, by capability.
    pub denials: BTreeMap<crate::Capability, u64>,
    /// Log lines that were dropped.
    pub log_lines_dropped: u64,
    /// Bytes of log text that were dropped.
    pub log_bytes_dropped: u64,
    /// Counters of the manifest that the guest added to.
    pub metrics: BTreeMap<String, u64>,
}

/// What an answer is checked against.
pub(crate) struct Bounds<'a> {
    pub(crate) files: usize,
    pub(crate) results_max: usize,
    pub(crate) rules: &'a [crate::manifest::Rule],
}

/// Turns an answer into model types.
pub(crate) fn check(answer: wit::Analysis, bounds: &Bounds<'_>) -> Result<Analysis, Fault> {
    let count = [
        answer.systems.len(),
        answer.packages.len(),
        answer.ownerships.len(),
        answer.findings.len(),
        answer.problems.len(),
    ]
    .into_iter()
    .fold(0, usize::saturating_add);
    if count > bounds.results_max {
        let message = format!("it answered with {count} records; at most {} are allowed", bounds.results_max);
        return Err(Fault::new(FaultKind::Results, message));
    }
    Ok(Analysis {
        systems: each("systems", answer.systems, |at, it| system(at, it, bounds))?,
        packages: each("packages", answer.packages, |at, it| package(at, it, bounds))?,
        ownerships: each("ownerships", answer.ownerships, |at, it| ownership(at, it, bounds))?,
        findings: each("findings", answer.findings, |at, it| finding(at, it, bounds))?,
        problems: each("problems", answer.problems, |at, it| problem(at, it, bounds))?,
        logs: Vec::new(),
        usage: Usage::default(),
    })
}

/// Place of a record in the answer, for messages.
#[derive(Clone, Copy)]
struct At {
    list: &'static str,
    index: usize,
}

fn each<T, U>(
    list: &'static str,
    records: Vec<T>,
    mut one: impl FnMut(At, T) -> Result<U, Fault>,
) -> Result<Vec<U>, Fault> {
    records.into_iter().enumerate().map(|(index, record)| one(At { list, index }, record)).collect()
}

fn system(at: At, record: packages::OperatingSystem, bounds: &Bounds<'_>) -> Result<FoundSystem, Fault> {
    Ok(FoundSystem {
        item: item(at, record.item, bounds)?,
        os: OperatingSystem {
            id: text(at, "id", record.id)?,
            version: optional(at, "version", record.version)?,
            codename: optional(at, "codename", record.codename)?,
            like: texts(at, "like", record.like)?,
            pretty_name: optional(at, "pretty-name", record.pretty_name)?,
        },
    })
}

fn package(at: At, record: packages::Package, bounds: &Bounds<'_>) -> Result<FoundPackage, Fault> {
    let name = text(at, "name", record.name)?;
    let source_name = optional(at, "source-name", record.source_name)?;
    let source_version = optional(at, "source-version", record.source_version)?;
    let source = match (source_name, source_version) {
        (None, None) => None,
        (Some(name), version) => Some(SourcePackage { name, version }),
        (None, version) => Some(SourcePackage { name: name.clone(), version }),
    };
    Ok(FoundPackage {
        item: item(at, record.item, bounds)?,
        kind: package_type(record.kind),
        name,
        version: text(at, "version", record.version)?,
        arch: optional(at, "arch", record.arch)?,
        source,
        licenses: texts(at, "licenses", record.licenses)?,
        inner: optional(at, "inner", record.inner)?,
        method: text(at, "method", record.method)?,
        confidence: match record.confidence {
            common::Confidence::Low => Confidence::Low,
            common::Confidence::Medium => Confidence::Medium,
            common::Confidence::High => Confidence::High,
        },
    })
}

fn ownership(at: At, record: packages::Ownership, bounds: &Bounds<'_>) -> Result<FoundOwnership, Fault> {
    Ok(FoundOwnership {
        item: item(at, record.item, bounds)?,
        kind: package_type(record.kind),
        name: text(at, "name", record.name)?,
        paths: texts(at, "paths", record.paths)?,
    })
}

fn finding(at: At, record: common::Finding, bounds: &Bounds<'_>) -> Result<FoundRisk, Fault> {
    if !bounds.rules.iter().any(|rule| rule.id == record.rule) {
        return Err(broken(at, format!("has the rule {:?}, which its manifest lacks", shown(&record.rule))));
    }
    Ok(FoundRisk {
        item: item(at, record.item, bounds)?,
        rule: record.rule,
        title: text(at, "title", record.title)?,
        description: text(at, "description", record.description)?,
        severity: severity(record.severity),
        location: text(at, "location", record.location)?,
    })
}

fn problem(at: At, record: common::Problem, bounds: &Bounds<'_>) -> Result<Problem, Fault> {
    Ok(Problem { item: item(at, record.item, bounds)?, message: text(at, "message", record.message)? })
}

fn item(at: At, index: u32, bounds: &Bounds<'_>) -> Result<usize, Fault> {
    usize::try_from(index)
        .ok()
        .filter(|index| *index < bounds.files)
        .ok_or_else(|| broken(at, format!("names item {index} of a batch of {}", bounds.files)))
}

/// A bounded string. NUL, which no store and no C reader keeps, is replaced and stays visible as U+FFFD: a file
/// that holds one must not cost the whole batch.
fn text(at: At, field: &str, value: String) -> Result<String, Fault> {
    if value.len() > TEXT_BYTES_MAX {
        let message = format!("has a {field} of {} bytes; at most {TEXT_BYTES_MAX} are allowed", value.len());
        return Err(broken(at, message));
    }
    Ok(if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value })
}

fn optional(at: At, field: &str, value: Option<String>) -> Result<Option<String>, Fault> {
    value.map(|value| text(at, field, value)).transpose()
}

fn texts(at: At, field: &str, values: Vec<String>) -> Result<Vec<String>, Fault> {
    values.into_iter().map(|value| text(at, field, value)).collect()
}

fn broken(at: At, message: String) -> Fault {
    Fault::new(FaultKind::Protocol, format!("{}[{}] {message}", at.list, at.index))
}

fn package_type(kind: packages::PackageType) -> PackageType {
    use packages::PackageType as Wit;
    match kind {
        Wit::Deb => PackageType::Deb,
        Wit::Apk => PackageType::Apk,
        Wit::Rpm => PackageType::Rpm,
        Wit::Pypi => PackageType::Pypi,
        Wit::Npm => PackageType::Npm,
        Wit::Maven => PackageType::Maven,
        Wit::Golang => PackageType::Golang,
        Wit::Cargo => PackageType::Cargo,
        Wit::Gem => PackageType::Gem,
        Wit::Nuget => PackageType::Nuget,
        Wit::Composer => PackageType::Composer,
        Wit::Generic => PackageType::Generic,
    }
}

fn severity(severity: common::Severity) -> Severity {
    use common::Severity as Wit;
    match severity {
        Wit::Unknown => Severity::Unknown,
        Wit::None => Severity::None,
        Wit::Negligible => Severity::Negligible,
        Wit::Low => Severity::Low,
        Wit::Medium => Severity::Medium,
        Wit::High => Severity::High,
        Wit::Critical => Severity::Critical,
    }
}
