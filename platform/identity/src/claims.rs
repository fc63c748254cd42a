//! Whom a token is about, once it is believed (OpenID Connect Core 1.0, section 3.1.3.7).

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::IdentityError;
use crate::known::Known;
use crate::settings::Settings;

/// Signatures that are believed: those with a key that the provider alone has.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Longest name of a person, in characters.
const NAME_MAX: usize = 200;
/// Groups that are read; more would be a mistake of the provider's.
const GROUPS_MAX: usize = 2_000;

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who it is at this provider, for ever.
    pub subject: String,
    /// What people call them.
    pub name: String,
    /// Their groups there.
    pub groups: Vec<String>,
}

/// What a token claims.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    pub(crate) sub: String,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    aud: Value,
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
}

/// The name of the key that a token says it is signed with.
pub(crate) fn key_name(token: &str) -> Result<Option<String>, IdentityError> {
    let header = jsonwebtoken::decode_header(token).map_err(|error| refused(error.to_string()))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(refused(format!(
            "it is signed by {:?}, with which anybody could have signed it",
            header.alg
        )));
    }
    Ok(header.kid)
}

/// The claims of a token that one of the provider's keys has signed, for us, now, for this sign-in.
pub(crate) fn believed(
    token: &str,
    nonce: &str,
    known: &Known,
    settings: &Settings,
) -> Result<Claims, IdentityError> {
    let name = key_name(token)?;
    let mut last = refused("the provider has no key of its name".to_owned());
    for key in known.keys(name.as_deref()) {
        match DecodingKey::from_jwk(key).and_then(|key| {
            jsonwebtoken::decode::<Claims>(
                token,
                &key,
                &validation(key.family().algorithms(), known, settings),
            )
        }) {
            Ok(token) => return for_us(token.claims, nonce, settings),
            Err(error) => last = refused(error.to_string()),
        }
    }
    Err(last)
}

fn validation(family: &[Algorithm], known: &Known, settings: &Settings) -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    // A key is asked only about signatures of its own kind, so that a public key is never taken for a shared secret.
    validation.algorithms = family.iter().copied().filter(|one| ALGORITHMS.contains(one)).collect();
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[&known.metadata.issuer]);
    validation.set_audience(&[&settings.client_id]);
    validation
}

fn for_us(claims: Claims, nonce: &str, settings: &Settings) -> Result<Claims, IdentityError> {
    if claims.nonce.as_deref() != Some(nonce) {
        return Err(refused("it is about another sign-in (nonce)".to_owned()));
    }
    let many = claims.aud.as_array().is_some_and(|all| all.len() > 1);
    let foreign = claims.azp.as_ref().is_some_and(|party| *party != settings.client_id);
    if foreign || (many && claims.azp.is_none()) {
        return Err(refused("it is for several parties, and not for us (azp)".to_owned()));
    }
    if claims.sub.is_empty() {
        return Err(refused("it is about nobody (sub)".to_owned()));
    }
    Ok(claims)
}

/// The person of claims: those of the token, completed by what the provider says elsewhere.
pub(crate) fn person(claims: &Claims, settings: &Settings) -> Person {
    let text = |name: &String| claims.others.get(name).and_then(Value::as_str);
    // An address that its owner has not proven could be somebody else's.
    let unproven = |name: &String| {
        name == "email"
            && claims.others.get("email_verified").is_some_and(|proven| *proven != Value::Bool(true))
    };
    let name = settings.name_claims.iter().filter(|name| !unproven(name)).find_map(text);
    let flat =
        |text: &str| text.chars().filter(|letter| !letter.is_control()).take(NAME_MAX).collect::<String>();
    let name = name.map(flat).filter(|name| !name.trim().is_empty()).unwrap_or_else(|| flat(&claims.sub));
    let groups = match claims.others.get(&settings.groups_claim) {
        Some(Value::Array(groups)) => {
            groups.iter().filter_map(Value::as_str).take(GROUPS_MAX).map(str::to_owned).collect()
        }
        Some(Value::String(group)) => vec![group.clone()],
        _ => Vec::new(),
    };
    Person { subject: claims.sub.clone(), name, groups }
}

pub(crate) fn refused(why: String) -> IdentityError {
    IdentityError::Token { why }
}
