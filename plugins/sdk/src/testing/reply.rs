//! Answers of a web server that is not there.

use serde::Serialize;

use crate::HostError;
use crate::http::Response;

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply(pub(super) Result<Response, HostError>);

impl Reply {
    /// A status and nothing else.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self(Ok(Response { status, headers: Vec::new(), body: Vec::new() }))
    }

    /// Status 200 and a JSON body.
    ///
    /// # Panics
    /// For a value that JSON cannot express.
    #[must_use]
    #[expect(clippy::panic, reason = "a test that says something impossible must fail")]
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Self {
        let bytes = serde_json::to_vec(value).unwrap_or_else(|error| panic!("not JSON: {error}"));
        Self::status(200).header("content-type", "application/json").body(bytes)
    }

    /// A failure of the platform to send it.
    #[must_use]
    pub fn failure(error: HostError) -> Self {
        Self(Err(error))
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Ok(response) = &mut self.0 {
            response.headers.push((name.into(), value.into()));
        }
        self
    }

    /// The body.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        if let Ok(response) = &mut self.0 {
            response.body = bytes.into();
        }
        self
    }
}
