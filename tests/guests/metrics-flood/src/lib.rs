//! Counts under ten thousand names that it did not declare, and one that it did beyond what a number holds.

use contract::host::metrics;
use contract::{Assessment, AssetResource, Error};

contract::posture!(check);

fn check(_resources: Vec<AssetResource>) -> Result<Assessment, Error> {
    for number in 0..10_000 {
        metrics::add(&format!("name-{number}\n# HELP"), 1);
    }
    metrics::add(&"n".repeat(1 << 20), 1);
    metrics::add("", 1);
    metrics::add("declared", u64::MAX);
    metrics::add("declared", u64::MAX);
    Ok(Assessment { results: Vec::new(), problems: Vec::new() })
}
