//! The OCI Distribution protocol, with token and basic authentication.
//!
//! Everything goes through [`egress`], so every hop is guarded. Credentials go to the host they belong to, and to its
//! token service only where that is the same host or shares its parent domain; any other token service gets what was
//! entered for it, or nothing. A redirect to a storage host drops them. Retries are few, bounded in time, and only for what may pass.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use egress::{Client, Method, Request, Response};
use model::Digest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::credentials::{Credential, Credentials};
use crate::error::ImageError;
use crate::manifest::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use crate::reference::Reference;

/// Token answers are a few kilobytes.
const TOKEN_BYTES_MAX: u64 = 256 * 1024;

/// How often and how long to try again when a registry is busy.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Attempts in all. Default 4.
    pub attempts: u32,
    /// Pause before the second attempt, doubled each time, unless the registry says how long. Default 500 ms.
    pub pause: Duration,
    /// The longest pause, also when the registry asks for more. Default 20 s.
    pub pause_max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 4, pause: Duration::from_millis(500), pause_max: Duration::from_secs(20) }
    }
}

/// One repository of one registry.
pub(crate) struct Registry {
    client: Client,
    retry: Retry,
    host: String,
    repository: String,
    credentials: Credentials,
    plain_http: bool,
    /// The `Authorization` header that worked last.
    authorization: Mutex<Option<String>>,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Registry {
    pub(crate) fn new(
        reference: &Reference,
        client: &Client,
        retry: &Retry,
        credentials: &Credentials,
    ) -> Self {
        Self {
            client: client.clone(),
            retry: retry.clone(),
            host: reference.host.clone(),
            repository: reference.repository.clone(),
            credentials: credentials.clone(),
            plain_http: is_loopback(&reference.host),
            authorization: Mutex::new(None),
        }
    }

    /// A manifest or index by tag or digest: bytes, announced media type, digest of the bytes.
    pub(crate) fn manifest(
        &self,
        name: &str,
        bytes_max: u64,
    ) -> Result<(Vec<u8>, Option<String>, Digest), ImageError> {
        let accept = [OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST].join(", ");
        let what = format!("manifest {name} of {}", self.repository);
        let response = self.get(&format!("manifests/{name}"), &what, Some(&accept))?;
        let media_type = response.header("content-type").map(|text| media_type_of(text).to_owned());
        let announced = response.header("docker-content-digest").map(str::to_owned);
        let bytes = read_capped(response.body, bytes_max, &what)?;
        let digest = Digest::from_sha256(Sha256::digest(&bytes).into());
        let promised =
            Digest::parse(name).ok().map(String::from).or(announced.filter(|d| d.starts_with("sha256:")));
        match promised {
            Some(expected) if expected != digest.as_str() => {
                Err(ImageError::Digest { what, expected, actual: digest.as_str().to_owned() })
            }
            _ => Ok((bytes, media_type, digest)),
        }
    }

    /// A blob, unverified: the reader above verifies while it streams.
    pub(crate) fn blob(&self, digest: &Digest) -> Result<Box<dyn Read + Send>, ImageError> {
        let what = format!("blob {digest} of {}", self.repository);
        self.get(&format!("blobs/{digest}"), &what, None).map(|response| response.body)
    }

    /// Whether there is such a blob.
    pub(crate) fn has_blob(&self, digest: &Digest) -> Result<bool, ImageError> {
        let what = format!("blob {digest} of {}", self.repository);
        let request = Request { method: Method::Head, ..Request::get(self.url(&format!("blobs/{digest}"))) };
        match self.accepted(self.authorized(&request, &what)?, &what, &[200]) {
            Ok(_) => Ok(true),
            Err(ImageError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Uploads a blob in one piece: a session, and the bytes to where the session says.
    pub(crate) fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), ImageError> {
        let what = format!("the upload of blob {digest} to {}", self.repository);
        let session = Request::post(self.url("blobs/uploads/"), Vec::new());
        let session = self.accepted(self.authorized(&session, &what)?, &what, &[202])?;
        let Some(mut place) = session.location() else {
            return Err(ImageError::format(what, "the registry does not say where the bytes shall go"));
        };
        let home = place.origin() == session.url.origin();
        place.query_pairs_mut().append_pair("digest", digest.as_str());
        let request =
            Request::put(place.as_str(), bytes.to_vec()).header("content-type", "application/octet-stream");
        // Somebody else's storage gets the bytes, and no word of who sends them.
        let response = if home { self.authorized(&request, &what)? } else { self.send(request, &what)? };
        self.accepted(response, &what, &[201]).map(drop)
    }

    /// Writes a manifest under a tag or its digest.
    pub(crate) fn put_manifest(
        &self,
        name: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Digest, ImageError> {
        let what = format!("the upload of manifest {name} to {}", self.repository);
        let digest = Digest::from_sha256(Sha256::digest(bytes).into());
        let request = Request::put(self.url(&format!("manifests/{name}")), bytes.to_vec())
            .header("content-type", media_type);
        let response = self.accepted(self.authorized(&request, &what)?, &what, &[201])?;
        match response.header("docker-content-digest").filter(|kept| kept.starts_with("sha256:")) {
            Some(kept) if kept != digest.as_str() => Err(ImageError::Digest {
                what,
                expected: digest.as_str().to_owned(),
                actual: kept.chars().take(100).collect(),
            }),
            _ => Ok(digest),
        }
    }

    fn url(&self, path: &str) -> String {
        let scheme = if self.plain_http { "http" } else { "https" };
        format!("{scheme}://{}/v2/{}/{path}", api_host(&self.host), self.repository)
    }

    fn get(&self, path: &str, what: &str, accept: Option<&str>) -> Result<Response, ImageError> {
        let mut request = Request::get(self.url(path));
        request.headers.extend(accept.map(|accept| ("accept".to_owned(), accept.to_owned())));
        self.accepted(self.authorized(&request, what)?, what, &[200])
    }

    /// Sends with the authorization that worked last, and answers one challenge.
    fn authorized(&self, request: &Request, what: &str) -> Result<Response, ImageError> {
        let with = |authorization: Option<String>| {
            let mut request = request.clone();
            request.headers.extend(authorization.map(|value| ("authorization".to_owned(), value)));
            request
        };
        let known = self.authorization().clone();
        let response = self.send(with(known), what)?;
        if response.status != 401 {
            return Ok(response);
        }
        let challenge = response.header("www-authenticate").unwrap_or_default().to_owned();
        drop(response);
        let Some(authorization) = self.answer(&challenge, request.method, what)? else {
            return Err(ImageError::Denied { host: self.host.clone(), what: what.to_owned(), status: 401 });
        };
        *self.authorization() = Some(authorization.clone());
        self.send(with(Some(authorization)), what)
    }

    fn authorization(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.authorization.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accepted(&self, response: Response, what: &str, good: &[u16]) -> Result<Response, ImageError> {
        let (host, what) = (self.host.clone(), what.to_owned());
        match response.status {
            status if good.contains(&status) => Ok(response),
            status @ (401 | 403) => Err(ImageError::Denied { host, what, status }),
            404 => Err(ImageError::NotFound { what, why: format!("{host} does not have it") }),
            status => Err(ImageError::Answer { host, what, status }),
        }
    }

    /// Sends, again and again where the failure may pass.
    fn send(&self, request: Request, what: &str) -> Result<Response, ImageError> {
        let mut pause = self.retry.pause;
        let mut attempt = 1;
        loop {
            let last = attempt >= self.retry.attempts;
            let asked = match self.client.send(request.clone()) {
                Ok(response) if !is_busy(response.status) => return Ok(response),
                Ok(response) if last => {
                    let (host, what, status) = (self.host.clone(), what.to_owned(), response.status);
                    return Err(ImageError::Busy { host, what, status, attempts: attempt });
                }
                Ok(response) => response.header("retry-after").and_then(|text| text.trim().parse().ok()),
                Err(error) if error.passing() && !last => None,
                Err(source) => return Err(ImageError::Reach { what: what.to_owned(), source }),
            };
            let wait = asked.map_or(pause, Duration::from_secs).min(self.retry.pause_max);
            std::thread::sleep(wait);
            pause = pause.saturating_mul(2);
            attempt += 1;
        }
    }

    /// The `Authorization` header that answers a challenge, or `None` when there is nothing more to offer.
    fn answer(&self, challenge: &str, method: Method, what: &str) -> Result<Option<String>, ImageError> {
        let (scheme, parameters) = parse_challenge(challenge);
        match scheme.as_str() {
            "basic" => Ok(self.credentials.of(&self.host).map(Credential::basic)),
            "bearer" => self.token(&parameters, method, what).map(Some),
            _ => Ok(None),
        }
    }

    fn token(
        &self,
        parameters: &BTreeMap<String, String>,
        method: Method,
        what: &str,
    ) -> Result<String, ImageError> {
        let rights = if matches!(method, Method::Get | Method::Head) { "pull" } else { "pull,push" };
        let realm = parameters.get("realm").map(String::as_str).unwrap_or_default();
        let what = format!("a token for {what}");
        let scope = parameters
            .get("scope")
            .cloned()
            .unwrap_or_else(|| format!("repository:{}:{rights}", self.repository));
        let mut query = vec![("scope", scope)];
        query.extend(parameters.get("service").map(|service| ("service", service.clone())));
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let joint = if realm.contains('?') { '&' } else { '?' };
        let mut request = Request::get(format!("{realm}{joint}{}", query.join("&")));
        if let Some(credential) = self.credential_for(realm) {
            request = request.header("authorization", credential.basic());
        }
        let response = self.accepted(self.send(request, &what)?, &what, &[200])?;
        let bytes = read_capped(response.body, TOKEN_BYTES_MAX, &what)?;
        let token: Option<Token> = serde_json::from_slice(&bytes).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        token
            .map(|token| format!("Bearer {token}"))
            .ok_or_else(|| ImageError::format(what, "no token in the answer"))
    }

    /// What a token service may be shown: the registry's own credentials where it belongs to the registry, else those
    /// that the operator has entered for the service itself.
    fn credential_for(&self, realm: &str) -> Option<&Credential> {
        let host = match is_token_service_of(realm, &self.host) {
            true => self.host.as_str(),
            false => authority(realm)?,
        };
        self.credentials.of(host)
    }
}

/// Where a registry answers. Docker Hub is the one whose references name another host than the one that serves its API.
fn api_host(host: &str) -> &str {
    if matches!(host, "docker.io" | "index.docker.io") { "registry-1.docker.io" } else { host }
}

/// `http` is spoken to loopback hosts alone, as container runtimes do; the client's allow rules decide if at all.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504)
}

fn media_type_of(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether credentials for `host` may be shown to the token service at `realm`: the same host, or one with the same
/// parent domain over `https` (`auth.example.org` for `registry.example.org`, or `example.org` itself).
fn is_token_service_of(realm: &str, host: &str) -> bool {
    let (Some((scheme, _)), Some(authority)) = (realm.split_once("://"), authority(realm)) else {
        return false;
    };
    if authority.eq_ignore_ascii_case(host) {
        return true;
    }
    let domain = |authority: &str| {
        let name = authority.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let labels: Vec<&str> = name.split('.').collect();
        let own = labels.len() >= 2
            && labels.last().is_some_and(|top| top.bytes().all(|b| b.is_ascii_alphabetic()));
        own.then(|| (name.clone(), labels.get(1..).unwrap_or_default().join(".")))
    };
    let (Some((realm_name, realm_parent)), Some((host_name, host_parent))) =
        (domain(authority), domain(host))
    else {
        return false;
    };
    // A parent of one label is a top-level domain and joins strangers.
    let siblings = realm_parent == host_parent && realm_parent.contains('.');
    scheme == "https"
        && (siblings || realm_name == host_parent && host_parent.contains('.') || realm_name == host_name)
}

/// Host and port of a URL; `None` for one with a user in it, which nobody needs here.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    (!authority.contains('@')).then_some(authority)
}

/// `Bearer realm="…",service="…"` into its scheme, lower-case, and parameters.
fn parse_challenge(text: &str) -> (String, BTreeMap<String, String>) {
    let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let mut parameters = BTreeMap::new();
    let mut rest = rest.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        let name = name.trim_matches([',', ' ', '\t']).to_ascii_lowercase();
        parameters.entry(name).or_insert_with(|| value.trim().to_owned());
        rest = after.trim_start_matches([',', ' ', '\t']);
    }
    (scheme.to_ascii_lowercase(), parameters)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

pub(crate) fn read_capped(body: impl Read, bytes_max: u64, what: &str) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    body.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| ImageError::read(what, error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(ImageError::format(what, format!("it is larger than {bytes_max} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
