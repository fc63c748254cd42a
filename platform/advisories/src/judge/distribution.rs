//! Which advisory feed speaks for a distribution.
//!
//! The map is explicit. A distribution that is not in it is unknown, whatever it says it is like: a derivative rebuilds, patches
//! and renames, and a guess would be a false verdict in either direction.

use std::collections::BTreeMap;

use model::{OperatingSystem, PackageType};

/// By which names and versions a feed lists packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListedBy {
    /// Source packages.
    Source,
    /// Binary packages.
    Binary,
    /// Either.
    Both,
}

/// The feed of a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Feed {
    /// The package manager that it speaks about.
    pub(crate) kind: PackageType,
    /// OSV ecosystems, most exact first. The first one names the feed where none is loaded.
    ecosystems: Vec<Pattern>,
    pub(crate) listed_by: ListedBy,
    /// It also lists what is not fixed yet, so that its silence means something.
    pub(crate) comprehensive: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    /// Products of one distribution: a beginning and an end of the ecosystem's name.
    Between(String, String),
}

impl Pattern {
    fn name(&self) -> String {
        match self {
            Self::Exact(name) => name.clone(),
            Self::Between(start, end) => format!("{}{end}", start.trim_end_matches([':', ' '])),
        }
    }

    fn matches(&self, ecosystem: &str) -> bool {
        match self {
            Self::Exact(name) => name == ecosystem,
            Self::Between(start, end) => {
                ecosystem.len() >= start.len() + end.len()
                    && ecosystem.starts_with(start)
                    && ecosystem.ends_with(end)
            }
        }
    }
}

impl Feed {
    /// The name for coverage: the loaded ecosystem where there is exactly one, else the feed's own.
    pub(crate) fn label(&self, loaded: &[String]) -> String {
        match loaded {
            [one] => one.clone(),
            _ => self.ecosystems.first().map(Pattern::name).unwrap_or_default(),
        }
    }

    /// The ecosystems of an index that belong to this feed, sorted.
    pub(crate) fn loaded(&self, ecosystems: &BTreeMap<String, u64>) -> Vec<String> {
        ecosystems
            .keys()
            .filter(|name| self.ecosystems.iter().any(|pattern| pattern.matches(name)))
            .cloned()
            .collect()
    }
}

/// The feed of a distribution, or why there is none.
pub(crate) fn feed(os: &OperatingSystem) -> Result<Feed, String> {
    let version = os.version.as_deref().unwrap_or_default();
    let major = version.split('.').next().unwrap_or_default();
    let named = |names: &[String]| names.iter().cloned().map(Pattern::Exact).collect::<Vec<_>>();
    let needs_version = || match version {
        "" => Err(format!("the distribution `{}` gives no version, so its release is unknown", os.id)),
        _ => Ok(()),
    };
    let deb = |ecosystems: Vec<Pattern>, comprehensive| Feed {
        kind: PackageType::Deb,
        ecosystems,
        listed_by: ListedBy::Source,
        comprehensive,
    };
    let apk = |ecosystems: Vec<Pattern>| Feed {
        kind: PackageType::Apk,
        ecosystems,
        listed_by: ListedBy::Both,
        comprehensive: false,
    };
    let rpm = |ecosystems: Vec<Pattern>, listed_by, comprehensive| Feed {
        kind: PackageType::Rpm,
        ecosystems,
        listed_by,
        comprehensive,
    };
    Ok(match os.id.as_str() {
        // Raspbian rebuilds Debian's sources without renaming versions.
        "debian" | "raspbian" => {
            let release = debian_release(os).ok_or_else(|| {
                "Debian without a release number or a known code name (testing and unstable have none)"
                    .to_owned()
            })?;
            deb(named(&[format!("Debian:{release}"), "Debian".into()]), true)
        }
        "ubuntu" => {
            needs_version()?;
            deb(named(&[format!("Ubuntu:{version}:LTS"), format!("Ubuntu:{version}")]), true)
        }
        "echo" => deb(named(&["Echo".into()]), false),
        "alpine" => {
            needs_version()?;
            apk(named(&[format!("Alpine:{}", alpine_branch(version)), "Alpine".into()]))
        }
        "wolfi" => apk(named(&["Wolfi".into()])),
        "chainguard" => apk(named(&["Chainguard".into()])),
        "minimos" => apk(named(&["MinimOS".into()])),
        "alpaquita" => {
            apk(named(&[format!("Alpaquita:{}", if major.is_empty() { "stream" } else { major })]))
        }
        "almalinux" => {
            needs_version()?;
            rpm(named(&[format!("AlmaLinux:{major}"), "AlmaLinux".into()]), ListedBy::Binary, false)
        }
        "rocky" => {
            needs_version()?;
            rpm(named(&[format!("Rocky Linux:{major}"), "Rocky Linux".into()]), ListedBy::Binary, false)
        }
        "rhel" => {
            needs_version()?;
            rpm(red_hat(major), ListedBy::Binary, true)
        }
        // CentOS Linux shipped Red Hat's packages as they were; CentOS Stream runs ahead of them.
        "centos" if !is_stream(os) && ["5", "6", "7", "8"].contains(&major) => {
            rpm(red_hat(major), ListedBy::Binary, true)
        }
        "opensuse-leap" => {
            needs_version()?;
            rpm(named(&[format!("openSUSE:Leap {version}")]), ListedBy::Source, false)
        }
        "opensuse-tumbleweed" => rpm(named(&["openSUSE:Tumbleweed".into()]), ListedBy::Source, false),
        "sles" | "sled" | "sles_sap" => {
            needs_version()?;
            let release = suse_release(version);
            let pattern = Pattern::Between("SUSE:Linux Enterprise ".into(), format!(" {release}"));
            rpm(vec![pattern], ListedBy::Source, false)
        }
        "mageia" => {
            needs_version()?;
            rpm(named(&[format!("Mageia:{major}")]), ListedBy::Source, false)
        }
        "azurelinux" | "mariner" => {
            needs_version()?;
            rpm(named(&[format!("Azure Linux:{major}"), "Azure Linux".into()]), ListedBy::Both, true)
        }
        "photon" => {
            needs_version()?;
            rpm(named(&[format!("Photon OS:{version}")]), ListedBy::Both, false)
        }
        "openeuler" => {
            let release = open_euler_release(os).ok_or("openEuler without a release")?;
            rpm(named(&[format!("openEuler:{release}")]), ListedBy::Both, false)
        }
        other => return Err(format!("no advisory feed is known for the distribution `{other}`")),
    })
}

/// Red Hat publishes per product and repository: `Red Hat:enterprise_linux:9::baseos`.
fn red_hat(major: &str) -> Vec<Pattern> {
    vec![
        Pattern::Exact(format!("Red Hat:enterprise_linux:{major}")),
        Pattern::Between(format!("Red Hat:enterprise_linux:{major}::"), String::new()),
    ]
}

fn is_stream(os: &OperatingSystem) -> bool {
    os.pretty_name.as_deref().is_some_and(|name| name.contains("Stream"))
}

fn debian_release(os: &OperatingSystem) -> Option<String> {
    if let Some(version) = os.version.as_deref().filter(|version| !version.is_empty()) {
        return Some(version.split('.').next().unwrap_or(version).to_owned());
    }
    let releases = [
        ("buster", "10"),
        ("bullseye", "11"),
        ("bookworm", "12"),
        ("trixie", "13"),
        ("forky", "14"),
        ("duke", "15"),
    ];
    let codename = os.codename.as_deref()?;
    releases.iter().find(|(name, _)| *name == codename).map(|(_, release)| (*release).to_owned())
}

/// `3.18.4` is branch `v3.18`; edge calls itself `3.21.0_alpha20240807`.
fn alpine_branch(version: &str) -> String {
    if version.contains("_alpha") {
        return "edge".to_owned();
    }
    let mut parts = version.split('.');
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) => format!("v{major}.{minor}"),
        _ => format!("v{version}"),
    }
}

/// `15.5` is `15 SP5`; `15` and `16.0` stay as they are.
fn suse_release(version: &str) -> String {
    match version.split_once('.') {
        Some((major @ ("11" | "12" | "15"), pack)) => format!("{major} SP{pack}"),
        _ => version.to_owned(),
    }
}

/// `openEuler 22.03 (LTS-SP3)` is `22.03-LTS-SP3`.
fn open_euler_release(os: &OperatingSystem) -> Option<String> {
    let version = os.version.as_deref()?;
    let edition = os.pretty_name.as_deref().and_then(|name| name.split_once('(')).map(|(_, rest)| rest);
    Some(match edition.and_then(|rest| rest.split_once(')')) {
        Some((edition, _)) => format!("{version}-{edition}"),
        None => version.to_owned(),
    })
}

/// The OSV ecosystem of a language's packages.
pub(crate) fn language_ecosystem(kind: PackageType) -> Option<&'static str> {
    Some(match kind {
        PackageType::Pypi => "PyPI",
        PackageType::Npm => "npm",
        PackageType::Maven => "Maven",
        PackageType::Golang => "Go",
        PackageType::Cargo => "crates.io",
        PackageType::Gem => "RubyGems",
        PackageType::Nuget => "NuGet",
        PackageType::Composer => "Packagist",
        PackageType::Deb | PackageType::Apk | PackageType::Rpm | PackageType::Generic => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::OperatingSystem;

    use super::feed;

    fn os(id: &str, version: &str, pretty: &str) -> OperatingSystem {
        OperatingSystem {
            id: id.into(),
            version: (!version.is_empty()).then(|| version.into()),
            codename: None,
            like: vec!["debian".into(), "rhel".into()],
            pretty_name: Some(pretty.into()),
        }
    }

    #[test]
    fn releases_are_named_as_the_feeds_name_them() {
        for (id, version, pretty, label) in [
            ("debian", "12", "", "Debian:12"),
            ("debian", "12.5", "", "Debian:12"),
            ("ubuntu", "22.04", "", "Ubuntu:22.04:LTS"),
            ("alpine", "3.18.4", "", "Alpine:v3.18"),
            ("alpine", "3.21.0_alpha20240807", "", "Alpine:edge"),
            ("almalinux", "9.3", "", "AlmaLinux:9"),
            ("rocky", "8.9", "", "Rocky Linux:8"),
            ("rhel", "9.4", "", "Red Hat:enterprise_linux:9"),
            ("centos", "7", "CentOS Linux 7 (Core)", "Red Hat:enterprise_linux:7"),
            ("sles", "15.5", "", "SUSE:Linux Enterprise 15 SP5"),
            ("opensuse-leap", "15.5", "", "openSUSE:Leap 15.5"),
            ("azurelinux", "3.0", "", "Azure Linux:3"),
            ("photon", "5.0", "", "Photon OS:5.0"),
            ("openeuler", "22.03", "openEuler 22.03 (LTS-SP3)", "openEuler:22.03-LTS-SP3"),
            ("wolfi", "20230201", "", "Wolfi"),
        ] {
            assert_eq!(feed(&os(id, version, pretty)).unwrap().label(&[]), label);
        }
    }

    #[test]
    fn likeness_is_never_enough() {
        for (id, version, pretty) in [
            ("kali", "2024.1", ""),
            ("centos", "9", "CentOS Stream 9"),
            ("debian", "", ""),
            ("", "", ""),
            ("amzn", "2023", ""),
        ] {
            assert!(feed(&os(id, version, pretty)).is_err(), "{id}");
        }
    }

    #[test]
    fn products_of_one_release_are_all_asked() {
        let loaded = |id: &str, version: &str, names: &[&str]| {
            let index: BTreeMap<String, u64> = names.iter().map(|name| ((*name).to_owned(), 1)).collect();
            feed(&os(id, version, "")).unwrap().loaded(&index)
        };
        let red_hat = [
            "Red Hat:enterprise_linux:9::appstream",
            "Red Hat:enterprise_linux:9::baseos",
            "Red Hat:rhel_eus:9.2::baseos",
        ];
        assert_eq!(loaded("rhel", "9.4", &red_hat), red_hat[..2]);
        let suse =
            ["SUSE:Linux Enterprise Module for Basesystem 15 SP5", "SUSE:Linux Enterprise Server 15 SP4"];
        assert_eq!(loaded("sles", "15.5", &suse), suse[..1]);
        assert_eq!(
            loaded("ubuntu", "22.04", &["Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS"]),
            ["Ubuntu:22.04:LTS"]
        );
    }
}
