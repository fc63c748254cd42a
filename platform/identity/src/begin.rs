use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::IdentityError;
use crate::known::Metadata;
use crate::settings::Settings;

/// Bytes of randomness in each value that nobody may guess.
const RANDOM_BYTES: usize = 32;

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser is to go.
    pub url: String,
    /// What has to be remembered until it comes back.
    pub pending: Pending,
}

/// What is remembered while somebody is at the provider. Whoever knows all of it could take the sign-in over.
#[derive(Clone)]
pub struct Pending {
    /// Binds the way back to the way out; in the address.
    pub state: String,
    /// Binds the provider's token to this sign-in.
    pub(crate) nonce: String,
    /// Binds the code to us (RFC 7636).
    pub(crate) verifier: String,
}

/// Secrets stay out of logs.
impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

impl Pending {
    fn new() -> Result<Self, IdentityError> {
        Ok(Self { state: random()?, nonce: random()?, verifier: random()? })
    }

    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

/// The address of the provider's page, with what it needs to send the browser back.
pub(crate) fn begin(settings: &Settings, metadata: &Metadata) -> Result<Begun, IdentityError> {
    let pending = Pending::new()?;
    let mut url = Url::parse(&metadata.authorization_endpoint).map_err(|error| IdentityError::Answer {
        what: "configuration",
        why: format!("authorization_endpoint: {error}"),
    })?;
    let mut scope = "openid".to_owned();
    for one in settings.scopes.iter().filter(|one| *one != "openid") {
        scope.push(' ');
        scope.push_str(one);
    }
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &settings.client_id)
        .append_pair("redirect_uri", &settings.redirect_uri)
        .append_pair("scope", &scope)
        .append_pair("state", &pending.state)
        .append_pair("nonce", &pending.nonce)
        .append_pair("code_challenge", &pending.challenge())
        .append_pair("code_challenge_method", "S256");
    Ok(Begun { url: url.into(), pending })
}

fn random() -> Result<String, IdentityError> {
    let mut bytes = [0_u8; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(IdentityError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
