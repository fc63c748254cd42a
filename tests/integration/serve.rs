//! The service: from an accepted request to a stored finding, over both pairs of backends.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Api, Backends, Data, Server, fixture};

fn on_every_pair(test: impl Fn(&mut Server)) {
    for backends in [Some(Backends::Embedded), Backends::servers()].into_iter().flatten() {
        let data = Data::with_sample();
        let mut server = Server::prepare(&data, &backends, "");
        server.start();
        test(&mut server);
    }
}

fn rootfs() -> String {
    fixture("rootfs").canonicalize().unwrap().display().to_string()
}

fn rules(api: &Api, query: &str) -> Vec<String> {
    let rows = api.all(&format!("/api/v1/findings?{query}"));
    rows.iter().map(|row| row["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_submitted_scan_becomes_findings_that_explain_themselves() {
    on_every_pair(|server| {
        let api = server.api();
        let scan = api.scan("directory", &rootfs());
        assert_eq!(scan["state"], "finished", "{scan}\n{}", server.log());
        let total = api.all("/api/v1/findings").len() as u64;
        assert!(total > 20, "{total}");
        let row = &api.all("/api/v1/findings?rule=CVE-2021-44228")[0];
        let detail = api.get(&format!("/api/v1/findings/{}", row["fingerprint"].as_str().unwrap()));
        assert_eq!(detail["severity"], "critical");
        assert_eq!(detail["evidence"][0]["path"], "srv/api/app.jar");
        assert_eq!(detail["history"][0]["transition"], "opened");
        assert!(!detail["why"]["plugins"].as_array().unwrap().is_empty());
        // Facets count what the list lists.
        let facets = api.get("/api/v1/findings/facets");
        let counted: u64 =
            facets["severity"].as_array().unwrap().iter().map(|f| f["count"].as_u64().unwrap()).sum();
        assert_eq!(counted, total);
        let critical = rules(api, "severity=critical");
        let facet = facets["severity"].as_array().unwrap().iter().find(|f| f["value"] == "critical").unwrap();
        assert_eq!(facet["count"].as_u64().unwrap(), critical.len() as u64);
    });
}

#[test]
fn a_rescan_fixes_what_is_gone_and_reopens_what_is_back() {
    on_every_pair(|server| {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let package = root.join("srv/node_modules/minimist/package.json");
        std::fs::create_dir_all(package.parent().unwrap()).unwrap();
        let install = |version: &str| {
            std::fs::write(&package, format!("{{\"name\":\"minimist\",\"version\":\"{version}\"}}")).unwrap();
        };
        let api = server.api();
        let scan = || api.scan("directory", root.to_str().unwrap());
        install("1.2.0");
        let opened = scan()["summary"]["opened"].as_u64().unwrap();
        assert!(opened > 0);
        install("1.2.8");
        assert_eq!(scan()["summary"]["fixed"].as_u64().unwrap(), opened);
        assert!(rules(api, "state=open").is_empty());
        install("1.2.0");
        assert_eq!(scan()["summary"]["reopened"].as_u64().unwrap(), opened);
        let row = &api.all("/api/v1/findings?state=open")[0];
        let detail = api.get(&format!("/api/v1/findings/{}", row["fingerprint"].as_str().unwrap()));
        let steps: Vec<&str> =
            detail["history"].as_array().unwrap().iter().map(|e| e["transition"].as_str().unwrap()).collect();
        let mut sorted = steps.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, ["fixed", "opened", "reopened"], "{steps:?}");
    });
}

/// Asks until it is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn what_people_say_of_findings_is_kept_done_at_once_for_many_and_ends_in_time() {
    on_every_pair(|server| {
        let api = server.api();
        api.scan("directory", &rootfs());
        let log4shell = api.all("/api/v1/findings?rule=CVE-2021-44228")[0].clone();
        let path = format!("/api/v1/findings/{}", log4shell["fingerprint"].as_str().unwrap());
        let critical = || api.get("/api/v1/overview")["findings_by_severity"]["critical"].as_u64().unwrap();
        let before = critical();
        let until_then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
        let accepted = json!({ "status": "accepted", "reason": "behind a filter", "owner": "ann", "approver": "bob",
            "until": until_then.to_string() });
        assert_eq!(api.patch(&path, &accepted)["status"], "accepted");
        assert_eq!(critical(), before - 1);
        // Another scan sees it, and it still does not count.
        api.scan("directory", &rootfs());
        assert_eq!(critical(), before - 1);
        until("its time ends", || api.get(&path)["status"] == "open");
        assert_eq!(critical(), before);
        let history = api.get(&path)["history"].clone();
        let last = history.as_array().unwrap().last().unwrap();
        assert_eq!(
            (last["actor"].as_str(), last["transition"].as_str()),
            (Some("palisade"), Some("commented"))
        );

        let ask = json!({ "filter": { "state": ["open"] }, "change": { "status": "acknowledged", "add_tags": ["wave-1"] } });
        let total = api.all("/api/v1/findings?state=open").len();
        let job = api.post("/api/v1/finding-changes", &ask);
        assert_eq!((job.status, job.body["matched"].as_u64()), (202, Some(total as u64)), "{}", job.body);
        let job = format!("/api/v1/finding-changes/{}", job.body["id"].as_str().unwrap());
        until("all are changed", || api.get(&job)["state"] == "finished");
        assert_eq!(api.all("/api/v1/findings?tag=wave-1&status=acknowledged").len(), total);
        let undo = api.post(&format!("{job}/undo"), &json!({}));
        assert_eq!(undo.status, 202, "{}", undo.body);
        until("all is as it was", || api.all("/api/v1/findings?tag=wave-1").is_empty());
    });
}

#[test]
fn nothing_answers_without_a_token() {
    let data = Data::with_sample();
    let server = Server::embedded(&data);
    let stranger = server.api().with_token("pal_nobody");
    for path in ["findings", "scans", "images", "plugins", "advisories", "overview"] {
        assert_eq!(stranger.try_get(&format!("/api/v1/{path}")).unwrap().status, 401, "{path}");
    }
    assert_eq!(stranger.try_get("/livez").unwrap().status, 200);
    let token = std::fs::read_to_string(data.path().join("token")).unwrap();
    assert!(token.trim().starts_with("pal_"));
    assert!(!server.log().contains(token.trim()), "the token is printed for a person, never logged");
}

#[test]
fn a_scan_that_cannot_be_made_says_why_and_the_service_goes_on() {
    let data = Data::with_sample();
    let mut server = Server::embedded(&data);
    let failed = server.api().scan("image", "127.0.0.1:1/no/such:tag");
    assert_eq!(failed["state"], "failed");
    assert!(!failed["error"]["code"].as_str().unwrap().is_empty(), "{failed}");
    let scan = server.api().scan("directory", &rootfs());
    assert_eq!(scan["state"], "finished");
    server.stop();
}

#[test]
fn a_restart_keeps_everything() {
    on_every_pair(|server| {
        server.api().scan("directory", &rootfs());
        let before = rules(server.api(), "");
        server.stop();
        server.start();
        assert_eq!(rules(server.api(), ""), before);
        let plugins: Value = server.api().get("/api/v1/plugins");
        let ids: Vec<&str> = plugins["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|plugin| plugin["id"].as_str().unwrap())
            .collect();
        assert_eq!(
            ids,
            [
                "palisade.cloud-aws",
                "palisade.cloud-posture",
                "palisade.compliance",
                "palisade.dockerfile-posture",
                "palisade.github",
                "palisade.gitlab",
                "palisade.image-packages",
                "palisade.jira",
                "palisade.kube-posture",
                "palisade.redmine",
                "palisade.servicenow",
                "palisade.slack"
            ]
        );
    });
}

#[test]
fn a_service_that_is_told_to_stop_as_soon_as_it_serves_ends_in_order() {
    let data = Data::empty();
    let mut server = Server::prepare(&data, &Backends::Embedded, "");
    for _ in 0..8 {
        server.start();
        server.stop();
    }
}

#[test]
fn tokens_are_made_and_revoked_beside_a_running_service() {
    on_every_pair(|server| {
        let made = ["token", "create", "ci", "--role", "viewer", "--expires", "90d"];
        let token = server.manage(&made).expect_code(0).stdout;
        let api = server.api().with_token(token.trim());
        assert_eq!(api.try_get("/api/v1/scans").unwrap().status, 200);
        let denied = api.post("/api/v1/scans", &json!({ "kind": "image", "reference": "alpine" }));
        assert_eq!((denied.status, &denied.body["code"]), (403, &json!("forbidden")), "{}", denied.body);
        assert!(denied.body["detail"].as_str().unwrap().contains("`scans:write`"), "{}", denied.body);
        assert!(server.manage(&["token", "create", "ci"]).expect_code(2).stderr.contains("token-name-taken"));
        let list = server.manage(&["token", "list"]).expect_code(0).stdout;
        assert!(list.contains("ci  role:viewer  made") && list.contains("bootstrap  role:admin"), "{list}");
        assert!(!list.contains(token.trim()));
        server.manage(&["token", "revoke", "ci"]).expect_code(0);
        assert_eq!(api.try_get("/api/v1/scans").unwrap().status, 401);
        server.manage(&["token", "revoke", "ci"]).expect_code(2);
    });
}

#[test]
fn findings_are_listed_changed_and_exported_beside_a_running_service() {
    on_every_pair(|server| {
        let api = server.api();
        api.scan("directory", &rootfs());
        let run =
            |arguments: &[&str]| server.manage(&[&["findings"], arguments].concat()).expect_code(0).stdout;
        let filter = "severity:critical package:log4j-core or rule:CVE-2021-44228";
        let list = run(&["list", "--filter", filter]);
        assert!(list.contains("CVE-2021-44228") && list.contains("critical"), "{list}");
        let count: usize = list.lines().last().unwrap().split(' ').next().unwrap().parse().unwrap();
        assert_eq!(list.lines().count(), count + 1, "{list}");
        let set = ["set", "--filter", filter, "--status", "in-progress", "--assign", "dan", "--by", "ann"];
        let tried = run(&[set.as_slice(), &["--dry-run"]].concat());
        assert_eq!(tried, format!("{count} findings would be changed\n"));
        let changed = run(&set);
        assert!(changed.starts_with(&format!("{count} findings were changed")), "{changed}");
        assert_eq!(api.all("/api/v1/findings?status=in-progress&assignee=dan").len(), count);
        let id = changed.split("undo ").nth(1).unwrap().split('`').next().unwrap();
        let undone = run(&["undo", id]);
        assert!(undone.starts_with(&format!("{count} findings are as they were")), "{undone}");

        let fingerprint = list.split(' ').next().unwrap();
        let refused =
            ["findings", "set", fingerprint, "--status", "accepted", "--reason", "x", "--owner", "ann"];
        let refused = server.manage(&refused).expect_code(2).stderr;
        assert!(refused.contains("Name who has agreed"), "{refused}");
        let none = ["set", fingerprint, "--status", "false-positive", "--reason", "not built", "--by", "ann"];
        assert_eq!(run(&none), format!("{fingerprint}: false-positive\n"));
        let shown: Value = serde_json::from_str(&run(&["show", fingerprint])).unwrap();
        assert_eq!(shown["decision"]["by"], "ann");
        let vex: Value =
            serde_json::from_str(&run(&["export", "--format", "openvex", "--filter", filter])).unwrap();
        assert_eq!(vex["statements"].as_array().unwrap().len(), count);
        assert!(
            vex["statements"].as_array().unwrap().iter().any(|one| one["impact_statement"] == "not built")
        );
        let wrong = server.manage(&["findings", "list", "--filter", "colour:red"]).expect_code(2).stderr;
        assert!(wrong.contains("at character 1 of the filter"), "{wrong}");
    });
}
