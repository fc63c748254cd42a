//! Scans, backtests, imports and changes of findings that nobody could finish: their message was delivered as often as it may be, and each time the worker died or gave up.
//!
//! The bus keeps such a message apart. What it asked for is failed with that reason, so that whoever waits for it hears of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bus::Parked;
use jiff::Timestamp;
use tokio::sync::watch;

use super::{Service, backtest, import, triage, worker};

/// How often to look; a small question to the bus.
const EVERY: Duration = Duration::from_secs(5);
/// Taken at once.
const BATCH: usize = 100;

const CODE: &str = "scan-abandoned";

/// Runs until stopped.
pub(crate) async fn run(service: Arc<Service>, mut stopped: watch::Receiver<bool>) -> Result<()> {
    while !*stopped.borrow() {
        if let Err(error) = settle(&service).await {
            tracing::warn!(error = %crate::exit::one_line(&error), "cannot end work that was given up; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => (),
            _ = stopped.changed() => (),
        }
    }
    Ok(())
}

async fn settle(service: &Service) -> Result<()> {
    for parked in service.bus.parked(BATCH).await.context("cannot list the messages that were given up")? {
        match parked.consumer.as_str() {
            worker::CONSUMER => fail(service, &parked).await?,
            backtest::CONSUMER => backtest::abandon(service, &parked).await?,
            triage::CONSUMER => triage::abandon(service, &parked).await?,
            import::CONSUMER => import::abandon(service, &parked).await?,
            _ => continue,
        }
        service.bus.discard_parked(parked.number).await.context("cannot discard a message")?;
    }
    Ok(())
}

async fn fail(service: &Service, parked: &Parked) -> Result<()> {
    let Some(scan) = worker::scan_id(&parked.envelope.body) else { return Ok(()) };
    let tenant = &parked.envelope.tenant;
    if service.store.scan(tenant, scan).await?.is_none() {
        return Ok(());
    }
    let message = format!("the scan was begun {} times and never ended: {}", parked.attempts, parked.reason);
    // The message of a scan that ended after all changes nothing.
    service.store.fail_scan(tenant, scan, &parked.envelope.id, CODE, &message, Timestamp::now()).await?;
    tracing::error!(scan.id = %scan, code = CODE, "{message}");
    worker::changed(service, tenant, scan);
    Ok(())
}
