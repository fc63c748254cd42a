//! Reads the pack of rules as the platform reads an operator's files, so that the plugin needs no reader of YAML.

#[allow(dead_code, unreachable_pub, reason = "the tests of the pack are read by the tests of the plugin")]
#[path = "reader/falco.rs"]
mod falco;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::var("CARGO_MANIFEST_DIR")?;
    let folder = Path::new(&root).join("rules");
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=reader/falco.rs");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        names.push(entry?.file_name().into_string().map_err(|_| "a name of a file is not UTF-8")?);
    }
    names.sort();
    let mut files = Vec::new();
    for name in names.iter().filter(|name| name.ends_with(".yaml") && !falco::is_tests(name)) {
        files.push(falco::rules(name, &std::fs::read(folder.join(name))?)?);
    }
    let target = Path::new(&std::env::var("OUT_DIR")?).join("pack.json");
    std::fs::write(target, serde_json::Value::Array(files).to_string())?;
    Ok(())
}
