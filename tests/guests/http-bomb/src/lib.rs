//! Sends a million requests, whatever it is answered.

use contract::{Error, Page, host};

contract::collector!(collect);

fn collect(_cursor: Option<String>) -> Result<Page, Error> {
    let request = contract::request("GET", "https://granted.example/");
    for _ in 0..1_000_000 {
        let _ = host::http::send(&request);
    }
    Ok(contract::told(Vec::new()))
}
