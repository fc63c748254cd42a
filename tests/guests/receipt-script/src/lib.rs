//! Hands out a link that would run a script in the page of whoever follows it.

use contract::{Error, Notice, Receipt};

contract::notifier!(notify);

fn notify(_notice: Notice) -> Result<Receipt, Error> {
    Ok(Receipt { id: "SEC-1".to_owned(), url: Some("javascript:alert(document.cookie)".to_owned()) })
}
