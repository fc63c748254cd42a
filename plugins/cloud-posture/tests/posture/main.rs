//! Tests of the plugin as the platform calls it: rules against their fixtures, what is not known, hostile bodies, the configuration.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod common;
mod configuration;
mod hostile;
mod rules;
mod unknown;
