//! Reaches for state that is not its own, and tells what it saw.

use contract::host::state;
use contract::{Correlation, Error, Event};

contract::correlator!(correlate);

/// Ways out of a plugin's own part of a store, were keys joined to paths or to patterns.
const KEYS: [&str; 12] = [
    "../x",
    "../../other.plugin/x",
    "/x",
    "..",
    "other.plugin/x",
    "other.plugin\0x",
    "%2e%2e%2fx",
    "a/../../x",
    "*",
    "%",
    "x' OR '1'='1",
    "\u{202e}x",
];

fn correlate(_events: Vec<Event>) -> Result<Correlation, Error> {
    let mut seen = Vec::new();
    for prefix in ["", "../", "other.plugin", "%"] {
        let keys = state::keys(prefix, None, 1_000).unwrap_or_default();
        seen.extend(keys.iter().map(|key| format!("listed {key:?}")));
    }
    for key in KEYS {
        seen.push(match state::get(key) {
            Ok(Some(_)) => format!("read {key:?}"),
            Ok(None) => format!("nothing under {key:?}"),
            Err(_) => format!("refused {key:?}"),
        });
        // What is written under such a key is the plugin's own, and must not be where another looks.
        let _ = state::set(key, b"written by state-other");
    }
    let detections = seen.iter().map(|line| contract::detected(line)).collect();
    Ok(Correlation { detections, ..contract::no_story() })
}
