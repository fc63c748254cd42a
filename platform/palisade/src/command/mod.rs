//! The commands, one file each.

mod account;
mod admission;
mod advisories;
mod attack_map;
pub(crate) mod author;
mod cluster;
mod compliance;
mod doctor;
mod explain;
mod findings;
mod import;
mod ingest;
mod plugin;
mod policy;
mod respond;
pub(crate) mod rules;
mod scan;
mod source;
mod token;

use anyhow::Result;

use crate::cli::Command;
use crate::config::Config;
use crate::exit::Outcome;

/// Does what was asked.
pub(crate) fn run(command: Command, config: &Config) -> Result<Outcome> {
    match command {
        Command::Scan(what) => scan::run(what, config),
        Command::Cluster(what) => cluster::run(&what),
        Command::Account(what) => account::run(what, config),
        Command::Ingest(what) => ingest::run(&what, config),
        Command::Source(what) => source::run(what, config),
        Command::Rules(what) => rules::run(&what, config),
        Command::AttackMap(what) => attack_map::run(&what, config),
        Command::Compliance(what) => compliance::run(what, config),
        Command::Respond(what) => respond::run(what, config),
        Command::Policy(what) => policy::run(what, config),
        Command::Admission(what) => admission::run(what, config),
        Command::Serve(options) => crate::serve::run(options, config),
        Command::Advisories(what) => advisories::run(what, config),
        Command::Plugin(what) => plugin::run(what, config),
        Command::Findings(what) => findings::run(what, config),
        Command::Import(what) => import::run(&what, config),
        Command::Token(what) => token::run(what, config),
        Command::Doctor => doctor::run(config),
        Command::Explain { code } => explain::run(code.as_deref()),
    }
}

/// Runs what needs the asynchronous runtime for a moment.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work)
}
