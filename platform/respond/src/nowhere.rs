//! No cluster and no destinations at all: for what is only written down, such as decisions.

use serde_json::Value;

use crate::change::Write;
use crate::object::ObjectRef;
use crate::seams::{CallCause, CallError, Cluster, Deliver, Message, Query, Receipt};

/// A cluster that answers nothing. A decision, or the wish to take everything back, needs none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

fn nobody<T>() -> Result<T, CallError> {
    let message = "there is no cluster here".to_owned();
    Err(CallError { cause: CallCause::Denied, message, retry_after: None })
}

impl Cluster for Nowhere {
    async fn read(&self, _: &ObjectRef) -> Result<Option<Value>, CallError> {
        nobody()
    }

    async fn list(&self, _: &Query) -> Result<Vec<Value>, CallError> {
        nobody()
    }

    async fn pods(&self) -> Result<u64, CallError> {
        nobody()
    }

    async fn log(&self, _: &ObjectRef, _: &str, _: u32) -> Result<Vec<u8>, CallError> {
        nobody()
    }

    async fn write(&self, _: &Write, _: bool) -> Result<Value, CallError> {
        nobody()
    }
}

/// No destination is configured.
fn no_destination<T>(message: &Message) -> Result<T, CallError> {
    let message = format!("no destination is configured for {}", message.how);
    Err(CallError { cause: CallCause::Invalid, message, retry_after: None })
}

impl Deliver for Nowhere {
    async fn check(&self, message: &Message) -> Result<(), CallError> {
        no_destination(message)
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, CallError> {
        no_destination(message)
    }
}
