//! Snapshots of clusters and accounts that questions are asked of, kept while they are the newest.
//!
//! Reading one back and preparing its answers takes up to a second for a large cluster, so it is done away from the threads that
//! serve requests, and the last few stay in memory.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cloud::aws;
use cluster::Snapshot;
use jiff::Timestamp;
use model::graph::Relation;
use model::{AssetId, TenantId};

use crate::app::App;
use crate::code::Code;
use crate::neighbours::Neighbours;
use crate::problem::Problem;

/// Snapshots of a kind in memory. A large one has a few hundred megabytes.
const KEPT: usize = 3;

/// Whose snapshot, of what, by the hash of what was read: of a scope that is followed there are several of one scan.
type Key = (TenantId, AssetId, String);

/// What is read back from a snapshot.
pub(crate) trait Kept: Sized + Send + Sync + 'static {
    /// What ids of such scopes begin with.
    const PREFIX: &str;

    /// Reads it back, or says why that cannot be done.
    fn unpack(bytes: &[u8]) -> Result<Self, String>;

    /// The problem of an id that none has.
    fn not_found() -> Problem;

    /// Those in memory.
    fn recent(snapshots: &Snapshots) -> &Recent<Self>;

    /// What is joined to what in it.
    fn relations(&self) -> Vec<Relation>;
}

/// A cluster with the answers that were made of it so far.
pub(crate) struct Cluster {
    pub(crate) snapshot: Snapshot,
    exposure: OnceLock<cluster::Exposure>,
    access: OnceLock<cluster::Access>,
    attack: OnceLock<cluster::Attack>,
}

impl Cluster {
    pub(crate) fn exposure(&self) -> &cluster::Exposure {
        self.exposure.get_or_init(|| cluster::Exposure::of(&self.snapshot))
    }

    pub(crate) fn access(&self) -> &cluster::Access {
        self.access.get_or_init(|| cluster::Access::of(&self.snapshot))
    }

    pub(crate) fn attack(&self) -> &cluster::Attack {
        self.attack.get_or_init(|| cluster::Attack::of(&self.snapshot))
    }
}

impl Kept for Cluster {
    const PREFIX: &str = "k8s:";

    fn unpack(bytes: &[u8]) -> Result<Self, String> {
        let snapshot = Snapshot::unpack(bytes).map_err(|error| error.to_string())?;
        let (exposure, access, attack) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Ok(Self { snapshot, exposure, access, attack })
    }

    fn not_found() -> Problem {
        Problem::new(Code::ClusterNotFound, "No cluster has this id.").hint("List them at /api/v1/clusters.")
    }

    fn recent(snapshots: &Snapshots) -> &Recent<Self> {
        &snapshots.clusters
    }

    fn relations(&self) -> Vec<Relation> {
        self.snapshot.graph().1
    }
}

/// An account with the answers that were made of it so far.
pub(crate) struct Account {
    pub(crate) account: aws::Account,
    access: OnceLock<Arc<aws::Access>>,
    exposure: OnceLock<Arc<aws::Exposure>>,
    attack: OnceLock<aws::Attack>,
    choke_points: OnceLock<Vec<aws::ChokePoint>>,
}

impl Account {
    pub(crate) fn access(&self) -> &Arc<aws::Access> {
        self.access.get_or_init(|| Arc::new(aws::Access::of(&self.account)))
    }

    pub(crate) fn exposure(&self) -> &Arc<aws::Exposure> {
        self.exposure.get_or_init(|| Arc::new(aws::Exposure::of(&self.account, self.access())))
    }

    pub(crate) fn attack(&self) -> &aws::Attack {
        self.attack.get_or_init(|| {
            let (access, exposure) = (Arc::clone(self.access()), Arc::clone(self.exposure()));
            aws::Attack::of(&self.account, access, exposure)
        })
    }

    /// The first `limit` of the first question: they are found by many searches, so that once is enough.
    pub(crate) fn choke_points(&self, limit: usize) -> &[aws::ChokePoint] {
        self.choke_points.get_or_init(|| self.attack().choke_points(limit))
    }
}

impl Kept for Account {
    const PREFIX: &str = "account:";

    fn unpack(bytes: &[u8]) -> Result<Self, String> {
        let account = aws::Account::unpack(bytes).map_err(|error| error.to_string())?;
        Ok(Self {
            account,
            access: OnceLock::new(),
            exposure: OnceLock::new(),
            attack: OnceLock::new(),
            choke_points: OnceLock::new(),
        })
    }

    fn not_found() -> Problem {
        Problem::new(Code::AccountNotFound, "No account of a cloud has this id.")
            .hint("List them at /api/v1/clusters: their ids begin with account:.")
    }

    fn recent(snapshots: &Snapshots) -> &Recent<Self> {
        &snapshots.accounts
    }

    fn relations(&self) -> Vec<Relation> {
        self.account.graph().1
    }
}

/// A snapshot in memory.
pub(crate) struct Loaded<T> {
    key: Key,
    /// When its scan ended.
    pub(crate) at: Timestamp,
    pub(crate) scope: T,
    graph: OnceLock<Neighbours>,
}

impl<T: Kept> Loaded<T> {
    pub(crate) fn graph(&self) -> &Neighbours {
        self.graph.get_or_init(|| Neighbours::of(self.scope.relations()))
    }
}

/// The last few snapshots of each kind.
#[derive(Default)]
pub(crate) struct Snapshots {
    clusters: Recent<Cluster>,
    accounts: Recent<Account>,
}

/// The last few snapshots, the newest use first.
pub(crate) struct Recent<T>(Mutex<Vec<Arc<Loaded<T>>>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Recent<T> {
    fn kept(&self, key: &Key) -> Option<Arc<Loaded<T>>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|loaded| loaded.key == *key)?;
        let found = kept.remove(place);
        kept.insert(0, Arc::clone(&found));
        Some(found)
    }

    fn keep(&self, loaded: &Arc<Loaded<T>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| (&other.key.0, &other.key.1) != (&loaded.key.0, &loaded.key.1));
        kept.insert(0, Arc::clone(loaded));
        kept.truncate(KEPT);
    }
}

/// Asks a question of the newest snapshot of a cluster or account, on a thread that may take its time.
///
/// # Errors
/// A problem if there is none of this id, or if what is kept of it cannot be read.
pub(crate) async fn ask<S: Kept, T: Send + 'static>(
    app: &App,
    tenant: &TenantId,
    asset: AssetId,
    question: impl FnOnce(&Loaded<S>) -> T + Send + 'static,
) -> Result<T, Problem> {
    if !asset.0.starts_with(S::PREFIX) {
        return Err(S::not_found());
    }
    let scopes = app.store.scopes(tenant).await?;
    let newest = scopes.into_iter().find(|scope| scope.asset == asset).ok_or_else(S::not_found)?;
    let key = (tenant.clone(), asset, newest.input);
    let loaded = match S::recent(&app.snapshots).kept(&key) {
        Some(loaded) => loaded,
        None => load(app, key, newest.at).await?,
    };
    tokio::task::spawn_blocking(move || question(&loaded)).await.map_err(|error| defect(&error))
}

/// If a newer one is stored meanwhile, that is read, and read once more at the next question.
async fn load<S: Kept>(app: &App, key: Key, at: Timestamp) -> Result<Arc<Loaded<S>>, Problem> {
    let (_, bytes) = app.store.scope_snapshot(&key.0, &key.1).await?.ok_or_else(S::not_found)?;
    let unpacked = tokio::task::spawn_blocking(move || S::unpack(&bytes)).await;
    let scope = unpacked.map_err(|error| defect(&error))?.map_err(|why| {
        Problem::new(Code::SnapshotUnreadable, "What is kept of this cluster or account cannot be read.")
            .hint("Scan it again.")
            .cause(why)
    })?;
    let loaded = Arc::new(Loaded { key, at, scope, graph: OnceLock::new() });
    S::recent(&app.snapshots).keep(&loaded);
    Ok(loaded)
}

fn defect(error: &tokio::task::JoinError) -> Problem {
    Problem::new(Code::InternalError, "The question could not be answered.").cause(error.to_string())
}
