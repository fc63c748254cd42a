//! An account of a cloud: collected by one plugin, or by a file that one wrote, and judged by others.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cloud::aws::Account;
use cloud::{CloudError, Collection, Resource};
use engine::audit::Trail;
use engine::collect::{Collected, CollectorPlugin, Limits, Surroundings, collect, coverage};
use engine::graph::Graph;
use engine::posture::{Judged, PosturePlugin, Subject, judge};
use host::{Capability, Kind, Manifest, Services};
use model::{Gap, GapCode};

use crate::audit;
use crate::cli::AccountSource;
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
    let (runtime, store) = (platform.runtime.clone(), platform.store.clone());
    let (collector, collected) = collect_all(name, settings, config, &set.loaded, platform)?;
    let mut scan = judge_all(collected.resources, collected.gaps, &set.posture, threads);
    let trail = std::mem::take(&mut scan.judged.audit);
    runtime.block_on(audit::keep(&store, &trail, &occasion(name))).context(UNKEPT)?;
    scan.judged.report.coverage.analyzers.push(coverage(&collector));
    scan.judged.report.coverage.analyzers.sort();
    Ok(scan)
}

/// Why an account has no result though it could be reached.
const UNKEPT: &str = "cannot write the audit log, and without it the account is not collected";

/// What the audit log says that something was done for.
fn occasion(name: &str) -> String {
    format!("the account {name}")
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
    config: &Config,
    loaded: &[Loaded],
    platform: Platform,
) -> Result<Collection> {
    let (_, collected) = collect_all(name, settings, config, loaded, platform)?;
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
    config: &Config,
    loaded: &[Loaded],
    platform: Platform,
) -> Result<(CollectorPlugin, Collected)> {
    let (runtime, store) = (platform.runtime.clone(), platform.store.clone());
    let keep = |trail: &Trail| runtime.block_on(audit::keep(&store, trail, &occasion(name))).context(UNKEPT);
    let (collector, platform) = collector(name, settings, config, loaded, platform)?;
    let collected = collected(&collector, platform, &keep)?;
    tracing::info!(
        account.name = name,
        resources = collected.resources.len(),
        pages = collected.pages,
        repeated = collected.repeated,
        "collected an account"
    );
    Ok((collector, collected))
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
