//! Questions of correlators about where something happened: the asset graph of a cluster, and beside it what scans, checks and rights
//! say of a workload.
//!
//! The process knows ([`Known`]); here is only the way of asking. What is not known is answered by saying so: `{"unknown": "why"}` in the
//! place of a member, or [`Refusal::Unavailable`] for an asset. It is never an empty list.
//!
//! Beside the edges of the graph there are two of their own: `workload` leads from a pod, or from what a controller made, to the workload
//! whose template it comes from; `workloads` from a service account, or from an identity of a cloud, to the workloads that run as it.

use std::collections::BTreeSet;
use std::sync::Arc;

use host::services::{AdvisoryAnswer, Caller, HttpRequest, HttpResponse, RelatedAsset};
use host::{Refusal, Services, SharedBytes};
use model::graph::Edge;
use model::{Digest, TenantId};
use serde_json::{Map, Value, json};

use crate::graph::Graph;

/// Kind of the identities of clouds, as rights name it.
pub const CLOUD_IDENTITY: &str = "cloud-identity";
/// Kinds of what makes pods.
const WORKLOADS: [&str; 10] = [
    "CronJob.batch",
    "DaemonSet.apps",
    "Deployment.apps",
    "DeploymentConfig.apps.openshift.io",
    "Job.batch",
    "Pod",
    "ReplicaSet.apps",
    "ReplicationController",
    "Rollout.argoproj.io",
    "StatefulSet.apps",
];
/// Most controllers above each other.
const OWNERS_MAX: usize = 8;

/// A member of an answer, or why it is not known.
pub type Told = Result<Value, String>;

/// What a process knows of the clusters of its tenants. Clusters are named as in canonical ids.
pub trait Known: Send + Sync {
    /// The assets of a cluster.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a cluster that nobody has scanned, [`Refusal::Unavailable`] when it cannot be read.
    fn graph(&self, tenant: &TenantId, cluster: &str) -> Result<Arc<Graph>, Refusal>;

    /// Canonical ids of the service accounts, of all clusters, that are given an identity of a cloud.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] when clusters cannot be read.
    fn accounts_of(&self, tenant: &TenantId, identity: &str) -> Result<Vec<String>, Refusal>;

    /// What scans found in the images that a workload runs: `images`, `unscanned`.
    ///
    /// # Errors
    /// Why that is not known.
    fn image_findings(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told;

    /// What checks found at a workload: `counts`, `worst`.
    ///
    /// # Errors
    /// Why that is not known.
    fn posture_findings(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told;

    /// Whether traffic from the internet gets to a workload: `verdict`, `entries`.
    ///
    /// # Errors
    /// Why that is not known.
    fn exposure(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told;

    /// How far the identity of a workload leads: `service-account`, `reach`, `path`, `cloud`.
    ///
    /// # Errors
    /// Why that is not known.
    fn rights(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told;

    /// The way from a workload to its node: `path`.
    ///
    /// # Errors
    /// Why that is not known.
    fn escape(&self, tenant: &TenantId, cluster: &str, path: &str) -> Told;
}

/// Services for correlators: questions about assets are answered from what is known, everything else by what is below.
pub struct Answers {
    known: Arc<dyn Known>,
    base: Arc<dyn Services>,
}

impl Answers {
    /// Answers from what is known, over other services.
    #[must_use]
    pub fn new(known: Arc<dyn Known>, base: Arc<dyn Services>) -> Self {
        Self { known, base }
    }

    fn attributes(&self, caller: &Caller, asset: &str) -> Result<Map<String, Value>, Refusal> {
        let (cluster, path) = of_cluster(asset).ok_or(Refusal::NotFound)?;
        let graph = self.known.graph(&caller.tenant, cluster)?;
        let bytes = graph.describe(caller, asset)?;
        let told: Result<Map<String, Value>, _> = serde_json::from_slice(&bytes);
        let mut told =
            told.map_err(|_| Refusal::Unavailable("what is stored of it cannot be read".to_owned()))?;
        let kind = graph.asset_kind(caller, asset)?;
        if WORKLOADS.contains(&kind.as_str()) {
            let (known, tenant) = (&*self.known, &caller.tenant);
            let parts = [
                ("image-findings", known.image_findings(tenant, cluster, path)),
                ("posture-findings", known.posture_findings(tenant, cluster, path)),
                ("exposure", known.exposure(tenant, cluster, path)),
                ("rights", known.rights(tenant, cluster, path)),
                ("escape", known.escape(tenant, cluster, path)),
            ];
            for (name, part) in parts {
                told.insert(name.to_owned(), part.unwrap_or_else(|why| json!({ "unknown": why })));
            }
        }
        Ok(told)
    }

    /// Workloads that run as a service account.
    fn workloads_as(
        &self,
        caller: &Caller,
        account: &str,
        all: &mut BTreeSet<(String, String)>,
    ) -> Result<(), Refusal> {
        let (cluster, _) = of_cluster(account).ok_or(Refusal::NotFound)?;
        let graph = self.known.graph(&caller.tenant, cluster)?;
        graph.asset_kind(caller, account)?;
        // Of kinds that were not read nobody knows whether one of them runs as it.
        if let Some(kind) = WORKLOADS.iter().find(|kind| graph.missing().contains(**kind)) {
            return Err(Refusal::Unavailable(format!("objects of kind {kind} were not collected")));
        }
        let users = graph.joined(account, Edge::Uses, true);
        for user in users.filter(|node| WORKLOADS.contains(&node.kind.as_str())) {
            let top = top(&graph, &user.id);
            if let Some(node) = graph.node(&top) {
                all.insert((node.id.clone(), node.kind.clone()));
            }
        }
        Ok(())
    }
}

/// The workload that is above all others that made this one.
fn top(graph: &Graph, id: &str) -> String {
    let mut at = id.to_owned();
    for _ in 0..OWNERS_MAX {
        let owner = graph.joined(&at, Edge::Owns, true).find(|node| WORKLOADS.contains(&node.kind.as_str()));
        match owner {
            Some(owner) => at.clone_from(&owner.id),
            None => break,
        }
    }
    at
}

/// The cluster and the path in it of an object.
fn of_cluster(asset: &str) -> Option<(&str, &str)> {
    asset.strip_prefix("k8s:")?.split_once('/')
}

/// Identities of clouds are named by whoever made them, and no other asset is named so.
fn is_cloud_identity(asset: &str) -> bool {
    (asset.starts_with("arn:") && asset.contains(":role/"))
        || (asset.contains('@') && asset.ends_with(".gserviceaccount.com"))
}

fn listed(found: BTreeSet<(String, String)>, limit: usize) -> Vec<RelatedAsset> {
    found.into_iter().take(limit).map(|(id, kind)| RelatedAsset { id, kind }).collect()
}

impl Services for Answers {
    fn state_get(&self, caller: &Caller, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.base.state_get(caller, key)
    }

    fn state_keys(
        &self,
        caller: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Refusal> {
        self.base.state_keys(caller, prefix, after, limit)
    }

    fn state_bytes(&self, caller: &Caller) -> Result<u64, Refusal> {
        self.base.state_bytes(caller)
    }

    fn http(
        &self,
        caller: &Caller,
        request: &HttpRequest,
        body_bytes_max: usize,
    ) -> Result<HttpResponse, Refusal> {
        self.base.http(caller, request, body_bytes_max)
    }

    fn advisories(&self, caller: &Caller, purl: &str) -> Result<Vec<AdvisoryAnswer>, Refusal> {
        self.base.advisories(caller, purl)
    }

    fn asset_kind(&self, caller: &Caller, asset: &str) -> Result<String, Refusal> {
        if let Some((cluster, _)) = of_cluster(asset) {
            return self.known.graph(&caller.tenant, cluster)?.asset_kind(caller, asset);
        }
        if is_cloud_identity(asset) {
            return Ok(CLOUD_IDENTITY.to_owned());
        }
        self.base.asset_kind(caller, asset)
    }

    fn describe(&self, caller: &Caller, asset: &str) -> Result<Vec<u8>, Refusal> {
        if of_cluster(asset).is_some() {
            return Ok(Value::Object(self.attributes(caller, asset)?).to_string().into_bytes());
        }
        if is_cloud_identity(asset) {
            let accounts = self.known.accounts_of(&caller.tenant, asset)?;
            return Ok(json!({ "id": asset, "kind": CLOUD_IDENTITY, "service-accounts": accounts })
                .to_string()
                .into_bytes());
        }
        self.base.describe(caller, asset)
    }

    fn related(
        &self,
        caller: &Caller,
        asset: &str,
        edge: &str,
        limit: usize,
    ) -> Result<Vec<RelatedAsset>, Refusal> {
        if is_cloud_identity(asset) {
            if edge != "workloads" {
                return Err(Refusal::Invalid(format!("an identity of a cloud has no edge {edge:?}")));
            }
            let mut found = BTreeSet::new();
            for account in self.known.accounts_of(&caller.tenant, asset)? {
                self.workloads_as(caller, &account, &mut found)?;
            }
            return Ok(listed(found, limit));
        }
        let Some((cluster, _)) = of_cluster(asset) else {
            return self.base.related(caller, asset, edge, limit);
        };
        match edge {
            "workloads" => {
                let mut found = BTreeSet::new();
                self.workloads_as(caller, asset, &mut found)?;
                Ok(listed(found, limit))
            }
            "workload" => {
                let graph = self.known.graph(&caller.tenant, cluster)?;
                let kind = graph.asset_kind(caller, asset)?;
                if !WORKLOADS.contains(&kind.as_str()) {
                    return Ok(Vec::new());
                }
                let top = top(&graph, asset);
                let kind = graph.asset_kind(caller, &top)?;
                Ok(listed(BTreeSet::from([(top, kind)]), limit))
            }
            _ => self.known.graph(&caller.tenant, cluster)?.related(caller, asset, edge, limit),
        }
    }

    fn blob(&self, caller: &Caller, repository: &str, digest: &Digest) -> Result<SharedBytes, Refusal> {
        self.base.blob(caller, repository, digest)
    }
}

#[cfg(test)]
#[path = "known_tests.rs"]
mod tests;
