//! Run-time events of files: through the decoders, the sandbox and the joining, to incidents.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Data, root};

/// What the API server writes down when a person makes a pod on the host's own terms, after giving themselves everything.
fn audit() -> Vec<Value> {
    let event = |number: u32, second: u32, verb: &str, object: Value, request: Value, code: u32| {
        let at = format!("2026-11-20T10:00:{second:02}.000000Z");
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "stage": "ResponseComplete",
            "auditID": format!("00000000-0000-4000-8000-{number:012}"), "verb": verb, "requestURI": "/",
            "user": { "username": "mallory", "groups": ["system:authenticated"] }, "sourceIPs": ["198.51.100.7"],
            "objectRef": object, "responseStatus": { "code": code }, "requestObject": request,
            "requestReceivedTimestamp": at, "stageTimestamp": at,
            "annotations": { "authorization.k8s.io/decision": "allow" },
        })
    };
    let binding = json!({ "roleRef": { "kind": "ClusterRole", "name": "cluster-admin" },
        "subjects": [{ "kind": "User", "name": "mallory" }] });
    let pod = json!({ "metadata": { "name": "shell", "namespace": "shop" }, "spec": { "containers": [
        { "name": "c", "image": "registry.example/tool:1", "securityContext": { "privileged": true } }] } });
    let bindings = json!({ "resource": "clusterrolebindings", "name": "mallory-admin",
        "apiGroup": "rbac.authorization.k8s.io", "apiVersion": "v1" });
    let pods = json!({ "resource": "pods", "namespace": "shop", "name": "shell", "apiVersion": "v1" });
    let exec = json!({ "resource": "pods", "subresource": "exec", "namespace": "shop", "name": "shell", "apiVersion": "v1" });
    vec![
        event(1, 0, "create", bindings, binding, 201),
        event(2, 20, "create", pods, pod, 201),
        // Over a websocket an exec is audited as a get with code 101.
        event(3, 40, "get", exec, Value::Null, 101),
    ]
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

fn ingest(folder: &Path, text: &str, words: &[&str]) -> Value {
    let file = folder.join("events.log");
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let words = [&["ingest", &file, "--cluster", "c1", "--print", "json"], words].concat();
    Data::shared().run(&words).expect_code(0).json()
}

#[test]
fn an_attack_is_one_incident_whatever_order_its_events_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut events = audit();
    let told = ingest(folder.path(), &lines(&events), &[]);
    assert_eq!(told["events"], json!({ "kubernetes-audit": 3 }));
    assert_eq!((&told["problems"], &told["gaps"]), (&json!([]), &json!([])), "{told}");
    let incidents = told["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    assert_eq!(incidents[0]["severity"], "critical");
    let titles: Vec<&str> = incidents[0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["title"].as_str().unwrap())
        .collect();
    for wanted in ["Rights of cluster-admin given", "Privileged container started", "Command run in a pod"] {
        assert!(titles.contains(&wanted), "{titles:?}");
    }
    // The correlation over two of them, and every detection with the technique that it speaks of.
    let joined = told["detections"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["rule"] == "palisade.sigma/k8s-rights-and-workload");
    assert_eq!(joined.unwrap()["evidence"]["ruleName"], "k8s-rights-and-workload", "{joined:?}");
    // Backwards and twice, it is the same story.
    events.reverse();
    events.extend(audit());
    let again = ingest(folder.path(), &lines(&events), &[]);
    assert_eq!(again["repeated"], 3);
    assert_eq!(again["incidents"], told["incidents"]);
    assert_eq!(again["detections"], told["detections"]);
}

#[test]
fn what_cannot_be_read_and_what_a_sensor_lost_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let alert = json!({ "hostname": "node-1", "rule": "Terminal shell in container", "priority": "Notice", "source": "syscall",
        "time": "2026-11-20T10:00:00.5Z", "output": "a shell", "tags": ["T1059"],
        "output_fields": { "container.id": "0123456789ab", "proc.name": null, "user.uid": -1 } });
    let drops = json!({ "hostname": "node-1", "rule": "Falco internal: syscall event drop", "priority": "Debug", "source": "internal",
        "time": "2026-11-20T10:00:01Z", "output": "dropped", "output_fields": { "n_drops": 500, "n_evts": 1000 } });
    let text = format!("{alert}\n{{\"rule\": \n{drops}\n");
    let told = ingest(folder.path(), &text, &["--format", "falco"]);
    assert_eq!(told["events"], json!({ "falco": 1 }), "{told}");
    assert_eq!(told["blind"]["node-1"]["drops"], 500, "{told}");
    assert_eq!(told["problems"].as_array().unwrap().len(), 1, "{told}");
    let file = folder.path().join("nothing.log");
    std::fs::write(&file, "what is this\n").unwrap();
    let ran = Data::shared().run(&["ingest", &file.display().to_string()]).expect_code(2);
    assert!(ran.stderr.contains("--format"), "{}", ran.stderr);
}

#[test]
fn rules_of_ones_own_stand_beside_the_built_in_ones() {
    let folder = tempfile::tempdir().unwrap();
    let sigma = "title: Anything of Mallory\nname: of-mallory\nlogsource: {product: kubernetes, service: audit}\n\
        detection: {s: {user.username: mallory}, condition: s}\nlevel: low\n";
    let falco = "- rule: Exec by Mallory\n  desc: d\n  condition: ka.user.name = mallory and ka.target.subresource = exec\n  \
        output: user=%ka.user.name\n  priority: WARNING\n  source: k8s_audit\n";
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("own.yml"), sigma).unwrap();
    std::fs::write(rules.join("falco.yaml"), falco).unwrap();
    let told = ingest(folder.path(), &lines(&audit()), &["--rules", &rules.display().to_string()]);
    let titles = told["detections"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap());
    let own: Vec<&str> =
        titles.filter(|title| ["Anything of Mallory", "Exec by Mallory"].contains(title)).collect();
    assert_eq!(own.iter().filter(|title| **title == "Exec by Mallory").count(), 1, "{own:?}");
    assert_eq!(own.len(), 4, "{own:?}");
    // Their tests run in the same sandbox; one that expects something else fails.
    let event = audit().remove(2);
    let cases =
        |matches: bool| json!([{ "rule": "of-mallory", "events": [event], "matches": matches }]).to_string();
    std::fs::write(rules.join("own_test.yml"), cases(true)).unwrap();
    let path = rules.display().to_string();
    Data::shared().run(&["rules", "test", &path]).expect_code(0);
    std::fs::write(rules.join("own_test.yml"), cases(false)).unwrap();
    let ran = Data::shared().run(&["rules", "test", &path]).expect_code(1);
    assert!(ran.stdout.contains("expected no detection, found 1"), "{}", ran.stdout);
}

#[test]
fn the_built_in_rules_keep_their_own_tests_in_the_sandbox() {
    let plugins = root().join("plugins");
    let folders =
        ["sigma/rules", "falco-rules/rules"].map(|folder| plugins.join(folder).display().to_string());
    let ran = Data::shared().run(&["rules", "test", &folders[0], &folders[1]]).expect_code(0);
    let last = ran.stdout.lines().last().unwrap_or_default();
    let passed: u32 = last.split_whitespace().next().unwrap().parse().unwrap();
    assert!(passed > 450 && last.ends_with(", 0 failed"), "{last}");
}
