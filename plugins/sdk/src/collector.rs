//! The kind `collector`: pages of resources out of another service.

use crate::text::cut;
use crate::{Config, Error, Missing, Page, Resource, host};

/// Fetches resources of a cloud or another service.
///
/// ```
/// use palisade_sdk::http::Request;
/// use palisade_sdk::testing::{Fakes, Reply};
/// use palisade_sdk::{Collector, Config, Error, Page, Resource};
///
/// struct Users;
///
/// #[palisade_sdk::collector]
/// impl Collector for Users {
///     fn new(_config: &Config) -> Result<Self, Error> {
///         Ok(Self)
///     }
///
///     fn collect(&self, cursor: Option<&str>) -> Result<Page, Error> {
///         let request = Request::get("https://id.example/users").query("page", cursor.unwrap_or("1"));
///         let users: Vec<String> = request.secret("token").send()?.ok()?.json()?;
///         let resources = users.iter().map(|user| Resource::new(format!("user:{user}"), "example:user", user));
///         Ok(Page::new(resources))
///     }
/// }
///
/// let answer = Reply::json(&["ada"]);
/// let _fakes = Fakes::new().http("GET", "https://id.example/users?page=1", answer).install();
/// let page = palisade_sdk::collect::<Users>("{}", None)?;
/// assert_eq!((page.resources[0].asset.as_str(), page.next), ("user:ada", None));
/// # Ok::<(), Error>(())
/// ```
pub trait Collector: Sized {
    /// Made once a call, from the operator's configuration.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the key and what is wrong with it; the call then fails as a whole.
    fn new(config: &Config) -> Result<Self, Error>;

    /// Fetches the page at a cursor of its own making; nothing for the first.
    ///
    /// # Errors
    /// The call fails; [`Error::RetryAfter`] says when the same page is worth another try.
    fn collect(&self, cursor: Option<&str>) -> Result<Page, Error>;
}

impl Page {
    /// The last page, unless [`Page::next`] says where to go on.
    #[must_use]
    pub fn new(resources: impl IntoIterator<Item = Resource>) -> Self {
        Self { resources: resources.into_iter().collect(), missing: Vec::new(), next: None }
    }

    /// Where to go on; nothing when this is the last page.
    #[must_use]
    pub fn next(mut self, cursor: Option<impl Into<String>>) -> Self {
        self.next = cursor.map(Into::into);
        self
    }

    /// A part of the account that could not be fetched, such as `aws:s3 eu-west-1`, and why.
    #[must_use]
    pub fn missing(mut self, subject: impl Into<String>, message: impl Into<String>) -> Self {
        self.missing.push(Missing { subject: cut(subject), message: cut(message) });
        self
    }
}

/// Fetches one page: what the component's export does, callable from native tests.
///
/// # Errors
/// The plugin's own.
pub fn collect<C: Collector>(config: &str, cursor: Option<&str>) -> Result<Page, Error> {
    host::settled(|| C::new(&Config::new(config))?.collect(cursor))
}
