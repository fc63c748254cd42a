//! Figures for the operator, labelled by the platform with the plugin's id. Need no grant.

use crate::host;

/// Adds to a counter. One that the manifest's `metrics` does not name is ignored.
pub fn add(name: &str, value: u64) {
    host::metrics_add(name, value);
}
