//! Reads through handles that it was never given: another file's, another call's, had it any.

use contract::host::content::Content;
use contract::{Analysis, Error, InputFile, Problem};

contract::analyzer!(analyze);

fn analyze(_files: Vec<InputFile>) -> Result<Analysis, Error> {
    let mut analysis = contract::nothing();
    for number in (100..200).chain([u32::MAX >> 8]) {
        // SAFETY: it is not safe, and that is the point: the host must not trust what a guest says of handles.
        let forged = std::mem::ManuallyDrop::new(unsafe { Content::from_handle(number) });
        let message = format!("handle {number} has {} bytes", forged.size());
        analysis.problems.push(Problem { item: 0, message });
    }
    Ok(analysis)
}
