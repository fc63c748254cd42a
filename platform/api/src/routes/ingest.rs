//! The doors of run-time events.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::auth::Sender;
use crate::code::Code;
use crate::door::{DoorRefusal, ElementProblem, Receipt, Received};
use crate::dto::{IngestProblem, IngestReceipt};
use crate::extract::{Nothing, Path, Query};
use crate::problem::Problem;

/// Largest body, as it comes and unpacked, in bytes: Kubernetes sends batches of 10 MiB and a little.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;
/// Bodies of one source at a time: one that floods keeps no room from the others.
const BODIES_AT_ONCE: usize = 8;

/// How many bodies of each source are in work.
#[derive(Debug, Default)]
pub(crate) struct Crowd(Mutex<HashMap<String, Arc<Semaphore>>>);

impl Crowd {
    fn enter(&self, source: &str) -> Option<OwnedSemaphorePermit> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.entry(source.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(BODIES_AT_ONCE)));
        Arc::clone(own).try_acquire_owned().ok()
    }
}

/// Send events
///
/// Takes what sensors, audit logs and clouds send, unchanged, in the format of the source. Opened by the token of the source alone: as a bearer
/// token, as the password of any user, or in `X-Palisade-Token`. The answer comes when everything is kept; what is sent again counts once. A
/// body may be packed with gzip.
#[utoipa::path(
    post,
    path = "/api/v1/ingest/{source}",
    operation_id = "ingest_events",
    tag = "runtime",
    params(("source" = String, Path, description = "Name of the source.")),
    request_body(content = String, content_type = "application/octet-stream", description = "Events in the format of the source."),
    responses((status = 200, description = "All of it is kept.", body = IngestReceipt))
)]
pub(crate) async fn receive(
    State(app): State<App>,
    sender: Sender,
    Path(source): Path<String>,
    Query(..): Query<Nothing>,
    request: Request,
) -> Result<Json<IngestReceipt>, Problem> {
    let receipt = take(&app, sender, &source, request).await?;
    let problem = |problem: ElementProblem| IngestProblem { index: problem.index, message: problem.message };
    Ok(Json(IngestReceipt {
        events: receipt.events,
        health: receipt.health,
        problems: receipt.problems.into_iter().map(problem).collect(),
        problems_total: receipt.problems_total,
    }))
}

/// Send OpenTelemetry logs
///
/// The same for exporters of OTLP over HTTP, which add `/v1/logs` to the address that they are given. The answer is that of OTLP.
#[utoipa::path(
    post,
    path = "/api/v1/ingest/{source}/v1/logs",
    operation_id = "ingest_otlp_logs",
    tag = "runtime",
    params(("source" = String, Path, description = "Name of the source.")),
    request_body(content = String, content_type = "application/octet-stream", description = "An ExportLogsServiceRequest, as JSON or protobuf."),
    responses((status = 200, description = "All of it is kept: an empty ExportLogsServiceResponse.", body = String, content_type = "application/octet-stream"))
)]
pub(crate) async fn receive_otlp(
    State(app): State<App>,
    sender: Sender,
    Path(source): Path<String>,
    Query(..): Query<Nothing>,
    request: Request,
) -> Result<Response, Problem> {
    let is_json = content_type(request.headers()).is_some_and(|kind| kind.starts_with("application/json"));
    take(&app, sender, &source, request).await?;
    Ok(match is_json {
        true => ([(header::CONTENT_TYPE, "application/json")], "{}").into_response(),
        false => ([(header::CONTENT_TYPE, "application/x-protobuf")], "").into_response(),
    })
}

async fn take(app: &App, sender: Sender, source: &str, request: Request) -> Result<Receipt, Problem> {
    if sender.source.name != source {
        return Err(Problem::new(
            Code::SourceTokenMismatch,
            "The token is that of another source than the address names.",
        )
        .hint("Send events to the address that was shown with the token."));
    }
    let busy = || {
        Problem::new(Code::SourceBusy, "As many bodies of this source are in work as may be at once.")
            .hint("Send the same again after the time in `Retry-After`.")
    };
    let _room = app.crowd.enter(source).ok_or_else(busy)?;
    let content_type = content_type(request.headers());
    let packed = is_packed(request.headers())?;
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await.map_err(|_| too_large())?;
    let body = if packed { unpack(&body)? } else { body.into() };
    let Sender { tenant, source } = sender;
    (app.receive)(Received { tenant, source, body, content_type }).await.map_err(refusal)
}

fn refusal(refusal: DoorRefusal) -> Problem {
    match refusal {
        DoorRefusal::Busy { why } => Problem::new(Code::SourceBusy, format!("Nothing was kept: {why}."))
            .hint("Send the same again after the time in `Retry-After`; nothing counts twice."),
        DoorRefusal::Undecodable { problems } => {
            let first = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            let problem = Problem::new(Code::EventsUnreadable, format!("Nothing could be read: {first}."))
                .hint("Look whether the source has the format that its sender sends.");
            problems
                .into_iter()
                .fold(problem, |problem, one| problem.pointer(&format!("/{}", one.index), one.message))
        }
        DoorRefusal::Unavailable => Problem::new(Code::StoreUnavailable, "The events could not be kept.")
            .hint("Send the same again after the time in `Retry-After`; nothing counts twice."),
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok().map(str::to_owned)
}

fn is_packed(headers: &HeaderMap) -> Result<bool, Problem> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else { return Ok(false) };
    match encoding.to_str().unwrap_or_default().trim() {
        word if word.eq_ignore_ascii_case("gzip") => Ok(true),
        word if word.is_empty() || word.eq_ignore_ascii_case("identity") => Ok(false),
        _ => Err(Problem::new(
            Code::UnsupportedMediaType,
            "The body is packed in a way that is not known here.",
        )
        .hint("Send it unpacked, or packed with gzip.")),
    }
}

/// A body that becomes too large is one, however small it came.
fn unpack(body: &[u8]) -> Result<Vec<u8>, Problem> {
    let limit = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut unpacked = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(body).take(limit).read_to_end(&mut unpacked);
    if let Err(error) = read {
        return Err(Problem::new(Code::BodyUnreadable, format!("The body is no gzip: {error}.")));
    }
    if unpacked.len() > BODY_BYTES_MAX { Err(too_large()) } else { Ok(unpacked) }
}

fn too_large() -> Problem {
    Problem::new(
        Code::BodyTooLarge,
        format!("The body is larger than {BODY_BYTES_MAX} bytes, or ended before its end."),
    )
    .hint("Send smaller batches.")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{BODY_BYTES_MAX, unpack};
    use crate::code::Code;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_bomb_is_too_large_and_half_a_body_is_unreadable() {
        assert_eq!(unpack(&packed(b"abc")).unwrap(), b"abc");
        let bomb = packed(&vec![0; BODY_BYTES_MAX + 1]);
        assert!(bomb.len() < 100_000);
        assert_eq!(unpack(&bomb).unwrap_err().code(), Code::BodyTooLarge);
        let half = packed(b"abc");
        assert_eq!(unpack(&half[..half.len() / 2]).unwrap_err().code(), Code::BodyUnreadable);
    }
}
