//! The life of an installed plugin, on the command line and under a server that goes on scanning.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Backends, Data, Server, guest, root};

const ID: &str = "hostile.benign";

fn leb128(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// The same component with another manifest: its custom section is the last one.
fn with_manifest(component: &[u8], change: impl FnOnce(String) -> String) -> Vec<u8> {
    let name = b"palisade:manifest";
    let at = component.windows(name.len()).rposition(|window| window == name).unwrap();
    let text = String::from_utf8(component[at + name.len()..].to_vec()).unwrap();
    let size = component.len() - (at - 1);
    let mut out = component[..at - 1 - leb128(size).len() - 1].to_vec();
    let text = change(text);
    let mut section = leb128(name.len());
    section.extend(name);
    section.extend(text.as_bytes());
    out.push(0);
    out.extend(leb128(section.len()));
    out.extend(section);
    out
}

/// Three versions: one that asks for nothing, one that asks for more, and one that asks for no more than that.
fn versions(folder: &Path) -> [String; 3] {
    let first = guest("benign");
    let asks = "\n[capabilities.advisories]\nwhy = \"compares\"\n";
    let second = with_manifest(&first, |text| text.replace("0.1.0", "0.2.0") + asks);
    let third = with_manifest(&first, |text| text.replace("0.1.0", "0.3.0") + asks);
    let mut number = 0;
    [first, second, third].map(|bytes| {
        number += 1;
        let path = folder.join(format!("v{number}.wasm"));
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    })
}

/// A server that trusts one key for this plugin, and the private key.
fn server(data: &Data, more: &str) -> (Server, String) {
    let key = data.path().join("release").display().to_string();
    data.run(&["plugin", "keygen", "--output", &key]).expect_code(0);
    let config = format!(
        "[plugins]\n{more}\n[plugins.keys]\nrelease = \"{key}.pub\"\n[[plugins.trust]]\nplugins = \"hostile.*\"\n\
         any-of = [\"release\"]\n"
    );
    (Server::prepare(data, &Backends::Embedded, &config), format!("{key}.key"))
}

/// The plugin as the API shows it, once it is as expected.
#[track_caller]
fn until(server: &Server, expected: impl Fn(&Value) -> bool) -> Value {
    until_of(server, ID, expected)
}

#[track_caller]
fn until_of(server: &Server, id: &str, expected: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let all = server.api().get("/api/v1/plugins");
        let found = all["items"].as_array().unwrap().iter().find(|plugin| plugin["id"] == id);
        match found {
            Some(plugin) if expected(plugin) => return plugin.clone(),
            other => assert!(Instant::now() < deadline, "{other:?}\n{}", server.log()),
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

fn in_force(version: &'static str) -> impl Fn(&Value) -> bool {
    move |plugin| plugin["version"] == version && plugin["state"] == "ready"
}

/// Whether a scan of this directory finds what the plugin makes up of every file.
#[track_caller]
fn takes_part(server: &Server, directory: &Path) -> bool {
    let scan = server.api().scan("directory", &directory.display().to_string());
    assert_eq!(scan["state"], "finished", "{scan}");
    let id = scan["asset"].as_str().unwrap().replace('/', "%2F");
    let asset = server.api().get(&format!("/api/v1/images/{id}"));
    let analyzers = asset["coverage"]["analyzers"].as_array().unwrap();
    analyzers.iter().any(|analyzer| analyzer["plugin"] == ID)
}

fn digest(plugin: &Value, version: &str) -> String {
    let versions = plugin["versions"].as_array().unwrap();
    let found = versions.iter().find(|one| one["version"] == version).unwrap();
    found["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_plugin_comes_is_upgraded_goes_back_and_goes_while_the_server_runs() {
    let data = Data::empty();
    let scanned = tempfile::tempdir().unwrap();
    std::fs::write(scanned.path().join("a"), "a").unwrap();
    let [first, second, third] = versions(data.path());
    let (mut server, key) = server(&data, "");
    server.start();

    // Nobody has signed it.
    let refused = server.manage(&["plugin", "install", &first]).expect_code(1);
    assert!(refused.stdout.contains("plugin-unsigned"), "{}", refused.stdout);
    for file in [&first, &second, &third] {
        server.manage(&["plugin", "sign", file, "--key", &key]).expect_code(0);
    }
    assert!(!takes_part(&server, scanned.path()));
    let installed = server.manage(&["plugin", "install", &first]).expect_code(0);
    assert!(installed.stdout.contains("hostile.benign 0.1.0 is ready"), "{}", installed.stdout);
    let plugin = until(&server, in_force("0.1.0"));
    assert_eq!(plugin["versions"][0]["signers"], json!(["release"]));
    assert!(takes_part(&server, scanned.path()));
    // The same on the command line, over the same store.
    let scan = server.manage(&["scan", "dir", &scanned.path().display().to_string(), "--format", "json"]);
    assert!(scan.stdout.contains(ID), "{}", scan.stdout);
    let listed = server.manage(&["plugin", "list"]).expect_code(0).stdout;
    assert!(
        listed.contains("hostile.benign 0.1.0") && listed.contains("palisade.image-packages"),
        "{listed}"
    );

    // One that asks for more waits, and the old one runs on.
    let waiting = server.manage(&["plugin", "install", &second]).expect_code(0);
    assert!(waiting.stdout.contains("0.2.0 is waiting"), "{}", waiting.stdout);
    assert!(waiting.stdout.contains("+ advisories"), "{}", waiting.stdout);
    let plugin = until(&server, |plugin| plugin["versions"][0]["state"] == "waiting");
    assert_eq!((&plugin["version"], &plugin["state"]), (&json!("0.1.0"), &json!("ready")));
    assert_eq!(plugin["versions"][0]["added"], json!(["advisories"]));
    assert_eq!(plugin["versions"][0]["asked"][0]["why"], "compares");
    let early = server.manage(&["plugin", "activate", ID, &digest(&plugin, "0.2.0")]).expect_code(2);
    assert!(early.stderr.contains("plugin-rights-undecided"), "{}", early.stderr);

    // Approved through the API, with what it asks for and nothing else.
    let approve = |rights: Value| {
        server.api().post(
            &format!("/api/v1/plugins/{ID}/approve"),
            &json!({ "digest": digest(&plugin, "0.2.0"), "rights": rights }),
        )
    };
    let too_much = approve(json!(["state 10 bytes"]));
    assert_eq!((too_much.status, &too_much.body["code"]), (409, &json!("plugin-decision-refused")));
    assert_eq!(approve(json!(["advisories"])).status, 200);
    let plugin = until(&server, in_force("0.2.0"));
    assert_eq!(plugin["granted"], json!(["advisories"]));
    assert_eq!(plugin["versions"][1]["state"], "retired");

    // The third asks for no more: it runs beside, is compared, and takes over.
    let beside = server.manage(&["plugin", "install", &third, "--canary"]).expect_code(0);
    assert!(beside.stdout.contains("0.3.0 is canary"), "{}", beside.stdout);
    until(&server, |plugin| plugin["versions"][0]["canary"].is_object());
    assert!(takes_part(&server, scanned.path()));
    let plugin = until(&server, |plugin| plugin["versions"][0]["canary"]["calls"] == 1);
    assert_eq!(plugin["versions"][0]["canary"]["same"], 1, "{plugin}");
    server.manage(&["plugin", "promote", ID]).expect_code(0);
    let plugin = until(&server, in_force("0.3.0"));
    assert_eq!(plugin["granted"], json!(["advisories"]), "rights that were granted go on");

    // Back, and away.
    server.manage(&["plugin", "activate", ID, &digest(&plugin, "0.1.0")]).expect_code(0);
    let plugin = until(&server, in_force("0.1.0"));
    assert_eq!(plugin["granted"], json!([]), "the grant of another version is not this one's");
    server.manage(&["plugin", "retire", ID]).expect_code(0);
    until(&server, |plugin| plugin["state"] == "inactive");
    assert!(!takes_part(&server, scanned.path()));
    let log = server.manage(&["plugin", "versions", ID]).expect_code(0).stdout;
    for action in ["plugin-installed", "plugin-granted", "plugin-canary", "plugin-ready", "plugin-retired"] {
        assert!(log.contains(action), "{action} is missing in\n{log}");
    }
    server.stop();
}

#[test]
fn what_is_revoked_after_it_was_installed_is_refused_at_the_next_start() {
    let data = Data::empty();
    let list = data.path().join("revoked.json");
    std::fs::write(&list, json!({ "form": "palisade-revocations-1" }).to_string()).unwrap();
    let [first, _, third] = versions(data.path());
    let (mut server, key) = server(&data, &format!("revocations = [{:?}]", list.display().to_string()));
    for file in [&first, &third] {
        server.manage(&["plugin", "sign", file, "--key", &key]).expect_code(0);
        server.manage(&["plugin", "install", file]).expect_code(0);
    }
    server.manage(&["plugin", "grant", ID, "--all"]).expect_code(0);
    server.start();
    let plugin = until(&server, in_force("0.3.0"));
    let old = digest(&plugin, "0.1.0");
    server.stop();
    let revoked = json!({
        "form": "palisade-revocations-1",
        "plugins": [{ "id": ID, "below": "0.2.0", "reason": "reads too much" }],
    });
    std::fs::write(&list, revoked.to_string()).unwrap();
    // Rolling back to it is refused, and so is putting it in force by installing it again.
    let back = server.manage(&["plugin", "activate", ID, &old]).expect_code(2);
    assert!(back.stderr.contains("plugin-revoked-version"), "{}", back.stderr);
    assert!(back.stderr.contains("reads too much"), "{}", back.stderr);
    let again = server.manage(&["plugin", "install", &first]).expect_code(1);
    assert!(again.stdout.contains("plugin-revoked"), "{}", again.stdout);
    // Revoked while it is in force: the server starts without it, and says why.
    let all = json!({
        "form": "palisade-revocations-1",
        "plugins": [{ "id": ID, "below": "9.0.0", "reason": "reads too much" }],
    });
    std::fs::write(&list, all.to_string()).unwrap();
    server.start();
    let plugin = until(&server, |plugin| plugin["state"] == "inactive");
    let refused =
        plugin["versions"].as_array().unwrap().iter().find(|one| one["version"] == "0.3.0").unwrap();
    assert_eq!(refused["state"], "refused");
    assert!(refused["note"].as_str().unwrap().contains("reads too much"), "{refused}");
    server.stop();
}

#[test]
fn what_a_stolen_key_signed_is_refused_at_the_next_start_and_comes_back_under_another() {
    let data = Data::empty();
    let list = data.path().join("revoked.json");
    std::fs::write(&list, json!({ "form": "palisade-revocations-1" }).to_string()).unwrap();
    let [file, ..] = versions(data.path());
    let second = data.path().join("second").display().to_string();
    data.run(&["plugin", "keygen", "--output", &second]).expect_code(0);
    let key = data.path().join("release").display().to_string();
    let made = data.run(&["plugin", "keygen", "--output", &key]).expect_code(0).stdout;
    let id = made.split_whitespace().find(|word| word.starts_with("sha256:")).unwrap().to_owned();
    let config = format!(
        "[plugins]\nrevocations = [{:?}]\n[plugins.keys]\nrelease = \"{key}.pub\"\nsecond = \"{second}.pub\"\n\
         [[plugins.trust]]\nplugins = \"hostile.*\"\nany-of = [\"release\", \"second\"]\n",
        list.display().to_string()
    );
    let mut server = Server::prepare(&data, &Backends::Embedded, &config);
    server.manage(&["plugin", "sign", &file, "--key", &format!("{key}.key")]).expect_code(0);
    server.manage(&["plugin", "install", &file]).expect_code(0);
    server.manage(&["plugin", "grant", ID, "--all"]).expect_code(0);
    server.start();
    until(&server, in_force("0.1.0"));
    server.stop();
    let revoked = json!({ "form": "palisade-revocations-1", "keys": [{ "key": id, "reason": "stolen" }] });
    std::fs::write(&list, revoked.to_string()).unwrap();
    server.start();
    let plugin = until(&server, |plugin| plugin["state"] == "inactive");
    let note = plugin["versions"][0]["note"].as_str().unwrap().to_owned();
    assert!(note.contains("this key is revoked: stolen"), "{note}");
    let activate = ["plugin", "activate", ID, &digest(&plugin, "0.1.0")];
    let back = server.manage(&activate).expect_code(2);
    assert!(back.stderr.contains("plugin-revoked-version"), "{}", back.stderr);
    // The same component, signed by somebody who is trusted, is another matter.
    server.manage(&["plugin", "sign", &file, "--key", &format!("{second}.key")]).expect_code(0);
    server.manage(&["plugin", "install", &file]).expect_code(0);
    server.manage(&activate).expect_code(0);
    until(&server, in_force("0.1.0"));
    server.stop();
}

#[test]
fn a_call_that_failed_in_production_is_written_down_and_repeats() {
    let data = Data::empty();
    let (plugins, scanned) = (data.path().join("own"), tempfile::tempdir().unwrap());
    std::fs::create_dir(&plugins).unwrap();
    std::fs::write(plugins.join("deep-json.wasm"), guest("deep-json")).unwrap();
    std::fs::write(scanned.path().join("brackets.json"), "[".repeat(1_000_000)).unwrap();
    let config = data.path().join("palisade.toml");
    let text =
        format!("[plugins]\ndirectories = [{:?}]\nrecord-faults = true\n", plugins.display().to_string());
    std::fs::write(&config, text).unwrap();
    let (config, scanned) = (config.display().to_string(), scanned.path().display().to_string());
    for _ in 0..2 {
        // Without the facts that were kept, so that the plugin is called both times.
        data.run(&["--config", &config, "scan", "dir", &scanned, "--strict", "--no-cache"]).expect_code(3);
    }
    let transcripts: Vec<PathBuf> = std::fs::read_dir(data.path().join("transcripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [transcript] = transcripts.as_slice() else { panic!("one call, once: {transcripts:?}") };
    let component = plugins.join("deep-json.wasm").display().to_string();
    let transcript = transcript.display().to_string();
    let again = data.run(&["plugin", "replay", &transcript, "--plugin", &component]).expect_code(0);
    assert!(again.stdout.contains("the same"), "{}", again.stdout);
}

#[test]
fn a_quarantine_survives_a_restart_and_ends_by_decision() {
    let data = Data::empty();
    let (scanned, id) = (tempfile::tempdir().unwrap(), "hostile.recursion");
    for name in ["a", "b", "c", "d", "e", "f"] {
        std::fs::write(scanned.path().join(name), name).unwrap();
    }
    let (mut server, key) = server(&data, "");
    let file = data.path().join("recursion.wasm").display().to_string();
    std::fs::write(&file, guest("recursion")).unwrap();
    server.manage(&["plugin", "sign", &file, "--key", &key]).expect_code(0);
    server.manage(&["plugin", "install", &file]).expect_code(0);
    server.start();
    until_of(&server, id, |plugin| plugin["state"] == "ready");
    server.api().scan("directory", &scanned.path().display().to_string());
    let held =
        |plugin: &Value| plugin["state"] == "quarantined" && plugin["versions"][0]["state"] == "quarantined";
    let plugin = until_of(&server, id, held);
    assert!(plugin["versions"][0]["note"].as_str().unwrap().contains("trap"), "{plugin}");
    server.stop();
    server.start();
    until_of(&server, id, held);
    server.api().scan("directory", &scanned.path().display().to_string());
    let plugin = until_of(&server, id, held);
    assert_eq!(plugin["calls"], 0, "it is not called: {plugin}");
    assert_eq!(server.api().post(&format!("/api/v1/plugins/{id}/release"), &json!({})).status, 200);
    until_of(&server, id, |plugin| plugin["state"] == "ready" && plugin["versions"][0]["state"] == "ready");
    server.stop();
}

#[test]
fn what_a_judge_of_a_cluster_was_denied_is_in_the_audit_log() {
    let id = "hostile.assets-nosy";
    let data = Data::empty();
    let config = "[[plugins.trust]]\nplugins = \"hostile.*\"\nunsigned = true\n";
    let mut server = Server::prepare(&data, &Backends::Embedded, config);
    let file = data.path().join("nosy.wasm");
    let nosy =
        with_manifest(&guest("assets-nosy"), |text| text.replace("\"kubernetes\"", "\"apps/v1/Deployment\""));
    std::fs::write(&file, nosy).unwrap();
    server.manage(&["plugin", "install", &file.display().to_string()]).expect_code(0);
    server.manage(&["plugin", "grant", id, "assets workload"]).expect_code(0);
    let denied = |server: &Server| {
        let log = server.manage(&["plugin", "versions", id, "--log", "1000"]).expect_code(0).stdout;
        let of = |line: &&str| line.contains("plugin-denied") && line.contains("for the cluster");
        (log.lines().filter(of).count(), log)
    };
    let cluster = root().join("tests/fixtures/cluster").display().to_string();
    server.manage(&["scan", "k8s", "--from", &cluster]).expect_code(0);
    let (first, log) = denied(&server);
    assert!(first > 0, "{log}");
    server.start();
    let scan = server.api().scan("cluster", &cluster);
    assert_eq!(scan["state"], "finished", "{scan}");
    let (second, log) = denied(&server);
    assert!(second > first, "{log}");
}
