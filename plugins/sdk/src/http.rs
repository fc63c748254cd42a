//! Requests to granted hosts; needs the capability `http`.
//!
//! Credentials never pass through the plugin: it names a secret that the operator granted, and the platform puts it in, for
//! the hosts that the operator allowed it to go to. Redirects are not followed.
//!
//! ```
//! use palisade_sdk::http::Request;
//! use palisade_sdk::testing::{Fakes, Reply};
//!
//! let url = "https://api.example.com/v1/things?page=2";
//! let fakes = Fakes::new().http("GET", url, Reply::json(&serde_json::json!([1, 2]))).install();
//!
//! let things: Vec<u32> =
//!     Request::get("https://api.example.com/v1/things").query("page", "2").secret("token").send()?.ok()?.json()?;
//! assert_eq!(things, [1, 2]);
//! assert_eq!(fakes.requests()[0].secret.as_deref(), Some("token"));
//! # Ok::<(), palisade_sdk::Error>(())
//! ```

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, HostError, host};

/// A request in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Absolute https URL.
    pub url: String,
    /// Header names and values. Those that carry credentials or frame the message are the platform's.
    pub headers: Vec<(String, String)>,
    /// Body; empty for none.
    pub body: Vec<u8>,
    /// Name of the secret to authenticate with.
    pub secret: Option<String>,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new(), secret: None }
    }

    /// Asks for something.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Hands something over.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Puts something in a place.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new("PUT", url)
    }

    /// Changes something.
    pub fn patch(url: impl Into<String>) -> Self {
        Self::new("PATCH", url)
    }

    /// Removes something.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// One more parameter in the URL's query, percent-encoded.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.push(if self.url.contains('?') { '&' } else { '?' });
        encode(&mut self.url, name);
        self.url.push('=');
        encode(&mut self.url, value);
        self
    }

    /// One more header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The body as it is.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = bytes.into();
        self
    }

    /// The body as JSON, with the header that says so.
    ///
    /// # Errors
    /// [`Error::Other`] for a value that JSON cannot express.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(value)
            .map_err(|error| Error::Other(format!("the body cannot be written as JSON: {error}")))?;
        Ok(self.header("content-type", "application/json").body(bytes))
    }

    /// Name of the secret to authenticate with, one of the manifest's `[capabilities.secret] names`.
    pub fn secret(mut self, name: impl Into<String>) -> Self {
        self.secret = Some(name.into());
        self
    }

    /// Sends it and waits for the answer.
    ///
    /// # Errors
    /// [`HostError::Denied`] for a host, method, path or secret that is not granted, [`HostError::Invalid`] for a URL or header
    /// that may not be sent, [`HostError::Limit`] where the call has sent enough, [`HostError::Unavailable`] where nobody
    /// answers. A status that tells of an error is an answer: see [`Response::ok`].
    pub fn send(self) -> Result<Response, HostError> {
        host::http_send(self)
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
fn encode(out: &mut String, text: &str) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or_default();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header names and values; cookies are left out.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The answer, if its status is one of success.
    ///
    /// # Errors
    /// [`Error::RetryAfter`] for 429 and 503 (after the `retry-after` seconds of the answer, or a minute), and [`Error::Host`]
    /// with the status for any other.
    pub fn ok(self) -> Result<Self, Error> {
        match self.status {
            200..=299 => Ok(self),
            429 | 503 => {
                let seconds = self.header("retry-after").and_then(|value| value.trim().parse().ok());
                Err(Error::retry_after(Duration::from_secs(seconds.unwrap_or(60))))
            }
            status => Err(Error::Host(format!("http: the answer has status {status}"))),
        }
    }

    /// The body as a type of the plugin's own, from JSON.
    ///
    /// # Errors
    /// [`Error::Host`] for a body that is not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let value = serde_json::from_slice(&self.body);
        value.map_err(|error| Error::Host(format!("http: the answer's body is not as expected: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::{Request, Response};
    use crate::Error;

    fn answer(status: u16, headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Response { status, headers, body: b"[]".to_vec() }
    }

    #[test]
    fn a_query_cannot_break_out_of_its_parameter() {
        let request = Request::get("https://a.example/?a=1").query("q&", "x y#é/..");
        assert_eq!(request.url, "https://a.example/?a=1&q%26=x%20y%23%C3%A9%2F..");
    }

    #[test]
    fn a_status_decides_whether_and_when_to_try_again() {
        assert!(answer(204, &[]).ok().is_ok());
        assert_eq!(answer(429, &[("Retry-After", " 7 ")]).ok(), Err(Error::RetryAfter(7_000)));
        assert_eq!(answer(503, &[("retry-after", "soon")]).ok(), Err(Error::RetryAfter(60_000)));
        assert_eq!(
            answer(302, &[("location", "https://b.example/")]).ok(),
            Err(Error::Host("http: the answer has status 302".into()))
        );
    }

    #[test]
    fn a_body_of_another_type_is_an_error_and_no_panic() {
        assert_eq!(answer(200, &[]).json::<Vec<u8>>(), Ok(Vec::new()));
        assert!(answer(200, &[]).json::<u8>().is_err());
    }
}
