//! Honest code under a manifest that declares another kind.

use contract::{Analysis, Error, InputFile};

contract::analyzer!(analyze);

fn analyze(_files: Vec<InputFile>) -> Result<Analysis, Error> {
    Ok(contract::nothing())
}
