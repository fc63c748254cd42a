//! Every error is a problem with a code, and every code has a page.

use std::collections::BTreeSet;

use axum::http::Method;

use super::Rig;
use crate::Code;

#[test]
fn codes_and_pages_are_the_same_list() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../error-codes");
    let mut pages = BTreeSet::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        // Other crates have pages here too; only those about an HTTP status are ours.
        if text.contains("\nStatus: ") {
            pages.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    let codes: BTreeSet<String> = crate::error_codes().into_iter().map(str::to_owned).collect();
    assert_eq!(codes, pages);
}

#[test]
fn pages_tell_what_happened_why_and_what_to_do() {
    for code in Code::ALL {
        let (name, page) = (code.as_str(), crate::error_page(code.as_str()).unwrap());
        assert!(page.starts_with(&format!("# {name}\n\n{}.\n", code.title())), "{name}");
        assert!(page.contains(&format!("\nStatus: {}\n", code.status().as_u16())), "{name}");
        for heading in ["\n## What happened\n", "\n## Why\n", "\n## What to do\n"] {
            assert!(page.contains(heading), "{name}: {heading}");
        }
    }
}

#[tokio::test]
async fn the_page_of_a_code_is_served() {
    let rig = Rig::new().await;
    let page = rig.get("/api/v1/errors/unknown-parameter").await;
    assert_eq!(page.header("content-type"), "text/plain; charset=utf-8");
    assert!(page.text().starts_with("# unknown-parameter\n"));
    let of_a_gap = rig.get("/api/v1/errors/ratio-limit").await;
    assert!(
        of_a_gap.text().starts_with("# ratio-limit\n"),
        "scans fail and gaps arise with codes of their own"
    );
    rig.get("/api/v1/errors/no-such-code").await.problem(404, "code-not-found");
}

#[tokio::test]
async fn bad_bodies_are_named() {
    let rig = Rig::new().await;
    let bearer = rig.bearer();
    let send = async |kind: Option<&str>, body: &str| {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(kind.map(|kind| ("content-type", kind)));
        rig.send(Method::POST, "/api/v1/scans", &headers, Some(body)).await
    };
    let json = Some("application/json; charset=utf-8");
    send(None, "{}").await.problem(415, "unsupported-media-type");
    send(Some("text/plain"), "{}").await.problem(415, "unsupported-media-type");
    send(json, "{").await.problem(400, "invalid-json");
    send(json, "").await.problem(400, "invalid-json");
    send(json, "\u{0}").await.problem(400, "invalid-json");
    send(json, &"[".repeat(100_000)).await.problem(400, "invalid-json");
    send(json, "{}").await.problem(422, "invalid-body");
    send(json, r#"{"kind":"sbom","reference":"a"}"#).await.problem(422, "invalid-body");
    let unknown =
        send(json, r#"{"kind":"image","reference":"a","nope":1}"#).await.problem(422, "invalid-body");
    assert!(unknown["detail"].as_str().unwrap().contains("nope"), "{unknown}");
    let large = format!(r#"{{"kind":"image","reference":"{}"}}"#, "a".repeat(2 << 20));
    send(json, &large).await.problem(413, "body-too-large");
}

#[tokio::test]
async fn bad_queries_are_named() {
    let rig = Rig::new().await;
    let unknown = rig.get("/api/v1/findings?severty=high").await.problem(400, "unknown-parameter");
    assert_eq!(unknown["errors"][0]["parameter"], "severty");
    let hint = unknown["hint"].as_str().unwrap();
    for name in ["severity", "kev", "q", "sort", "cursor", "limit"] {
        assert!(hint.contains(name), "{hint}");
    }
    rig.get("/api/v1/plugins?limit=1").await.problem(400, "unknown-parameter");
    rig.get("/api/v1/findings/facets?sort=package").await.problem(400, "unknown-parameter");

    let bad = [
        ("limit", "limit=0"),
        ("limit", "limit=501"),
        ("limit", "limit=-1"),
        ("limit", "limit=x"),
        ("severity", "severity=worst"),
        ("severity", "severity="),
        ("severity", "severity=high,,low"),
        ("state", "state=closed"),
        ("class", "class=bug"),
        ("kev", "kev=maybe"),
        ("sort", "sort=age"),
        ("q", "q="),
        ("q", "q=%00"),
        ("severity", "severity=high&severity=low"),
    ];
    for (name, query) in bad {
        let problem = rig.get(&format!("/api/v1/findings?{query}")).await.problem(400, "invalid-parameter");
        assert_eq!(problem["errors"][0]["parameter"], name, "{query}: {problem}");
    }
    let long = "a".repeat(1025);
    rig.get(&format!("/api/v1/findings?q={long}")).await.problem(400, "invalid-parameter");
    rig.get("/api/v1/findings?cursor=nonsense").await.problem(400, "invalid-cursor");
    rig.get("/api/v1/scans/not-a-uuid").await.problem(400, "invalid-parameter");
    rig.get("/api/v1/images/%FF").await.problem(400, "invalid-parameter");
}
