//! Sets a million timers.

use contract::{Correlation, Error, Event, Timer};

contract::correlator!(correlate);

fn correlate(_events: Vec<Event>) -> Result<Correlation, Error> {
    let timers = (0..1_000_000).map(|number: u64| Timer { key: number.to_string(), time: number }).collect();
    Ok(Correlation { timers, ..contract::no_story() })
}
