//! The names that other tools give to distributions, as the `ID` of `os-release` that advisories are keyed by.

use model::OperatingSystem;

use crate::purl::Purl;

/// The `ID` for a name that a tool or a purl namespace uses for a distribution.
pub(crate) fn id(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    let known = match name.as_str() {
        "redhat" | "red hat" | "red hat enterprise linux" => "rhel",
        "alma" => "almalinux",
        "amazon" => "amzn",
        "oracle" | "oraclelinux" => "ol",
        "rockylinux" => "rocky",
        "cbl-mariner" => "mariner",
        "suse linux enterprise server" | "suse" => "sles",
        "suse linux enterprise micro" => "sle-micro",
        "opensuse.leap" => "opensuse-leap",
        "opensuse.tumbleweed" => "opensuse-tumbleweed",
        _ => return name,
    };
    known.to_owned()
}

/// A distribution known by name and version alone.
pub(crate) fn plain(name: &str, version: Option<&str>) -> OperatingSystem {
    OperatingSystem {
        id: id(name),
        version: version.filter(|version| !version.is_empty() && *version != "unknown").map(str::to_owned),
        codename: None,
        like: Vec::new(),
        pretty_name: None,
    }
}

/// The distribution that an operating-system purl belongs to: its `distro` qualifier (`debian-12`,
/// `opensuse-leap-15.5`, `jessie`, `12`), else its namespace without a version.
pub(crate) fn of_purl(purl: &Purl) -> Option<OperatingSystem> {
    let space = purl.namespace.first().map(String::as_str);
    let Some(distro) = purl.qualifiers.get("distro") else {
        return space.map(|space| plain(space, None));
    };
    let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    if let Some((name, version)) = distro.rsplit_once('-')
        && starts_with_digit(version)
    {
        return Some(plain(name, Some(version)));
    }
    if starts_with_digit(distro) {
        return space.map(|space| plain(space, Some(distro)));
    }
    if let Some(version) = release_of_codename(distro) {
        let mut os = plain(space.unwrap_or("debian"), Some(version));
        os.codename = Some(distro.clone());
        return Some(os);
    }
    Some(plain(distro, None))
}

/// Debian and Ubuntu releases whose codename stands in purls for the version.
fn release_of_codename(codename: &str) -> Option<&'static str> {
    Some(match codename {
        "jessie" => "8",
        "stretch" => "9",
        "buster" => "10",
        "bullseye" => "11",
        "bookworm" => "12",
        "trixie" => "13",
        "forky" => "14",
        "trusty" => "14.04",
        "xenial" => "16.04",
        "bionic" => "18.04",
        "focal" => "20.04",
        "jammy" => "22.04",
        "noble" => "24.04",
        "resolute" => "26.04",
        _ => return None,
    })
}

/// Whether two statements can speak of one distribution: same id, and versions of which one refines the other
/// (`9` and `9.1`), or of which one is not stated.
pub(crate) fn agree(one: &OperatingSystem, other: &OperatingSystem) -> bool {
    let refines = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    one.id == other.id
        && match (&one.version, &other.version) {
            (Some(one), Some(other)) => refines(one, other) || refines(other, one),
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use super::{agree, of_purl, plain};
    use crate::purl::Purl;

    #[test]
    fn distributions_are_read_from_purls() {
        let read = |text: &str| {
            of_purl(&Purl::parse(text).unwrap()).map(|os| (os.id, os.version.unwrap_or_default()))
        };
        let os = |id: &str, version: &str| Some((id.to_owned(), version.to_owned()));
        assert_eq!(read("pkg:deb/debian/a@1?distro=debian-12"), os("debian", "12"));
        assert_eq!(read("pkg:deb/debian/a@1?distro=bookworm"), os("debian", "12"));
        assert_eq!(read("pkg:rpm/redhat/a@1?distro=rhel-9.1"), os("rhel", "9.1"));
        assert_eq!(read("pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5"), os("opensuse-leap", "15.5"));
        assert_eq!(read("pkg:apk/alpine/a@1?distro=3.18.0"), os("alpine", "3.18.0"));
        assert_eq!(read("pkg:apk/wolfi/a@1"), os("wolfi", ""));
        assert_eq!(read("pkg:deb/a@1"), None);
    }

    #[test]
    fn a_version_may_refine_another() {
        assert!(agree(&plain("rhel", Some("9")), &plain("redhat", Some("9.1"))));
        assert!(agree(&plain("debian", None), &plain("debian", Some("12"))));
        assert!(!agree(&plain("debian", Some("1")), &plain("debian", Some("12"))));
        assert!(!agree(&plain("debian", Some("12")), &plain("ubuntu", Some("12"))));
    }
}
