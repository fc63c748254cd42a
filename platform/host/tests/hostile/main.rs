//! The host against guests that mean no good.
//!
//! `core` writes each guest as a few lines of core WebAssembly, so that no guest compiler is needed; `built` runs the
//! compiled guests of `tests/guests` where `cargo xtask guests` has built them, and says so where it has not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail; the setting for tests does not reach functions beside them"
)]

mod built;
mod core;
mod kinds;
mod loading;
mod rights;
mod services;
mod sessions;
mod support;
mod swaps;
