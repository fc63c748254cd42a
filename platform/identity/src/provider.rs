use std::io::Read as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use egress::{Client, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::begin::{self, Begun, Pending};
use crate::claims::{self, Claims, Person};
use crate::known::{self, Known, Metadata};
use crate::{IdentityError, Settings};

/// Longest answer that is read, in bytes. A token with two thousand groups has some hundred kilobytes.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// How long a provider that could not be asked is left alone: anybody may begin a sign-in, and each would wait for it.
const REST: Duration = Duration::from_secs(5);

/// An OpenID provider. Shared by all sign-ins.
#[derive(Debug)]
pub struct Provider {
    settings: Settings,
    client: Client,
    known: Mutex<Option<Known>>,
    /// When it could not be asked last; held while it is asked, so that one asks for all who wait.
    failed: Mutex<Option<Instant>>,
}

/// What a browser comes back with from the provider.
#[derive(Debug, Clone)]
pub struct Returned<'a> {
    /// What the provider gives a token for, once.
    pub code: &'a str,
    /// Which provider it says that it is, where it says so (RFC 9207).
    pub issuer: Option<&'a str>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    #[serde(default)]
    access_token: Option<String>,
}

impl Provider {
    /// Asks nothing yet: a provider that is away keeps nobody from starting.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Settings`].
    pub fn new(settings: Settings, client: Client) -> Result<Self, IdentityError> {
        settings.check()?;
        Ok(Self { settings, client, known: Mutex::new(None), failed: Mutex::new(None) })
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Unreachable`], [`IdentityError::Answer`], [`IdentityError::Random`].
    pub fn begin(&self) -> Result<Begun, IdentityError> {
        begin::begin(&self.settings, &self.known()?.metadata)
    }

    /// Who it is that came back. `pending` may be used once.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Token`] where the provider's word is not believed; [`IdentityError::Unreachable`], [`IdentityError::Answer`].
    pub fn finish(&self, pending: &Pending, returned: &Returned<'_>) -> Result<Person, IdentityError> {
        let known = self.known()?;
        let says = known.metadata.authorization_response_iss_parameter_supported;
        if returned.issuer.map_or(says, |issuer| issuer != known.metadata.issuer) {
            return Err(claims::refused("the browser comes from another provider (iss)".to_owned()));
        }
        let tokens = self.exchange(&known.metadata, pending, returned.code)?;
        let known = self.with_key(known, &tokens.id_token)?;
        let mut claims = claims::believed(&tokens.id_token, &pending.nonce, &known, &self.settings)?;
        self.complete(&mut claims, &known.metadata, tokens.access_token.as_deref())?;
        Ok(claims::person(&claims, &self.settings))
    }

    /// Gives the code away for a token.
    fn exchange(&self, metadata: &Metadata, pending: &Pending, code: &str) -> Result<Tokens, IdentityError> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.settings.redirect_uri)
            .append_pair("code_verifier", &pending.verifier);
        let methods = &metadata.token_endpoint_auth_methods_supported;
        let by_form = !methods.is_empty() && !methods.iter().any(|method| method == "client_secret_basic");
        let mut basic = None;
        match &self.settings.client_secret {
            Some(secret) if !by_form => basic = Some(basic_value(&self.settings.client_id, secret)),
            Some(secret) => {
                form.append_pair("client_id", &self.settings.client_id).append_pair("client_secret", secret);
            }
            None => {
                form.append_pair("client_id", &self.settings.client_id);
            }
        }
        let mut request = Request::post(&metadata.token_endpoint, form.finish().into_bytes())
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(value) = basic {
            request = request.header("authorization", value);
        }
        self.ask("token", request)
    }

    /// What is known of the provider, with the key that a token names. Keys change, so that they are asked for again where it is not there.
    fn with_key(&self, known: Known, token: &str) -> Result<Known, IdentityError> {
        let name = claims::key_name(token)?;
        if !known.keys(name.as_deref()).is_empty() || !known.may_ask_again() {
            return Ok(known);
        }
        self.read()
    }

    /// Adds what the provider says of the person beside the token, where the token does not tell the groups.
    fn complete(
        &self,
        claims: &mut Claims,
        metadata: &Metadata,
        access: Option<&str>,
    ) -> Result<(), IdentityError> {
        let told = |name: &String| claims.others.contains_key(name);
        let complete = told(&self.settings.groups_claim) && self.settings.name_claims.iter().any(told);
        let (Some(endpoint), Some(access), false) = (&metadata.userinfo_endpoint, access, complete) else {
            return Ok(());
        };
        let request = Request::get(endpoint).header("authorization", format!("Bearer {access}"));
        let mut said: serde_json::Map<String, Value> = self.ask("description of the person", request)?;
        if said.remove("sub").as_ref().and_then(Value::as_str) != Some(&claims.sub) {
            return Err(claims::refused("the description is of somebody else (sub)".to_owned()));
        }
        for (name, value) in said {
            claims.others.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn known(&self) -> Result<Known, IdentityError> {
        let fresh = || self.lock().clone().filter(Known::is_fresh);
        if let Some(known) = fresh() {
            return Ok(known);
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = fresh() {
            return Ok(known);
        }
        if failed.is_some_and(|at| at.elapsed() < REST) {
            return Err(IdentityError::Resting);
        }
        let read = self.read();
        *failed = read.is_err().then(Instant::now);
        read
    }

    fn read(&self) -> Result<Known, IdentityError> {
        let base = self.settings.issuer.trim_end_matches('/');
        let metadata: Metadata =
            self.ask("configuration", Request::get(format!("{base}/.well-known/openid-configuration")))?;
        if metadata.issuer.trim_end_matches('/') != base {
            let why = format!("it calls itself {:?}; that has to be the setting `issuer`", metadata.issuer);
            return Err(IdentityError::Answer { what: "configuration", why });
        }
        let set: Value = self.ask("keys", Request::get(&metadata.jwks_uri))?;
        let known = Known::new(metadata, known::keys(&set));
        *self.lock() = Some(known.clone());
        Ok(known)
    }

    fn ask<T: DeserializeOwned>(&self, what: &'static str, request: Request) -> Result<T, IdentityError> {
        let request = request.header("accept", "application/json");
        let response =
            self.client.send(request).map_err(|source| IdentityError::Unreachable { what, source })?;
        let wrong = |why: String| IdentityError::Answer { what, why };
        let status = response.status;
        let mut body = Vec::new();
        response
            .body
            .take(ANSWER_BYTES_MAX)
            .read_to_end(&mut body)
            .map_err(|error| wrong(format!("it ends early: {error}")))?;
        if status != 200 {
            return Err(wrong(format!("status {status}{}", said(&body))));
        }
        serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error's word of RFC 6749, section 5.2; nothing else of an answer, which may have secrets.
fn said(body: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let word = answer.get("error").and_then(Value::as_str).unwrap_or_default();
    let plain = word.len() <= 64 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain && !word.is_empty() { format!(", {word}") } else { String::new() }
}

/// RFC 6749, section 2.3.1: both halves are form-encoded before they are joined.
fn basic_value(id: &str, secret: &str) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}
