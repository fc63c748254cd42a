//! What stands around one workload, as whoever asks about it is told: JSON with canonical ids in it.
//!
//! A negative answer is only given by a snapshot that has everything that it is made of; otherwise it is an error that says what is
//! missing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use model::graph::Edge;
use serde_json::{Value, json};

use crate::access::Subject;
use crate::attack::{Attack, AttackPath, Goal, Limits, Place, Sources, Step, Technique};
use crate::exposure::Exposure;
use crate::id::{GroupKind, asset_id, path};
use crate::links::Link;
use crate::object::Object;
use crate::snapshot::Snapshot;

/// Ways in that are told of a workload: the best.
const ENTRIES_MAX: usize = 5;
/// Workloads whose paths are remembered.
const PATHS_KEPT: usize = 4_096;
/// Annotations by which a service account is given an identity of a cloud: of AWS (IRSA) and of Google Cloud.
const IDENTITIES: [&str; 2] = ["eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account"];

/// Shortest paths of a workload, and those that begin with its identity.
type Ways = Arc<(Vec<AttackPath>, Vec<AttackPath>)>;

/// Images of a workload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Running {
    /// By digest, each with one reference that leads to it.
    pub digests: BTreeMap<String, String>,
    /// References of its template that no running pod tells the digest of.
    pub unresolved: BTreeSet<String>,
}

/// A snapshot and the answers that were made of it so far.
#[derive(Debug)]
pub struct Surroundings {
    snapshot: Snapshot,
    exposure: OnceLock<Exposure>,
    attack: OnceLock<Attack>,
    running: OnceLock<HashMap<String, Running>>,
    identities: OnceLock<BTreeMap<String, Vec<String>>>,
    paths: Mutex<HashMap<String, Ways>>,
}

impl Surroundings {
    /// Of a snapshot.
    #[must_use]
    pub fn of(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            exposure: OnceLock::new(),
            attack: OnceLock::new(),
            running: OnceLock::new(),
            identities: OnceLock::new(),
            paths: Mutex::default(),
        }
    }

    /// The snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Whether traffic from the internet gets to a workload: `verdict` (`none` without a door) and `entries`.
    ///
    /// # Errors
    /// What was not read, where there is no door or none that is open.
    pub fn exposure(&self, workload: &str) -> Result<Value, String> {
        let exposure = self.exposure.get_or_init(|| Exposure::of(&self.snapshot));
        let Some(exposed) = exposure.workload(workload) else {
            self.complete()?;
            return Ok(json!({ "verdict": "none", "entries": [] }));
        };
        let ids = |paths: &[String]| -> Vec<String> { paths.iter().map(|path| self.id(path)).collect() };
        let entries = exposed.entries.iter().take(ENTRIES_MAX).map(|entry| {
            json!({ "verdict": entry.verdict, "door": entry.door, "port": entry.port, "target": entry.target,
                "protocol": entry.protocol, "path": ids(&entry.path), "why": entry.why, "policies": ids(&entry.policies) })
        });
        Ok(json!({ "verdict": exposed.verdict, "entries": entries.collect::<Vec<_>>() }))
    }

    /// How far the service account of a workload leads: `service-account`, `reach` (`cluster-admin`, `node`, `other-namespace`,
    /// `none`), `path` and `cloud`, the identities of clouds that it is given.
    ///
    /// # Errors
    /// What was not read, where it leads nowhere.
    pub fn rights(&self, workload: &str) -> Result<Value, String> {
        let object = self.workload(workload)?;
        let found = self.paths(workload);
        let best = Goal::ALL.into_iter().find_map(|goal| found.1.iter().find(|path| path.goal == goal));
        let account = account(object);
        let cloud = account.as_ref().map(|account| self.clouds(account)).unwrap_or_default();
        if best.is_none() && cloud.is_empty() {
            self.complete()?;
        }
        let reach = match best.map(|path| path.goal) {
            Some(Goal::ClusterAdmin) => "cluster-admin",
            Some(Goal::Node) => "node",
            Some(Goal::OtherNamespace) => "other-namespace",
            None => "none",
        };
        let path = best.map(|path| self.steps(&path.steps)).unwrap_or_default();
        let account = account.map(|account| self.id(&account));
        Ok(json!({ "service-account": account, "reach": reach, "path": path, "cloud": cloud }))
    }

    /// The way from a workload to its node that needs no right: `path`, empty where there is none.
    ///
    /// # Errors
    /// What was not read, where there is none.
    pub fn escape(&self, workload: &str) -> Result<Value, String> {
        self.workload(workload)?;
        let found = self.paths(workload);
        let of_itself = |path: &&AttackPath| {
            path.steps.first().is_some_and(|step| step.technique != Technique::TokenSteal)
        };
        let way = found.0.iter().find(|path| path.goal == Goal::Node && of_itself(path));
        if way.is_none() {
            self.complete()?;
        }
        Ok(json!({ "path": way.map(|path| self.steps(&path.steps)).unwrap_or_default() }))
    }

    /// The images that a workload runs.
    ///
    /// # Errors
    /// There is no such workload.
    pub fn running(&self, workload: &str) -> Result<Running, String> {
        self.workload(workload)?;
        let all = self.running.get_or_init(|| running(&self.snapshot));
        Ok(all.get(workload).cloned().unwrap_or_default())
    }

    /// Canonical ids of the service accounts that are given an identity of a cloud.
    #[must_use]
    pub fn accounts_of(&self, identity: &str) -> Vec<String> {
        self.identities().get(identity).cloned().unwrap_or_default()
    }

    /// Service accounts by the identity of a cloud that they are given.
    #[must_use]
    pub fn identities(&self) -> &BTreeMap<String, Vec<String>> {
        self.identities.get_or_init(|| {
            let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
            let accounts =
                self.snapshot.objects().filter(|object| object.kind == GroupKind::new("", "ServiceAccount"));
            for object in accounts {
                for identity in clouds(object) {
                    all.entry(identity).or_default().push(self.snapshot.id(object));
                }
            }
            all
        })
    }

    fn workload(&self, workload: &str) -> Result<&Object, String> {
        self.snapshot
            .object(workload)
            .ok_or_else(|| "it is not among what was read of its cluster".to_owned())
    }

    /// What the snapshot does not know makes "none" a guess.
    fn complete(&self) -> Result<(), String> {
        self.snapshot.unknown().into_iter().next().map_or(Ok(()), Err)
    }

    fn id(&self, path: &str) -> String {
        asset_id(self.snapshot.cluster(), path)
    }

    /// Shortest paths, and those that begin with the identity.
    fn paths(&self, workload: &str) -> Ways {
        let known = |paths: &HashMap<String, Ways>| paths.get(workload).map(Arc::clone);
        if let Some(found) = known(&self.paths.lock().unwrap_or_else(PoisonError::into_inner)) {
            return found;
        }
        let attack = self.attack.get_or_init(|| Attack::of(&self.snapshot));
        let all = attack.paths(Sources::Workload(workload), &Limits::default()).paths;
        let found = Arc::new((all, attack.identity_paths(workload)));
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        if paths.len() >= PATHS_KEPT {
            paths.clear();
        }
        paths.insert(workload.to_owned(), Arc::clone(&found));
        found
    }

    fn steps(&self, steps: &[Step]) -> Vec<Value> {
        let step = |step: &Step| {
            let proof: Vec<String> = step.grants.iter().map(|grant| self.id(&grant.binding)).collect();
            json!({ "from": self.place(&step.from), "to": self.place(&step.to), "edge": step.technique, "why": step.why,
                "proof": proof })
        };
        steps.iter().map(step).collect()
    }

    /// A place by its canonical id, or by a word where it is no asset.
    fn place(&self, place: &Place) -> String {
        let within = |what: &str, namespace: &Option<String>| match namespace {
            Some(namespace) => format!("{what} of the namespace {namespace}"),
            None => format!("{what} of every namespace"),
        };
        match place {
            Place::ClusterAdmin => "every right in the cluster".to_owned(),
            Place::Node { path } | Place::Workload { path } => self.id(path),
            Place::SomeNode => "a node".to_owned(),
            Place::Nodes => "any node".to_owned(),
            Place::Users => "any user".to_owned(),
            Place::Identity { subject: Subject::ServiceAccount { namespace, name } } => {
                self.id(&path(&GroupKind::new("", "ServiceAccount"), Some(namespace), name))
            }
            Place::Identity { subject: Subject::User { name } } => format!("principal:{name}"),
            Place::Identity { subject: Subject::Group { name } } => format!("the group {name}"),
            Place::Secrets { namespace } => within("the Secrets", namespace),
            Place::Workloads { namespace } => within("any workload", namespace),
            Place::Accounts { namespace } => within("any service account", namespace),
        }
    }

    fn clouds(&self, account: &str) -> Vec<String> {
        self.snapshot.object(account).map(clouds).unwrap_or_default()
    }
}

/// Images by the path of the workload that nothing else made.
pub(crate) fn running(snapshot: &Snapshot) -> HashMap<String, Running> {
    let mut all: HashMap<String, Running> = HashMap::new();
    for object in snapshot.objects() {
        let Some(top) = snapshot.top_workload(object).map(Object::path) else { continue };
        let running = all.entry(top).or_default();
        let pulled = object.facts.get("images").and_then(Value::as_array).into_iter().flatten();
        for reference in pulled.filter_map(Value::as_str) {
            if let Some((_, digest)) = reference.split_once('@') {
                running.digests.insert(digest.to_owned(), reference.to_owned());
            }
        }
        let named = object.links.iter().filter_map(|link| match link {
            Link::Image(reference) => Some(reference),
            _ => None,
        });
        for reference in named {
            match reference.split_once('@') {
                Some((_, digest)) => drop(running.digests.insert(digest.to_owned(), reference.clone())),
                None => drop(running.unresolved.insert(reference.clone())),
            }
        }
    }
    for running in all.values_mut() {
        // Where pods say what they pulled, the tags of the template say nothing more.
        if !running.digests.is_empty() {
            running.unresolved.clear();
        }
    }
    all
}

/// Path of the service account that the pods of a workload run as.
fn account(object: &Object) -> Option<String> {
    let kind = GroupKind::new("", "ServiceAccount");
    object.links.iter().find_map(|link| match link {
        Link::Named { edge: Edge::Uses, kind: of, namespace, name, .. } if *of == kind => {
            Some(path(&kind, namespace.as_deref(), name))
        }
        _ => None,
    })
}

/// Identities of clouds that a service account is given.
fn clouds(account: &Object) -> Vec<String> {
    let about: Value = serde_json::from_str(&format!("{{{}}}", account.about)).unwrap_or_default();
    let given = |name: &str| about.get("annotations")?.get(name)?.as_str().map(str::to_owned);
    IDENTITIES.into_iter().filter_map(given).filter(|identity| !identity.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::Surroundings;
    use crate::fixture::{binding, object, role};
    use crate::object::Object;
    use crate::snapshot::Snapshot;

    const ROLE: &str = "arn:aws:iam::111122223333:role/reports";

    fn world() -> Vec<Value> {
        let template = json!({ "metadata": { "labels": { "app": "web" } }, "spec": { "serviceAccountName": "web",
            "containers": [{ "name": "c", "image": "registry.example/web:1", "securityContext": { "privileged": true } }] } });
        let owner = json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true, "uid": "u" }]);
        let digest = format!("sha256:{}", "0a".repeat(32));
        vec![
            object("apps/v1", "Deployment", "shop/web", json!({ "spec": { "template": template } })),
            object(
                "apps/v1",
                "Deployment",
                "shop/idle",
                json!({ "spec": { "template": { "spec": {
                "automountServiceAccountToken": false, "containers": [{ "name": "c", "image": "registry.example/idle:1" }] } } } }),
            ),
            object(
                "v1",
                "Pod",
                "shop/web-1",
                json!({ "metadata": { "ownerReferences": owner, "labels": { "app": "web" } },
                "spec": { "nodeName": "n1", "containers": [{ "name": "c", "image": "registry.example/web:1" }] },
                "status": { "containerStatuses": [{ "imageID": format!("registry.example/web@{digest}") }] } }),
            ),
            object("v1", "Node", "n1", json!({})),
            object(
                "v1",
                "ServiceAccount",
                "shop/web",
                json!({ "metadata": { "annotations": { "eks.amazonaws.com/role-arn": ROLE } } }),
            ),
            object(
                "v1",
                "Service",
                "shop/web",
                json!({ "spec": { "type": "LoadBalancer", "selector": { "app": "web" },
                "ports": [{ "port": 443, "targetPort": 8080 }] } }),
            ),
            role("all", json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }])),
            binding(
                "all",
                "ClusterRole:all",
                json!([{ "kind": "ServiceAccount", "namespace": "shop", "name": "web" }]),
            ),
        ]
    }

    fn surroundings(complete: bool) -> Surroundings {
        let objects: Vec<Object> = world().into_iter().map(|value| Object::of(value).unwrap()).collect();
        let mut snapshot = Snapshot::new(objects, BTreeSet::new(), BTreeSet::new(), "u");
        for kind in snapshot.missing().into_iter().filter(|_| complete) {
            snapshot.is_listed(&kind);
        }
        Surroundings::of(snapshot)
    }

    const WEB: &str = "apps/Deployment/shop/web";
    const IDLE: &str = "apps/Deployment/shop/idle";

    #[test]
    fn what_is_there_is_told_with_canonical_ids() {
        let around = surroundings(false);
        let exposure = around.exposure(WEB).unwrap();
        assert_ne!(exposure["verdict"], "none");
        assert_eq!(
            exposure["entries"][0]["path"],
            json!(["k8s:u/core/Service/shop/web", "k8s:u/apps/Deployment/shop/web"])
        );
        let rights = around.rights(WEB).unwrap();
        assert_eq!((&rights["reach"], &rights["cloud"]), (&json!("cluster-admin"), &json!([ROLE])));
        assert_eq!(rights["path"][0]["to"], "k8s:u/core/ServiceAccount/shop/web");
        assert_eq!(rights["path"][0]["edge"], "token-steal");
        let escape = around.escape(WEB).unwrap();
        assert_eq!(escape["path"][0]["from"], "k8s:u/apps/Deployment/shop/web");
        assert_ne!(escape["path"][0]["edge"], "token-steal");
        assert_eq!(around.accounts_of(ROLE), ["k8s:u/core/ServiceAccount/shop/web"]);
        let running = around.running(WEB).unwrap();
        assert_eq!(running.digests.len(), 1);
        assert!(running.unresolved.is_empty());
        assert_eq!(
            around.running(IDLE).unwrap().unresolved,
            BTreeSet::from(["registry.example/idle:1".to_owned()])
        );
    }

    #[test]
    fn none_is_only_said_where_everything_was_read() {
        let partial = surroundings(false);
        for answer in [partial.exposure(IDLE), partial.rights(IDLE), partial.escape(IDLE)] {
            assert!(answer.unwrap_err().contains("not among what was read"));
        }
        let whole = surroundings(true);
        assert_eq!(whole.exposure(IDLE).unwrap()["verdict"], "none");
        assert_eq!(whole.rights(IDLE).unwrap()["reach"], "none");
        assert_eq!(whole.escape(IDLE).unwrap()["path"], json!([]));
        assert!(whole.rights("apps/Deployment/shop/gone").is_err());
        assert!(whole.running("apps/Deployment/shop/gone").is_err());
    }
}
