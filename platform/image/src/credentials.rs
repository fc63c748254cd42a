//! Who we are to a registry. Each entry belongs to one host, exactly; no other host ever sees it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::ImageError;

/// User and password, or a bearer token, for one registry host.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// User name.
    pub user: String,
    /// Password or access token.
    pub password: String,
}

/// The password stays out of logs.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Credentials by `host[:port]`. Empty by default: nothing is read from the environment or home directory.
#[derive(Debug, Clone, Default)]
pub struct Credentials(BTreeMap<String, Credential>);

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl Credentials {
    /// Adds or replaces the entry of a host.
    pub fn insert(&mut self, host: &str, credential: Credential) {
        self.0.insert(host.to_ascii_lowercase(), credential);
    }

    /// Reads the `auths` of a Docker `config.json`. Credential helpers are programs and are not run.
    ///
    /// # Errors
    /// [`ImageError::Format`] when it is not such a file.
    pub fn from_docker_config(json: &[u8]) -> Result<Self, ImageError> {
        // The parser's message could quote a secret, so only its position is told.
        let config: DockerConfig = serde_json::from_slice(json).map_err(|error| {
            ImageError::format(
                "the Docker configuration",
                format!("not JSON of that form, line {}", error.line()),
            )
        })?;
        let mut credentials = Self::default();
        for (key, auth) in config.auths {
            let host = key.trim_start_matches("https://").trim_start_matches("http://");
            let host = host.split('/').next().unwrap_or_default();
            let pair =
                auth.username.zip(auth.password).or_else(|| auth.auth.as_deref().and_then(decode_pair));
            if let Some((user, password)) = pair {
                credentials.insert(host, Credential { user, password });
            }
        }
        Ok(credentials)
    }

    /// The entry of exactly this host and port.
    pub(crate) fn of(&self, host: &str) -> Option<&Credential> {
        self.0.get(&host.to_ascii_lowercase())
    }
}

impl Credential {
    /// The value of a basic `Authorization` header.
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", base64(format!("{}:{}", self.user, self.password).as_bytes()))
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().enumerate().fold(0_u32, |bits, (i, byte)| bits | u32::from(*byte) << (16 - 8 * i));
        for place in 0..4 {
            let letter = ALPHABET.get((bits >> (18 - 6 * place)) as usize & 63).copied().unwrap_or(b'A');
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn decode_pair(text: &str) -> Option<(String, String)> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut bits: u32 = 0;
    let mut held = 0;
    for letter in text.trim().trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = (bits << 6 | u32::try_from(value).ok()?) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.trim_end_matches('\0').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn docker_configurations_are_read() {
        let json = br#"{"auths": {"https://registry.example/v1/": {"auth": "dXNlcjpwYTpzcw=="}, "Other.example:5000":
            {"username": "u", "password": "p"}, "helper.example": {}}, "credsStore": "desktop"}"#;
        let credentials = Credentials::from_docker_config(json).unwrap();
        let first = credentials.of("registry.example").unwrap();
        assert_eq!((first.user.as_str(), first.password.as_str()), ("user", "pa:ss"));
        assert_eq!(first.basic(), "Basic dXNlcjpwYTpzcw==");
        assert!(credentials.of("other.example:5000").is_some());
        for other in
            ["other.example", "helper.example", "sub.registry.example", "registry.example.evil.example"]
        {
            assert!(credentials.of(other).is_none(), "{other}");
        }
        assert!(!format!("{credentials:?}").contains("pa:ss"));
        assert!(Credentials::from_docker_config(b"[]").is_err());
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(user in "[a-zé]{0,9}", password in "[ -~]{0,20}") {
            let text = base64(format!("{user}:{password}").as_bytes());
            prop_assert_eq!(decode_pair(&text), Some((user, password)));
        }
    }
}
