//! That the binary starts. The tests of what it does are in `tests/` at the top; this one also makes `cargo test` build the binary that they
//! run, with the very dependencies it has just compiled.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

#[test]
fn the_binary_says_its_version() {
    let output = Command::new(env!("CARGO_BIN_EXE_palisade")).arg("--version").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.trim(), format!("palisade {}", env!("CARGO_PKG_VERSION")));
}
