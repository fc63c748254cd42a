//! The one binary of Palisade: a table of contents. Arguments, configuration, log, command, exit code.

mod account;
mod admission;
mod attack_map;
mod audit;
mod backtest;
mod catalog;
mod cli;
mod command;
mod config;
mod context;
mod data;
mod described;
mod evidence;
mod exit;
mod followed;
#[cfg(test)]
mod followed_tests;
mod images;
mod imports;
mod output;
mod plugins;
mod policies;
mod posture;
mod progress;
mod respond;
mod rules;
mod scope;
mod serve;
mod services;
mod telemetry;
mod transcripts;
mod trust;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // Plugins are compiled by this program again, in a process of its own that reads neither configuration nor arguments of users.
    if let Some(bounds) = plugins::compiler_bounds() {
        return host::compile_as_child(&bounds);
    }
    let arguments = cli::Arguments::parse();
    let outcome = config::load(&arguments.global).and_then(|config| {
        telemetry::start(&config, arguments.command.is_service());
        command::run(arguments.command, &config)
    });
    exit::report(outcome)
}
