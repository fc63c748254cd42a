//! A component of the draft kind `collector`: it type-checks against the published text and uses what the kind may import.

wit_bindgen::generate!({
    path: ["../../../wit/types", "../../../wit/host", "../../../wit/plugin", "../../../wit/worlds"],
    world: "palisade:worlds/collector-plugin",
    generate_all,
});

use exports::palisade::plugin::collector::Page;
use palisade::types::common::Error;

struct Draft;

impl exports::palisade::plugin::collector::Guest for Draft {
    fn collect(cursor: Option<String>) -> Result<Page, Error> {
        let refused = |error| Error::Host(format!("{error:?}"));
        let request = palisade::host::http::Request {
            method: "GET".to_owned(),
            url: format!("https://cloud.example/{}", cursor.unwrap_or_default()),
            headers: Vec::new(),
            body: Vec::new(),
            secret: Some("cloud".to_owned()),
        };
        let response = palisade::host::http::send(&request).map_err(refused)?;
        palisade::host::state::set("status", &response.status.to_le_bytes()).map_err(refused)?;
        Ok(Page { resources: Vec::new(), next: None })
    }
}

export!(Draft);
