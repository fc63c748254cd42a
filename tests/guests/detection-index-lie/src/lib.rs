//! Proves a detection by an event that it was not given.

use contract::{Correlation, Detection, Error, Event};

contract::correlator!(correlate);

fn correlate(events: Vec<Event>) -> Result<Correlation, Error> {
    let end = u32::try_from(events.len()).unwrap_or(u32::MAX);
    let detection = Detection { items: vec![end], ..contract::detected("seen elsewhere") };
    Ok(Correlation { detections: vec![detection], ..contract::no_story() })
}
