//! The API as its clients see it: the whole router over a real store in a directory of its own.
//!
//! Every JSON answer that passes through [`Rig`] is checked against the OpenAPI document, so that each test is also a
//! test of the document.

mod assistants;
mod attack_map;
mod audit;
mod auth;
mod backtests;
pub(crate) mod content;
mod document;
mod edge;
mod errors;
mod findings;
mod imports;
mod permissions;
pub(crate) mod responses;
mod runtime;
mod scans;
mod schema;
mod serving;
mod sign_in;
mod stream;
mod triage;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use model::TenantId;
use serde_json::Value;
use store::Store;
use tokio::sync::broadcast;
use tower::ServiceExt as _;

use crate::dto::AdvisoryStatus;
use crate::{
    Api, ApiOptions, PluginDecision, PluginRefusal, ScanChange, Scheme, SignInWith, Ui, create_token,
};

/// A server without a socket.
pub(crate) struct Rig {
    pub(crate) router: Router,
    pub(crate) store: Store,
    pub(crate) progress: broadcast::Sender<ScanChange>,
    pub(crate) token: String,
    pub(crate) scan_root: PathBuf,
    _dir: tempfile::TempDir,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with_scheme(Scheme::Http).await
    }

    pub(crate) async fn with_scheme(scheme: Scheme) -> Self {
        Self::with(scheme, None).await
    }

    /// One at which people can sign in.
    pub(crate) async fn with_sign_in(sign_in: SignInWith) -> Self {
        Self::with(Scheme::Https, Some(sign_in)).await
    }

    async fn with(scheme: Scheme, sign_in: Option<SignInWith>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scan_root = dir.path().join("roots");
        std::fs::create_dir(&scan_root).unwrap();
        let scan_root = scan_root.canonicalize().unwrap();
        let mut options = options(dir.path(), vec![scan_root.clone()], scheme).await;
        options.sign_in = sign_in;
        let (store, progress) = (options.store.clone(), options.progress.clone());
        let secret =
            create_token(&store, &TenantId::default_tenant(), "test", Timestamp::now()).await.unwrap();
        let router = Api::new(options).unwrap().router();
        Self { router, store, progress, token: secret.expose().to_owned(), scan_root, _dir: dir }
    }

    pub(crate) fn tenant(&self) -> TenantId {
        TenantId::default_tenant()
    }

    /// A request with the rig's token.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[("authorization", &self.bearer())], None).await
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let mut request = Request::builder().method(method.clone()).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_owned()));
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 64 << 20).await.unwrap().to_vec();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        schema::check(&method, path, &answer);
        answer
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a complete problem with this code and gives it.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/api/v1/errors/{code}"));
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        for member in ["title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| text.len() > 5), "{member}: {problem}");
        }
        problem
    }
}

/// Options over a fresh SQLite store in a directory.
/// Decides as a service would that has one plugin, `a.first`, and nothing that runs beside it.
async fn decided(actor: String, plugin: String, decision: PluginDecision) -> Result<(), PluginRefusal> {
    assert_eq!(actor, "test");
    let refuse = |detail: &str, unknown| Err(PluginRefusal { detail: detail.to_owned(), unknown });
    match decision {
        _ if plugin != "a.first" => refuse("no such plugin", true),
        PluginDecision::Promote => refuse("nothing runs beside", false),
        PluginDecision::Approve { rights, .. } if rights.is_empty() => refuse("no rights", false),
        _ => Ok(()),
    }
}

pub(crate) async fn options(dir: &std::path::Path, scan_roots: Vec<PathBuf>, scheme: Scheme) -> ApiOptions {
    let store = Store::connect(&format!("sqlite:{}", dir.join("test.db").display())).await.unwrap();
    let (backtests, reports) = (store.clone(), store.clone());
    ApiOptions {
        store,
        backtest: Arc::new(move |tenant, new| {
            let store = backtests.clone();
            Box::pin(async move { backtests::submitted(&store, &tenant, &new).await })
        }),
        import: Arc::new(move |tenant, new| {
            let store = reports.clone();
            Box::pin(async move { imports::submitted(&store, &tenant, new).await })
        }),
        test_destination: Arc::new(|_, said| {
            Box::pin(async move {
                match said.settings.get("wrong") {
                    None => Ok((format!("an issue in {}", said.name), None)),
                    Some(why) => Err(format!("it is wrong: {why}")),
                }
            })
        }),
        plugins: Arc::new(|| vec![content::plugin("z.second"), content::plugin("a.first")]),
        decide: Arc::new(|actor, plugin, decision| Box::pin(decided(actor, plugin, decision))),
        response_figures: Arc::new(responses::figures),
        respond: Arc::new(|_, _, order| Box::pin(async move { responses::ordered(order) })),
        evidence_pack: Arc::new(content::evidence_pack),
        receive: Arc::new(|received| Box::pin(std::future::ready(content::received(&received)))),
        event_formats: vec!["falco".to_owned(), "otlp".to_owned()],
        sources_changed: Arc::new(|| ()),
        outbox_changed: Arc::new(|| ()),
        sign_in: None,
        sla: crate::Sla(vec![(model::Severity::Critical, 15), (model::Severity::High, 30)]),
        advisories: Arc::new(AdvisoryStatus::default),
        attack: Arc::new(content::attack_map),
        scan_roots,
        clusters: vec!["prod".to_owned()],
        accounts: vec!["audit".to_owned()],
        ui: Ui::Embedded,
        scheme,
        version: "0.1.0-test".to_owned(),
        progress: broadcast::channel(64).0,
    }
}
