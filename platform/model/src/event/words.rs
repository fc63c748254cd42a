//! The closed words of an event.

use serde::{Deserialize, Serialize};

/// Writes an enum whose values are words on the wire, so that the list and the words cannot disagree.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$value_meta:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$value_meta])* #[serde(rename = $word)] $value,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// The word of the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }

            /// The value of a word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What kind of log or sensor said it.
    EventSource {
        /// Falco, also by way of Falcosidekick.
        Falco = "falco",
        /// Tetragon.
        Tetragon = "tetragon",
        /// KubeArmor.
        KubeArmor = "kubearmor",
        /// Audit log of a Kubernetes API server.
        KubernetesAudit = "kubernetes-audit",
        /// AWS CloudTrail, also by way of EventBridge.
        CloudTrail = "cloudtrail",
        /// AWS GuardDuty, also by way of EventBridge.
        GuardDuty = "guardduty",
        /// Google Cloud audit logs.
        GcpAudit = "gcp-audit",
        /// Azure activity log.
        AzureActivity = "azure-activity",
        /// Okta system log.
        Okta = "okta",
        /// GitHub audit log.
        GitHub = "github",
        /// Log records of OpenTelemetry.
        Otlp = "otlp",
        /// Findings in the Open Cybersecurity Schema.
        Ocsf = "ocsf",
    }
}

words! {
    /// What sort of event it is.
    EventKind {
        /// A program was started.
        ProcessExec = "process.exec",
        /// A process ended.
        ProcessExit = "process.exit",
        /// A file was opened, changed or loaded.
        FileAccess = "file.access",
        /// A connection was made or tried.
        NetworkConnect = "network.connect",
        /// An API was called.
        ApiCall = "api.call",
        /// The sensor judged it itself.
        Alert = "alert",
        /// A record of a log.
        Log = "log",
        /// About the sensor: what it lost, how it does. Never a threat.
        SensorHealth = "sensor.health",
    }
}

words! {
    /// What sort of principal.
    #[derive(Default)]
    ActorKind {
        /// A service account of Kubernetes or of a cloud.
        ServiceAccount = "service-account",
        /// A person, or an account that stands for one.
        User = "user",
        /// A node of a cluster.
        Node = "node",
        /// A role that somebody has taken on.
        Role = "role",
        /// A component or service of the platform itself.
        Service = "service",
        /// Not told, or nobody in particular.
        #[default]
        Unknown = "unknown",
    }
}

words! {
    /// How a call ended.
    Outcome {
        /// Done.
        Success = "success",
        /// Refused: the caller may not, or is not who it says.
        Denied = "denied",
        /// Failed for another reason.
        Error = "error",
    }
}

words! {
    /// Whose cloud.
    Provider {
        /// Amazon Web Services.
        Aws = "aws",
        /// Google Cloud.
        Gcp = "gcp",
        /// Microsoft Azure.
        Azure = "azure",
    }
}

#[cfg(test)]
mod tests {
    use super::{ActorKind, EventKind, EventSource, Outcome, Provider};

    #[test]
    fn words_are_those_of_the_wire() {
        fn check<T: serde::Serialize + PartialEq + std::fmt::Debug>(
            all: &[T],
            word: fn(&T) -> &'static str,
            read: fn(&str) -> Option<T>,
        ) {
            for value in all {
                assert_eq!(serde_json::to_string(value).unwrap(), format!("\"{}\"", word(value)));
                assert_eq!(read(word(value)).as_ref(), Some(value));
            }
        }
        check(EventSource::ALL, |v| v.as_str(), EventSource::from_word);
        check(EventKind::ALL, |v| v.as_str(), EventKind::from_word);
        check(ActorKind::ALL, |v| v.as_str(), ActorKind::from_word);
        check(Outcome::ALL, |v| v.as_str(), Outcome::from_word);
        check(Provider::ALL, |v| v.as_str(), Provider::from_word);
        assert_eq!(EventSource::from_word("syslog"), None);
    }
}
