//! Logs ten thousand lines and is honest otherwise.

use contract::{Analysis, Error, InputFile, host};

contract::analyzer!(analyze);

fn analyze(_files: Vec<InputFile>) -> Result<Analysis, Error> {
    for number in 0..10_000 {
        host::log::write(host::log::Level::Info, &format!("line {number:05}"));
    }
    Ok(contract::nothing())
}
