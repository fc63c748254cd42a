//! Calls itself until the stack ends.

use contract::{Analysis, Error, InputFile};

contract::analyzer!(analyze);

fn analyze(_files: Vec<InputFile>) -> Result<Analysis, Error> {
    Err(Error::Other(deeper(1).to_string()))
}

fn deeper(turn: u64) -> u64 {
    std::hint::black_box(turn) + if turn == 0 { 0 } else { deeper(turn + 1) }
}
