//! Decisions about installed plugins. They are made on the store itself, so they need no token, and a running service
//! follows them within seconds.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use host::Rights;
use model::TenantId;
use store::{AuditEvent, PluginVersion, Store};

use crate::catalog::{Actor, Catalog, by_plugin, granted};
use crate::cli::Plugin;
use crate::config::Config;
use crate::data::DataDir;
use crate::exit::Outcome;
use crate::output::{visible, write_stdout};
use crate::trust::Trust;
use crate::{plugins, serve};

/// Who decides on the command line.
pub(super) fn actor() -> Actor {
    Actor("command line".to_owned())
}

/// Runs something on the catalog of this installation.
pub(super) fn with_catalog<T>(config: &Config, work: impl AsyncFnOnce(&Catalog) -> Result<T>) -> Result<T> {
    let data = DataDir::open(config.data_dir())?;
    let host = plugins::host(&data)?;
    let trust = Trust::of(config)?;
    // Loading compiles, and plugins ask the store while they are called: both block, which takes more than one thread.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let store = Store::connect(&serve::store_url(config, &data)?).await?;
        let catalog = Catalog { store, host, tenant: TenantId::default_tenant(), trust };
        let done = work(&catalog).await;
        catalog.store.close().await;
        done
    })
}

/// Carries out a decision, or shows what there is to decide about.
pub(super) fn decide(what: Plugin, config: &Config) -> Result<Outcome> {
    let text = with_catalog(config, async |catalog| answer(what, catalog).await)?;
    write_stdout(&text)?;
    Ok(Outcome::Clean)
}

async fn answer(what: Plugin, catalog: &Catalog) -> Result<String> {
    let by = actor();
    let version = match what {
        Plugin::Grant { plugin, rights, all, digest, canary } => {
            let rights = if all {
                asked(catalog, &plugin, digest.as_ref()).await?
            } else {
                Rights::from_lines(rights.iter().map(String::as_str))?
            };
            catalog.grant(&plugin, digest.as_ref(), &rights, canary, &by).await?
        }
        Plugin::Promote { plugin } => catalog.promote(&plugin, &by).await?,
        Plugin::Activate { plugin, digest } => catalog.activate(&plugin, &digest, &by).await?,
        Plugin::Release { plugin } => catalog.release(&plugin, &by).await?,
        Plugin::Retire { plugin, digest } => catalog.retire(&plugin, digest.as_ref(), &by).await?,
        Plugin::Versions { plugin, log } => return versions(catalog, plugin.as_deref(), log).await,
        _ => bail!("this is no decision about an installed plugin"),
    };
    Ok(format!("{} {} is {}\n", version.plugin, version.version, version.state.as_str()))
}

/// Everything that the version which waits asks for, or else the one in force.
async fn asked(catalog: &Catalog, plugin: &str, digest: Option<&model::Digest>) -> Result<Rights> {
    let waits = |state| state == store::VersionState::Waiting;
    let version = match catalog.find(plugin, digest, "waits", waits).await {
        Ok(version) => version,
        Err(_) => catalog.find(plugin, digest, "is in force", store::VersionState::is_in_force).await?,
    };
    let mut rights = host::inspect(&catalog.component(&version.digest).await?)?.manifest.asked();
    // A secret is asked for by name alone; where the plugin may call one host only, there is no doubt where it goes.
    if let [only] = rights.http.as_slice() {
        let host = only.host.clone();
        for secret in rights.secrets.iter_mut().filter(|secret| secret.hosts.is_empty()) {
            secret.hosts.push(host.clone());
        }
    }
    Ok(rights)
}

async fn versions(catalog: &Catalog, only: Option<&str>, log: usize) -> Result<String> {
    let mut out = String::new();
    for (plugin, versions) in by_plugin(catalog.store.plugin_versions(&catalog.tenant).await?) {
        if only.is_some_and(|only| only != plugin) {
            continue;
        }
        let _ = writeln!(out, "{}", visible(&plugin));
        for version in &versions {
            describe(&mut out, catalog, version).await?;
        }
    }
    // A built-in plugin has no version here, and leaves its traces all the same.
    for line in audit_of(catalog, only, log).await? {
        let (actor, action, detail) = (visible(&line.actor), visible(&line.action), visible(&line.detail));
        let _ = writeln!(out, "  {}  {actor}  {action}  {detail}", line.at);
    }
    if out.is_empty() {
        out.push_str("no plugin is installed\n");
    }
    Ok(out)
}

async fn audit_of(catalog: &Catalog, plugin: Option<&str>, lines: usize) -> Result<Vec<AuditEvent>> {
    match plugin {
        Some(plugin) => Ok(catalog.store.audit_of(&catalog.tenant, plugin, lines).await?),
        None => Ok(Vec::new()),
    }
}

async fn describe(out: &mut String, catalog: &Catalog, version: &PluginVersion) -> Result<()> {
    let PluginVersion { state, digest, source, signers, .. } = version;
    let _ = writeln!(out, "  {}  {}  {digest}", visible(&version.version), state.as_str());
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "    {name:9} {}", visible(value));
    };
    line("from", source);
    line("signed by", if signers.is_empty() { "nobody".to_owned() } else { signers.join(", ") }.as_str());
    if !version.note.is_empty() {
        line("note", &version.note);
    }
    let asked = host::inspect(&catalog.component(digest).await?)?.manifest.asked();
    asked.lines().iter().for_each(|right| line("asks for", right));
    granted(version)?.lines().iter().for_each(|right| line("granted", right));
    Ok(())
}
