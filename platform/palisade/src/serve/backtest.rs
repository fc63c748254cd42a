//! Backtests in the service: accepted from the API, made one at a time by one worker in each process.
//!
//! A backtest stores nothing but its own row, so one whose worker died is simply made again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result};
use api::BacktestRefusal;
use api::dto::BacktestDifference;
use bus::{ConsumerOptions, Delivery, Parked};
use engine::correlate::CorrelatorPlugin;
use host::Kind;
use jiff::Timestamp;
use model::{Digest, TenantId};
use store::{Backtest, BacktestWork, NewBacktest, RuleFile};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Service, take};
use crate::backtest::{self, Pace};
use crate::rules;
use crate::rules::File;

/// Name under which the workers of all processes share their work.
pub(crate) const CONSUMER: &str = "backtest-worker";

/// Why a backtest has no difference.
const FAILED_CODE: &str = "backtest-failed";
const ABANDONED_CODE: &str = "backtest-abandoned";

/// How often people hear how far it is, and it hears that it was called off.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// Accepts a backtest, if its rules can be read and its version can be tried.
pub(super) async fn submit(
    service: &Service,
    tenant: &TenantId,
    new: &NewBacktest,
) -> Result<Backtest, BacktestRefusal> {
    let unusable = |error: &anyhow::Error| BacktestRefusal::Unusable(crate::exit::one_line(error));
    read(&new.rules).map_err(|error| unusable(&error))?;
    if let Some(candidate) = &new.candidate {
        let digest = digest(&candidate.digest).map_err(|error| unusable(&error))?;
        let plugin = service.live.catalog.candidate(&candidate.plugin, &digest).await;
        let plugin = plugin.map_err(|error| unusable(&error))?;
        if !plugin.manifest().declares(Kind::Correlator) {
            let id = &candidate.plugin;
            return Err(BacktestRefusal::Unusable(format!(
                "{id} is no correlator, so that it judges no events"
            )));
        }
    }
    let submitted = service.store.submit_backtest(tenant, new).await.map_err(BacktestRefusal::Store)?;
    service.outbox_bell.notify_one();
    Ok(submitted)
}

fn read(files: &[RuleFile]) -> Result<Vec<File>> {
    let parsed = files.iter().map(|file| File::parse(&file.name, file.text.as_bytes()));
    Ok(parsed.collect::<Result<_, _>>()?)
}

fn digest(text: &str) -> Result<Digest> {
    Digest::parse(text).with_context(|| format!("{text:?} is no digest"))
}

/// Runs until stopped. A backtest under way is given up then, and made by whoever takes its message next.
pub(crate) async fn run(service: Arc<Service>, stopped: watch::Receiver<bool>) -> Result<()> {
    let options = ConsumerOptions::new(CONSUMER, "backtest.requested");
    take::run(&service, options, stopped.clone(), |delivery| process(&service, delivery, &stopped)).await
}

/// The backtest that a message asks for.
fn asked(body: &[u8]) -> Option<Uuid> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    value.get("backtest")?.as_str()?.parse().ok()
}

async fn process(service: &Arc<Service>, delivery: Delivery, stopped: &watch::Receiver<bool>) -> Result<()> {
    let envelope = delivery.envelope().clone();
    let Some(id) = asked(&envelope.body) else {
        delivery.park("the body of the message is no request for a backtest").await?;
        return Ok(());
    };
    let tenant = &envelope.tenant;
    let wanted = service.store.backtest_judged(tenant, id, 0, Timestamp::now()).await?;
    let work = if wanted { service.store.backtest(tenant, id).await? } else { None };
    // Called off, over or forgotten.
    let Some(work) = work else { return Ok(delivery.ack().await?) };
    let pace = Pace::default();
    let made = tokio::select! {
        made = make(service, tenant, &work, &pace) => made,
        never = take::keep(&delivery) => match never {},
        never = tell(service, tenant, id, &pace, stopped) => match never {},
    };
    let at = Timestamp::now();
    match made {
        Ok(Some(difference)) => {
            let value = serde_json::to_value(&difference)?;
            service.store.end_backtest(tenant, id, Ok((difference.events, &value)), at).await?;
        }
        // The service ends; somebody else makes it.
        Ok(None) if *stopped.borrow() => return Ok(delivery.retry(Duration::ZERO).await?),
        Ok(None) => {}
        Err(error) if error.chain().any(|cause| cause.is::<store::StoreError>()) => return Err(error),
        Err(error) => {
            let message = crate::exit::one_line(&error);
            service.store.end_backtest(tenant, id, Err((FAILED_CODE, &message)), at).await?;
        }
    }
    Ok(delivery.ack().await?)
}

/// Tells people how far it is, and it that nobody wants it any more, until it is dropped.
async fn tell(
    service: &Service,
    tenant: &TenantId,
    id: Uuid,
    pace: &Pace,
    stopped: &watch::Receiver<bool>,
) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        let events = pace.events.load(Ordering::Relaxed);
        match service.store.backtest_judged(tenant, id, events, Timestamp::now()).await {
            Ok(wanted) if wanted && !*stopped.borrow() => {}
            Ok(_) => pace.called_off.store(true, Ordering::Relaxed),
            Err(error) => tracing::warn!(error = %error, "cannot note how far a backtest is"),
        }
    }
}

async fn make(
    service: &Arc<Service>,
    tenant: &TenantId,
    work: &BacktestWork,
    pace: &Pace,
) -> Result<Option<BacktestDifference>> {
    let (before, after) = sides(service, work).await?;
    let times = (work.backtest.from, work.backtest.to);
    backtest::run(&service.store, tenant, times, before, after, pace).await
}

/// What is in force, and what is tried.
async fn sides(
    service: &Arc<Service>,
    work: &BacktestWork,
) -> Result<(Vec<CorrelatorPlugin>, Vec<CorrelatorPlugin>)> {
    let set = super::live::with_correlators(service).await?;
    let own = rules::read(&service.config.events.rules)?;
    let before = rules::correlators(&set, &own)?;
    let mut files = if work.backtest.instead { Vec::new() } else { own };
    files.extend(read(&work.rules)?);
    let mut after = rules::correlators(&set, &files)?;
    if let Some(candidate) = &work.backtest.candidate {
        let digest = digest(&candidate.digest)?;
        backtest::replace(&mut after, service.live.catalog.candidate(&candidate.plugin, &digest).await?)?;
    }
    Ok((before, after))
}

/// Fails a backtest whose message was delivered as often as it may be.
pub(super) async fn abandon(service: &Service, parked: &Parked) -> Result<()> {
    let Some(id) = asked(&parked.envelope.body) else { return Ok(()) };
    let message =
        format!("the backtest was begun {} times and never ended: {}", parked.attempts, parked.reason);
    let failure = Err((ABANDONED_CODE, message.as_str()));
    service.store.end_backtest(&parked.envelope.tenant, id, failure, Timestamp::now()).await?;
    tracing::error!(backtest.id = %id, code = ABANDONED_CODE, "{message}");
    Ok(())
}
