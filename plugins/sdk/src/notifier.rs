//! The kind `notifier`: tells another system of one change.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Config, Error, Notice, Receipt, Unreadable, host};

/// Tells other systems of changes.
///
/// ```
/// use palisade_sdk::http::Request;
/// use palisade_sdk::testing::{Fakes, Reply};
/// use palisade_sdk::{Config, Error, Notice, Notifier, Receipt};
///
/// struct Chat;
///
/// #[palisade_sdk::notifier]
/// impl Notifier for Chat {
///     fn new(_config: &Config) -> Result<Self, Error> {
///         Ok(Self)
///     }
///
///     fn notify(&self, notice: &Notice) -> Result<Receipt, Error> {
///         let change: serde_json::Value = notice.json()?;
///         let request = Request::post("https://chat.example/messages").header("idempotency-key", &notice.id);
///         request.json(&change)?.secret("token").send()?.ok()?;
///         Ok(Receipt::new(&notice.id))
///     }
/// }
///
/// let fakes = Fakes::new().http("POST", "https://chat.example/messages", Reply::status(202)).install();
/// let notice = Notice::new("n-1", &serde_json::json!({ "text": "hello" }));
/// assert_eq!(palisade_sdk::notify::<Chat>("{}", &notice)?.id, "n-1");
/// assert_eq!(fakes.requests()[0].body, br#"{"text":"hello"}"#);
/// # Ok::<(), Error>(())
/// ```
pub trait Notifier: Sized {
    /// Made once a call, from the operator's configuration.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the key and what is wrong with it; the call then fails as a whole.
    fn new(config: &Config) -> Result<Self, Error>;

    /// Tells of one change. A notice may come twice; what it caused must not.
    ///
    /// # Errors
    /// The call fails; [`Error::RetryAfter`] says when it is worth another try.
    fn notify(&self, notice: &Notice) -> Result<Receipt, Error>;
}

impl Notice {
    /// A change with a JSON body, for tests. One that JSON cannot express has an empty body.
    #[must_use]
    pub fn new<T: Serialize + ?Sized>(id: impl Into<String>, body: &T) -> Self {
        Self { id: id.into(), body: serde_json::to_vec(body).unwrap_or_default() }
    }

    /// The change as a type of the plugin's own, or as `serde_json::Value`.
    ///
    /// # Errors
    /// The body is not JSON, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Unreadable(format!("the notice's body is not as expected: {error}")))
    }
}

impl Receipt {
    /// The other system's name for what it made of the notice, such as `SEC-481`.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), url: None }
    }

    /// Where people find it there.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }
}

/// Tells of one change: what the component's export does, callable from native tests.
///
/// # Errors
/// The plugin's own.
pub fn notify<N: Notifier>(config: &str, notice: &Notice) -> Result<Receipt, Error> {
    host::settled(|| N::new(&Config::new(config))?.notify(notice))
}
