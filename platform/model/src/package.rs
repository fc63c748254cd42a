//! Installed software: what it is called, in which version, and what proves it.

use serde::{Deserialize, Serialize};

/// The kind of package, by the type names of the purl specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PackageType {
    /// Debian and derivatives (dpkg).
    Deb,
    /// Alpine and derivatives.
    Apk,
    /// RPM-based distributions.
    Rpm,
    /// Python distributions.
    Pypi,
    /// Node packages.
    Npm,
    /// Java artifacts, named `group:artifact`.
    Maven,
    /// Go modules; the standard library is the module `stdlib`.
    Golang,
    /// Rust crates.
    Cargo,
    /// Ruby gems.
    Gem,
    /// .NET packages.
    Nuget,
    /// PHP packages, named `vendor/name`.
    Composer,
    /// Anything known only by its name (from a foreign SBOM).
    Generic,
}

impl PackageType {
    /// Every value.
    pub const ALL: [Self; 12] = [
        Self::Deb,
        Self::Apk,
        Self::Rpm,
        Self::Pypi,
        Self::Npm,
        Self::Maven,
        Self::Golang,
        Self::Cargo,
        Self::Gem,
        Self::Nuget,
        Self::Composer,
        Self::Generic,
    ];

    /// The purl type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::Pypi => "pypi",
            Self::Npm => "npm",
            Self::Maven => "maven",
            Self::Golang => "golang",
            Self::Cargo => "cargo",
            Self::Gem => "gem",
            Self::Nuget => "nuget",
            Self::Composer => "composer",
            Self::Generic => "generic",
        }
    }

    /// The type with this purl name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether an operating-system package manager installs it, so that the distribution's own advisories decide.
    #[must_use]
    pub fn is_operating_system(self) -> bool {
        matches!(self, Self::Deb | Self::Apk | Self::Rpm)
    }
}

/// How sure the evidence makes us of name and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Guessed from a file name or a title.
    Low,
    /// Stated by a secondary source, such as a jar manifest.
    Medium,
    /// Stated by the package manager's own record.
    High,
}

/// One place that proves a package: a file of the final file system and how it was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// Path in the scanned root, without a leading slash; control characters are as they were found.
    pub path: String,
    /// Path inside an archive at `path`, such as `BOOT-INF/lib/a.jar`; nested archives are joined by `!/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner: Option<String>,
    /// How it was read: `dpkg-status`, `apk-installed`, `rpmdb`, `python-metadata`, `package-json`, `pom-properties`,
    /// `jar-manifest`, `go-buildinfo`, `cargo-auditable`, or another word of the plugin that read it.
    pub method: String,
    /// How sure that makes us.
    pub confidence: Confidence,
    /// Id of the plugin that read it; absent where somebody else's bill of materials says so. What a plugin found is gone
    /// only when the same plugin no longer finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// Line of the file, from 1, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// The source package that an operating-system package was built from; advisories are matched by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourcePackage {
    /// Source name.
    pub name: String,
    /// Source version; may differ from the binary's. Absent when the record does not tell (rpm: no epoch in it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The operating-system package whose file list contains the file that proves this package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PackageOwner {
    /// Type of the owner.
    #[serde(rename = "type")]
    pub kind: PackageType,
    /// Name of the owner.
    pub name: String,
}

/// An installed package. Ordered by type, name, version, architecture: the order of every list of packages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Package {
    /// Which package manager it belongs to.
    #[serde(rename = "type")]
    pub kind: PackageType,
    /// Name as the package manager writes it (`group:artifact` for Maven, the module path for Go).
    pub name: String,
    /// Version as the package manager writes it, with the epoch where there is one (`1:3.0.7-2.el9`).
    pub version: String,
    /// Architecture, where the record tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Canonical package URL; see [`crate::purl`].
    pub purl: String,
    /// What it was built from, where that is another package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
    /// Licences as declared, in the order declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<String>,
    /// The operating-system package that brought it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PackageOwner>,
    /// What proves it; sorted, never empty for a package that a scan found.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}

/// The distribution of a root, from its `os-release`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OperatingSystem {
    /// `ID`, lower case: `debian`, `alpine`, `rhel`.
    pub id: String,
    /// `VERSION_ID`; absent for rolling releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `VERSION_CODENAME`, such as `bookworm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
    /// `ID_LIKE`, in order. Shown, never used to guess an advisory source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<String>,
    /// `PRETTY_NAME`, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretty_name: Option<String>,
}
