//! Opens a ticket for a change. A notice may come twice: its id goes along, so that the ticket system opens one ticket.

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
        let request = Request::post("https://tickets.example.com/api/tickets")
            .header("idempotency-key", &notice.id)
            .json(&Ticket {
                summary: &change.title,
            })?
            .secret("token");
        let opened: Opened = request.send()?.ok()?.json()?;
        let url = format!("https://tickets.example.com/browse/{}", opened.key);
        Ok(Receipt::new(opened.key).url(url))
    }
}

#[cfg(test)]
mod tests {
    use super::Tickets;
    use palisade_sdk::testing::{Fakes, Reply};
    use palisade_sdk::{Error, Notice};
    use serde_json::json;

    const URL: &str = "https://tickets.example.com/api/tickets";

    #[test]
    fn a_ticket_is_opened_under_the_id_of_the_notice() {
        let fakes = Fakes::new()
            .http("POST", URL, Reply::json(&json!({ "key": "SEC-1" })))
            .install();
        let notice = Notice::new("notice-1", &json!({ "title": "A new finding" }));
        let receipt = palisade_sdk::notify::<Tickets>("{}", &notice).unwrap();
        assert_eq!(
            receipt.url.as_deref(),
            Some("https://tickets.example.com/browse/SEC-1")
        );
        let request = &fakes.requests()[0];
        assert_eq!(request.body, br#"{"summary":"A new finding"}"#);
        assert_eq!(
            request.headers[0],
            ("idempotency-key".to_owned(), "notice-1".to_owned())
        );
        assert_eq!(request.secret.as_deref(), Some("token"));
    }

    #[test]
    fn nothing_is_opened_where_nothing_is_granted() {
        let notice = Notice::new("notice-1", &json!({ "title": "A new finding" }));
        assert!(matches!(
            palisade_sdk::notify::<Tickets>("{}", &notice),
            Err(Error::Host(_))
        ));
    }
}
