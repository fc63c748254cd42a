//! Node packages: `package.json` of directories that npm put into `node_modules`.

use std::borrow::Cow;
use std::fmt;

use palisade_sdk::{Package, PackageType, Report, Unreadable};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// Reads one manifest. Fixtures and subfolders of packages have a `package.json` too; those are not installed packages.
pub(crate) fn read(path: &str, bytes: &[u8], report: &mut Report<'_>) -> Result<(), Unreadable> {
    if !is_installed(path) {
        return Ok(());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|error| format!("not a manifest: {error}"))?;
    // Folders inside a package that only set a module type have neither.
    if let (Some(name), Some(version)) = (text(&manifest.name), text(&manifest.version)) {
        let package = Package::new(PackageType::Npm, name, version, "package-json");
        report.package(package.licenses(manifest.licenses));
    }
    Ok(())
}

/// Whether the file is the manifest of `node_modules/NAME` or `node_modules/@SCOPE/NAME`.
fn is_installed(path: &str) -> bool {
    let mut segments = path.rsplit('/');
    let manifest = segments.next() == Some("package.json");
    let inner = segments.next().is_some_and(|name| name != "node_modules" && !name.starts_with('@'));
    let holder = match segments.next() {
        Some(scope) if scope.starts_with('@') => segments.next(),
        other => other,
    };
    manifest && inner && holder == Some("node_modules")
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The fields of interest. Written by hand because of duplicate keys, where the last one counts as in JavaScript.
struct Manifest {
    name: Value,
    version: Value,
    licenses: Vec<String>,
}

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ManifestVisitor)
    }
}

struct ManifestVisitor;

impl<'de> Visitor<'de> for ManifestVisitor {
    type Value = Manifest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Manifest, A::Error> {
        let mut manifest = Manifest { name: Value::Null, version: Value::Null, licenses: Vec::new() };
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match key.as_ref() {
                "name" => manifest.name = value(map.next_value()?),
                "version" => manifest.version = value(map.next_value()?),
                "license" | "licenses" => manifest.licenses = licenses(&value(map.next_value()?)),
                _ => {
                    let _: IgnoredAny = map.next_value()?;
                }
            }
        }
        Ok(manifest)
    }
}

/// Largest value of a field of interest, in bytes of JSON. In memory a value takes up to a hundred times of that.
const VALUE_MAX: usize = 64 << 10;

/// A value that is too large is none.
fn value(raw: &RawValue) -> Value {
    let fitting = Some(raw.get()).filter(|text| text.len() <= VALUE_MAX);
    fitting.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// `"MIT"`, `{"type": "MIT"}` or a list of either.
fn licenses(value: &Value) -> Vec<String> {
    let one = |value: &Value| text(value.get("type").unwrap_or(value)).map(str::to_owned);
    match value {
        Value::Array(list) => list.iter().filter_map(one).collect(),
        other => one(other).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_installed;
    use crate::test::{analysis, hostile, names};

    const PATH: &str = "srv/app/node_modules/@types/node/package.json";
    const MANIFEST: &[u8] =
        br#"{"name":"@types/node","name":"JSONStream","version":"1.0.0","license":{"type":"MIT"},"x":[{}]}"#;

    #[test]
    fn only_what_npm_installed_counts() {
        assert!(is_installed(PATH));
        assert!(is_installed("node_modules/a/package.json"));
        assert!(is_installed("a/node_modules/b/node_modules/c/package.json"));
        for path in [
            "srv/app/package.json",
            "a/node_modules/package.json",
            "a/node_modules/@scope/package.json",
            "a/node_modules/b/test/package.json",
            "a/node_modules/b/@x/c/package.json",
            "a/node_modules/node_modules/package.json",
        ] {
            assert!(!is_installed(path), "{path}");
        }
    }

    #[test]
    fn names_keep_their_case_and_the_last_duplicate_counts() {
        let found = analysis("node-manifest", PATH, MANIFEST);
        assert_eq!(names(&found), ["JSONStream 1.0.0"]);
        assert_eq!(found.packages[0].licenses, ["MIT"]);
        assert!(names(&analysis("node-manifest", PATH, b"{\"type\":\"module\"}")).is_empty());
        assert_eq!(analysis("node-manifest", PATH, b"{\"name\": \"x\", ").problems.len(), 1);
        assert_eq!(analysis("node-manifest", PATH, "[".repeat(100_000).as_bytes()).problems.len(), 1);
    }

    #[test]
    fn a_value_of_megabytes_is_none() {
        let many = "{\"a\":0},".repeat(1 << 20);
        let text = format!(r#"{{"license":[{many}0],"name":"a","version":"1"}}"#);
        let found = analysis("node-manifest", PATH, text.as_bytes());
        assert_eq!((names(&found), found.packages[0].licenses.len()), (vec!["a 1".to_owned()], 0));
    }

    #[test]
    fn survives_anything() {
        hostile(&["node-manifest"], MANIFEST);
    }
}
