//! Between the component model and the traits: what the attributes expand to.

use crate::bindings::image_analyzer::exports::palisade::plugin::image_analyzer as analyzer;
use crate::host::Handle;
use crate::{Analysis, Body, Error, ImageAnalyzer, InputFile};

/// Runs one call of an image analyzer.
///
/// # Errors
/// Those of [`crate::analyze`].
pub fn analyze<A: ImageAnalyzer>(files: Vec<analyzer::InputFile>) -> Result<Analysis, Error> {
    let files: Vec<InputFile> = files.into_iter().map(input_file).collect();
    crate::analyze::<A>(&config(), &files)
}

fn input_file(file: analyzer::InputFile) -> InputFile {
    let body = match file.body {
        analyzer::Body::Whole(bytes) => Body::Whole(bytes),
        analyzer::Body::Handle(content) => Body::Parts(Box::new(Handle(content))),
    };
    InputFile { path: file.path, size: file.size, interests: file.interests, body }
}

/// The configuration of this call.
#[must_use]
pub fn config() -> String {
    crate::host::config_get()
}
