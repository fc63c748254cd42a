//! The decision about a plugin, and how it is told.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use distribution::{Artifact, Origin, Refusal, Revocations, Signature, Subject, Verdict};
use host::Inspection;

use super::local::inspect;
use crate::config::Config;
use crate::exit::Outcome;
use crate::output::visible;
use crate::trust::Trust;

/// Judges by a trust policy.
pub(super) struct Judge(pub(super) Trust);

/// A decision, and what it is about.
pub(super) struct Judged {
    pub(super) inspection: Inspection,
    pub(super) verdict: Verdict,
    text: String,
}

impl Judge {
    /// The judge of the configuration; with keys, one that trusts these alone.
    pub(super) fn new(keys: &[PathBuf], config: &Config) -> Result<Self> {
        if keys.is_empty() {
            return Ok(Self(Trust::of(config)?));
        }
        let (policy, revocations) = (config.plugins.policy_of_keys(keys)?, config.plugins.revoked()?);
        Ok(Self(Trust { policy, revocations }))
    }

    /// Inspects the component of an artifact and decides about it.
    pub(super) fn judge(
        &self,
        artifact: &Artifact,
        signatures: &[Signature],
        origin: &Origin,
        more: Option<&Revocations>,
    ) -> Result<Judged> {
        let inspection =
            inspect(artifact.component()).with_context(|| format!("cannot use {}", artifact.digest()))?;
        let manifest = &inspection.manifest;
        let mut revocations = self.0.revocations.clone();
        revocations.extend(more.cloned().unwrap_or_default());
        let subject = Subject::of(artifact, &manifest.id, &manifest.version, origin);
        let verdict = distribution::decide(&subject, signatures, &self.0.policy, &revocations);
        let text = told(artifact, &inspection, &verdict);
        Ok(Judged { inspection, verdict, text })
    }
}

impl Judged {
    /// The decision for people.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How a command that decides about this alone ends.
    pub(super) fn outcome(&self) -> Outcome {
        if self.verdict.accepted() { Outcome::Clean } else { Outcome::PolicyFailed }
    }
}

fn told(artifact: &Artifact, inspection: &Inspection, verdict: &Verdict) -> String {
    let manifest = &inspection.manifest;
    let word = if verdict.accepted() { "accepted" } else { "refused" };
    let mut out = format!("{word}  {} {}\n", manifest.id, manifest.version);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:10} {}", visible(value));
    };
    line("publisher", &manifest.publisher);
    line("manifest", artifact.digest().as_str());
    line("component", artifact.component_digest().as_str());
    match verdict {
        Verdict::Accepted { signers } if signers.is_empty() => {
            line("signed by", "nobody; the rule does not ask for it")
        }
        Verdict::Accepted { signers } => line("signed by", &signers.join(", ")),
        Verdict::Refused(refusals) => refusals.iter().for_each(|refusal| line("because", &reason(refusal))),
    }
    out
}

/// A refusal with its code, as errors have it.
pub(super) fn reason(refusal: &Refusal) -> String {
    format!("{refusal} (the code is {})", refusal.code())
}
