//! The canonical form of a request: what both sides hash.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use url::Url;

use crate::{Request, Scope, SignError};

pub(crate) struct Canonical {
    /// The whole form.
    pub(crate) text: String,
    /// Names of the signed headers, joined by `;`.
    pub(crate) names: String,
}

impl Canonical {
    pub(crate) fn of(
        request: &Request<'_>,
        added: &[(String, String)],
        scope: &Scope,
        content: &str,
    ) -> Result<Self, SignError> {
        let url = Url::parse(request.url).map_err(|_| SignError::Url)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SignError::Url)?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let headers = headers(request, added, host);
        let names = headers.keys().map(String::as_str).collect::<Vec<_>>().join(";");
        let mut text = format!("{}\n{}\n{}\n", request.method, path(&url, scope), query(&url));
        for (name, value) in &headers {
            let _ = writeln!(text, "{name}:{value}");
        }
        let _ = write!(text, "\n{names}\n{content}");
        Ok(Self { text, names })
    }
}

/// The signed headers, sorted; values of one name joined by commas.
fn headers(request: &Request<'_>, added: &[(String, String)], host: String) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::from([("host".to_owned(), host)]);
    let own = request
        .headers
        .iter()
        .filter(|(name, _)| !added.iter().any(|(other, _)| name.eq_ignore_ascii_case(other)));
    for (name, value) in own.chain(added) {
        let name = name.to_ascii_lowercase();
        if name != "content-type" && !name.starts_with("x-amz-") {
            continue;
        }
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        headers
            .entry(name)
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert(value);
    }
    headers
}

/// The path as S3 reads it, and encoded once more for all others.
fn path(url: &Url, scope: &Scope) -> String {
    let path = if url.path().is_empty() { "/" } else { url.path() };
    if scope.is_storage() {
        return path.to_owned();
    }
    path.split('/').map(|segment| encoded(segment.as_bytes())).collect::<Vec<_>>().join("/")
}

/// Parameters, sorted by their encoded names and values.
fn query(url: &Url) -> String {
    let mut pairs: Vec<(String, String)> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encoded(&decoded(name)), encoded(&decoded(value)))
        })
        .collect();
    pairs.sort();
    let joined = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    joined.collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
fn encoded(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(*byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    out
}
