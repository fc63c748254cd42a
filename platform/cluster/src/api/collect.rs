//! Everything that checks need of a cluster, read from its API server once.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

use futures_util::StreamExt as _;
use model::{Gap, GapCode};

use crate::api::connect::{ConnectOptions, Connection};
use crate::api::discover::{Resource, discover};
use crate::api::failure::{Cause, Failure, shown};
use crate::api::list::{Listed, Room, list};
use crate::error::ClusterError;
use crate::id::GroupKind;
use crate::kinds::built_in;
use crate::object::Object;
use crate::snapshot::Snapshot;

/// Kinds that are listed at the same time. Each holds one page in memory.
const AT_ONCE: usize = 4;

/// What is read of a cluster.
#[derive(Debug, Clone, Default)]
pub struct CollectOptions {
    /// Kinds besides those that every cluster serves. What the cluster does not serve is left out.
    pub wanted: BTreeSet<GroupKind>,
    /// Namespaces to look into where a kind may not be listed in all of them. The kind counts as not collected all the same.
    pub namespaces: Vec<String>,
    /// The cluster's name in canonical ids if its namespace `kube-system` cannot be read.
    pub cluster: String,
}

/// A cluster as it was read, and where to go on from there.
#[derive(Debug)]
pub struct Collected {
    /// The objects.
    pub snapshot: Snapshot,
    /// The kinds that were asked for and are served, as they are asked for.
    pub resources: Vec<Resource>,
    /// By kind the `resourceVersion` of its list, of those that were listed whole.
    pub positions: BTreeMap<GroupKind, String>,
}

/// Reads a cluster. A kind that cannot be listed is a gap with the server's reason, and does not count as listed.
///
/// # Errors
/// When nothing can be known: [`ClusterError::Unreachable`], [`ClusterError::Unauthorized`], [`ClusterError::Forbidden`].
pub async fn collect(connection: &Connection, options: &CollectOptions) -> Result<Collected, ClusterError> {
    let kinds: BTreeSet<GroupKind> = built_in().chain(options.wanted.iter().cloned()).collect();
    let served = discover(connection, &kinds).await.map_err(|failure| connection.error(failure))?;
    let mut collecting = Collecting::default();
    for kind in &kinds {
        match served.unknown.get(&kind.group) {
            _ if served.resources.contains_key(kind) => {}
            Some(reason) => {
                collecting.gaps.insert(missing(kind, GapCode::NotCollected, reason.clone()));
            }
            // Of a kind that is not served there are no objects. Only these are asked about by everybody.
            None => collecting.listed.extend(built_in().find(|built_in| built_in == kind)),
        }
    }
    let room = Room::default();
    // Boxed, so that whoever spawns this need not know what it borrows.
    let lists: Vec<Pin<Box<dyn Future<Output = Read<'_>> + Send + '_>>> = served
        .resources
        .values()
        .map(|resource| Box::pin(read(connection, resource, &options.namespaces, &room)) as Pin<Box<_>>)
        .collect();
    let mut lists = futures_util::stream::iter(lists).buffer_unordered(AT_ONCE);
    while let Some((resource, listed, some)) = lists.next().await {
        collecting.add(resource, listed, some);
    }
    drop(lists);
    collecting.end(connection, served.resources.into_values().collect(), &options.cluster)
}

/// A kind as it was listed, or what there is of it in some namespaces.
type Read<'a> = (&'a Resource, Result<Listed, Failure>, Vec<(String, Listed)>);

async fn read<'a>(
    connection: &Connection,
    resource: &'a Resource,
    namespaces: &[String],
    room: &Room,
) -> Read<'a> {
    let listed = list(connection, resource, None, room).await;
    let some = match &listed {
        Err(failure) if failure.cause == Cause::Forbidden && resource.namespaced => {
            in_namespaces(connection, resource, namespaces, room).await
        }
        _ => Vec::new(),
    };
    (resource, listed, some)
}

/// The same for callers without a runtime: connects, reads, and waits for it.
///
/// # Errors
/// Those of [`Connection::open`] and [`collect`], and [`ClusterError::Unreachable`] when the operating system refuses a thread.
pub fn collect_blocking(
    connect: &ConnectOptions,
    options: &CollectOptions,
) -> Result<Snapshot, ClusterError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ClusterError::Unreachable {
        server: "the cluster".to_owned(),
        reason: format!("no thread can be had to ask it: {error}"),
    })?;
    runtime.block_on(async {
        let connection = Connection::open(connect).await?;
        collect(&connection, options).await.map(|collected| collected.snapshot)
    })
}

/// What is there of a kind in the namespaces that may be looked into.
async fn in_namespaces(
    connection: &Connection,
    resource: &Resource,
    namespaces: &[String],
    room: &Room,
) -> Vec<(String, Listed)> {
    let mut some = Vec::new();
    // What is no name of a namespace would be another path.
    let name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    for namespace in namespaces.iter().filter(|namespace| name(namespace)) {
        if let Ok(listed) = list(connection, resource, Some(namespace), room).await {
            some.push((namespace.clone(), listed));
        }
    }
    some
}

/// The gap of a kind that cannot be read, or not as a whole.
pub(crate) fn lost(kind: &GroupKind, failure: &Failure) -> Gap {
    let code = if failure.cause == Cause::TooMany { GapCode::EntryLimit } else { GapCode::NotCollected };
    missing(kind, code, failure.reason.clone())
}

fn missing(kind: &GroupKind, code: GapCode, reason: String) -> Gap {
    Gap { code, subject: kind.to_string(), reason }
}

#[derive(Default)]
struct Collecting {
    objects: Vec<Object>,
    listed: BTreeSet<GroupKind>,
    gaps: BTreeSet<Gap>,
    positions: BTreeMap<GroupKind, String>,
    first_failure: Option<Failure>,
    any: bool,
}

impl Collecting {
    fn add(&mut self, resource: &Resource, listed: Result<Listed, Failure>, some: Vec<(String, Listed)>) {
        let failure = match listed {
            Ok(listed) => {
                self.any = true;
                self.listed.insert(resource.kind.clone());
                self.positions.insert(resource.kind.clone(), listed.version);
                self.objects.extend(listed.objects);
                return self.gaps.extend(listed.gaps);
            }
            Err(failure) => failure,
        };
        let mut gap = lost(&resource.kind, &failure);
        if !some.is_empty() {
            self.any = true;
            let names: Vec<&str> = some.iter().map(|(name, _)| name.as_str()).collect();
            gap.reason = format!("only namespaces {} were read; {}", shown(&names.join(", ")), gap.reason);
        }
        for (_, listed) in some {
            self.objects.extend(listed.objects);
            self.gaps.extend(listed.gaps);
        }
        self.gaps.insert(gap);
        // An answer says more than silence, and credentials that end in between more than either.
        let better = self
            .first_failure
            .as_ref()
            .is_none_or(|known| failure.cause == Cause::Unauthorized && known.cause != Cause::Unauthorized);
        if better {
            self.first_failure = Some(failure);
        }
    }

    fn end(
        self,
        connection: &Connection,
        resources: Vec<Resource>,
        cluster: &str,
    ) -> Result<Collected, ClusterError> {
        if let (false, Some(failure)) = (self.any, self.first_failure) {
            return Err(connection.error(failure));
        }
        let snapshot = Snapshot::new(self.objects, self.listed, self.gaps, cluster);
        Ok(Collected { snapshot, resources, positions: self.positions })
    }
}
