//! Changes of many findings, made a part at a time by whoever takes their message; and acceptances whose time is over.
//!
//! Each part is one transaction that remembers how far it came, so that a change whose worker died goes on where it stood.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bus::{ConsumerOptions, Delivery, Parked};
use jiff::Timestamp;
use model::TenantId;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Service, take};

/// Name under which the workers of all processes share their work.
pub(crate) const CONSUMER: &str = "finding-change-worker";
const ABANDONED_CODE: &str = "finding-change-abandoned";
/// How often a worker says that it is still at work; well inside the time after which somebody else gets the message.
const KEEP_EVERY: Duration = Duration::from_secs(10);
/// How often acceptances that are over are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Runs until stopped. A change under way goes on with whoever takes its message next.
pub(crate) async fn run(service: Arc<Service>, stopped: watch::Receiver<bool>) -> Result<()> {
    let options = ConsumerOptions::new(CONSUMER, "findings.change");
    take::run(&service, options, stopped.clone(), |delivery| process(&service, delivery, &stopped)).await
}

/// The job that a message asks for.
fn asked(body: &[u8]) -> Option<Uuid> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    value.get("job")?.as_str()?.parse().ok()
}

async fn process(service: &Service, delivery: Delivery, stopped: &watch::Receiver<bool>) -> Result<()> {
    let envelope = delivery.envelope().clone();
    let Some(id) = asked(&envelope.body) else {
        delivery.park("the body of the message is no change of findings").await?;
        return Ok(());
    };
    let mut kept = Instant::now();
    while service.store.work_at_finding_job(&envelope.tenant, id, Timestamp::now()).await? {
        if *stopped.borrow() {
            return Ok(delivery.retry(Duration::ZERO).await?);
        }
        if kept.elapsed() >= KEEP_EVERY {
            delivery.keep().await?;
            kept = Instant::now();
        }
    }
    Ok(delivery.ack().await?)
}

/// Fails a change whose message was delivered as often as it may be.
pub(super) async fn abandon(service: &Service, parked: &Parked) -> Result<()> {
    let Some(id) = asked(&parked.envelope.body) else { return Ok(()) };
    let message =
        format!("the change was begun {} times and never ended: {}", parked.attempts, parked.reason);
    let tenant = &parked.envelope.tenant;
    service.store.fail_finding_job(tenant, id, ABANDONED_CODE, &message, Timestamp::now()).await?;
    tracing::error!(change.id = %id, code = ABANDONED_CODE, "{message}");
    Ok(())
}

/// Opens findings again whose acceptance is over, until stopped.
pub(crate) async fn end_acceptances(service: Arc<Service>, mut stopped: watch::Receiver<bool>) -> Result<()> {
    let tenant = TenantId::default_tenant();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
        }
        loop {
            match service.store.end_acceptances(&tenant, Timestamp::now()).await {
                Ok(0) => break,
                Ok(findings) => tracing::info!(findings, "the time for which findings were accepted is over"),
                Err(error) => {
                    tracing::warn!(error = %error, "cannot end acceptances; trying again");
                    break;
                }
            }
        }
    }
}
