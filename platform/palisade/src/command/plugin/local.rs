//! Component files, and the signatures that lie beside them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use distribution::{About, Artifact, COMPONENT_BYTES_MAX, Detached, PrivateKey, Signature};
use host::Inspection;

use crate::data::read_capped;

/// A component file as an artifact.
pub(super) struct Local {
    /// The artifact.
    pub(super) artifact: Artifact,
    /// The signatures beside it.
    pub(super) signatures: Vec<Signature>,
    /// What the component says of itself.
    pub(super) inspection: Inspection,
}

impl Local {
    /// Reads a component file, and `FILE.sig.json` where there is one.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let component = read_component(file)?;
        let inspection = inspect(&component).with_context(|| cannot(file))?;
        match detached(file)? {
            None => Self::unsigned(component, inspection),
            Some(detached) => {
                let artifact = detached.artifact(component).with_context(|| {
                    format!("cannot use the signatures {}", signature_file(file).display())
                })?;
                Ok(Self { artifact, signatures: detached.signatures, inspection })
            }
        }
    }

    /// The same for signing anew: signatures of what the file was before are of no use any more.
    pub(super) fn read_to_sign(file: &Path) -> Result<Self> {
        let component = read_component(file)?;
        let inspection = inspect(&component).with_context(|| cannot(file))?;
        let own = detached(file)?.and_then(|detached| {
            let artifact = detached.artifact(component.clone()).ok()?;
            Some((artifact, detached.signatures))
        });
        match own {
            Some((artifact, signatures)) => Ok(Self { artifact, signatures, inspection }),
            None => Self::unsigned(component, inspection),
        }
    }

    fn unsigned(component: Vec<u8>, inspection: Inspection) -> Result<Self> {
        let artifact = Artifact::build(component, &about(&inspection))?;
        Ok(Self { artifact, signatures: Vec::new(), inspection })
    }
}

/// What lies beside a component file. That it cannot be read is an error, as it might be somebody's only signature.
fn detached(file: &Path) -> Result<Option<Detached>> {
    let beside = signature_file(file);
    if !beside.exists() {
        return Ok(None);
    }
    let bytes = read_capped(&beside, Detached::BYTES_MAX)?;
    let what = || format!("cannot use the signatures {}", beside.display());
    Detached::read(&bytes).with_context(what).map(Some)
}

fn cannot(file: &Path) -> String {
    format!("cannot use the plugin {}", file.display())
}

fn read_component(file: &Path) -> Result<Vec<u8>> {
    // One byte more than allowed, so that the host's own refusal is told.
    read_capped(file, COMPONENT_BYTES_MAX + 1)
}

/// `FILE.sig.json`.
pub(super) fn signature_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig.json");
    PathBuf::from(name)
}

/// What a component says of itself. Nothing of it is run.
pub(super) fn inspect(component: &[u8]) -> Result<Inspection> {
    Ok(host::inspect(component)?)
}

fn about(inspection: &Inspection) -> About {
    let manifest = &inspection.manifest;
    About {
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        license: manifest.license.clone(),
        description: manifest.description.clone(),
        imports: inspection.imports.clone(),
        exports: inspection.kinds.iter().map(|kind| kind.interface()).collect(),
    }
}

/// Reads a private key.
pub(super) fn private_key(file: &Path) -> Result<PrivateKey> {
    let what = || format!("cannot use the private key {}", file.display());
    let text = std::fs::read_to_string(file).with_context(what)?;
    PrivateKey::from_pem(&text).with_context(what)
}
