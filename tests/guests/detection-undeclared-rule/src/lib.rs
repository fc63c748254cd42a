//! Detects by a rule that its manifest does not have.

use contract::{Correlation, Detection, Error, Event};

contract::correlator!(correlate);

fn correlate(_events: Vec<Event>) -> Result<Correlation, Error> {
    let detection = Detection { rule: "another".to_owned(), ..contract::detected("not declared") };
    Ok(Correlation { detections: vec![detection], ..contract::no_story() })
}
