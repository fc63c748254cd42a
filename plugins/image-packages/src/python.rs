//! Python packages: `METADATA` of dist-info (core metadata specification) and `PKG-INFO` of egg-info.

use palisade_sdk::{Package, PackageType, Report, Unreadable};

use crate::headers::Paragraph;

/// Reads one metadata file.
pub(crate) fn read(text: &str, report: &mut Report<'_>) -> Result<(), Unreadable> {
    let metadata = Paragraph::parse(text.trim_start_matches('\u{feff}'));
    let name = metadata.get("Name").ok_or("no Name")?;
    let version = metadata.get("Version").ok_or("no Version")?;
    report.package(
        Package::new(PackageType::Pypi, name, version, "python-metadata").licenses(licenses(&metadata)),
    );
    Ok(())
}

/// The SPDX expression where there is one, else the free text if it is a name and not a whole text, else the classifiers.
fn licenses(metadata: &Paragraph<'_>) -> Vec<String> {
    if let Some(expression) = metadata.get("License-Expression") {
        return vec![expression.to_owned()];
    }
    if let Some(text) = metadata.get("License").filter(|text| *text != "UNKNOWN" && text.len() <= 120) {
        return vec![text.to_owned()];
    }
    let classified = metadata.all("Classifier").filter_map(|line| line.strip_prefix("License ::"));
    classified.filter_map(|line| line.rsplit("::").next()).map(|name| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use crate::test::{analysis, hostile, names};

    const METADATA: &[u8] = b"Metadata-Version: 2.1\nName: Flask-Cors\nVersion: 3.0.8\nLicense: UNKNOWN\n\
        Classifier: License :: OSI Approved :: MIT License\n\nVersion: 9 in the description\n";

    #[test]
    fn the_description_is_not_metadata() {
        let found = analysis("python-metadata", "x/Flask_Cors-3.0.8.dist-info/METADATA", METADATA);
        assert_eq!(names(&found), ["Flask-Cors 3.0.8"]);
        assert_eq!(found.packages[0].licenses, ["MIT License"]);
    }

    #[test]
    fn a_file_without_a_version_is_a_problem() {
        assert_eq!(analysis("python-metadata", "x.egg-info", b"Name: x\n").problems.len(), 1);
    }

    #[test]
    fn survives_anything() {
        hostile(&["python-metadata"], METADATA);
    }
}
