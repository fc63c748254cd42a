//! Servers that refuse, throttle, forget, cut off, or say nothing.

use std::time::Duration;

use model::GapCode;
use serde_json::json;

use super::kubernetes::{Answer, ApiServer, Request, body, status};
use super::{connect, options, read, secrets, settings, wanted};
use crate::api::{CollectOptions, Connection, collect};
use crate::fixture::{object, small};
use crate::id::GroupKind;

fn asks(path: &'static str) -> impl Fn(&Request) -> bool + Send + 'static {
    move |request| request.path == path
}

/// Reads a cluster whose secrets cannot be read, and says why they could not.
async fn without_secrets(server: &ApiServer) -> String {
    let snapshot = read(server).await.unwrap().snapshot;
    assert_eq!(snapshot.missing(), [secrets()].into());
    assert_eq!(snapshot.objects().count(), small().len() - 1);
    let gap = snapshot.gaps().iter().next().unwrap();
    assert_eq!((gap.code, gap.subject.as_str(), snapshot.gaps().len()), (GapCode::NotCollected, "Secret", 1));
    gap.reason.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_cannot_be_read_is_a_gap_and_never_nothing() {
    let forbidden = "secrets is forbidden: User \"u\" cannot list resource \"secrets\"";
    let bomb = Answer::Body(vec![b'x'; 65 * 1024 * 1024]);
    let cases = [
        (status(403, "Forbidden", forbidden), 1, forbidden),
        (status(500, "InternalError", "etcd is gone"), 3, "500: etcd is gone"),
        (status(504, "Timeout", "a\u{1b}[31m\nb"), 3, "504: a\\u{1b}[31m\\nb"),
        (status(401, "Unauthorized", "Unauthorized"), 2, "401: Unauthorized"),
        (status(410, "Expired", "too old"), 4, "410: too old"),
        (status(422, "Invalid", "no"), 1, "422: no"),
        (Answer::Status(502, json!("<html>"), Vec::new()), 3, "502: the server says nothing more"),
        (Answer::Cut(40), 3, "cut off"),
        (Answer::Body(b"{\"kind\":\"SecretList\",\"items\":[{".to_vec()), 3, "cannot be read"),
        (Answer::Body(b"[]".to_vec()), 3, "cannot be read"),
        (Answer::Body(body(403, "Forbidden", "no").to_string().into_bytes()), 3, "no list, but \"Status\""),
        (bomb, 3, "more than 67108864 bytes"),
    ];
    for (answer, times, said) in cases {
        let server = ApiServer::start(&small());
        server.fault(usize::MAX, answer, asks("/api/v1/secrets"));
        let reason = without_secrets(&server).await;
        assert!(reason.contains(said), "{reason}");
        let asked = server.requests().into_iter().filter(asks("/api/v1/secrets")).count();
        assert_eq!(asked, times, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_waited_for() {
    let busy =
        Answer::Status(429, body(429, "TooManyRequests", "slow"), vec![("retry-after", "0".to_owned())]);
    for answer in [busy, status(500, "InternalError", "x"), status(503, "x", "x"), Answer::Cut(30)] {
        let server = ApiServer::start(&small());
        server.fault(2, answer, asks("/api/v1/secrets"));
        let snapshot = read(&server).await.unwrap().snapshot;
        assert!(snapshot.gaps().is_empty() && snapshot.missing().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_begun_anew_when_its_next_page_is_forgotten() {
    let server = ApiServer::start(&settings(1203));
    let gone = status(410, "Expired", "too old");
    server.fault(2, gone, |request| {
        request.query.get("continue").is_some_and(|token| token.contains(":1000:"))
    });
    let snapshot = read(&server).await.unwrap().snapshot;
    assert_eq!(snapshot.objects().count(), 1203);
    assert!(snapshot.gaps().is_empty());
    assert_eq!(server.requests().into_iter().filter(asks("/api/v1/configmaps")).count(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_a_page_is_noticed() {
    let server = ApiServer::start(&small());
    let page =
        json!({ "kind": "SecretList", "apiVersion": "v1", "metadata": { "continue": "same" }, "items": [] });
    server.fault(usize::MAX, Answer::Body(page.to_string().into_bytes()), asks("/api/v1/secrets"));
    assert!(without_secrets(&server).await.contains("again and again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends() {
    let server = ApiServer::start(&small());
    server.fault(usize::MAX, Answer::Silence, asks("/api/v1/secrets"));
    let folder = tempfile::TempDir::new().unwrap();
    let kubeconfig = server.kubeconfig("http", &json!({}), &json!({ "token": super::TOKEN }));
    let mut options = options(&folder, &kubeconfig);
    options.patience.idle = Duration::from_millis(300);
    let connection = Connection::open(&options).await.unwrap();
    let snapshot = collect(&connection, &wanted()).await.unwrap().snapshot;
    assert!(snapshot.missing().contains(&secrets()));
    let said =
        snapshot.gaps().iter().any(|gap| gap.subject == "Secret" && gap.reason.contains("no answer came"));
    assert!(said, "{:?}", snapshot.gaps());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_odd_object_does_not_take_its_kind_along() {
    let server = ApiServer::start(&small());
    let items =
        json!([{ "metadata": { "name": "a/b" } }, 7, { "metadata": { "name": "s", "namespace": "n" } }]);
    let list = json!({ "kind": "SecretList", "apiVersion": "v1", "metadata": { "resourceVersion": "1" }, "items": items });
    server.fault(1, Answer::Body(list.to_string().into_bytes()), asks("/api/v1/secrets"));
    let snapshot = read(&server).await.unwrap().snapshot;
    assert!(snapshot.object("core/Secret/n/s").is_some());
    assert!(snapshot.gaps().iter().all(|gap| gap.code == GapCode::ParseError && gap.subject == "Secret"));
    assert_eq!(snapshot.gaps().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_are_read_where_the_cluster_may_not_be() {
    let mut objects = small();
    objects.push(object("v1", "Secret", "other/s", json!({})));
    let server = ApiServer::start(&objects);
    server.fault(usize::MAX, status(403, "Forbidden", "secrets is forbidden"), asks("/api/v1/secrets"));
    let namespaces = vec!["shop".to_owned(), "../../nodes".to_owned()];
    let options = CollectOptions { namespaces, ..wanted() };
    let snapshot = collect(&connect(&server).await, &options).await.unwrap().snapshot;
    assert!(snapshot.object("core/Secret/shop/web-key").is_some());
    assert!(snapshot.object("core/Secret/other/s").is_none());
    assert!(snapshot.missing().contains(&secrets()));
    let gap = snapshot.gaps().iter().next().unwrap();
    assert!(
        gap.reason.contains("only namespaces shop were read") && gap.reason.contains("forbidden"),
        "{gap:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_whose_server_is_away_are_not_empty() {
    let server = ApiServer::start(&small());
    server.classic();
    server.fault(
        usize::MAX,
        status(503, "ServiceUnavailable", "away"),
        asks("/apis/gateway.networking.k8s.io/v1"),
    );
    server.fault(
        usize::MAX,
        status(503, "ServiceUnavailable", "away"),
        asks("/apis/gateway.networking.k8s.io/v1alpha1"),
    );
    let snapshot = read(&server).await.unwrap().snapshot;
    let gateway = GroupKind::new("gateway.networking.k8s.io", "Gateway");
    assert!(snapshot.missing().contains(&gateway));
    assert!(
        snapshot.gaps().iter().any(|gap| gap.subject == gateway.to_string() && gap.reason.contains("away"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_cluster_that_tells_nothing_there_is_no_snapshot() {
    let server = ApiServer::start(&small());
    server.fault(usize::MAX, status(403, "Forbidden", "no"), |request| request.query.contains_key("limit"));
    assert_eq!(read(&server).await.unwrap_err().code(), "cluster-forbidden");
    server.accept("another");
    assert_eq!(read(&server).await.unwrap_err().code(), "cluster-unauthorized");
    server.no_faults();
    server.fault(usize::MAX, Answer::Body(b"<html>".to_vec()), |_| true);
    assert_eq!(read(&server).await.unwrap_err().code(), "cluster-unreachable");
}
