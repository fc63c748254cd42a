//! Answers with one result whose evidence has eight megabytes.

use contract::{Assessment, AssetResource, CheckResult, Error};

contract::posture!(check);

fn check(_resources: Vec<AssetResource>) -> Result<Assessment, Error> {
    let evidence = format!("\"{}\"", "x".repeat(8 << 20)).into_bytes();
    let result = CheckResult { evidence, ..contract::failed("much to say") };
    Ok(Assessment { results: vec![result], problems: Vec::new() })
}
