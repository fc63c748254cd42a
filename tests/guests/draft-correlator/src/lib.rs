//! A component of the draft kind `correlator`: it type-checks against the published text and uses what the kind may import.

wit_bindgen::generate!({
    path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
    world: "palisade:worlds/correlator-plugin",
    generate_all,
});

use palisade::types::common::Error;
use palisade::types::posture_types::{Detection, Event};

struct Draft;

impl exports::palisade::plugin::correlator::Guest for Draft {
    fn correlate(events: Vec<Event>, watermark: u64) -> Result<Vec<Detection>, Error> {
        let seen = events.iter().filter(|event| event.time <= watermark).count() as u64;
        palisade::host::state::set("seen", &seen.to_le_bytes())
            .map_err(|error| Error::Host(format!("{error:?}")))?;
        let asset = events.first().map(|event| event.asset.clone()).unwrap_or_default();
        palisade::host::assets::related(&asset, "runs", 10)
            .map_err(|error| Error::Host(format!("{error:?}")))?;
        Ok(Vec::new())
    }
}

export!(Draft);
