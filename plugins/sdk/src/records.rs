//! Records with only what is always known; the rest is chained on.

use crate::{Confidence, Finding, OperatingSystem, Ownership, Package, PackageType, Severity};

impl Package {
    /// A package read in the way that `method` names (`dpkg-status`, `package-json`, …), from its authoritative record.
    #[must_use]
    pub fn new(
        kind: PackageType,
        name: impl Into<String>,
        version: impl Into<String>,
        method: impl Into<String>,
    ) -> Self {
        Self {
            item: 0,
            kind,
            name: name.into(),
            version: version.into(),
            arch: None,
            source_name: None,
            source_version: None,
            licenses: Vec::new(),
            inner: None,
            method: method.into(),
            confidence: Confidence::High,
        }
    }

    /// Architecture.
    #[must_use]
    pub fn arch(mut self, arch: Option<impl Into<String>>) -> Self {
        self.arch = arch.map(Into::into);
        self
    }

    /// Name and version of the source package.
    #[must_use]
    pub fn source(mut self, name: Option<impl Into<String>>, version: Option<impl Into<String>>) -> Self {
        self.source_name = name.map(Into::into);
        self.source_version = version.map(Into::into);
        self
    }

    /// Licences as declared.
    #[must_use]
    pub fn licenses<T: Into<String>>(mut self, licenses: impl IntoIterator<Item = T>) -> Self {
        self.licenses = licenses.into_iter().map(Into::into).collect();
        self
    }

    /// Path inside an archive, nested archives joined by `!/`.
    #[must_use]
    pub fn inner(mut self, path: Option<impl Into<String>>) -> Self {
        self.inner = path.map(Into::into);
        self
    }

    /// How sure the evidence makes the plugin; high unless told.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }
}

impl Ownership {
    /// Files (without a leading slash) that a package brought.
    #[must_use]
    pub fn new(kind: PackageType, name: impl Into<String>, paths: Vec<String>) -> Self {
        Self { item: 0, kind, name: name.into(), paths }
    }
}

impl OperatingSystem {
    /// A distribution of which only the id is known.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { item: 0, id: id.into(), version: None, codename: None, like: Vec::new(), pretty_name: None }
    }
}

impl Finding {
    /// A risk by a rule that the manifest declares, at a place inside the file.
    #[must_use]
    pub fn new(rule: impl Into<String>, severity: Severity, title: impl Into<String>) -> Self {
        Self {
            item: 0,
            rule: rule.into(),
            title: title.into(),
            description: String::new(),
            severity,
            location: String::new(),
        }
    }

    /// What it means and what to do.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Where inside the file, by content and not by line number.
    #[must_use]
    pub fn location(mut self, place: impl Into<String>) -> Self {
        self.location = place.into();
        self
    }
}
