//! The one HTTP client of the product, with its guard against server-side request forgery.
//!
//! Registries, feeds, webhooks and plugins all name URLs that come from outside. Every such request goes through
//! [`Client::send`], and every hop of it through the same gate: `https` only, the name is resolved once, *every*
//! address it gives is checked, and the connection goes to exactly those addresses, so a second answer of the name
//! server is never asked for. Redirects are hops like any other, and credentials do not cross to another origin.
//! What an operator wants to reach inside his own network he names in [`Policy::allow`]; a client that is for one server
//! alone has [`Policy::only`].
//!
//! Bounds: connect, read and total timeouts, a redirect count, and the size of response headers. The size of a body is
//! the caller's business, because [`Response::body`] is a stream.
//!
//! Proxies from the environment are not used: behind a proxy the address that is checked here would not be the
//! address that is reached.

mod address;
mod client;
mod error;
mod guard;
mod origin;
mod policy;
mod request;

pub use address::{Refused, refuse_reason};
pub use client::Client;
pub use error::EgressError;
pub use origin::Origin;
pub use policy::{AllowRule, Policy};
pub use request::{Method, Redirects, Request, Response};
