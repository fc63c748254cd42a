//! The configuration that the operator gave.

use serde::de::DeserializeOwned;

use crate::Error;

/// The operator's configuration: a JSON object, checked by the platform against the manifest's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config(String);

impl Config {
    /// A configuration from its JSON text, for tests; `{}` is none.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The JSON text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The configuration as a type of the plugin's own. `#[serde(default)]` on it gives what the operator left out.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] with what the reader did not like.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Settings {
    ///     #[serde(default = "ten")]
    ///     threshold: u32,
    /// }
    ///
    /// fn ten() -> u32 {
    ///     10
    /// }
    ///
    /// let settings: Settings = palisade_sdk::Config::new("{}").parse()?;
    /// assert_eq!(settings.threshold, 10);
    /// assert!(palisade_sdk::Config::new(r#"{"threshold": "many"}"#).parse::<Settings>().is_err());
    /// # Ok::<(), palisade_sdk::Error>(())
    /// ```
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.0).map_err(|error| Error::InvalidConfig(error.to_string()))
    }
}

/// The configuration of this call. Plugins get it in `new`; this is for what is called from elsewhere.
#[must_use]
pub fn get() -> Config {
    Config(crate::host::config_get())
}
