//! The correlator that the platform is measured by: counts events per source and asset, all counters under one key of its
//! state, read and written once a batch.
//!
//! What would cost something for each event is left out: nothing is allocated for an event, its body is not read, and strings
//! of the host are compared by hash and only copied into the table when their counter is new.

mod table;

use palisade_sdk::{Batch, Config, Correlator, Detection, Error, Severity, Story, state};

use table::{Table, hash};

/// Counts.
pub struct Counters;

/// The event that is told of, of every source and asset.
const THRESHOLD: u32 = 100;

#[palisade_sdk::correlator]
impl Correlator for Counters {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn correlate(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error> {
        let mut table = Table::from_bytes(state::get("counters")?.unwrap_or_default());
        for event in batch.events() {
            let count = table.add(hash(event.source.as_bytes(), event.asset.as_bytes()));
            if count == THRESHOLD {
                let found = Detection::new("burst", Severity::Low, "A hundred events", &event.asset);
                story.detect(found.proof([event]).incident(&event.asset));
            }
        }
        Ok(state::set("counters", &table.into_bytes())?)
    }
}
