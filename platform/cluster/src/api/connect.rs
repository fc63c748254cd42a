//! The connection to an API server, with the credentials of a kubeconfig or of a pod.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tokio::sync::RwLock;

use crate::api::failure::{Cause, Failure, Status, chain, credentials, shown};
use crate::api::patience::Patience;
use crate::error::ClusterError;

/// Time in which a connection has to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Largest body of an error, in bytes.
const STATUS_BYTES_MAX: usize = 64 * 1024;

/// Which cluster, and as whom.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// The kubeconfig; nothing: the files of `KUBECONFIG`, or `~/.kube/config`, and in a pod without these its service account.
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; nothing: its current one.
    pub context: Option<String>,
    /// Use the service account of the pod that this runs in, whatever else there is.
    pub in_cluster: bool,
    /// Patience with the server.
    pub patience: Patience,
}

/// A connection to an API server. Copies share it.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    patience: Patience,
    /// The client, and how often it was made: each has the credentials of its time.
    client: RwLock<(u64, Client)>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("server", &self.server()).finish_non_exhaustive()
    }
}

impl Connection {
    /// Reads the settings and gets credentials; nothing is sent yet. Tokens, files of tokens, client certificates and commands that get
    /// credentials are understood as `kubectl` does.
    ///
    /// # Errors
    /// [`ClusterError::Kubeconfig`] for settings that cannot be used, [`ClusterError::Unauthorized`] when there are no credentials to be had.
    pub async fn open(options: &ConnectOptions) -> Result<Self, ClusterError> {
        let mut config = config(options).await?;
        // Failures are told apart here, by kind.
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT);
        if config.accept_invalid_certs {
            tracing::warn!(server = %config.cluster_url, "the kubeconfig says that the server's certificate is not to be checked");
        }
        let server = config.cluster_url.to_string();
        let client = client(config.clone()).await.map_err(|failure| match failure.cause {
            Cause::Unauthorized => ClusterError::Unauthorized { server, reason: failure.reason },
            _ => ClusterError::Kubeconfig { reason: failure.reason },
        })?;
        let shared = Shared { config, patience: options.patience, client: RwLock::new((0, client)) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Address of the API server.
    #[must_use]
    pub fn server(&self) -> String {
        self.shared.config.cluster_url.to_string()
    }

    pub(crate) fn patience(&self) -> Patience {
        self.shared.patience
    }

    /// What a failure means if it keeps us from knowing anything.
    pub(crate) fn error(&self, failure: Failure) -> ClusterError {
        let (server, reason) = (self.server(), failure.reason);
        match failure.cause {
            Cause::Unauthorized => ClusterError::Unauthorized { server, reason },
            Cause::Forbidden => ClusterError::Forbidden { server, reason },
            _ => ClusterError::Unreachable { server, reason },
        }
    }

    /// Asks for something, and with new credentials a second time if the old ones are not accepted any more. The answer is a good one;
    /// its body is still to be read.
    pub(crate) async fn get(&self, question: &Question<'_>) -> Result<Response<Body>, Failure> {
        let (made, client) = self.shared.client.read().await.clone();
        match self.ask(&client, question).await {
            Err(failure) if failure.cause == Cause::Unauthorized => {
                let client = self.renew(made).await?;
                self.ask(&client, question).await
            }
            answer => answer,
        }
    }

    /// The same with its body, if that is not larger than this.
    pub(crate) async fn answer(&self, question: &Question<'_>, max: usize) -> Result<Vec<u8>, Failure> {
        let answer = self.get(question).await?;
        read(answer.into_body(), max, self.shared.patience.idle).await
    }

    /// Sends a request that may change something, and reads what comes of it. It is sent a second time only if the first was answered with
    /// 401, and new credentials were had.
    pub(crate) async fn order(&self, order: &Order<'_>) -> Result<Vec<u8>, Refused> {
        let (made, client) = self.shared.client.read().await.clone();
        match self.send(&client, order).await {
            Err(refused) if refused.failure.cause == Cause::Unauthorized => {
                let client = self.renew(made).await.map_err(Refused::unknown)?;
                self.send(&client, order).await
            }
            answer => answer,
        }
    }

    async fn send(&self, client: &Client, order: &Order<'_>) -> Result<Vec<u8>, Refused> {
        let unknown = Refused::unknown;
        let mut request =
            Request::builder().method(order.method.clone()).uri(order.uri).header(ACCEPT, order.accept);
        if let Some(content_type) = order.content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let request = request
            .body(Body::from(order.body.clone()))
            .map_err(|error| unknown(Failure::new(Cause::Odd, chain(&error))))?;
        let idle = self.shared.patience.idle;
        let answer = match tokio::time::timeout(idle, client.send(request)).await {
            Ok(answer) => answer.map_err(|error| unknown(Failure::of_client(&error)))?,
            Err(_) => {
                return Err(unknown(Failure::new(Cause::Cut, format!("no answer came within {idle:?}"))));
            }
        };
        if answer.status().is_success() {
            return read(answer.into_body(), order.max, idle).await.map_err(unknown);
        }
        let (code, retry_after) = (answer.status().as_u16(), retry_after(answer.headers()));
        let body = read(answer.into_body(), STATUS_BYTES_MAX, idle).await.unwrap_or_default();
        let status = Status::of(code, &body);
        let failure = Failure::of_status(code, &status, retry_after);
        Err(Refused { failure, code, is_disruption: status.is_disruption() })
    }

    async fn ask(&self, client: &Client, question: &Question<'_>) -> Result<Response<Body>, Failure> {
        let mut request = Request::get(question.uri)
            .header(ACCEPT, question.accept)
            .body(Body::empty())
            .map_err(|error| Failure::new(Cause::Odd, chain(&error)))?;
        if question.stream {
            // Some servers compress every event of a stream by itself, which is not read here.
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let idle = self.shared.patience.idle;
        let answer = match tokio::time::timeout(idle, client.send(request)).await {
            Ok(answer) => answer.map_err(|error| Failure::of_client(&error))?,
            Err(_) => return Err(Failure::new(Cause::Cut, format!("no answer came within {idle:?}"))),
        };
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(self.failure(answer).await)
    }

    async fn failure(&self, answer: Response<Body>) -> Failure {
        let code = answer.status().as_u16();
        let retry_after = retry_after(answer.headers());
        let body = read(answer.into_body(), STATUS_BYTES_MAX, self.shared.patience.idle).await;
        let status: Status =
            body.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
        Failure::of_status(code, &status, retry_after)
    }

    /// A client with the credentials of now, unless somebody made one since.
    async fn renew(&self, made: u64) -> Result<Client, Failure> {
        let mut current = self.shared.client.write().await;
        if current.0 == made {
            let client = client(self.shared.config.clone()).await?;
            *current = (made + 1, client);
        }
        Ok(current.1.clone())
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// Path and query.
    pub(crate) uri: &'a str,
    pub(crate) accept: &'a str,
    /// The answer has no end.
    pub(crate) stream: bool,
}

impl<'a> Question<'a> {
    pub(crate) fn json(uri: &'a str) -> Self {
        Self { uri, accept: "application/json", stream: false }
    }
}

/// A request that may change something.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) uri: &'a str,
    pub(crate) accept: &'a str,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    /// Largest answer, in bytes.
    pub(crate) max: usize,
}

/// An order that was not answered with success.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) failure: Failure,
    /// Code of HTTP; 0 where there was no answer.
    pub(crate) code: u16,
    /// Whether a disruption budget does not allow it.
    pub(crate) is_disruption: bool,
}

impl Refused {
    fn unknown(failure: Failure) -> Self {
        Self { failure, code: 0, is_disruption: false }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    header.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs)
}

/// The body of an answer, as long as it is not larger than this, and something comes.
async fn read(mut body: Body, max: usize, idle: Duration) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    while let Some(data) = frame(&mut body, idle).await? {
        if all.len() + data.len() > max {
            return Err(Failure::new(Cause::TooLarge, format!("the answer has more than {max} bytes")));
        }
        all.extend_from_slice(&data);
    }
    Ok(all)
}

/// The next bytes of an answer; nothing at its end.
pub(crate) async fn frame(body: &mut Body, idle: Duration) -> Result<Option<Vec<u8>>, Failure> {
    loop {
        let frame = tokio::time::timeout(idle, body.frame()).await;
        let silent = |_| Failure::new(Cause::Cut, format!("nothing came of the answer for {idle:?}"));
        match frame.map_err(silent)? {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data.to_vec()));
                }
            }
            Some(Err(error)) => {
                return Err(Failure::new(Cause::Cut, format!("the answer was cut off: {}", chain(&error))));
            }
        }
    }
}

async fn config(options: &ConnectOptions) -> Result<Config, ClusterError> {
    let invalid =
        |error: &(dyn std::error::Error + 'static)| ClusterError::Kubeconfig { reason: chain(error) };
    if options.in_cluster {
        return Config::incluster().map_err(|error| invalid(&error));
    }
    let choice = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
    let read = match &options.kubeconfig {
        Some(path) => match Kubeconfig::read_from(path) {
            Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &choice).await,
            Err(error) => Err(error),
        },
        None => Config::from_kubeconfig(&choice).await,
    };
    match read {
        // A pod has no kubeconfig, and nobody who named one of its parts wants another cluster.
        Err(KubeconfigError::FindPath | KubeconfigError::ReadConfig(..))
            if options.kubeconfig.is_none()
                && options.context.is_none()
                && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() =>
        {
            Config::incluster().map_err(|error| invalid(&error))
        }
        read => read.map_err(|error| invalid(&error)),
    }
}

/// A client, whose credentials are had from files or commands at this moment.
async fn client(config: Config) -> Result<Client, Failure> {
    // Commands are waited for where that holds nobody up.
    let made = tokio::task::spawn_blocking(move || Client::try_from(config)).await;
    let made = made.map_err(|error| Failure::new(Cause::Odd, chain(&error)))?;
    made.map_err(|error| match error {
        kube::Error::Auth(error) => Failure::new(Cause::Unauthorized, credentials(&error)),
        other => Failure::new(Cause::Odd, shown(&other.to_string())),
    })
}
