//! Package URLs, written the one canonical way (purl specification, `PURL-SPECIFICATION.rst` and `PURL-TYPES.rst`).
//!
//! Only writing lives here, because every package of a scan needs it, and percent-encoding both ways; reading foreign purls
//! is the business of `ingest`.

use crate::{OperatingSystem, PackageType, SourcePackage};

/// The canonical purl of a package.
///
/// `os` gives operating-system packages their namespace and `distro` qualifier; `source` becomes the `upstream`
/// qualifier where it differs from the package, so that a bill of materials carries what matching needs.
#[must_use]
pub fn purl(
    kind: PackageType,
    name: &str,
    version: &str,
    arch: Option<&str>,
    source: Option<&SourcePackage>,
    os: Option<&OperatingSystem>,
) -> String {
    let (namespace, name) = split_name(kind, name, os);
    let (epoch, version) = split_epoch(kind, version);
    let mut out = format!("pkg:{}", kind.as_str());
    for segment in namespace.iter().flat_map(|n| n.split('/')).filter(|s| !s.is_empty()) {
        out.push('/');
        encode(segment, &mut out);
    }
    out.push('/');
    encode(&name, &mut out);
    if !version.is_empty() {
        out.push('@');
        encode(version, &mut out);
    }
    // Qualifiers in the order of their keys, as the specification asks.
    let mut mark = '?';
    let mut qualifier = |key: &str, value: &str| {
        if !value.is_empty() {
            out.push(mark);
            mark = '&';
            out.push_str(key);
            out.push('=');
            encode(value, &mut out);
        }
    };
    if kind.is_operating_system() {
        qualifier("arch", arch.unwrap_or_default());
        qualifier("distro", &os.map(distro_tag).unwrap_or_default());
        qualifier("epoch", epoch.unwrap_or_default());
        qualifier("upstream", &source.map(|s| upstream(s, &name)).unwrap_or_default());
    }
    out
}

/// `debian-12`, the value of the `distro` qualifier.
fn distro_tag(os: &OperatingSystem) -> String {
    match &os.version {
        Some(version) => format!("{}-{version}", os.id),
        None => os.id.clone(),
    }
}

fn upstream(source: &SourcePackage, name: &str) -> String {
    match &source.version {
        Some(version) => format!("{}@{version}", source.name),
        None if source.name == name => String::new(),
        None => source.name.clone(),
    }
}

/// Namespace and name. A part without letters is no part: it would move the mark of the version.
fn split_name(kind: PackageType, name: &str, os: Option<&OperatingSystem>) -> (Option<String>, String) {
    let whole = |(namespace, name): &(&str, &str)| !namespace.is_empty() && !name.is_empty();
    let owned = |(namespace, name): (&str, &str)| (Some(namespace.to_owned()), name.to_owned());
    match kind {
        PackageType::Deb | PackageType::Apk => {
            (os.map(|os| os.id.to_ascii_lowercase()), name.to_ascii_lowercase())
        }
        PackageType::Rpm => (os.map(|os| os.id.to_ascii_lowercase()), name.to_owned()),
        // PyPI treats runs of `-`, `_` and `.` alike, but purl folds only case and underscores.
        PackageType::Pypi => (None, name.to_ascii_lowercase().replace('_', "-")),
        PackageType::Maven => {
            name.split_once(':').filter(whole).map_or_else(|| (None, name.to_owned()), owned)
        }
        PackageType::Composer => {
            let lower = name.to_ascii_lowercase();
            lower.rsplit_once('/').filter(whole).map_or_else(|| (None, lower.clone()), owned)
        }
        PackageType::Golang | PackageType::Npm => {
            name.rsplit_once('/').filter(whole).map_or_else(|| (None, name.to_owned()), owned)
        }
        PackageType::Cargo | PackageType::Gem | PackageType::Nuget | PackageType::Generic => {
            (None, name.to_owned())
        }
    }
}

/// rpm keeps the epoch out of the version and in a qualifier; every other type keeps it where it stands. What is no
/// number, or has no plain version behind it, is no epoch: taken apart, it could not be put together again.
fn split_epoch(kind: PackageType, version: &str) -> (Option<&str>, &str) {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match version.split_once(':') {
        Some((epoch, rest))
            if kind == PackageType::Rpm && number(epoch) && !rest.is_empty() && !rest.contains(':') =>
        {
            (Some(epoch), rest)
        }
        _ => (None, version),
    }
}

fn encode(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                out.push(char::from(byte))
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// Takes percent-encoding off (RFC 3986, section 2.1); nothing where it is broken, or no text comes of it.
#[must_use]
pub fn decode(encoded: &str) -> Option<String> {
    let mut out = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::{decode, purl};
    use crate::{OperatingSystem, PackageType, SourcePackage};

    fn debian() -> OperatingSystem {
        OperatingSystem {
            id: "debian".into(),
            version: Some("12".into()),
            codename: None,
            like: vec![],
            pretty_name: None,
        }
    }

    #[test]
    fn each_type_is_written_its_own_way() {
        let source = SourcePackage { name: "openssl".into(), version: None };
        let os = debian();
        assert_eq!(
            purl(PackageType::Deb, "libssl3", "3.0.11-1~deb12u2", Some("amd64"), Some(&source), Some(&os)),
            "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"
        );
        let plain = |kind, name, version| purl(kind, name, version, None, None, None);
        assert_eq!(plain(PackageType::Rpm, "vim", "2:8.2-1.el9"), "pkg:rpm/vim@8.2-1.el9?epoch=2");
        assert_eq!(plain(PackageType::Rpm, "vim", "1-:"), "pkg:rpm/vim@1-:");
        assert_eq!(plain(PackageType::Rpm, "vim", "1:2:3"), "pkg:rpm/vim@1:2:3");
        assert_eq!(plain(PackageType::Npm, "@babel/core", "7.0.0"), "pkg:npm/%40babel/core@7.0.0");
        assert_eq!(plain(PackageType::Pypi, "Flask_Cors", "1.0"), "pkg:pypi/flask-cors@1.0");
        assert_eq!(plain(PackageType::Maven, "org.a:b", "1"), "pkg:maven/org.a/b@1");
        assert_eq!(plain(PackageType::Maven, "org.a:", "1"), "pkg:maven/org.a:@1");
        assert_eq!(plain(PackageType::Npm, "a/", "1"), "pkg:npm/a%2F@1");
        assert_eq!(
            plain(PackageType::Golang, "github.com/A/b/v2", "v2.0.0+incompatible"),
            "pkg:golang/github.com/A/b/v2@v2.0.0%2Bincompatible"
        );
    }

    #[test]
    fn hostile_names_stay_inside_their_segment() {
        let odd = purl(PackageType::Npm, "a?b#c\u{202e}", "1 2", None, None, None);
        assert_eq!(odd, "pkg:npm/a%3Fb%23c%E2%80%AE@1%202");
    }

    #[test]
    fn what_is_encoded_comes_back_and_what_is_broken_is_nothing() {
        for text in ["", "a b", "\u{202e}%", "@x/y"] {
            let mut encoded = String::new();
            super::encode(text, &mut encoded);
            assert_eq!(decode(&encoded).as_deref(), Some(text));
        }
        for broken in ["%", "%a", "%zz", "%ff"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
