//! The commands, one file each.

mod advisories;
mod doctor;
mod plugin;
mod scan;

use anyhow::Result;

use crate::cli::Command;
use crate::config::Config;
use crate::exit::Outcome;

/// Does what was asked.
pub(crate) fn run(command: Command, config: &Config) -> Result<Outcome> {
    match command {
        Command::Scan(what) => scan::run(what, config),
        Command::Serve(options) => crate::serve::run(options, config),
        Command::Advisories(what) => advisories::run(what, config),
        Command::Plugin(what) => plugin::run(what, config),
        Command::Doctor => doctor::run(config),
    }
}
