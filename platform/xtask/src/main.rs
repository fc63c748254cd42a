//! The repository's own commands: `cargo xtask <command>`.

mod api;
mod attack_map;
mod bench;
mod build;
mod catalogues;
mod check;
mod codes;
mod contract;
mod guests;
mod guides;
mod helm;
mod http;
mod identity;
mod prepare;
mod server;
mod test;
mod toolchain;
mod up;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

const USAGE: &str = "\
usage: cargo xtask COMMAND
  up [--listen ADDRESS:PORT] [--once]   set up, build, serve, scan a real input, print the address and what was found
  build                                 build plugins, page and binary (target/release/palisade), and install nothing
  test [--full]                         set up and run everything: format, checks, lints, tests, page, browser
  api [--full]                          hold a server, and what is generated, to the OpenAPI document
  bench NAME [ARGUMENT...]              scan --images DIR [NAME...] | host | posture | cloud [--binary FILE] | advisories [FEED...]
  guests [--only NAME]                  build the plugins
  attack-map                            replay the tests of the built-in rules, and write what they prove of ATT&CK
  guides                                write the guides for authors that are made from other files
  helm [--update]                       render, validate and scan the Helm chart; write its snapshots and its table of values
  check                                 the house law alone";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match command(&words) {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

const LISTEN: &str = "127.0.0.1:8717";

/// Runs a command; nothing when the words are not one.
fn command(words: &[&str]) -> Option<Result<()>> {
    let in_root = |work: &dyn Fn(&Path) -> Result<()>| repository_root().and_then(|root| work(&root));
    Some(match words {
        ["up"] => in_root(&|root| up::run(root, LISTEN, false)),
        ["up", "--once"] => in_root(&|root| up::run(root, "127.0.0.1:0", true)),
        ["up", "--listen", listen] => in_root(&|root| up::run(root, listen, false)),
        ["build"] => in_root(&|root| build::everything(root).map(drop)),
        ["test"] => in_root(&|root| test::all(root, false)),
        ["test", "--full"] => in_root(&|root| test::all(root, true)),
        ["api"] => in_root(&|root| api::run_all(root, false)),
        ["api", "--full"] => in_root(&|root| api::run_all(root, true)),
        ["bench", name, arguments @ ..] => in_root(&|root| bench::run_named(root, name, arguments)),
        ["guests"] => guests::build(None),
        ["guests", "--only", name] => guests::build(Some(name)),
        ["attack-map"] => in_root(&attack_map::write),
        ["guides"] => in_root(&guides::write),
        ["helm"] => in_root(&|root| helm::run_all(root, false)),
        ["helm", "--update"] => in_root(&|root| helm::run_all(root, true)),
        ["check"] => in_root(&check::run),
        _ => return None,
    })
}

/// The checkout that the current directory is in.
fn repository_root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("cannot tell the current directory")?;
    let root = here.ancestors().find(|folder| folder.join("platform/xtask/Cargo.toml").exists());
    root.map(Path::to_owned).context("run this inside the repository: no folder above has platform/xtask")
}
