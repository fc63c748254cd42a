//! Version orders: which of two versions of one ecosystem is newer.
//!
//! Advisories name versions, not builds, so every verdict rests on these orders. Each lives in its own file, follows the
//! package manager that invented it, works on any text in time linear in its length, and never fails half-way: a text that
//! its package manager could not install at all is refused as [`VersionError`], everything else has a place.
//! Numbers are compared as digit strings, so no version is too large.

use std::cmp::Ordering;

use thiserror::Error;

mod apk;
mod digits;
mod dpkg;
mod gem;
mod legacy_python;
mod maven;
mod nuget;
mod numeric;
mod packagist;
mod pairs;
mod pep440;
mod rpm;
mod semver;

#[cfg(test)]
mod properties;

pub use pairs::{Mismatch, PairsReport, compare_pairs};

/// The text cannot be a version of this ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{version:?} is not a version that the {order} order can place")]
pub struct VersionError {
    /// The order that refused it.
    pub order: Order,
    /// The text, shortened to 100 characters.
    pub version: String,
}

impl VersionError {
    /// Stable word for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "advisory-version-unreadable"
    }
}

/// A version order. Total over the versions it can read; [`Order::Packagist`] has one exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// Debian policy, section 5.6.12, as `dpkg --compare-versions` decides it.
    Dpkg,
    /// Alpine's `apk version -t`, version 3 of the tool.
    Apk,
    /// `rpmvercmp` over epoch, version and release.
    Rpm,
    /// Python, PEP 440; versions that it cannot read come before all others, in the order that was used before it.
    Pep440,
    /// Semantic Versioning 2.0 with the leniency that registries show: npm, crates.io, Hex, Swift and others.
    Semver,
    /// Go modules, pseudo-versions, tool chains and the standard library.
    Go,
    /// Dart: semantic versions whose build part orders too.
    Pub,
    /// Maven's `ComparableVersion`.
    Maven,
    /// RubyGems' `Gem::Version`.
    RubyGems,
    /// NuGet: four numbers, then a pre-release without regard to case.
    NuGet,
    /// PHP's `version_compare`. A component `#` stands for any number, as PHP defines it, so texts that hold one are
    /// equal to several different versions; over all other texts the order is total.
    Packagist,
    /// Lists of numbers, a longer list being newer: CRAN, Hackage, GHC.
    Numeric,
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 12] = [
        Self::Dpkg,
        Self::Apk,
        Self::Rpm,
        Self::Pep440,
        Self::Semver,
        Self::Go,
        Self::Pub,
        Self::Maven,
        Self::RubyGems,
        Self::NuGet,
        Self::Packagist,
        Self::Numeric,
    ];

    /// The name used in sentences for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dpkg => "dpkg",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::Pep440 => "PEP 440",
            Self::Semver => "semver",
            Self::Go => "Go",
            Self::Pub => "pub",
            Self::Maven => "Maven",
            Self::RubyGems => "RubyGems",
            Self::NuGet => "NuGet",
            Self::Packagist => "Packagist",
            Self::Numeric => "numeric",
        }
    }

    /// The order of an OSV ecosystem, in any case and with or without a release (`Debian:12`), or of a common other name
    /// for it (`redhat`, `deb`, `semver`).
    #[must_use]
    pub fn for_ecosystem(name: &str) -> Option<Self> {
        let base = name.split(':').next().unwrap_or(name).trim().to_ascii_lowercase();
        Some(match base.as_str() {
            "debian" | "ubuntu" | "echo" | "deb" | "dpkg" => Self::Dpkg,
            "alpine"
            | "wolfi"
            | "chainguard"
            | "minimos"
            | "alpaquita"
            | "cleanstart"
            | "apk"
            | "bellsoft hardened containers" => Self::Apk,
            "redhat" | "red hat" | "almalinux" | "rocky linux" | "rocky" | "opensuse" | "suse" | "mageia"
            | "openeuler" | "azure linux" | "photon os" | "rpm" => Self::Rpm,
            "pypi" | "python" | "pep440" => Self::Pep440,
            "npm" | "semver" | "crates.io" | "cargo" | "crates" | "hex" | "swifturl" | "github actions"
            | "bitnami" | "julia" | "conancenter" | "kubernetes" | "vscode" => Self::Semver,
            "go" | "golang" => Self::Go,
            "pub" => Self::Pub,
            "maven" => Self::Maven,
            "rubygems" | "gem" => Self::RubyGems,
            "nuget" => Self::NuGet,
            "packagist" | "composer" => Self::Packagist,
            "cran" | "bioconductor" | "hackage" | "ghc" | "numeric" => Self::Numeric,
            _ => return None,
        })
    }

    /// Compares two versions.
    ///
    /// # Errors
    /// One of the two is no version of this ecosystem.
    pub fn compare(self, a: &str, b: &str) -> Result<Ordering, VersionError> {
        self.check(a)?;
        self.check(b)?;
        Ok(self.compare_readable(a.trim(), b.trim()))
    }

    /// Whether this order can place the version.
    ///
    /// # Errors
    /// It cannot.
    pub fn check(self, version: &str) -> Result<(), VersionError> {
        let text = version.trim();
        let readable = !text.is_empty()
            && match self {
                Self::Dpkg => dpkg::readable(text),
                Self::Pep440 => pep440::Placed::parse(text).is_some(),
                Self::Semver | Self::Pub => semver::readable(text),
                Self::Go => semver::readable_go(text),
                Self::Maven => !text.contains("${"),
                Self::RubyGems | Self::NuGet | Self::Numeric => {
                    text.starts_with(|c: char| c.is_ascii_digit())
                }
                Self::Packagist => !packagist::is_branch(text),
                Self::Apk | Self::Rpm => true,
            };
        if readable {
            Ok(())
        } else {
            Err(VersionError { order: self, version: version.chars().take(100).collect() })
        }
    }

    fn compare_readable(self, a: &str, b: &str) -> Ordering {
        match self {
            Self::Dpkg => dpkg::compare(a, b),
            Self::Apk => apk::compare(a, b),
            Self::Rpm => rpm::compare(a, b),
            Self::Pep440 => pep440::Placed::parse(a).cmp(&pep440::Placed::parse(b)),
            Self::Semver => semver::compare(a, b),
            Self::Go => semver::compare_go(a, b),
            Self::Pub => semver::compare_with_build(a, b),
            Self::Maven => maven::compare(a, b),
            Self::RubyGems => gem::compare(a, b),
            Self::NuGet => nuget::compare(a, b),
            Self::Packagist => packagist::compare(a, b),
            Self::Numeric => numeric::compare(a, b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Order;

    #[test]
    fn ecosystems_are_found_in_any_case_with_any_release() {
        for (name, order) in [
            ("Debian:12", Order::Dpkg),
            ("ubuntu:22.04:LTS", Order::Dpkg),
            ("Alpine:v3.18", Order::Apk),
            ("redhat", Order::Rpm),
            ("Rocky Linux:9", Order::Rpm),
            ("PyPI", Order::Pep440),
            ("SEMVER", Order::Semver),
            ("crates.io", Order::Semver),
            ("RubyGems", Order::RubyGems),
        ] {
            assert_eq!(Order::for_ecosystem(name), Some(order), "{name}");
        }
        assert_eq!(Order::for_ecosystem("Atlantis:7"), None);
    }

    #[test]
    fn texts_that_cannot_be_installed_are_refused_by_name() {
        for (order, text) in [
            (Order::Dpkg, "x:1"),
            (Order::Pep440, "not a version"),
            (Order::Maven, "${project.version}"),
            (Order::Go, "(devel)"),
            (Order::Packagist, "dev-master"),
            (Order::Semver, ""),
        ] {
            let error = order.compare(text, "1").unwrap_err();
            assert_eq!((error.order, error.code()), (order, "advisory-version-unreadable"), "{text}");
        }
    }
}
