//! Events that are fetched from a stream of NATS, in the place of a door: a message is acknowledged when everything of it is kept.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use api::{DoorRefusal, Received};
use bus::{Tap, Tapped};
use model::TenantId;
use store::EventSource;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::Service;
use super::receive::receive;
use crate::config;

/// How often the store is asked for the source, and the pause after a failure.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long the source is taken to be as it was.
const KNOWN_FOR: Duration = Duration::from_millis(500);
/// Messages that are taken at the same time: each waits for the bus to keep it.
const AT_ONCE: usize = 32;
/// After which time a message that could not be taken comes again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Fetches until stopped, whatever fails.
pub(crate) async fn run(
    service: Arc<Service>,
    name: String,
    mut stopped: watch::Receiver<bool>,
) -> Result<()> {
    let Some(tapped) = service.config.events.nats.get(&name).cloned() else { return Ok(()) };
    let mut said = String::new();
    while !*stopped.borrow() {
        let ended = tokio::select! {
            ended = fetch(&service, &name, &tapped) => ended,
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
        };
        let why = ended.map_or_else(
            |error| crate::exit::one_line(&error),
            |()| "there is no such source, or it is closed".to_owned(),
        );
        // The same every two seconds says nothing more.
        if said != why {
            tracing::warn!(
                source = name,
                stream = tapped.stream,
                why,
                "no events are fetched from NATS; trying again"
            );
            said = why;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stopped.changed() => {}
        }
    }
    Ok(())
}

/// Fetches as long as the source is open.
async fn fetch(service: &Arc<Service>, name: &str, tapped: &config::Tapped) -> Result<()> {
    if source(service, name).await?.is_none() {
        return Ok(());
    }
    let server = tapped.server.as_ref().unwrap_or(&service.config.bus);
    let url = server.url.as_deref().with_context(|| {
        format!("events.nats.{name} of the configuration names no server, and bus.url is not set either")
    })?;
    let durable = format!("palisade-{name}");
    let tap = Tap::open(url, &server.jetstream()?, &tapped.stream, &tapped.subject, &durable).await;
    let tap = tap.with_context(|| format!("cannot fetch from the stream {:?}", tapped.stream))?;
    tracing::info!(
        source = name,
        stream = tapped.stream,
        subject = tapped.subject,
        "events are fetched from NATS"
    );
    // What is under way when this ends is dropped, and delivered again.
    let mut taking = JoinSet::new();
    let mut known: Option<(Instant, EventSource)> = None;
    loop {
        while taking.len() >= AT_ONCE {
            ended(taking.join_next().await)?;
        }
        let message = tap.next().await?;
        if known.as_ref().is_none_or(|(at, _)| at.elapsed() >= KNOWN_FOR) {
            known = source(service, name).await?.map(|source| (Instant::now(), source));
        }
        let Some((_, source)) = known.clone() else {
            message.later(LOOK_EVERY).await?;
            return Ok(());
        };
        while let Some(over) = taking.try_join_next() {
            ended(Some(over))?;
        }
        let service = Arc::clone(service);
        taking.spawn(async move { take(&service, source, &message).await });
    }
}

/// What became of a message.
fn ended(taken: Option<Result<Result<()>, JoinError>>) -> Result<()> {
    taken.map_or(Ok(()), |taken| taken.context("taking a message ended in a defect of the program")?)
}

/// The source, if it is open.
async fn source(service: &Service, name: &str) -> Result<Option<EventSource>> {
    let found = service.store.source(&TenantId::default_tenant(), name).await;
    Ok(found.context("cannot ask for a source of events")?.filter(|source| !source.disabled))
}

/// One message, as a door takes a body.
async fn take(service: &Arc<Service>, source: EventSource, message: &Tapped) -> Result<()> {
    let received = Received {
        tenant: TenantId::default_tenant(),
        body: message.body().to_vec(),
        content_type: message.header("content-type").map(str::to_owned),
        source,
    };
    match receive(service, received).await {
        Ok(_) => message.ack().await?,
        Err(DoorRefusal::Busy { .. } | DoorRefusal::Unavailable) => message.later(AGAIN_AFTER).await?,
        Err(DoorRefusal::Undecodable { problems }) => {
            let why = problems.first().map(|problem| problem.message.as_str()).unwrap_or_default();
            tracing::error!(
                subject = message.subject(),
                why,
                "a message holds no events of the source's format; it is passed over"
            );
            message.refuse().await?;
        }
    }
    Ok(())
}
