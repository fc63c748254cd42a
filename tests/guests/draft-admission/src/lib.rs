//! A component of the draft kind `admission`: it type-checks against the published text and uses what the kind may import.

wit_bindgen::generate!({
    path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
    world: "palisade:worlds/admission-plugin",
    generate_all,
});

use palisade::types::common::Error;
use palisade::types::posture_types::Verdict;

struct Draft;

impl exports::palisade::plugin::admission::Guest for Draft {
    fn review(request: Vec<u8>) -> Result<Verdict, Error> {
        let asset = String::from_utf8_lossy(&request).into_owned();
        Ok(match palisade::host::assets::describe(&asset) {
            Ok(_) => Verdict::Allow,
            Err(error) => Verdict::Deny(format!("{error:?}")),
        })
    }
}

export!(Draft);
