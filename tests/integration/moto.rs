//! Accounts of a cloud through the sandbox: a whole scan of an imitation of AWS, and where an account's plugin can go.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::web::{Reply, Web};
use crate::support::{Backends, Data, Moto, Server, guest};

const CREDENTIALS: &str = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = example\n";

/// Writes a configuration into a data directory, and gives the words that name it.
fn configured(data: &Data, text: &str) -> String {
    let path = data.path().join("palisade.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// The account of `populate.py`, collected from this address.
fn account(data: &Data, address: &str) -> String {
    let credentials = data.path().join("credentials");
    std::fs::write(&credentials, CREDENTIALS).unwrap();
    format!(
        "[plugins.secrets.aws]\nfile = \"{}\"\ninject = \"aws-sigv4\"\nhosts = [\"{address}\"]\n\
         [accounts.test]\nplugin = \"palisade.cloud-aws\"\nendpoint = \"http://{address}\"\n\
         settings = {{ account = \"123456789012\", regions = [\"eu-west-1\"] }}\n",
        credentials.display()
    )
}

/// Rule and resource of every finding.
fn found(report: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|one| (text(&one["rule"]), text(&one["evidence"][0]["path"]))).collect()
}

/// What this version of moto does not serve, and the checks that cannot be done without it.
const UNSERVED: [&str; 9] = [
    "arn:aws:account::123456789012:region/eu-west-1!/palisade.cloud-posture/ami-block-public-access",
    "arn:aws:account::123456789012:region/eu-west-1!/palisade.cloud-posture/ebs-snapshot-block-public-access",
    "arn:aws:account::123456789012:region/eu-west-1!/palisade.cloud-posture/iam-access-analyzer",
    "arn:aws:iam::123456789012:root!/palisade.cloud-posture/iam-root-recent-use",
    "aws:account:region eu-west-1 GetImageBlockPublicAccessState",
    "aws:account:region eu-west-1 GetInstanceMetadataDefaults",
    "aws:account:region eu-west-1 GetSnapshotBlockPublicAccessState",
    "aws:account:region eu-west-1 ListAnalyzers",
    "aws:iam:account global GetCredentialReport",
];

/// What the gaps are about, sorted.
fn subjects(report: &Value) -> Vec<String> {
    let gaps = report["coverage"]["gaps"].as_array().unwrap().iter();
    let mut subjects: Vec<String> = gaps.map(|gap| gap["subject"].as_str().unwrap().to_owned()).collect();
    subjects.sort();
    subjects
}

fn gaps(report: &Value) -> Vec<String> {
    let gaps = report["coverage"]["gaps"].as_array().unwrap().iter();
    gaps.map(|gap| format!("{}: {}", gap["subject"].as_str().unwrap(), gap["reason"].as_str().unwrap()))
        .collect()
}

#[test]
fn every_planted_fault_of_an_account_is_found_through_the_sandbox() {
    let Some(moto) = Moto::start() else { return };
    let planted = moto.populate(200);
    let before = moto.requests();
    let data = Data::empty();
    let config = configured(&data, &account(&data, &moto.address));
    let scan = |more: &[&str]| {
        data.run(&[&["--config", &config, "scan", "account", "test", "--format", "json"], more].concat())
    };
    let report = scan(&[]).expect_code(0).json();
    let requests = moto.requests() - before;
    let found = found(&report);
    let faults = planted["planted"].as_array().unwrap();
    assert!(faults.len() > 80, "{}", faults.len());
    for fault in faults {
        let rule = format!("palisade.cloud-posture/{}", fault["rule"].as_str().unwrap());
        let arn = fault["arn"].as_str().unwrap().to_owned();
        assert!(found.contains(&(rule, arn)), "{fault} was not found; gaps: {:#?}", gaps(&report));
    }
    assert_eq!(subjects(&report), UNSERVED);
    let least = planted["least_requests"].as_u64().unwrap();
    assert!(requests * 10 <= least * 12, "{requests} requests, and {least} would do");
    scan(&["--fail-on", "critical"]).expect_code(1);

    // What left the machine is in the log, each ask once with how often it came.
    let log = data
        .run(&["--config", &config, "plugin", "versions", "palisade.cloud-aws", "--log", "1000"])
        .expect_code(0)
        .stdout;
    let sent = format!("plugin-allowed  http: POST {}/ with the secret aws, ", moto.address);
    assert!(log.lines().any(|line| line.contains(&sent) && line.contains("for the account test")), "{log}");
    assert!(!log.contains("plugin-denied"), "{log}");
}

/// An installation whose one plugin asks every place of its configuration, and may send to all of them but for the endpoint of the account.
struct Elsewhere {
    _data: Data,
    own: Web,
    beside: TcpListener,
    server: Server,
}

impl Elsewhere {
    fn new() -> Self {
        let own = Web::start(|_| Reply::Answer(200, Vec::new(), b"{}".to_vec()));
        // Listens, and would be connected to by whoever came.
        let beside = TcpListener::bind("127.0.0.1:0").unwrap();
        beside.set_nonblocking(true).unwrap();
        let next = beside.local_addr().unwrap().to_string();
        let data = Data::empty();
        let component = data.path().join("elsewhere.wasm");
        std::fs::write(&component, guest("http-elsewhere")).unwrap();
        let secret = data.path().join("secret");
        std::fs::write(&secret, "made-up").unwrap();
        let port = own.address.rsplit(':').next().unwrap();
        let elsewhere = [
            format!("http://{next}"),
            format!("https://{}", own.address),
            format!("http://localhost:{port}"),
            "https://example.org".to_owned(),
        ];
        // The way out is wide open, and so are the rights below: what is refused is refused because of the endpoint.
        let config = format!(
            "[egress]\nallow = [\"127.0.0.1\", \"localhost\"]\n[[plugins.trust]]\nplugins = \"hostile.*\"\nunsigned = true\n\
             [plugins.secrets.elsewhere]\nfile = \"{}\"\ninject = \"bearer\"\nhosts = [\"{}\", \"{next}\", \"localhost:{port}\"]\n\
             [accounts.one]\nplugin = \"hostile.http-elsewhere\"\nendpoint = \"http://{}\"\n\
             settings = {{ elsewhere = {elsewhere:?} }}\n",
            secret.display(),
            own.address,
            own.address
        );
        let server = Server::prepare(&data, &Backends::Embedded, &config);
        server.manage(&["plugin", "install", &component.display().to_string()]).expect_code(0);
        let hosts = [own.address.clone(), next, format!("localhost:{port}"), "example.org".to_owned()];
        let mut grant = vec!["plugin".to_owned(), "grant".to_owned(), "hostile.http-elsewhere".to_owned()];
        grant.extend(hosts.iter().map(|host| format!("http GET {host}/**")));
        grant.extend(hosts.iter().map(|host| format!("secret elsewhere to {host}")));
        server.manage(&grant.iter().map(String::as_str).collect::<Vec<_>>()).expect_code(0);
        Self { _data: data, own, beside, server }
    }

    fn nobody_came_beside(&self) {
        assert_eq!(self.beside.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }

    fn log(&self) -> String {
        self.server
            .manage(&["plugin", "versions", "hostile.http-elsewhere", "--log", "1000"])
            .expect_code(0)
            .stdout
    }
}

#[test]
fn an_endpoint_is_the_one_place_that_an_account_reaches() {
    let mut all = Elsewhere::new();
    let report = all.server.manage(&["scan", "account", "one", "--format", "json"]).expect_code(0).json();
    let gaps = gaps(&report);
    assert_eq!(gaps.len(), 5, "{gaps:#?}");
    let endpoint = format!("http://{}: status 200: asked", all.own.address);
    for gap in &gaps {
        assert!(*gap == endpoint || gap.ends_with(": denied: asked"), "{gaps:#?}");
    }
    let asked = all.own.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(
        (asked[0].target.as_str(), asked[0].authorization.as_deref()),
        ("/asked", Some("Bearer made-up"))
    );
    all.nobody_came_beside();

    // The log has what was sent and what was refused, of a command and of the service.
    let told = |log: &str, action: &str, place: &str| {
        let of = |line: &&str| {
            line.contains(action) && line.contains(place) && line.contains("for the account one")
        };
        log.lines().filter(of).count()
    };
    let (next, own) = (all.beside.local_addr().unwrap().to_string(), all.own.address.clone());
    let log = all.log();
    assert_eq!(
        told(&log, "plugin-allowed", &format!("GET {own}/asked with the secret elsewhere")),
        1,
        "{log}"
    );
    assert_eq!(told(&log, "plugin-denied", &format!("GET {next}/asked")), 1, "{log}");
    assert_eq!(told(&log, "plugin-denied", "GET example.org/asked"), 1, "{log}");
    all.server.start();
    let scan = all.server.api().scan("account", "one");
    assert_eq!(scan["state"], "finished", "{scan}");
    let log = all.log();
    assert_eq!(
        told(&log, "plugin-allowed", &format!("GET {own}/asked with the secret elsewhere")),
        2,
        "{log}"
    );
    assert_eq!(told(&log, "plugin-denied", &format!("GET {next}/asked")), 2, "{log}");
    all.nobody_came_beside();
    assert_eq!(all.own.asked().len(), 2);
}

#[test]
fn a_loopback_address_that_is_no_endpoint_stays_refused() {
    let beside = TcpListener::bind("127.0.0.1:0").unwrap();
    beside.set_nonblocking(true).unwrap();
    let address = beside.local_addr().unwrap().to_string();
    let data = Data::empty();
    // In the settings it is a wish of the plugin, and no word of the operator about what may be reached.
    let text = account(&data, &address).replace(&format!("endpoint = \"http://{address}\"\n"), "");
    let text = text.replace("regions =", &format!("endpoint = \"http://{address}\", regions ="));
    let config = configured(&data, &text);
    let words = ["--config", &config, "scan", "account", "test", "--format", "json", "--strict"];
    let report = data.run(&words).expect_code(3).json();
    assert_eq!(report["findings"], json!([]));
    let gaps = gaps(&report);
    assert!(gaps.iter().any(|gap| gap.contains("not granted")), "{gaps:#?}");
    assert_eq!(beside.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}
