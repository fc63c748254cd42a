//! Where a guest's request goes, read once: what the rights are compared with is what is sent.

use url::Url;

use crate::rights::METHODS;
use crate::services::{HttpRequest, Refusal};

const URL_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Headers that carry credentials, frame the message or speak for a proxy: the platform's business.
const OWN_HEADERS: [&str; 16] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
];

/// A request, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The URL as it is sent.
    pub(crate) url: String,
    /// Host name as rules write it: the port only where it is not 443.
    pub(crate) host: String,
    pub(crate) method: String,
    pub(crate) path: String,
}

impl Target {
    /// For people; without the query, which may hold anything.
    pub(crate) fn shown(&self) -> String {
        crate::error::shown(&format!("{} {}{}", self.method, self.host, self.path))
    }
}

/// Takes a request apart, or says why it cannot be one.
pub(crate) fn read(request: &HttpRequest) -> Result<Target, Refusal> {
    let invalid = |problem: &str| Err(Refusal::Invalid(format!("http: {problem}")));
    if !METHODS.contains(&request.method.as_str()) {
        return invalid("the method is none of GET, HEAD, POST, PUT, PATCH and DELETE");
    }
    check_headers(&request.headers)?;
    let text = &request.url;
    if text.len() > URL_BYTES_MAX || text.chars().any(|c| c.is_control() || matches!(c, ' ' | '\\')) {
        return invalid("the URL is too long, or has spaces, backslashes or control characters");
    }
    let Ok(mut url) = Url::parse(text) else { return invalid("the URL cannot be parsed") };
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') && has_user_info(text) {
        return invalid("the URL carries a user or a password; credentials are put in by the platform");
    }
    let port = match (url.scheme(), url.port()) {
        ("https", None) => String::new(),
        ("https" | "http", Some(port)) => format!(":{port}"),
        ("http", None) => ":80".to_owned(),
        _ => return invalid("the URL's scheme is neither https nor http"),
    };
    let Some(url::Host::Domain(name)) = url.host() else {
        // An address in a URL can be written in many ways; a rule that names it in one of them must be meant.
        return match url.host() {
            Some(url::Host::Ipv4(address)) => Ok(target(&mut url, &format!("{address}{port}"), request)?),
            _ => invalid("the URL names no host, or an address in brackets"),
        };
    };
    let host = format!("{}{port}", name.trim_end_matches('.').to_ascii_lowercase());
    target(&mut url, &host, request)
}

fn target(url: &mut Url, host: &str, request: &HttpRequest) -> Result<Target, Refusal> {
    url.set_fragment(None);
    let path = url.path().to_owned();
    let lower = path.to_ascii_lowercase();
    // Servers differ in whether they take these for what they stand for, so a rule could be read in two ways.
    if ["%2f", "%5c", "%2e", "%00", "%25"].iter().any(|code| lower.contains(code)) || path.contains("//") {
        return Err(Refusal::Invalid(
            "http: the URL's path has encoded dots, slashes, backslashes or percent signs, or empty segments"
                .to_owned(),
        ));
    }
    Ok(Target { url: url.to_string(), host: host.to_owned(), method: request.method.clone(), path })
}

/// The host of a URL that the gate has let through, as rights write it.
#[must_use]
pub fn host_of(url: &str) -> Option<String> {
    let request = HttpRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        secret: None,
    };
    read(&request).ok().map(|target| target.host)
}

/// Whether the authority has an `@`, empty names included, which parsers drop silently.
fn has_user_info(text: &str) -> bool {
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    authority.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

fn check_headers(headers: &[(String, String)]) -> Result<(), Refusal> {
    let invalid = |problem: String| Err(Refusal::Invalid(format!("http: {problem}")));
    if headers.len() > HEADERS_MAX {
        return invalid(format!("more than {HEADERS_MAX} headers"));
    }
    for (name, value) in headers {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) || name.len() + value.len() > HEADER_BYTES_MAX {
            return invalid(format!("the header {:?} cannot be sent", crate::error::shown(name)));
        }
        if value.bytes().any(|b| (b < 0x20 && b != b'\t') || b >= 0x7f) {
            return invalid(format!("the value of the header {} has characters that none may have", name));
        }
        if OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            return invalid(format!("the header {name} is the platform's; name a secret to authenticate"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::services::{HttpRequest, Refusal};

    fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> HttpRequest {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        HttpRequest {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: headers.iter().map(owned).collect(),
            body: Vec::new(),
            secret: None,
        }
    }

    #[test]
    fn a_target_is_read_as_it_is_sent() {
        for (url, host, path, sent) in [
            ("https://A.Example/x?q=1#f", "a.example", "/x", "https://a.example/x?q=1"),
            ("https://a.example:443/x", "a.example", "/x", "https://a.example/x"),
            ("https://a.example:8443", "a.example:8443", "/", "https://a.example:8443/"),
            ("http://a.example/x", "a.example:80", "/x", "http://a.example/x"),
            ("https://a.example./x", "a.example", "/x", "https://a.example./x"),
            ("https://a.example/a/../b", "a.example", "/b", "https://a.example/b"),
            ("https://a.example/a/%2E%2e/b", "a.example", "/b", "https://a.example/b"),
            ("https://0x7f.1/", "127.0.0.1", "/", "https://127.0.0.1/"),
            ("https://b\u{fc}cher.example/", "xn--bcher-kva.example", "/", "https://xn--bcher-kva.example/"),
        ] {
            let target = read(&request("GET", url, &[])).unwrap_or_else(|error| panic!("{url}: {error:?}"));
            assert_eq!((target.host.as_str(), target.path.as_str(), target.url.as_str()), (host, path, sent));
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for url in [
            "ftp://a.example/",
            "https://",
            "a.example/x",
            "https://u@a.example/",
            "https://u:p@a.example/",
            "https://@a.example/",
            "https://:@a.example/",
            "https://a.example\\@b.example/",
            "https://a.example/ x",
            "https://a.example/\tx",
            "https://a.example/x%2fy",
            "https://a.example/x%5Cy",
            "https://a.example/.%2e%2f/y",
            "https://a.example//x",
            "https://a.example/%252e",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://a.example/%00",
            "file:///etc/passwd",
            "data:,x",
            "javascript:0",
        ] {
            let answer = read(&request("GET", url, &[]));
            assert!(matches!(answer, Err(Refusal::Invalid(_))), "{url}: {answer:?}");
        }
        assert!(matches!(read(&request("CONNECT", "https://a.example/", &[])), Err(Refusal::Invalid(_))));
        assert!(matches!(read(&request("get", "https://a.example/", &[])), Err(Refusal::Invalid(_))));
    }

    #[test]
    fn headers_that_carry_credentials_or_frame_the_message_are_the_platforms() {
        for header in [
            ("Authorization", "Bearer x"),
            ("cookie", "a=b"),
            ("Host", "b.example"),
            ("Content-Length", "0"),
            ("transfer-encoding", "chunked"),
            ("x", "a\r\nHost: b"),
            ("a b", "c"),
            ("", "c"),
            ("x", "\u{e9}"),
            ("Proxy-Authorization", "x"),
            ("X-Forwarded-For", "10.0.0.1"),
        ] {
            let answer = read(&request("GET", "https://a.example/", &[header]));
            assert!(matches!(answer, Err(Refusal::Invalid(_))), "{header:?}: {answer:?}");
        }
        assert!(read(&request("GET", "https://a.example/", &[("Accept", "a\tb")])).is_ok());
    }
}
