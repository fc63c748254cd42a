//! Kind `image-analyzer`: files in, packages and findings out; and what every call leaves behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::{Confidence, OperatingSystem, PackageType, Severity, SourcePackage};
use serde::{Deserialize, Serialize};

/// Longest string in an answer, in bytes. Longer ones are no names, versions or sentences.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// A file that one or more interests of the plugin selected.
#[derive(Clone, Serialize, Deserialize)]
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
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Copied into the guest with the batch. For files up to 1 MiB.
    Whole(#[serde(with = "crate::bytes_text")] Vec<u8>),
    /// Lent; the guest gets a handle and reads what it needs.
    Stored(#[serde(with = "crate::transcript::blob")] SharedBytes),
}

/// The checked answer to one batch.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
    #[serde(skip)]
    pub logs: Vec<LogLine>,
    /// What the call cost.
    #[serde(skip)]
    pub usage: Usage,
}

/// A distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundSystem {
    /// Index of the file that proves it; always within the batch.
    pub item: usize,
    /// What the file says.
    pub os: OperatingSystem,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// An item that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Index of the item; always within the batch.
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
    /// Host calls that needed a grant, by capability.
    pub capability_calls: BTreeMap<crate::Capability, u64>,
    /// Host calls that were denied, by capability.
    pub denials: BTreeMap<crate::Capability, u64>,
    /// Bytes sent to other systems.
    pub bytes_out: u64,
    /// Log lines that were dropped.
    pub log_lines_dropped: u64,
    /// Bytes of log text that were dropped.
    pub log_bytes_dropped: u64,
    /// Counters of the manifest that the guest added to.
    pub metrics: BTreeMap<String, u64>,
}
