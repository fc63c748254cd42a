//! Asks the endpoint that the operator named for it, and then every other place that its configuration names.

use palisade_sdk::http::Request;
use palisade_sdk::{Collector, Config, Error, HostError, Page, Resource};
use serde::Deserialize;

#[derive(Deserialize)]
struct Elsewhere {
    endpoint: String,
    elsewhere: Vec<String>,
}

#[palisade_sdk::collector]
impl Collector for Elsewhere {
    fn new(config: &Config) -> Result<Self, Error> {
        config.parse()
    }

    fn collect(&self, _cursor: Option<&str>) -> Result<Page, Error> {
        let places = std::iter::once(&self.endpoint).chain(&self.elsewhere);
        let none: [Resource; 0] = [];
        Ok(places
            .fold(Page::new(none), |page, place| page.missing(format!("{place}: {}", asked(place)), "asked")))
    }
}

fn asked(place: &str) -> String {
    match Request::get(format!("{place}/asked")).secret("elsewhere").send() {
        Ok(answer) => format!("status {}", answer.status),
        Err(HostError::Denied(_)) => "denied".to_owned(),
        Err(error) => error.to_string(),
    }
}
