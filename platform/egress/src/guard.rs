//! The gate: a resolver that hands on only addresses the policy permits.
//!
//! `ureq` connects to the addresses its resolver returns and asks no one else, so checking here closes the gap between
//! check and use that DNS rebinding needs. One refused address refuses the whole name: a name that points both
//! outside and inside is either an attack or belongs into the allow rules.

use std::net::IpAddr;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::policy::{Policy, Target, plain_host};

/// Carries the refusal through `ureq`'s error type.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Refusal {
    pub(crate) reason: String,
}

impl Refusal {
    fn error(reason: impl Into<String>) -> ureq::Error {
        ureq::Error::Other(Box::new(Self { reason: reason.into() }))
    }
}

/// Checks what `inner` resolves.
#[derive(Debug)]
pub(crate) struct Guard<R = DefaultResolver> {
    pub(crate) policy: Policy,
    pub(crate) inner: R,
}

impl<R: Resolver> Resolver for Guard<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Refusal::error("neither https nor http")),
        };
        let host = url::Host::parse(uri.host().unwrap_or_default())
            .map_err(|_| Refusal::error("the host is not a name or address"))?;
        let host = plain_host(&host);
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let target = Target { host: &host, port, https };
        // What no rule could admit is refused before it is looked up: a lookup is a message to a name server too.
        if let Some(reason) = self.policy.refuses_unseen(&target) {
            return Err(Refusal::error(reason));
        }
        let addresses = self.inner.resolve(uri, config, timeout)?;
        for address in &addresses {
            if let Some(reason) = self.policy.refuses(&target, address.ip()) {
                return Err(Refusal::error(reason));
            }
        }
        // A literal in the URL and the address to connect to must be the same thing read twice.
        if let Ok(literal) = host.parse::<IpAddr>()
            && addresses.iter().any(|address| address.ip() != literal)
        {
            return Err(Refusal::error("the address in the URL is read in two ways"));
        }
        Ok(addresses)
    }
}
