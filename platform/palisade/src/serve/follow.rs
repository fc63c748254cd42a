//! Followed clusters: what changes in one is judged and stored as it changes, without anybody asking.
//!
//! A cluster is read and judged whole once, which is stored as a scan. From then on its watches tell of changes; these are collected for a
//! moment, what they concern is judged again, and one transaction merges what that means. Whole assessments, which make the trend and the
//! chain of evidence, come at most every so many minutes. Whatever goes wrong, the way back is to read the cluster anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cluster::{Changed, Connection, Following, GroupKind, WatchOptions};
use engine::audit::Trail;
use engine::standing::Standing;
use jiff::Timestamp;
use model::{AssetId, Gap, GapCode, TargetKind, TenantId};
use store::{FollowReport, FollowState, NewScan, ScanRequest, ScopeChange};
use tokio::sync::watch;
use tokio::task::block_in_place;
use tokio::time::Instant;
use uuid::Uuid;

use super::lease::{Lease, RENEW_EVERY};
use super::{Service, worker};
use crate::config::Cluster;
use crate::followed;
use crate::plugins::PluginSet;
use crate::scope::{self, Learnt, Seen, scope_state};

/// Silence after which the changes that have come are judged together.
const QUIET: Duration = Duration::from_millis(200);
/// How long changes are collected at most while more are coming.
const COLLECTED_FOR: Duration = Duration::from_secs(2);
/// How often to see whether anything is due that no change brings about.
const TICK: Duration = Duration::from_secs(5);
/// How far apart snapshots are stored, of which questions about the graph are asked.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(60);
/// How far apart whole assessments are at least when what can be seen of the cluster has changed.
const ASSESS_AT_LEAST: Duration = Duration::from_secs(60);
/// How far apart whole scans are that become necessary because somebody else has stored one.
const OVERTAKEN_AT_MOST: Duration = Duration::from_secs(30);
/// Pauses after failures, doubled from one to the other.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// Why following has ended without a failure.
enum End {
    /// The service stops.
    Stopped,
    /// Another process has the cluster.
    Taken,
    /// What is read of the cluster or who judges it is not the same any more.
    Outdated,
}

/// Follows a cluster until stopped, whatever fails.
pub(crate) async fn run(
    service: Arc<Service>,
    name: String,
    mut stopped: watch::Receiver<bool>,
) -> Result<()> {
    let mut pause = PAUSES.0;
    while !*stopped.borrow() {
        let lease = match Lease::take(&service, &name).await {
            Ok(lease) => lease,
            Err(error) => {
                tracing::warn!(cluster = name, error = %error, "cannot ask for the lease of a cluster; trying again");
                None
            }
        };
        let Some(lease) = lease else {
            wait(RENEW_EVERY, &mut stopped).await;
            continue;
        };
        let lease = Arc::new(lease);
        // In a task of its own, so that a defect ends this attempt and not the service.
        let mut attempt = tokio::task::JoinSet::new();
        attempt.spawn(follow(Arc::clone(&service), name.clone(), Arc::clone(&lease), stopped.clone()));
        let ended = match attempt.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(panic)) => Err(anyhow::anyhow!("it ended in a defect of the program: {panic}")),
            None => Ok(End::Outdated),
        };
        match ended {
            Ok(End::Stopped | End::Taken) => {}
            Ok(End::Outdated) => pause = PAUSES.0,
            Err(error) => {
                let reason = crate::exit::one_line(&error);
                tracing::warn!(cluster = name, error = reason, "a cluster cannot be followed; trying again");
                let report = FollowReport {
                    state: FollowState::Failed,
                    code: Some(code(&error).to_owned()),
                    reason: Some(reason),
                    ..FollowReport::default()
                };
                lease.report(&report).await;
                wait(pause, &mut stopped).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
        if let Some(lease) = Arc::into_inner(lease) {
            lease.release().await;
        }
    }
    Ok(())
}

fn code(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref::<store::StoreError>() {
        Some(error) => error.code(),
        None => worker::cluster_code(error),
    }
}

async fn wait(pause: Duration, stopped: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(pause) => (),
        _ = stopped.changed() => (),
    }
}

async fn follow(
    service: Arc<Service>,
    name: String,
    lease: Arc<Lease>,
    mut stopped: watch::Receiver<bool>,
) -> Result<End> {
    let mut lost = lease.lost();
    let mut follower = tokio::select! {
        follower = Follower::begin(service, name, lease) => follower?,
        _ = stopped.changed() => return Ok(End::Stopped),
        _ = lost.changed() => return Ok(End::Taken),
    };
    let mut tick = tokio::time::interval(TICK);
    loop {
        let last = follower.pending.last;
        tokio::select! {
            changed = follower.following.next() => match changed {
                Some(changed) => follower.take(&changed),
                None => anyhow::bail!("there is no kind of object that may be watched"),
            },
            () = quiet(last) => follower.settle().await?,
            _ = tick.tick() => {
                if follower.is_outdated() {
                    return Ok(End::Outdated);
                }
                follower.tend().await?;
            }
            _ = stopped.changed() => return Ok(End::Stopped),
            _ = lost.changed() => return Ok(End::Taken),
        }
        if follower.pending.since.is_some_and(|since| since.elapsed() >= COLLECTED_FOR) {
            follower.settle().await?;
        }
    }
}

/// Ends when nothing has come for a moment after something did.
async fn quiet(last: Option<Instant>) {
    match last {
        Some(last) => tokio::time::sleep_until(last + QUIET).await,
        None => std::future::pending().await,
    }
}

/// Changes that are not stored yet.
#[derive(Default)]
struct Pending {
    /// When the first of them came.
    since: Option<Instant>,
    /// When the last of them came.
    last: Option<Instant>,
    /// Canonical ids of assets that came, changed or went.
    assets: BTreeSet<String>,
    /// Paths of what was judged again.
    subjects: BTreeSet<String>,
}

/// A cluster that is followed.
struct Follower {
    service: Arc<Service>,
    name: String,
    settings: Cluster,
    lease: Arc<Lease>,
    plugins: Arc<PluginSet>,
    following: Following,
    standing: Standing,
    pending: Pending,
    /// The whole scan that changes go on from, and the name of the cluster then.
    scan: Option<(Uuid, String)>,
    assessed: Instant,
    /// When a scan of somebody else last made a whole one necessary.
    overtaken: Option<Instant>,
    /// Something was merged since the last whole assessment.
    is_changed: bool,
    /// What could not be seen of the cluster at the last whole assessment.
    gaps: BTreeSet<Gap>,
    kept: Instant,
    /// The snapshot that is stored is older than the last change.
    is_stale: bool,
    /// Digests of images that were asked for.
    images: BTreeSet<String>,
    /// Kinds that the cluster defines, and that were not to be had when it was read.
    unread: BTreeSet<GroupKind>,
    report: FollowReport,
    reported: FollowReport,
}

impl Follower {
    /// Reads and judges the whole cluster.
    async fn begin(service: Arc<Service>, name: String, lease: Arc<Lease>) -> Result<Self> {
        let settings = service.config.clusters.get(&name).cloned();
        let settings = settings.context("no cluster of this name is configured any more")?;
        let plugins = service.live.set();
        let (connect, options) = crate::posture::reached(&settings.source(&name), &plugins.posture);
        let connection = Connection::open(&connect).await?;
        let collected = cluster::collect(&connection, &options).await?;
        let following = Following::start(&connection, collected, &name, WatchOptions::default());
        let threads = service.config.threads(None);
        let standing = block_in_place(|| {
            let mut standing = followed::begin(following.live(), plugins.posture.clone());
            standing.judge_again(threads);
            standing
        });
        let now = Instant::now();
        let mut follower = Self {
            unread: unread(&following, &plugins),
            service,
            name,
            settings,
            lease,
            plugins,
            following,
            standing,
            pending: Pending::default(),
            scan: None,
            assessed: now,
            overtaken: None,
            is_changed: false,
            gaps: BTreeSet::new(),
            kept: now,
            is_stale: false,
            images: BTreeSet::new(),
            report: FollowReport::default(),
            reported: FollowReport::default(),
        };
        follower.assess().await?;
        follower.say().await;
        tracing::info!(cluster = follower.name, "a cluster is followed");
        Ok(follower)
    }

    /// Whether the cluster has to be read anew: other plugins may want to see other kinds, and a kind that they want to see may be new.
    fn is_outdated(&self) -> bool {
        !Arc::ptr_eq(&self.plugins, &self.service.live.set())
            || !unread(&self.following, &self.plugins).is_subset(&self.unread)
    }

    fn take(&mut self, changed: &Changed) {
        followed::hand_on(self.following.live(), changed, &mut self.standing);
        if changed.is_empty() && !self.standing.is_due() {
            return;
        }
        let now = Instant::now();
        self.pending.since.get_or_insert(now);
        self.pending.last = Some(now);
        self.pending.assets.extend(changed.nodes.iter().chain(&changed.nodes_removed).cloned());
        self.report.changed_at = Some(Timestamp::now());
    }

    /// Judges what is concerned by the changes that have come, and stores what that means.
    async fn settle(&mut self) -> Result<()> {
        let threads = self.service.config.threads(None);
        let again = block_in_place(|| self.standing.judge_again(threads));
        self.pending.subjects.extend(again);
        let audit = self.standing.take_audit();
        self.keep_audit(audit).await?;
        let merged = match &self.scan {
            Some((scan, cluster)) if cluster == self.following.live().snapshot().cluster() => {
                let keep = self.kept.elapsed() >= SNAPSHOT_EVERY;
                let change = block_in_place(|| self.change(*scan, keep));
                self.store(&change).await?
            }
            _ => false,
        };
        if !merged {
            // Another scan has ended, or the cluster has another name: only the whole says what is. Somebody who scans all the time, or
            // follows the same cluster by another name, must not make a whole scan of every change.
            if self.overtaken.is_some_and(|at| at.elapsed() < OVERTAKEN_AT_MOST) {
                self.pending.last = None;
                return Ok(());
            }
            self.overtaken = Some(Instant::now());
            self.assess().await?;
        }
        if let Some(since) = self.pending.since {
            self.report.lag_ms = u64::try_from(since.elapsed().as_millis()).ok();
        }
        self.pending = Pending::default();
        self.report.stored_at = Some(Timestamp::now());
        self.queue_images().await;
        self.say().await;
        Ok(())
    }

    async fn store(&mut self, change: &ScopeChange) -> Result<bool> {
        let tenant = TenantId::default_tenant();
        let at = Timestamp::now();
        let Some(summary) = self.service.store.merge_change(&tenant, change, at).await? else {
            return Ok(false);
        };
        self.is_changed = true;
        match change.snapshot {
            Some(_) => (self.kept, self.is_stale) = (Instant::now(), false),
            None => self.is_stale = true,
        }
        self.service.outbox_bell.notify_one();
        tracing::debug!(
            cluster = self.name,
            judged = change.subjects.len(),
            opened = summary.opened,
            fixed = summary.fixed,
            "changes of a cluster were stored"
        );
        Ok(true)
    }

    /// What the pending changes mean for the store.
    fn change(&self, scan: Uuid, keep: bool) -> ScopeChange {
        let snapshot = self.following.live().snapshot();
        let (id, prefix) = (format!("k8s:{}", snapshot.cluster()), format!("k8s:{}/", snapshot.cluster()));
        // What is found on an asset is part of its row.
        let of_assets = self.pending.assets.iter().filter_map(|id| id.strip_prefix(&prefix));
        let of_assets = of_assets.filter(|path| self.standing.is_subject(path)).map(str::to_owned);
        let subjects: BTreeSet<String> = of_assets.chain(self.pending.subjects.iter().cloned()).collect();
        let gaps = crate::posture::gaps(snapshot, &self.plugins.posture);
        let judged = self.standing.judged_of(&subjects, gaps);
        let counts = scope::counts(&judged.report.findings);
        let assets = subjects.iter().map(|path| format!("{prefix}{path}"));
        let assets: BTreeSet<String> = assets.chain(self.pending.assets.iter().cloned()).collect();
        let (mut resources, mut gone) = (Vec::new(), Vec::new());
        for id in assets {
            match self.standing.graph().node(&id) {
                Some(node) => resources.extend(scope::resource(&prefix, node, &counts)),
                None => gone.push(id),
            }
        }
        let snapshot = keep.then(|| {
            let bytes = snapshot.pack();
            (crate::evidence::input(String::new(), &bytes).sha256, bytes)
        });
        ScopeChange { asset: AssetId(id), scan, subjects, report: judged.report, resources, gone, snapshot }
    }

    /// What is due without a change.
    async fn tend(&mut self) -> Result<()> {
        let gaps = crate::posture::gaps(self.following.live().snapshot(), &self.plugins.posture);
        let sees_else = gaps != self.gaps && self.assessed.elapsed() >= ASSESS_AT_LEAST;
        let is_time = self.is_changed && self.assessed.elapsed() >= self.settings.assess_every();
        if self.pending.since.is_none() && (sees_else || is_time) {
            self.assess().await?;
        } else if self.pending.since.is_none() && self.is_stale && self.kept.elapsed() >= SNAPSHOT_EVERY {
            self.settle().await?;
        }
        self.say().await;
        Ok(())
    }

    /// Stores everything that is known of the cluster as a scan: findings, resources, the snapshot, assessments, a record of evidence.
    async fn assess(&mut self) -> Result<()> {
        let threads = self.service.config.threads(None);
        self.standing.doubt();
        if self.standing.is_due() {
            block_in_place(|| self.standing.judge_again(threads));
        }
        let live = self.following.live();
        let (cluster, at) = (live.snapshot().cluster().to_owned(), Timestamp::now());
        let gaps = crate::posture::gaps(live.snapshot(), &self.plugins.posture);
        let tenant = TenantId::default_tenant();
        let running = live.snapshot().running_images();
        let observations = crate::images::observed(&self.service.store, &tenant, &running).await?;
        let images = Seen { rules: crate::images::rules(&self.plugins.plan), observations };
        let mut audit = self.standing.take_audit();
        let outcome = block_in_place(|| {
            let mut judged = self.standing.judged(gaps.clone());
            let learnt = Learnt {
                id: &format!("k8s:{cluster}"),
                prefix: &format!("k8s:{cluster}/"),
                at,
                snapshot: live.snapshot().pack(),
                description: format!("objects of the cluster, read from {} and followed since", self.name),
                graph: self.standing.graph(),
                posture: &self.plugins.posture,
                compliance: &self.plugins.compliance,
                images,
                places: scope::places_of_cluster(live.snapshot()),
            };
            let id = AssetId(learnt.id.to_owned());
            let scope = scope_state(learnt, &mut judged);
            audit.add(std::mem::take(&mut judged.audit));
            worker::of_scope(TargetKind::Cluster, &self.name, id, judged, scope)
        });
        self.keep_audit(audit).await?;
        let request = ScanRequest { kind: TargetKind::Cluster, reference: self.name.clone(), platform: None };
        let new = NewScan { id: Uuid::now_v7(), idempotency_key: None, request, at };
        let summary = self.service.store.store_scan(&tenant, &new, &outcome, Timestamp::now()).await?;
        self.scan = (!summary.superseded).then_some((new.id, cluster));
        (self.assessed, self.kept) = (Instant::now(), Instant::now());
        (self.is_changed, self.is_stale, self.gaps) = (false, false, gaps);
        self.report.stored_at = Some(at);
        self.report.asset = Some(outcome.asset);
        worker::changed(&self.service, &tenant, new.id);
        self.service.outbox_bell.notify_one();
        self.queue_images().await;
        Ok(())
    }

    /// Writes down what plugins were denied. Without that nothing is stored.
    async fn keep_audit(&self, audit: Trail) -> Result<()> {
        crate::audit::keep(&self.service.store, &audit, &format!("the cluster {}", self.name)).await?;
        Ok(())
    }

    /// Asks for a scan of each image that was not seen running before.
    async fn queue_images(&mut self) {
        if self.settings.no_images {
            return;
        }
        let mut running: BTreeMap<String, String> = self.following.live().snapshot().running_images();
        running.retain(|digest, _| !self.images.contains(digest));
        if !running.is_empty() {
            let tenant = TenantId::default_tenant();
            worker::queue_images(&self.service, &tenant, &running, Timestamp::now()).await;
            self.service.outbox_bell.notify_one();
            self.images.extend(running.into_keys());
        }
    }

    /// Says how it goes, if that is news.
    async fn say(&mut self) {
        let gaps = self.following.live().snapshot().gaps();
        let lost: Vec<&Gap> = gaps.iter().filter(|gap| gap.code == GapCode::NotCollected).collect();
        let is_lost = self.following.watch().positions().is_empty();
        self.report.state = if is_lost { FollowState::Failed } else { FollowState::Following };
        self.report.code = lost.first().map(|gap| gap.code.as_str().to_owned());
        self.report.reason = lost.first().map(|gap| match lost.len() {
            1 => format!("{} is not followed: {}", gap.subject, gap.reason),
            more => format!("{more} kinds are not followed; {}: {}", gap.subject, gap.reason),
        });
        self.report.since = match (is_lost, self.report.since) {
            (true, _) => None,
            (false, since) => Some(since.unwrap_or_else(Timestamp::now)),
        };
        if self.report != self.reported {
            self.lease.report(&self.report).await;
            self.reported = self.report.clone();
        }
    }
}

/// Kinds that the plugins want to see and that the cluster has, without their being watched.
fn unread(following: &Following, plugins: &PluginSet) -> BTreeSet<GroupKind> {
    let mut unread = crate::posture::wanted(&plugins.posture);
    let missing = following.live().snapshot().missing();
    unread.retain(|kind| missing.contains(kind) && !following.watch().has(kind));
    unread
}
