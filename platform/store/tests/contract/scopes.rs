//! Scopes: resources, assessments, and what a newer scan does to them.

use model::{AssetId, FindingClass, Severity, TenantId};
use serde_json::json;
use store::{
    FindingFilter, FindingSort, NewAssessment, NewResource, ResourceFilter, ScanOutcome, ScopeState,
    SeverityCounts, Store,
};
use uuid::Uuid;

use crate::Place;
use crate::migration::run;
use crate::world::*;

fn resource(path: &str, high: u64) -> NewResource {
    let parts: Vec<&str> = path.split('/').collect();
    NewResource {
        id: format!("k8s:u/{path}"),
        path: path.to_owned(),
        kind: format!("{}.{}", parts[1], parts[0]),
        namespace: parts[2].to_owned(),
        name: parts[3].to_owned(),
        exposure: if high > 1 { "open".to_owned() } else { String::new() },
        findings: SeverityCounts { high, ..SeverityCounts::default() },
        attributes: json!({ "labels": { "app": parts[3] } }),
    }
}

fn state(resources: Vec<NewResource>, score: u32) -> ScopeState {
    ScopeState {
        resources,
        input: format!("{score:064}"),
        snapshot: format!("snapshot {score}").into_bytes(),
        evidence: Some(format!("assessment {score}").into_bytes()),
        places: Vec::new(),
        assessments: vec![NewAssessment {
            framework: "nist".to_owned(),
            summary: json!({ "score": score }),
            controls: json!([{ "control": "AC-6", "status": "met" }]),
        }],
    }
}

fn cluster() -> AssetId {
    AssetId("k8s:u".to_owned())
}

async fn scan(store: &Store, second: i64, state: ScopeState) -> Uuid {
    let id = submit(store, &tenant(), second).await;
    let mut finding = finding("kube/privileged", "x", Severity::High);
    finding.class = FindingClass::Misconfiguration;
    finding.package = None;
    finding.evidence[0].path = "apps/Deployment/shop/web".to_owned();
    let outcome = ScanOutcome { scope: Some(state), ..outcome(&image(9), report(vec![finding])) };
    let outcome = ScanOutcome { asset: cluster(), ..outcome };
    store.finish_scan(&tenant(), id, &id.to_string(), &outcome, at(second)).await.unwrap();
    id
}

async fn listed(store: &Store, filter: &ResourceFilter) -> Vec<String> {
    let mut all = Vec::new();
    let mut request = page(2);
    loop {
        let page = store.resources(&tenant(), filter, &request).await.unwrap();
        all.extend(page.items.into_iter().map(|resource| resource.path));
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => return all,
        }
    }
}

pub(crate) async fn resources_follow_the_newest_scan(place: Place) {
    let store = place.store().await;
    let [web, api, db] = ["apps/Deployment/shop/web", "apps/Deployment/shop/api", "apps/StatefulSet/data/db"];
    scan(&store, 1, state(vec![resource(web, 2), resource(api, 0), resource(db, 1)], 40)).await;
    assert_eq!(listed(&store, &ResourceFilter::default()).await, [web, db, api]);
    let first = store.resource(&tenant(), &format!("k8s:u/{web}")).await.unwrap().unwrap();
    assert_eq!((first.exposure.as_str(), first.findings.high), ("open", 2));
    assert_eq!(first.attributes, json!({ "labels": { "app": "web" } }));

    let long = format!("apps/Deployment/shop/{}", "x".repeat(10_000));
    scan(&store, 1, state(vec![resource(web, 2), resource(&long, 1)], 40)).await;
    assert!(store.resource(&tenant(), &format!("k8s:u/{long}")).await.unwrap().is_some());

    let second = scan(&store, 2, state(vec![resource(web, 0), resource(api, 3)], 60)).await;
    assert_eq!(listed(&store, &ResourceFilter::default()).await, [api, web]);
    let kept = store.resource(&tenant(), &format!("k8s:u/{web}")).await.unwrap().unwrap();
    assert_eq!((kept.first_seen_at, kept.findings.total()), (at(1), 0));
    assert!(store.resource(&tenant(), &format!("k8s:u/{db}")).await.unwrap().is_none());
    let scopes = store.scopes(&tenant()).await.unwrap();
    assert_eq!((scopes.len(), scopes[0].scan, scopes[0].resources), (1, second, 2));
    let snapshot = store.scope_snapshot(&tenant(), &cluster()).await.unwrap();
    assert_eq!(snapshot, Some((second, b"snapshot 60".to_vec())));
}

pub(crate) async fn resources_are_filtered_and_counted(place: Place) {
    let store = place.store().await;
    let paths = ["apps/Deployment/shop/web", "apps/Deployment/shop/api", "apps/StatefulSet/data/db"];
    scan(&store, 1, state(paths.iter().zip([2, 0, 1]).map(|(path, n)| resource(path, n)).collect(), 1)).await;
    let all = ResourceFilter::default();
    for (filter, wanted) in [
        (ResourceFilter { kinds: vec!["StatefulSet.apps".to_owned()], ..all.clone() }, vec![paths[2]]),
        (ResourceFilter { namespace: Some("shop".to_owned()), ..all.clone() }, vec![paths[0], paths[1]]),
        (ResourceFilter { exposures: vec!["open".to_owned()], ..all.clone() }, vec![paths[0]]),
        (ResourceFilter { text: Some("SHOP/a".to_owned()), ..all.clone() }, vec![paths[1]]),
        (ResourceFilter { text: Some("%".to_owned()), ..all.clone() }, vec![]),
        (ResourceFilter { scope: Some(image(1)), ..all.clone() }, vec![]),
        (ResourceFilter { scope: Some(cluster()), ..all.clone() }, vec![paths[0], paths[2], paths[1]]),
    ] {
        assert_eq!(listed(&store, &filter).await, wanted, "{filter:?}");
    }
    let filter = ResourceFilter { namespace: Some("shop".to_owned()), ..all };
    let facets = store.resource_facets(&tenant(), &filter).await.unwrap();
    let counted = |pairs: &[(&str, u64)]| -> Vec<(String, u64)> {
        pairs.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect()
    };
    assert_eq!(facets.matching, 2);
    assert_eq!(facets.kind, counted(&[("Deployment.apps", 2)]));
    assert_eq!(facets.namespace, counted(&[("shop", 2), ("data", 1)]));
    assert_eq!(facets.exposure, counted(&[("open", 1)]));
    let about = |subject: &str| FindingFilter { subject: Some(subject.to_owned()), ..Default::default() };
    for (subject, found) in [(paths[0], 1), (paths[1], 0)] {
        let page = store.findings(&tenant(), &about(subject), FindingSort::Severity, &page(9)).await.unwrap();
        assert_eq!(page.items.len(), found, "{subject}");
    }
}

pub(crate) async fn assessments_make_a_trend(place: Place) {
    let store = place.store().await;
    let first = scan(&store, 1, state(vec![], 40)).await;
    let second = scan(&store, 2, state(vec![], 60)).await;
    let newest = store.newest_assessments(&tenant()).await.unwrap();
    assert_eq!((newest.len(), newest[0].scan, &newest[0].summary["score"]), (1, second, &json!(60)));
    let trend = store.assessment_trend(&tenant(), &cluster(), "nist").await.unwrap();
    let scores: Vec<_> = trend.iter().map(|point| (point.scan, point.summary["score"].clone())).collect();
    assert_eq!(scores, [(second, json!(60)), (first, json!(40))]);
    let (ours, cluster) = (tenant(), cluster());
    let of = |scan| store.assessment(&ours, &cluster, "nist", scan);
    assert_eq!(of(None).await.unwrap().unwrap().scan, second);
    let old = of(Some(first)).await.unwrap().unwrap();
    assert_eq!((old.scan, old.controls[0]["control"].as_str()), (first, Some("AC-6")));
    assert!(of(Some(Uuid::nil())).await.unwrap().is_none());
    let theirs = TenantId::parse("acme").unwrap();
    assert!(store.newest_assessments(&theirs).await.unwrap().is_empty());
    assert!(store.scopes(&theirs).await.unwrap().is_empty());
    assert!(store.resource(&theirs, "k8s:u/x").await.unwrap().is_none());
}

pub(crate) async fn evidence_is_a_chain_that_tells_what_was_changed(place: Place) {
    let store = place.store().await;
    for second in 1..=5 {
        scan(&store, second, state(vec![], u32::try_from(second).unwrap())).await;
    }
    let all = store.evidence(&tenant(), None, &page(9)).await.unwrap().items;
    let numbers: Vec<i64> = all.iter().map(|record| record.sequence).collect();
    assert_eq!(numbers, [4, 3, 2, 1, 0]);
    assert!(all.windows(2).all(|pair| pair[0].previous == pair[1].hash));
    let check = store.verify_evidence(&tenant()).await.unwrap();
    assert_eq!((check.records, check.head.as_str(), check.broken), (5, all[0].hash.as_str(), None));
    let kept = store.evidence_assessments(&tenant(), &cluster(), Some(at(2)), Some(at(4))).await.unwrap();
    assert_eq!(kept, [b"assessment 2".to_vec(), b"assessment 3".to_vec(), b"assessment 4".to_vec()]);
    let other = store.evidence(&tenant(), Some(&image(1)), &page(9)).await.unwrap();
    assert!(other.items.is_empty());
    for (change, sequence, why) in [
        ("UPDATE evidence SET record = replace(record, 'k8s:u', 'k8s:v') WHERE sequence = 2", 2, "hash"),
        (
            "UPDATE evidence SET assessment = (SELECT assessment FROM evidence WHERE sequence = 0) WHERE sequence = 3",
            3,
            "assessment",
        ),
        ("DELETE FROM evidence WHERE sequence = 1", 2, "missing"),
        ("DELETE FROM evidence WHERE sequence = 4", 4, "head"),
    ] {
        run(&place, "CREATE TABLE evidence_copy AS SELECT * FROM evidence").await;
        run(&place, change).await;
        let check = store.verify_evidence(&tenant()).await.unwrap();
        let (broken, told) = check.broken.unwrap_or_else(|| panic!("{change}"));
        assert_eq!(broken, sequence, "{change}: {told}");
        assert!(told.contains(why), "{change}: {told}");
        run(&place, "DELETE FROM evidence; INSERT INTO evidence SELECT * FROM evidence_copy; DROP TABLE evidence_copy").await;
    }
}

pub(crate) async fn evidence_that_grows_while_it_is_verified_is_whole(place: Place) {
    let store = place.store().await;
    let writer = store.clone();
    let writes = tokio::spawn(async move {
        for second in 1..=60 {
            scan(&writer, second, state(vec![], u32::try_from(second).unwrap())).await;
        }
    });
    while !writes.is_finished() {
        let check = store.verify_evidence(&tenant()).await.unwrap();
        assert!(check.broken.is_none(), "{check:?}");
    }
    writes.await.unwrap();
    assert_eq!(store.verify_evidence(&tenant()).await.unwrap().records, 60);
}
