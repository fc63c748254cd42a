//! The life of installed plugins: in, judged, compiled, waiting or in force, beside or retired.
//!
//! The store holds the truth, so the command line and every process of the service see and decide the same. A version is
//! put in force only after the host has loaded it; a version that asks for more than the one in force waits until
//! somebody has read the difference; and what is revoked is refused at every load, not only at the first.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use distribution::Refusal;
use host::{Host, Plugin, Rights, RightsDifference};
use jiff::Timestamp;
use model::{Digest, TenantId};
use store::{NewPluginVersion, PluginVersion, Store, VersionChange, VersionState};
use thiserror::Error;

use crate::trust::Trust;

/// The plugins of one tenant.
pub(crate) struct Catalog {
    pub(crate) store: Store,
    pub(crate) host: Host,
    pub(crate) tenant: TenantId,
    pub(crate) trust: Trust,
}

/// Who decides, and how it is called in the audit log.
#[derive(Debug, Clone)]
pub(crate) struct Actor(pub(crate) String);

/// What became of a version that was installed.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) plugin: String,
    pub(crate) version: String,
    pub(crate) digest: Digest,
    pub(crate) state: VersionState,
    /// Rights that it asks for and the version in force does not, and the other way round.
    pub(crate) difference: RightsDifference,
}

/// A decision that cannot be carried out.
#[derive(Debug, Error)]
pub(crate) enum CatalogError {
    /// No such plugin is installed.
    #[error("no plugin {plugin:?} is installed; `palisade plugin list` shows what is")]
    Unknown {
        /// What was asked for.
        plugin: String,
    },
    /// The plugin has no version to which this can be done.
    #[error("{plugin} has no version that {what}")]
    NoVersion {
        /// Id of the plugin.
        plugin: String,
        /// Which was looked for.
        what: String,
    },
    /// It asks for rights that nobody has decided about.
    #[error("{plugin} {version} asks for rights that nobody has decided about; `palisade plugin grant` does")]
    Undecided {
        /// Id of the plugin.
        plugin: String,
        /// Its version.
        version: String,
    },
    /// It is revoked.
    #[error("{plugin} {version} may not be used: {reason}")]
    Revoked {
        /// Id of the plugin.
        plugin: String,
        /// Its version.
        version: String,
        /// What the revocation list says.
        reason: String,
    },
    /// Nobody who signed it is believed any more.
    #[error("{plugin} {version} is not trusted any more: {reason}")]
    Distrusted {
        /// Id of the plugin.
        plugin: String,
        /// Its version.
        version: String,
        /// What the policy says.
        reason: String,
    },
    /// Rights that have no effect.
    #[error("{plugin} does not ask for {rights}; a grant of it would do nothing")]
    NotAsked {
        /// Id of the plugin.
        plugin: String,
        /// The rights, one a line.
        rights: String,
    },
}

impl CatalogError {
    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "plugin-not-installed",
            Self::NoVersion { .. } => "plugin-version-missing",
            Self::Undecided { .. } => "plugin-rights-undecided",
            Self::Revoked { .. } => "plugin-revoked-version",
            Self::Distrusted { .. } => "plugin-distrusted-version",
            Self::NotAsked { .. } => "plugin-rights-not-asked",
        }
    }
}

/// Where a component comes from, for [`Catalog::install`].
pub(crate) struct Arrival<'a> {
    pub(crate) component: &'a [u8],
    /// Names of those who have signed it, as far as the trust policy knows them.
    pub(crate) signers: Vec<String>,
    pub(crate) source: String,
    /// The signatures that it was accepted by, in the form of [`distribution::Detached`]; nothing for what is the operator's own
    /// act.
    pub(crate) proof: Option<Vec<u8>>,
    /// Whether it runs beside the version in force first.
    pub(crate) canary: bool,
}

impl Catalog {
    /// Takes a component that the trust policy has accepted. Compiles it; puts it in force, beside the version in force, or
    /// lets it wait for a decision about its rights.
    ///
    /// # Errors
    /// A component that cannot be loaded, which is then kept as refused; the store.
    pub(crate) async fn install(&self, arrival: &Arrival<'_>, actor: &Actor) -> Result<Installed> {
        let inspection = host::inspect(arrival.component)?;
        let (manifest, digest) = (&inspection.manifest, &inspection.digest);
        let new = NewPluginVersion {
            plugin: &manifest.id,
            digest,
            version: &manifest.version,
            bytes: arrival.component,
            source: &arrival.source,
            signers: &arrival.signers,
            proof: arrival.proof.as_deref(),
            actor: &actor.0,
            at: Timestamp::now(),
        };
        if !self.store.put_plugin(&self.tenant, &new).await? {
            let known = self.find(&manifest.id, Some(digest), "has this digest", |_| true).await?;
            if matches!(known.state, VersionState::Waiting | VersionState::Canary)
                || known.state.is_in_force()
            {
                let difference = manifest.asked().difference(&self.in_force(&manifest.id).await?.0);
                return Ok(Installed {
                    plugin: known.plugin,
                    version: known.version,
                    digest: known.digest,
                    state: known.state,
                    difference,
                });
            }
        }
        self.change(&manifest.id, digest, VersionState::Verified, None, "", actor).await?;
        if let Err(error) = self.load(arrival.component) {
            let note = crate::exit::one_line(&error);
            self.change(&manifest.id, digest, VersionState::Refused, None, &note, actor).await?;
            return Err(error);
        }
        self.change(&manifest.id, digest, VersionState::Compiled, None, "", actor).await?;
        let asked = manifest.asked();
        let (before, granted) = self.in_force(&manifest.id).await?;
        let difference = asked.difference(&before);
        let state = match (difference.added.is_empty(), granted.is_some() && arrival.canary) {
            (false, _) => VersionState::Waiting,
            (true, true) => VersionState::Canary,
            (true, false) => VersionState::Ready,
        };
        let rights = (state != VersionState::Waiting).then(|| granted.unwrap_or_default());
        self.change(&manifest.id, digest, state, rights.as_ref(), "", actor).await?;
        Ok(Installed {
            plugin: manifest.id.clone(),
            version: manifest.version.clone(),
            digest: digest.clone(),
            state,
            difference,
        })
    }

    /// What the version in force asks for, and what it was granted; nothing granted where there is none.
    async fn in_force(&self, plugin: &str) -> Result<(Rights, Option<Rights>)> {
        let versions = self.store.plugin_versions(&self.tenant).await?;
        let current = versions.iter().find(|version| version.plugin == plugin && version.state.is_in_force());
        let Some(current) = current else { return Ok((Rights::none(), None)) };
        let component = self.component(&current.digest).await?;
        Ok((host::inspect(&component)?.manifest.asked(), Some(granted(current)?)))
    }

    /// Grants exactly these rights to a version. A waiting one is put in force by it, or beside the version in force.
    ///
    /// # Errors
    /// [`CatalogError`], rights that cannot be granted, the store.
    pub(crate) async fn grant(
        &self,
        plugin: &str,
        digest: Option<&Digest>,
        rights: &Rights,
        canary: bool,
        actor: &Actor,
    ) -> Result<PluginVersion> {
        rights.check_grant()?;
        let version = match digest {
            Some(_) => self.find(plugin, digest, "has this digest", |_| true).await?,
            None => match self.find(plugin, None, "waits", |state| state == VersionState::Waiting).await {
                Err(_) => self.find(plugin, None, "is in force", VersionState::is_in_force).await?,
                found => found?,
            },
        };
        let component = self.component(&version.digest).await?;
        let beyond = rights.beyond(&host::inspect(&component)?.manifest.asked());
        if !beyond.is_empty() {
            let rights = beyond.join(", ");
            return Err(CatalogError::NotAsked { plugin: plugin.to_owned(), rights }.into());
        }
        self.refuse_distrusted(&version).await?;
        let beside = canary && self.in_force(plugin).await?.1.is_some();
        let state = match version.state {
            VersionState::Waiting if beside => VersionState::Canary,
            VersionState::Waiting => VersionState::Ready,
            state => state,
        };
        self.change(plugin, &version.digest, state, Some(rights), "", actor).await?;
        Ok(PluginVersion { state, ..version })
    }

    /// Puts the version beside in force.
    ///
    /// # Errors
    /// As [`Catalog::activate`].
    pub(crate) async fn promote(&self, plugin: &str, actor: &Actor) -> Result<PluginVersion> {
        let beside = |state| state == VersionState::Canary;
        let version = self.find(plugin, None, "runs beside the one in force", beside).await?;
        self.put_in_force(version, actor).await
    }

    /// Puts a version in force that was decided about before: back to an older one, or out of quarantine.
    ///
    /// # Errors
    /// [`CatalogError`], the store.
    pub(crate) async fn activate(
        &self,
        plugin: &str,
        digest: &Digest,
        actor: &Actor,
    ) -> Result<PluginVersion> {
        let version = self.find(plugin, Some(digest), "has this digest", |_| true).await?;
        self.put_in_force(version, actor).await
    }

    /// Lets a plugin be called again after quarantine.
    ///
    /// # Errors
    /// As [`Catalog::activate`].
    pub(crate) async fn release(&self, plugin: &str, actor: &Actor) -> Result<PluginVersion> {
        let held = |state| state == VersionState::Quarantined;
        let version = self.find(plugin, None, "is in quarantine", held).await?;
        self.put_in_force(version, actor).await
    }

    /// Takes a version out of use; without a digest, the one in force.
    ///
    /// # Errors
    /// [`CatalogError`], the store.
    pub(crate) async fn retire(
        &self,
        plugin: &str,
        digest: Option<&Digest>,
        actor: &Actor,
    ) -> Result<PluginVersion> {
        let version = match digest {
            Some(_) => self.find(plugin, digest, "has this digest", |_| true).await?,
            None => self.find(plugin, None, "is in force", VersionState::is_in_force).await?,
        };
        self.change(plugin, &version.digest, VersionState::Retired, None, "", actor).await?;
        Ok(PluginVersion { state: VersionState::Retired, ..version })
    }

    /// Notes that the host has taken the version in force out of service.
    ///
    /// # Errors
    /// The store.
    pub(crate) async fn quarantine(&self, plugin: &str, digest: &Digest, note: &str) -> Result<()> {
        let actor = Actor("the plugin host".to_owned());
        self.change(plugin, digest, VersionState::Quarantined, None, note, &actor).await
    }

    /// Every version that takes part: in force, or beside. One that may not be loaded any more is put aside as refused, and
    /// keeps no other from being loaded.
    ///
    /// # Errors
    /// The store.
    pub(crate) async fn live(&self) -> Result<Vec<LivePlugin>> {
        let mut live = Vec::new();
        for version in self.store.plugin_versions(&self.tenant).await? {
            if !version.state.is_in_force() && version.state != VersionState::Canary {
                continue;
            }
            let loaded = match self.refuse_distrusted(&version).await {
                Ok(()) => self.load(&self.component(&version.digest).await?),
                Err(error) => Err(error),
            };
            match loaded {
                Ok(plugin) => {
                    // The host's own memory of it may be of another process, or gone with a restart.
                    if version.state == VersionState::Quarantined {
                        plugin.hold(&version.note);
                    }
                    live.push(LivePlugin { plugin, rights: granted(&version)?, version });
                }
                Err(error) => {
                    let note = crate::exit::one_line(&error);
                    tracing::error!(
                        plugin.id = version.plugin,
                        error = note,
                        "an installed plugin is refused"
                    );
                    let actor = Actor("the plugin host".to_owned());
                    self.change(&version.plugin, &version.digest, VersionState::Refused, None, &note, &actor)
                        .await?;
                }
            }
        }
        Ok(live)
    }

    /// An installed version in whatever state, loaded to be tried. It has to be one that may be used.
    ///
    /// # Errors
    /// [`CatalogError`], a component that cannot be loaded, the store.
    pub(crate) async fn candidate(&self, plugin: &str, digest: &Digest) -> Result<Plugin> {
        let version = self.find(plugin, Some(digest), "has this digest", |_| true).await?;
        self.refuse_distrusted(&version).await?;
        self.load(&self.component(&version.digest).await?)
    }

    /// The component of an installed version.
    ///
    /// # Errors
    /// The store; a version without its component.
    pub(crate) async fn component(&self, digest: &Digest) -> Result<Vec<u8>> {
        let found = self.store.plugin_component(&self.tenant, digest).await?;
        found.with_context(|| format!("the store has lost the component {digest}"))
    }

    /// The version of this digest, else the first of the plugin in a state that fits.
    pub(crate) async fn find(
        &self,
        plugin: &str,
        digest: Option<&Digest>,
        what: &str,
        fits: impl Fn(VersionState) -> bool,
    ) -> Result<PluginVersion> {
        let versions = self.store.plugin_versions(&self.tenant).await?;
        let mut of_plugin = versions.into_iter().filter(|version| version.plugin == plugin).peekable();
        if of_plugin.peek().is_none() {
            return Err(CatalogError::Unknown { plugin: plugin.to_owned() }.into());
        }
        let fits = |version: &PluginVersion| {
            digest.map_or_else(|| fits(version.state), |digest| version.digest == *digest)
        };
        of_plugin.find(fits).ok_or_else(|| {
            CatalogError::NoVersion { plugin: plugin.to_owned(), what: what.to_owned() }.into()
        })
    }

    async fn put_in_force(&self, version: PluginVersion, actor: &Actor) -> Result<PluginVersion> {
        self.refuse_distrusted(&version).await?;
        let component = self.component(&version.digest).await?;
        self.load(&component)?;
        if version.rights.is_none() && host::inspect(&component)?.manifest.asked() != Rights::none() {
            let PluginVersion { plugin, version, .. } = version;
            return Err(CatalogError::Undecided { plugin, version }.into());
        }
        self.change(&version.plugin, &version.digest, VersionState::Ready, None, "", actor).await?;
        Ok(PluginVersion { state: VersionState::Ready, ..version })
    }

    /// Loads a component on this thread, which waits for the compiling process where it is not compiled yet.
    fn load(&self, component: &[u8]) -> Result<Plugin> {
        Ok(tokio::task::block_in_place(|| self.host.load(component))?)
    }

    /// Asks the trust policy again, with the signatures that the version was installed with.
    async fn refuse_distrusted(&self, version: &PluginVersion) -> Result<()> {
        let proof = self.store.plugin_proof(&self.tenant, &version.plugin, &version.digest).await?;
        let refusals = self.trust.refusals(version, proof.as_deref())?;
        if refusals.is_empty() {
            return Ok(());
        }
        let (plugin, version) = (version.plugin.clone(), version.version.clone());
        let reason = refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let revoked =
            |refusal: &Refusal| matches!(refusal, Refusal::Revoked { .. } | Refusal::KeyRevoked { .. });
        Err(if refusals.iter().any(revoked) {
            CatalogError::Revoked { plugin, version, reason }
        } else {
            CatalogError::Distrusted { plugin, version, reason }
        }
        .into())
    }

    async fn change(
        &self,
        plugin: &str,
        digest: &Digest,
        state: VersionState,
        rights: Option<&Rights>,
        note: &str,
        actor: &Actor,
    ) -> Result<()> {
        let rights = rights.map(serde_json::to_value).transpose()?;
        let change = VersionChange {
            plugin,
            digest,
            state,
            rights: rights.as_ref(),
            note,
            actor: &actor.0,
            at: Timestamp::now(),
        };
        Ok(self.store.change_plugin(&self.tenant, &change).await?)
    }
}

/// A version that takes part, ready to be called.
pub(crate) struct LivePlugin {
    pub(crate) plugin: Plugin,
    pub(crate) rights: Rights,
    pub(crate) version: PluginVersion,
}

/// What was granted to a version.
pub(crate) fn granted(version: &PluginVersion) -> Result<Rights> {
    match &version.rights {
        None => Ok(Rights::none()),
        Some(rights) => serde_json::from_value(rights.clone())
            .with_context(|| format!("the store holds a grant of {} that is none", version.plugin)),
    }
}

/// Versions by plugin, for lists.
pub(crate) fn by_plugin(versions: Vec<PluginVersion>) -> BTreeMap<String, Vec<PluginVersion>> {
    let mut all: BTreeMap<String, Vec<PluginVersion>> = BTreeMap::new();
    for version in versions {
        all.entry(version.plugin.clone()).or_default().push(version);
    }
    all
}
