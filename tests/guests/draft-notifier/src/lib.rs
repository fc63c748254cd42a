//! A component of the draft kind `notifier`: it type-checks against the published text and uses what the kind may import.

wit_bindgen::generate!({
    path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
    world: "palisade:worlds/notifier-plugin",
    generate_all,
});

use palisade::types::common::Error;

struct Draft;

impl exports::palisade::plugin::notifier::Guest for Draft {
    fn notify(change: Vec<u8>) -> Result<String, Error> {
        let request = palisade::host::http::Request {
            method: "POST".to_owned(),
            url: "https://chat.example/".to_owned(),
            headers: Vec::new(),
            body: change,
            secret: None,
        };
        let response =
            palisade::host::http::send(&request).map_err(|error| Error::Host(format!("{error:?}")))?;
        Ok(response.status.to_string())
    }
}

export!(Draft);
