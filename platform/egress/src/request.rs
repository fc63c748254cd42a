//! What goes out and what comes back, without a trace of the library underneath.

use std::io::Read;

use url::Url;

use crate::client::is_odd;

/// How a request asks. Only what the product needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Read the headers alone.
    Head,
    /// Hand something over. Its redirects are never followed: the body was meant for the first target.
    Post,
    /// Put something at the very place that the URL names. Its redirects are never followed either.
    Put,
    /// Change a part of what the URL names. Its redirects are never followed either.
    Patch,
    /// Remove what the URL names. Its redirects are never followed either.
    Delete,
}

impl Method {
    /// Whether it may change something, so that it was meant for its first target alone.
    pub(crate) fn changes(self) -> bool {
        !matches!(self, Self::Get | Self::Head)
    }

    /// Whether a body goes with it.
    pub(crate) fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

/// What to do with a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// Each hop is checked like the first; credentials stay behind when the origin changes.
    Follow,
    /// Give the redirect itself to the caller.
    Return,
}

/// One request.
#[derive(Clone)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where: an absolute `https` URL (`http` where an allow rule permits it), without user or password.
    pub url: String,
    /// Names and values, sent in this order.
    pub headers: Vec<(String, String)>,
    /// Sent with a POST or PUT, ignored otherwise.
    pub body: Vec<u8>,
    /// What to do with a redirect.
    pub follow: Redirects,
}

/// Header values stay out of logs, as some are credentials.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// A GET that follows redirects.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            follow: Redirects::Follow,
        }
    }

    /// A POST of a body.
    pub fn post(url: impl Into<String>, body: Vec<u8>) -> Self {
        Self { method: Method::Post, body, follow: Redirects::Return, ..Self::get(url) }
    }

    /// A PUT of a body.
    pub fn put(url: impl Into<String>, body: Vec<u8>) -> Self {
        Self { method: Method::Put, body, follow: Redirects::Return, ..Self::get(url) }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// What came back. Any status is a response; only the absence of one is an error.
pub struct Response {
    /// HTTP status code.
    pub status: u16,
    /// Names in lower case, and values; values that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// Where it came from after redirects.
    pub url: Url,
    /// The content as it arrives: nothing is decompressed, and a body shorter than announced ends in an error. How
    /// much of it to read is the caller's decision.
    pub body: Box<dyn Read + Send>,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

impl Response {
    /// First value of a header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where the `Location` header points, seen from where the response came from. `None` when there is none, or when
    /// it is no URL, or one that parsers read in different ways.
    #[must_use]
    pub fn location(&self) -> Option<Url> {
        // Joined, the text would have lost what makes it odd.
        let location = self.header("location").filter(|text| !is_odd(text))?;
        self.url.join(location).ok()
    }
}
