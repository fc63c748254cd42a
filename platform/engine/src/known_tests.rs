//! Questions about a small cluster.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must fail")]

use std::time::Instant;

use host::NoServices;
use model::graph::{AssetNode, Relation};

use super::*;

struct Small {
    missing: BTreeSet<String>,
}

const ROLE: &str = "arn:aws:iam::111122223333:role/reports";

impl Known for Small {
    fn graph(&self, _: &TenantId, cluster: &str) -> Result<Arc<Graph>, Refusal> {
        if cluster != "u" {
            return Err(Refusal::NotFound);
        }
        let node = |path: &str, kind: &str| AssetNode {
            id: format!("k8s:u/{path}"),
            kind: kind.to_owned(),
            attributes: json!({ "id": format!("k8s:u/{path}"), "facts": {} }).to_string(),
        };
        let nodes = vec![
            node("apps/Deployment/shop/web", "Deployment.apps"),
            node("apps/ReplicaSet/shop/web-1", "ReplicaSet.apps"),
            node("core/Pod/shop/web-1-a", "Pod"),
            node("core/Pod/shop/alone", "Pod"),
            node("core/ServiceAccount/shop/own", "ServiceAccount"),
            node("core/Secret/shop/s", "Secret"),
        ];
        let relation = |from: &str, edge, to: &str| Relation {
            from: format!("k8s:u/{from}"),
            edge,
            to: format!("k8s:u/{to}"),
        };
        let account = "core/ServiceAccount/shop/own";
        let relations = [
            relation("apps/Deployment/shop/web", Edge::Owns, "apps/ReplicaSet/shop/web-1"),
            relation("apps/ReplicaSet/shop/web-1", Edge::Owns, "core/Pod/shop/web-1-a"),
            relation("apps/Deployment/shop/web", Edge::Uses, account),
            relation("apps/ReplicaSet/shop/web-1", Edge::Uses, account),
            relation("core/Pod/shop/web-1-a", Edge::Uses, account),
            relation("core/Pod/shop/alone", Edge::Uses, account),
        ];
        Ok(Arc::new(Graph::new(nodes, &relations, self.missing.clone())))
    }

    fn accounts_of(&self, _: &TenantId, identity: &str) -> Result<Vec<String>, Refusal> {
        let own = (identity == ROLE).then(|| "k8s:u/core/ServiceAccount/shop/own".to_owned());
        Ok(own.into_iter().collect())
    }

    fn image_findings(&self, _: &TenantId, _: &str, path: &str) -> Told {
        Ok(json!({ "images": [], "unscanned": [path] }))
    }

    fn posture_findings(&self, _: &TenantId, _: &str, _: &str) -> Told {
        Err("nobody looked".to_owned())
    }

    fn exposure(&self, _: &TenantId, _: &str, _: &str) -> Told {
        Ok(json!({ "verdict": "open" }))
    }

    fn rights(&self, _: &TenantId, _: &str, _: &str) -> Told {
        Ok(json!({ "reach": "none" }))
    }

    fn escape(&self, _: &TenantId, _: &str, _: &str) -> Told {
        Ok(json!({ "path": [] }))
    }
}

fn caller() -> Caller {
    Caller {
        tenant: TenantId::default_tenant(),
        plugin: "a.b".to_owned(),
        digest: Digest::from_sha256([0; 32]),
        deadline: Instant::now(),
    }
}

fn answers(missing: &[&str]) -> Answers {
    let missing = missing.iter().map(|kind| (*kind).to_owned()).collect();
    Answers::new(Arc::new(Small { missing }), Arc::new(NoServices))
}

fn related(asset: &str, edge: &str) -> Result<Vec<String>, Refusal> {
    let found = answers(&[]).related(&caller(), asset, edge, 10)?;
    Ok(found.into_iter().map(|asset| asset.id).collect())
}

#[test]
fn what_a_controller_made_leads_to_the_workload() {
    let web = ["k8s:u/apps/Deployment/shop/web"];
    for made in ["core/Pod/shop/web-1-a", "apps/ReplicaSet/shop/web-1", "apps/Deployment/shop/web"] {
        assert_eq!(related(&format!("k8s:u/{made}"), "workload").unwrap(), web, "{made}");
    }
    assert_eq!(related("k8s:u/core/Pod/shop/alone", "workload").unwrap(), ["k8s:u/core/Pod/shop/alone"]);
    assert_eq!(related("k8s:u/core/Secret/shop/s", "workload").unwrap(), [""; 0]);
    assert_eq!(related("k8s:u/core/Pod/shop/gone", "workload"), Err(Refusal::NotFound));
    assert_eq!(related("k8s:other/core/Pod/shop/a", "workload"), Err(Refusal::NotFound));
}

#[test]
fn an_identity_leads_to_the_workloads_that_run_as_it() {
    let both = ["k8s:u/apps/Deployment/shop/web", "k8s:u/core/Pod/shop/alone"];
    assert_eq!(related("k8s:u/core/ServiceAccount/shop/own", "workloads").unwrap(), both);
    assert_eq!(related(ROLE, "workloads").unwrap(), both);
    assert_eq!(related("arn:aws:iam::111122223333:role/other", "workloads").unwrap(), [""; 0]);
    assert!(matches!(related(ROLE, "uses"), Err(Refusal::Invalid(_))));
    // The edges of the graph are there as well.
    assert_eq!(related("k8s:u/core/ServiceAccount/shop/own", "used-by:Pod").unwrap().len(), 2);
}

#[test]
fn what_was_not_read_is_not_known() {
    let blind = answers(&["CronJob.batch"]);
    let found = blind.related(&caller(), "k8s:u/core/ServiceAccount/shop/own", "workloads", 10);
    assert!(matches!(found, Err(Refusal::Unavailable(_))), "{found:?}");
    let found = blind.related(&caller(), "k8s:u/batch/CronJob/shop/x", "workload", 10);
    assert!(matches!(found, Err(Refusal::Unavailable(_))), "{found:?}");
}

#[test]
fn a_workload_is_described_with_what_is_known_beside_it() {
    let told = answers(&[]).describe(&caller(), "k8s:u/apps/Deployment/shop/web").unwrap();
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["image-findings"]["unscanned"], json!(["apps/Deployment/shop/web"]));
    assert_eq!(told["posture-findings"], json!({ "unknown": "nobody looked" }));
    assert_eq!((&told["exposure"]["verdict"], &told["facts"]), (&json!("open"), &json!({})));
    let secret = answers(&[]).describe(&caller(), "k8s:u/core/Secret/shop/s").unwrap();
    assert!(!String::from_utf8(secret).unwrap().contains("exposure"));
    assert_eq!(answers(&[]).asset_kind(&caller(), ROLE).unwrap(), CLOUD_IDENTITY);
}

#[test]
fn everything_else_is_for_what_is_below() {
    let answers = answers(&[]);
    assert!(matches!(answers.describe(&caller(), "sha256:00"), Err(Refusal::Unavailable(_))));
    assert!(matches!(answers.state_get(&caller(), "k"), Err(Refusal::Unavailable(_))));
}
