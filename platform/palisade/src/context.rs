//! What the service knows of workloads, for correlators that ask: the newest snapshot of each cluster, and what is open in the store.
//!
//! Calls block, and so must not be made on a thread of the asynchronous runtime. Reading a snapshot back takes up to a second for a large
//! cluster, so that the last few stay in memory while they are the newest; whether they are is looked up every few seconds.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use cluster::{Snapshot, Surroundings};
use engine::graph::Graph;
use engine::known::{Known, Told};
use host::Refusal;
use model::{AssetId, Finding, FindingClass, FindingState, TenantId};
use serde_json::{Value, json};
use store::{FindingFilter, FindingSort, PageRequest, Scope, Store};
use tokio::runtime::Handle;

use crate::{followed, images};

/// Snapshots in memory. A large one has a few hundred megabytes.
const KEPT: usize = 3;
/// How long a look at which snapshots are the newest counts.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Findings that are told of an image or workload: the worst.
const WORST: u32 = 5;
/// Images of a workload that are looked at.
const IMAGES_MAX: usize = 20;
/// Answers about images that are remembered for as long as a look counts.
const ANSWERS_MAX: usize = 4_096;

/// Service accounts by the identity of a cloud that they are given.
type Identities = Arc<BTreeMap<String, Vec<String>>>;
/// Whose cluster.
type Place = (TenantId, String);

/// What the store knows.
pub(crate) struct Context {
    runtime: Handle,
    store: Store,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The newest use first.
    snapshots: Vec<Arc<Loaded>>,
    /// Clusters of each tenant, and when that was looked up.
    scopes: HashMap<TenantId, (Instant, Arc<Vec<Scope>>)>,
    /// Identities of clouds in each cluster, with the hash of what they were read from.
    identities: HashMap<Place, (String, Identities)>,
    /// Answers from the store.
    answers: HashMap<(TenantId, String), (Instant, Told)>,
}

/// A snapshot in memory.
struct Loaded {
    place: Place,
    /// Hash of what was read.
    input: String,
    around: Surroundings,
    graph: OnceLock<Arc<Graph>>,
}

impl Loaded {
    fn graph(&self) -> Arc<Graph> {
        let graph = self.graph.get_or_init(|| {
            let snapshot = self.around.snapshot();
            let (nodes, relations) = snapshot.graph();
            Arc::new(Graph::new(nodes, &relations, followed::missing(snapshot)))
        });
        Arc::clone(graph)
    }
}

impl Context {
    /// What this store knows.
    pub(crate) fn new(runtime: Handle, store: Store) -> Self {
        Self { runtime, store, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<T>(&self, work: impl Future<Output = store::Result<T>>) -> Result<T, Refusal> {
        self.runtime.block_on(work).map_err(|error| {
            tracing::error!(error = %error, "what is known of a workload cannot be read");
            Refusal::Unavailable("the store does not answer".to_owned())
        })
    }

    /// Clusters and accounts of a tenant, as of a few seconds ago.
    fn scopes(&self, tenant: &TenantId) -> Result<Arc<Vec<Scope>>, Refusal> {
        if let Some((at, scopes)) = self.kept().scopes.get(tenant)
            && at.elapsed() < LOOK_EVERY
        {
            return Ok(Arc::clone(scopes));
        }
        let scopes = Arc::new(self.wait(self.store.scopes(tenant))?);
        self.kept().scopes.insert(tenant.clone(), (Instant::now(), Arc::clone(&scopes)));
        Ok(scopes)
    }

    /// The newest snapshot of a cluster.
    fn loaded(&self, tenant: &TenantId, cluster: &str) -> Result<Arc<Loaded>, Refusal> {
        let asset = AssetId(format!("k8s:{cluster}"));
        let scopes = self.scopes(tenant)?;
        let newest = scopes.iter().find(|scope| scope.asset == asset).ok_or(Refusal::NotFound)?;
        let place = (tenant.clone(), cluster.to_owned());
        {
            let mut kept = self.kept();
            let fits = |loaded: &Arc<Loaded>| loaded.place == place && loaded.input == newest.input;
            if let Some(at) = kept.snapshots.iter().position(fits) {
                let found = kept.snapshots.remove(at);
                kept.snapshots.insert(0, Arc::clone(&found));
                return Ok(found);
            }
        }
        let (_, bytes) = self.wait(self.store.scope_snapshot(tenant, &asset))?.ok_or(Refusal::NotFound)?;
        let snapshot = Snapshot::unpack(&bytes).map_err(|error| {
            tracing::error!(error = %error, cluster, "the snapshot of a cluster cannot be read");
            Refusal::Unavailable("what is kept of the cluster cannot be read; scan it again".to_owned())
        })?;
        let around = Surroundings::of(snapshot);
        let loaded = Arc::new(Loaded { place, input: newest.input.clone(), around, graph: OnceLock::new() });
        let mut kept = self.kept();
        kept.snapshots.retain(|other| other.place != loaded.place);
        kept.snapshots.insert(0, Arc::clone(&loaded));
        kept.snapshots.truncate(KEPT);
        Ok(loaded)
    }

    fn around(&self, tenant: &TenantId, cluster: &str) -> Result<Arc<Loaded>, String> {
        self.loaded(tenant, cluster).map_err(|refusal| match refusal {
            Refusal::NotFound => "no scan of this cluster is stored".to_owned(),
            Refusal::Unavailable(why) => why,
            other => format!("{other:?}"),
        })
    }

    /// Identities of clouds in a cluster. They are small, and stay when the snapshot has gone.
    fn identities(&self, tenant: &TenantId, cluster: &str, input: &str) -> Result<Identities, Refusal> {
        let place = (tenant.clone(), cluster.to_owned());
        if let Some((of, found)) = self.kept().identities.get(&place)
            && of == input
        {
            return Ok(Arc::clone(found));
        }
        let loaded = self.loaded(tenant, cluster)?;
        let found = Arc::new(loaded.around.identities().clone());
        self.kept().identities.insert(place, (loaded.input.clone(), Arc::clone(&found)));
        Ok(found)
    }

    /// An answer from the store, which is asked again after a few seconds.
    fn remembered(&self, tenant: &TenantId, what: String, ask: impl FnOnce() -> Told) -> Told {
        let key = (tenant.clone(), what);
        if let Some((at, told)) = self.kept().answers.get(&key)
            && at.elapsed() < LOOK_EVERY
        {
            return told.clone();
        }
        let told = ask();
        let mut kept = self.kept();
        if kept.answers.len() >= ANSWERS_MAX {
            kept.answers.clear();
        }
        kept.answers.insert(key, (Instant::now(), told.clone()));
        told
    }

    fn worst(&self, tenant: &TenantId, filter: &FindingFilter) -> Result<Vec<Finding>, Refusal> {
        let page = PageRequest { cursor: None, limit: WORST };
        let found = self.wait(self.store.findings(tenant, filter, FindingSort::Severity, &page))?;
        Ok(found.items.into_iter().map(|row| row.stored.finding).collect())
    }

    /// What the newest scan of an image found; nothing of one that nobody has scanned.
    fn image(&self, tenant: &TenantId, digest: &str, reference: &str) -> Result<Option<Value>, Refusal> {
        let Some(image) = self.wait(images::scanned(&self.store, tenant, digest))? else { return Ok(None) };
        let open = FindingFilter {
            states: vec![FindingState::Open],
            classes: vec![FindingClass::Vulnerability],
            suppressed: Some(false),
            asset: Some(image.row.id.clone()),
            ..FindingFilter::default()
        };
        // Those that are known to be exploited come first, however bad others are rated.
        let mut worst = self.worst(tenant, &FindingFilter { kev: Some(true), ..open.clone() })?;
        worst.extend(self.worst(tenant, &FindingFilter { kev: Some(false), ..open })?);
        worst.truncate(usize::try_from(WORST).unwrap_or(usize::MAX));
        Ok(Some(json!({
            "id": digest,
            "name": reference,
            "scannedAt": image.row.last_scan_at.to_string(),
            "complete": image.coverage.complete,
            "counts": image.row.findings,
            "exploited": image.row.kev_open,
            "fixable": image.row.fixable_open,
            "worst": worst.iter().map(vulnerability).collect::<Vec<_>>(),
        })))
    }

    fn all_images(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told {
        let running = self.around(tenant, cluster)?.around.running(path)?;
        let why = |_| "the store does not answer".to_owned();
        let (mut found, mut unscanned) = (Vec::new(), running.unresolved.iter().cloned().collect::<Vec<_>>());
        let left_out = running.digests.len().saturating_sub(IMAGES_MAX);
        for (digest, reference) in running.digests.iter().take(IMAGES_MAX) {
            match self.image(tenant, digest, reference).map_err(why)? {
                Some(image) => found.push(image),
                None => unscanned.push(reference.clone()),
            }
        }
        if found.is_empty() {
            let first = unscanned.first().map(|first| format!("such as {first}"));
            return Err(format!(
                "none of its images was scanned{}",
                first.map_or(String::new(), |first| format!(", {first}"))
            ));
        }
        Ok(json!({ "images": found, "unscanned": unscanned, "leftOut": left_out }))
    }

    fn all_posture(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told {
        let id = format!("k8s:{cluster}/{path}");
        let why = |_| "the store does not answer".to_owned();
        let resource = self.wait(self.store.resource(tenant, &id)).map_err(why)?;
        let resource = resource.ok_or_else(|| "no scan has seen it yet".to_owned())?;
        let filter = FindingFilter {
            states: vec![FindingState::Open],
            suppressed: Some(false),
            asset: Some(resource.scope),
            subject: Some(path.to_owned()),
            ..FindingFilter::default()
        };
        let worst = self.worst(tenant, &filter).map_err(why)?;
        let told = worst.iter().map(
            |finding| json!({ "rule": finding.rule, "title": finding.title, "severity": finding.severity }),
        );
        Ok(json!({ "counts": resource.findings, "worst": told.collect::<Vec<_>>() }))
    }
}

fn vulnerability(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule,
        "title": finding.title,
        "severity": finding.severity,
        "package": finding.package.as_ref().map(|package| &package.name),
        "version": finding.package.as_ref().map(|package| &package.version),
        "fixed": finding.fix.versions,
        "exploited": finding.kev.is_some(),
    })
}

impl Known for Context {
    fn graph(&self, tenant: &TenantId, cluster: &str) -> Result<Arc<Graph>, Refusal> {
        Ok(self.loaded(tenant, cluster)?.graph())
    }

    fn accounts_of(&self, tenant: &TenantId, identity: &str) -> Result<Vec<String>, Refusal> {
        let mut all = Vec::new();
        for scope in self.scopes(tenant)?.iter() {
            let Some(cluster) = scope.asset.0.strip_prefix("k8s:") else { continue };
            let identities = self.identities(tenant, cluster, &scope.input)?;
            all.extend(identities.get(identity).into_iter().flatten().cloned());
        }
        Ok(all)
    }

    fn image_findings(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told {
        let what = format!("images {cluster}/{path}");
        self.remembered(tenant, what, || self.all_images(tenant, cluster, path))
    }

    fn posture_findings(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told {
        let what = format!("posture {cluster}/{path}");
        self.remembered(tenant, what, || self.all_posture(tenant, cluster, path))
    }

    fn exposure(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told {
        self.around(tenant, cluster)?.around.exposure(path)
    }

    fn rights(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told {
        self.around(tenant, cluster)?.around.rights(path)
    }

    fn escape(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told {
        self.around(tenant, cluster)?.around.escape(path)
    }
}
