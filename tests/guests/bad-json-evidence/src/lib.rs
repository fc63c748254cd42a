//! Answers with evidence that is not JSON: it would be put into other JSON as it is.

use contract::{Assessment, AssetResource, CheckResult, Error};

contract::posture!(check);

fn check(_resources: Vec<AssetResource>) -> Result<Assessment, Error> {
    let result = CheckResult { evidence: br#"{}, "severity": "none""#.to_vec(), ..contract::failed("half") };
    Ok(Assessment { results: vec![result], problems: Vec::new() })
}
