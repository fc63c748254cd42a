//! Sending: one hop at a time, each through the guard.

use std::net::ToSocketAddrs as _;
use std::sync::Arc;

use ureq::http;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{DefaultResolver, Resolver};
use ureq::unversioned::transport::{Connector, RustlsConnector, TcpConnector};
use url::Url;

use crate::error::EgressError;
use crate::guard::{Guard, Refusal};
use crate::policy::{Policy, Target, plain_host};
use crate::request::{Method, Redirects, Request, Response};

/// Response headers of a hop are held in memory; registries send a few hundred bytes.
const RESPONSE_HEADER_BYTES_MAX: usize = 64 * 1024;

/// The longest URL sent: signed storage URLs reach a few kilobytes.
const URL_BYTES_MAX: usize = 16 * 1024;

/// Headers that speak for whoever made the request, and therefore stay with the origin they were made for.
const CREDENTIAL_HEADERS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// A guarded HTTP client. Clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    policy: Arc<Policy>,
    max_redirects: u32,
}

impl Client {
    /// A client that obeys `policy`. Trusts the system's certificate authorities and those of the policy.
    ///
    /// # Errors
    /// [`EgressError::Roots`] when an extra authority is not PEM.
    pub fn new(policy: Policy) -> Result<Self, EgressError> {
        Self::with_resolver(policy, DefaultResolver::default())
    }

    fn with_resolver(policy: Policy, inner: impl Resolver) -> Result<Self, EgressError> {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(RootCerts::new_with_certs(&roots(&policy)?))
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(RESPONSE_HEADER_BYTES_MAX)
            .user_agent(concat!("palisade/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(policy.total_timeout))
            .timeout_resolve(Some(policy.connect_timeout))
            .timeout_connect(Some(policy.connect_timeout))
            .timeout_recv_response(Some(policy.read_timeout))
            .timeout_per_read(Some(policy.read_timeout))
            .timeout_per_write(Some(policy.read_timeout))
            .build();
        let max_redirects = policy.max_redirects;
        let kept = Arc::new(policy.clone());
        let connector = ().chain(TcpConnector::default()).chain(RustlsConnector::default());
        let agent = ureq::Agent::with_parts(config, connector, Guard { policy, inner });
        Ok(Self { agent, policy: kept, max_redirects })
    }

    /// Whether a request to this URL would be let out, for who wants to know before there is one: its name is resolved and every address
    /// checked, and nothing is sent there. Blocks as long as the system's resolver does; a request is judged again by what it resolves itself.
    ///
    /// # Errors
    /// [`EgressError::Url`], [`EgressError::Blocked`]; [`EgressError::Failed`] when the name cannot be resolved now.
    pub fn check(&self, url: &str) -> Result<(), EgressError> {
        let url = parse_url(url)?;
        let blocked = |reason: String| EgressError::Blocked { target: origin(&url), reason };
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(blocked("it names no host".to_owned()));
        };
        let host = plain_host(&host);
        let target = Target { host: &host, port, https: url.scheme() == "https" };
        if let Some(reason) = self.policy.refuses_unseen(&target) {
            return Err(blocked(reason.to_owned()));
        }
        let unresolved =
            |error: std::io::Error| EgressError::Failed { target: origin(&url), reason: error.to_string() };
        for address in (host.as_str(), port).to_socket_addrs().map_err(unresolved)? {
            if let Some(reason) = self.policy.refuses(&target, address.ip()) {
                return Err(blocked(reason));
            }
        }
        Ok(())
    }

    /// Sends and returns when the response headers are here; the body streams.
    ///
    /// # Errors
    /// When no response comes; see [`EgressError`]. An error status is a response.
    pub fn send(&self, request: Request) -> Result<Response, EgressError> {
        let mut url = parse_url(&request.url)?;
        let mut headers = request.headers;
        let follow = request.follow == Redirects::Follow && !request.method.changes();
        for hops in 0..=self.max_redirects {
            let response = self.hop(request.method, &url, &headers, &request.body)?;
            if !follow || !is_redirect(response.status) || response.header("location").is_none() {
                return Ok(response);
            }
            let next = response
                .location()
                .and_then(|next| parse_url(next.as_str()).ok())
                .ok_or_else(|| EgressError::Redirects { target: origin(&url), hops })?;
            if next.origin() != url.origin() {
                headers.retain(|(name, _)| !is_credential(name));
            }
            url = next;
        }
        Err(EgressError::Redirects { target: origin(&url), hops: self.max_redirects })
    }

    fn hop(
        &self,
        method: Method,
        url: &Url,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Response, EgressError> {
        let verb = match method {
            Method::Get => http::Method::GET,
            Method::Head => http::Method::HEAD,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Patch => http::Method::PATCH,
            Method::Delete => http::Method::DELETE,
        };
        // The text that was parsed above is sent: no second parser gets another reading of the first text.
        let mut builder = http::Request::builder().method(verb).uri(url.as_str());
        for (name, value) in headers {
            let name = http::HeaderName::try_from(name.as_str());
            let value = http::HeaderValue::try_from(value.as_str());
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(EgressError::Header { name: headers_name(headers) });
            };
            builder = builder.header(name, value);
        }
        let failed = |error: ureq::Error| explain(origin(url), error);
        let response = if method.has_body() {
            let request = builder.body(body).map_err(|error| failed(error.into()))?;
            self.agent.run(request).map_err(failed)?
        } else {
            let request = builder.body(()).map_err(|error| failed(error.into()))?;
            self.agent.run(request).map_err(failed)?
        };
        Ok(received(response, url.clone()))
    }
}

fn headers_name(headers: &[(String, String)]) -> String {
    headers
        .iter()
        .find(|(name, value)| {
            http::HeaderName::try_from(name.as_str()).is_err()
                || http::HeaderValue::try_from(value.as_str()).is_err()
        })
        .map(|(name, _)| name.chars().take(100).collect())
        .unwrap_or_default()
}

fn received(response: http::Response<ureq::Body>, url: Url) -> Response {
    let (parts, body) = response.into_parts();
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let body = Box::new(body.into_with_config().limit(u64::MAX).reader());
    Response { status: parts.status.as_u16(), headers, url, body }
}

fn roots(policy: &Policy) -> Result<Vec<Certificate<'static>>, EgressError> {
    // A system without authorities is not an error here: allow-listed plain http still works, and https fails by name.
    let system = rustls_native_certs::load_native_certs().certs;
    let mut roots: Vec<_> = system.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    for pem in &policy.extra_roots {
        let before = roots.len();
        for item in ureq::tls::parse_pem(pem) {
            if let ureq::tls::PemItem::Certificate(certificate) = item.map_err(|_| EgressError::Roots)? {
                roots.push(certificate);
            }
        }
        if roots.len() == before {
            return Err(EgressError::Roots);
        }
    }
    Ok(roots)
}

/// Reads the URL once, for everybody: what is checked, compared and sent is this value.
pub(crate) fn parse_url(text: &str) -> Result<Url, EgressError> {
    let refused = |why| EgressError::Url { url: text.chars().take(200).collect(), why };
    if text.len() > URL_BYTES_MAX {
        return Err(refused("it is too long"));
    }
    // The URL standard drops tabs and line ends silently; a URL that has them was not meant for us.
    if is_odd(text) {
        return Err(refused("it has control characters, spaces or backslashes"));
    }
    let mut url = Url::parse(text).map_err(|_| refused("it cannot be parsed"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(refused("its scheme is neither https nor http"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it carries a user or password"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refused("it names no host"));
    }
    url.set_fragment(None);
    Ok(url)
}

/// Characters that parsers of URLs disagree about.
pub(crate) fn is_odd(text: &str) -> bool {
    text.chars().any(|c| c.is_control() || c == ' ' || c == '\\')
}

fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

fn is_credential(name: &str) -> bool {
    CREDENTIAL_HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn explain(target: String, error: ureq::Error) -> EgressError {
    match error {
        ureq::Error::Timeout(phase) => EgressError::Timeout { target, phase: format!("time limit: {phase}") },
        ureq::Error::Other(inner) => match inner.downcast::<Refusal>() {
            Ok(refusal) => EgressError::Blocked { target, reason: refusal.reason },
            Err(other) => EgressError::Failed { target, reason: other.to_string() },
        },
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::TimedOut => {
            EgressError::Timeout { target, phase: "time limit: read".to_owned() }
        }
        // Protocol errors may quote what the other side sent; the rest are our own words or the system's.
        ureq::Error::Protocol(_) => {
            EgressError::Failed { target, reason: "the other side does not speak HTTP".to_owned() }
        }
        other => EgressError::Failed { target, reason: other.to_string() },
    }
}

#[cfg(test)]
#[path = "bypass_tests.rs"]
mod bypass_tests;
#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
