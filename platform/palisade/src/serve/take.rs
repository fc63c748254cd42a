//! The loop of every worker that takes its work from the bus.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bus::{ConsumerOptions, Delivery};
use tokio::sync::watch;

use super::Service;

/// Pause of a worker whose messages cannot be taken.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How often a worker says that it is still at work; well inside the time after which somebody else gets the message.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// Keeps a message until this is dropped.
pub(super) async fn keep(delivery: &Delivery) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        if let Err(error) = delivery.keep().await {
            tracing::warn!(error = %error, "cannot tell the bus that work is still under way");
        }
    }
}

/// Takes messages one after another until stopped, and has each of them processed; what is under way then is ended first. A message that
/// could not be processed was not acknowledged, so that it comes back.
pub(super) async fn run<F>(
    service: &Service,
    options: ConsumerOptions,
    mut stopped: watch::Receiver<bool>,
    process: impl Fn(Delivery) -> F,
) -> Result<()>
where
    F: Future<Output = Result<()>> + Send,
{
    let worker = options.name.clone();
    let consumer = service.bus.consumer(options).await.context("cannot take work from the bus")?;
    while !*stopped.borrow() {
        let delivery = tokio::select! {
            delivery = consumer.next() => delivery,
            _ = stopped.changed() => continue,
        };
        match delivery {
            Ok(delivery) => {
                let id = delivery.envelope().id.clone();
                if let Err(error) = process(delivery).await {
                    let error = crate::exit::one_line(&error);
                    tracing::error!(worker, message.id = %id, error, "work could not be done; it comes back");
                }
            }
            Err(error) => {
                tracing::warn!(worker, error = %error, "cannot take work from the bus; trying again");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
    Ok(())
}
