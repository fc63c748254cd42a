//! The repository's own commands: `cargo xtask <command>`.

mod guests;
mod toolchain;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask guests [--only NAME]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["guests"] => guests::build(None),
        ["guests", "--only", name] => guests::build(Some(name)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
