//! Alpine packages: `lib/apk/db/installed` (apk-tools, "apk v2" installed database).

use palisade_sdk::{Ownership, Package, PackageType, Report, Unreadable};

use crate::PACKAGES_MAX;
use crate::headers::blocks;
use crate::ownership::Collector;

/// Reads the database: paragraphs of one-letter fields, `F:` a directory and `R:` a file in the last one named.
pub(crate) fn read(text: &str, report: &mut Report<'_>) -> Result<(), Unreadable> {
    let mut unreadable = 0;
    let mut owned = Collector::new();
    for (index, paragraph) in blocks(text).filter(|paragraph| !paragraph.is_empty()).enumerate() {
        if index == PACKAGES_MAX {
            return Err(format!("more than {PACKAGES_MAX} packages").into());
        }
        let Some((package, paths)) = package(paragraph, &mut owned) else {
            unreadable += 1;
            continue;
        };
        if !paths.is_empty() {
            report.ownership(Ownership::new(PackageType::Apk, &package.name, paths));
        }
        report.package(package);
    }
    owned.outcome()?;
    if unreadable > 0 {
        return Err(format!("{unreadable} paragraphs without a name or a version").into());
    }
    Ok(())
}

fn package(paragraph: &str, owned: &mut Collector) -> Option<(Package, Vec<String>)> {
    let (mut name, mut version, mut arch, mut license, mut origin) = (None, None, None, None, None);
    let mut directory = "";
    let mut paths = Vec::new();
    for line in paragraph.lines() {
        let Some((field, value)) = line.split_once(':') else { continue };
        let known = Some(value).filter(|value| !value.is_empty());
        match field {
            "P" => name = known,
            "V" => version = known,
            "A" => arch = known,
            "L" => license = known,
            "o" => origin = known,
            "F" => directory = value,
            "R" => paths.extend(owned.path(directory, value)),
            _ => {}
        }
    }
    let (name, version) = (name?, version?);
    let source = origin.filter(|origin| *origin != name);
    let package = Package::new(PackageType::Apk, name, version, "apk-installed");
    Some((package.arch(arch).source(source, None::<String>).licenses(license), paths))
}

#[cfg(test)]
mod tests {
    use crate::test::{analysis, hostile, names};

    const INSTALLED: &[u8] =
        b"C:Q1x=\nP:libssl3\nV:3.1.0-r4\nA:x86_64\nL:Apache-2.0\no:openssl\nF:lib\nR:libssl.so.3\n\
        F:usr/bin\nR:c_rehash\nZ:Q1\n\nP:openssl\nV:3.1.0-r4\no:openssl\nL:\n\n";

    #[test]
    fn origin_becomes_the_source_and_files_are_owned() {
        let found = analysis("apk-installed", "lib/apk/db/installed", INSTALLED);
        assert_eq!(names(&found), ["libssl3 3.1.0-r4", "openssl 3.1.0-r4"]);
        assert_eq!(found.packages[0].source_name.as_deref(), Some("openssl"));
        assert_eq!(found.packages[0].licenses, ["Apache-2.0"]);
        assert_eq!((&found.packages[1].source_name, found.packages[1].licenses.len()), (&None, 0));
        assert_eq!(found.ownerships.len(), 1);
        assert_eq!(found.ownerships[0].paths, ["usr/bin/c_rehash"]);
    }

    #[test]
    fn survives_anything() {
        hostile(&["apk-installed"], INSTALLED);
    }
}
