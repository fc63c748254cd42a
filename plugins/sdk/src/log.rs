//! Lines for the operator. In native tests they go to standard error.

pub use crate::bindings::palisade::host::log::Level;

/// Writes one line. The platform labels it with the plugin's id, and drops and counts lines over the call's limit.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::palisade::host::log::write(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?}: {message}");
}
