//! Findings, images, plugins and the first page.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use axum::http::Method;

use super::{Rig, content};

const IMAGE: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000aa";

fn rules(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|row| row["rule"].as_str().unwrap().to_owned()).collect()
}

async fn rig() -> Rig {
    let rig = Rig::new().await;
    content::scanned(&rig.store, &rig.tenant(), IMAGE).await;
    rig
}

#[tokio::test]
async fn filters_narrow_down_and_values_widen() {
    let rig = rig().await;
    let cases = [
        ("", vec!["1", "2", "3", "4", "5"]),
        ("severity=critical", vec!["1"]),
        ("severity=high,low", vec!["2", "3", "4"]),
        ("state=open", vec!["1", "2", "3", "4", "5"]),
        ("state=fixed", vec![]),
        ("class=vulnerability", vec!["1", "2", "3", "4", "5"]),
        ("class=secret", vec![]),
        ("kev=true", vec!["1"]),
        ("kev=false&suppressed=false", vec!["2", "3", "4"]),
        ("fixable=true", vec!["1"]),
        ("suppressed=true", vec!["5"]),
        ("risk_min=60", vec!["1"]),
        ("filter=risk%3E%3D60", vec!["1"]),
        ("package=openssl", vec!["1", "2"]),
        ("package=openssl&severity=high", vec!["2"]),
        ("rule=CVE-2024-0003", vec!["3"]),
        ("q=ZLIB", vec!["3"]),
        ("q=%25", vec![]),
        (&format!("asset={IMAGE}"), vec!["1", "2", "3", "4", "5"]),
        ("asset=other", vec![]),
    ];
    for (query, wanted) in cases {
        let found: BTreeSet<String> = rules(&rig.get(&format!("/api/v1/findings?{query}")).await.json())
            .into_iter()
            .map(|rule| rule.replace("CVE-2024-000", ""))
            .collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), wanted, "{query}");
    }
}

#[tokio::test]
async fn pages_of_every_order_hold_every_finding_once() {
    let rig = rig().await;
    for sort in ["severity", "risk", "-last_seen", "package"] {
        let whole = rules(&rig.get(&format!("/api/v1/findings?sort={sort}")).await.json());
        assert_eq!(whole.len(), 5);
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = rig.get(&format!("/api/v1/findings?sort={sort}&limit=2{cursor}")).await.json();
            seen.extend(rules(&page));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, whole, "{sort}");
    }
    let page = rig.get("/api/v1/findings?sort=severity&limit=1").await.json();
    assert_eq!(rules(&page), ["CVE-2024-0001"]);
    let cursor = page["next"].as_str().unwrap();
    rig.get(&format!("/api/v1/findings?sort=package&cursor={cursor}")).await.problem(400, "invalid-cursor");
    rig.get(&format!("/api/v1/scans?cursor={cursor}")).await.problem(400, "invalid-cursor");
}

#[tokio::test]
async fn facets_count_what_each_choice_would_give() {
    let rig = rig().await;
    let facets = rig.get("/api/v1/findings/facets?severity=high&suppressed=false").await.json();
    assert_eq!((&facets["matching"], &facets["capped"]), (&json!(2), &json!(false)));
    let count = |facet: &str, value: &str| {
        let values = facets[facet].as_array().unwrap();
        values.iter().find(|one| one["value"] == value).map_or(0, |one| one["count"].as_u64().unwrap())
    };
    assert_eq!((count("severity", "critical"), count("severity", "high")), (1, 2));
    assert_eq!((count("package", "openssl"), count("package", "bash")), (1, 0));
    assert_eq!((count("kev", "true"), count("kev", "false")), (0, 2));
    assert_eq!(count("asset", IMAGE), 2);
    assert_eq!(facets["asset"][0]["label"], "registry.example/app:1");
}

#[tokio::test]
async fn groups_say_what_one_act_mends() {
    let rig = rig().await;
    let groups = rig.get("/api/v1/findings/groups?state=open&suppressed=false").await.json();
    assert_eq!(groups["capped"], false);
    let openssl =
        groups["items"].as_array().unwrap().iter().find(|group| group["value"] == "openssl").unwrap();
    assert_eq!((&openssl["count"], &openssl["assets"], &openssl["kev"]), (&json!(2), &json!(1), &json!(1)));
    let list = rig.get("/api/v1/findings?state=open&suppressed=false&package=openssl&sort=risk").await.json();
    let risks: Vec<u64> =
        list["items"].as_array().unwrap().iter().map(|row| row["risk"].as_u64().unwrap()).collect();
    assert!(risks.is_sorted_by(|a, b| a >= b));
    assert_eq!(
        (openssl["risk"].as_u64(), openssl["risk_total"].as_u64()),
        (risks.first().copied(), Some(risks.iter().sum()))
    );
    let assets = rig.get("/api/v1/findings/groups?by=asset").await.json();
    assert_eq!(assets["items"][0]["label"], "registry.example/app:1");
    rig.get("/api/v1/findings/groups?by=mood").await.problem(400, "invalid-parameter");
    rig.get("/api/v1/findings?risk_min=101").await.problem(400, "invalid-parameter");
}

#[tokio::test]
async fn a_finding_tells_everything_and_why() {
    let rig = rig().await;
    let row = rig.get("/api/v1/findings?limit=1").await.json()["items"][0].clone();
    let fingerprint = row["fingerprint"].as_str().unwrap();
    let detail = rig.get(&format!("/api/v1/findings/{fingerprint}")).await.json();
    for (name, value) in row.as_object().unwrap() {
        assert_eq!(&detail[name], value, "{name}");
    }
    assert_eq!(row["kev"], true);
    assert_eq!(detail["kev_detail"]["added"], "2024-05-01");
    assert_eq!(detail["history"][0]["transition"], "opened");
    assert_eq!(detail["evidence"][0]["path"], "var/lib/dpkg/status");
    let risk = |name: &str| {
        let terms = detail["risk_terms"].as_array().unwrap();
        terms.iter().find(|term| term["name"] == name).unwrap()["value"].as_f64().unwrap()
    };
    let place = 70.0 + risk("exposure") + risk("in-use") + risk("privilege");
    let score = risk("impact") * risk("exploitation") / 100.0 * risk("remedy") / 100.0 * place / 100.0;
    assert_eq!(detail["risk"].as_f64().unwrap(), score.round());
    assert!(detail["risk_origin"].is_null(), "no scan of a cluster has told where it runs");
    let why = &detail["why"];
    assert_eq!(why["scan"], detail["history"][0]["scan"]);
    assert_eq!(why["plugins"][0]["plugin"], "palisade.image-packages");
    assert_eq!(why["advisories"]["source"], "sample");
    let steps: Vec<&str> =
        why["steps"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    assert_eq!(
        steps[1..],
        [
            "Its files were read in the sandbox by palisade.image-packages 0.1.0.",
            "They show the deb package openssl in version 1.0-1, by var/lib/dpkg/status.",
            "It was built from the source package src-openssl, which advisories name.",
            "Record DEBIAN-CVE-2024-0001 of Debian:12: 1.0-1 is lower than 1.0-2.",
            "The severity critical comes from GHSA CVSS 3.1.",
            "It is in the catalogue of known exploited vulnerabilities since 2024-05-01.",
            "Version 1.0-2 is without it.",
        ]
    );
    rig.get("/api/v1/findings/0000").await.problem(404, "finding-not-found");
}

#[tokio::test]
async fn images_are_listed_shown_and_opened() {
    let rig = rig().await;
    let row = rig.get("/api/v1/images?q=REGISTRY.example").await.json()["items"][0].clone();
    assert_eq!((&row["id"], &row["name"]), (&json!(IMAGE), &json!("registry.example/app:1")));
    assert_eq!(
        (&row["packages"], &row["findings"]["critical"], &row["gaps"]),
        (&json!(4), &json!(1), &json!(1))
    );
    assert_eq!(rig.get("/api/v1/images?q=nothing").await.json()["items"], json!([]));

    let detail = rig.get(&format!("/api/v1/images/{IMAGE}")).await.json();
    assert_eq!(detail["coverage"]["gaps"][0]["code"], "size-limit");
    assert_eq!(detail["scans"].as_array().unwrap().len(), 1);
    rig.get("/api/v1/images/sha256:bb").await.problem(404, "image-not-found");

    let packages = rig.get(&format!("/api/v1/images/{IMAGE}/packages?limit=3")).await.json();
    assert_eq!(packages["items"].as_array().unwrap().len(), 3);
    let next = packages["next"].as_str().unwrap();
    let rest = rig.get(&format!("/api/v1/images/{IMAGE}/packages?limit=3&cursor={next}")).await.json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    let found = rig.get(&format!("/api/v1/images/{IMAGE}/packages?q=zli")).await.json();
    assert_eq!(found["items"][0]["name"], "zlib");
    rig.get("/api/v1/images/sha256:bb/packages").await.problem(404, "image-not-found");
}

#[tokio::test]
async fn the_first_page_agrees_with_the_lists() {
    let rig = rig().await;
    content::submit(&rig.store, &rig.tenant(), "waiting:1").await;
    let overview = rig.get("/api/v1/overview").await.json();
    let by_severity = &overview["findings_by_severity"];
    assert_eq!(
        (&by_severity["critical"], &by_severity["high"], &by_severity["unknown"]),
        (&json!(1), &json!(2), &json!(0))
    );
    assert_eq!((&overview["kev_open"], &overview["fixable_open"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&overview["images"], &overview["packages"], &overview["gaps"]),
        (&json!(1), &json!(4), &json!(1))
    );
    assert_eq!(overview["scans_running"], 1);
    assert_eq!(overview["newest"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn decisions_about_plugins_are_carried_out_or_refused_with_the_reason() {
    let rig = Rig::new().await;
    let digest = format!("sha256:{}", "22".repeat(32));
    let post = async |path: &str, body: &str| {
        let headers = [("authorization", rig.bearer()), ("content-type", "application/json".to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        rig.send(Method::POST, &format!("/api/v1/plugins/{path}"), &headers, Some(body)).await
    };
    let one = format!("{{\"digest\":\"{digest}\"}}");
    let approved = format!("{{\"digest\":\"{digest}\",\"rights\":[\"advisories\"]}}");
    for (path, body) in
        [("approve", approved.as_str()), ("activate", &one), ("retire", &one), ("release", "")]
    {
        let answer = post(&format!("a.first/{path}"), body).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}");
        post(&format!("a.none/{path}"), body).await.problem(404, "plugin-not-found");
    }
    post("a.first/promote", "").await.problem(409, "plugin-decision-refused");
    let nothing = format!("{{\"digest\":\"{digest}\",\"rights\":[]}}");
    post("a.first/approve", &nothing).await.problem(409, "plugin-decision-refused");
    post("a.first/retire", "{\"digest\":\"latest\"}").await.problem(422, "invalid-body");
    post("a.first/retire", "{}").await.problem(422, "invalid-body");
}

#[tokio::test]
async fn plugins_and_advisories_come_from_the_running_process() {
    let rig = Rig::new().await;
    let plugins = rig.get("/api/v1/plugins").await.json();
    let ids: Vec<&str> =
        plugins["items"].as_array().unwrap().iter().map(|plugin| plugin["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a.first", "z.second"]);
    assert_eq!(rig.get("/api/v1/plugins/a.first").await.json(), plugins["items"][0]);
    rig.get("/api/v1/plugins/none").await.problem(404, "plugin-not-found");
    let advisories = rig.get("/api/v1/advisories").await.json();
    assert_eq!((&advisories["loaded"], &advisories["ecosystems"]), (&json!(false), &json!([])));
    assert_eq!(rig.get("/api/v1/version").await.json(), json!({ "version": "0.1.0-test", "api": "v1" }));
}
