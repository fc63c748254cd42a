//! What is left out of a transcript: values of JSON under keys that name secrets, replaced by as many asterisks.
//!
//! Only JSON is looked into: bodies of resources, events, requests and notices, replies of other systems, and the
//! configuration. Files of images are kept as they are, which whoever turns recording on has to know.

use serde_json::Value;

use crate::gate::Reply;
use crate::kinds::Input;
use crate::transcript::Transcript;

/// Parts of keys that name secrets. Compared in lower case without `-` and `_`.
const USUAL_KEYS: [&str; 14] = [
    "accesskey",
    "apikey",
    "authorization",
    "clientsecret",
    "cookie",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "session",
    "signature",
    "token",
];

/// Which keys of JSON hold what must not be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    keys: Vec<String>,
}

impl Default for Redaction {
    /// The usual words: password, secret, token, …
    fn default() -> Self {
        Self { keys: USUAL_KEYS.map(str::to_owned).to_vec() }
    }
}

impl Redaction {
    /// The usual words and these.
    #[must_use]
    pub fn with(more: &[String]) -> Self {
        let mut redaction = Self::default();
        redaction.keys.extend(more.iter().map(|key| plain(key)).filter(|key| !key.is_empty()));
        redaction
    }

    /// Replaces what must not be written down, and counts it.
    pub(crate) fn apply(&self, transcript: &mut Transcript) {
        let mut count = 0;
        let mut config = std::mem::take(&mut transcript.config).into_bytes();
        self.json(&mut config, &mut count);
        transcript.config = String::from_utf8(config).unwrap_or_default();
        match &mut transcript.input {
            Input::Posture { resources } => {
                resources.iter_mut().for_each(|it| self.json(&mut it.body, &mut count));
            }
            Input::Correlator { events, .. } => {
                events.iter_mut().for_each(|it| self.json(&mut it.body, &mut count));
            }
            Input::Admission { request } => self.json(request, &mut count),
            Input::Notifier { notice } => self.json(&mut notice.body, &mut count),
            Input::ImageAnalyzer { .. } | Input::Compliance { .. } | Input::Collector { .. } => {}
        }
        for exchange in &mut transcript.exchanges {
            match &mut exchange.answer {
                Ok(Reply::Value(Some(bytes))) => self.json(bytes, &mut count),
                Ok(Reply::Response(response)) => {
                    self.json(&mut response.body, &mut count);
                    for (name, value) in &mut response.headers {
                        if self.names_a_secret(name) {
                            hide(value, &mut count);
                        }
                    }
                }
                _ => {}
            }
        }
        transcript.redacted = count;
    }

    /// Bytes that are not JSON, or hold nothing to hide, stay as they are, white space included.
    fn json(&self, bytes: &mut Vec<u8>, count: &mut u64) {
        let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else { return };
        let before = *count;
        self.value(&mut value, false, count);
        if *count > before
            && let Ok(text) = serde_json::to_vec(&value)
        {
            *bytes = text;
        }
    }

    fn value(&self, value: &mut Value, secret: bool, count: &mut u64) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.value(value, secret || self.names_a_secret(key), count);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|value| self.value(value, secret, count)),
            Value::String(text) if secret => hide(text, count),
            Value::Number(_) if secret => {
                *value = Value::from(0);
                *count += 1;
            }
            _ => {}
        }
    }

    fn names_a_secret(&self, key: &str) -> bool {
        let key = plain(key);
        self.keys.iter().any(|word| key.contains(word.as_str()))
    }
}

fn plain(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

fn hide(text: &mut String, count: &mut u64) {
    if !text.is_empty() {
        *text = "*".repeat(text.chars().count());
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::Redaction;

    fn redacted(text: &str) -> (String, u64) {
        let (mut bytes, mut count) = (text.as_bytes().to_vec(), 0);
        Redaction::with(&["pin-code".to_owned()]).json(&mut bytes, &mut count);
        (String::from_utf8(bytes).unwrap(), count)
    }

    #[test]
    fn secrets_go_and_everything_else_stays() {
        for (text, expected, count) in [
            ("{ \"a\": 1 }", "{ \"a\": 1 }", 0),
            ("not json", "not json", 0),
            (r#"{"Password":"abc","user":"u"}"#, r#"{"Password":"***","user":"u"}"#, 1),
            (
                r#"{"x":{"client_secret":{"deep":["ab",7]}}}"#,
                r#"{"x":{"client_secret":{"deep":["**",0]}}}"#,
                2,
            ),
            (r#"{"pinCode":"12","X-Api-Key":"k"}"#, r#"{"X-Api-Key":"*","pinCode":"**"}"#, 2),
            (r#"{"token":""}"#, r#"{"token":""}"#, 0),
        ] {
            assert_eq!(redacted(text), (expected.to_owned(), count));
        }
    }
}
