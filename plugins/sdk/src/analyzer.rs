//! The kind `image-analyzer`: one file in, records out.
//!
//! Files are analysed one by one, because the platform cuts batches as it likes and the result may not depend on that. A
//! file that cannot be understood costs only itself.

use crate::{Analysis, Error, Finding, InputFile, OperatingSystem, Ownership, Package, Problem};

/// Reads files of image layers and root directories.
pub trait ImageAnalyzer: Sized {
    /// Made once a call, from the operator's configuration (a JSON object, `{}` when there is none).
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the key and what is wrong with it; the call then fails as a whole.
    fn new(config: &str) -> Result<Self, Error>;

    /// Reads one file. What was reported before an error stays.
    ///
    /// # Errors
    /// [`Unreadable`] says what is wrong with the file; it becomes a gap in the scan's coverage statement.
    fn analyze(&self, file: &InputFile, report: &mut Report<'_>) -> Result<(), Unreadable>;
}

/// A file could not be understood; the text is for the person who has to look into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl<T: Into<String>> From<T> for Unreadable {
    fn from(message: T) -> Self {
        Self(message.into())
    }
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
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
        self.analysis.systems.push(OperatingSystem { item: self.item, ..system });
    }

    /// An installed package.
    pub fn package(&mut self, package: Package) {
        self.analysis.packages.push(Package { item: self.item, ..package });
    }

    /// Files that an operating-system package brought.
    pub fn ownership(&mut self, ownership: Ownership) {
        self.analysis.ownerships.push(Ownership { item: self.item, ..ownership });
    }

    /// A risk that the plugin itself judged.
    pub fn finding(&mut self, finding: Finding) {
        self.analysis.findings.push(Finding { item: self.item, ..finding });
    }

    /// A part of the file that could not be understood; the rest goes on.
    pub fn problem(&mut self, message: impl Into<String>) {
        self.analysis.problems.push(Problem { item: self.item, message: message.into() });
    }
}

/// Analyses one batch: what the component's export does, callable from native tests.
///
/// # Errors
/// The analyzer's own, when it cannot be made from the configuration.
pub fn analyze<A: ImageAnalyzer>(config: &str, files: &[InputFile]) -> Result<Analysis, Error> {
    let analyzer = A::new(config)?;
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
