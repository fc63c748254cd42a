use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use model::{Digest, TenantId};

use super::{Ask, Egress, Gate, Reply, Source};
use crate::analysis::SharedBytes;
use crate::rights::{HttpRule, Rights, SecretRule};
use crate::services::{AdvisoryAnswer, Caller, HttpRequest, HttpResponse, Refusal, RelatedAsset, Services};

/// Serves everything, and remembers what reached it.
#[derive(Default)]
struct Everything {
    reached: AtomicU64,
    sent: Mutex<Vec<HttpRequest>>,
}

impl Everything {
    fn reach(&self) {
        self.reached.fetch_add(1, Ordering::Relaxed);
    }
}

impl Services for Everything {
    fn state_get(&self, _: &Caller, _: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.reach();
        Ok(Some(b"kept".to_vec()))
    }
    fn state_keys(&self, _: &Caller, _: &str, _: Option<&str>, _: usize) -> Result<Vec<String>, Refusal> {
        self.reach();
        Ok(vec!["key".to_owned()])
    }
    fn state_bytes(&self, _: &Caller) -> Result<u64, Refusal> {
        self.reach();
        Ok(7)
    }
    fn http(&self, _: &Caller, request: &HttpRequest, _: usize) -> Result<HttpResponse, Refusal> {
        self.reach();
        self.sent.lock().unwrap().push(request.clone());
        let headers = vec![("Set-Cookie".to_owned(), "a=b".to_owned()), ("x".to_owned(), "y".to_owned())];
        Ok(HttpResponse { status: 200, headers, body: vec![0; 100] })
    }
    fn advisories(&self, _: &Caller, _: &str) -> Result<Vec<AdvisoryAnswer>, Refusal> {
        self.reach();
        Ok(Vec::new())
    }
    fn asset_kind(&self, _: &Caller, asset: &str) -> Result<String, Refusal> {
        Ok(asset.split('/').next().unwrap_or_default().to_owned())
    }
    fn describe(&self, _: &Caller, _: &str) -> Result<Vec<u8>, Refusal> {
        self.reach();
        Ok(b"{}".to_vec())
    }
    fn related(&self, _: &Caller, _: &str, _: &str, _: usize) -> Result<Vec<RelatedAsset>, Refusal> {
        self.reach();
        let of = |kind: &str| RelatedAsset { id: format!("{kind}/1"), kind: kind.to_owned() };
        Ok(vec![of("pod"), of("secret")])
    }
    fn blob(&self, _: &Caller, _: &str, _: &Digest) -> Result<SharedBytes, Refusal> {
        self.reach();
        Ok(Arc::new(b"blob".to_vec()))
    }
}

fn rights() -> Rights {
    Rights {
        http: vec![HttpRule {
            host: "api.example".to_owned(),
            methods: vec!["POST".to_owned()],
            paths: vec!["/hook/*".to_owned()],
        }],
        secrets: vec![SecretRule { name: "token".to_owned(), hosts: vec!["api.example".to_owned()] }],
        state_bytes: 100,
        advisories: true,
        assets: vec!["pod".to_owned()],
        blob: vec!["registry.example/team/*".to_owned()],
    }
}

fn gate(asked: Rights, granted: Rights) -> (Gate, Arc<Everything>) {
    let caller = Caller {
        tenant: TenantId::default_tenant(),
        plugin: "a.b".to_owned(),
        digest: Digest::from_sha256([0; 32]),
        deadline: Instant::now() + Duration::from_secs(60),
    };
    let services = Arc::new(Everything::default());
    let source = Source::Live(Arc::clone(&services) as Arc<dyn Services>);
    let egress = Egress { requests: 3, bytes: 1_000 };
    (Gate::new(caller, (Arc::new(asked), Arc::new(granted)), source, egress, false), services)
}

fn post(url: &str, secret: Option<&str>) -> Ask {
    let request = HttpRequest {
        method: "POST".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: b"{}".to_vec(),
        secret: secret.map(str::to_owned),
    };
    Ask::HttpSend { request }
}

/// One ask within the rights above for each host call.
fn within() -> Vec<Ask> {
    let text = str::to_owned;
    vec![
        Ask::StateGet { key: text("key") },
        Ask::StateSet { key: text("key"), value: b"v".to_vec() },
        Ask::StateDelete { key: text("key") },
        Ask::StateKeys { prefix: text("k"), after: None, limit: 9 },
        Ask::AdvisoriesMatching { purl: text("pkg:deb/debian/a@1") },
        Ask::AssetsDescribe { asset: text("pod/1") },
        Ask::AssetsRelated { asset: text("pod/1"), edge: text("runs"), limit: 5 },
        Ask::BlobOpen {
            repository: text("registry.example/team/app"),
            digest: crate::inspect::digest(b"blob").to_string(),
        },
        post("https://api.example/hook/1?q=1", Some("token")),
    ]
}

fn denied(answer: &Result<Reply, Refusal>) -> bool {
    matches!(answer, Err(Refusal::Denied(_)))
}

#[test]
fn what_is_asked_and_granted_is_served() {
    for ask in within() {
        let (mut gate, services) = gate(rights(), rights());
        let name = ask.name();
        assert!(gate.pass(ask).is_ok(), "{name}");
        assert!(services.reached.load(Ordering::Relaxed) > 0, "{name}");
    }
}

#[test]
fn what_is_only_asked_or_only_granted_reaches_nobody() {
    for (asked, granted) in [(rights(), Rights::none()), (Rights::none(), rights())] {
        for ask in within() {
            let (mut gate, services) = gate(asked.clone(), granted.clone());
            let name = ask.name();
            assert!(denied(&gate.pass(ask)), "{name}");
            assert_eq!(services.reached.load(Ordering::Relaxed), 0, "{name}");
            assert_eq!(gate.tally.audit.len(), 1, "{name}");
            assert!(!gate.tally.audit[0].allowed, "{name}");
        }
    }
}

#[test]
fn a_right_reaches_as_far_as_it_says() {
    let text = str::to_owned;
    for ask in [
        post("https://api.example/hook/", None),
        post("https://api.example/hook/1/2", None),
        post("https://api.example:8443/hook/1", None),
        post("http://api.example/hook/1", None),
        post("https://api.example.evil/hook/1", None),
        post("https://evil.example/hook/1", Some("token")),
        post("https://api.example/hook/1", Some("other")),
        post("https://api.example/hook/../admin", None),
        Ask::AssetsDescribe { asset: text("secret/1") },
        Ask::AssetsRelated { asset: text("secret/1"), edge: text("runs"), limit: 5 },
        Ask::BlobOpen { repository: text("registry.example/other/app"), digest: text("x") },
        Ask::BlobOpen { repository: text("registry.example/team/app/deep"), digest: text("x") },
    ] {
        let (mut gate, services) = gate(rights(), rights());
        let shown = format!("{ask:?}");
        assert!(denied(&gate.pass(ask)), "{shown}");
        assert_eq!(services.reached.load(Ordering::Relaxed), 0, "{shown}");
    }
}

#[test]
fn related_assets_of_other_kinds_are_left_out() {
    let (mut gate, _) = gate(rights(), rights());
    let ask = Ask::AssetsRelated { asset: "pod/1".to_owned(), edge: "runs".to_owned(), limit: 5 };
    assert!(matches!(gate.pass(ask), Ok(Reply::Names(names)) if names == ["pod/1"]));
    // Asked for by name they are denied: an empty list would say that there are none.
    let related =
        |edge: &str| Ask::AssetsRelated { asset: "pod/1".to_owned(), edge: edge.to_owned(), limit: 5 };
    assert!(matches!(gate.pass(related("runs:secret")), Err(Refusal::Denied(_))));
    assert!(matches!(gate.pass(related("runs:pod")), Ok(Reply::Names(names)) if names == ["pod/1"]));
}

#[test]
fn a_blob_that_is_another_one_is_not_handed_over() {
    let (mut gate, _) = gate(rights(), rights());
    let digest = crate::inspect::digest(b"another").to_string();
    let answer = gate.pass(Ask::BlobOpen { repository: "registry.example/team/app".to_owned(), digest });
    assert!(matches!(answer, Err(Refusal::Unavailable(_))));
}

#[test]
fn requests_and_their_bytes_run_out() {
    let (mut few, services) = gate(rights(), rights());
    for _ in 0..3 {
        assert!(few.pass(post("https://api.example/hook/1", None)).is_ok());
    }
    let fourth = few.pass(post("https://api.example/hook/1", None));
    assert!(matches!(fourth, Err(Refusal::Limit(what)) if what == "requests"));
    assert_eq!(services.sent.lock().unwrap().len(), 3);
    let (mut large, services) = gate(rights(), rights());
    let Ask::HttpSend { mut request } = post("https://api.example/hook/1", None) else { unreachable!() };
    request.body = vec![0; 2_000];
    assert!(
        matches!(large.pass(Ask::HttpSend { request }), Err(Refusal::Limit(what)) if what == "egress-mib")
    );
    assert!(services.sent.lock().unwrap().is_empty());
}

#[test]
fn what_is_sent_is_what_was_judged_and_no_cookie_comes_back() {
    let (mut gate, services) = gate(rights(), rights());
    let answer = gate.pass(post("https://API.example:443/x/../hook/1#part", Some("token")));
    assert!(
        matches!(answer, Ok(Reply::Response(response)) if response.headers == [("x".to_owned(), "y".to_owned())])
    );
    let sent = services.sent.lock().unwrap();
    assert_eq!(sent[0].url, "https://api.example/hook/1");
    assert_eq!(gate.tally.audit[0].what, "POST api.example/hook/1 with the secret token");
    assert!(gate.tally.audit[0].allowed);
}
