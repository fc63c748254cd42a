//! The formats that are read, by name and by content.

use serde_json::Value;

use crate::ExchangeError;
use crate::text::title;

/// A format of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// SARIF 2.1.0 (OASIS).
    Sarif,
    /// `trivy --format json`, of images, file systems, repositories and clusters.
    TrivyJson,
    /// `grype --output json`.
    GrypeJson,
    /// CycloneDX 1.4–1.6 JSON with vulnerabilities.
    CycloneDx,
    /// `kube-bench --json`.
    KubeBench,
    /// `prowler --output-formats json-ocsf`.
    ProwlerOcsf,
    /// Findings of the Open Cybersecurity Schema Framework, as a list, one object, or one object a line.
    Ocsf,
    /// `gitleaks --report-format json`.
    Gitleaks,
    /// `semgrep --json`.
    Semgrep,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 9] = [
        Self::Sarif,
        Self::TrivyJson,
        Self::GrypeJson,
        Self::CycloneDx,
        Self::KubeBench,
        Self::ProwlerOcsf,
        Self::Ocsf,
        Self::Gitleaks,
        Self::Semgrep,
    ];

    /// The word for it in every wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sarif => "sarif",
            Self::TrivyJson => "trivy-json",
            Self::GrypeJson => "grype-json",
            Self::CycloneDx => "cyclonedx",
            Self::KubeBench => "kube-bench",
            Self::ProwlerOcsf => "prowler-ocsf",
            Self::Ocsf => "ocsf",
            Self::Gitleaks => "gitleaks",
            Self::Semgrep => "semgrep",
        }
    }

    /// Reads [`Format::as_str`].
    ///
    /// # Errors
    /// [`ExchangeError::FormatName`].
    pub fn parse(name: &str) -> Result<Self, ExchangeError> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == name);
        found.ok_or_else(|| ExchangeError::FormatName { name: title(name), known: Self::names() })
    }

    /// The names of all, for messages.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// What the content is, by the members that only one format has.
    pub(crate) fn detect(root: &Value) -> Option<Self> {
        match root {
            Value::Array(items) => items.iter().find(|item| item.is_object()).and_then(Self::of_listed),
            Value::Object(_) => Self::of_object(root).or_else(|| Self::of_event(root)),
            _ => None,
        }
    }

    /// Whether an empty list is a whole report of this format.
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::Ocsf | Self::ProwlerOcsf | Self::Gitleaks | Self::KubeBench)
    }

    fn of_object(root: &Value) -> Option<Self> {
        let has = |name: &str| root.get(name).is_some();
        let lists = |name: &str| root.get(name).is_some_and(Value::is_array);
        if root.get("bomFormat").and_then(Value::as_str) == Some("CycloneDX") {
            return Some(Self::CycloneDx);
        }
        let sarif_schema =
            root.get("$schema").and_then(Value::as_str).is_some_and(|schema| schema.contains("sarif"));
        let known = [
            (has("runs") && (sarif_schema || has("version")), Self::Sarif),
            (has("SchemaVersion") && (has("ArtifactName") || has("Results")), Self::TrivyJson),
            (has("ClusterName") && (has("Resources") || has("Findings")), Self::TrivyJson),
            (lists("matches") && has("descriptor"), Self::GrypeJson),
            (has("Controls"), Self::KubeBench),
            (lists("results") && (has("errors") || has("paths")), Self::Semgrep),
        ];
        known.into_iter().find(|(is, _)| *is).map(|(_, format)| format)
    }

    fn of_listed(item: &Value) -> Option<Self> {
        let has = |name: &str| item.get(name).is_some();
        if has("RuleID") && (has("Fingerprint") || has("Secret")) {
            return Some(Self::Gitleaks);
        }
        if has("tests") && has("node_type") {
            return Some(Self::KubeBench);
        }
        Self::of_event(item)
    }

    fn of_event(item: &Value) -> Option<Self> {
        if !(item.get("class_uid").is_some() && item.get("metadata").is_some()) {
            return None;
        }
        let product = item.pointer("/metadata/product/name").and_then(Value::as_str).unwrap_or_default();
        Some(if product.eq_ignore_ascii_case("prowler") { Self::ProwlerOcsf } else { Self::Ocsf })
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
