//! Why a scan could not be made at all. Whatever is less than that is a gap in the report's coverage.

use thiserror::Error;

/// A scan that has no result.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The image or directory could not be opened or verified.
    #[error("cannot read the target")]
    Image(#[from] image::ImageError),
    /// The plugins' interests do not make a selector.
    #[error("cannot combine the interests of the loaded plugins")]
    Interests(#[source] image::ImageError),
    /// There is nothing to analyze with.
    #[error(
        "no plugin of kind image-analyzer is loaded; without one nothing can be found, so nothing is scanned"
    )]
    NoAnalyzer,
}

impl EngineError {
    /// The stable code, documented in `platform/error-codes/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Image(source) | Self::Interests(source) => source.code(),
            Self::NoAnalyzer => "engine-no-analyzer",
        }
    }
}
