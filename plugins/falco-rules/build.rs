//! Reads the pack of rules as the platform reads an operator's files, so that the plugin needs no reader of YAML.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::var("CARGO_MANIFEST_DIR")?;
    let folder = Path::new(&root).join("rules");
    println!("cargo::rerun-if-changed=rules");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        names.push(entry?.file_name().into_string().map_err(|_| "a name of a file is not UTF-8")?);
    }
    names.sort();
    let mut files = Vec::new();
    for name in names.iter().filter(|name| name.ends_with(".yaml") && !rules::TestFile::is(name)) {
        files.push(rules::falco::rules(name, &std::fs::read(folder.join(name))?)?);
    }
    let target = Path::new(&std::env::var("OUT_DIR")?).join("pack.json");
    std::fs::write(target, serde_json::Value::Array(files).to_string())?;
    Ok(())
}
