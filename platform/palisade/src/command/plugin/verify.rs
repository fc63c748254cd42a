//! Whether plugins may be installed, wherever they are.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use distribution::{Origin, read_bundle};
use image::Reference;

use super::judge::Judge;
use super::local::Local;
use super::registry::fetch;
use crate::config::Config;
use crate::exit::Outcome;
use crate::output::write_stdout;

/// How every WebAssembly file begins.
const WASM_MAGIC: [u8; 4] = *b"\0asm";

/// Decides about a component file, a bundle or a reference.
pub(super) fn verify(target: &str, keys: &[PathBuf], config: &Config) -> Result<Outcome> {
    let path = Path::new(target);
    if path.is_file() {
        return if is_component(path)? { component(path, keys, config) } else { bundle(path, keys, config) };
    }
    let reference = Reference::parse(target)?;
    let judge = Judge::new(keys, config)?;
    let Some(pulled) = fetch(&reference, &judge, config)? else { return Ok(Outcome::PolicyFailed) };
    let origin = Origin::Registry(reference);
    let judged = judge.judge(&pulled.artifact, &pulled.signatures, &origin, None)?;
    write_stdout(judged.text())?;
    Ok(judged.outcome())
}

pub(super) fn is_component(path: &Path) -> Result<bool> {
    let mut start = Vec::new();
    let file = std::fs::File::open(path);
    file.and_then(|file| file.take(4).read_to_end(&mut start))
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(start == WASM_MAGIC)
}

fn component(path: &Path, keys: &[PathBuf], config: &Config) -> Result<Outcome> {
    let judge = Judge::new(keys, config)?;
    let local = Local::read(path)?;
    let judged = judge.judge(&local.artifact, &local.signatures, &Origin::File, None)?;
    write_stdout(judged.text())?;
    Ok(judged.outcome())
}

/// Decides about every plugin of a bundle.
pub(super) fn bundle(path: &Path, keys: &[PathBuf], config: &Config) -> Result<Outcome> {
    let judge = Judge::new(keys, config)?;
    let (mut count, mut refused) = (0_usize, 0_usize);
    read_bundle(path, |entry, revocations| -> Result<()> {
        let judged = judge.judge(&entry.artifact, &entry.signatures, &Origin::File, revocations)?;
        count += 1;
        refused += usize::from(!judged.verdict.accepted());
        write_stdout(judged.text())
    })
    .with_context(|| format!("cannot use the bundle {}", path.display()))?;
    write_stdout(&format!("{count} plugins, {refused} refused\n"))?;
    Ok(if refused == 0 { Outcome::Clean } else { Outcome::PolicyFailed })
}
