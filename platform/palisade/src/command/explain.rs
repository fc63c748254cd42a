//! `palisade explain`: the page about a code, without a server and without a network.

use anyhow::{Context as _, Result};

use crate::exit::Outcome;
use crate::output::write_stdout;

/// Prints the page about a code, or the list of all codes.
pub(crate) fn run(code: Option<&str>) -> Result<Outcome> {
    let text = match code {
        None => api::explained_codes().join("\n") + "\n",
        Some(code) => api::error_page(code)
            .with_context(|| format!("nothing has the code {code:?}; `palisade explain` lists them all"))?
            .into_owned(),
    };
    write_stdout(&text)?;
    Ok(Outcome::Clean)
}
