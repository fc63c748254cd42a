//! Reports of other tools beside our own scans, through the whole service and on the command line.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Api, Backends, Data, Server, fixture};

/// What Trivy would say of a package of a file system.
fn trivy(package: &Value, path: &str, rules: &[&str]) -> String {
    let vulnerability = |rule: &&str| {
        json!({
            "VulnerabilityID": rule, "PkgName": package["name"], "PkgPath": path, "InstalledVersion": package["version"],
            "PkgIdentifier": { "PURL": package["purl"] }, "Status": "affected", "Severity": "LOW", "Title": format!("{rule} by Trivy"),
        })
    };
    let vulnerabilities: Vec<Value> = rules.iter().map(vulnerability).collect();
    json!({
        "SchemaVersion": 2, "ArtifactName": "/srv", "ArtifactType": "filesystem",
        "Results": [{ "Target": path, "Class": "lang-pkgs", "Type": "jar", "Vulnerabilities": vulnerabilities }],
    })
    .to_string()
}

fn over(api: &Api, id: &Value) -> Value {
    let path = format!("/api/v1/imports/{}", id.as_str().unwrap());
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let import = api.get(&path);
        if !["queued", "running"].contains(&import["state"].as_str().unwrap()) {
            return import;
        }
        assert!(Instant::now() < deadline, "{import}");
        std::thread::yield_now();
    }
}

/// The figures of the only target: new, as before, gone, found by others still.
fn figures(import: &Value) -> [u64; 4] {
    assert_eq!(import["state"], "finished", "{import}");
    let summary = &import["outcome"]["targets"][0]["summary"];
    ["opened", "unchanged", "fixed", "elsewhere"].map(|name| summary[name].as_u64().unwrap())
}

#[test]
fn a_report_joins_what_our_scans_find_and_closes_only_what_is_its_own() {
    for backends in [Some(Backends::Embedded), Backends::servers()].into_iter().flatten() {
        let data = Data::with_sample();
        let mut server = Server::prepare(&data, &backends, "");
        server.start();
        joins_and_closes(&mut server);
    }
}

fn joins_and_closes(server: &mut Server) {
    let api = server.api().clone();
    api.scan("directory", fixture("rootfs").canonicalize().unwrap().to_str().unwrap());
    let row = api.all("/api/v1/findings?rule=CVE-2021-44228")[0].clone();
    assert_eq!(row["found_by"], json!(["palisade"]));
    let detail = api.get(&format!("/api/v1/findings/{}", row["fingerprint"].as_str().unwrap()));
    let (package, path) = (&detail["package"], detail["evidence"][0]["path"].as_str().unwrap());
    let to = format!("/api/v1/imports?source=trivy&asset={}", row["asset"]["id"].as_str().unwrap());
    let all = || api.all("/api/v1/findings?state=open").len();
    let before = all();

    let both = trivy(package, path, &["CVE-2021-44228", "CVE-2099-1"]);
    let tried = api.post_bytes(&format!("{to}&dry_run=true"), both.as_bytes());
    assert_eq!(
        (tried.status, &tried.body["targets"][0]["summary"]["opened"]),
        (200, &json!(1)),
        "{}",
        tried.body
    );
    assert_eq!(all(), before);
    let sent = api.post_bytes(&to, both.as_bytes());
    assert_eq!(sent.status, 202, "{}", sent.body);
    assert_eq!(figures(&over(&api, &sent.body["id"])), [1, 1, 0, 0], "one is known, and one is new");
    let known = api.get(&format!("/api/v1/findings/{}", row["fingerprint"].as_str().unwrap()));
    assert_eq!(known["found_by"], json!(["palisade", "trivy"]));
    assert_eq!(known["severity"], "critical", "our own word is kept");
    let mut found: Vec<Value> =
        api.all("/api/v1/findings?found_by=trivy").iter().map(|row| row["rule"].clone()).collect();
    found.sort_by_key(Value::to_string);
    assert_eq!(found, [json!("CVE-2021-44228"), json!("CVE-2099-1")]);
    assert_eq!(api.all("/api/v1/findings?filter=found_by:trivy%20not%20found_by:palisade").len(), 1);

    // A scan of our own closes nothing of it, whoever dies on the way merges nothing twice, and the same again is the same.
    api.scan("directory", fixture("rootfs").canonicalize().unwrap().to_str().unwrap());
    assert_eq!(all(), before + 1);
    let again = api.post_bytes(&to, both.as_bytes());
    server.kill();
    server.start();
    let api = server.api().clone();
    assert_eq!(figures(&over(&api, &again.body["id"])), [0, 2, 0, 0]);
    let gone = api.post_bytes(&to, trivy(package, path, &[]).as_bytes());
    assert_eq!(figures(&over(&api, &gone.body["id"])), [0, 0, 1, 1]);
    assert_eq!(api.all("/api/v1/findings?state=open").len(), before);
    assert_eq!(api.all("/api/v1/findings?rule=CVE-2099-1&state=fixed").len(), 1);
}

#[test]
fn what_is_exported_is_the_same_when_it_is_read_again() {
    let data = Data::with_sample();
    let server = Server::embedded(&data);
    let api = server.api();
    api.scan("directory", fixture("rootfs").canonicalize().unwrap().to_str().unwrap());
    let found = api.all("/api/v1/findings?state=open");
    assert!(found.len() > 10, "{}", found.len());
    let asset = found[0]["asset"]["id"].as_str().unwrap();
    for form in ["ocsf", "cyclonedx"] {
        let exported =
            api.download(&format!("/api/v1/findings/export?format={form}&asset={asset}&state=open"));
        let query = format!("source=copy-{form}&asset={asset}&dry_run=true");
        let tried = api.post_bytes(&format!("/api/v1/imports?{query}"), exported.as_bytes());
        assert_eq!(tried.status, 200, "{}", tried.body);
        let summary = &tried.body["targets"][0]["summary"];
        let all = json!(found.len());
        assert_eq!((&summary["opened"], &summary["unchanged"]), (&json!(0), &all), "{form}: {}", tried.body);
    }
}

/// An image's check in OCSF, by the name that it was pulled with.
fn control(name: &str, control: &str) -> Value {
    json!({
        "class_uid": 2003, "activity_id": 1, "severity_id": 3, "time": 1_760_000_000_000_i64,
        "metadata": { "version": "1.3.0", "product": { "name": "checker" } },
        "finding_info": { "uid": control, "title": control },
        "compliance": { "control": control, "status": "Fail", "status_id": 3 },
        "resources": [{ "name": name, "uid": format!("sha256:{}", "a".repeat(64)), "data": { "palisade_asset": "image" } }],
    })
}

#[test]
fn two_names_of_one_asset_are_one_part_of_a_report() {
    let data = Data::empty();
    let server = Server::embedded(&data);
    let api = server.api();
    let report = json!([control("shop/web:1", "CIS-1"), control("shop/web:latest", "CIS-2")]).to_string();
    for expected in [[2, 0, 0, 0], [0, 2, 0, 0]] {
        let sent = api.post_bytes("/api/v1/imports?source=checker", report.as_bytes());
        assert_eq!(sent.status, 202, "{}", sent.body);
        let import = over(api, &sent.body["id"]);
        assert_eq!(import["outcome"]["targets"].as_array().unwrap().len(), 1, "{import}");
        assert_eq!(figures(&import), expected);
    }
    let of_one = api.all("/api/v1/findings?filter=found_by:checker");
    let detail = api.get(&format!("/api/v1/findings/{}", of_one[0]["fingerprint"].as_str().unwrap()));
    let said = detail["why"]["steps"][0].as_str().unwrap();
    assert!(said.starts_with("It stands in reports of checker about the image"), "{said}");
}

#[test]
fn a_report_that_nobody_can_read_or_place_is_refused_with_the_reason() {
    let data = Data::with_sample();
    let server = Server::embedded(&data);
    let api = server.api();
    for (query, body, why) in [
        ("source=x", "{", "exchange-malformed"),
        ("source=x", "{\"a\":1}", "exchange-format-unknown"),
        ("source=x&format=sarif", "{\"SchemaVersion\":2,\"Results\":[]}", "exchange-format-mismatch"),
        ("source=x", "{\"SchemaVersion\":2,\"ArtifactName\":\"a\"}", "say kind and target"),
        (
            "source=x&kind=repository&target=TOO-LONG",
            "{\"SchemaVersion\":2,\"ArtifactName\":\"a\"}",
            "longer than an id may be",
        ),
        ("source=x&asset=nothing", "{\"SchemaVersion\":2,\"ArtifactName\":\"a\"}", "no asset is called"),
    ] {
        let query = query.replace("TOO-LONG", &"r".repeat(1024));
        let refused = api.post_bytes(&format!("/api/v1/imports?{query}"), body.as_bytes());
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (422, &json!("import-refused")),
            "{}",
            refused.body
        );
        assert!(refused.body["detail"].as_str().unwrap().contains(why), "{why}: {}", refused.body);
    }
    assert!(api.all("/api/v1/imports").is_empty());
}

#[test]
fn the_command_line_imports_as_the_service_does() {
    let data = Data::empty();
    let report = crate::support::root().join("platform/exchange/fixtures/grype-json/image.json");
    let report = report.to_str().unwrap();
    let first = data.run(&["import", report, "--source", "grype"]).expect_code(0).stdout;
    assert!(first.contains("image registry.example/shop/web:1.4: 4 new"), "{first}");
    let same = data.run(&["import", report, "--source", "grype", "--strict"]).expect_code(3).stdout;
    assert!(same.contains("0 new, 0 back, 0 changed, 4 as before"), "{same}");
    let listed = data.run(&["findings", "list", "--filter", "found_by:grype"]).expect_code(0).stdout;
    assert!(listed.contains("4 findings"), "{listed}");
    let refused = data.run(&["import", report, "--source", "grype", "--format", "sarif"]).expect_code(2);
    assert!(refused.stderr.contains("palisade explain exchange-format-mismatch"), "{}", refused.stderr);
}
