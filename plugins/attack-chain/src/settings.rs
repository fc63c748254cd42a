//! What the operator may choose.

use palisade_sdk::{Config, Error, Severity};
use serde::Deserialize;

/// The configuration as it stands in `plugin.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Principals that join nothing.
    shared: Vec<String>,
    /// Most workloads of a person, a role or a node.
    pub(crate) workloads_per_key: usize,
    /// Most workloads of a service account.
    pub(crate) workloads_per_account: usize,
    /// What is explained.
    minimum_severity: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            shared: Vec::new(),
            workloads_per_key: 5,
            workloads_per_account: 3,
            minimum_severity: "medium".to_owned(),
        }
    }
}

/// Namespaces whose service accounts act upon everybody's workloads.
const CONTROLLERS: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

impl Settings {
    pub(crate) fn of(config: &Config) -> Result<Self, Error> {
        let settings: Self = config.parse()?;
        if severity(&settings.minimum_severity).is_none() {
            return Err(Error::InvalidConfig(format!(
                "minimum-severity: {:?} is no severity",
                settings.minimum_severity
            )));
        }
        for (name, figure) in [
            ("workloads-per-key", settings.workloads_per_key),
            ("workloads-per-account", settings.workloads_per_account),
        ] {
            if !(1..=50).contains(&figure) {
                return Err(Error::InvalidConfig(format!("{name}: {figure} is not between 1 and 50")));
            }
        }
        Ok(settings)
    }

    pub(crate) fn minimum(&self) -> Severity {
        severity(&self.minimum_severity).unwrap_or(Severity::Medium)
    }

    /// Whether a principal is nobody in particular, or everybody's servant.
    pub(crate) fn is_shared(&self, principal: &str) -> bool {
        let listed = self.shared.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => principal.starts_with(start),
            None => principal == pattern,
        });
        listed
            || match account(principal) {
                Some((namespace, name)) => name == "default" || CONTROLLERS.contains(&namespace),
                None => principal.starts_with("system:"),
            }
    }
}

/// Namespace and name of the service account that a user is.
pub(crate) fn account(principal: &str) -> Option<(&str, &str)> {
    let (namespace, name) = principal.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

pub(crate) fn severity(word: &str) -> Option<Severity> {
    Some(match word {
        "unknown" => Severity::Unknown,
        "none" => Severity::None,
        "negligible" => Severity::Negligible,
        "low" => Severity::Low,
        "medium" => Severity::Medium,
        "high" => Severity::High,
        "critical" => Severity::Critical,
        _ => return None,
    })
}

/// The word of a severity, and a number that grows with it.
pub(crate) fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Unknown => 0,
        Severity::None => 1,
        Severity::Negligible => 2,
        Severity::Low => 3,
        Severity::Medium => 4,
        Severity::High => 5,
        Severity::Critical => 6,
    }
}

#[cfg(test)]
mod tests {
    use palisade_sdk::{Config, Severity};

    use super::Settings;

    #[test]
    fn who_serves_everybody_joins_nothing() {
        let settings = Settings::of(&Config::new(r#"{"shared": ["ci-*", "deploy@example.com"]}"#)).unwrap();
        for shared in [
            "system:node:n1",
            "system:anonymous",
            "system:serviceaccount:shop:default",
            "system:serviceaccount:kube-system:deployment-controller",
            "ci-7",
            "deploy@example.com",
        ] {
            assert!(settings.is_shared(shared), "{shared}");
        }
        for own in
            ["alice", "system:serviceaccount:shop:web", "deploy@example.com.evil", "arn:aws:iam::1:role/x"]
        {
            assert!(!settings.is_shared(own), "{own}");
        }
        assert_eq!(settings.minimum(), Severity::Medium);
    }

    #[test]
    fn mistakes_in_the_configuration_are_named() {
        for (text, key) in [
            (r#"{"minimum-severity": "huge"}"#, "minimum-severity"),
            (r#"{"workloads-per-key": 0}"#, "workloads-per-key"),
            (r#"{"workloads-per-account": 51}"#, "workloads-per-account"),
            (r#"{"other": 1}"#, "other"),
        ] {
            let error = Settings::of(&Config::new(text)).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
