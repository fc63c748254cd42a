//! Reading package URLs as other tools write them (purl specification); writing is [`model::purl`].
//!
//! The parser follows the specification's order of splitting, and takes two things that tools write against it: an
//! unencoded `@` in front of an npm scope, and slashes in front of the type. What a purl means for matching (how
//! namespace and name join, where the epoch goes, what was built from which source) is [`Purl::identity`].

use std::collections::BTreeMap;

use model::{PackageType, SourcePackage};

use crate::{IngestError, limits};

/// A package URL in its parts, percent-decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Purl {
    /// Type, lower case; not necessarily one of [`PackageType`].
    pub kind: String,
    /// Namespace segments, outermost first.
    pub namespace: Vec<String>,
    /// Name, never empty.
    pub name: String,
    /// Version, where there is one.
    pub version: Option<String>,
    /// Qualifiers that have a value; keys in lower case.
    pub qualifiers: BTreeMap<String, String>,
    /// Path inside the package, without `.` and `..`.
    pub subpath: Vec<String>,
}

/// What a package URL says in the words of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Package manager; [`PackageType::Generic`] for types nobody here judges.
    pub kind: PackageType,
    /// Name as its package manager writes it.
    pub name: String,
    /// Version with its epoch; empty when the purl has none.
    pub version: String,
    /// `arch` qualifier.
    pub arch: Option<String>,
    /// `upstream` qualifier.
    pub source: Option<SourcePackage>,
}

impl Purl {
    /// Reads a package URL.
    ///
    /// # Errors
    /// [`IngestError::Purl`] for another scheme, a missing type or name, broken percent-encoding, text that is not
    /// UTF-8 once decoded, or more than [`limits::TEXT_BYTES`].
    pub fn parse(text: &str) -> Result<Self, IngestError> {
        let fail = |reason| IngestError::Purl { purl: text.chars().take(120).collect(), reason };
        if text.len() > limits::TEXT_BYTES {
            return Err(fail("it is too long"));
        }
        let decode =
            |part: &str| model::purl::decode(part).ok_or_else(|| fail("its percent-encoding is broken"));
        let (scheme, rest) =
            text.trim().split_once(':').ok_or_else(|| fail("it does not start with pkg:"))?;
        if !scheme.eq_ignore_ascii_case("pkg") {
            return Err(fail("it does not start with pkg:"));
        }
        let (rest, subpath) = split_right(rest, '#');
        let (rest, qualifiers) = split_right(rest, '?');
        let (kind, rest) =
            rest.trim_start_matches('/').split_once('/').ok_or_else(|| fail("it has no name"))?;
        let kind_ok = kind.starts_with(|c: char| c.is_ascii_alphabetic())
            && kind.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-'));
        if !kind_ok {
            return Err(fail("its type is not made of letters, digits, '.', '+' and '-'"));
        }
        let (path, version) = split_version(rest.trim_matches('/'));
        let mut segments = Vec::new();
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            segments.push(decode(segment)?);
        }
        let name = segments.pop().filter(|name| !name.is_empty()).ok_or_else(|| fail("it has no name"))?;
        let version = version.map(decode).transpose()?.filter(|version| !version.is_empty());
        let mut pairs = BTreeMap::new();
        for pair in qualifiers.unwrap_or_default().split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !value.is_empty() {
                pairs.insert(key.to_ascii_lowercase(), decode(value)?);
            }
        }
        let mut inside = Vec::new();
        for segment in subpath.unwrap_or_default().split('/') {
            if !matches!(segment, "" | "." | "..") {
                inside.push(decode(segment)?);
            }
        }
        Ok(Self {
            kind: kind.to_ascii_lowercase(),
            namespace: segments,
            name,
            version,
            qualifiers: pairs,
            subpath: inside,
        })
    }

    /// What it says about the package, in the words of the model.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let kind = PackageType::from_name(&self.kind).unwrap_or(PackageType::Generic);
        let version = self.version.clone().unwrap_or_default();
        if !kind.is_operating_system() {
            return Identity { kind, name: self.joined_name(kind), version, arch: None, source: None };
        }
        let version = match self.qualifiers.get("epoch") {
            Some(epoch) if !version.contains(':') && !version.is_empty() => format!("{epoch}:{version}"),
            _ => version,
        };
        Identity {
            kind,
            name: self.name.clone(),
            version,
            arch: self.qualifiers.get("arch").cloned(),
            source: self.qualifiers.get("upstream").and_then(|upstream| source(kind, upstream)),
        }
    }

    fn joined_name(&self, kind: PackageType) -> String {
        let mut parts = self.namespace.clone();
        parts.push(self.name.clone());
        match kind {
            PackageType::Maven => parts.join(":"),
            // A Go module may have the tail of its path as a subpath: `pkg:golang/example.org/a@v2.0.0#v2`.
            PackageType::Golang => {
                parts.extend(self.subpath.iter().cloned());
                parts.join("/")
            }
            _ => parts.join("/"),
        }
    }
}

/// The source package in an `upstream` qualifier: `name@version`, the file name of a source rpm, or `name`. The form with
/// a mark comes first, because it is the one that is written here, with any version.
pub(crate) fn source(kind: PackageType, upstream: &str) -> Option<SourcePackage> {
    if upstream.is_empty() {
        return None;
    }
    if let Some((name, version)) = upstream.rsplit_once('@')
        && !name.is_empty()
        && !version.is_empty()
    {
        return Some(SourcePackage { name: name.to_owned(), version: Some(version.to_owned()) });
    }
    if kind == PackageType::Rpm
        && let Some(stem) = upstream.strip_suffix(".src.rpm").or_else(|| upstream.strip_suffix(".nosrc.rpm"))
        && let Some((rest, release)) = stem.rsplit_once('-')
        && let Some((name, version)) = rest.rsplit_once('-')
        && !name.is_empty()
    {
        return Some(SourcePackage { name: name.to_owned(), version: Some(format!("{version}-{release}")) });
    }
    Some(SourcePackage { name: upstream.to_owned(), version: None })
}

fn split_right(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.rsplit_once(mark) {
        Some((left, right)) => (left, Some(right)),
        None => (text, None),
    }
}

/// The version stands after the last `@`, unless that `@` opens a segment: then it is an npm scope nobody encoded.
fn split_version(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some((path, version)) if !path.is_empty() && !path.ends_with('/') => (path, Some(version)),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use model::{OperatingSystem, PackageType, SourcePackage};
    use proptest::prelude::*;

    use super::Purl;

    fn name_and_version(text: &str) -> (PackageType, String, String) {
        let identity = Purl::parse(text).unwrap().identity();
        (identity.kind, identity.name, identity.version)
    }

    #[test]
    fn each_type_joins_its_name_its_own_way() {
        let cases = [
            ("pkg:maven/org.apache.commons/io@1.3.4", PackageType::Maven, "org.apache.commons:io", "1.3.4"),
            ("pkg:npm/%40angular/animation@12.3.1", PackageType::Npm, "@angular/animation", "12.3.1"),
            ("pkg:npm/@angular/animation@12.3.1", PackageType::Npm, "@angular/animation", "12.3.1"),
            ("pkg:npm/@angular/animation", PackageType::Npm, "@angular/animation", ""),
            ("pkg:golang/github.com/a/b@v2.0.0#v2", PackageType::Golang, "github.com/a/b/v2", "v2.0.0"),
            (
                "pkg:golang/k8s.io/api@v0.1.0%2Bincompatible",
                PackageType::Golang,
                "k8s.io/api",
                "v0.1.0+incompatible",
            ),
            ("PKG://pypi/Django@1.11.1", PackageType::Pypi, "Django", "1.11.1"),
            ("pkg:composer/laravel/framework@5.5", PackageType::Composer, "laravel/framework", "5.5"),
            ("pkg:rpm/centos/vim@8.2-1.el9?epoch=2&arch=x86_64", PackageType::Rpm, "vim", "2:8.2-1.el9"),
            ("pkg:deb/debian/bsdutils@2.38?epoch=1", PackageType::Deb, "bsdutils", "1:2.38"),
            ("pkg:deb/debian/bsdutils@1:2.38", PackageType::Deb, "bsdutils", "1:2.38"),
            ("pkg:swift/github.com/A/B@1", PackageType::Generic, "github.com/A/B", "1"),
        ];
        for (text, kind, name, version) in cases {
            assert_eq!(name_and_version(text), (kind, name.to_owned(), version.to_owned()), "{text}");
        }
    }

    #[test]
    fn sources_are_read_in_every_spelling() {
        let source = |text: &str| Purl::parse(text).unwrap().identity().source;
        let named = |name: &str, version: Option<&str>| {
            Some(SourcePackage { name: name.into(), version: version.map(str::to_owned) })
        };
        assert_eq!(source("pkg:deb/debian/libssl3@1?upstream=openssl"), named("openssl", None));
        assert_eq!(source("pkg:deb/debian/a@1?upstream=b%401%3A2-3"), named("b", Some("1:2-3")));
        let rpm = "pkg:rpm/redhat/libacl@2.2.53-1.el8?upstream=acl-2.2.53-1.el8.src.rpm";
        assert_eq!(source(rpm), named("acl", Some("2.2.53-1.el8")));
        let odd = "pkg:rpm/redhat/a@1?upstream=b%402-1.src.rpm";
        assert_eq!(
            source(odd),
            named("b", Some("2-1.src.rpm")),
            "what is written with a mark is read with it"
        );
        assert_eq!(source("pkg:npm/a@1?upstream=b"), None);
    }

    #[test]
    fn what_is_no_purl_is_refused_with_its_reason() {
        for bad in [
            "",
            "pkg",
            "pkg:",
            "pkg:npm",
            "pkg:npm/",
            "npm/a@1",
            "pkg:n_m/a",
            "pkg:npm/%zz",
            "pkg:npm/%ff",
            "pkg:1a/b",
        ] {
            assert_eq!(Purl::parse(bad).unwrap_err().code(), "purl-malformed", "{bad}");
        }
        assert!(Purl::parse(&format!("pkg:npm/{}", "a".repeat(5000))).is_err());
    }

    fn part() -> impl Strategy<Value = String> {
        "[^\u{0}/:]{1,12}"
            .prop_filter("a segment", |text| !text.trim().is_empty() && text != "." && text != "..")
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            let _ = Purl::parse(&text);
            let _ = Purl::parse(&format!("pkg:{text}")).map(|purl| purl.identity());
        }

        #[test]
        fn what_the_model_writes_is_read_back(
            kind in proptest::sample::select(PackageType::ALL.to_vec()),
            space in proptest::option::of(part()), name in part(), version in part(),
            arch in proptest::option::of("[a-z0-9_]{1,8}"),
        ) {
            // Types whose canonical form folds case cannot give back what was lost; the fold is the specification's.
            let fold = |text: &str| match kind {
                PackageType::Deb | PackageType::Apk | PackageType::Composer => text.to_ascii_lowercase(),
                PackageType::Pypi => text.to_ascii_lowercase().replace('_', "-"),
                _ => text.to_owned(),
            };
            let name = match (kind, space) {
                (PackageType::Maven, Some(space)) => format!("{space}:{name}"),
                (PackageType::Npm | PackageType::Golang | PackageType::Composer, Some(space)) => format!("{space}/{name}"),
                _ => name,
            };
            let os = OperatingSystem { id: "debian".into(), version: Some("12".into()), codename: None, like: vec![], pretty_name: None };
            let text = model::purl::purl(kind, &name, &version, arch.as_deref(), None, Some(&os));
            let identity = Purl::parse(&text).unwrap().identity();
            prop_assert_eq!(identity.kind, kind);
            prop_assert_eq!(identity.name, fold(&name));
            prop_assert_eq!(identity.version, version);
            prop_assert_eq!(identity.arch, arch.filter(|_| kind.is_operating_system()));
        }
    }
}
