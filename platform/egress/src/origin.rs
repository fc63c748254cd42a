//! One place to go: scheme, host and port.

use url::Url;

use crate::client::parse_url;
use crate::error::EgressError;
use crate::policy::{Target, plain_host};

/// Scheme, host and port of a server (RFC 6454, section 4), as a rule for where requests may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    https: bool,
    /// Lower-case, in its ASCII form, without a trailing dot or brackets.
    host: String,
    port: u16,
}

impl Origin {
    /// Reads a URL that is an origin and nothing more: `https://vpce-1.example`, `http://127.0.0.1:4566`. A slash at the end is taken.
    ///
    /// # Errors
    /// [`EgressError::Url`] for what is no URL of `https` or `http`, or has a path, a query or a user.
    pub fn parse(text: &str) -> Result<Self, EgressError> {
        let refused = |why| EgressError::Url { url: text.chars().take(200).collect(), why };
        let url: Url = parse_url(text)?;
        if url.path() != "/" || url.query().is_some() || text.contains('#') {
            return Err(refused("it has more than scheme, host and port"));
        }
        let host = url.host().ok_or_else(|| refused("it names no host"))?;
        let port = url.port_or_known_default().ok_or_else(|| refused("it names no port"))?;
        Ok(Self { https: url.scheme() == "https", host: plain_host(&host), port })
    }

    /// Whether this is where a hop is about to go.
    pub(crate) fn is(&self, target: &Target<'_>) -> bool {
        self.https == target.https && self.host == target.host && self.port == target.port
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_urls_are() {
        for (text, shown) in [
            ("https://Example.org", "https://example.org:443"),
            ("https://example.org./", "https://example.org:443"),
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("http://0x7f.1:4566/", "http://127.0.0.1:4566"),
            ("http://localhost", "http://localhost:80"),
            ("http://[::1]:4566", "http://[::1]:4566"),
        ] {
            let origin = Origin::parse(text).unwrap();
            assert_eq!(origin.to_string(), shown, "{text}");
            assert_eq!(Origin::parse(shown).unwrap(), origin, "{text}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        for text in [
            "",
            "example.org",
            "127.0.0.1:4566",
            "ftp://example.org",
            "https://",
            "https://user@example.org",
            "https://example.org/path",
            "https://example.org/?query",
            "https://example.org/#part",
            "https://example.org:70000",
            "https://exa mple.org",
        ] {
            let error = Origin::parse(text).unwrap_err();
            assert_eq!(error.code(), "egress-url-invalid", "{text}");
        }
    }
}
