//! Plugins: what they are, what they asked for, what they were granted and how they do.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A loaded plugin.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Plugin {
    /// Reverse-dot id.
    #[schema(example = "palisade.image-packages")]
    pub id: String,
    /// Version its author gave it.
    pub version: String,
    /// Who published it.
    pub publisher: String,
    /// SPDX licence expression.
    pub license: String,
    /// What it does, in its author's words.
    pub description: String,
    /// Digest of the component that is loaded.
    pub digest: String,
    /// Kinds it exports, such as `image-analyzer`.
    pub kinds: Vec<String>,
    /// Whether it is called.
    pub state: PluginState,
    /// Capabilities its manifest asks for.
    pub asked: Vec<AskedCapability>,
    /// Rights the operator granted, one a line, such as `http GET api.example.com/v1/**`. What is asked and not granted is
    /// refused at the call.
    pub granted: Vec<String>,
    /// Limits of one call by name, in the unit that the name ends in.
    pub limits: std::collections::BTreeMap<String, u64>,
    /// Version of the plugin contract that it was built against.
    pub contract: String,
    /// Calls since the server started.
    pub calls: u64,
    /// What those calls cost.
    pub cost: PluginCost,
    /// Calls of host functions that need a grant, by capability.
    pub capability_calls: std::collections::BTreeMap<String, u64>,
    /// Calls of host functions that were denied.
    pub denials: u64,
    /// The last lines that it logged, oldest first. Text of a stranger.
    pub logs: Vec<PluginLog>,
    /// Faults since the server started, by kind.
    pub faults: Vec<FaultCount>,
    /// The latest fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_fault: Option<LastFault>,
    /// Which files it wants to see.
    pub interests: Vec<PluginInterest>,
    /// Rules it can emit findings for.
    pub rules: Vec<PluginRule>,
    /// Where it came from: `built-in`, a file, a registry, a bundle.
    pub source: String,
    /// Its installed versions, newest first; empty for a plugin that was not installed.
    pub versions: Vec<PluginVersion>,
}

/// An installed version of a plugin.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PluginVersion {
    /// Digest of its component.
    pub digest: String,
    /// Version its author gave it.
    pub version: String,
    /// `installed`, `verified`, `compiled`, `ready`, `waiting`, `canary`, `quarantined`, `retired` or `refused`.
    pub state: String,
    /// Where it came from.
    pub source: String,
    /// Who signed it, as far as the trust policy knows them.
    pub signers: Vec<String>,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// Why it stands where it stands, where that needs words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Capabilities that its manifest asks for.
    pub asked: Vec<AskedCapability>,
    /// Rights that it asks for and the version in force does not, one a line.
    pub added: Vec<String>,
    /// Rights that the version in force asks for and this one does not.
    pub removed: Vec<String>,
    /// What came of running it beside the version in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<PluginComparison>,
}

/// Two versions of a plugin on the same inputs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PluginComparison {
    /// Batches that both were called with since the server started.
    pub calls: u64,
    /// Batches about which both said the same.
    pub same: u64,
    /// Batches that the new version failed on.
    pub faults: u64,
    /// What only the new version says, one line each; at most 100.
    pub added: Vec<String>,
    /// What only the version in force says; at most 100.
    pub removed: Vec<String>,
}

/// Which version of a plugin is meant.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginDigest {
    /// Digest of its component.
    pub digest: String,
}

/// The rights that an operator grants.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovedRights {
    /// Digest of the component that they are granted to.
    pub digest: String,
    /// The rights, one a line, such as `http GET api.example.com/v1/**`.
    #[schema(max_items = 1000)]
    pub rights: Vec<String>,
}

/// Nothing more to say.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoContent {}

/// Whether a plugin is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// It is called.
    Ready,
    /// It is called, but it failed within the last ten minutes, or was denied something it asks for.
    Degraded,
    /// It failed too often and is not called.
    Quarantined,
    /// It is installed, and no version of it is in force.
    Inactive,
}

/// What the calls of a plugin cost since the server started. Times are within an eighth of the true figure.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct PluginCost {
    /// Half of the calls took no longer, in microseconds.
    pub latency_p50_us: u64,
    /// All but one in a hundred calls took no longer, in microseconds.
    pub latency_p99_us: u64,
    /// Half of the calls waited no longer for a free instance, in microseconds.
    pub queued_p50_us: u64,
    /// All but one in a hundred calls waited no longer, in microseconds.
    pub queued_p99_us: u64,
    /// Processor time of all calls, in milliseconds.
    pub cpu_ms: u64,
    /// Most memory of any call, in bytes.
    pub memory_peak_bytes: u64,
    /// Calls of host functions.
    pub host_calls: u64,
    /// Bytes sent to other systems.
    pub bytes_out: u64,
}

/// A line that a plugin logged.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PluginLog {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The text.
    pub message: String,
}

/// One capability a manifest asks for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AskedCapability {
    /// Name, such as `http`.
    pub capability: String,
    /// Why it is needed, in its author's words.
    pub why: String,
    /// What exactly is asked for, one right a line, such as `http GET api.example.com/v1/**`.
    pub rights: Vec<String>,
}

/// How often one kind of fault happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FaultCount {
    /// Kind, such as `memory`.
    pub kind: String,
    /// How often.
    pub count: u64,
}

/// The latest fault of a plugin.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LastFault {
    /// Kind.
    pub kind: String,
    /// What the host saw.
    pub message: String,
    /// When, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// One pattern of files a plugin wants to see. A file is handed over when every clause that is given holds.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct PluginInterest {
    /// Name the plugin knows it by.
    pub name: String,
    /// Globs over the path.
    pub paths: Vec<String>,
    /// Bytes at fixed places.
    pub magic: Vec<Magic>,
    /// Texts of which one must occur.
    pub keywords: Vec<String>,
    /// Smallest size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_min: Option<u64>,
    /// Largest size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_max: Option<u64>,
}

/// Bytes at a fixed place of a file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Magic {
    /// Distance from the start, in bytes.
    pub offset: u64,
    /// The bytes, in hexadecimal.
    pub bytes: String,
}

/// A rule a plugin can emit findings for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PluginRule {
    /// Id of the rule.
    pub id: String,
    /// One line.
    pub title: String,
    /// Severity its author gives it.
    pub severity: String,
}
