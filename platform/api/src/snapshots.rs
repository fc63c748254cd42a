//! Snapshots of clusters that questions are asked of, kept while they are the newest.
//!
//! Reading one back and preparing its answers takes up to a second for a large cluster, so it is done away from the threads that
//! serve requests, and the last few stay in memory.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cluster::{Access, Attack, Exposure, Snapshot};
use model::{AssetId, TenantId};

use crate::app::App;
use crate::code::Code;
use crate::problem::Problem;

/// Snapshots in memory. A large one has a few hundred megabytes.
const KEPT: usize = 3;

/// Whose snapshot, of what, by the hash of what was read: of a scope that is followed there are several of one scan.
type Key = (TenantId, AssetId, String);

/// A snapshot with the answers that were made of it so far.
pub(crate) struct Loaded {
    key: Key,
    pub(crate) snapshot: Snapshot,
    exposure: OnceLock<Exposure>,
    access: OnceLock<Access>,
    attack: OnceLock<Attack>,
    pub(crate) graph: OnceLock<crate::neighbours::Neighbours>,
}

impl Loaded {
    pub(crate) fn exposure(&self) -> &Exposure {
        self.exposure.get_or_init(|| Exposure::of(&self.snapshot))
    }

    pub(crate) fn access(&self) -> &Access {
        self.access.get_or_init(|| Access::of(&self.snapshot))
    }

    pub(crate) fn attack(&self) -> &Attack {
        self.attack.get_or_init(|| Attack::of(&self.snapshot))
    }
}

/// The last few snapshots, the newest use first.
#[derive(Default)]
pub(crate) struct Snapshots(Mutex<Vec<Arc<Loaded>>>);

impl Snapshots {
    fn kept(&self, key: &Key) -> Option<Arc<Loaded>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|loaded| loaded.key == *key)?;
        let found = kept.remove(place);
        kept.insert(0, Arc::clone(&found));
        Some(found)
    }

    fn keep(&self, loaded: &Arc<Loaded>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| (&other.key.0, &other.key.1) != (&loaded.key.0, &loaded.key.1));
        kept.insert(0, Arc::clone(loaded));
        kept.truncate(KEPT);
    }
}

/// Asks a question of the newest snapshot of a cluster, on a thread that may take its time.
///
/// # Errors
/// A problem if there is no such cluster, or if what is kept of it cannot be read.
pub(crate) async fn ask<T: Send + 'static>(
    app: &App,
    tenant: &TenantId,
    asset: AssetId,
    question: impl FnOnce(&Loaded) -> T + Send + 'static,
) -> Result<T, Problem> {
    if !asset.0.starts_with("k8s:") {
        return Err(not_found());
    }
    let scopes = app.store.scopes(tenant).await?;
    let newest = scopes.into_iter().find(|scope| scope.asset == asset).ok_or_else(not_found)?;
    let key = (tenant.clone(), asset, newest.input);
    let loaded = match app.snapshots.kept(&key) {
        Some(loaded) => loaded,
        None => load(app, key).await?,
    };
    tokio::task::spawn_blocking(move || question(&loaded)).await.map_err(|error| defect(&error))
}

/// If a newer one is stored meanwhile, that is read, and read once more at the next question.
async fn load(app: &App, key: Key) -> Result<Arc<Loaded>, Problem> {
    let (_, bytes) = app.store.scope_snapshot(&key.0, &key.1).await?.ok_or_else(not_found)?;
    let unpacked = tokio::task::spawn_blocking(move || Snapshot::unpack(&bytes)).await;
    let unpacked = unpacked.map_err(|error| defect(&error))?;
    let snapshot = unpacked.map_err(|error| {
        Problem::new(Code::SnapshotUnreadable, "What is kept of this cluster cannot be read.")
            .hint("Scan the cluster again.")
            .cause(error.to_string())
    })?;
    let loaded = Arc::new(Loaded {
        key,
        snapshot,
        exposure: OnceLock::new(),
        access: OnceLock::new(),
        attack: OnceLock::new(),
        graph: OnceLock::new(),
    });
    app.snapshots.keep(&loaded);
    Ok(loaded)
}

pub(crate) fn not_found() -> Problem {
    Problem::new(Code::ClusterNotFound, "No cluster has this id.").hint("List them at /api/v1/clusters.")
}

fn defect(error: &tokio::task::JoinError) -> Problem {
    Problem::new(Code::InternalError, "The question could not be answered.").cause(error.to_string())
}
