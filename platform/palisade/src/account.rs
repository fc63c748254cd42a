//! An account of a cloud: collected by one plugin, or by a file that one wrote, and judged by others.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cloud::aws::Account;
use cloud::{CloudError, Collection, Resource};
use engine::collect::{Collected, CollectorPlugin, Limits, collect, coverage};
use engine::graph::Graph;
use engine::posture::{Judged, PosturePlugin, Subject, judge};
use host::{Kind, Services};
use model::{Gap, GapCode};

use crate::cli::AccountSource;
use crate::config::{Account as Settings, Config};
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
    let (collector, collected) = collect_all(name, settings, loaded, services)?;
    let mut scan = judge_all(collected.resources, collected.gaps, posture, threads);
    scan.judged.report.coverage.analyzers.push(coverage(&collector));
    scan.judged.report.coverage.analyzers.sort();
    Ok(scan)
}

/// Has the posture plugins judge what was collected before.
pub(crate) fn scan_collection(
    collection: Collection,
    posture: &[PosturePlugin],
    threads: usize,
) -> AccountScan {
    let resources = collection.resources.into_iter().map(|resource| {
        // Writing to memory does not fail, and a body has no keys that JSON cannot hold.
        let body = serde_json::to_vec(&resource.body).unwrap_or_default();
        let raw = host::kinds::Resource { asset: resource.id, kind: resource.kind, body };
        (raw.asset.clone(), raw)
    });
    judge_all(resources.collect(), collection.missing, posture, threads)
}

/// Reads what was collected before.
///
/// # Errors
/// [`CloudError`] inside, where the file is no collection.
pub(crate) fn read_collection(file: &Path) -> Result<Collection> {
    let what = || format!("cannot read {}", file.display());
    let mut bytes = Vec::new();
    let limit = Collection::BYTES_MAX as u64 + 1;
    std::fs::File::open(file).with_context(what)?.take(limit).read_to_end(&mut bytes).with_context(what)?;
    Collection::from_json(&bytes).map_err(|error: CloudError| {
        let code = error.code();
        anyhow::Error::new(error).context(format!("cannot use {} ({code})", file.display()))
    })
}

/// Collects an account as a document. What is no JSON object is a gap.
pub(crate) fn collection(
    name: &str,
    settings: &Settings,
    loaded: &[Loaded],
    services: &Arc<dyn Services>,
) -> Result<Collection> {
    let (_, collected) = collect_all(name, settings, loaded, services)?;
    let mut missing = collected.gaps;
    let resources = collected.resources.into_values().filter_map(|resource| {
        match serde_json::from_slice(&resource.body) {
            Ok(body) => Some(Resource { id: resource.asset, kind: resource.kind, body }),
            Err(error) => {
                let reason = format!("what was collected is no JSON object: {error}");
                missing.insert(Gap { code: GapCode::ParseError, subject: resource.asset, reason });
                None
            }
        }
    });
    let resources = resources.collect();
    Ok(Collection { resources, missing })
}

/// The account that a command names, by the configuration.
pub(crate) fn configured<'a>(
    source: &'a AccountSource,
    config: &'a Config,
) -> Result<(&'a str, &'a Settings)> {
    let name = source.name.as_deref().unwrap_or_default();
    let settings = config.accounts.get(name).with_context(|| {
        format!("the configuration has no [accounts.{name}]; name the plugin and its settings there")
    })?;
    Ok((name, settings))
}

/// The canonical id of an account that is known by a file alone: by its number where there is one, else by the file.
pub(crate) fn id_of_file(account: &Account, reference: &str) -> String {
    let is_number = |text: &&str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers: Vec<&str> = account.accounts().into_iter().filter(is_number).collect();
    match numbers.as_slice() {
        [number] => format!("account:{number}"),
        _ => format!("account:file:{reference}"),
    }
}

fn collect_all(
    name: &str,
    settings: &Settings,
    loaded: &[Loaded],
    services: &Arc<dyn Services>,
) -> Result<(CollectorPlugin, Collected)> {
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
    Ok((collector, collected))
}

fn judge_all(
    collected: BTreeMap<String, host::kinds::Resource>,
    gaps: BTreeSet<Gap>,
    posture: &[PosturePlugin],
    threads: usize,
) -> AccountScan {
    let subjects: Vec<Subject> = collected
        .values()
        .map(|resource| Subject {
            asset: Arc::from(resource.asset.as_str()),
            path: resource.asset.clone(),
            kind: resource.kind.clone(),
            body: Arc::from(resource.body.as_slice()),
        })
        .collect();
    // What is no JSON object no check could look into either, and the plugins say so.
    let resources = collected.into_values().filter_map(|resource| {
        let body = serde_json::from_slice(&resource.body).ok()?;
        Some(Resource { id: resource.asset, kind: resource.kind, body })
    });
    let account = Account::of(resources, gaps.clone());
    let (nodes, relations) = account.graph();
    let graph = Arc::new(Graph::new(nodes, &relations, BTreeSet::new()));
    let judged = judge(&subjects, &graph, posture, gaps, threads);
    AccountScan { account, judged, graph }
}
