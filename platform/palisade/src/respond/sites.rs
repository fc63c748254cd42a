//! The clusters that responses may change: those that the configuration says so of, with credentials of their own.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use cluster::{Actor, ConnectOptions, Connection};
use respond::{Begin, Cluster as _, Kind, ObjectRef};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::config::{Cluster, Config};

/// The cluster of a run is none that may be changed, and will be none before the configuration is another.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoSite(String);

/// A cluster that was reached.
#[derive(Clone)]
struct Site {
    actor: Actor,
    /// The uid of its namespace kube-system, by which sensors know it; nothing where it cannot be read.
    uid: Option<String>,
}

/// The clusters, reached when they are first needed.
pub(crate) struct Sites {
    clusters: BTreeMap<String, Cluster>,
    reached: Mutex<BTreeMap<String, Site>>,
}

impl Sites {
    pub(crate) fn new(config: &Config) -> Self {
        let clusters = config.clusters.iter().filter(|(_, cluster)| cluster.respond);
        let clusters = clusters.map(|(name, cluster)| (name.clone(), cluster.clone())).collect();
        Self { clusters, reached: Mutex::default() }
    }

    /// The cluster of an event without asking anybody: it is named, or there is only one.
    pub(crate) fn named_by(&self, event: &Value) -> Option<String> {
        match event.get("cluster").and_then(Value::as_str).filter(|name| !name.is_empty()) {
            Some(name) => self.clusters.contains_key(name).then(|| name.to_owned()),
            None => {
                let mut names = self.clusters.keys();
                names.next().filter(|_| names.next().is_none()).cloned()
            }
        }
    }

    /// What acts on the cluster of a run.
    ///
    /// # Errors
    /// It is none that may be changed, or it cannot be reached.
    pub(crate) async fn actor(&self, begin: &Begin) -> Result<Actor> {
        if !begin.cluster.is_empty() {
            return Ok(self.reach(&begin.cluster).await?.actor);
        }
        let Some(uid) = begin.event.get("cluster").and_then(Value::as_str).filter(|uid| !uid.is_empty())
        else {
            return Err(NoSite(format!(
                "nothing says which cluster is meant; `[clusters.NAME] respond = true` names {}",
                self.clusters.len()
            ))
            .into());
        };
        let mut failed = Vec::new();
        for name in self.clusters.keys() {
            match self.reach(name).await {
                Ok(site) if site.uid.as_deref() == Some(uid) => return Ok(site.actor),
                Ok(_) => {}
                Err(error) => failed.push(crate::exit::one_line(&error)),
            }
        }
        let none = format!(
            "no cluster with `respond = true` is the one of the event, whose namespace kube-system has the uid {uid:?}"
        );
        if failed.is_empty() {
            return Err(NoSite(none).into());
        }
        bail!("{none} ({})", failed.join("; "))
    }

    async fn reach(&self, name: &str) -> Result<Site> {
        let mut reached = self.reached.lock().await;
        if let Some(site) = reached.get(name) {
            return Ok(site.clone());
        }
        let Some(cluster) = self.clusters.get(name) else {
            return Err(NoSite(format!(
                "the cluster {name:?} may not be changed: the configuration has no `[clusters.{name}] respond = true`"
            ))
            .into());
        };
        let options = ConnectOptions {
            kubeconfig: cluster.respond_kubeconfig.clone().or_else(|| cluster.kubeconfig.clone()),
            context: cluster.respond_context.clone().or_else(|| cluster.context.clone()),
            in_cluster: cluster.in_cluster && cluster.respond_kubeconfig.is_none(),
            ..ConnectOptions::default()
        };
        let connection =
            Connection::open(&options).await.with_context(|| format!("cannot reach the cluster {name}"))?;
        let actor = Actor::new(connection);
        let system = actor.read(&ObjectRef::named(Kind::Namespace, "", "kube-system")).await;
        // Without it the cluster can still be meant by its name.
        let uid = system
            .ok()
            .flatten()
            .and_then(|object| object.pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned));
        let site = Site { actor, uid };
        if site.uid.is_some() {
            reached.insert(name.to_owned(), site.clone());
        }
        Ok(site)
    }
}
