//! `[plugins]`: where plugins come from, and whom to believe about them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use distribution::{Authority, Identity, Policy, PublicKey, RegistryPattern, Revocations, Rule, Signers};
use model::Digest;
use serde::Deserialize;

/// Plugins beside the built-in ones, and whom to believe about them.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Plugins {
    /// Directories whose `*.wasm` files are loaded as plugins. What lies there is the operator's own act: no signature is asked for.
    pub(crate) directories: Vec<PathBuf>,
    /// Registries (`registry.example`) and parts of them (`registry.example/team`) that plugins may be fetched from; none by default.
    pub(crate) registries: Vec<String>,
    /// Public keys (PEM files) by the names that `trust` calls them by.
    pub(crate) keys: BTreeMap<String, PathBuf>,
    /// Those who sign by a certificate, by the names that `trust` calls them by.
    pub(crate) identities: BTreeMap<String, Signer>,
    /// Root certificates (PEM files) for identities.
    pub(crate) identity_roots: Vec<PathBuf>,
    /// Public key (PEM file) of the transparency log that proves when identities have signed.
    pub(crate) identity_log: Option<PathBuf>,
    /// Who must have signed which plugin. The first rule that fits counts; without one a plugin is refused.
    pub(crate) trust: Vec<Trust>,
    /// Credentials that the host puts into requests of plugins, by the names that plugins ask for.
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// Whether calls of image analyzers that fail are written down, with the file that they failed on, below `transcripts` in the
    /// data directory, to be repeated with `palisade plugin replay`.
    pub(crate) record_faults: bool,
    /// Keys of JSON whose values are not written down, beside the usual ones such as `password` and `token`.
    pub(crate) redact: Vec<String>,
    /// Whether a new version that asks for no more rights runs beside the old one first, until somebody promotes it.
    pub(crate) canary: bool,
    /// Revocation lists (JSON files). They add up, and count for built-in plugins too.
    pub(crate) revocations: Vec<PathBuf>,
}

/// A credential. Plugins never see it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Secret {
    /// File that holds it; read at every use, so that it can be rotated.
    pub(crate) file: PathBuf,
    /// How it is put in: `bearer`, `basic:USER`, `header:NAME`, or `aws-sigv4` for a shared credentials file of AWS, whose keys
    /// sign every request (Signature Version 4) and are not sent.
    pub(crate) inject: String,
    /// Hosts that it may go to, with a port where it is not 443. A grant can narrow this and not widen it.
    pub(crate) hosts: Vec<String>,
}

/// Somebody who signs by a certificate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Signer {
    /// The OpenID Connect provider that vouched.
    issuer: String,
    /// E-mail address or URI; with `*` at its end, everything that begins so.
    subject: String,
}

/// What is asked of some plugins.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Trust {
    /// A plugin id, `prefix.*` or `*`.
    plugins: String,
    /// Names of keys and identities, one of which must have signed.
    #[serde(default)]
    any_of: Vec<String>,
    /// Names of keys and identities, each of which must have signed.
    #[serde(default)]
    all_of: Vec<String>,
    /// The only digests that are accepted, of manifests or components.
    #[serde(default)]
    digests: Vec<Digest>,
    /// Accept without a signature.
    #[serde(default)]
    unsigned: bool,
    /// Names that signers may have signed for, besides the plugin's id and the repository it comes from.
    #[serde(default)]
    signed_as: Vec<String>,
}

impl Trust {
    fn rule(&self) -> Rule {
        let Self { plugins, any_of, all_of, digests, unsigned, signed_as } = self.clone();
        Rule { plugins, any_of, all_of, digests, unsigned, signed_as }
    }
}

impl Plugins {
    /// The trust policy.
    pub(crate) fn policy(&self) -> Result<Policy> {
        let keys = self.keys.iter().map(|(name, path)| Ok((name.clone(), public_key(path)?)));
        let keys = keys.collect::<Result<_>>().context("cannot use plugins.keys of the configuration")?;
        let rules = self.trust.iter().map(Trust::rule).collect();
        let identity =
            |signer: &Signer| Identity { issuer: signer.issuer.clone(), subject: signer.subject.clone() };
        let identities = self.identities.iter().map(|(name, signer)| (name.clone(), identity(signer)));
        let signers = Signers { keys, identities: identities.collect(), authority: self.authority()? };
        Policy::new(self.registry_patterns()?, signers, rules)
            .context("cannot use plugins.trust of the configuration")
    }

    fn authority(&self) -> Result<Option<Authority>> {
        let log = match (&self.identity_log, self.identity_roots.is_empty()) {
            (None, true) => return Ok(None),
            (Some(log), false) => public_key(log)?,
            _ => bail!("plugins.identity-roots and plugins.identity-log go together; one of them is missing"),
        };
        let mut roots = String::new();
        for path in &self.identity_roots {
            roots += &std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the root certificates {}", path.display()))?;
            roots.push('\n');
        }
        Ok(Some(
            Authority::new(&roots, log).context("cannot use plugins.identity-roots of the configuration")?,
        ))
    }

    /// A policy that trusts these keys alone, for every plugin.
    pub(crate) fn policy_of_keys(&self, files: &[PathBuf]) -> Result<Policy> {
        let keys = files.iter().map(|path| Ok((path.display().to_string(), public_key(path)?)));
        let keys: BTreeMap<String, PublicKey> = keys.collect::<Result<_>>()?;
        let any_of = keys.keys().cloned().collect();
        let rule = Rule { plugins: "*".to_owned(), any_of, ..Rule::default() };
        let signers = Signers { keys, ..Signers::default() };
        Ok(Policy::new(self.registry_patterns()?, signers, vec![rule])?)
    }

    fn registry_patterns(&self) -> Result<Vec<RegistryPattern>> {
        let patterns = self.registries.iter().map(|text| RegistryPattern::parse(text));
        patterns.collect::<Result<_, _>>().context("cannot use plugins.registries of the configuration")
    }

    /// Everything that is revoked. A list that is named and cannot be read is an error: without it nothing is judged.
    pub(crate) fn revoked(&self) -> Result<Revocations> {
        let mut all = Revocations::default();
        for path in &self.revocations {
            all.extend(revocations(path)?);
        }
        Ok(all)
    }
}

/// Reads a revocation list.
pub(crate) fn revocations(path: &Path) -> Result<Revocations> {
    let what = || format!("cannot use the revocation list {}", path.display());
    Revocations::read(&crate::data::read_capped(path, Revocations::BYTES_MAX)?).with_context(what)
}

fn public_key(path: &Path) -> Result<PublicKey> {
    let what = || format!("cannot use the public key {}", path.display());
    let text = std::fs::read_to_string(path).with_context(what)?;
    PublicKey::from_pem(&text).with_context(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Plugins {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_is_not_said_is_not_trusted() {
        let plugins = read("");
        assert!(plugins.policy().is_ok());
        assert_eq!(plugins.revoked().unwrap(), Revocations::default());
        let rule = read("[[trust]]\nplugins = \"a.*\"");
        assert!(format!("{:#}", rule.policy().unwrap_err()).contains("a.*"));
        assert!(toml::from_str::<Plugins>("[[trust]]\nplugin = \"a.*\"").is_err());
        assert!(toml::from_str::<Plugins>("[[trust]]\nplugins = \"*\"\ndigests = [\"sha256:1\"]").is_err());
    }

    #[test]
    fn files_that_are_named_must_be_there() {
        assert!(read("[keys]\na = \"/nowhere/a.pub\"").policy().is_err());
        assert!(read("revocations = [\"/nowhere/list.json\"]").revoked().is_err());
        assert!(read("identity-log = \"/nowhere/log.pub\"").policy().is_err());
        let lonely = "[identities.ci]\nissuer = \"https://issuer.example\"\nsubject = \"a@b\"";
        assert!(format!("{:#}", read(lonely).policy().unwrap_err()).contains("log key"));
        assert!(read("registries = [\"https://registry.example\"]").policy().is_err());
    }
}
