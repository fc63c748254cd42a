//! What a package is called, from a package URL or from the words of a tool.
//!
//! Only what a [`PackageRef`] needs is taken out of a package URL; everything else of it stays in its text.

use model::purl::decode;
use model::{PackageRef, PackageType, SourcePackage, purl::purl};

use crate::text;

/// The package that a package URL names; nothing where it is none. Gives its architecture too.
pub(crate) fn package(url: &str) -> Option<(PackageRef, Option<String>)> {
    let url = text::exact(url)?;
    let rest = url.strip_prefix("pkg:")?.trim_start_matches('/');
    let (rest, subpath) = rest.split_once('#').map_or((rest, ""), |(rest, subpath)| (rest, subpath));
    let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let (kind, rest) = rest.split_once('/')?;
    let kind = PackageType::from_name(&kind.to_ascii_lowercase()).unwrap_or(PackageType::Generic);
    let (path, version) = match rest.rsplit_once('@') {
        // An `@` that opens a segment is the scope of an npm package that nobody encoded.
        Some((path, version)) if !path.is_empty() && !path.ends_with('/') => (path, version),
        _ => (rest, ""),
    };
    let qualifier = |name: &str| {
        let value = qualifiers.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        value.and_then(decode).filter(|value| !value.is_empty())
    };
    let name = joined(kind, path, subpath)?;
    let version = decode(version)?;
    let version = match qualifier("epoch") {
        Some(epoch) if kind.is_operating_system() && !version.contains(':') && !version.is_empty() => {
            format!("{epoch}:{version}")
        }
        _ => version,
    };
    let arch = qualifier("arch").filter(|_| kind.is_operating_system());
    let source = qualifier("upstream").filter(|_| kind.is_operating_system()).and_then(|said| source(&said));
    Some((PackageRef { kind, name, version, purl: url, source }, arch))
}

/// The source package, as `name` or `name@version`; the file name of a source rpm says it in no certain way.
fn source(said: &str) -> Option<SourcePackage> {
    let (name, version) = said.rsplit_once('@').map_or((said, None), |(name, version)| (name, Some(version)));
    let file = name.ends_with(".rpm");
    let name = text::exact(name).filter(|_| !file)?;
    Some(SourcePackage { name, version: version.and_then(text::exact) })
}

/// A package by its words. The name has to be one, and its package URL one that can be read again; a version may be
/// missing.
pub(crate) fn named(kind: PackageType, name: &str, version: &str) -> Option<(PackageRef, Option<String>)> {
    let name = text::exact(name)?;
    let version = text::exact(version).unwrap_or_default();
    let purl = text::exact(&purl(kind, &name, &version, None, None, None))?;
    Some((PackageRef { kind, name, version, purl, source: None }, None))
}

/// Namespace and name as the package manager writes them; operating systems are no part of the name.
fn joined(kind: PackageType, path: &str, subpath: &str) -> Option<String> {
    let mut segments = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        segments.push(decode(segment)?);
    }
    if kind == PackageType::Golang {
        segments.extend(subpath.split('/').filter(|segment| !segment.is_empty()).filter_map(decode));
    }
    let name = match kind {
        _ if kind.is_operating_system() => segments.pop()?,
        PackageType::Maven => segments.join(":"),
        _ => segments.join("/"),
    };
    text::exact(&name)
}

#[cfg(test)]
mod tests {
    use model::PackageType;

    use super::{named, package};

    #[test]
    fn each_type_joins_its_name_its_own_way() {
        let cases = [
            ("pkg:maven/org.apache.commons/io@1.3.4", PackageType::Maven, "org.apache.commons:io", "1.3.4"),
            ("pkg:npm/%40angular/core@12.3.1", PackageType::Npm, "@angular/core", "12.3.1"),
            ("pkg:npm/@angular/core", PackageType::Npm, "@angular/core", ""),
            ("pkg:golang/example.org/a@v2.0.0#v2", PackageType::Golang, "example.org/a/v2", "v2.0.0"),
            ("pkg:rpm/centos/vim@8.2-1.el9?epoch=2&arch=x86_64", PackageType::Rpm, "vim", "2:8.2-1.el9"),
            (
                "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64",
                PackageType::Deb,
                "libssl3",
                "3.0.11-1~deb12u2",
            ),
            ("pkg:swift/github.com/A/B@1", PackageType::Generic, "github.com/A/B", "1"),
        ];
        for (url, kind, name, version) in cases {
            let (found, _) = package(url).unwrap();
            assert_eq!(
                (found.kind, found.name.as_str(), found.version.as_str()),
                (kind, name, version),
                "{url}"
            );
        }
        assert_eq!(package("pkg:deb/debian/a@1?arch=amd64").unwrap().1.as_deref(), Some("amd64"));
    }

    #[test]
    fn what_is_no_package_gives_none() {
        for bad in
            ["", "pkg:", "pkg:npm", "pkg:npm/", "npm/a@1", "pkg:npm/%zz", "pkg:npm/%ff", "pkg:npm/a\u{202e}"]
        {
            assert_eq!(package(bad), None, "{bad}");
        }
        assert_eq!(named(PackageType::Npm, " ", "1"), None);
        assert_eq!(named(PackageType::Npm, "@a/b", "1").unwrap().0.purl, "pkg:npm/%40a/b@1");
    }
}
