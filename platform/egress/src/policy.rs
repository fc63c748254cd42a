//! What may be reached, and for how long it may take.

use std::net::IpAddr;
use std::time::Duration;

use crate::address::{refuse_reason, same_prefix};
use crate::error::EgressError;
use crate::origin::Origin;

/// One exception an operator makes: this target may have a private address, use plain `http` and any port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowRule {
    /// A host name or literal address, exactly as it stands in URLs; any port unless one is given.
    Host {
        /// Lower-case, in its ASCII form, without a trailing dot or brackets.
        host: String,
        /// Only this port, when given.
        port: Option<u16>,
    },
    /// Every address of a network.
    Network {
        /// Any address of it.
        address: IpAddr,
        /// Leading bits that must agree.
        length: u8,
    },
}

impl AllowRule {
    /// Reads `host`, `host:port`, `[v6]:port`, `address/bits`.
    ///
    /// # Errors
    /// [`EgressError::Rule`] when it is none of these.
    pub fn parse(text: &str) -> Result<Self, EgressError> {
        let refused = || EgressError::Rule { rule: text.chars().take(200).collect() };
        if let Some((network, bits)) = text.split_once('/') {
            let address: IpAddr = network.parse().map_err(|_| refused())?;
            let length: u8 = bits.parse().map_err(|_| refused())?;
            let widest = if address.is_ipv4() { 32 } else { 128 };
            return if length <= widest { Ok(Self::Network { address, length }) } else { Err(refused()) };
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Host { host: address.to_string(), port: None });
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, digits)) => (name, Some(digits.parse().map_err(|_| refused())?)),
            None => (text, None),
        };
        let host = url::Host::parse(name).map_err(|_| refused())?;
        Ok(Self::Host { host: plain_host(&host), port })
    }

    fn covers(&self, target: &Target<'_>, address: IpAddr) -> bool {
        match self {
            Self::Host { host, port } => host == target.host && port.is_none_or(|p| p == target.port),
            Self::Network { address: network, length } => same_prefix(address, *network, *length),
        }
    }
}

/// A host as rules and comparisons write it: lower-case, no brackets, no trailing dot.
pub(crate) fn plain_host(host: &url::Host<impl AsRef<str>>) -> String {
    match host {
        url::Host::Domain(name) => {
            let name = name.as_ref();
            name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
        }
        url::Host::Ipv4(v4) => v4.to_string(),
        url::Host::Ipv6(v6) => v6.to_string(),
    }
}

/// What one hop is about to connect to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) https: bool,
}

/// Why a client that is for one place goes nowhere else.
const ANOTHER: &str = "it is not the one place that this client is for";

/// What may be reached, and how long it may take. The default allows the public internet over `https` alone.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Exceptions, each named by the operator.
    pub allow: Vec<AllowRule>,
    /// The one place that may be reached, whatever its address and scheme, because the operator named it. Everything else is refused
    /// then, what `allow` names too. Default none: no such place, and the other rules count.
    pub only: Option<Origin>,
    /// Resolve, connect and TLS handshake together. Default 10 s.
    pub connect_timeout: Duration,
    /// The longest silence: between two reads, and before the response begins. Default 30 s.
    pub read_timeout: Duration,
    /// The whole exchange of one hop with its body. Default 30 minutes: a large layer over a slow line.
    pub total_timeout: Duration,
    /// Redirects followed before giving up. Default 5: registries need one or two.
    pub max_redirects: u32,
    /// Certificate authorities to trust besides the system's, each a PEM file's content.
    pub extra_roots: Vec<Vec<u8>>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            only: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(30 * 60),
            max_redirects: 5,
            extra_roots: Vec::new(),
        }
    }
}

impl Policy {
    /// Why no address at all could make this target reachable, or `None` when one could.
    pub(crate) fn refuses_unseen(&self, target: &Target<'_>) -> Option<&'static str> {
        if let Some(only) = &self.only {
            return (!only.is(target)).then_some(ANOTHER);
        }
        let named = |rule: &AllowRule| match rule {
            AllowRule::Host { host, port } => host == target.host && port.is_none_or(|p| p == target.port),
            AllowRule::Network { .. } => true,
        };
        // `localhost` is this machine by definition (RFC 6761), whether or not the resolver says so.
        let local = target.host == "localhost" || target.host.ends_with(".localhost");
        let may = (target.https && !local) || self.allow.iter().any(named);
        (!may).then_some("plain http or a local name, and no allow rule names the target")
    }

    /// Why a connection to this address is refused, or `None` when it may be made.
    pub(crate) fn refuses(&self, target: &Target<'_>, address: IpAddr) -> Option<String> {
        if let Some(only) = &self.only {
            return (!only.is(target)).then(|| ANOTHER.to_owned());
        }
        if self.allow.iter().any(|rule| rule.covers(target, address)) {
            return None;
        }
        if !target.https {
            return Some("plain http, and no allow rule names the target".to_owned());
        }
        // Below 1024 only the port of https: a TLS hello is no way to talk to mail or shell servers on others' behalf.
        if target.port != 443 && target.port < 1024 {
            return Some(format!("port {} is reserved for other services", target.port));
        }
        refuse_reason(address).map(|reason| format!("{address} is {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str, port: u16, https: bool) -> Target<'_> {
        Target { host, port, https }
    }

    #[test]
    fn rules_are_read_exactly() {
        let host = |host: &str, port| AllowRule::Host { host: host.to_owned(), port };
        assert_eq!(AllowRule::parse("Registry.Local:5000").unwrap(), host("registry.local", Some(5000)));
        assert_eq!(AllowRule::parse("registry.local.").unwrap(), host("registry.local", None));
        assert_eq!(AllowRule::parse("127.0.0.1:5000").unwrap(), host("127.0.0.1", Some(5000)));
        assert_eq!(AllowRule::parse("[::1]:5000").unwrap(), host("::1", Some(5000)));
        assert_eq!(AllowRule::parse("::1").unwrap(), host("::1", None));
        assert!(matches!(AllowRule::parse("10.0.0.0/8").unwrap(), AllowRule::Network { length: 8, .. }));
        for bad in ["", "10.0.0.0/33", "::/129", "host:99999", "host:", "a b", "10.0.0/8", "x/y"] {
            assert!(AllowRule::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_exception_covers_only_what_it_names() {
        let policy = Policy {
            allow: ["registry.local:5000", "10.1.0.0/16"].map(|rule| AllowRule::parse(rule).unwrap()).into(),
            ..Policy::default()
        };
        let private = "192.168.0.9".parse().unwrap();
        assert!(policy.refuses(&target("registry.local", 5000, false), private).is_none());
        assert!(policy.refuses(&target("registry.local", 5001, true), private).is_some());
        assert!(policy.refuses(&target("other.local", 5000, true), private).is_some());
        assert!(policy.refuses(&target("other.local", 80, false), "10.1.2.3".parse().unwrap()).is_none());
        assert!(policy.refuses(&target("other.local", 443, true), "10.2.0.1".parse().unwrap()).is_some());
        assert!(policy.refuses(&target("x", 443, true), "::ffff:10.1.2.3".parse().unwrap()).is_some());
    }

    #[test]
    fn the_one_place_of_a_client_is_one_scheme_host_and_port_at_any_address() {
        let allow = ["127.0.0.1", "10.0.0.0/8"].map(|rule| AllowRule::parse(rule).unwrap()).into();
        let only = Some(Origin::parse("http://127.0.0.1:4566").unwrap());
        let policy = Policy { allow, only, ..Policy::default() };
        let local = "127.0.0.1".parse().unwrap();
        let own = target("127.0.0.1", 4566, false);
        assert!(policy.refuses_unseen(&own).is_none() && policy.refuses(&own, local).is_none());
        for other in [
            target("127.0.0.1", 4567, false),
            target("127.0.0.1", 4566, true),
            target("127.0.0.2", 4566, false),
            target("localhost", 4566, false),
            target("10.0.0.1", 443, true),
            target("example.org", 443, true),
        ] {
            assert!(policy.refuses_unseen(&other).is_some(), "{other:?}");
            assert!(policy.refuses(&other, local).is_some(), "{other:?}");
            assert!(policy.refuses(&other, "1.1.1.1".parse().unwrap()).is_some(), "{other:?}");
        }
    }

    #[test]
    fn the_public_internet_needs_https_and_a_sane_port() {
        let policy = Policy::default();
        let public = "1.1.1.1".parse().unwrap();
        assert!(policy.refuses(&target("x", 443, true), public).is_none());
        assert!(policy.refuses(&target("x", 5000, true), public).is_none());
        assert!(policy.refuses(&target("x", 80, false), public).is_some());
        assert!(policy.refuses(&target("x", 22, true), public).is_some());
    }
}
