//! Says where the controls of a compliance framework stand, by what checks of clusters and scans of images found.
//!
//! What the frameworks demand, and which rules speak to which control, is data in `catalogues/`; the build compiles it in. How
//! the rules decide a control stands in the module `judge` and, for those who read results, in the plugin's README.

mod catalogue;
mod judge;
mod rationale;
mod seen;
#[cfg(test)]
mod tests;

use catalogue::Framework;
use palisade_sdk::{Compliance, Config, Controls, Error, Observations};
use seen::Seen;

/// The manifest that is built into the component.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// Longest part of a wrong setting that a message repeats, in bytes.
const SHOWN_BYTES_MAX: usize = 60;

/// The plugin, for one configured framework.
#[derive(Debug)]
pub struct Frameworks {
    framework: Framework<'static>,
}

#[palisade_sdk::compliance]
impl Compliance for Frameworks {
    fn new(config: &Config) -> Result<Self, Error> {
        let id = configured(config)?;
        let unknown = || {
            let shown = id.get(..id.floor_char_boundary(SHOWN_BYTES_MAX)).unwrap_or_default();
            wrong(&format!("{shown:?} is not a framework"))
        };
        Ok(Self { framework: catalogue::framework(&id)?.ok_or_else(unknown)? })
    }

    fn assess(&self, observations: &Observations<'_>, controls: &mut Controls) -> Result<(), Error> {
        assess(&self.framework, observations, controls);
        Ok(())
    }
}

fn assess(framework: &Framework<'_>, observations: &Observations<'_>, controls: &mut Controls) {
    let seen = Seen::new(framework, observations);
    for control in &framework.controls {
        controls.add(judge::judge(&framework.id, control, &seen));
    }
}

/// The id that the operator gave. A map and not a type of our own is read, because that would take a list as well.
fn configured(config: &Config) -> Result<String, Error> {
    let settings: serde_json::Map<String, serde_json::Value> =
        config.parse().map_err(|_| wrong("the configuration is not a JSON object"))?;
    let id = settings.get("framework").ok_or_else(|| wrong("`framework` is missing"))?;
    Ok(id.as_str().ok_or_else(|| wrong("`framework` is not a text"))?.to_owned())
}

fn wrong(problem: &str) -> Error {
    let known: Vec<&str> = catalogue::ids().collect();
    Error::InvalidConfig(format!("{problem}; set `framework` to one of {}", known.join(", ")))
}
