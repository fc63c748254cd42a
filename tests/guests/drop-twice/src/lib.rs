//! Lets go of the same handle twice, and would then read through it.

use contract::host::content::Content;
use contract::{Analysis, Body, Error, InputFile};

contract::analyzer!(analyze);

fn analyze(files: Vec<InputFile>) -> Result<Analysis, Error> {
    let Some(InputFile { body: Body::Handle(content), .. }) = files.first() else {
        return Err(Error::InvalidInput("no handle".to_owned()));
    };
    let slice = content.slice(0, 1).map_err(contract::refused)?;
    // SAFETY: it is not safe, and that is the point: the host must not trust what a guest says of handles.
    let again = unsafe { Content::from_handle(slice.handle()) };
    drop(slice);
    drop(again);
    Ok(contract::nothing())
}
