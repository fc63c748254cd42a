//! Tests of the plugin as the platform calls it: rules against their fixtures, a whole cluster, hostile bodies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod cluster;
mod common;
mod graph;
mod hostile;
mod patch;
mod rules;
