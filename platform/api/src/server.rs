//! The server: connections in, responses out, and an orderly end.
//!
//! Its own accept loop instead of the framework's, because that has no deadline for a request's head: a few hundred
//! connections that send a byte a minute would keep everybody else out.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::{ApiOptions, App, Parts};
use crate::error::ApiError;
use crate::router::{openapi_json, router};

/// Connections at once. Above this new ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 1024;
/// Time to send the head of a request; also how long an idle connection stays.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Largest head of a request; cursors and references make URLs of a few kilobytes at most.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Time that requests in work have after the stop signal.
const DRAIN_TIME: Duration = Duration::from_secs(20);
/// Pause after a failed accept, such as "too many open files", so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The API and the user interface, ready to be served.
pub struct Api {
    app: App,
    router: Router,
}

impl Api {
    /// Checks the options and builds the routes. Binds nothing.
    ///
    /// # Errors
    /// [`ApiError::ScanRoot`] when a scan root does not exist.
    pub fn new(options: ApiOptions) -> Result<Self, ApiError> {
        let document = openapi_json().map_err(ApiError::Document)?;
        let app = Arc::new(Parts::new(options, document)?);
        let router = router(&app);
        Ok(Self { app, router })
    }

    /// The routes, for a caller that serves them by itself.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Serves until `drain` ends, then lets requests in work finish, for a bounded time.
    ///
    /// # Errors
    /// [`ApiError::Listener`] when the listener has no address.
    pub async fn serve(
        self,
        listener: TcpListener,
        drain: impl Future<Output = ()> + Send,
    ) -> Result<(), ApiError> {
        let address = listener.local_addr().map_err(ApiError::Listener)?;
        tracing::info!(server.address = %address, "serving");
        let connections = GracefulShutdown::new();
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut drain = std::pin::pin!(drain);
        loop {
            tokio::select! {
                () = &mut drain => break,
                (stream, peer, permit) = accept(&listener, &permits) => {
                    tokio::spawn(connection(stream, peer, self.router.clone(), connections.watcher(), permit));
                }
            }
        }
        // From here on readiness says no, event streams end, and nobody new is let in.
        self.app.draining.send_replace(true);
        drop(listener);
        if tokio::time::timeout(DRAIN_TIME, connections.shutdown()).await.is_err() {
            let left = CONNECTIONS_MAX.saturating_sub(permits.available_permits());
            tracing::warn!(connections = left, "requests were cut off: they did not finish in time");
        }
        Ok(())
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so there is always a permit in the end.
    let permit = Arc::clone(permits).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) => {
                tracing::warn!(error = %error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection until its client, its deadline or the stop signal ends it.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    watcher: Watcher,
    permit: Option<OwnedSemaphorePermit>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(client.address = %peer, error = %error, "could not turn off delays");
    }
    let service = TowerToHyperService::new(router);
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD_BYTES_MAX);
    let served = watcher.watch(server.serve_connection(TokioIo::new(stream), service)).await;
    if let Err(error) = served {
        // Clients go away and send rubbish all the time; that is no event for an operator.
        tracing::debug!(client.address = %peer, error = %error, "connection ended early");
    }
    drop(permit);
}
