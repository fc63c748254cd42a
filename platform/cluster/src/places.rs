//! Of every workload what makes a finding there matter: whether the internet gets to it, what is to be had from it, and what it runs.
//!
//! A negative answer is only given of a snapshot that has everything that it is made of; otherwise it is left open.

use std::collections::{BTreeMap, HashMap};

use model::{Power, Reached, RiskPlace};

use crate::attack::{Attack, Goal, Limits, Sources};
use crate::exposure::{Exposure, Verdict};
use crate::snapshot::Snapshot;
use crate::surroundings::running;

/// What is known of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadPlace {
    /// Path of the workload.
    pub path: String,
    /// Images that its pods run: by digest, each with one reference that leads to it.
    pub images: BTreeMap<String, String>,
    /// What makes a finding there matter.
    pub place: RiskPlace,
}

/// Every workload that nothing else made, by path.
#[must_use]
pub fn places(snapshot: &Snapshot) -> Vec<WorkloadPlace> {
    let complete = snapshot.unknown().is_empty();
    let exposure = Exposure::of(snapshot);
    let powers = powers(snapshot);
    let mut all: Vec<WorkloadPlace> = running(snapshot)
        .into_iter()
        .map(|(path, running)| {
            let exposure = match exposure.workload(&path).map(|exposed| exposed.verdict) {
                Some(Verdict::Open) => Some(Reached::Open),
                Some(Verdict::Possible) => Some(Reached::Possible),
                Some(Verdict::Filtered | Verdict::Internal) | None => complete.then_some(Reached::No),
            };
            let privilege = powers.get(&path).copied().or(complete.then_some(Power::None));
            let in_use = !running.digests.is_empty();
            WorkloadPlace { path, images: running.digests, place: RiskPlace { exposure, in_use, privilege } }
        })
        .collect();
    all.sort_by(|one, other| one.path.cmp(&other.path));
    all
}

/// The most that is to be had from each workload from which something is.
fn powers(snapshot: &Snapshot) -> HashMap<String, Power> {
    let mut powers: HashMap<String, Power> = HashMap::new();
    for path in Attack::of(snapshot).paths(Sources::All, &Limits::default()).paths {
        let power = match path.goal {
            Goal::ClusterAdmin | Goal::Node => Power::Cluster,
            Goal::OtherNamespace => Power::OtherNamespace,
        };
        let kept = powers.entry(path.source).or_insert(power);
        *kept = power.max(*kept);
    }
    powers
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::{Power, Reached};
    use serde_json::json;

    use super::{WorkloadPlace, places};
    use crate::fixture::{binding, object, role};
    use crate::object::Object;
    use crate::snapshot::Snapshot;

    fn of(complete: bool) -> Vec<WorkloadPlace> {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let pod = json!({ "containers": [{ "name": "c", "image": format!("registry.example/web@{digest}"),
            "ports": [{ "containerPort": 8080 }] }], "serviceAccountName": "web" });
        let template = json!({ "metadata": { "labels": { "app": "web" } }, "spec": pod });
        let idle = json!({ "spec": { "automountServiceAccountToken": false,
            "containers": [{ "name": "c", "image": "registry.example/idle:1" }] } });
        let world = [
            object("apps/v1", "Deployment", "shop/web", json!({ "spec": { "template": template } })),
            object("apps/v1", "Deployment", "shop/idle", json!({ "spec": { "template": idle } })),
            object("v1", "ServiceAccount", "shop/web", json!({})),
            object(
                "v1",
                "Service",
                "shop/web",
                json!({ "spec": { "type": "LoadBalancer", "selector": { "app": "web" },
                "ports": [{ "port": 443, "targetPort": 8080 }] }, "status": { "loadBalancer": { "ingress": [{ "ip": "203.0.113.7" }] } } }),
            ),
            role("all", json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }])),
            binding(
                "all",
                "ClusterRole:all",
                json!([{ "kind": "ServiceAccount", "namespace": "shop", "name": "web" }]),
            ),
        ];
        let objects = world.into_iter().map(|value| Object::of(value).unwrap()).collect();
        let mut snapshot = Snapshot::new(objects, BTreeSet::new(), BTreeSet::new(), "u");
        for kind in snapshot.missing().into_iter().filter(|_| complete) {
            snapshot.is_listed(&kind);
        }
        places(&snapshot)
    }

    #[test]
    fn what_is_known_of_a_workload_is_told_and_the_rest_left_open() {
        let whole = of(true);
        let paths: Vec<&str> = whole.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["apps/Deployment/shop/idle", "apps/Deployment/shop/web"]);
        let (idle, web) = (&whole[0], &whole[1]);
        assert_eq!((web.place.exposure, web.place.privilege), (Some(Reached::Open), Some(Power::Cluster)));
        assert_eq!((web.place.in_use, web.images.len()), (true, 1));
        assert_eq!((idle.place.exposure, idle.place.privilege), (Some(Reached::No), Some(Power::None)));
        assert!(!idle.place.in_use && idle.images.is_empty());
        let part = of(false);
        assert_eq!((part[0].place.exposure, part[0].place.privilege), (None, None));
        assert_eq!(part[1].place.privilege, Some(Power::Cluster));
    }
}
