//! Credentials, as files hold them.

use serde_json::Value;

use crate::SignError;

/// An access key; temporary ones come with a session token.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub(crate) key_id: String,
    pub(crate) secret: String,
    pub(crate) session_token: Option<String>,
}

/// The secret and the token stay out of logs.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";
const TOKEN: &str = "aws_session_token";

impl Credentials {
    /// Reads a shared credentials file of AWS (`[default]` with `aws_access_key_id`, `aws_secret_access_key` and perhaps
    /// `aws_session_token`), or a JSON object with the same names. Of several profiles, `default` counts.
    ///
    /// # Errors
    /// [`SignError::Credentials`] where a name is missing or a value cannot be in a header.
    pub fn parse(text: &str) -> Result<Self, SignError> {
        let text = text.trim();
        let (object, pairs) = match text.starts_with('{') {
            true => {
                let value: Value = serde_json::from_str(text).map_err(|_| wrong("the file is not JSON"))?;
                (value, Vec::new())
            }
            false => (Value::Null, profile(text)?),
        };
        let of = |name: &str| -> Option<String> {
            let pair = pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
            pair.or_else(|| object.get(name)?.as_str().map(str::to_owned))
        };
        let usable = |value: &String| !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic());
        let needed = |name, why| of(name).filter(usable).ok_or(wrong(why));
        let session_token = match of(TOKEN).filter(|token| !token.is_empty()) {
            Some(token) if !usable(&token) => {
                return Err(wrong("aws_session_token has characters that no token has"));
            }
            token => token,
        };
        Ok(Self {
            key_id: needed(ID, "aws_access_key_id is missing or has characters that no id has")?,
            secret: needed(SECRET, "aws_secret_access_key is missing or has characters that no key has")?,
            session_token,
        })
    }
}

fn wrong(why: &'static str) -> SignError {
    SignError::Credentials { why }
}

/// The names and values of the profile that counts.
fn profile(text: &str) -> Result<Vec<(String, String)>, SignError> {
    let mut profiles: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            profiles.push((name.trim().to_owned(), Vec::new()));
        } else if let (Some((name, value)), Some((_, pairs))) = (line.split_once('='), profiles.last_mut()) {
            pairs.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    let place = profiles.iter().position(|(name, _)| name == "default");
    match (place, profiles.len()) {
        (Some(place), _) => Ok(profiles.swap_remove(place).1),
        (None, 1) => Ok(profiles.swap_remove(0).1),
        (None, 0) => Err(wrong("the file has no profile: begin it with [default]")),
        _ => Err(wrong("the file has several profiles and none is called default")),
    }
}
