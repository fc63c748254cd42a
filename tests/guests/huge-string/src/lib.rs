//! Logs forty megabytes in one call.

use contract::{Analysis, Error, InputFile, host};

contract::analyzer!(analyze);

fn analyze(_files: Vec<InputFile>) -> Result<Analysis, Error> {
    host::log::write(host::log::Level::Error, &"x".repeat(40 << 20));
    Ok(contract::nothing())
}
