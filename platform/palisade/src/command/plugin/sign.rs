//! Keys and signatures.

use std::path::{Path, PathBuf};

use anyhow::Result;
use distribution::{Algorithm, Detached, PrivateKey, Signature};

use super::local::{Local, private_key, signature_file};
use crate::cli::SigningAlgorithm;
use crate::data::{create, write_whole};
use crate::output::visible;

/// Makes a pair of keys.
pub(super) fn keygen(output: &Path, algorithm: SigningAlgorithm) -> Result<String> {
    let key = PrivateKey::generate(match algorithm {
        SigningAlgorithm::EcdsaP256 => Algorithm::EcdsaP256,
        SigningAlgorithm::Ed25519 => Algorithm::Ed25519,
    })?;
    let (private, public) = (with_ending(output, ".key"), with_ending(output, ".pub"));
    create(&private, 0o600, &key.to_pem())?;
    create(&public, 0o644, &key.public().to_pem())?;
    Ok(format!(
        "private key  {} (keep it secret)\npublic key   {}\nkey id       {}\n",
        visible(&private.display().to_string()),
        visible(&public.display().to_string()),
        key.public().id()
    ))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Signs a component file and keeps the signature beside it.
pub(super) fn sign(file: &Path, key: &Path, name: Option<String>) -> Result<String> {
    let key = private_key(key)?;
    let local = Local::read_to_sign(file)?;
    let name = name.unwrap_or_else(|| local.inspection.manifest.id.clone());
    let signatures = with_signature(&local, &key, &name)?;
    let beside = signature_file(file);
    write_whole(&beside, &Detached::new(&local.artifact, signatures).write()?)?;
    Ok(format!(
        "signed     {} {} as {}\nmanifest   {}\nkey id     {}\nsignature  {}\n",
        local.inspection.manifest.id,
        local.inspection.manifest.version,
        visible(&name),
        local.artifact.digest(),
        key.public().id(),
        visible(&beside.display().to_string())
    ))
}

/// The signatures of a component with one more. An older one of the same key for the same name is replaced: signatures
/// differ from time to time, and would only pile up.
pub(super) fn with_signature(local: &Local, key: &PrivateKey, name: &str) -> Result<Vec<Signature>> {
    let new = distribution::sign(&local.artifact, name, key)?;
    let public = key.public();
    let older =
        |known: &Signature| known.payload == new.payload && public.verifies(&known.payload, &known.signature);
    let mut signatures = local.signatures.clone();
    signatures.retain(|known| !older(known));
    signatures.push(new);
    Ok(signatures)
}
