//! Plugins on their way: keys, signatures, a registry, a bundle, and everything that must be refused.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::identity::Sigstore;
use crate::support::tokens::Signer;
use crate::support::{Data, Ran, Registry, root};

const ID: &str = "hostile.benign";
/// `htpasswd -nbB reader 'correct horse'`.
const HTPASSWD: &str = "reader:$2y$05$K56FEyPXLUqztb0u2Yxqb.4irtMMQ2CrcA/QeKK3OP13JTg9U9c9e";
const LOGIN: &str = "reader:correct horse";

/// A component that the host knows, where it has been built.
fn component(data: &Data) -> PathBuf {
    let guests =
        std::env::var_os("PALISADE_GUESTS").map_or_else(|| root().join("target/guests"), PathBuf::from);
    let file = data.path().join("plugin.wasm");
    std::fs::copy(guests.join("benign.wasm"), &file).unwrap();
    file
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Makes a pair of keys and gives the paths of the private and the public one.
fn keygen(data: &Data, name: &str) -> (String, String) {
    let prefix = text(&data.path().join(name));
    data.run(&["plugin", "keygen", "--output", &prefix]).expect_code(0);
    (format!("{prefix}.key"), format!("{prefix}.pub"))
}

/// Writes a configuration that trusts one public key for everything, and allows these addresses.
fn configure(data: &Data, public: &str, addresses: &[&str], registries: &[&str], more: &str) -> String {
    let file = data.path().join("palisade.toml");
    let credentials = data.path().join("docker.json");
    let auths: serde_json::Map<_, _> = addresses
        .iter()
        .map(|address| ((*address).to_owned(), json!({ "auth": STANDARD.encode(LOGIN) })))
        .collect();
    std::fs::write(&credentials, json!({ "auths": auths }).to_string()).unwrap();
    let config = format!(
        "[egress]\nallow = {addresses:?}\nregistry-credentials = {:?}\n[plugins]\nregistries = {registries:?}\n\
         {more}\n[plugins.keys]\nrelease = {public:?}\n[[plugins.trust]]\nplugins = \"hostile.*\"\n\
         any-of = [\"release\"]\n",
        text(&credentials)
    );
    std::fs::write(&file, config).unwrap();
    text(&file)
}

#[track_caller]
fn expect_refusal(ran: Ran, code: &str) {
    let ran = ran.expect_code(1);
    assert!(ran.stdout.contains(&format!("the code is {code})")), "{}", ran.stdout);
}

fn revocations(data: &Data, what: &Value) -> String {
    let file = data.path().join("revocations.json");
    let mut list = json!({ "form": "palisade-revocations-1" });
    list.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
    std::fs::write(&file, list.to_string()).unwrap();
    format!("revocations = [{:?}]", text(&file))
}

/// The word behind a name in what a command printed.
fn printed(ran: &Ran, name: &str) -> String {
    let line = ran.stdout.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn a_plugin_goes_from_its_publisher_over_a_registry_and_a_bundle_to_a_machine_without_a_network() {
    let Some(registry) = Registry::start() else { return };
    let (publisher, consumer, offline) = (Data::empty(), Data::empty(), Data::empty());
    let file = text(&component(&publisher));
    let (key, public) = keygen(&publisher, "release");
    let host = registry.address.as_str();
    let config = configure(&publisher, &public, &[host], &[], "");
    let signed = publisher.run(&["plugin", "sign", &file, "--key", &key]).expect_code(0);
    let reference = format!("{host}/team/plugin:0.1.0");
    let pushed = publisher.run(&["plugin", "push", &file, &reference, "--config", &config]).expect_code(0);
    assert_eq!(printed(&pushed, "manifest"), printed(&signed, "manifest"), "the digest was known before");

    // Elsewhere: nothing but the reference and the public key.
    let config = configure(&consumer, &public, &[host], &[&format!("{host}/team")], "");
    let output = text(&consumer.path().join("pulled.wasm"));
    let pull = ["plugin", "pull", &reference, "--output", &output, "--config", &config];
    let pulled = consumer.run(&pull).expect_code(0);
    assert!(pulled.stdout.contains("accepted  hostile.benign 0.1.0"), "{}", pulled.stdout);
    assert!(pulled.stdout.contains("signed by  release"), "{}", pulled.stdout);
    assert_eq!(std::fs::read(&output).unwrap(), std::fs::read(&file).unwrap());
    let by_digest = format!("{host}/team/plugin@{}", printed(&signed, "manifest"));
    for target in [&output, &reference, &by_digest] {
        consumer.run(&["plugin", "verify", target, "--config", &config]).expect_code(0);
    }

    // Into a bundle, once from the file and once from the registry: the same bytes.
    let export = |target: &str, bundle: &str| {
        let bundle = text(&consumer.path().join(bundle));
        consumer
            .run(&["plugin", "bundle", "export", target, "--output", &bundle, "--config", &config])
            .expect_code(0);
        bundle
    };
    let (one, two) = (export(&output, "one.tar"), export(&reference, "two.tar"));
    assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
    drop(registry);

    let config = configure(&offline, &public, &[], &[], "");
    for words in [["plugin", "verify"].as_slice(), &["plugin", "bundle", "verify"]] {
        let ran = offline.run(&[words, &[&one, "--config", &config]].concat()).expect_code(0);
        assert!(ran.stdout.ends_with("1 plugins, 0 refused\n"), "{}", ran.stdout);
    }
    // Without a policy nobody is trusted, and a key on the command line is a policy.
    expect_refusal(offline.run(&["plugin", "verify", &one]), "plugin-without-rule");
    offline.run(&["plugin", "verify", &one, "--key", &public]).expect_code(0);
}

#[test]
fn what_may_not_be_used_is_refused_by_its_code() {
    let Some(registry) = Registry::start() else { return };
    let data = Data::empty();
    let file = text(&component(&data));
    let ((key, public), (_, other)) = (keygen(&data, "release"), keygen(&data, "other"));
    let host = registry.address.as_str();
    let config = configure(&data, &public, &[host], &[host], "");
    let reference = |name: &str| format!("{host}/team/{name}:1");
    let push = |name: &str, more: &[&str]| {
        let words = ["plugin", "push", &file, &reference(name), "--config", &config];
        data.run(&[&words, more].concat()).expect_code(0)
    };
    let digest = printed(&push("signed", &["--sign-key", &key]), "manifest");
    push("stripped", &[]);
    let pull = |name: &str, config: &str| {
        let output = text(&data.path().join("pulled.wasm"));
        let ran = data.run(&["plugin", "pull", &reference(name), "--output", &output, "--config", config]);
        assert_eq!(Path::new(&output).exists(), ran.code == 0, "refused, and written all the same");
        ran
    };
    expect_refusal(pull("stripped", &config), "plugin-unsigned");
    let wrong_key = configure(&data, &other, &[host], &[host], "");
    expect_refusal(pull("signed", &wrong_key), "plugin-signer-unknown");
    let elsewhere = configure(&data, &public, &[host], &[&format!("{host}/others")], "");
    expect_refusal(pull("signed", &elsewhere), "plugin-registry-not-allowed");

    let component = format!("sha256:{:x}", Hex(Sha256::digest(std::fs::read(&file).unwrap()).into()));
    let key_id = key_id(&public);
    let lists = [
        (json!({ "digests": [{ "digest": digest, "reason": "bad" }] }), "plugin-revoked"),
        (json!({ "digests": [{ "digest": component, "reason": "bad" }] }), "plugin-revoked"),
        (json!({ "plugins": [{ "id": ID, "below": "0.1.1", "reason": "old" }] }), "plugin-revoked"),
        (json!({ "keys": [{ "key": key_id, "reason": "stolen" }] }), "plugin-key-revoked"),
    ];
    for (list, code) in &lists {
        let revoked = configure(&data, &public, &[host], &[host], &revocations(&data, list));
        expect_refusal(pull("signed", &revoked), code);
    }
    // A list that is named and not there refuses everything.
    let missing = configure(&data, &public, &[host], &[host], "revocations = [\"/nowhere/list.json\"]");
    pull("signed", &missing).expect_code(2);
    let config = configure(&data, &public, &[host], &[host], "");
    pull("signed", &config).expect_code(0);

    // The list that travels in a bundle counts for the bundle.
    let list = data.path().join("revocations.json");
    revocations(&data, &lists[2].0);
    let bundle = text(&data.path().join("bundle.tar"));
    let pulled = text(&data.path().join("pulled.wasm"));
    let words = ["plugin", "bundle", "export", &pulled, "--output", &bundle, "--revocations", &text(&list)];
    data.run(&words).expect_code(0);
    expect_refusal(data.run(&["plugin", "bundle", "verify", &bundle, "--config", &config]), "plugin-revoked");
}

/// Prints thirty-two bytes as digits.
struct Hex([u8; 32]);

impl std::fmt::LowerHex for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// SHA-256 of what is between the lines of a PEM file.
fn key_id(public: &str) -> String {
    let pem = std::fs::read_to_string(public).unwrap();
    let letters: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    format!("sha256:{:x}", Hex(Sha256::digest(STANDARD.decode(letters).unwrap()).into()))
}

#[test]
fn pushing_and_pulling_with_credentials() {
    let signer = Signer::new();
    let basic = format!("Basic {}", STANDARD.encode(LOGIN));
    let service = signer.serve_pushers(basic);
    let by_password = Registry::start_with(|folder| {
        let file = folder.join("htpasswd");
        std::fs::write(&file, HTPASSWD).unwrap();
        format!("auth: {{ htpasswd: {{ realm: test, path: {} }} }}", file.display())
    });
    let by_token = Registry::start_with(|folder| signer.registry_config(folder, &service.address));
    for registry in [by_password, by_token].into_iter().flatten() {
        let data = Data::empty();
        let file = text(&component(&data));
        let (key, public) = keygen(&data, "release");
        let host = registry.address.as_str();
        let reference = format!("{host}/team/plugin:1");
        let push = ["plugin", "push", &file, &reference, "--sign-key", &key];
        let bare = data.path().join("bare.toml");
        let allowed = [host, service.address.as_str()];
        std::fs::write(&bare, format!("[egress]\nallow = {allowed:?}\n")).unwrap();
        let denied = data.run(&[&push[..], &["--config", &text(&bare)]].concat()).expect_code(2);
        assert!(denied.stderr.contains("image-registry-denied"), "{}", denied.stderr);
        let config = configure(&data, &public, &allowed, &[host], "");
        data.run(&[&push[..], &["--config", &config]].concat()).expect_code(0);
        data.run(&["plugin", "verify", &reference, "--config", &config]).expect_code(0);
    }
}

#[test]
fn files_are_signed_and_verified_without_any_network() {
    let data = Data::empty();
    let file = component(&data);
    let path = text(&file);
    let ((key, public), (second, _)) = (keygen(&data, "release"), keygen(&data, "second"));
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let again = data.run(&["plugin", "keygen", "--output", key.strip_suffix(".key").unwrap()]).expect_code(2);
    assert!(again.stderr.contains("never written over"), "{}", again.stderr);

    let verify = || data.run(&["plugin", "verify", &path, "--key", &public]);
    expect_refusal(verify(), "plugin-unsigned");
    for key in [&second, &key, &key] {
        data.run(&["plugin", "sign", &path, "--key", key]).expect_code(0);
    }
    verify().expect_code(0);
    let beside = format!("{path}.sig.json");
    let detached: Value = serde_json::from_slice(&std::fs::read(&beside).unwrap()).unwrap();
    let signatures = detached["signatures"].as_array().unwrap();
    assert_eq!(signatures.len(), 2, "signing twice with one key leaves one signature");
    openssl_agrees(&data, &public, &signatures[1]);

    // One signature for the name of another plugin, and a payload that was changed.
    data.run(&["plugin", "sign", &path, "--key", &key, "--as", "org.example.other"]).expect_code(0);
    verify().expect_code(0);
    let mut changed = detached.clone();
    changed["signatures"][1]["payload"] = Value::String(STANDARD.encode("{}"));
    changed["signatures"].as_array_mut().unwrap().remove(0);
    std::fs::write(&beside, changed.to_string()).unwrap();
    expect_refusal(verify(), "plugin-signature-invalid");
    std::fs::write(&beside, "{").unwrap();
    for broken in [verify(), data.run(&["plugin", "sign", &path, "--key", &key])] {
        let broken = broken.expect_code(2);
        assert!(broken.stderr.contains("the code is plugin-signatures-unreadable;"), "{}", broken.stderr);
    }
    std::fs::write(&beside, detached.to_string()).unwrap();
    verify().expect_code(0);

    // The component is built again: the old signatures are not its own, and signing replaces them.
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend([0, 5, 4, b'm', b'o', b'r', b'e']);
    std::fs::write(&file, bytes).unwrap();
    let stale = verify().expect_code(2);
    assert!(stale.stderr.contains("the code is plugin-artifact-invalid;"), "{}", stale.stderr);
    data.run(&["plugin", "sign", &path, "--key", &key]).expect_code(0);
    verify().expect_code(0);
}

/// The signature is one that other programs verify too.
fn openssl_agrees(data: &Data, public: &str, signature: &Value) {
    let write = |name: &str, key: &str| {
        let file = data.path().join(name);
        std::fs::write(&file, STANDARD.decode(signature[key].as_str().unwrap()).unwrap()).unwrap();
        file
    };
    let (payload, signature) = (write("payload", "payload"), write("signature", "signature"));
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256", "-verify", public, "-signature"]).arg(signature).arg(payload);
    match command.output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => println!("skipped: openssl cannot be run: {error}"),
    }
}

#[test]
fn what_is_revoked_is_not_loaded_even_if_the_operator_has_put_it_there() {
    let data = Data::empty();
    let folder = data.path().join("plugins");
    std::fs::create_dir(&folder).unwrap();
    std::fs::rename(component(&data), folder.join("plugin.wasm")).unwrap();
    let scan = |more: &str| {
        let config = data.path().join("palisade.toml");
        std::fs::write(&config, format!("[plugins]\ndirectories = [{:?}]\n{more}\n", text(&folder))).unwrap();
        let target = text(&data.path().join("plugins"));
        data.run(&["scan", "dir", &target, "--format", "json", "--config", &text(&config)])
    };
    scan("").expect_code(0);
    let list = json!({ "plugins": [{ "id": ID, "below": "1.0.0", "reason": "it lies" }] });
    let revoked = scan(&revocations(&data, &list)).expect_code(2);
    assert!(revoked.stderr.contains("it lies"), "{}", revoked.stderr);
    assert!(revoked.stderr.contains("the code is plugin-revoked;"), "{}", revoked.stderr);
}

#[test]
fn an_identity_signs_without_a_key() {
    let Some(registry) = Registry::start() else { return };
    let data = Data::empty();
    let file = text(&component(&data));
    let (key, _) = keygen(&data, "any");
    data.run(&["plugin", "sign", &file, "--key", &key]).expect_code(0);
    let beside = format!("{file}.sig.json");
    let mut detached: Value = serde_json::from_slice(&std::fs::read(&beside).unwrap()).unwrap();
    let payload = STANDARD.decode(detached["signatures"][0]["payload"].as_str().unwrap()).unwrap();
    let sigstore = Sigstore::new();
    let (issuer, subject) = ("https://issuer.example", "release@example.org");
    detached["signatures"] = json!([sigstore.sign(&payload, issuer, subject)]);
    std::fs::write(&beside, detached.to_string()).unwrap();

    let host = registry.address.as_str();
    let configure = |sigstore: &Sigstore, subject: &str| {
        let write = |name: &str, content: String| {
            let file = data.path().join(name);
            std::fs::write(&file, content).unwrap();
            text(&file)
        };
        let (root, log) = (write("root.pem", sigstore.root()), write("log.pub", sigstore.log_key()));
        write(
            "palisade.toml",
            format!(
                "[egress]\nallow = [{host:?}]\n[plugins]\nregistries = [{host:?}]\nidentity-roots = [{root:?}]\n\
                 identity-log = {log:?}\n[plugins.identities.ci]\nissuer = {issuer:?}\nsubject = {subject:?}\n\
                 [[plugins.trust]]\nplugins = \"*\"\nany-of = [\"ci\"]\n"
            ),
        )
    };
    let config = configure(&sigstore, subject);
    let reference = format!("{host}/team/plugin:1");
    data.run(&["plugin", "push", &file, &reference, "--config", &config]).expect_code(0);
    let verify = |target: &str| data.run(&["plugin", "verify", target, "--config", &config]);
    for target in [&file, &reference] {
        let ran = verify(target).expect_code(0);
        assert!(ran.stdout.contains("signed by  ci"), "{}", ran.stdout);
    }
    for config in [("another@example.org", &sigstore), (subject, &Sigstore::new())] {
        configure(config.1, config.0);
        for target in [&file, &reference] {
            expect_refusal(verify(target), "plugin-signer-unknown");
        }
    }
}
