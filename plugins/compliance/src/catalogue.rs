//! The frameworks as the build compiled them in.

use std::borrow::Cow;

use palisade_sdk::Error;
use serde::Deserialize;

include!(concat!(env!("OUT_DIR"), "/frameworks.rs"));

/// A framework version: its id, and its controls in the order of their ids. The build writes lists in place of keys, so the
/// order of fields here is that of `compact` in `build.rs`.
#[derive(Debug, Deserialize)]
pub(crate) struct Framework<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) controls: Vec<Control<'a>>,
}

/// One control, with the rules whose failure shows that it is not met.
#[derive(Debug, Deserialize)]
pub(crate) struct Control<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) title: Cow<'a, str>,
    pub(crate) assessment: Assessment,
    #[serde(borrow)]
    pub(crate) rules: Vec<Mapping<'a>>,
}

/// What a platform can tell of a control that sees objects, images and cloud resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Assessment {
    /// Whether it is met.
    Automated,
    /// That it is violated, but never that all of it is met.
    Partly,
    /// Nothing.
    Manual,
}

/// A rule, and in one sentence why the control is not met where the rule fails.
#[derive(Debug, Deserialize)]
pub(crate) struct Mapping<'a> {
    #[serde(borrow)]
    pub(crate) rule: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) why: Cow<'a, str>,
}

/// The ids of all frameworks, in order.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    FRAMEWORKS.iter().map(|(id, _)| *id)
}

/// The framework of this id, if there is one.
///
/// # Errors
/// [`Error::Other`] if what the build wrote cannot be read, which no input can cause.
pub(crate) fn framework(id: &str) -> Result<Option<Framework<'static>>, Error> {
    let Some((_, json)) = FRAMEWORKS.iter().find(|(known, _)| *known == id) else {
        return Ok(None);
    };
    let read = serde_json::from_slice(json);
    read.map(Some).map_err(|error| Error::Other(format!("the catalogue {id} cannot be read: {error}")))
}
