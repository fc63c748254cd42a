//! Tests of the plugin as the platform calls it, over the catalogues that are built in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

#[path = "../../build/catalogue.rs"]
mod catalogue;
mod catalogues;
mod common;
mod configuration;
mod frameworks;
#[path = "../../build/order.rs"]
mod order;
mod properties;
