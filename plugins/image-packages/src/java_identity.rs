//! What a Java archive is: Maven's own record, or a guess from the manifest and the file name.

use palisade_sdk::Confidence;

/// `group:artifact` and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coordinates {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// Reads a `pom.properties`. A placeholder that nobody filled in is no value.
pub(crate) fn pom_properties(text: &str) -> Option<Coordinates> {
    let value = |wanted: &str| {
        let lines = text.lines().rev().filter(|line| !line.starts_with('#'));
        let found = lines.filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == wanted);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty() && !value.contains("${"))
    };
    let (group, artifact, version) = (value("groupId")?, value("artifactId")?, value("version")?);
    Some(Coordinates { name: format!("{group}:{artifact}"), version: version.to_owned() })
}

/// The main attributes of a manifest that tell what an archive is (JAR file specification).
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    implementation_title: Option<String>,
    implementation_vendor_id: Option<String>,
    bundle_symbolic_name: Option<String>,
    /// By trust: implementation, bundle, specification.
    versions: [Option<String>; 3],
}

impl Manifest {
    /// Reads the main section. Lines are cut after 72 bytes and go on after a space.
    pub(crate) fn parse(text: &str) -> Self {
        let mut manifest = Self::default();
        let mut line = String::new();
        for next in text.lines() {
            if let Some(more) = next.strip_prefix(' ') {
                line.push_str(more);
                continue;
            }
            manifest.attribute(&line);
            next.trim_end().clone_into(&mut line);
            if line.is_empty() {
                break;
            }
        }
        manifest.attribute(&line);
        manifest
    }

    fn attribute(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(':') else { return };
        // Attributes of bundles have parameters behind a semicolon.
        let value = value.split(';').next().unwrap_or_default().trim();
        if !is_token(value) {
            return;
        }
        let [implementation, bundle, specification] = &mut self.versions;
        let place = match key.to_ascii_lowercase().as_str() {
            "implementation-title" => &mut self.implementation_title,
            "implementation-vendor-id" => &mut self.implementation_vendor_id,
            "bundle-symbolicname" => &mut self.bundle_symbolic_name,
            "implementation-version" => implementation,
            "bundle-version" => bundle,
            "specification-version" => specification,
            _ => return,
        };
        *place = Some(value.to_owned());
    }
}

/// One word of the characters that names and versions are made of.
fn is_token(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte))
}

/// The likeliest coordinates. A group is never made up: an archive that does not tell its group has a name without one, which
/// keeps it in the inventory and matches nothing by mistake.
pub(crate) fn guess(path: &str, manifest: &Manifest) -> Option<(Coordinates, Confidence)> {
    let file = path.rsplit('/').next().unwrap_or_default();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let named = artifact_and_version(stem);
    let symbolic = manifest.bundle_symbolic_name.as_deref();
    let artifact = named
        .map(|(artifact, _)| artifact)
        .or(manifest.implementation_title.as_deref())
        .or_else(|| symbolic.and_then(|name| name.rsplit('.').next()))
        .or_else(|| is_token(stem).then_some(stem))?;
    // The file name keeps what the bundle's version has to spell in another way, such as `1.0-rc2`.
    let version = named.map(|(_, version)| version).or_else(|| {
        manifest.versions.iter().flatten().map(String::as_str).find(|text| starts_with_digit(text))
    })?;
    let (group, confidence) = match manifest.implementation_vendor_id.as_deref().filter(|id| id.contains('.'))
    {
        // Maven's default for this attribute is the group.
        Some(group) => (Some(group), Confidence::Medium),
        None => (symbolic.and_then(|name| group_of_bundle(name, artifact)), Confidence::Low),
    };
    let name = group.map_or_else(|| artifact.to_owned(), |group| format!("{group}:{artifact}"));
    Some((Coordinates { name, version: version.to_owned() }, confidence))
}

/// `commons-io-2.11.0` is `commons-io`, `2.11.0`: the version is what begins with the first digit after a hyphen.
fn artifact_and_version(stem: &str) -> Option<(&str, &str)> {
    let (at, _) =
        stem.match_indices('-').find(|(at, _)| stem.get(at + 1..).is_some_and(starts_with_digit))?;
    let (artifact, version) = (stem.get(..at)?, stem.get(at + 1..)?);
    (is_token(artifact) && is_token(version)).then_some((artifact, version))
}

/// The bundle plugin of Maven makes `org.example.lib` of `org.example:lib`, and of `org.lib:lib-core` too; only what ends in
/// the whole artifact is taken apart.
fn group_of_bundle<'a>(symbolic: &'a str, artifact: &str) -> Option<&'a str> {
    symbolic.strip_suffix(artifact)?.strip_suffix('.').filter(|group| group.contains('.'))
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{Manifest, guess, pom_properties};
    use palisade_sdk::Confidence;

    #[test]
    fn maven_properties_are_read_and_placeholders_are_not() {
        let text = "#Generated by Maven\r\nversion=1.2\r\ngroupId = org.a \r\nartifactId=b\r\n";
        let found = pom_properties(text).unwrap();
        assert_eq!((found.name.as_str(), found.version.as_str()), ("org.a:b", "1.2"));
        assert_eq!(pom_properties("version=${v}\ngroupId=a\nartifactId=b\n"), None);
    }

    #[test]
    fn guesses_say_how_good_they_are() {
        let guessed = |path: &str, manifest: &str| {
            guess(path, &Manifest::parse(manifest))
                .map(|(c, confidence)| (format!("{} {}", c.name, c.version), confidence))
        };
        let vendor = "Manifest-Version: 1.0\nImplementation-Vendor-Id: org.apache.com\n mons\nImplementation-Version: 9\n";
        assert_eq!(
            guessed("lib/commons-io-2.11.0-rc1.jar", vendor),
            Some(("org.apache.commons:commons-io 2.11.0-rc1".to_owned(), Confidence::Medium))
        );
        let bundle =
            "Bundle-SymbolicName: org.scala-lang.scala-library;singleton:=true\nBundle-Version: 2.12.10.v2\n";
        assert_eq!(
            guessed("scala-library.jar", bundle),
            Some(("org.scala-lang:scala-library 2.12.10.v2".to_owned(), Confidence::Low))
        );
        assert_eq!(guessed("jcommander-1.35.jar", ""), Some(("jcommander 1.35".to_owned(), Confidence::Low)));
        assert_eq!(guessed("tool.jar", "Implementation-Title: A Tool\n\nImplementation-Version: 1\n"), None);
    }
}
