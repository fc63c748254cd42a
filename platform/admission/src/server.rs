//! The webhook over TLS: connections in, answers out before their deadline, and an orderly end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::error::AdmissionError;
use crate::figures::Figures;
use crate::judge::{Judge, Judgement, Mode};
use crate::review::{BODY_BYTES_MAX, Request, Settings, answer};
use crate::tls::Certificates;

/// Connections at once. An API server keeps a few.
const CONNECTIONS_MAX: usize = 512;
/// Time for the handshake, and for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Time that an idle connection stays. API servers reuse theirs.
const IDLE_TIME: Duration = Duration::from_secs(120);
/// Time that requests in work have after the stop signal.
const DRAIN_TIME: Duration = Duration::from_secs(15);
/// Part of the API server's patience that is kept for the way back, at least.
const WAY_BACK: Duration = Duration::from_millis(300);
/// What an API server waits where it does not say.
const PATIENCE: Duration = Duration::from_secs(10);

/// How requests are served.
#[derive(Debug, Clone)]
pub struct Options {
    /// What holds for all requests.
    pub settings: Settings,
    /// Longest time for a judgement; shorter where the API server waits less.
    pub deadline: Duration,
    /// Judgements at a time; more wait, up to their deadline.
    pub judgements: usize,
}

struct Service<J> {
    judge: Arc<J>,
    options: Options,
    figures: Arc<Figures>,
    room: Arc<Semaphore>,
}

/// Serves until `drain` ends, then lets requests in work finish, for a bounded time.
///
/// # Errors
/// [`AdmissionError::Listener`].
pub async fn serve<J: Judge>(
    listener: TcpListener,
    certificates: Arc<Certificates>,
    judge: Arc<J>,
    options: Options,
    figures: Arc<Figures>,
    drain: impl Future<Output = ()> + Send,
) -> Result<(), AdmissionError> {
    let address = listener.local_addr().map_err(AdmissionError::Listener)?;
    tracing::info!(server.address = %address, "serving admission requests");
    let acceptor = acceptor(&certificates);
    let room = Arc::new(Semaphore::new(options.judgements.max(1)));
    let following = tokio::spawn(certificates.follow(Arc::clone(&figures)));
    let service = Arc::new(Service { judge, options, figures, room });
    let (open, permits) = (GracefulShutdown::new(), Arc::new(Semaphore::new(CONNECTIONS_MAX)));
    let mut drain = std::pin::pin!(drain);
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await;
        let (stream, peer) = tokio::select! {
            () = &mut drain => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(error = %error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (acceptor, service, watcher) = (acceptor.clone(), Arc::clone(&service), open.watcher());
        tokio::spawn(async move {
            connection(stream, peer, acceptor, service, watcher).await;
            drop(permit);
        });
    }
    drop(listener);
    following.abort();
    if tokio::time::timeout(DRAIN_TIME, open.shutdown()).await.is_err() {
        tracing::warn!("admission requests were cut off: they did not finish in time");
    }
    Ok(())
}

fn acceptor(certificates: &Arc<Certificates>) -> TlsAcceptor {
    let resolver = Arc::clone(certificates) as Arc<dyn rustls::server::ResolvesServerCert>;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::DEFAULT_VERSIONS);
    #[expect(
        clippy::expect_used,
        reason = "the provider and the versions are both this library's own defaults"
    )]
    let builder = versions.expect("default versions of the default provider");
    let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn connection<J: Judge>(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: TlsAcceptor,
    service: Arc<Service<J>>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HEAD_TIME, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(client.address = %peer, error = %error, "the handshake failed");
            return;
        }
        Err(_) => return,
    };
    let handler = hyper::service::service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.handle(request).await) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(IDLE_TIME).max_buf_size(64 << 10);
    let served = watcher.watch(server.serve_connection(TokioIo::new(stream), handler));
    if let Err(error) = served.await {
        tracing::debug!(client.address = %peer, error = %error, "a connection ended");
    }
}

impl<J: Judge> Service<J> {
    async fn handle(&self, request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
        let arrived = Instant::now();
        let mode = match (request.method(), request.uri().path()) {
            (&Method::POST, "/validate") => Mode::Validate,
            (&Method::POST, "/mutate") => Mode::Mutate,
            (&Method::GET, "/health/live" | "/health/ready") => return text(StatusCode::OK, "ok\n"),
            (&Method::GET, "/metrics") => return text(StatusCode::OK, &self.figures.text()),
            _ => {
                return text(
                    StatusCode::NOT_FOUND,
                    "POST /validate or /mutate, GET /health/ready or /metrics\n",
                );
            }
        };
        let patience = patience(request.uri().query()).min(self.options.deadline);
        let deadline = arrived + patience;
        let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
        let body = match tokio::time::timeout_at(deadline.into(), body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) => return self.malformed(StatusCode::PAYLOAD_TOO_LARGE, &format!("{error}\n")),
            Err(_) => return self.malformed(StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n"),
        };
        let request = match Request::read(&body) {
            Ok(request) => request,
            Err(why) => return self.malformed(StatusCode::BAD_REQUEST, &format!("{why}\n")),
        };
        drop(body);
        let settings = &self.options.settings;
        if settings.exempts(&request) {
            self.figures.exempted();
            return json(&answer(mode, &request, &Judgement::default(), settings));
        }
        let request = Arc::new(request);
        let judgement = self.judged(mode, &request, deadline).await;
        for failure in &judgement.failures {
            tracing::warn!(policy.name = %failure.policy, closed = failure.closed, "a policy could not be asked: {}", failure.reason);
        }
        let told = answer(mode, &request, &judgement, settings);
        let allowed = told.pointer("/response/allowed") == Some(&serde_json::Value::Bool(true));
        let would = allowed && (!judgement.dry_run.is_empty() || !judgement.violations.is_empty());
        self.figures.decided(allowed, would, judgement.failures.len(), arrived.elapsed());
        json(&told)
    }

    /// The judgement, or that there was none in time. A judgement that is late goes on to its own limits, and holds its room.
    async fn judged(&self, mode: Mode, request: &Arc<Request>, deadline: Instant) -> Judgement {
        let work = async {
            let permit = Arc::clone(&self.room).acquire_owned().await;
            let (judge, asked) = (Arc::clone(&self.judge), Arc::clone(request));
            let judged = tokio::task::spawn_blocking(move || {
                let judgement = judge.judge(mode, &asked, deadline);
                drop(permit);
                judgement
            });
            judged.await
        };
        match tokio::time::timeout_at(deadline.into(), work).await {
            Ok(Ok(judgement)) => judgement,
            Ok(Err(panic)) => {
                tracing::error!(error = %panic, "a judgement ended in a defect of the program");
                Judgement { failures: self.judge.not_in_time(mode, request), ..Judgement::default() }
            }
            Err(_) => {
                self.figures.was_late();
                Judgement { failures: self.judge.not_in_time(mode, request), ..Judgement::default() }
            }
        }
    }

    fn malformed(&self, status: StatusCode, why: &str) -> Response<Full<Bytes>> {
        self.figures.malformed();
        text(status, why)
    }
}

/// How long the API server waits, less the way back. It says so in the query: `timeout=5s`.
fn patience(query: Option<&str>) -> Duration {
    let said = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("timeout="));
    let seconds = said.and_then(|text| text.strip_suffix('s')).and_then(|text| text.parse::<u8>().ok());
    let whole = seconds
        .filter(|seconds| *seconds > 0)
        .map_or(PATIENCE, |seconds| Duration::from_secs(seconds.into()));
    whole.saturating_sub(WAY_BACK.max(whole / 10))
}

fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", text.to_owned().into())
}

fn json(value: &serde_json::Value) -> Response<Full<Bytes>> {
    respond(StatusCode::OK, "application/json", value.to_string().into())
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_kept_from_what_the_api_server_waits() {
        for (query, millis) in [
            (None, 9_000),
            (Some("timeout=5s"), 4_500),
            (Some("a=b&timeout=1s"), 700),
            (Some("timeout=30s"), 27_000),
            (Some("timeout=0s"), 9_000),
            (Some("timeout=-1s"), 9_000),
            (Some("timeout=999999s"), 9_000),
            (Some("timeout="), 9_000),
        ] {
            assert_eq!(patience(query), Duration::from_millis(millis), "{query:?}");
        }
    }
}
