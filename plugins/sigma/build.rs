//! Makes of the packs, which are YAML for people, the JSON that is built in.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("rules");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.sort();
    let mut packs = String::from("&[\n");
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let Some(pack) = name.strip_suffix(".yml").filter(|_| !rules::TestFile::is(&name)) else { continue };
        let documents = rules::sigma::read(&name, &std::fs::read(&file)?)?;
        let text = rules::sigma::rules(&documents).to_string();
        writeln!(packs, "({pack:?}, {text:?}),")?;
    }
    packs.push(']');
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("packs.rs"), packs)?;
    Ok(())
}
