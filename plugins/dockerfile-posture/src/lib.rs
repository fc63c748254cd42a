//! Checks of Dockerfiles: base images, users, secrets, packages, what is copied and how it starts.
//!
//! Every check is a small function of one file, of which the platform's reader has made stages and instructions. What the rules
//! mean stands in `rules/`. A value that depends on a variable is not judged: a wrong alarm costs more than a missed one.

mod base;
mod body;
mod copies;
mod finding;
mod packages;
mod secrets;
mod shell;
mod start;

use palisade_sdk::{Checks, Config, Error, Posture, Resource, Unreadable};

use crate::body::File;
use crate::finding::{Subject, run};

/// The manifest that is built into the component, without the rules, which the build adds.
pub const MANIFEST: &str = include_str!("../plugin.toml");

/// What the operator may set.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    registries: Vec<String>,
}

/// The plugin.
#[derive(Debug)]
pub struct DockerfilePosture {
    settings: Settings,
}

#[palisade_sdk::posture]
impl Posture for DockerfilePosture {
    fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self { settings: config.parse()? })
    }

    fn check(&self, resource: &Resource, checks: &mut Checks<'_>) -> Result<(), Unreadable> {
        let file: File = serde_json::from_slice(&resource.body)
            .map_err(|error| Unreadable(format!("the resource's body is not as expected: {error}")))?;
        if file.stages.is_empty() {
            return Err(Unreadable("the resource's body has no stages".to_owned()));
        }
        let commands = shell::commands(&file);
        let subject = Subject { file: &file, commands: &commands, registries: &self.settings.registries };
        for table in [base::CHECKS, secrets::CHECKS, packages::CHECKS, copies::CHECKS, start::CHECKS] {
            run(table, &subject, checks);
        }
        Ok(())
    }
}
