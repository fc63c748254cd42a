//! Takes all memory there is.

use contract::{Analysis, Error, InputFile};

contract::analyzer!(analyze);

fn analyze(_files: Vec<InputFile>) -> Result<Analysis, Error> {
    let mut hoard = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1u8; 1 << 20]));
    }
}
