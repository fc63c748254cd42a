//! Scan workers: take a requested scan from the bus, make it, and commit the result exactly once.
//!
//! A worker may die at any point. Until the result is committed the message is delivered again, to this or another
//! process; afterwards the store's inbox recognises it. Both together make the effect exactly-once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use api::ScanChange;
use bus::{ConsumerOptions, Delivery};
use engine::ScanOptions;
use engine::posture::Judged;
use image::OpenOptions;
use jiff::Timestamp;
use model::{AssetId, Target, TargetKind, TenantId};
use store::{NewScan, Scan, ScanRequest, ScanState, ScopeState};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Service, session, take};
use crate::account::AccountScan;
use crate::plugins::PluginSet;
use crate::scope::{Learnt, Seen, places_of_account, places_of_cluster, scope_state};

/// Name under which the workers of all processes share their work.
pub(crate) const CONSUMER: &str = "scan-worker";

/// How often a worker says that its scan is still under way; well inside the time after which somebody else gets it.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// Runs until stopped; a scan under way is finished first.
pub(crate) async fn run(service: Arc<Service>, stopped: watch::Receiver<bool>) -> Result<()> {
    let options = ConsumerOptions::new(CONSUMER, "scan.requested");
    take::run(&service, options, stopped, |delivery| process(&service, delivery)).await
}

async fn process(service: &Arc<Service>, delivery: Delivery) -> Result<()> {
    let envelope = delivery.envelope().clone();
    let Some(scan_id) = scan_id(&envelope.body) else {
        delivery.park("the body of the message is not a scan request").await?;
        return Ok(());
    };
    let tenant = &envelope.tenant;
    let Some(scan) = service.store.scan(tenant, scan_id).await? else {
        delivery.park("the store does not know this scan").await?;
        return Ok(());
    };
    if matches!(scan.state, ScanState::Finished | ScanState::Failed) {
        delivery.ack().await?;
        return Ok(());
    }
    service.store.start_scan(tenant, scan_id, Timestamp::now()).await?;
    changed(service, tenant, scan_id);
    let made = make_keeping(service, tenant, &scan, &delivery).await;
    settle(service, tenant, &scan, &envelope.id, made).await?;
    changed(service, tenant, scan_id);
    service.outbox_bell.notify_one();
    delivery.ack().await?;
    Ok(())
}

/// Nobody may be listening, which is not an error.
pub(crate) fn changed(service: &Service, tenant: &TenantId, scan: Uuid) {
    let _ = service.progress.send(ScanChange { tenant: tenant.clone(), scan });
}

/// The scan that a message asks for.
pub(crate) fn scan_id(body: &[u8]) -> Option<Uuid> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    value.get("scan")?.as_str()?.parse().ok()
}

/// Makes the scan on a thread of its own, and keeps the message until that is done.
async fn make_keeping(
    service: &Arc<Service>,
    tenant: &TenantId,
    scan: &Scan,
    delivery: &Delivery,
) -> Result<Made, Failure> {
    let (service, tenant, scan) = (Arc::clone(service), tenant.clone(), scan.clone());
    let mut work = tokio::task::spawn_blocking(move || make(&service, &tenant, &scan));
    loop {
        tokio::select! {
            made = &mut work => {
                return made.unwrap_or_else(|panic| Err(Failure {
                    code: "scan-panicked",
                    message: format!("the scan ended in a defect of the program: {panic}"),
                }));
            }
            () = tokio::time::sleep(KEEP_EVERY) => {
                if let Err(error) = delivery.keep().await {
                    tracing::warn!(error = %error, "cannot tell the bus that a scan is still under way");
                }
            }
        }
    }
}

/// Why a scan has no result; kept with it.
struct Failure {
    code: &'static str,
    message: String,
}

impl Failure {
    fn new(code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self { code, message: crate::exit::one_line(&error.into()) }
    }
}

/// What a scan came to, and the images that it saw running.
struct Made {
    outcome: store::ScanOutcome,
    images: BTreeMap<String, String>,
}

fn make(service: &Service, tenant: &TenantId, scan: &Scan) -> Result<Made, Failure> {
    match scan.request.kind {
        TargetKind::Cluster => make_cluster(service, tenant, scan),
        TargetKind::Account => make_account(service, scan),
        TargetKind::Repository | TargetKind::Host => Err(Failure {
            code: "scan-unsupported",
            message: "what others found of a repository or a machine is imported; it is not scanned here"
                .to_owned(),
        }),
        TargetKind::Image | TargetKind::Directory | TargetKind::Sbom => {
            make_files(service, scan).map(|outcome| Made { outcome, images: BTreeMap::new() })
        }
    }
}

fn make_files(service: &Service, scan: &Scan) -> Result<store::ScanOutcome, Failure> {
    let reference = scan.request.reference.as_str();
    let source = session::requested_source(&service.config, &scan.request)
        .map_err(|error| Failure::new("scan-target-not-allowed", error))?;
    let options = OpenOptions { platform: scan.request.platform.clone(), ..service.opening.clone() };
    let index = service.library.current().map_err(|error| Failure::new(error.code(), error))?;
    let image = image::open(&source, &options).map_err(|error| Failure::new(error.code(), error))?;
    let options =
        ScanOptions { threads: service.config.threads(None), cache: &service.cache, progress: &|_| () };
    let plugins = service.live.set();
    let outcome = engine::scan_image(&image, reference, &plugins.plan, index.as_deref(), &options)
        .map_err(|error| Failure::new(error.code(), error))?;
    let target = outcome.target;
    let asset = match &target.digest {
        Some(digest) => AssetId::image(digest),
        None => session::directory_asset(&target.reference),
    };
    Ok(store::ScanOutcome {
        aliases: vec![target.reference.clone()],
        target,
        asset,
        report: outcome.report,
        scope: None,
    })
}

/// Judges a cluster: one that is configured through its API server, any other by the files of a directory. It is known by its uid, else
/// by how it was reached.
fn make_cluster(service: &Service, tenant: &TenantId, scan: &Scan) -> Result<Made, Failure> {
    let reference = scan.request.reference.as_str();
    let plugins = service.live.set();
    let configured = service.config.clusters.get(reference);
    let snapshot = match configured {
        Some(cluster) => crate::posture::read_cluster(&cluster.source(reference), &plugins.posture)
            .map_err(|error| Failure::new(cluster_code(&error), error))?,
        None => {
            let path = session::allowed(&service.config, Path::new(reference))
                .map_err(|error| Failure::new("scan-target-not-allowed", error))?;
            cluster::read_files(&[path], &format!("files:{reference}"))
                .map_err(|error| Failure::new(error.code(), error))?
        }
    };
    let threads = service.config.threads(None);
    let (mut judged, graph) = crate::posture::judge_snapshot(&snapshot, &plugins.posture, threads);
    let images = snapshot.running_images();
    let learnt = Learnt {
        id: &format!("k8s:{}", snapshot.cluster()),
        prefix: &format!("k8s:{}/", snapshot.cluster()),
        at: Timestamp::now(),
        snapshot: snapshot.pack(),
        description: format!("objects of the cluster, read from {reference}"),
        graph: &graph,
        posture: &plugins.posture,
        compliance: &plugins.compliance,
        images: seen_of_images(service, tenant, &plugins.plan, &images)?,
        places: places_of_cluster(&snapshot),
    };
    let id = AssetId(learnt.id.to_owned());
    let scope = scope_state(learnt, &mut judged);
    let wanted = configured.is_some_and(|cluster| !cluster.no_images);
    let images = if wanted { images } else { BTreeMap::new() };
    keep_audit(service, &judged, &format!("the cluster {reference}"))?;
    Ok(Made { outcome: of_scope(TargetKind::Cluster, reference, id, judged, scope), images })
}

/// What is known of the images that a cluster runs, whoever asked for their scans.
fn seen_of_images(
    service: &Service,
    tenant: &TenantId,
    plan: &engine::Plan,
    images: &BTreeMap<String, String>,
) -> Result<Seen, Failure> {
    let observed = service.runtime.block_on(crate::images::observed(&service.store, tenant, images));
    let observations = observed.map_err(|error| Failure::new(error.code(), error))?;
    Ok(Seen { rules: crate::images::rules(plan), observations })
}

pub(super) fn cluster_code(error: &anyhow::Error) -> &'static str {
    error.downcast_ref::<cluster::ClusterError>().map_or("cluster-unreachable", cluster::ClusterError::code)
}

/// Judges an account: one that is configured through its plugin, any other by a file that one wrote.
fn make_account(service: &Service, scan: &Scan) -> Result<Made, Failure> {
    let reference = scan.request.reference.as_str();
    let plugins = service.live.set();
    let threads = service.config.threads(None);
    let (id, scanned, description) = match service.config.accounts.get(reference) {
        Some(settings) => {
            let (config, platform) = (&service.config, service.platform());
            let scanned = crate::account::scan(reference, settings, config, &plugins, platform, threads)
                .map_err(|error| Failure::new("account-not-collected", error))?;
            let by = &settings.plugin;
            let description = format!("resources of the account {reference}, as {by} collected them");
            (format!("account:{reference}"), scanned, description)
        }
        None => {
            let scanned = account_of_file(service, reference, &plugins, threads)?;
            let description = format!("resources of an account, read from {reference}");
            (crate::account::id_of_file(&scanned.account, reference), scanned, description)
        }
    };
    let mut judged = scanned.judged;
    let learnt = Learnt {
        id: &id,
        prefix: "",
        at: Timestamp::now(),
        snapshot: scanned.account.pack(),
        description,
        graph: &scanned.graph,
        posture: &plugins.posture,
        compliance: &plugins.compliance,
        images: Seen::default(),
        places: places_of_account(&scanned.graph),
    };
    let scope = scope_state(learnt, &mut judged);
    keep_audit(service, &judged, &format!("the account {reference}"))?;
    let outcome = of_scope(TargetKind::Account, reference, AssetId(id), judged, scope);
    Ok(Made { outcome, images: BTreeMap::new() })
}

/// Writes down what plugins were denied. Without that a scan has no result.
fn keep_audit(service: &Service, judged: &Judged, occasion: &str) -> Result<(), Failure> {
    let kept = service.runtime.block_on(crate::audit::keep(&service.store, &judged.audit, occasion));
    kept.map_err(|error| Failure::new(error.code(), error))
}

fn account_of_file(
    service: &Service,
    reference: &str,
    plugins: &PluginSet,
    threads: usize,
) -> Result<AccountScan, Failure> {
    // A name without a path was in the configuration once, and is no more.
    let path = match reference.starts_with('/') {
        true => session::allowed(&service.config, Path::new(reference)),
        false => Err(anyhow::anyhow!("no account of this name is configured any more")),
    };
    let path = path.map_err(|error| Failure::new("scan-target-not-allowed", error))?;
    let collection = crate::account::read_collection(&path)
        .map_err(|error| Failure::new("collection-unreadable", error))?;
    Ok(crate::account::scan_collection(collection, &plugins.posture, threads))
}

pub(super) fn of_scope(
    kind: TargetKind,
    reference: &str,
    asset: AssetId,
    judged: Judged,
    scope: ScopeState,
) -> store::ScanOutcome {
    let target =
        Target { kind, reference: reference.to_owned(), digest: None, platform: None, layers: Vec::new() };
    store::ScanOutcome {
        target,
        asset,
        aliases: vec![reference.to_owned()],
        report: judged.report,
        scope: Some(scope),
    }
}

/// How often an image is asked for whose scans fail. One that cannot be pulled today may be tomorrow, and one that never can must
/// not be asked for for ever.
const ATTEMPTS_MAX: usize = 16;

/// Asks for a scan of each image that runs in a cluster and that nobody has scanned yet.
pub(super) async fn queue_images(
    service: &Service,
    tenant: &TenantId,
    images: &BTreeMap<String, String>,
    at: Timestamp,
) {
    for (digest, reference) in images {
        if matches!(service.store.asset(tenant, &AssetId(digest.clone())).await, Ok(Some(_))) {
            continue;
        }
        // Another reference may lead to the same digest; the first one that was seen is good enough.
        if let Err(error) = queue_image(service, tenant, digest, reference, at).await
            && error.code() != "idempotency-conflict"
        {
            tracing::warn!(image.digest = %digest, error = %error, "a running image could not be queued");
        }
    }
}

/// The digest is the key, so that an image is asked for once; where that scan failed, the failed scan is part of the next key.
async fn queue_image(
    service: &Service,
    tenant: &TenantId,
    digest: &str,
    reference: &str,
    at: Timestamp,
) -> store::Result<()> {
    let mut key = format!("running:{digest}");
    for _ in 0..ATTEMPTS_MAX {
        let new = NewScan {
            id: Uuid::now_v7(),
            idempotency_key: Some(key),
            request: ScanRequest { kind: TargetKind::Image, reference: reference.to_owned(), platform: None },
            at,
        };
        let submitted = service.store.submit_scan(tenant, &new).await?;
        if submitted.created || submitted.scan.state != ScanState::Failed {
            break;
        }
        key = format!("running:{digest}:{}", submitted.scan.id);
    }
    Ok(())
}

async fn settle(
    service: &Service,
    tenant: &TenantId,
    scan: &Scan,
    message_id: &str,
    made: Result<Made, Failure>,
) -> Result<()> {
    let at = Timestamp::now();
    match made {
        Ok(made) => {
            service.store.finish_scan(tenant, scan.id, message_id, &made.outcome, at).await?;
            queue_images(service, tenant, &made.images, at).await;
        }
        Err(failure) => {
            tracing::warn!(scan.id = %scan.id, code = failure.code, "a scan failed: {}", failure.message);
            service.store.fail_scan(tenant, scan.id, message_id, failure.code, &failure.message, at).await?;
        }
    }
    Ok(())
}
