//! Puts the templates, the SDK and the contract into the library, so that `palisade plugin new` needs nothing but the binary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What is embedded, from the repository's root.
const FOLDERS: [&str; 4] = ["plugins/templates", "plugins/sdk", "plugins/sdk-macros", "wit"];

/// Folders of build output, and the frozen texts of the contract, which name the same packages again.
const LEFT_OUT: [&str; 6] = ["target", "node_modules", "__pycache__", "build", ".venv", "published"];

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = manifest.join("../..");
    let mut table = String::from("[\n");
    for folder in FOLDERS {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        embed(&root, Path::new(folder), &mut table)?;
    }
    table.push_str("]\n");
    let output = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(output.join("files.rs"), table)
}

fn embed(root: &Path, folder: &Path, table: &mut String) -> io::Result<()> {
    let mut entries = fs::read_dir(root.join(folder))?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let path = folder.join(&name);
        let kind = entry.file_type()?;
        if kind.is_dir() && !LEFT_OUT.iter().any(|left_out| name == *left_out) {
            embed(root, &path, table)?;
        } else if kind.is_file() {
            let real = root.join(&path).canonicalize()?;
            let _ =
                writeln!(table, "    ({:?}, include_bytes!({real:?}) as &[u8]),", path.display().to_string());
        }
    }
    Ok(())
}
