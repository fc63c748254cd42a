//! Accounts of clouds by what was collected of them: judged, asked, and kept by a server, without a cloud.

use serde_json::{Value, json};

use crate::support::{Backends, Data, Server, fixture};

const ROLE: &str = "arn:aws:iam::123456789012:role/";
const USER: &str = "arn:aws:iam::123456789012:user/";
const WEB: &str = "arn:aws:ec2:eu-west-1:123456789012:instance/i-0a1";
const BASTION: &str = "arn:aws:ec2:eu-west-1:123456789012:instance/i-0b2";
const AT: &str = "2026-06-01T00:00:00Z";

fn collected() -> String {
    fixture("account").join("acme.json").display().to_string()
}

fn ask(words: &[&str]) -> Value {
    let file = collected();
    let words = [&["account"], words, &["--from", &file, "--format", "json"]].concat();
    Data::shared().run(&words).expect_code(0).json()
}

fn list<'a>(answer: &'a Value, key: &str) -> &'a Vec<Value> {
    answer[key].as_array().unwrap_or_else(|| panic!("no {key} in {answer}"))
}

fn exposed<'a>(answer: &'a Value, id: &str) -> &'a Value {
    let found = list(answer, "resources").iter().find(|one| one["resource"] == id);
    found.unwrap_or_else(|| panic!("{id} is not in {answer}"))
}

fn to<'a>(answer: &'a Value, source: &Value, goal: &str) -> Option<&'a Value> {
    list(answer, "paths").iter().find(|path| path["source"] == *source && path["goal"] == goal)
}

fn techniques(path: &Value) -> Vec<&str> {
    list(path, "steps").iter().map(|step| step["technique"].as_str().unwrap()).collect()
}

fn identity(arn: &str) -> Value {
    json!({ "kind": "identity", "arn": arn })
}

/// Of a holder: the decision, and the keys that it depends on.
fn holder<'a>(answer: &'a Value, principal: &Value) -> Option<&'a Value> {
    list(answer, "holders").iter().find(|one| one["principal"] == *principal).map(|one| &one["answer"])
}

/// What the graph of the fixture has to say, wherever it is asked.
fn exposure_is_right(answer: &Value) {
    let web = exposed(answer, WEB);
    assert_eq!((&web["verdict"], &web["entries"][0]["from_port"]), (&json!("open"), &json!(443)), "{web}");
    let group = json!("arn:aws:ec2:eu-west-1:123456789012:security-group/sg-web");
    assert!(list(&web["entries"][0], "rules").contains(&group), "{web}");
    assert_eq!(exposed(answer, BASTION)["verdict"], "filtered", "the office alone gets to it");
    assert_eq!(exposed(answer, "arn:aws:s3:::acme-pages")["verdict"], "open");
    let invoices =
        list(answer, "resources").iter().find(|one| one["resource"] == "arn:aws:s3:::acme-invoices");
    assert!(invoices.is_none_or(|one| one["verdict"] != "open"), "{invoices:?}");
}

fn paths_are_right(answer: &Value) {
    let internet = json!({ "kind": "internet" });
    let path = to(answer, &internet, "administrator").unwrap_or_else(|| panic!("no path in {answer}"));
    assert_eq!(techniques(path), ["exposed", "compute-role", "pass-role-to-lambda", "everything"], "{path}");
    assert_eq!(path["steps"][2]["to"], identity(&format!("{ROLE}deploy")));
    let pass = list(&path["steps"][2], "grants").iter().find(|grant| grant["sid"] == "PassDeploy");
    assert_eq!(pass.unwrap()["inline"], "deploy-functions", "{path}");
    // Ann may become deploy from the office alone, and Bob may become Ann.
    let ann = to(answer, &identity(&format!("{USER}ann")), "administrator").unwrap();
    assert_eq!(ann["certainty"], "possible", "{ann}");
    let bob = to(answer, &identity(&format!("{USER}bob")), "administrator").unwrap();
    assert_eq!(techniques(bob)[0], "create-access-key", "{bob}");
    assert!(to(answer, &identity(&format!("{USER}eve")), "administrator").is_none(), "{answer}");
    assert!(to(answer, &internet, "public-data").is_some(), "{answer}");
    // Everybody but who assumes it directly goes over one step: that which passes the role is a choke point.
    assert!(list(answer, "choke_points").iter().any(|point| point["cuts"].as_u64() > Some(0)), "{answer}");
}

fn who_can_is_right(answer: &Value) {
    let web = holder(answer, &identity(&format!("{ROLE}web"))).unwrap();
    assert_eq!(web["decision"], "possible", "{web}");
    assert_eq!(web["proofs"][0]["conditions"], json!(["aws:sourcevpce"]), "{web}");
    assert_eq!(web["proofs"][0]["sid"], "FromTheNetwork");
    let accountant = holder(answer, &json!({ "kind": "account", "account": "999999999999" })).unwrap();
    assert_eq!(accountant["decision"], "allowed", "{accountant}");
    let deploy = holder(answer, &identity(&format!("{ROLE}deploy"))).unwrap();
    assert_eq!(deploy["proofs"][0]["policy"], "arn:aws:iam::aws:policy/AdministratorAccess", "{deploy}");
    assert!(holder(answer, &identity(&format!("{USER}eve"))).is_none(), "{answer}");
}

fn unused_is_right(answer: &Value) {
    let told: Vec<(&str, &str, bool)> = list(answer, "items")
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap();
            (text("identity"), text("kind"), one["privileged"].as_bool().unwrap())
        })
        .collect();
    let (auditor, bob, eve) = (format!("{ROLE}auditor"), format!("{USER}bob"), format!("{USER}eve"));
    assert_eq!(told, [(&*auditor, "role", true), (&bob, "user", false), (&eve, "access-key", false)]);
}

fn tells_what_it_does_not_know(answer: &Value) {
    let told = list(answer, "unknown");
    for text in ["service control policies", "ec2:DescribeInstances was denied"] {
        assert!(told.iter().any(|line| line.as_str().unwrap().contains(text)), "{text}: {told:?}");
    }
}

#[test]
fn the_graph_of_an_account_says_what_is_exposed_who_can_become_whom_and_what_is_unused() {
    let answers = [
        ask(&["exposure"]),
        ask(&["paths"]),
        ask(&["who-can", "s3:GetObject", "arn:aws:s3:::acme-invoices/2026"]),
        ask(&["unused", "--at", AT]),
    ];
    let checks: [fn(&Value); 4] = [exposure_is_right, paths_are_right, who_can_is_right, unused_is_right];
    for (answer, check) in answers.iter().zip(checks) {
        tells_what_it_does_not_know(answer);
        check(answer);
    }
    let outside = ask(&["attack-paths", "--outside", "--goal", "public-data"]);
    assert!(list(&outside, "paths").iter().all(|path| path["goal"] == "public-data"), "{outside}");
    assert!(outside["sources"].as_u64() < answers[1]["sources"].as_u64());
    let one = ask(&["paths", "--source", &format!("{USER}eve")]);
    assert_eq!((&one["paths"], &one["sources"]), (&json!([]), &json!(1)));
    // Tables say the same in words.
    let file = collected();
    let table = Data::shared().run(&["account", "paths", "--from", &file]).expect_code(0).stdout;
    assert!(table.contains("statement 2 (PassDeploy)"), "{table}");
    let words = ["account", "who-can", "s3:GetObject", "arn:aws:s3:::acme-invoices/2026", "--from", &file];
    let table = Data::shared().run(&words).expect_code(0).stdout;
    assert!(table.contains("depending on aws:sourcevpce"), "{table}");
}

#[test]
fn a_collected_account_is_judged_as_one_that_is_collected_now() {
    let file = collected();
    let words = ["scan", "account", "--from", &file, "--format", "json"];
    let report = Data::shared().run(&words).expect_code(0).json();
    let has = |rule: &str, path: &str| {
        let findings = report["findings"].as_array().unwrap().iter();
        findings.into_iter().any(|one| {
            one["rule"].as_str().unwrap().ends_with(rule) && one["evidence"][0]["path"].as_str() == Some(path)
        })
    };
    assert!(has("/ec2-imds-v2", WEB) && !has("/ec2-imds-v2", BASTION), "{report}");
    let gaps = report["coverage"]["gaps"].as_array().unwrap();
    assert!(gaps.iter().any(|gap| gap["subject"] == "eu-central-1"), "{gaps:?}");
    Data::shared().run(&["scan", "account", "--from", &file, "--strict"]).expect_code(3);
}

#[test]
fn what_is_no_collection_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("odd.json");
    for text in ["", "[]", "{\"palisade_collection\":9,\"resources\":[]}", "no JSON"] {
        std::fs::write(&file, text).unwrap();
        for words in [["scan", "account"], ["account", "exposure"]] {
            let words = [words.as_slice(), &["--from", file.to_str().unwrap()]].concat();
            let ran = Data::shared().run(&words).expect_code(2);
            assert!(ran.stderr.contains("collection-unreadable"), "{text}: {}", ran.stderr);
        }
    }
    let ran = Data::shared().run(&["account", "exposure", "nobody"]).expect_code(2);
    assert!(ran.stderr.contains("[accounts.nobody]"), "{}", ran.stderr);
    Data::shared().run(&["account", "exposure"]).expect_code(2);
}

#[test]
fn a_server_answers_about_an_account_as_the_command_line_does() {
    let data = Data::empty();
    let mut server = Server::prepare(&data, &Backends::Embedded, "");
    server.start();
    let path = fixture("account").join("acme.json").canonicalize().unwrap().display().to_string();
    let scan = server.api().scan("account", &path);
    assert_eq!(
        (&scan["state"], &scan["asset"]),
        (&json!("finished"), &json!("account:123456789012")),
        "{scan}"
    );
    let at = "/api/v1/accounts/account:123456789012";
    let get = |rest: &str| server.api().get(&format!("{at}/{rest}"));
    let (exposure, paths) = (get("exposure?limit=500"), get("attack-paths?limit=500"));
    let who = get("who-can?action=s3:GetObject&resource=arn:aws:s3:::acme-invoices/2026");
    exposure_is_right(&exposure);
    paths_are_right(&paths);
    who_can_is_right(&who);
    for answer in [&exposure, &paths, &who] {
        tells_what_it_does_not_know(answer);
    }
    assert_eq!(list(&paths, "administrators")[0]["arn"], format!("{ROLE}deploy"));
    // Shown are as many as were asked for, counted are all.
    let short = get("attack-paths?limit=1");
    assert_eq!((list(&short, "paths").len(), &short["total"]), (1, &paths["total"]));
    let outside = get("attack-paths?from=outside&goal=administrator&limit=500");
    assert!(list(&outside, "paths").iter().all(|path| path["source"]["kind"] != "identity"), "{outside}");
    let bob = get(&format!("attack-paths?source={USER}bob&limit=500"));
    assert!(list(&bob, "paths").iter().all(|path| path["source"] == identity(&format!("{USER}bob"))));
    assert_eq!(bob["sources"], 1);
    // Days are counted up to the scan, which is now.
    let unused = get("unused-rights?days=400");
    assert!(list(&unused, "items").iter().any(|one| one["identity"] == format!("{ROLE}auditor")), "{unused}");
    // What a drawing names is in the inventory, with its name, and joined to others.
    let id = format!("{ROLE}web").replace('/', "%2F");
    let web = server.api().get(&format!("/api/v1/inventory/{id}"));
    assert_eq!((&web["name"], &web["namespace"]), (&json!("web"), &json!("global")), "{web}");
    assert!(!list(&web, "neighbours").is_empty(), "{web}");
    // What is asked wrongly is refused by name.
    for (path, status, code) in [
        ("/api/v1/accounts/account:nobody/exposure".to_owned(), 404, "account-not-found"),
        ("/api/v1/accounts/k8s:nobody/exposure".to_owned(), 404, "account-not-found"),
        ("/api/v1/clusters/account:123456789012/exposure".to_owned(), 404, "cluster-not-found"),
        (format!("{at}/unused-rights?days=401"), 400, "invalid-parameter"),
        (format!("{at}/attack-paths?goal=node"), 400, "invalid-parameter"),
        (format!("{at}/who-can?action=s3:GetObject"), 400, "invalid-parameter"),
        (format!("{at}/exposure?deep=1"), 400, "unknown-parameter"),
    ] {
        let answer = server.api().try_get(&path).unwrap();
        assert_eq!((u32::from(answer.status), &answer.body["code"]), (status, &json!(code)), "{path}");
    }
    server.stop();
}
