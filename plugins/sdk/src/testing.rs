//! Fakes of the platform for native unit tests.
//!
//! A test says what the platform would answer, installs that for its thread, runs the plugin and looks at what it did. What is
//! not set answers [`HostError::Denied`], as it does on a platform where the operator has granted nothing.
//!
//! ```
//! use palisade_sdk::testing::{Fakes, Reply};
//! use palisade_sdk::{clock, http::Request, state, HostError};
//!
//! let fakes = Fakes::new()
//!     .now(1_767_323_045_000_000_000)
//!     .state(4_096)
//!     .entry("seen", "7")
//!     .http("GET", "https://api.example.com/", Reply::status(404))
//!     .install();
//!
//! assert_eq!(clock::now(), 1_767_323_045_000_000_000);
//! assert_eq!(state::get("seen")?.as_deref(), Some(b"7".as_slice()));
//! assert_eq!(Request::get("https://api.example.com/").send()?.status, 404);
//! let other = Request::get("https://other.example.com/").send();
//! assert!(matches!(other, Err(HostError::Denied(_))));
//! assert_eq!(fakes.requests().len(), 2);
//! # Ok::<(), HostError>(())
//! ```

pub(crate) mod answers;
mod reply;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::rc::Rc;

use serde::Serialize;

#[cfg(doc)]
use crate::HostError;
use crate::http::Request;
use crate::log::Level;
use crate::{Advisory, Error};

pub use reply::Reply;

/// What the platform would answer.
#[derive(Debug, Clone, Default)]
#[must_use = "fakes answer nothing until they are installed"]
pub struct Fakes {
    config: Option<String>,
    now: u64,
    state_bytes: Option<u64>,
    state: BTreeMap<String, Vec<u8>>,
    replies: Vec<(String, String, Reply)>,
    server: Server,
    assets: BTreeMap<String, Vec<u8>>,
    related: BTreeMap<(String, String), Vec<String>>,
    advisories: BTreeMap<String, Vec<Advisory>>,
    blobs: BTreeMap<(String, String), Vec<u8>>,
}

impl Fakes {
    /// A platform that grants nothing and stands in 1970.
    pub fn new() -> Self {
        Self::default()
    }

    /// What [`crate::config::get`] answers. The functions that run a plugin are handed the configuration itself.
    pub fn config(mut self, text: impl Into<String>) -> Self {
        self.config = Some(text.into());
        self
    }

    /// The time of the call, in nanoseconds since 1970 in UTC.
    pub fn now(mut self, nanoseconds: u64) -> Self {
        self.now = nanoseconds;
        self
    }

    /// Grants this many bytes of state, keys and values together.
    pub fn state(mut self, bytes: u64) -> Self {
        self.state_bytes = Some(bytes);
        self
    }

    /// State from earlier calls; seen only where state is granted.
    pub fn entry(mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.state.insert(key.into(), value.into());
        self
    }

    /// Answers a request of this method to this URL. Of several answers to the same, each is given once and the last for ever.
    pub fn http(mut self, method: impl Into<String>, url: impl Into<String>, reply: Reply) -> Self {
        self.replies.push((method.into(), url.into(), reply));
        self
    }

    /// Answers every request that no [`Fakes::http`] is about, by what it holds; nothing for what is not granted.
    ///
    /// ```
    /// use palisade_sdk::http::Request;
    /// use palisade_sdk::testing::{Fakes, Reply};
    ///
    /// let echo = |request: &Request| Some(Reply::status(200).body(request.body.clone()));
    /// let _fakes = Fakes::new().server(echo).install();
    /// assert_eq!(Request::post("https://a.example/").body("a").send()?.body, b"a");
    /// # Ok::<(), palisade_sdk::HostError>(())
    /// ```
    pub fn server(mut self, answer: impl Fn(&Request) -> Option<Reply> + 'static) -> Self {
        self.server = Server(Some(Rc::new(answer)));
        self
    }

    /// An asset with its attributes. Once there is one, another asset is not found instead of denied.
    ///
    /// # Panics
    /// For attributes that JSON cannot express.
    #[expect(clippy::panic, reason = "a test that says something impossible must fail")]
    pub fn asset<T: Serialize + ?Sized>(mut self, id: impl Into<String>, attributes: &T) -> Self {
        let bytes = serde_json::to_vec(attributes);
        self.assets.insert(id.into(), bytes.unwrap_or_else(|error| panic!("not JSON: {error}")));
        self
    }

    /// Assets joined to an asset by a kind of edge.
    pub fn related<T: Into<String>>(
        mut self,
        asset: impl Into<String>,
        edge: impl Into<String>,
        others: impl IntoIterator<Item = T>,
    ) -> Self {
        let others = others.into_iter().map(Into::into).collect();
        self.related.insert((asset.into(), edge.into()), others);
        self
    }

    /// The advisories that apply to a package. Once there is a package, another one has none instead of being denied.
    pub fn advisories(mut self, purl: impl Into<String>, advisories: Vec<Advisory>) -> Self {
        self.advisories.insert(purl.into(), advisories);
        self
    }

    /// A blob of a repository. Once a repository has one, another blob of it is not found instead of denied.
    pub fn blob(
        mut self,
        repository: impl Into<String>,
        digest: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
    ) -> Self {
        self.blobs.insert((repository.into(), digest.into()), bytes.into());
        self
    }

    /// Answers every call of this thread until what is returned is dropped. Replaces fakes installed before.
    #[must_use = "the fakes are gone when this is dropped"]
    pub fn install(self) -> Installed {
        ANSWERING.with(|answering| *answering.borrow_mut() = Some(Answering::of(self)));
        Installed(PhantomData)
    }
}

thread_local! {
    static ANSWERING: RefCell<Option<Answering>> = const { RefCell::new(None) };
}

/// What answers a request, if anything.
type Answer = dyn Fn(&Request) -> Option<Reply>;

/// A web server that is a function.
#[derive(Clone, Default)]
struct Server(Option<Rc<Answer>>);

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Server" } else { "no Server" })
    }
}

/// Fakes at work, and what the plugin did.
#[derive(Debug, Clone, Default)]
struct Answering {
    fakes: Fakes,
    logs: Vec<(Level, String)>,
    counters: BTreeMap<String, u64>,
    requests: Vec<Request>,
}

impl Answering {
    fn of(fakes: Fakes) -> Self {
        Self { fakes, ..Self::default() }
    }
}

/// Runs a function on this thread's fakes; without any, on a platform that grants nothing.
fn with<T>(work: impl FnOnce(&mut Answering) -> T) -> T {
    ANSWERING.with(|answering| work(answering.borrow_mut().get_or_insert_with(Answering::default)))
}

/// Runs one call of a plugin: what it wrote to its state stays only if it succeeds.
pub(crate) fn settled<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let before = with(|answering| answering.fakes.state.clone());
    let outcome = work();
    if outcome.is_err() {
        with(|answering| answering.fakes.state = before);
    }
    outcome
}

/// Fakes that answer this thread, and the record of what was asked of them.
#[derive(Debug)]
pub struct Installed(PhantomData<*const ()>);

impl Installed {
    /// The lines written so far.
    #[must_use]
    pub fn logs(&self) -> Vec<(Level, String)> {
        with(|answering| answering.logs.clone())
    }

    /// What was added to a counter so far.
    #[must_use]
    pub fn counter(&self, name: &str) -> u64 {
        with(|answering| answering.counters.get(name).copied().unwrap_or_default())
    }

    /// The requests sent so far, those without an answer too.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        with(|answering| answering.requests.clone())
    }

    /// The state as it is now.
    #[must_use]
    pub fn state(&self) -> BTreeMap<String, Vec<u8>> {
        with(|answering| answering.fakes.state.clone())
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        ANSWERING.with(|answering| *answering.borrow_mut() = None);
    }
}

#[cfg(test)]
mod tests;
