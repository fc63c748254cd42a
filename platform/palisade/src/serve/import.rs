//! Reports of other tools in the service: looked at when they are sent, kept, and merged by whoever takes their message.

use std::sync::Arc;

use anyhow::Result;
use api::{ImportAnswer, ImportRefusal, IncomingImport};
use bus::{ConsumerOptions, Delivery, Parked};
use jiff::Timestamp;
use model::TenantId;
use store::NewImport;
use tokio::sync::watch;
use uuid::Uuid;

use super::{Service, take};
use crate::imports::{self, ImportError, Mode};

/// Name under which the workers of all processes share their work.
pub(crate) const CONSUMER: &str = "import-worker";
const ABANDONED_CODE: &str = "import-abandoned";

/// Accepts a report that can be read, or says what would become of it.
pub(super) async fn submit(
    service: &Service,
    tenant: &TenantId,
    new: IncomingImport,
) -> Result<ImportAnswer, ImportRefusal> {
    let at = Timestamp::now();
    let report = imports::read(&service.store, tenant, &new.ask, new.body.clone()).await.map_err(refusal)?;
    let id = Uuid::now_v7();
    if new.dry_run {
        let tried = imports::merge(&service.store, tenant, (id, &new.source), report, Mode::Try, at).await;
        return tried.map(ImportAnswer::Tried).map_err(ImportRefusal::Store);
    }
    drop(report);
    let digest = imports::digest(&new.body);
    let IncomingImport { source, ask, body, by, .. } = new;
    let kept = NewImport { id, source, ask, digest, body, by, at };
    let submitted = service.store.submit_import(tenant, kept).await.map_err(ImportRefusal::Store)?;
    service.outbox_bell.notify_one();
    Ok(ImportAnswer::Accepted(Box::new(submitted)))
}

fn refusal(error: ImportError) -> ImportRefusal {
    match error {
        ImportError::Store(error) => ImportRefusal::Store(error),
        error @ ImportError::Stopped(_) => ImportRefusal::Internal(crate::exit::one_line(&error.into())),
        error => {
            let code = error.code();
            ImportRefusal::Unusable(code, crate::exit::one_line(&error.into()))
        }
    }
}

/// Runs until stopped. An import under way goes on with whoever takes its message next.
pub(crate) async fn run(service: Arc<Service>, stopped: watch::Receiver<bool>) -> Result<()> {
    let options = ConsumerOptions::new(CONSUMER, "import.requested");
    take::run(&service, options, stopped, |delivery| process(&service, delivery)).await
}

/// The import that a message asks for.
fn asked(body: &[u8]) -> Option<Uuid> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    value.get("import")?.as_str()?.parse().ok()
}

async fn process(service: &Service, delivery: Delivery) -> Result<()> {
    let envelope = delivery.envelope().clone();
    let Some(id) = asked(&envelope.body) else {
        delivery.park("the body of the message is no import").await?;
        return Ok(());
    };
    let tenant = &envelope.tenant;
    let made = tokio::select! {
        made = make(service, tenant, id) => made,
        never = take::keep(&delivery) => match never {},
    };
    match made {
        Ok(()) => {}
        Err(ImportError::Store(error)) if error.is_transient() => return Err(error.into()),
        Err(error) => {
            let code = error.code();
            let message = crate::exit::one_line(&error.into());
            service.store.end_import(tenant, id, Err((code, &message)), Timestamp::now()).await?;
        }
    }
    service.outbox_bell.notify_one();
    Ok(delivery.ack().await?)
}

async fn make(service: &Service, tenant: &TenantId, id: Uuid) -> Result<(), ImportError> {
    let store = &service.store;
    // Over, or forgotten.
    let Some((import, body)) = store.begin_import(tenant, id, Timestamp::now()).await? else { return Ok(()) };
    let report = imports::read(store, tenant, &import.ask, body).await?;
    let part = (id, import.source.as_str());
    let outcome = imports::merge(store, tenant, part, report, Mode::Merge, Timestamp::now()).await?;
    store.end_import(tenant, id, Ok(&outcome), Timestamp::now()).await?;
    Ok(())
}

/// Fails an import whose message was delivered as often as it may be.
pub(super) async fn abandon(service: &Service, parked: &Parked) -> Result<()> {
    let Some(id) = asked(&parked.envelope.body) else { return Ok(()) };
    let message =
        format!("the import was begun {} times and never ended: {}", parked.attempts, parked.reason);
    let tenant = &parked.envelope.tenant;
    service.store.end_import(tenant, id, Err((ABANDONED_CODE, &message)), Timestamp::now()).await?;
    tracing::error!(import.id = %id, code = ABANDONED_CODE, "{message}");
    Ok(())
}
