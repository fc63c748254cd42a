//! What one detection joins. Nothing here depends on another detection, so that no order of them matters.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ask::Assets;
use crate::seen::{Seen, key_of, usable};
use crate::settings::{Settings, account};

/// Of what sort a shared key is: how many workloads it may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sort {
    /// A service account or cloud identity: which workloads run as it, the asset graph says.
    Account,
    /// A person, a role or a pod that entered others.
    Actor,
    /// A node that something broke out to.
    Node,
}

/// A key that may join several workloads, and what it would join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shared {
    pub(crate) key: String,
    pub(crate) sort: Sort,
    pub(crate) members: Vec<String>,
    /// More than may be joined already by what the asset graph says.
    pub(crate) over: bool,
    pub(crate) edge: &'static str,
    pub(crate) why: String,
    /// The same name in another cluster is somebody else.
    pub(crate) cluster: Option<String>,
}

/// Everything that one detection joins.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    /// Canonical id of the workload at risk, as far as it is known.
    pub(crate) workload: Option<String>,
    /// Names of one and the same pod or workload: the first of each pair says most.
    pub(crate) same: BTreeSet<(String, String)>,
    pub(crate) shared: Vec<Shared>,
}

impl Joined {
    pub(crate) fn of(seen: &Seen, assets: &Assets, settings: &Settings) -> Self {
        let told = seen.workload.as_ref().or(seen.pod.as_ref());
        let own = told.cloned().or_else(|| key_of(&seen.asset).map(|_| seen.asset.clone()));
        let top = own.as_ref().and_then(|id| assets.workload_of(id).ok());
        let workload = top.clone().or(own);
        let ids = [top.as_deref(), seen.workload.as_deref(), seen.pod.as_deref()];
        let as_asset = (seen.key == seen.asset && workload.is_some()).then(|| seen.key.clone());
        let names = ids
            .into_iter()
            .map(|id| id.and_then(key_of))
            .chain([seen.workload_key.clone(), seen.uid_key.clone(), seen.container_key.clone(), as_asset])
            .flatten()
            .filter(|key| usable(key));
        let names: Vec<String> = names.collect();
        let mut joined = Self { workload, ..Self::default() };
        let Some(main) = names.first() else {
            joined.accounts(seen, assets, settings);
            return joined;
        };
        let others = names.iter().filter(|name| *name != main);
        joined.same = others.map(|name| (main.clone(), name.clone())).collect();
        joined.entered(seen, main, settings);
        joined.made(seen, main, settings);
        joined.broken_out(seen, main);
        joined.accounts(seen, assets, settings);
        joined
    }

    /// Who entered a pod is joined to it: a person, or the pod that another one was entered from.
    fn entered(&mut self, seen: &Seen, main: &str, settings: &Settings) {
        let Some(way) = seen.entered else { return };
        let who = seen.principal.as_deref().unwrap_or_default();
        let by_pod = seen.key.starts_with("pod:") && seen.uid_key.as_ref() != Some(&seen.key);
        let by_principal = seen.key == format!("principal:{who}");
        if who.is_empty() || settings.is_shared(who) || !(by_pod || by_principal) {
            return;
        }
        self.shared.push(Shared {
            key: seen.key.clone(),
            sort: Sort::Actor,
            members: vec![main.to_owned()],
            over: false,
            edge: "entered",
            why: format!("{who} entered a pod of it by pods/{way}"),
            cluster: account(who).and(seen.cluster.clone()),
        });
    }

    /// Who made or changed a workload is joined to it, where that is what a detection tells of: a person or an account, and the pod
    /// that the account's token was made for.
    fn made(&mut self, seen: &Seen, main: &str, settings: &Settings) {
        let Some(who) = seen.principal.as_deref().filter(|who| seen.made && !settings.is_shared(who)) else {
            return;
        };
        for key in [Some(format!("principal:{who}")), seen.caller_key.clone()].into_iter().flatten() {
            self.shared.push(Shared {
                key,
                sort: Sort::Actor,
                members: vec![main.to_owned()],
                over: false,
                edge: "made",
                why: format!("{who} made or changed it"),
                cluster: account(who).and(seen.cluster.clone()),
            });
        }
    }

    /// What broke out to a node is joined to what happens there, as the node and as its kubelet.
    fn broken_out(&mut self, seen: &Seen, main: &str) {
        let (Some(node), Some(name)) = (&seen.node, &seen.node_name) else { return };
        if !seen.is_about("T1611") {
            return;
        }
        for key in [node.clone(), format!("principal:system:node:{name}")] {
            self.shared.push(Shared {
                key,
                sort: Sort::Node,
                members: vec![main.to_owned()],
                over: false,
                edge: "escaped-to",
                why: format!("a way out of a container to the node {name} was seen (T1611)"),
                cluster: seen.cluster.clone(),
            });
        }
    }

    /// Whom workloads act as is joined to them, where few do.
    fn accounts(&mut self, seen: &Seen, assets: &Assets, settings: &Settings) {
        // What was made has a key of its own, and stands with whoever made it.
        let maker = seen.principal.as_ref().filter(|_| seen.made).map(|who| format!("principal:{who}"));
        let own = seen.key.starts_with("principal:").then(|| seen.key.clone());
        let Some(key) = own.or(maker) else { return };
        for principal in seen.principals.iter().filter(|principal| !settings.is_shared(principal)) {
            let (id, cluster) = match (account(principal), &seen.cluster) {
                (Some((namespace, name)), Some(cluster)) => {
                    (format!("k8s:{cluster}/core/ServiceAccount/{namespace}/{name}"), Some(cluster.clone()))
                }
                (None, _) if is_cloud_identity(principal) => (principal.clone(), None),
                _ => continue,
            };
            let most = settings.workloads_per_account;
            let found = assets.workloads_as(&id, most + 1);
            let Ok(found) = &*found else { continue };
            let over = found.len() > most;
            let members: Vec<String> = found.iter().take(most).filter_map(|id| key_of(id)).collect();
            if members.is_empty() {
                continue;
            }
            self.shared.push(Shared {
                key: key.clone(),
                sort: Sort::Account,
                members: if over { Vec::new() } else { members },
                over,
                edge: "runs-as",
                why: format!("it runs as {principal}"),
                cluster,
            });
        }
    }
}

/// A role of AWS or a service account of Google Cloud: what service accounts of Kubernetes can be.
fn is_cloud_identity(principal: &str) -> bool {
    principal.starts_with("arn:") && principal.contains(":role/")
        || principal.ends_with(".gserviceaccount.com") && principal.contains('@')
}
