//! Reads `opt/<name>/VERSION`: one line, the version of what is installed there.

use palisade_sdk::{
    Config, Error, Finding, ImageAnalyzer, InputFile, Package, PackageType, Report, Severity,
    Unreadable,
};

struct Versions;

#[palisade_sdk::image_analyzer]
impl ImageAnalyzer for Versions {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn analyze(&self, file: &InputFile, report: &mut Report<'_>) -> Result<(), Unreadable> {
        let name = file
            .path
            .split('/')
            .nth(1)
            .ok_or("the path names no software")?;
        let text = file.text(4_096)?;
        let version = text.lines().next().unwrap_or_default().trim();
        if version.is_empty() {
            return Err("the file holds no version".into());
        }
        if version.ends_with("-dev") {
            let title = format!("{name} {version} was not released");
            report.finding(
                Finding::new("unreleased", Severity::Low, title)
                    .description("Install a released version.")
                    .location("first line"),
            );
        }
        report.package(Package::new(
            PackageType::Generic,
            name,
            version,
            "version-file",
        ));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Versions;
    use palisade_sdk::InputFile;

    fn analyze(text: &str) -> palisade_sdk::Analysis {
        let file = InputFile::whole("opt/example/VERSION", "version", text.into());
        palisade_sdk::analyze::<Versions>("{}", &[file]).unwrap()
    }

    #[test]
    fn a_version_becomes_a_package() {
        let analysis = analyze("1.2.3\n");
        assert_eq!(analysis.packages[0].name, "example");
        assert_eq!(analysis.packages[0].version, "1.2.3");
        assert!(analysis.findings.is_empty());
    }

    #[test]
    fn an_unreleased_version_is_a_finding_too() {
        assert_eq!(analyze("2.0.0-dev").findings[0].rule, "unreleased");
    }

    #[test]
    fn an_empty_file_is_a_problem_and_no_package() {
        let analysis = analyze("");
        assert!(analysis.packages.is_empty());
        assert_eq!(analysis.problems[0].message, "the file holds no version");
    }
}
