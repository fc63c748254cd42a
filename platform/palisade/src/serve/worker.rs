//! Scan workers: take a requested scan from the bus, make it, and commit the result exactly once.
//!
//! A worker may die at any point. Until the result is committed the message is delivered again, to this or another
//! process; afterwards the store's inbox recognises it. Both together make the effect exactly-once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
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

use super::{Service, session};
use crate::scope::{Learnt, scope_state};

/// Name under which the workers of all processes share their work.
pub(crate) const CONSUMER: &str = "scan-worker";

/// How often a worker says that its scan is still under way; well inside the time after which somebody else gets it.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// Runs until stopped; a scan under way is finished first.
pub(crate) async fn run(
    service: Arc<Service>,
    number: usize,
    mut stopped: watch::Receiver<bool>,
) -> Result<()> {
    let options = ConsumerOptions::new(CONSUMER, "scan.requested");
    let consumer = service.bus.consumer(options).await.context("cannot take work from the bus")?;
    while !*stopped.borrow() {
        let delivery = tokio::select! {
            delivery = consumer.next() => delivery,
            _ = stopped.changed() => continue,
        };
        match delivery {
            Ok(delivery) => handle(&service, delivery).await,
            Err(error) => {
                tracing::warn!(worker = number, error = %error, "cannot take work from the bus; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    Ok(())
}

async fn handle(service: &Arc<Service>, delivery: Delivery) {
    let id = delivery.envelope().id.clone();
    if let Err(error) = process(service, delivery).await {
        // The message was not acknowledged, so it comes back.
        tracing::error!(message.id = %id, error = %crate::exit::one_line(&error), "a scan could not be processed");
    }
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
    let made = make_keeping(service, &scan, &delivery).await;
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
async fn make_keeping(service: &Arc<Service>, scan: &Scan, delivery: &Delivery) -> Result<Made, Failure> {
    let (service, scan) = (Arc::clone(service), scan.clone());
    let mut work = tokio::task::spawn_blocking(move || make(&service, &scan));
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

fn make(service: &Service, scan: &Scan) -> Result<Made, Failure> {
    match scan.request.kind {
        TargetKind::Cluster => make_cluster(service, scan),
        TargetKind::Account => make_account(service, scan),
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
fn make_cluster(service: &Service, scan: &Scan) -> Result<Made, Failure> {
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
    let images = match configured {
        Some(cluster) if !cluster.no_images => snapshot.running_images(),
        _ => BTreeMap::new(),
    };
    let learnt = Learnt {
        id: &format!("k8s:{}", snapshot.cluster()),
        prefix: &format!("k8s:{}/", snapshot.cluster()),
        at: Timestamp::now(),
        snapshot: snapshot.pack(),
        description: format!("objects of the cluster, read from {reference}"),
        graph: &graph,
        posture: &plugins.posture,
        compliance: &plugins.compliance,
    };
    let id = AssetId(learnt.id.to_owned());
    let scope = scope_state(learnt, &mut judged);
    Ok(Made { outcome: of_scope(TargetKind::Cluster, reference, id, judged, scope), images })
}

pub(super) fn cluster_code(error: &anyhow::Error) -> &'static str {
    error.downcast_ref::<cluster::ClusterError>().map_or("cluster-unreachable", cluster::ClusterError::code)
}

/// Collects and judges an account that is configured.
fn make_account(service: &Service, scan: &Scan) -> Result<Made, Failure> {
    let reference = scan.request.reference.as_str();
    let missing = || anyhow::anyhow!("no account of this name is configured any more");
    let settings = service.config.accounts.get(reference);
    let settings = settings.ok_or_else(|| Failure::new("scan-target-not-allowed", missing()))?;
    let plugins = service.live.set();
    let services: Arc<dyn host::Services> = Arc::new(service.platform());
    let threads = service.config.threads(None);
    let scanned =
        crate::account::scan(reference, settings, &plugins.loaded, &plugins.posture, &services, threads)
            .map_err(|error| Failure::new("account-not-collected", error))?;
    let mut judged = scanned.judged;
    let learnt = Learnt {
        id: &format!("account:{reference}"),
        prefix: "",
        at: Timestamp::now(),
        snapshot: scanned.account.pack(),
        description: format!("resources of the account {reference}, as {} collected them", settings.plugin),
        graph: &scanned.graph,
        posture: &plugins.posture,
        compliance: &plugins.compliance,
    };
    let id = AssetId(learnt.id.to_owned());
    let scope = scope_state(learnt, &mut judged);
    let outcome = of_scope(TargetKind::Account, reference, id, judged, scope);
    Ok(Made { outcome, images: BTreeMap::new() })
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

/// Asks for a scan of each image that runs in a cluster. One that was asked for before is not asked for again: the digest is the key.
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
        let new = NewScan {
            id: Uuid::now_v7(),
            idempotency_key: Some(format!("running:{digest}")),
            request: ScanRequest { kind: TargetKind::Image, reference: reference.clone(), platform: None },
            at,
        };
        // Another reference may lead to the same digest; the first one that was seen is good enough.
        if let Err(error) = service.store.submit_scan(tenant, &new).await
            && error.code() != "idempotency-conflict"
        {
            tracing::warn!(image.digest = %digest, error = %error, "a running image could not be queued");
        }
    }
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
