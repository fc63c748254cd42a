//! Names a file that it was not given.

use contract::{Analysis, Error, InputFile, Problem};

contract::analyzer!(analyze);

fn analyze(files: Vec<InputFile>) -> Result<Analysis, Error> {
    let item = u32::try_from(files.len()).unwrap_or(u32::MAX);
    Ok(Analysis { problems: vec![Problem { item, message: "not mine".to_owned() }], ..contract::nothing() })
}
