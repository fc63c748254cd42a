//! Reads where tickets stand in the systems that keep them, through plugins of kind `collector`.
//!
//! A plugin hands over resources of two kinds: `palisade:ticket`, with `id`, `status` in that system's words and `standing` in ours, and on its
//! last page `palisade:cursor`, with the `cursor` at which the next reading begins.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use host::kinds::Page;
use host::{Answer, Fault, Input, Kind};
use jiff::{SignedDuration, Timestamp};
use model::TenantId;
use serde::Deserialize;
use store::{Destination, Standing, TicketRead};
use uuid::Uuid;

use super::Service;
use super::tickets::{claim, held, plugin_called};

/// How often a destination is read.
const READ_EVERY: SignedDuration = SignedDuration::from_secs(15);
/// Pages of one reading; the next one goes on behind them.
const PAGES_MAX: u32 = 20;
/// The kinds of resources that are understood.
const TICKET: &str = "palisade:ticket";
const CURSOR: &str = "palisade:cursor";

#[derive(Deserialize)]
struct ToldTicket {
    id: String,
    status: String,
    standing: String,
}

#[derive(Deserialize)]
struct ToldCursor {
    cursor: String,
}

/// Reads a destination whose turn it is; how long it asks to be left alone, if it does.
pub(super) async fn read(
    service: &Arc<Service>,
    tenant: &TenantId,
    destination: &Destination,
    holder: Uuid,
) -> Result<Option<Duration>> {
    let name = &destination.said.name;
    let (mut cursor, read_at) = service.store.read_until(tenant, name).await?;
    let is_early = read_at.is_some_and(|at| Timestamp::now().duration_since(at) < READ_EVERY);
    if is_early || !is_read(service, destination) || !claim(service, tenant, name, holder).await? {
        return Ok(None);
    }
    for _ in 0..PAGES_MAX {
        let input = Input::Collector { cursor: cursor.clone() };
        let said = destination.said.clone();
        let called = Box::pin(plugin_called(service, &said, Kind::Collector, input));
        let page = match held(service, tenant, name, holder, called).await?.and_then(page) {
            Ok(page) => page,
            Err(fault) => return failed(service, tenant, name, &fault).await,
        };
        let (tickets, at_end) = understood(name, &page);
        // The same place again would be read for ever.
        let is_last = page.next.is_none() || page.next == cursor;
        let next = page.next.or(at_end);
        let moved = service
            .store
            .tickets_read(tenant, name, &tickets, next.as_deref(), Timestamp::now())
            .await
            .context("cannot keep where tickets stand")?;
        if moved > 0 {
            tracing::info!(destination = name, tickets = moved, "tickets stand elsewhere than before");
        }
        if is_last {
            break;
        }
        cursor = next;
    }
    Ok(None)
}

/// Whether the plugin of a destination reads anything.
fn is_read(service: &Service, destination: &Destination) -> bool {
    service.live.set().loaded.iter().any(|one| {
        let manifest = one.plugin.manifest();
        manifest.id == destination.said.plugin && manifest.declares(Kind::Collector)
    })
}

fn page(answer: Answer) -> Result<Page, Fault> {
    match answer {
        Answer::Collector(page) => Ok(page),
        other => Err(other.unexpected()),
    }
}

/// Nothing was read; the next try comes when it would have come anyway, or when the other system says.
async fn failed(service: &Service, tenant: &TenantId, name: &str, fault: &Fault) -> Result<Option<Duration>> {
    service.store.tickets_read(tenant, name, &[], None, Timestamp::now()).await?;
    if fault.retry_after.is_none() {
        tracing::warn!(
            destination = name,
            code = fault.kind.as_str(),
            "cannot read tickets: {}",
            fault.message
        );
    }
    Ok(fault.retry_after)
}

/// The tickets of a page, and where the next reading begins. What is not as it should be is left out, and said.
fn understood(name: &str, page: &Page) -> (Vec<TicketRead>, Option<String>) {
    let (mut tickets, mut cursor) = (Vec::new(), None);
    for missing in &page.missing {
        tracing::warn!(destination = name, subject = missing.subject, "cannot be read: {}", missing.message);
    }
    for resource in &page.resources {
        let told = match resource.kind.as_str() {
            TICKET => serde_json::from_slice::<ToldTicket>(&resource.body).ok().and_then(|told| {
                let standing = Standing::from_name(&told.standing)?;
                tickets.push(TicketRead { external_id: told.id, status: told.status, standing });
                Some(())
            }),
            CURSOR => serde_json::from_slice::<ToldCursor>(&resource.body)
                .ok()
                .map(|told| cursor = Some(told.cursor)),
            _ => None,
        };
        if told.is_none() {
            tracing::warn!(
                destination = name,
                resource = resource.asset,
                kind = resource.kind,
                "is no ticket"
            );
        }
    }
    (tickets, cursor)
}

#[cfg(test)]
mod tests {
    use host::kinds::{Page, Resource};
    use serde_json::{Value, json};
    use store::{Standing, TicketRead};

    use super::understood;

    #[test]
    fn what_is_no_ticket_costs_no_other() {
        let resource = |kind: &str, body: &Value| Resource {
            asset: "x".to_owned(),
            kind: kind.to_owned(),
            body: body.to_string().into_bytes(),
        };
        let good = json!({ "id": "7", "status": "Doing", "standing": "in-progress", "more": 1 });
        let page = Page {
            resources: vec![
                resource("palisade:ticket", &json!({ "id": "6", "status": "x", "standing": "lost" })),
                resource("palisade:ticket", &json!(["7"])),
                resource("aws:s3", &good),
                resource("palisade:ticket", &good),
                resource("palisade:cursor", &json!({ "cursor": "c" })),
                resource("palisade:cursor", &json!({ "cursor": 1 })),
            ],
            missing: Vec::new(),
            next: None,
        };
        let read =
            TicketRead { external_id: "7".into(), status: "Doing".into(), standing: Standing::InProgress };
        assert_eq!(understood("ops", &page), (vec![read], Some("c".to_owned())));
    }
}
