//! What a provider says of itself, kept for a while.

use std::time::{Duration, Instant};

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::Value;

/// How long what was read counts. Providers change keys within days.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// Keys are not asked for more often than this, whoever sends tokens with names of keys that there are not.
const AGAIN: Duration = Duration::from_secs(30);

/// Its configuration (OpenID Connect Discovery 1.0, section 3), as far as it is used.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) jwks_uri: String,
    #[serde(default)]
    pub(crate) userinfo_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

/// Configuration and keys, and since when they are known.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) metadata: Metadata,
    pub(crate) keys: Vec<Jwk>,
    at: Instant,
}

impl Known {
    pub(crate) fn new(metadata: Metadata, keys: Vec<Jwk>) -> Self {
        Self { metadata, keys, at: Instant::now() }
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH
    }

    /// Whether it may be asked again because a key is not there.
    pub(crate) fn may_ask_again(&self) -> bool {
        self.at.elapsed() >= AGAIN
    }

    /// Keys that may have made a signature: those of this name, or all that are for signatures where a token names none.
    pub(crate) fn keys(&self, name: Option<&str>) -> Vec<&Jwk> {
        use jsonwebtoken::jwk::PublicKeyUse;
        let signs = |key: &&Jwk| !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
        let named = |key: &&Jwk| name.is_none_or(|name| key.common.key_id.as_deref() == Some(name));
        self.keys.iter().filter(signs).filter(named).collect()
    }
}

/// The keys of a set that can be read. Sets hold keys of kinds that are for other uses, and of kinds to come.
pub(crate) fn keys(set: &Value) -> Vec<Jwk> {
    let keys = set.get("keys").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(|key| Jwk::deserialize(key).ok()).collect()
}
