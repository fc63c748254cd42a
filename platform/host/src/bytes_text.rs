//! Bytes in JSON: as text where they are UTF-8, else as `{"base64": "…"}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Encoded { base64: String },
}

/// Writes bytes.
///
/// # Errors
/// The serializer's.
pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => Form::Encoded { base64: STANDARD.encode(bytes) }.serialize(serializer),
    }
}

/// Reads bytes.
///
/// # Errors
/// Another form, and text that is not base64.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    match Form::deserialize(deserializer)? {
        Form::Text(text) => Ok(text.into_bytes()),
        Form::Encoded { base64 } => STANDARD.decode(base64).map_err(serde::de::Error::custom),
    }
}

/// The same for bytes that may be absent.
pub(crate) mod optional {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct One(#[serde(with = "super")] Vec<u8>);

    /// Writes bytes, or null.
    ///
    /// # Errors
    /// The serializer's.
    #[expect(clippy::ref_option, reason = "serde hands over the field")]
    pub(crate) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.clone().map(One).serialize(serializer)
    }

    /// Reads bytes, or null.
    ///
    /// # Errors
    /// As [`super::deserialize`].
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<One>::deserialize(deserializer)?.map(|one| one.0))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Both {
        #[serde(with = "super")]
        bytes: Vec<u8>,
        #[serde(with = "super::optional")]
        maybe: Option<Vec<u8>>,
    }

    proptest::proptest! {
        #[test]
        fn every_byte_comes_back(bytes: Vec<u8>, maybe: Option<Vec<u8>>) {
            let both = Both { bytes, maybe };
            let text = serde_json::to_string(&both).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<Both>(&text).unwrap(), both);
        }
    }
}
