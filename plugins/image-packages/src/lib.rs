//! Installed packages of images: operating systems, languages, executables.

mod os_release;

use palisade_sdk::{Error, ImageAnalyzer, InputFile, Report, Unreadable};

/// The plugin.
#[derive(Debug)]
pub struct ImagePackages;

impl ImageAnalyzer for ImagePackages {
    fn new(_config: &str) -> Result<Self, Error> {
        Ok(Self)
    }

    fn analyze(&self, file: &InputFile, report: &mut Report<'_>) -> Result<(), Unreadable> {
        let text = file.text(64 << 10)?;
        report.system(os_release::parse(&text).ok_or("no ID")?);
        Ok(())
    }
}

palisade_sdk::export_image_analyzer!(ImagePackages);
