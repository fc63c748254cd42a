//! Submitting scans and looking at them.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Rig, content};
use crate::ScanChange;

async fn submit(rig: &Rig, key: Option<&str>, body: &Value) -> Answer {
    let bearer = rig.bearer();
    let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    rig.send(Method::POST, "/api/v1/scans", &headers, Some(&body.to_string())).await
}

#[tokio::test]
async fn a_scan_is_accepted_durably_and_announced() {
    let rig = Rig::new().await;
    let mut changes = rig.progress.subscribe();
    let body = json!({ "kind": "image", "reference": "registry.example/app:1", "platform": "linux/arm64" });
    let answer = submit(&rig, None, &body).await;
    assert_eq!(answer.status.as_u16(), 202);
    let scan = answer.json();
    assert_eq!(answer.header("location"), format!("/api/v1/scans/{}", scan["id"].as_str().unwrap()));
    assert_eq!((&scan["state"], &scan["platform"]), (&json!("queued"), &json!("linux/arm64")));
    assert_eq!(rig.get(answer.header("location")).await.json(), scan);

    let stored = rig.store.outbox(10).await.unwrap();
    assert_eq!(stored.iter().map(|message| message.subject.as_str()).collect::<Vec<_>>(), ["scan.requested"]);
    let change: ScanChange = changes.try_recv().unwrap();
    assert_eq!(
        (change.tenant, change.scan.to_string()),
        (rig.tenant(), scan["id"].as_str().unwrap().to_owned())
    );
}

#[tokio::test]
async fn the_same_key_gives_the_same_scan_and_never_another() {
    let rig = Rig::new().await;
    let mut changes = rig.progress.subscribe();
    let body = json!({ "kind": "image", "reference": "alpine" });
    let first = submit(&rig, Some("key-1"), &body).await.json();
    let again = submit(&rig, Some("key-1"), &body).await;
    assert_eq!((again.status.as_u16(), &again.json()["id"]), (202, &first["id"]));
    let other = submit(&rig, Some("key-1"), &json!({ "kind": "image", "reference": "busybox" })).await;
    let problem = other.problem(422, "idempotency-conflict");
    assert!(problem["detail"].as_str().unwrap().contains(first["id"].as_str().unwrap()), "{problem}");
    assert_ne!(submit(&rig, Some("key-2"), &body).await.json()["id"], first["id"]);
    assert_eq!(rig.get("/api/v1/scans").await.json()["items"].as_array().unwrap().len(), 2);
    assert!(changes.try_recv().is_ok() && changes.try_recv().is_ok() && changes.try_recv().is_err());
    for bad in ["", "a b", &"k".repeat(256)] {
        submit(&rig, Some(bad), &body).await.problem(400, "invalid-idempotency-key");
    }
}

#[tokio::test]
async fn what_cannot_be_scanned_is_refused_before_it_is_stored() {
    let rig = Rig::new().await;
    let inside = rig.scan_root.join("host");
    std::fs::create_dir(&inside).unwrap();
    let inside = inside.to_str().unwrap();
    let refused = [
        (json!({ "kind": "image", "reference": "" }), "invalid-reference"),
        (json!({ "kind": "image", "reference": "https://registry.example/app" }), "invalid-reference"),
        (json!({ "kind": "image", "reference": "/etc/shadow" }), "invalid-reference"),
        (json!({ "kind": "image", "reference": "a\nb" }), "invalid-reference"),
        (json!({ "kind": "image", "reference": "a".repeat(2000) }), "invalid-reference"),
        (json!({ "kind": "image", "reference": "alpine", "platform": "amd64" }), "invalid-platform"),
        (json!({ "kind": "image", "reference": "docker-archive:/etc/shadow" }), "path-not-allowed"),
        (json!({ "kind": "directory", "reference": "/" }), "path-not-allowed"),
        (json!({ "kind": "directory", "reference": format!("{inside}/../..") }), "path-not-allowed"),
    ];
    for (body, code) in refused {
        let problem = submit(&rig, None, &body).await.problem(422, code);
        assert!(problem["errors"][0]["pointer"].as_str().unwrap().starts_with('/'), "{problem}");
    }
    assert_eq!(rig.get("/api/v1/scans").await.json()["items"], json!([]));
    let taken = submit(&rig, None, &json!({ "kind": "directory", "reference": inside })).await;
    assert_eq!((taken.status.as_u16(), &taken.json()["reference"]), (202, &json!(inside)));
}

#[tokio::test]
async fn scans_are_listed_newest_first_page_by_page() {
    let rig = Rig::new().await;
    let mut wanted = Vec::new();
    for number in 0..5 {
        wanted.push(content::submit(&rig.store, &rig.tenant(), &format!("app:{number}")).await.to_string());
    }
    wanted.reverse();
    let mut seen = Vec::new();
    let mut path = "/api/v1/scans?limit=2".to_owned();
    loop {
        let page = rig.get(&path).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|scan| scan["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/scans?limit=2&cursor={next}");
    }
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn a_finished_scan_tells_what_came_out_and_a_failed_one_why() {
    let rig = Rig::new().await;
    let scan = content::scanned(&rig.store, &rig.tenant(), "sha256:aa").await;
    let finished = rig.get(&format!("/api/v1/scans/{scan}")).await.json();
    assert_eq!(finished["state"], "finished");
    assert_eq!(finished["asset"], "sha256:aa");
    let summary = &finished["summary"];
    assert_eq!(
        (&summary["packages"], &summary["opened"], &summary["gaps"]),
        (&json!(4), &json!(5), &json!(1))
    );
    assert_eq!((&summary["findings"]["high"], &summary["findings"]["unknown"]), (&json!(2), &json!(0)));

    let scan = content::submit(&rig.store, &rig.tenant(), "gone:1").await;
    let now = jiff::Timestamp::now();
    rig.store.fail_scan(&rig.tenant(), scan, "m", "image-unreachable", "no answer", now).await.unwrap();
    let failed = rig.get(&format!("/api/v1/scans/{scan}")).await.json();
    assert_eq!(failed["error"], json!({ "code": "image-unreachable", "message": "no answer" }));
}
