//! To and from registries.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use distribution::{Detached, Origin, Pulled, registry_refusal};
use image::Reference;

use super::judge::{Judge, reason};
use super::local::{Local, private_key, signature_file};
use super::sign::with_signature;
use crate::config::Config;
use crate::data::write_whole;
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::serve::open_options;

/// Uploads a component and its signatures.
pub(super) fn push(file: &Path, reference: &str, sign_key: Option<&Path>, config: &Config) -> Result<String> {
    let reference = Reference::parse(reference)?;
    let options = open_options(config, None)?;
    let mut local = Local::read(file)?;
    if let Some(key) = sign_key {
        let id = local.inspection.manifest.id.clone();
        local.signatures = with_signature(&local, &private_key(key)?, &id)?;
    }
    let what = || format!("cannot push to {reference}");
    let digest = distribution::push(&local.artifact, &reference, &options).with_context(what)?;
    if !local.signatures.is_empty() {
        distribution::push_signatures(&digest, &local.signatures, &reference, &options).with_context(what)?;
    }
    Ok(format!(
        "pushed     {} {} to {reference}\nmanifest   {digest}\nsignatures {}\n",
        local.inspection.manifest.id,
        local.inspection.manifest.version,
        local.signatures.len()
    ))
}

/// Fetches from a registry that may be asked; `None`, and a line that says so, from another.
pub(super) fn fetch(reference: &Reference, judge: &Judge, config: &Config) -> Result<Option<Pulled>> {
    if let Some(refusal) = registry_refusal(reference, &judge.0.policy) {
        write_stdout(&format!("refused  {reference}\n  because    {}\n", visible(&reason(&refusal))))?;
        return Ok(None);
    }
    let options = open_options(config, None)?;
    distribution::pull(reference, &options).with_context(|| format!("cannot pull {reference}")).map(Some)
}

/// Fetches a plugin and writes it, with its signatures beside it, if it may be installed.
pub(super) fn pull(reference: &str, output: Option<PathBuf>, config: &Config) -> Result<Outcome> {
    let reference = Reference::parse(reference)?;
    let judge = Judge::new(&[], config)?;
    let Some(pulled) = fetch(&reference, &judge, config)? else { return Ok(Outcome::PolicyFailed) };
    let judged = judge.judge(&pulled.artifact, &pulled.signatures, &Origin::Registry(reference), None)?;
    write_stdout(judged.text())?;
    if judged.verdict.accepted() {
        let manifest = &judged.inspection.manifest;
        // Both are letters, digits and . - + alone, or the inspection would have refused them.
        let usual = || PathBuf::from(format!("{}-{}.wasm", manifest.id, manifest.version));
        let output = output.unwrap_or_else(usual);
        let detached = Detached::new(&pulled.artifact, pulled.signatures).write()?;
        write_whole(&signature_file(&output), &detached)?;
        write_whole(&output, pulled.artifact.component())?;
        write_stdout(&format!("written    {}\n", visible(&output.display().to_string())))?;
    }
    Ok(judged.outcome())
}
