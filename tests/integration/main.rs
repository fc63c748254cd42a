//! The product from outside: the real binary, real servers, real inputs. One binary, so that it is linked once.
//!
//! Servers are started by the tests on free ports and end with them. What needs the shared fixtures says so and is skipped, visibly, where they
//! are absent.
#![allow(missing_docs, reason = "tests are read by their names")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod account;
mod authors;
mod cli;
mod cluster;
mod compliance;
mod crash;
mod described;
mod distribution;
mod events;
mod faults;
mod feeds;
mod following;
mod hostile;
mod images;
mod imports;
mod journey;
mod live;
mod moto;
mod plugins;
mod policies;
mod registries;
mod respond;
mod runtime;
mod scenes;
mod serve;
mod support;
mod tickets;
mod versions;
mod webhook;
