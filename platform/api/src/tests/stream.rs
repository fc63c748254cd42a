//! Following a scan by server-sent events.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::StreamExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::{Rig, content};
use crate::ScanChange;

async fn follow(rig: &Rig, scan: Uuid, last: Option<&str>) -> Response {
    let mut request = Request::builder().uri(format!("/api/v1/scans/{scan}/events"));
    request = request.header("authorization", rig.bearer());
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    rig.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// The events of a stream as they come.
struct Events {
    body: axum::body::BodyDataStream,
    text: String,
}

impl Events {
    fn of(response: Response) -> Self {
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event as (id, scan), or nothing when the stream has ended.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim_start_matches(':').trim().to_owned())
                };
                let found = (field("event"), field("id"), field("data"));
                self.text = rest.to_owned();
                if let (Some(kind), Some(id), Some(data)) = found {
                    assert_eq!(kind, "scan");
                    return Some((id, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let chunk = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

fn notify(rig: &Rig, scan: Uuid) {
    rig.progress.send(ScanChange { tenant: rig.tenant(), scan }).unwrap();
}

#[tokio::test]
async fn a_scan_is_followed_to_its_end() {
    let rig = Rig::new().await;
    let scan = content::submit(&rig.store, &rig.tenant(), "app:1").await;
    let mut events = Events::of(follow(&rig, scan, None).await);
    let (id, event) = events.next().await.unwrap();
    assert_eq!((id.as_str(), &event["state"]), ("1", &"queued".into()));
    assert_eq!(event["id"], scan.to_string());

    rig.store.start_scan(&rig.tenant(), scan, jiff::Timestamp::now()).await.unwrap();
    notify(&rig, scan);
    let (id, event) = events.next().await.unwrap();
    assert_eq!((id.as_str(), &event["state"]), ("2", &"running".into()));

    // A notification without a change is no event, and neither is one about another scan.
    notify(&rig, scan);
    notify(&rig, Uuid::now_v7());
    content::finish(&rig.store, &rig.tenant(), scan, "sha256:aa").await;
    notify(&rig, scan);
    let (id, event) = events.next().await.unwrap();
    assert_eq!((id.as_str(), &event["state"]), ("3", &"finished".into()));
    assert_eq!(event["summary"]["packages"], 4);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_lost_notification_costs_a_second_and_no_event() {
    let rig = Rig::new().await;
    let scan = content::submit(&rig.store, &rig.tenant(), "app:1").await;
    let mut events = Events::of(follow(&rig, scan, None).await);
    assert_eq!(events.next().await.unwrap().0, "1");
    content::finish(&rig.store, &rig.tenant(), scan, "sha256:aa").await;
    let (id, event) = events.next().await.unwrap();
    assert_eq!((id.as_str(), &event["state"]), ("3", &"finished".into()));
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing_and_gets_nothing_twice() {
    let rig = Rig::new().await;
    let scan = content::submit(&rig.store, &rig.tenant(), "app:1").await;
    rig.store.start_scan(&rig.tenant(), scan, jiff::Timestamp::now()).await.unwrap();
    let mut events = Events::of(follow(&rig, scan, Some("1")).await);
    assert_eq!(events.next().await.unwrap().0, "2");
    drop(events);

    let mut events = Events::of(follow(&rig, scan, Some("2")).await);
    content::finish(&rig.store, &rig.tenant(), scan, "sha256:aa").await;
    notify(&rig, scan);
    assert_eq!(events.next().await.unwrap().0, "3");

    let ended = follow(&rig, scan, Some("3")).await;
    assert_eq!(ended.status().as_u16(), 204);
    let mut nonsense = Events::of(follow(&rig, scan, Some("nonsense")).await);
    assert_eq!(nonsense.next().await.unwrap().0, "3");
    assert!(nonsense.next().await.is_none());
}
