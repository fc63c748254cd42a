//! A well-behaved plugin of kind `notifier`: opens a ticket with the operator's secret, once for each notice.

use palisade_sdk::http::Request;
use palisade_sdk::{Config, Error, Notice, Notifier, Receipt};
use serde::{Deserialize, Serialize};

struct Tickets;

#[derive(Deserialize)]
struct Change {
    title: String,
}

#[derive(Serialize)]
struct Ticket<'a> {
    summary: &'a str,
}

#[derive(Deserialize)]
struct Opened {
    key: String,
}

#[palisade_sdk::notifier]
impl Notifier for Tickets {
    fn new(_config: &Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn notify(&self, notice: &Notice) -> Result<Receipt, Error> {
        let change: Change = notice.json()?;
        let request =
            Request::post("https://tickets.example/api/tickets").header("idempotency-key", &notice.id);
        let request = request.json(&Ticket { summary: &change.title })?.secret("tickets");
        let opened: Opened = request.send()?.ok()?.json()?;
        Ok(Receipt::new(&opened.key).url(format!("https://tickets.example/browse/{}", opened.key)))
    }
}
