//! The log. A service writes one line per event; a command stays quiet unless something is wrong.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::Config;

/// Starts the log on standard error. `PALISADE_LOG` sets the filter, in the syntax of `tracing`.
pub(crate) fn start(_config: &Config, service: bool) {
    let default = if service { "info" } else { "error" };
    let filter = EnvFilter::try_from_env("PALISADE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let terminal = std::io::stderr().is_terminal();
    // A second subscriber can only come from a test that runs `main` twice; the first one keeps the log.
    let _ = if service && !terminal { log.json().try_init() } else { log.with_ansi(terminal).try_init() };
}
