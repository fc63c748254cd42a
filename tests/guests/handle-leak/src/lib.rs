//! Slices a file and never lets go of a slice.

use contract::{Analysis, Body, Error, InputFile};

contract::analyzer!(analyze);

fn analyze(files: Vec<InputFile>) -> Result<Analysis, Error> {
    let Some(InputFile { body: Body::Handle(content), .. }) = files.first() else {
        return Err(Error::InvalidInput("no handle".to_owned()));
    };
    loop {
        std::mem::forget(content.slice(0, 1));
    }
}
