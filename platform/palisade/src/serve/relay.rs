//! From the store's outbox to the bus. What the store accepted is published at least once; the bus drops doubles by message id.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bus::Envelope;
use tokio::sync::watch;

use super::Service;

/// Messages taken from the outbox at once.
const BATCH: u32 = 256;
/// How long a message may lie in the outbox when nobody rang, such as one that another process put there.
const IDLE: Duration = Duration::from_millis(500);
/// How long to leave a store or bus alone that has just failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Runs until stopped.
pub(crate) async fn run(service: Arc<Service>, mut stopped: watch::Receiver<bool>) -> Result<()> {
    while !*stopped.borrow() {
        let pause = match relay(&service).await {
            Ok(0) => IDLE,
            Ok(_) => Duration::ZERO,
            Err(error) => {
                tracing::warn!(error = %crate::exit::one_line(&error), "cannot relay the outbox; trying again");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => (),
            () = service.outbox_bell.notified(), if pause == IDLE => (),
            _ = stopped.changed() => (),
        }
    }
    Ok(())
}

async fn relay(service: &Service) -> Result<usize> {
    let messages = service.store.outbox(BATCH).await?;
    let mut sent = Vec::with_capacity(messages.len());
    for message in messages {
        let envelope =
            Envelope { id: message.id, subject: message.subject, tenant: message.tenant, body: message.body };
        service.bus.publish(&envelope).await?;
        sent.push(message.seq);
    }
    service.store.outbox_sent(&sent).await?;
    Ok(sent.len())
}
