//! Lets every request pass, with a patch that is not JSON.

use contract::{Decision, Error};

contract::admission!(review);

fn review(_request: Vec<u8>) -> Result<Decision, Error> {
    Ok(Decision { violations: Vec::new(), warnings: Vec::new(), patch: Some(b"spec.replicas = 0".to_vec()) })
}
