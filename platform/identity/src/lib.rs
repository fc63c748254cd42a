//! Signing people in through an OpenID provider: the authorization code flow with PKCE of OpenID Connect Core 1.0, RFC 7636 and RFC 9207.
//!
//! [`Provider::begin`] gives the address that a browser is sent to and what has to be remembered until it comes back; [`Provider::finish`]
//! turns what it comes back with into a [`Person`]. Everything here blocks. What a person may do is decided elsewhere.

mod begin;
mod claims;
mod error;
mod known;
mod provider;
mod settings;
#[cfg(test)]
mod tests;

pub use begin::{Begun, Pending};
pub use claims::Person;
pub use error::IdentityError;
pub use provider::{Provider, Returned};
pub use settings::Settings;
