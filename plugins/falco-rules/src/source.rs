//! Sources of events: how Falco and how the platform name them.

/// A source whose events are JSON, so that fields are functions of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    K8sAudit,
    AwsCloudtrail,
    GcpAuditlog,
    Okta,
    Github,
}

impl Source {
    pub(crate) const ALL: [Self; 5] =
        [Self::K8sAudit, Self::AwsCloudtrail, Self::GcpAuditlog, Self::Okta, Self::Github];

    /// As rules name it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::K8sAudit => "k8s_audit",
            Self::AwsCloudtrail => "aws_cloudtrail",
            Self::GcpAuditlog => "gcp_auditlog",
            Self::Okta => "okta",
            Self::Github => "github",
        }
    }

    /// As events of the platform name it.
    pub(crate) fn of_event(self) -> &'static str {
        match self {
            Self::K8sAudit => "kubernetes-audit",
            Self::AwsCloudtrail => "cloudtrail",
            Self::GcpAuditlog => "gcp-audit",
            Self::Okta => "okta",
            Self::Github => "github",
        }
    }

    /// The rule of the manifest that rules of this source stand under.
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Self::K8sAudit => "k8s-audit",
            Self::AwsCloudtrail => "aws-cloudtrail",
            Self::GcpAuditlog => "gcp-auditlog",
            Self::Okta => "okta",
            Self::Github => "github",
        }
    }

    /// The plugin of Falco that has this source.
    pub(crate) fn plugin(self) -> &'static str {
        match self {
            Self::K8sAudit => "k8saudit",
            Self::AwsCloudtrail => "cloudtrail",
            Self::GcpAuditlog => "gcpaudit",
            Self::Okta => "okta",
            Self::Github => "github",
        }
    }

    pub(crate) fn of_rule(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.word() == word)
    }

    pub(crate) fn of_platform(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.of_event() == name)
    }

    pub(crate) fn place(self) -> usize {
        self as usize
    }
}
