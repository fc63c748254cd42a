//! Whom this installation believes about plugins, and what is revoked.

use anyhow::{Context as _, Result};
use distribution::{Detached, Origin, Policy, Refusal, Revocations, Subject, Verdict};
use store::PluginVersion;

use crate::config::Config;

/// Policy and revocation lists of the configuration.
pub(crate) struct Trust {
    pub(crate) policy: Policy,
    pub(crate) revocations: Revocations,
}

impl Trust {
    /// As the configuration stands now.
    ///
    /// # Errors
    /// Keys, roots or lists that are named and cannot be read.
    pub(crate) fn of(config: &Config) -> Result<Self> {
        Ok(Self { policy: config.plugins.policy()?, revocations: config.plugins.revoked()? })
    }

    /// Why an installed version may not be used any more: it is revoked, or nobody who signed it is believed any more. `proof`
    /// holds the signatures that it was installed with, in the form of [`Detached`]; without one it was the operator's own act,
    /// and revocations alone count.
    ///
    /// # Errors
    /// A proof that the store cannot have been given.
    pub(crate) fn refusals(&self, version: &PluginVersion, proof: Option<&[u8]>) -> Result<Vec<Refusal>> {
        let proof = proof
            .map(Detached::read)
            .transpose()
            .with_context(|| format!("the store holds signatures of {} that are none", version.plugin))?;
        let manifest = proof.as_ref().map(Detached::digest);
        let subject = Subject {
            digest: manifest.as_ref(),
            component: &version.digest,
            id: &version.plugin,
            version: &version.version,
            // The list of registries says where plugins may be fetched from; this one is here.
            origin: if proof.is_some() { &Origin::File } else { &Origin::Operator },
        };
        let signatures = proof.as_ref().map_or(&[][..], |proof| &proof.signatures);
        Ok(match distribution::decide(&subject, signatures, &self.policy, &self.revocations) {
            Verdict::Accepted { .. } => Vec::new(),
            Verdict::Refused(refusals) => refusals,
        })
    }
}
