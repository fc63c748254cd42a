//! The plugins of the running service: swapped whole, without a call being lost.
//!
//! A scan takes the set that is in force when it begins and keeps it to its end; a new set takes the place of the old one
//! beside it, and the old one goes when its last scan has ended. The store is asked every few seconds whether anything was
//! decided, so that every process follows, and a decision on the command line needs no restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use host::{Current, Inspection, PluginState};
use store::{PluginVersion, VersionState};
use tokio::sync::{Notify, watch};

use super::Service;
use crate::catalog::{Actor, Catalog, CatalogError};
use crate::plugins::{self, PluginSet};

/// How often the store is asked.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// An installed version, with what its component says of itself.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) version: PluginVersion,
    pub(crate) inspection: Arc<Inspection>,
}

/// The set in force, and what it was made from.
pub(crate) struct Live {
    pub(crate) catalog: Catalog,
    /// As of which change of the store the first set was loaded.
    generation: i64,
    set: Current<PluginSet>,
    /// Whether correlators are loaded. Compiling them takes a while, which a service without events need not spend.
    judges_events: AtomicBool,
    /// Held by whoever loads.
    loading: tokio::sync::Mutex<()>,
    versions: Current<Vec<Known>>,
    /// Rung when somebody in this process has decided something.
    pub(crate) bell: Notify,
}

impl Live {
    pub(crate) async fn new(
        catalog: Catalog,
        set: PluginSet,
        generation: i64,
        judges_events: bool,
    ) -> Result<Self> {
        let live = Self {
            catalog,
            generation,
            set: Current::new(set),
            judges_events: AtomicBool::new(judges_events),
            loading: tokio::sync::Mutex::default(),
            versions: Current::default(),
            bell: Notify::new(),
        };
        live.look_at_versions().await?;
        Ok(live)
    }

    /// Every installed version, as of the last look.
    pub(crate) fn versions(&self) -> Arc<Vec<Known>> {
        self.versions.get()
    }

    /// Reads what is installed. Components are inspected once.
    async fn look_at_versions(&self) -> Result<()> {
        let before = self.versions();
        let mut versions = Vec::new();
        for version in self.catalog.store.plugin_versions(&self.catalog.tenant).await? {
            let known = before.iter().find(|known| known.version.digest == version.digest);
            let inspection = match known {
                Some(known) => Arc::clone(&known.inspection),
                None => Arc::new(host::inspect(&self.catalog.component(&version.digest).await?)?),
            };
            versions.push(Known { version, inspection });
        }
        self.versions.swap(versions);
        Ok(())
    }

    /// What is loaded.
    fn need(&self) -> plugins::Need {
        match self.judges_events.load(Ordering::Acquire) {
            true => plugins::Need::All,
            false => plugins::Need::Quiet,
        }
    }

    /// The set in force. Whoever holds it goes on with it, whatever is decided meanwhile.
    pub(crate) fn set(&self) -> Arc<PluginSet> {
        self.set.get()
    }
}

/// The set in force, with what judges events; loaded when it is needed for the first time.
pub(crate) async fn with_correlators(service: &Service) -> Result<Arc<PluginSet>> {
    let live = &service.live;
    let _loading = live.loading.lock().await;
    if !live.judges_events.load(Ordering::Acquire) {
        let installed = live.catalog.live().await?;
        let load = || plugins::load(&service.config, &live.catalog.host, installed, plugins::Need::All);
        let set = tokio::task::block_in_place(load).context("cannot load the plugins that judge events")?;
        live.judges_events.store(true, Ordering::Release);
        live.set.swap(set);
    }
    Ok(live.set())
}

/// Follows what is decided about plugins, and tells the store what the host has taken out of service.
pub(crate) async fn run(service: Arc<Service>, mut stopped: watch::Receiver<bool>) -> Result<()> {
    let live = &service.live;
    let mut known = live.generation;
    while !*stopped.borrow() {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = live.bell.notified() => {}
            _ = stopped.changed() => continue,
        }
        match look(&service, known).await {
            Ok(generation) => known = generation,
            Err(error) => {
                tracing::error!(error = %crate::exit::one_line(&error), "cannot look after the plugins; trying again");
            }
        }
    }
    Ok(())
}

async fn look(service: &Service, known: i64) -> Result<i64> {
    let live = &service.live;
    note_quarantines(service).await?;
    let generation = live.catalog.store.plugin_generation(&live.catalog.tenant).await?;
    if generation == known {
        return Ok(known);
    }
    let _loading = live.loading.lock().await;
    let installed = live.catalog.live().await?;
    // A version that somebody has put in force again may be called again.
    for one in installed.iter().filter(|one| one.version.state == VersionState::Ready) {
        if let PluginState::Quarantined { since, .. } = one.plugin.health().state
            && one.version.changed_at > jiff::Timestamp::try_from(since).unwrap_or(one.version.changed_at)
        {
            one.plugin.release();
        }
    }
    let set = tokio::task::block_in_place(|| {
        plugins::load(&service.config, &live.catalog.host, installed, live.need())
    })
    .context("cannot load the plugins that were decided about")?;
    let loaded = set.loaded.len();
    // The versions first: whoever sees a version in force sees what became of the one before.
    live.look_at_versions().await?;
    live.set.swap(set);
    tracing::info!(plugins = loaded, "the plugins were changed");
    // What refusing one has changed is seen at the next look.
    Ok(generation)
}

/// The host takes a plugin out of service by itself; the store has to know, so that people see why.
async fn note_quarantines(service: &Service) -> Result<()> {
    let live = &service.live;
    let set = live.set();
    let held = set.loaded.iter().filter_map(|one| match one.plugin.health().state {
        PluginState::Quarantined { last, .. } => Some((&one.plugin, last)),
        _ => None,
    });
    for (plugin, last) in held {
        let versions = live.catalog.store.plugin_versions(&live.catalog.tenant).await?;
        let in_force = versions
            .iter()
            .find(|version| version.digest == *plugin.digest() && version.state == VersionState::Ready);
        let Some(version) = in_force else { continue };
        // Put in force after it was held: a decision to call it again, which `look` carries out.
        let since = match plugin.health().state {
            PluginState::Quarantined { since, .. } => jiff::Timestamp::try_from(since).ok(),
            _ => None,
        };
        if since.is_some_and(|since| version.changed_at <= since) {
            live.catalog.quarantine(&version.plugin, plugin.digest(), &last.to_string()).await?;
        }
    }
    Ok(())
}

/// The decisions that the API hands on.
pub(crate) async fn decide(
    service: &Service,
    actor: &str,
    plugin: &str,
    decision: api::PluginDecision,
) -> Result<()> {
    use api::PluginDecision as Decision;
    let (live, actor) = (&service.live, Actor(actor.to_owned()));
    let catalog = &live.catalog;
    match decision {
        Decision::Approve { digest, rights } => {
            let rights = host::Rights::from_lines(rights.iter().map(String::as_str))?;
            catalog.grant(plugin, Some(&digest), &rights, service.config.plugins.canary, &actor).await?;
        }
        Decision::Promote => drop(catalog.promote(plugin, &actor).await?),
        Decision::Activate { digest } => drop(catalog.activate(plugin, &digest, &actor).await?),
        Decision::Retire { digest } => drop(catalog.retire(plugin, Some(&digest), &actor).await?),
        Decision::Release => release(service, plugin, &actor).await?,
    }
    live.bell.notify_one();
    Ok(())
}

/// A plugin that is built in has no version in the store; it is held and released in this process alone.
async fn release(service: &Service, plugin: &str, actor: &Actor) -> Result<()> {
    let live = &service.live;
    let set = live.set();
    let loaded = set.loaded.iter().find(|one| one.plugin.manifest().id == plugin);
    match live.catalog.release(plugin, actor).await {
        Ok(_) => {}
        Err(error)
            if matches!(error.downcast_ref(), Some(CatalogError::Unknown { .. })) && loaded.is_some() => {}
        Err(error) => return Err(error),
    }
    if let Some(one) = loaded {
        one.plugin.release();
    }
    Ok(())
}
