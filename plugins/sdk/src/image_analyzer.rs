//! The kind `image-analyzer`: one file in, records out.
//!
//! Files are analysed one by one, because the platform cuts batches as it likes and the result may not depend on that. A
//! file that cannot be understood costs only itself.

use crate::text::{TEXT_BYTES_MAX, cut};
use crate::{
    Analysis, Config, Error, Finding, InputFile, OperatingSystem, Ownership, Package, Problem, Unreadable,
};

/// Reads files of image layers and root directories.
pub trait ImageAnalyzer: Sized {
    /// Made once a call, from the operator's configuration.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the key and what is wrong with it; the call then fails as a whole.
    fn new(config: &Config) -> Result<Self, Error>;

    /// Reads one file. What was reported before an error stays.
    ///
    /// # Errors
    /// [`Unreadable`] says what is wrong with the file; it becomes a gap in the scan's coverage statement.
    fn analyze(&self, file: &InputFile, report: &mut Report<'_>) -> Result<(), Unreadable>;
}

/// Takes what a file says. Fills in the index of the file, so that no record can name a wrong one.
#[derive(Debug)]
pub struct Report<'a> {
    item: u32,
    analysis: &'a mut Analysis,
}

impl Report<'_> {
    /// The distribution of the root.
    pub fn system(&mut self, system: OperatingSystem) {
        let texts = [Some(&system.id), system.version.as_ref(), system.codename.as_ref()];
        let texts = texts.into_iter().chain([system.pretty_name.as_ref()]).flatten().chain(&system.like);
        if self.fits("a distribution", texts) {
            self.analysis.systems.push(OperatingSystem { item: self.item, ..system });
        }
    }

    /// An installed package.
    pub fn package(&mut self, package: Package) {
        let Package { name, version, method, arch, source_name, source_version, inner, licenses, .. } =
            &package;
        let optional = [arch, source_name, source_version, inner].into_iter().flatten();
        if self.fits("a package", [name, version, method].into_iter().chain(optional).chain(licenses)) {
            self.analysis.packages.push(Package { item: self.item, ..package });
        }
    }

    /// Files that an operating-system package brought.
    pub fn ownership(&mut self, ownership: Ownership) {
        if self.fits("a list of files", std::iter::once(&ownership.name).chain(&ownership.paths)) {
            self.analysis.ownerships.push(Ownership { item: self.item, ..ownership });
        }
    }

    /// A risk that the plugin itself judged.
    pub fn finding(&mut self, finding: Finding) {
        let texts = [&finding.rule, &finding.title, &finding.description, &finding.location];
        if self.fits("a finding", texts) {
            self.analysis.findings.push(Finding { item: self.item, ..finding });
        }
    }

    /// A part of the file that could not be understood; the rest goes on. A message that is too long is cut.
    pub fn problem(&mut self, message: impl Into<String>) {
        self.analysis.problems.push(Problem { item: self.item, message: cut(message) });
    }

    fn fits<'t>(&mut self, what: &str, texts: impl IntoIterator<Item = &'t String>) -> bool {
        let longest = texts.into_iter().map(String::len).max().unwrap_or_default();
        if longest > TEXT_BYTES_MAX {
            self.problem(format!(
                "{what} with a text of {longest} bytes is left out; at most {TEXT_BYTES_MAX} are allowed"
            ));
        }
        longest <= TEXT_BYTES_MAX
    }
}

/// Analyses one batch: what the component's export does, callable from native tests.
///
/// # Errors
/// The analyzer's own, when it cannot be made from the configuration.
pub fn analyze<A: ImageAnalyzer>(config: &str, files: &[InputFile]) -> Result<Analysis, Error> {
    let analyzer = A::new(&Config::new(config))?;
    let mut analysis = Analysis {
        systems: Vec::new(),
        packages: Vec::new(),
        ownerships: Vec::new(),
        findings: Vec::new(),
        problems: Vec::new(),
    };
    for (item, file) in (0..).zip(files) {
        let mut report = Report { item, analysis: &mut analysis };
        if let Err(Unreadable(message)) = analyzer.analyze(file, &mut report) {
            report.problem(message);
        }
    }
    Ok(analysis)
}

#[cfg(test)]
mod tests {
    use super::{ImageAnalyzer, Report, TEXT_BYTES_MAX, analyze};
    use crate::{Config, Error, InputFile, OperatingSystem, Ownership, Package, PackageType, Unreadable};

    struct Lengths;

    impl ImageAnalyzer for Lengths {
        fn new(_config: &Config) -> Result<Self, Error> {
            Ok(Self)
        }

        fn analyze(&self, file: &InputFile, report: &mut Report<'_>) -> Result<(), Unreadable> {
            let text = file.text(1 << 20)?.into_owned();
            report.system(OperatingSystem::new(text.clone()));
            report.package(Package::new(PackageType::Generic, "a", "1", "m").licenses([text.clone()]));
            report.ownership(Ownership::new(PackageType::Deb, "a", vec![text.clone()]));
            Err(text.into())
        }
    }

    #[test]
    fn a_text_too_long_for_the_platform_costs_its_record_alone() {
        let of = |length: usize| {
            let file = InputFile::whole("a", "i", "é".repeat(length / 2).into_bytes());
            analyze::<Lengths>("{}", &[file]).unwrap()
        };
        let fitting = of(TEXT_BYTES_MAX);
        assert_eq!((fitting.systems.len(), fitting.packages.len(), fitting.ownerships.len()), (1, 1, 1));
        assert_eq!(fitting.problems.len(), 1);
        let long = of(TEXT_BYTES_MAX + 2);
        assert!(long.systems.is_empty() && long.packages.is_empty() && long.ownerships.is_empty());
        assert_eq!(long.problems.len(), 4);
        assert!(long.problems.iter().all(|problem| problem.message.len() <= TEXT_BYTES_MAX));
    }
}
