//! `palisade scan k8s` over files: what a cluster has, what is wrong with it, and what nobody knows.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Backends, Data, Server, fixture, root, shared};

const POSTURE: &str = "palisade.kube-posture";

fn scan(folder: &Path, extra: &[&str]) -> Value {
    let folder = folder.display().to_string();
    let words = ["scan", "k8s", "--from", &folder, "--format", "json"];
    Data::shared().run(&[words.as_slice(), extra].concat()).expect_code(0).json()
}

/// Rule, object and place of every finding.
fn found(report: &Value) -> Vec<(String, String, String)> {
    let findings = report["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |finding: &Value| {
        let evidence = &finding["evidence"][0];
        let rule = text(&finding["rule"]);
        let rule = rule.strip_prefix(POSTURE).map_or(rule.clone(), |rule| rule[1..].to_owned());
        (rule, text(&evidence["path"]), text(&evidence["inner"]))
    };
    findings.iter().map(one).collect()
}

fn has(report: &Value, rule: &str, object: &str) -> bool {
    found(report).iter().any(|(found, path, _)| found == rule && path == object)
}

fn write(folder: &Path, name: &str, value: &Value) {
    std::fs::write(folder.join(name), value.to_string()).unwrap();
}

fn list(items: &[Value]) -> Value {
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

#[test]
fn faults_are_found_once_where_they_are_mended() {
    let report = scan(&fixture("cluster"), &[]);
    let deployment = "apps/Deployment/store/checkout";
    for rule in [
        "privileged-container",
        "host-network",
        "image-latest-tag",
        "secret-in-env",
        "workload-cluster-admin",
    ] {
        assert!(has(&report, rule, deployment), "{rule} in {:?}", found(&report));
    }
    assert!(has(&report, "service-public-load-balancer", "core/Service/store/checkout"));
    // Knowing that there are no network policies takes a list of them, even an empty one.
    assert!(has(&report, "namespace-network-policy", "core/Namespace/-/store"));
    let of_replica_set =
        found(&report).into_iter().filter(|(_, path, _)| path.contains("ReplicaSet")).count();
    assert_eq!(of_replica_set, 0, "what a controller made is mended at the controller");
    let privileged = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["rule"] == format!("{POSTURE}/privileged-container"));
    let privileged = privileged.unwrap();
    assert_eq!(privileged["proof"]["patch"][0]["value"], false, "{privileged}");
    assert!(privileged["references"][0].as_str().unwrap().starts_with("https://kubernetes.io/"));
    assert!(!report.to_string().contains("c3dvcmRmaXNo"), "a Secret's value is in the report");
}

#[test]
fn what_was_not_collected_is_a_gap_and_no_finding() {
    let report = scan(&fixture("cluster"), &[]);
    let gaps = report["coverage"]["gaps"].as_array().unwrap();
    let gap =
        |code: &str, subject: &str| gaps.iter().any(|gap| gap["code"] == code && gap["subject"] == subject);
    assert!(gap("not-collected", "core/ResourceQuota"), "{gaps:?}");
    assert!(!gap("not-collected", "networking.k8s.io/NetworkPolicy"));
    assert!(!has(&report, "namespace-resource-quota", "core/Namespace/-/store"));
    assert!(
        gap("check-error", &format!("core/Namespace/-/store!/{POSTURE}/namespace-resource-quota")),
        "the check that asked for them says so: {gaps:?}"
    );
    let folder = fixture("cluster").display().to_string();
    Data::shared().run(&["scan", "k8s", "--from", &folder, "--strict"]).expect_code(3);
    Data::shared().run(&["scan", "k8s", "--from", &folder, "--fail-on", "critical"]).expect_code(1);
}

#[test]
fn a_result_depends_on_the_objects_alone() {
    let words = |from: &[&str], threads: &str| {
        let words = [&["scan", "k8s", "--format", "json", "--threads", threads, "--from"], from].concat();
        Data::shared().run(&words).expect_code(0).stdout
    };
    let folder = fixture("cluster");
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect();
    files.sort_unstable_by(|a, b| b.cmp(a));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let whole = folder.display().to_string();
    assert_eq!(words(&[&whole], "1"), words(&[&whole], "4"));
    assert_eq!(words(&[&whole], "1"), words(&files, "2"));
}

#[test]
fn a_finding_stays_the_same_when_a_list_gets_another_order() {
    let mut list: Value =
        serde_json::from_slice(&std::fs::read(fixture("cluster").join("workloads.json")).unwrap()).unwrap();
    let keys = |list: &Value| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "all.json", list);
        let report = scan(folder.path(), &[]);
        let findings = report["findings"].as_array().unwrap().clone();
        let mut keys: Vec<String> = findings.iter().map(|finding| finding["key"].to_string()).collect();
        keys.sort();
        keys
    };
    let before = keys(&list);
    let items = list["items"].as_array_mut().unwrap();
    let deployment = items.iter_mut().find(|item| item["kind"] == "Deployment").unwrap();
    deployment["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().reverse();
    assert_eq!(keys(&list), before);
}

#[test]
fn bad_input_is_named_and_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().display().to_string();
    let nothing = Data::shared().run(&["scan", "k8s", "--from", &empty]).expect_code(2);
    assert!(nothing.stderr.contains("cluster-empty"), "{}", nothing.stderr);
    let meta = |name: &str| json!({ "name": name, "namespace": "n" });
    let large = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("large"), "data": { "k": "x".repeat(10 << 20) } });
    let odd = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": meta("odd"), "spec": { "containers": "none" } });
    let good = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": meta("good"),
        "spec": { "containers": [{ "name": "c", "image": "i", "securityContext": { "privileged": true } }] } });
    let unknown = json!({ "apiVersion": "example.com/v9", "kind": "Widget", "metadata": meta("w") });
    write(folder.path(), "all.json", &list(&[large, odd, good, unknown, json!("no object")]));
    std::fs::write(folder.path().join("bomb.json"), "[".repeat(1 << 20)).unwrap();
    let report = scan(folder.path(), &[]);
    assert!(has(&report, "privileged-container", "core/Pod/n/good"));
    let gaps: Vec<(&str, &str)> = report["coverage"]["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| (gap["code"].as_str().unwrap(), gap["subject"].as_str().unwrap()))
        .collect();
    for gap in [
        ("size-limit", "core/ConfigMap/n/large"),
        ("parse-error", "core/Pod/n/odd"),
        ("parse-error", "all.json"),
        ("corrupt", "bomb.json"),
    ] {
        assert!(gaps.contains(&gap), "{gap:?} of {gaps:?}");
    }
    let bom = Data::shared().run(&["scan", "k8s", "--from", &empty, "--format", "cyclonedx"]).expect_code(2);
    assert!(bom.stderr.contains("bill of materials"), "{}", bom.stderr);
}

#[test]
fn every_planted_fault_of_a_real_cluster_is_found_without_its_annotation() {
    let Some(folder) = shared("fixtures/k8s") else { return };
    let rules: BTreeMap<String, Vec<String>> = serde_json::from_slice(
        &std::fs::read(root().join("plugins/kube-posture/tests/planted.json")).unwrap(),
    )
    .unwrap();
    let stripped = tempfile::tempdir().unwrap();
    let mut planted: Vec<(String, String)> = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let mut list: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for object in list["items"].as_array_mut().unwrap() {
            let removed = object["metadata"]
                .get_mut("annotations")
                .and_then(|annotations| annotations.as_object_mut()?.remove("lab.example.org/expect"));
            // Expected of what a controller made is what is expected of the controller, which has the same words.
            let owned = object["metadata"]["ownerReferences"].is_array();
            let words = removed.as_ref().and_then(Value::as_str).filter(|_| !owned).unwrap_or_default();
            planted.extend(
                words
                    .split(',')
                    .filter(|word| !word.is_empty())
                    .map(|word| (own_path(object), word.to_owned())),
            );
        }
        std::fs::write(stripped.path().join(path.file_name().unwrap()), list.to_string()).unwrap();
    }
    let report = scan(stripped.path(), &[]);
    assert!(planted.len() > 40, "{planted:?}");
    for (object, word) in &planted {
        let rules = rules.get(word).unwrap_or_else(|| panic!("no rule is known for {word}"));
        assert!(rules.iter().any(|rule| has(&report, rule, object)), "{word} of {object}");
    }
    let hardened: Vec<_> =
        found(&report).into_iter().filter(|(_, path, _)| path.contains("/payments")).collect();
    assert_eq!(hardened, [], "the hardened namespace");
    // With the annotation nothing else is found.
    assert_eq!(found(&scan(&folder, &[])), found(&report));
}

fn own_path(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let version = text(&object["apiVersion"]);
    let group = version.split_once('/').map_or("core", |(group, _)| group).to_owned();
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or("-");
    format!("{group}/{}/{namespace}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

#[test]
fn a_server_keeps_what_is_wrong_with_a_cluster_and_sees_it_mended() {
    let (data, objects) = (Data::empty(), tempfile::tempdir().unwrap());
    for entry in std::fs::read_dir(fixture("cluster")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, objects.path().join(path.file_name().unwrap())).unwrap();
    }
    let folder = objects.path().canonicalize().unwrap().display().to_string();
    let mut server = Server::prepare(&data, &Backends::Embedded, "");
    server.start();
    let scan = server.api().scan("cluster", &folder);
    assert_eq!(scan["state"], "finished", "{scan}");
    assert_eq!(scan["asset"], "k8s:5f1d8a3e-0000-4000-8000-00000000c1a5", "the cluster's own uid names it");
    let page = server.api().get("/api/v1/findings?class=misconfiguration&limit=100");
    let rule = format!("{POSTURE}/privileged-container");
    let found = page["items"].as_array().unwrap().iter().find(|finding| finding["rule"] == rule).unwrap();
    assert_eq!(found["state"], "open");
    assert!(found["title"].as_str().unwrap().starts_with("store/Deployment checkout: "), "{found}");
    let own = format!("/api/v1/findings/{}", found["fingerprint"].as_str().unwrap());
    let detail = server.api().get(&own);
    assert_eq!(detail["proof"]["patch"][0]["op"], "add", "{detail}");
    // Mended where it comes from, and seen by the next scan.
    let path = objects.path().join("workloads.json");
    let text =
        std::fs::read_to_string(&path).unwrap().replace("\"privileged\": true", "\"privileged\": false");
    std::fs::write(&path, text).unwrap();
    let scan = server.api().scan("cluster", &folder);
    assert_eq!(scan["state"], "finished", "{scan}");
    assert_eq!(server.api().get(&own)["state"], "fixed");
    // A list that is gone takes nothing with it: nobody looked.
    std::fs::remove_file(objects.path().join("clusterrolebindings.json")).unwrap();
    let scan = server.api().scan("cluster", &folder);
    assert!(scan["summary"]["gaps"].as_u64().unwrap() > 0, "{scan}");
    let open = server.api().get("/api/v1/findings?state=open&limit=100");
    let rule = format!("{POSTURE}/cluster-admin-service-account");
    assert!(open["items"].as_array().unwrap().iter().any(|finding| finding["rule"] == rule), "{open}");
    server.stop();
}

fn ask(words: &[&str]) -> Value {
    let folder = fixture("cluster").display().to_string();
    let words = [&["cluster"], words, &["--from", &folder, "--format", "json"]].concat();
    Data::shared().run(&words).expect_code(0).json()
}

#[test]
fn the_graph_says_what_is_exposed_who_can_and_where_it_leads() {
    let exposed = ask(&["exposure"]);
    let web = &exposed["workloads"][0];
    assert_eq!(
        (&web["workload"], &web["verdict"]),
        (&json!("apps/Deployment/store/checkout"), &json!("open"))
    );
    let through = json!(["core/Service/store/checkout", "apps/Deployment/store/checkout"]);
    let entries = web["entries"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["path"] == through && entry["port"] == 443), "{exposed}");
    let holders = ask(&["who-can", "get", "secrets", "--namespace", "store"]);
    let holder = &holders["holders"][0];
    assert_eq!(
        holder["subject"],
        json!({ "kind": "service-account", "namespace": "store", "name": "checkout" })
    );
    let binding = "rbac.authorization.k8s.io/ClusterRoleBinding/-/checkout-admin";
    assert_eq!(holder["proof"]["binding"], binding);
    assert_eq!(ask(&["who-can", "get", "/metrics"])["holders"].as_array().unwrap().len(), 1);
    let paths = ask(&["paths", "--exposed"]);
    let to_all =
        paths["paths"].as_array().unwrap().iter().find(|path| path["goal"] == "cluster-admin").unwrap();
    assert_eq!(to_all["source"], "apps/Deployment/store/checkout");
    let last = to_all["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(last["grants"][0]["binding"], binding, "{to_all}");
    // What was not among the files is said, as the answer might be another with it.
    let unknown = paths["unknown"].as_array().unwrap();
    assert!(unknown.iter().any(|line| line.as_str().unwrap().contains("kind Pod ")), "{unknown:?}");
    let none = ask(&["paths", "--workload", "apps/Deployment/store/nothing"]);
    assert_eq!(none["paths"], json!([]));
}
