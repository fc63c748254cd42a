//! Between the component model and [`ImageAnalyzer`].

use std::io;

use crate::bindings::exports::palisade::plugin::image_analyzer as export;
use crate::bindings::palisade::host::content::Content;
use crate::bindings::palisade::host::{config, errors::HostError};
use crate::{Analysis, Body, Error, ImageAnalyzer, InputFile, ReadAt, analyze};

/// Runs one call of the component's export.
///
/// # Errors
/// Those of [`analyze`].
pub fn run<A: ImageAnalyzer>(files: Vec<export::InputFile>) -> Result<Analysis, Error> {
    let files: Vec<InputFile> = files.into_iter().map(input_file).collect();
    analyze::<A>(&config::get(), &files)
}

fn input_file(file: export::InputFile) -> InputFile {
    let body = match file.body {
        export::Body::Whole(bytes) => Body::Whole(bytes),
        export::Body::Handle(content) => Body::Parts(Box::new(Handle(content))),
    };
    InputFile { path: file.path, size: file.size, interests: file.interests, body }
}

struct Handle(Content);

impl ReadAt for Handle {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, length: u32) -> io::Result<Vec<u8>> {
        self.0.read(offset, length).map_err(|error| io::Error::other(words(error)))
    }
}

fn words(error: HostError) -> String {
    match error {
        HostError::Denied(what) => format!("not granted: {what}"),
        HostError::Limit(what) => format!("limit used up: {what}"),
        HostError::Invalid(what) => format!("refused: {what}"),
        HostError::NotFound => "the content is gone".to_owned(),
        HostError::Unavailable(what) => format!("unavailable: {what}"),
    }
}
