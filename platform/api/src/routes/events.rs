//! The changes of one scan, as they happen, by server-sent events (HTML standard, section 9.2).
//!
//! The store is the truth and the broadcast only a wake-up: every event is read from the store, so a lost or late
//! notification costs a second and never an event. The event id is the number of the state in the life of a scan;
//! states are entered once and in order, so a client that comes back with `Last-Event-ID` misses nothing and gets
//! nothing twice.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream};
use model::TenantId;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::app::{App, ScanChange};
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::Scan;
use crate::extract::{Nothing, Path, Query};
use crate::problem::Problem;
use crate::routes::scans::not_found;

/// Time between two looks at the store when no notification comes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Time between comments that keep proxies from closing an idle stream.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Failed looks in a row after which the stream ends and the client comes back by itself.
const FAILED_LOOKS_MAX: u32 = 10;

/// Follow a scan
///
/// Sends the scan now and on every change, as event `scan`, and ends with the scan. A comment comes every 15 seconds.
/// When the scan has ended and the client has seen that, the answer is 204, which tells a browser not to come back.
#[utoipa::path(
    get,
    path = "/api/v1/scans/{id}/events",
    operation_id = "follow_scan",
    tag = "scans",
    params(
        ("id" = Uuid, Path, description = "Id of the scan."),
        ("last-event-id" = Option<u64>, Header, description = "Id of the last event seen."),
    ),
    responses(
        (status = 200, description = "Events `scan`, each with a Scan as data.", body = String,
            content_type = "text/event-stream"),
        (status = 204, description = "The scan has ended and the client has seen its end."),
    )
)]
pub(crate) async fn follow(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Query(..): Query<Nothing>,
) -> Result<Response, Problem> {
    // Listening starts before the first look, so that no change falls between the two.
    let changes = app.progress.subscribe();
    let draining = app.draining.subscribe();
    let scan = look(&app, &caller.tenant, id).await?.ok_or_else(not_found)?;
    let seen = last_event_id(&headers);
    if scan.state.is_end() && seen >= scan.state.sequence() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let permit = app.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::new(Code::TooManyStreams, "The server keeps as many event streams open as it can.")
            .hint("Ask for the scan itself every few seconds instead.")
    })?;
    let follower = Follower {
        app,
        tenant: caller.tenant,
        id,
        seen,
        first: Some(scan),
        changes,
        draining,
        _permit: permit,
    };
    let events = Sse::new(follower.events()).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    let mut response = events.into_response();
    // nginx would otherwise collect events until its buffer is full.
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// The number of the last event a client saw; zero when it saw none or sends something else.
fn last_event_id(headers: &HeaderMap) -> u64 {
    let value = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    value.and_then(|text| text.parse().ok()).unwrap_or(0)
}

async fn look(app: &App, tenant: &TenantId, id: Uuid) -> Result<Option<Scan>, store::StoreError> {
    Ok(app.store.scan(tenant, id).await?.map(Scan::from))
}

/// One client that follows one scan.
struct Follower {
    app: App,
    tenant: TenantId,
    id: Uuid,
    /// Number of the last event sent.
    seen: u64,
    /// What the first look saw.
    first: Option<Scan>,
    changes: broadcast::Receiver<ScanChange>,
    draining: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(Some(self), |follower| async move {
            let mut follower = follower?;
            let scan = follower.next_change().await?;
            follower.seen = scan.state.sequence();
            let event = Event::default().event("scan").id(follower.seen.to_string()).json_data(&scan).ok()?;
            let rest = if scan.state.is_end() { None } else { Some(follower) };
            Some((Ok(event), rest))
        })
    }

    /// The scan in its next state; nothing when the server stops, the scan is gone or the store stays away.
    async fn next_change(&mut self) -> Option<Scan> {
        let mut failed_looks = 0;
        let mut scan = self.first.take();
        loop {
            if let Some(scan) = scan.take().filter(|scan| scan.state.sequence() > self.seen) {
                return Some(scan);
            }
            if !self.wait().await {
                return None;
            }
            match look(&self.app, &self.tenant, self.id).await {
                Ok(None) => return None,
                Ok(Some(found)) => {
                    failed_looks = 0;
                    scan = Some(found);
                }
                Err(error) => {
                    failed_looks += 1;
                    if failed_looks == FAILED_LOOKS_MAX {
                        tracing::warn!(scan.id = %self.id, error = %error, "event stream ended: the store does not answer");
                        return None;
                    }
                }
            }
        }
    }

    /// Waits for a notification about this scan or for the time of the next look; false when the server stops.
    async fn wait(&mut self) -> bool {
        let until = Instant::now() + LOOK_EVERY;
        let (changes, draining) = (&mut self.changes, &mut self.draining);
        // In a block of its own: what `wait_for` gives is a lock, which must not live across another wait.
        let mut stop = std::pin::pin!(async { draining.wait_for(|draining| *draining).await.map(drop) });
        loop {
            tokio::select! {
                _ = &mut stop => return false,
                change = timeout_at(until, changes.recv()) => match change {
                    Ok(Ok(change)) if change.scan == self.id && change.tenant == self.tenant => return true,
                    Ok(Ok(_)) => {}
                    // Some were lost, maybe ours.
                    Ok(Err(RecvError::Lagged(_))) | Err(_) => return true,
                    Ok(Err(RecvError::Closed)) => {
                        tokio::time::sleep_until(until).await;
                        return true;
                    }
                },
            }
        }
    }
}
