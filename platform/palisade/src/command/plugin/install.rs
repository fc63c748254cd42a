//! Installing: from a file, a registry or a bundle, under the trust policy.

use std::path::Path;

use anyhow::{Context as _, Result};
use distribution::{Artifact, Detached, Origin, Revocations, Signature, Verdict, read_bundle};
use image::Reference;
use store::VersionState;

use super::judge::Judge;
use super::local::Local;
use super::operate::{actor, with_catalog};
use super::registry::fetch;
use super::verify::is_component;
use crate::catalog::{Arrival, Installed};
use crate::config::Config;
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};

/// Installs what a file, a reference or a bundle holds.
pub(super) fn install(target: &str, canary: bool, config: &Config) -> Result<Outcome> {
    let judge = Judge::new(&[], config)?;
    let canary = canary || config.plugins.canary;
    let path = Path::new(target);
    if path.is_file() && is_component(path)? {
        let local = Local::read(path)?;
        let from = From { judge: &judge, origin: Origin::File, source: format!("the file {target}"), canary };
        return from.take(&local.artifact, &local.signatures, None, config);
    }
    if path.is_file() {
        let from =
            From { judge: &judge, origin: Origin::File, source: format!("the bundle {target}"), canary };
        let mut refused = false;
        read_bundle(path, |entry, revocations| -> Result<()> {
            let outcome = from.take(&entry.artifact, &entry.signatures, revocations, config)?;
            refused |= outcome != Outcome::Clean;
            Ok(())
        })
        .with_context(|| format!("cannot use the bundle {}", path.display()))?;
        return Ok(if refused { Outcome::PolicyFailed } else { Outcome::Clean });
    }
    let reference = Reference::parse(target)?;
    let Some(pulled) = fetch(&reference, &judge, config)? else { return Ok(Outcome::PolicyFailed) };
    let source = reference.to_string();
    let from = From { judge: &judge, origin: Origin::Registry(reference), source, canary };
    from.take(&pulled.artifact, &pulled.signatures, None, config)
}

/// Puts a component of the operator's own in force, as he who may write the store can, and grants it what it asks for. Signatures
/// are for what comes from elsewhere; revocations count all the same.
pub(crate) fn install_own(component: &Path, config: &Config) -> Result<String> {
    let local = Local::read(component)?;
    let arrival = Arrival {
        component: local.artifact.component(),
        signers: Vec::new(),
        proof: None,
        source: format!("palisade plugin dev, {}", component.display()),
        canary: false,
    };
    let id = local.inspection.manifest.id.clone();
    let rights = local.inspection.manifest.asked();
    with_catalog(config, async |catalog| {
        let installed = catalog.install(&arrival, &actor()).await?;
        let mut state = installed.state;
        if state == VersionState::Waiting {
            state = catalog.grant(&id, Some(&installed.digest), &rights, false, &actor()).await?.state;
        }
        Ok(format!("{id} {} is {} in this installation", installed.version, state.as_str()))
    })
}

/// Where plugins are taken from, and how.
struct From<'a> {
    judge: &'a Judge,
    origin: Origin,
    source: String,
    canary: bool,
}

impl From<'_> {
    /// Decides about one artifact and installs it.
    fn take(
        &self,
        artifact: &Artifact,
        signatures: &[Signature],
        more: Option<&Revocations>,
        config: &Config,
    ) -> Result<Outcome> {
        let judged = self.judge.judge(artifact, signatures, &self.origin, more)?;
        let signers = match &judged.verdict {
            Verdict::Accepted { signers } => signers.clone(),
            Verdict::Refused(_) => {
                write_stdout(judged.text())?;
                return Ok(Outcome::PolicyFailed);
            }
        };
        let component = artifact.component();
        let proof = Some(Detached::new(artifact, signatures.to_vec()).write()?);
        let arrival = Arrival { component, signers, proof, source: self.source.clone(), canary: self.canary };
        let installed = with_catalog(config, async |catalog| catalog.install(&arrival, &actor()).await)?;
        write_stdout(&told(&installed))?;
        Ok(Outcome::Clean)
    }
}

fn told(installed: &Installed) -> String {
    let Installed { plugin, version, digest, state, difference } = installed;
    let mut out =
        format!("{} {} is {}\n  digest  {digest}\n", visible(plugin), visible(version), state.as_str());
    for line in difference.text().lines() {
        out.push_str(&format!("  {}\n", visible(line)));
    }
    match state {
        VersionState::Waiting => out.push_str(&format!(
            "It asks for the rights marked with + and runs once they are decided about:\n  \
             palisade plugin grant {plugin} --all, or with the rights that you name\n"
        )),
        VersionState::Canary => out.push_str(&format!(
            "It runs beside the version in force, until\n  palisade plugin promote {plugin}\n"
        )),
        _ => {}
    }
    out
}
