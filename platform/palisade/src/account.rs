//! An account of a cloud: collected by one plugin, judged by others.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cloud::Resource;
use cloud::aws::Account;
use engine::collect::{CollectorPlugin, Limits, collect, coverage};
use engine::graph::Graph;
use engine::posture::{Judged, PosturePlugin, Subject, judge};
use host::{Kind, Services};

use crate::config::Account as Settings;
use crate::plugins::Loaded;

/// An account that was read and judged.
pub(crate) struct AccountScan {
    /// The account as it was read.
    pub(crate) account: Account,
    /// What came out.
    pub(crate) judged: Judged,
    /// Its resources, as plugins asked about them.
    pub(crate) graph: Arc<Graph>,
}

/// Collects an account and has the posture plugins judge what was collected. Blocks, and may take minutes.
pub(crate) fn scan(
    name: &str,
    settings: &Settings,
    loaded: &[Loaded],
    posture: &[PosturePlugin],
    services: &Arc<dyn Services>,
    threads: usize,
) -> Result<AccountScan> {
    let plugin = loaded
        .iter()
        .find(|one| {
            one.plugin.manifest().id == settings.plugin && one.plugin.manifest().declares(Kind::Collector)
        })
        .with_context(|| {
            format!(
                "no plugin of kind collector is loaded whose id is {:?}, as accounts.{name}.plugin says",
                settings.plugin
            )
        })?;
    let collector = CollectorPlugin {
        plugin: plugin.plugin.clone(),
        rights: plugin.rights.clone(),
        config: Arc::from(serde_json::to_string(&settings.settings)?),
    };
    let pause = |time: Duration| {
        std::thread::sleep(time);
        true
    };
    let collected = collect(&collector, services, Limits::default(), &pause);
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
    let mut judged = judge(&subjects, &graph, posture, gaps, threads);
    judged.report.coverage.analyzers.push(coverage(&collector));
    judged.report.coverage.analyzers.sort();
    Ok(AccountScan { account, judged, graph })
}
