//! A request to the server this program has just started on the loopback address: one connection, HTTP/1.0, no redirects, no TLS.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The API of a running server.
pub(crate) struct Api {
    address: String,
    token: String,
}

impl Api {
    /// `url` is `http://address:port`.
    pub(crate) fn new(url: &str, token: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").context("not an http address")?.trim_end_matches('/');
        Ok(Self { address: address.to_owned(), token: token.to_owned() })
    }

    /// `GET path`, as JSON.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        self.send("GET", path, "")
    }

    /// `POST path` with a JSON body, as JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send("POST", path, &body.to_string())
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let what = || format!("cannot {method} {path} at {}", self.address);
        let mut stream = TcpStream::connect(&self.address).with_context(what)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            self.address,
            self.token,
            body.len()
        );
        stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes()))
            .with_context(what)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).with_context(what)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").with_context(what)?;
        let status: u16 = head.split(' ').nth(1).and_then(|code| code.parse().ok()).with_context(what)?;
        if !(200..300).contains(&status) {
            bail!("{method} {path} answered {status}: {body}");
        }
        serde_json::from_str(body).with_context(what)
    }
}
