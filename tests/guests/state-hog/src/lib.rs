//! Writes more than it was granted, in every way there is, and tells what became of it.

use contract::host::state;
use contract::{Correlation, Error, Event};

contract::correlator!(correlate);

fn correlate(_events: Vec<Event>) -> Result<Correlation, Error> {
    let kib = vec![b'x'; 1024];
    let filled = (0..1_000).map(|number| state::set(&format!("fill/{number}"), &kib)).find(Result::is_err);
    let attempts = [
        contract::outcome("fill", &filled.unwrap_or(Ok(()))),
        contract::outcome("one value", &state::set("huge", &vec![b'x'; 8 << 20])),
        contract::outcome("empty values", &empty_values()),
        contract::outcome("key of 512", &state::get(&"k".repeat(512))),
        contract::outcome("key of 513", &state::set(&"k".repeat(513), b"")),
        contract::outcome("key of 1 MiB", &state::get(&"k".repeat(1 << 20))),
        contract::outcome("empty key", &state::set("", b"")),
        contract::outcome("all keys", &state::keys("", None, u32::MAX)),
    ];
    let detections = attempts.iter().map(|attempt| contract::detected(attempt)).collect();
    Ok(Correlation { detections, ..contract::no_story() })
}

/// Keys cost as well: without a price on them, empty values are for nothing.
fn empty_values() -> Result<(), contract::host::errors::HostError> {
    (0..20_000).try_for_each(|number| state::set(&format!("empty/{number:0500}"), b""))
}
