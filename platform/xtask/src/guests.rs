//! Builds the guests: every plugin of the guest workspaces becomes one component, `target/guests/<package>.wasm`.
//!
//! A guest is a workspace member that is a `cdylib` and has a `plugin.toml` beside its `Cargo.toml`. Its core module is
//! turned into a component and validated, and the manifest is appended as the custom section `palisade:manifest`, where
//! the host reads it without running anything. The same sources and compiler give the same bytes, wherever the checkout
//! is: paths of the machine are mapped away.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use componentize::{TARGET, Toolchain};
use serde_json::Value;

use crate::toolchain::run;

/// Workspaces of guests, from the repository's root.
const WORKSPACES: [&str; 2] = ["plugins", "tests/guests"];

/// One plugin to build.
struct Guest {
    /// Package name, and the name of the component.
    package: String,
    /// Name of the cdylib target, which names the core module.
    library: String,
    /// The package's directory.
    directory: PathBuf,
}

/// Builds all guests, or the one of this package name.
pub(crate) fn build(only: Option<&str>) -> Result<()> {
    let root = crate::repository_root()?;
    let toolchain = crate::toolchain::find()?;
    let output = root.join("target/guests");
    std::fs::create_dir_all(&output).with_context(|| format!("cannot create {}", output.display()))?;
    let mut built = BTreeSet::new();
    for workspace in WORKSPACES.map(|folder| root.join(folder)) {
        if !workspace.join("Cargo.toml").exists() {
            continue;
        }
        let guests: Vec<Guest> = members(&toolchain, &workspace)?
            .into_iter()
            .filter(|guest| only.is_none_or(|name| name == guest.package))
            .collect();
        for guest in &guests {
            if !built.insert(guest.package.clone()) {
                bail!("two guests are named {}; rename the one in {}", guest.package, workspace.display());
            }
        }
        if !guests.is_empty() {
            build_workspace(&toolchain, &root, &workspace, &guests, &output)?;
        }
    }
    match only {
        Some(name) if built.is_empty() => bail!("no guest is named {name}"),
        _ => Ok(()),
    }
}

/// The plugins among a workspace's members.
fn members(toolchain: &Toolchain, workspace: &Path) -> Result<Vec<Guest>> {
    let printed = toolchain
        .cargo(workspace)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cannot run cargo metadata")?;
    if !printed.status.success() {
        bail!(
            "cargo metadata of {}: {}",
            workspace.display(),
            String::from_utf8_lossy(&printed.stderr).trim()
        );
    }
    let metadata: Value = serde_json::from_slice(&printed.stdout).context("cannot read cargo metadata")?;
    let packages = metadata.get("packages").and_then(Value::as_array).into_iter().flatten();
    Ok(packages.filter_map(guest).collect())
}

fn guest(package: &Value) -> Option<Guest> {
    let directory = Path::new(package.get("manifest_path")?.as_str()?).parent()?.to_owned();
    let library = package.get("targets")?.as_array()?.iter().find(|target| {
        let kinds = target.get("crate_types").and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
    })?;
    directory.join("plugin.toml").exists().then_some(())?;
    Some(Guest {
        package: package.get("name")?.as_str()?.to_owned(),
        library: library.get("name")?.as_str()?.replace('-', "_"),
        directory,
    })
}

fn build_workspace(
    toolchain: &Toolchain,
    root: &Path,
    workspace: &Path,
    guests: &[Guest],
    output: &Path,
) -> Result<()> {
    let inputs = hash_of_inputs(toolchain, root, workspace)?;
    let stamp = |guest: &Guest| output.join(format!("{}.inputs", guest.package));
    let component = |guest: &Guest| output.join(format!("{}.wasm", guest.package));
    let stale: Vec<&Guest> = guests
        .iter()
        .filter(|guest| {
            !component(guest).exists() || std::fs::read_to_string(stamp(guest)).ok().as_ref() != Some(&inputs)
        })
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    let target = root.join("target/guest-build");
    let mut cargo = toolchain.cargo(workspace);
    cargo.args(["build", "--release", "--target", TARGET]).args(toolchain.build_arguments());
    for guest in &stale {
        cargo.args(["--package", &guest.package]);
    }
    cargo.env("CARGO_TARGET_DIR", &target).env("CARGO_ENCODED_RUSTFLAGS", toolchain.flags(Some(root)));
    run(&mut cargo)?;
    for guest in stale {
        let module = target.join(TARGET).join("release").join(format!("{}.wasm", guest.library));
        let bytes = packed(&module, &guest.directory)
            .with_context(|| format!("cannot make a component of {}", guest.package))?;
        write_if_changed(&component(guest), &bytes)?;
        write_if_changed(&stamp(guest), inputs.as_bytes())?;
        println!("guests: {} ({} KiB)", component(guest).display(), bytes.len() / 1024);
    }
    Ok(())
}

fn packed(module: &Path, directory: &Path) -> Result<Vec<u8>> {
    let core = std::fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let text = componentize::manifest_text(directory)
        .with_context(|| format!("cannot read the manifest in {}", directory.display()))?;
    Ok(componentize::component(&core, &text)?)
}

/// Leaves the file alone when it is the same, so that nothing is rebuilt because of its time.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// One word for everything that a workspace's guests are made of: its files, the contract, the compiler and this program's
/// own text.
fn hash_of_inputs(toolchain: &Toolchain, root: &Path, workspace: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    let makers = [
        include_str!("guests.rs"),
        include_str!("../../componentize/src/lib.rs"),
        include_str!("../../componentize/src/toolchain.rs"),
    ];
    (toolchain.version(), makers).hash(&mut hasher);
    // Guests may use crates of the plugins' workspace, such as the SDK.
    let folders = BTreeSet::from([workspace.to_owned(), root.join("plugins"), root.join("wit")]);
    for folder in folders {
        hash_folder(&folder, root, &mut hasher)?;
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

fn hash_folder(folder: &Path, root: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let listed = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if path.file_name() != Some(OsStr::new("target")) {
                hash_folder(&path, root, hasher)?;
            }
            continue;
        }
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        (path.strip_prefix(root).unwrap_or(&path), bytes).hash(hasher);
    }
    Ok(())
}
