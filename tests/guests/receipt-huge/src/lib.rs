//! Hands out a receipt of eight megabytes.

use contract::{Error, Notice, Receipt};

contract::notifier!(notify);

fn notify(_notice: Notice) -> Result<Receipt, Error> {
    Ok(Receipt { id: "x".repeat(8 << 20), url: None })
}
