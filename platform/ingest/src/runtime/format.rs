//! The formats by their names.

use super::guess;

/// A format of runtime events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Falco's `http_output`, file or standard output with `json_output`.
    Falco,
    /// What Falcosidekick passes on: the same with a `uuid`.
    Falcosidekick,
    /// `audit.k8s.io/v1`: batches of the webhook, and lines of the log.
    KubernetesAudit,
    /// Lines of Tetragon's export.
    Tetragon,
    /// KubeArmor's alerts and logs.
    KubeArmor,
    /// CloudTrail's files, unpacked.
    CloudTrail,
    /// Envelopes of EventBridge around CloudTrail records and GuardDuty findings.
    EventBridge,
    /// GuardDuty findings as exported to S3, or as its API lists them.
    GuardDuty,
    /// Cloud Logging entries with audit logs.
    GcpAudit,
    /// Azure's activity log as sent to an event hub or a storage account.
    AzureActivity,
    /// The JSON form of `ExportLogsServiceRequest`; see [`super::otlp_protobuf`] for the other.
    Otlp,
    /// Detection Findings (2004), and the older Security Findings (2001).
    Ocsf,
    /// Okta's system log.
    Okta,
    /// GitHub's audit log.
    GitHub,
}

impl Format {
    /// Every format with its name.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::Falco, "falco"),
        (Self::Falcosidekick, "falcosidekick"),
        (Self::KubernetesAudit, "kubernetes-audit"),
        (Self::Tetragon, "tetragon"),
        (Self::KubeArmor, "kubearmor"),
        (Self::CloudTrail, "cloudtrail"),
        (Self::EventBridge, "eventbridge"),
        (Self::GuardDuty, "guardduty"),
        (Self::GcpAudit, "gcp-audit"),
        (Self::AzureActivity, "azure-activity"),
        (Self::Otlp, "otlp"),
        (Self::Ocsf, "ocsf"),
        (Self::Okta, "okta"),
        (Self::GitHub, "github"),
    ];

    /// The name of the command line and of the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(format, _)| *format == self).map_or("", |(_, name)| name)
    }

    /// The format of a name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == word).map(|(format, _)| *format)
    }

    /// The format that a file is most likely in, by the keys of its first object. For people who name none; a receiver never
    /// guesses.
    #[must_use]
    pub fn guess(body: &[u8]) -> Option<Self> {
        guess::guess(body)
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
