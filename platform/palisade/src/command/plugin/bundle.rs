//! Bundles: plugins for machines without a network.

use std::path::Path;

use anyhow::{Context as _, Result};
use distribution::{Bundle, BundleEntry, Origin, write_bundle};
use image::Reference;

use super::judge::Judge;
use super::local::Local;
use super::registry::fetch;
use crate::config::{Config, revocations};
use crate::data::write_whole_with;
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};

/// Writes a bundle of component files and references.
pub(super) fn export(
    plugins: &[String],
    output: &Path,
    list: Option<&Path>,
    config: &Config,
) -> Result<Outcome> {
    let mut bundle = Bundle { revocations: list.map(revocations).transpose()?, ..Bundle::default() };
    for plugin in plugins {
        match entry(plugin, config)? {
            Some(entry) => bundle.entries.push(entry),
            None => return Ok(Outcome::PolicyFailed),
        }
    }
    write_whole_with(output, |mut file| Ok(write_bundle(&bundle, &mut file)?))?;
    let signatures: usize = bundle.entries.iter().map(|entry| entry.signatures.len()).sum();
    let count = bundle.entries.len();
    let name = output.display().to_string();
    write_stdout(&format!("written    {} ({count} plugins, {signatures} signatures)\n", visible(&name)))?;
    Ok(Outcome::Clean)
}

/// A file is taken as it is, being ours; what comes from a registry must be acceptable. `None`, once it is told why,
/// when it is not.
fn entry(plugin: &str, config: &Config) -> Result<Option<BundleEntry>> {
    let path = Path::new(plugin);
    if path.is_file() {
        let local = Local::read(path)?;
        return Ok(Some(BundleEntry { artifact: local.artifact, signatures: local.signatures }));
    }
    let reference = Reference::parse(plugin)?;
    let judge = Judge::new(&[], config)?;
    let Some(pulled) = fetch(&reference, &judge, config)? else { return Ok(None) };
    let judged = judge
        .judge(&pulled.artifact, &pulled.signatures, &Origin::Registry(reference), None)
        .with_context(|| format!("cannot use {plugin}"))?;
    if !judged.verdict.accepted() {
        write_stdout(judged.text())?;
        return Ok(None);
    }
    Ok(Some(BundleEntry { artifact: pulled.artifact, signatures: pulled.signatures }))
}
