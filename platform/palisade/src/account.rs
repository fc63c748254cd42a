//! An account of a cloud: collected by one plugin, judged by others.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cloud::Resource;
use cloud::aws::Account;
use engine::audit::Trail;
use engine::collect::{Collected, CollectorPlugin, Limits, Surroundings, collect, coverage};
use engine::graph::Graph;
use engine::posture::{Judged, Subject, judge};
use host::{Capability, Kind, Manifest, Services};

use crate::audit;
use crate::config::{Account as Settings, Config};
use crate::plugins::{Loaded, PluginSet};
use crate::services::Platform;

/// An account that was read and judged.
pub(crate) struct AccountScan {
    /// The account as it was read.
    pub(crate) account: Account,
    /// What came out.
    pub(crate) judged: Judged,
    /// Its resources, as plugins asked about them.
    pub(crate) graph: Arc<Graph>,
}

/// Collects an account and has the posture plugins judge what was collected. What is sent and denied on the way is in the audit log when
/// this returns; where it cannot be written, that is the error. Blocks, and may take minutes; not on a thread of the asynchronous runtime.
pub(crate) fn scan(
    name: &str,
    settings: &Settings,
    config: &Config,
    set: &PluginSet,
    platform: Platform,
    threads: usize,
) -> Result<AccountScan> {
    let occasion = format!("the account {name}");
    let (runtime, store) = (platform.runtime.clone(), platform.store.clone());
    let keep = |trail: &Trail| {
        let kept = runtime.block_on(audit::keep(&store, trail, &occasion));
        kept.context("cannot write the audit log, and without it the account is not collected")
    };
    let (collector, platform) = collector(name, settings, config, &set.loaded, platform)?;
    let collected = collected(&collector, platform, &keep)?;
    tracing::info!(
        account.name = name,
        resources = collected.resources.len(),
        pages = collected.pages,
        repeated = collected.repeated,
        "collected an account"
    );
    let gaps = collected.gaps;
    let subjects: Vec<Subject> = collected
        .resources
        .values()
        .map(|resource| Subject {
            asset: Arc::from(resource.asset.as_str()),
            path: resource.asset.clone(),
            kind: resource.kind.clone(),
            body: Arc::from(resource.body.as_slice()),
        })
        .collect();
    // What is no JSON object no check could look into either, and the plugins say so.
    let resources = collected.resources.into_values().filter_map(|resource| {
        let body = serde_json::from_slice(&resource.body).ok()?;
        Some(Resource { id: resource.asset, kind: resource.kind, body })
    });
    let account = Account::of(resources, gaps.clone());
    let (nodes, relations) = account.graph();
    let graph = Arc::new(Graph::new(nodes, &relations, BTreeSet::new()));
    let mut judged = judge(&subjects, &graph, &set.posture, gaps, threads);
    keep(&std::mem::take(&mut judged.audit))?;
    judged.report.coverage.analyzers.push(coverage(&collector));
    judged.report.coverage.analyzers.sort();
    Ok(AccountScan { account, judged, graph })
}

/// Everything that the plugin hands over. What cannot be logged ends the collection, which then has no result.
fn collected(
    collector: &CollectorPlugin,
    platform: Platform,
    keep: &dyn Fn(&Trail) -> Result<()>,
) -> Result<Collected> {
    let services: Arc<dyn Services> = Arc::new(platform);
    let unkept = RefCell::new(None);
    let around = Surroundings {
        services: &services,
        pause: &|time: Duration| {
            std::thread::sleep(time);
            true
        },
        audit: &|trail| match keep(&trail) {
            Ok(()) => true,
            Err(error) => {
                unkept.replace(Some(error));
                false
            }
        },
    };
    let collected = collect(collector, Limits::default(), around);
    unkept.take().map_or(Ok(collected), Err)
}

/// The plugin of an account as it is called, and who serves it. Where the account names an endpoint, that is the only place which its
/// rights and the way out lead to.
fn collector(
    name: &str,
    settings: &Settings,
    config: &Config,
    loaded: &[Loaded],
    platform: Platform,
) -> Result<(CollectorPlugin, Platform)> {
    let of_account = |one: &&Loaded| {
        one.plugin.manifest().id == settings.plugin && one.plugin.manifest().declares(Kind::Collector)
    };
    let found = loaded.iter().find(of_account).with_context(|| {
        format!(
            "no plugin of kind collector is loaded whose id is {:?}, as accounts.{name}.plugin says",
            settings.plugin
        )
    })?;
    ensure!(
        found.rights.has(Capability::Http) || !found.plugin.asked().has(Capability::Http),
        "{} may send no request: grant it its hosts, or where it is built in name them for its secret under [plugins.secrets]",
        settings.plugin
    );
    let (mut rights, mut platform, mut given) = (found.rights.clone(), platform, settings.settings.clone());
    if let Some(endpoint) = settings.endpoint()? {
        ensure!(
            takes_endpoint(found.plugin.manifest()),
            "{} takes no endpoint, so accounts.{name}.endpoint would do nothing",
            settings.plugin
        );
        let host = host::host_of(&format!("{endpoint}/"))
            .with_context(|| format!("accounts.{name}.endpoint is an address in brackets; give it a name"))?;
        rights = rights.only_at(&host);
        platform = platform.only_at(&endpoint, &config.egress)?;
        given.insert("endpoint".to_owned(), endpoint.to_string().into());
    }
    let config = Arc::from(serde_json::to_string(&given)?);
    Ok((CollectorPlugin { plugin: found.plugin.clone(), rights, config }, platform))
}

/// Whether a collector can be told to go elsewhere: its configuration has the property `endpoint`.
fn takes_endpoint(manifest: &Manifest) -> bool {
    let properties = manifest.config.get("properties").and_then(serde_json::Value::as_object);
    properties.is_some_and(|properties| properties.contains_key("endpoint"))
}
