//! The plugins of this process: those built into the binary, and those in configured directories.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use distribution::{Origin, Policy, Revocations, Subject, Verdict};
use engine::{AnalyzerPlugin, Plan};
use host::{Compiler, Host, HostOptions};

use crate::config::Config;
use crate::data::DataDir;

/// First-party components; empty where `cargo xtask guests` had not been run (see `build.rs`).
const BUILT_IN: [&[u8]; 1] = [include_bytes!(concat!(env!("OUT_DIR"), "/image-packages.wasm"))];

/// The bytes of one component and where they came from.
pub(crate) struct Component {
    /// `built-in`, or the file.
    pub(crate) origin: String,
    /// The component.
    pub(crate) bytes: Cow<'static, [u8]>,
}

/// Every component that this process would load, built-in ones first, then by file name.
pub(crate) fn components(config: &Config) -> Result<Vec<Component>> {
    let built_in = BUILT_IN.into_iter().filter(|bytes| !bytes.is_empty());
    let mut found: Vec<Component> = built_in
        .map(|bytes| Component { origin: "built-in".to_owned(), bytes: Cow::Borrowed(bytes) })
        .collect();
    for directory in &config.plugins.directories {
        for path in wasm_files(directory)? {
            let bytes =
                std::fs::read(&path).with_context(|| format!("cannot read the plugin {}", path.display()))?;
            found.push(Component { origin: path.display().to_string(), bytes: Cow::Owned(bytes) });
        }
    }
    Ok(found)
}

fn wasm_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let what = || format!("cannot list the plugin directory {}", directory.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).with_context(what)? {
        let path = entry.with_context(what)?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The first argument that makes this program compile one plugin and end.
const COMPILE: &str = "plugin-compile";

/// The bounds that a compiling process was given; nothing for every other command.
pub(crate) fn compiler_bounds() -> Option<Vec<OsString>> {
    let mut arguments = std::env::args_os().skip(1);
    (arguments.next()? == COMPILE).then(|| arguments.collect())
}

/// A host that keeps compiled code in the data directory, and compiles in processes of their own.
pub(crate) fn host(data: &DataDir) -> Result<Host> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let options = HostOptions {
        cache_dir: Some(data.compiled_plugins()),
        compiler: Some(Compiler::new(program, vec![COMPILE.into()])),
        ..HostOptions::default()
    };
    Host::new(options).context("cannot start the plugin host")
}

/// The operator has chosen these plugins; what is revoked is refused all the same, at every load.
fn refuse_revoked(component: &Component, revocations: &Revocations) -> Result<()> {
    // Inspecting hashes the component, which start-up need not pay where nothing is revoked.
    if *revocations == Revocations::default() {
        return Ok(());
    }
    let inspection = host::inspect(&component.bytes)?;
    let subject = Subject {
        digest: None,
        component: &inspection.digest,
        id: &inspection.manifest.id,
        version: &inspection.manifest.version,
        origin: &Origin::Operator,
    };
    match distribution::decide(&subject, &[], &Policy::default(), revocations) {
        Verdict::Accepted { .. } => Ok(()),
        Verdict::Refused(refusals) => match refusals.into_iter().next() {
            Some(refusal) => Err(refusal.into()),
            None => bail!("it was refused without a reason"),
        },
    }
}

/// Loads every plugin with no grants: an image analyzer needs none, and nothing else is called yet.
pub(crate) fn load(config: &Config, host: &Host) -> Result<Plan> {
    let mut analyzers = Vec::new();
    let revocations = config.plugins.revoked()?;
    for component in components(config)? {
        refuse_revoked(&component, &revocations)
            .with_context(|| format!("the plugin {} may not be loaded", component.origin))?;
        let plugin = host
            .load(&component.bytes)
            .with_context(|| format!("cannot load the plugin {}", component.origin))?;
        analyzers.push(AnalyzerPlugin::new(plugin, "{}".to_owned()));
    }
    if analyzers.is_empty() {
        bail!(
            "this binary was built without its plugins; run `cargo xtask guests` and build it again, or name a \
             directory of plugins in the configuration (plugins.directories)"
        );
    }
    Ok(Plan::new(analyzers)?)
}
