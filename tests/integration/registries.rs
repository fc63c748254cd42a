//! Registries that want to know who asks, and registries that misbehave.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::layout::{Layout, Tar};
use crate::support::tokens::Signer;
use crate::support::web::{Reply, Web};
use crate::support::{Data, Ran, Registry};

const USER: &str = "reader";
const PASSWORD: &str = "correct horse";
/// `htpasswd -nbB reader 'correct horse'`.
const HTPASSWD: &str = "reader:$2y$05$K56FEyPXLUqztb0u2Yxqb.4irtMMQ2CrcA/QeKK3OP13JTg9U9c9e";

fn basic(password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{USER}:{password}")))
}

fn image() -> Layout {
    Layout::plain(&Tar::default().vulnerable_package().end())
}

/// The hosts that a password is entered for, and the password.
type Login<'a> = (&'a [&'a str], &'a str);

/// Scans with short patience, exceptions for these addresses, and a password for some hosts.
fn scan(data: &Data, reference: &str, allowed: &[&str], login: Option<Login<'_>>) -> Ran {
    let mut text = format!("[egress]\nallow = {allowed:?}\nconnect-seconds = 2\nsilence-seconds = 2\n");
    if let Some((hosts, password)) = login {
        let file = data.path().join("docker.json");
        let auth = json!({ "auth": STANDARD.encode(format!("{USER}:{password}")) });
        let auths: serde_json::Map<_, _> =
            hosts.iter().map(|host| ((*host).to_owned(), auth.clone())).collect();
        std::fs::write(&file, json!({ "auths": auths }).to_string()).unwrap();
        text += &format!("registry-credentials = {:?}\n", file.display().to_string());
    }
    let config = data.path().join("scan.toml");
    std::fs::write(&config, text).unwrap();
    let config = config.display().to_string();
    data.run(&["scan", "image", reference, "--format", "json", "--no-cache", "--config", &config])
}

#[track_caller]
fn expect_failure(ran: Ran, code: &str) {
    let ran = ran.expect_code(2);
    assert!(ran.stderr.contains(&format!("the code is {code};")), "{}", ran.stderr);
    assert!(!ran.stderr.contains(PASSWORD), "{}", ran.stderr);
}

#[test]
fn a_registry_with_basic_credentials() {
    let started = Registry::start_with(|folder| {
        let file = folder.join("htpasswd");
        std::fs::write(&file, HTPASSWD).unwrap();
        format!("auth: {{ htpasswd: {{ realm: test, path: {} }} }}", file.display())
    });
    let Some(registry) = started else { return };
    let (data, layout) = (Data::with_sample(), image());
    let reference = registry.push_as(layout.path(), "team/app", &basic(PASSWORD));
    let host = registry.address.as_str();
    let scan = |login: Option<Login<'_>>| scan(&data, &reference, &[host], login);
    expect_failure(scan(None), "image-registry-denied");
    expect_failure(scan(Some((&[host], "wrong"))), "image-registry-denied");
    expect_failure(scan(Some((&["elsewhere.example"], PASSWORD))), "image-registry-denied");
    let direct = data.run(&["scan", "image", &layout.reference(), "--format", "json"]).expect_code(0);
    assert_eq!(scan(Some((&[host], PASSWORD))).expect_code(0).stdout, direct.stdout);
}

#[test]
fn a_registry_with_a_token_service() {
    let signer = Signer::new();
    let service = signer.serve(basic(PASSWORD));
    let started = Registry::start_with(|folder| signer.registry_config(folder, &service.address));
    let Some(registry) = started else { return };
    let (data, layout) = (Data::with_sample(), image());
    let push = |name: &str| registry.push_as(layout.path(), name, &signer.bearer(name, &["pull", "push"]));
    let (public, private) = (push("public/app"), push("private/app"));
    let host = registry.address.as_str();
    let allowed = [host, service.address.as_str()];
    let direct = data.run(&["scan", "image", &layout.reference(), "--format", "json"]).expect_code(0);
    assert_eq!(scan(&data, &public, &allowed, None).expect_code(0).stdout, direct.stdout);
    expect_failure(scan(&data, &private, &allowed, None), "image-registry-denied");
    let private = |login: Login<'_>| scan(&data, &private, &allowed, Some(login));
    expect_failure(private((&allowed, "wrong")), "image-registry-denied");
    // The service listens elsewhere, so it gets what was entered for it, and not what was entered for the registry.
    expect_failure(private((&[host], PASSWORD)), "image-registry-denied");
    assert_eq!(private((&allowed, PASSWORD)).expect_code(0).stdout, direct.stdout);
}

#[test]
fn registries_that_hang_refuse_or_fail_end_in_an_error_that_says_so() {
    let status = |status: u16| Web::start(move |_| Reply::Answer(status, Vec::new(), Vec::new()));
    let table = [
        (Web::start(|_| Reply::Silence), "egress-timeout"),
        (status(429), "image-registry-busy"),
        (status(500), "image-registry-busy"),
        (status(418), "image-registry-answer"),
        (Web::start(|_| Reply::Answer(200, Vec::new(), b"{".repeat(6 << 20))), "image-format-invalid"),
    ];
    for (web, code) in table {
        let began = Instant::now();
        let reference = format!("{}/team/app:1", web.address);
        expect_failure(scan(Data::shared(), &reference, &[&web.address], None), code);
        assert!(began.elapsed() < Duration::from_secs(60), "{code}: {:?}", began.elapsed());
    }
}

#[test]
fn a_redirect_to_a_private_address_is_refused_and_credentials_stay_at_home() {
    let inner = Web::start(|_| Reply::Answer(200, Vec::new(), b"secret".to_vec()));
    let target = format!("http://{}/v2/team/app/manifests/1", inner.address);
    let outer = Web::start(move |_| Reply::Answer(307, vec![("location", target.clone())], Vec::new()));
    let reference = format!("{}/team/app:1", outer.address);
    let data = Data::with_sample();
    let home = [outer.address.as_str()];
    let login = Some((&home[..], PASSWORD));
    expect_failure(scan(&data, &reference, &[&outer.address], login), "egress-blocked");
    assert!(inner.asked().is_empty(), "{:?}", inner.asked());
    // Where the operator allows the other host too, the request goes there, and the credentials still do not.
    scan(&data, &reference, &[&outer.address, &inner.address], login).expect_code(2);
    assert!(!inner.asked().is_empty());
    assert!(inner.asked().iter().all(|asked| asked.authorization.is_none()), "{:?}", inner.asked());
}
