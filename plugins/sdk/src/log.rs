//! Lines for the operator, labelled by the platform with the plugin's id. Need no grant. In native tests they go to standard
//! error, and the fakes record them.

pub use crate::bindings::palisade::host::log::Level;

use crate::host;

/// Writes one line. Lines over the call's limit are dropped and counted.
pub fn write(level: Level, message: &str) {
    host::log_write(level, message);
}

/// Writes a line that only matters while looking for a mistake in the plugin.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Writes a line that tells what happens.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Writes a line about something that the operator should look at.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Writes a line about something that failed.
pub fn error(message: &str) {
    write(Level::Error, message);
}
