//! The doors of run-time events.

use std::io::Read as _;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;

use crate::app::App;
use crate::auth::Sender;
use crate::code::Code;
use crate::crowd::{Full, Room, UNIT};
use crate::door::{DoorRefusal, ElementProblem, Receipt, Received};
use crate::dto::{IngestProblem, IngestReceipt, NoContent};
use crate::extract::{Nothing, Path, Query};
use crate::problem::Problem;

/// Largest body, as it comes and unpacked, in bytes: Kubernetes sends batches of 10 MiB and a little.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;
/// What an unpacked body grows by at most, in bytes: few copies, and little room that is not needed.
const GROWTH_MAX: usize = 1 << 20;

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
    responses((
        status = 200,
        description = "All of it is kept: an empty ExportLogsServiceResponse, in the type of the request.",
        content((NoContent = "application/json"), (String = "application/x-protobuf"))
    ))
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
    let content_type = content_type(request.headers());
    let packed = is_packed(request.headers())?;
    let told = told_length(request.headers())?;
    let mut room = app.crowd.enter(&sender.tenant, source, told).map_err(busy)?;
    let body = read(request.into_body(), told, &mut room).await?;
    let (body, _room) = if packed { unpacked(body, room).await? } else { (body, room) };
    let Sender { tenant, source } = sender;
    (app.receive)(Received { tenant, source, body, content_type }).await.map_err(refusal)
}

fn busy(full: Full) -> Problem {
    let detail = match full {
        Full::Source => "As much of this source is in work as may be at once.",
        Full::All => "As much of all sources is in work as may be at once.",
    };
    Problem::new(Code::SourceBusy, detail)
        .hint("Send the same again after the time in `Retry-After`; nothing counts twice.")
}

/// How long a body is, as its sender says, in bytes; 0 if nothing is said.
fn told_length(headers: &HeaderMap) -> Result<usize, Problem> {
    let Some(length) = headers.get(header::CONTENT_LENGTH) else { return Ok(0) };
    let length = length.to_str().ok().and_then(|length| length.trim().parse::<u64>().ok());
    let unreadable = || Problem::new(Code::BodyUnreadable, "The length of the body cannot be read.");
    let length = length.ok_or_else(unreadable)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= BODY_BYTES_MAX);
    length.ok_or_else(too_large)
}

/// A body as it comes, never more of it than there is room for.
async fn read(body: Body, told: usize, room: &mut Room) -> Result<Vec<u8>, Problem> {
    let mut pieces = body.into_data_stream();
    let mut whole = Vec::with_capacity(told);
    while let Some(piece) = pieces.next().await {
        let cut_off = |error: axum::Error| {
            Problem::new(Code::BodyUnreadable, "The connection ended before the body did.").cause(error)
        };
        let piece = piece.map_err(cut_off)?;
        let length = whole.len().saturating_add(piece.len());
        if length > BODY_BYTES_MAX {
            return Err(too_large());
        }
        room.hold(length).map_err(busy)?;
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

/// Unpacks a body on a thread that may work for long. The room goes with it: it is held as long as the body is, even if nobody waits for it
/// any more.
async fn unpacked(body: Vec<u8>, mut room: Room) -> Result<(Vec<u8>, Room), Problem> {
    let work = move || {
        let whole = unpack(&body, &mut room)?;
        drop(body);
        room.shrink(whole.len());
        Ok((whole, room))
    };
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)?
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

/// A body that becomes too large is one, however small it came. What is unpacked is weighed beside what it is unpacked from before it is kept.
fn unpack(body: &[u8], room: &mut Room) -> Result<Vec<u8>, Problem> {
    let mut reader = flate2::read::MultiGzDecoder::new(body);
    let mut whole = Vec::new();
    loop {
        let more = whole.len().clamp(UNIT, GROWTH_MAX);
        room.hold(body.len().saturating_add(whole.len()).saturating_add(more)).map_err(busy)?;
        whole.reserve_exact(more);
        let limit = u64::try_from(more).unwrap_or(u64::MAX);
        let read = reader.by_ref().take(limit).read_to_end(&mut whole);
        let read = read.map_err(|error| {
            Problem::new(Code::BodyUnreadable, format!("The body is no gzip, or not all of one: {error}."))
        })?;
        if whole.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        if read < more {
            return Ok(whole);
        }
    }
}

fn too_large() -> Problem {
    let detail = format!("The body is larger than {BODY_BYTES_MAX} bytes, as it comes or unpacked.");
    Problem::new(Code::BodyTooLarge, detail).hint("Send smaller batches.")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use axum::body::Body;
    use axum::http::{HeaderMap, HeaderValue};
    use model::TenantId;

    use super::{BODY_BYTES_MAX, read, told_length, unpack, unpacked};
    use crate::code::Code;
    use crate::crowd::{Crowd, Room};

    /// What bodies of one source weigh at most, in bytes.
    const SOURCE: usize = 64 << 20;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn room(crowd: &Crowd, bytes: usize) -> Room {
        crowd.enter(&TenantId::default_tenant(), "a", bytes).unwrap()
    }

    #[test]
    fn a_bomb_is_too_large_and_half_a_body_is_unreadable() {
        let crowd = Crowd::default();
        let unpack = |body: &[u8]| unpack(body, &mut room(&crowd, body.len()));
        assert_eq!(unpack(&packed(b"abc")).unwrap(), b"abc");
        let largest = vec![7; BODY_BYTES_MAX];
        assert!(unpack(&packed(&largest)).unwrap() == largest);
        let bomb = packed(&vec![0; BODY_BYTES_MAX + 1]);
        assert!(bomb.len() < 100_000);
        assert_eq!(unpack(&bomb).unwrap_err().code(), Code::BodyTooLarge);
        let half = packed(b"abc");
        assert_eq!(unpack(&half[..half.len() / 2]).unwrap_err().code(), Code::BodyUnreadable);
        let two = [packed(b"ab"), packed(b"c")].concat();
        assert_eq!(unpack(&two).unwrap(), b"abc");
    }

    #[tokio::test]
    async fn an_unpacked_body_weighs_what_it_has_become() {
        let crowd = Crowd::default();
        let ten = packed(&vec![0; 10 << 20]);
        let (whole, kept) = unpacked(ten.clone(), room(&crowd, ten.len())).await.unwrap();
        assert_eq!(whole.len(), 10 << 20);
        // Beside it there is room for the rest alone, and not enough for a further bomb.
        let rest = room(&crowd, SOURCE - (12 << 20));
        let refused = unpacked(ten, room(&crowd, 1)).await.unwrap_err();
        assert_eq!(refused.code(), Code::SourceBusy);
        drop((kept, rest));
        room(&crowd, SOURCE);
    }

    #[tokio::test]
    async fn a_body_of_no_told_length_is_weighed_as_it_comes() {
        let crowd = Crowd::default();
        let others = room(&crowd, SOURCE - (1 << 20));
        let mut own = room(&crowd, 0);
        let refused = read(Body::from(vec![0; 2 << 20]), 0, &mut own).await.unwrap_err();
        assert_eq!(refused.code(), Code::SourceBusy);
        drop(others);
        assert_eq!(read(Body::from(vec![0; 2 << 20]), 0, &mut own).await.unwrap().len(), 2 << 20);
        let refused = read(Body::from(vec![0; BODY_BYTES_MAX + 1]), 0, &mut own).await.unwrap_err();
        assert_eq!(refused.code(), Code::BodyTooLarge);
    }

    #[tokio::test]
    async fn a_request_that_is_given_up_gives_its_room_back() {
        let crowd = std::sync::Arc::new(Crowd::default());
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let held = std::sync::Arc::clone(&crowd);
        let request = tokio::spawn(async move {
            let mut own = room(&held, SOURCE);
            let waits = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
            sender.send(()).unwrap();
            read(waits, 0, &mut own).await
        });
        receiver.await.unwrap();
        assert!(crowd.enter(&TenantId::default_tenant(), "a", 1).is_err());
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        room(&crowd, SOURCE);
    }

    #[tokio::test]
    async fn a_body_that_ends_before_its_end_is_unreadable() {
        let crowd = Crowd::default();
        let pieces = [Ok(b"abc".to_vec()), Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))];
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let refused = read(body, 8, &mut room(&crowd, 8)).await.unwrap_err();
        assert_eq!(refused.code(), Code::BodyUnreadable);
    }

    #[test]
    fn a_length_is_a_number_that_a_body_may_have() {
        let told = |length: &'static str| {
            told_length(&HeaderMap::from_iter([(
                "content-length".parse().unwrap(),
                HeaderValue::from_static(length),
            )]))
        };
        assert_eq!(told_length(&HeaderMap::new()).unwrap(), 0);
        assert_eq!(told("16777216").unwrap(), BODY_BYTES_MAX);
        assert_eq!(told("16777217").unwrap_err().code(), Code::BodyTooLarge);
        assert_eq!(told("99999999999999999999").unwrap_err().code(), Code::BodyUnreadable);
        assert_eq!(told("x").unwrap_err().code(), Code::BodyUnreadable);
    }
}
