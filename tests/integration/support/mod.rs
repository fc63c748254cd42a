//! What tests need besides the product: the binary, the fixtures, and servers.

mod api;
mod binary;
pub(crate) mod identity;
mod images;
#[allow(dead_code, reason = "the cluster crate asks more of this server than the tests here")]
pub(crate) mod kubernetes;
pub(crate) mod layout;
mod moto;
mod nats;
mod postgres;
mod random;
pub(crate) mod redmine;
mod registry;
mod server;
pub(crate) mod tokens;
pub(crate) mod web;

pub(crate) use api::Api;
pub(crate) use binary::{Data, Ran, palisade, run};
pub(crate) use images::Images;
pub(crate) use moto::Moto;
pub(crate) use nats::Nats;
pub(crate) use postgres::Postgres;
pub(crate) use random::Random;
pub(crate) use registry::Registry;
pub(crate) use server::{Backends, Server};

use std::path::PathBuf;

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A folder of the repository's own fixtures.
pub(crate) fn fixture(name: &str) -> PathBuf {
    root().join("tests/fixtures").join(name)
}

/// The shared fixtures and data, where this checkout has them beside it. Says so where it has not.
pub(crate) fn shared(needed: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PALISADE_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = folder.join(needed);
    if !path.exists() {
        println!("skipped: there is no ../shared/{needed} beside this checkout");
        return None;
    }
    Some(path.canonicalize().unwrap())
}

/// A component of `tests/guests`.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let guests =
        std::env::var_os("PALISADE_GUESTS").map_or_else(|| root().join("target/guests"), PathBuf::from);
    std::fs::read(guests.join(format!("{name}.wasm"))).unwrap()
}

/// Whether the tests that take minutes were asked for.
pub(crate) fn full() -> bool {
    std::env::var_os("PALISADE_TEST_FULL").is_some()
}
