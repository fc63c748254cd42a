//! Prints the figures of the advisory index over the given feeds: `cargo run --release --example bench-advisories -- FEEDS…`.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let inputs: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let scratch = std::env::temp_dir().join(format!("bench-advisories-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let report = advisories::bench::bench(&inputs, &scratch);
    std::fs::remove_dir_all(&scratch)?;
    println!("{}", serde_json::to_string_pretty(&report?)?);
    Ok(())
}
