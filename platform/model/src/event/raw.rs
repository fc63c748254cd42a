//! JSON that is passed on and not taken apart.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;

/// The text of one JSON value, unchanged.
///
/// Two are equal when their texts are. Serialising reads the text once more, because only `serde_json` may say that a text is
/// JSON; [`super::Event::write_body`] does without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw<'a>(Cow<'a, str>);

/// The text is not one JSON value.
#[derive(Debug, Error)]
#[error("the text is not one JSON value")]
pub struct RawError(#[source] serde_json::Error);

impl<'a> Raw<'a> {
    /// Checks and wraps a text; white space around the value is cut off.
    ///
    /// # Errors
    /// See [`RawError`].
    pub fn parse(text: &'a str) -> Result<Self, RawError> {
        let value: &RawValue = serde_json::from_str(text).map_err(RawError)?;
        Ok(Self(Cow::Borrowed(value.get())))
    }

    /// Wraps a text that the caller has read to its end as one JSON value.
    #[must_use]
    pub fn checked(text: impl Into<Cow<'a, str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Raw<'_> {
    fn default() -> Self {
        Self(Cow::Borrowed("null"))
    }
}

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Raw<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(Cow::Owned(Box::<str>::from(value).into_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::Raw;

    #[test]
    fn only_json_is_wrapped() {
        assert_eq!(Raw::parse(" {\"a\": 1}\n").unwrap().as_str(), "{\"a\": 1}");
        for bad in ["", "{", "{} {}", "{'a':1}", "nul"] {
            assert!(Raw::parse(bad).is_err(), "{bad}");
        }
        assert!(serde_json::to_string(&Raw::checked("{\"a\":")).is_err(), "a false promise is not passed on");
    }
}
