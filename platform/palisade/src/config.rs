//! The configuration file, with a default for everything, so that there need not be one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::cli::{ClusterSource, Global};

mod plugins;
mod respond;
mod sign_in;

pub(crate) use self::respond::{Destination, DestinationKind, Mode as RespondMode, Respond};
pub(crate) use self::sign_in::SignIn;
pub(crate) use plugins::{Plugins, Secret, revocations};

/// Everything that can be configured. Keys that are not listed here are refused, so that a typing error is not a silent default.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Config {
    /// Where everything is kept; `--data-dir` wins.
    data_dir: Option<PathBuf>,
    /// API and web page.
    pub(crate) server: Server,
    /// The truth.
    pub(crate) store: Store,
    /// Work that must survive a crash.
    pub(crate) bus: Bus,
    /// What may be reached.
    pub(crate) egress: Egress,
    /// Where advisories come from.
    pub(crate) advisories: Advisories,
    /// How scans are made.
    pub(crate) scan: Scan,
    /// Plugins beside the built-in ones, and whom to believe about them.
    pub(crate) plugins: Plugins,
    /// What audits are given.
    pub(crate) evidence: Evidence,
    /// Clusters with an API server, by a name for people.
    pub(crate) clusters: BTreeMap<String, Cluster>,
    /// Accounts of clouds, by a name for people.
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Policies of the operator's own.
    pub(crate) policies: Policies,
    /// What admission requests are answered by.
    pub(crate) admission: Admission,
    /// Events of run time.
    pub(crate) events: Events,
    /// Responses to incidents.
    pub(crate) respond: Respond,
    /// What is asked of people about findings.
    pub(crate) findings: Findings,
    /// How people sign in, beside tokens.
    pub(crate) sign_in: Option<SignIn>,
}

/// What is asked of people about findings.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Findings {
    /// Days within which a finding of a severity has to be gone, from when it was first seen. By default 15 for critical and 30 for high, as
    /// CISA's Binding Operational Directive 19-02 has it; an empty table sets no end.
    sla_days: Option<BTreeMap<model::Severity, u32>>,
}

impl Findings {
    /// When findings are due.
    pub(crate) fn sla(&self) -> api::Sla {
        let usual = || vec![(model::Severity::Critical, 15), (model::Severity::High, 30)];
        api::Sla(
            self.sla_days
                .as_ref()
                .map_or_else(usual, |days| days.iter().map(|(severity, days)| (*severity, *days)).collect()),
        )
    }
}

/// Events of run time: how they are judged and kept.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Events {
    /// Rules of the operator's own beside the built-in packs: files, and folders of files, in Sigma's or Falco's language.
    pub(crate) rules: Vec<PathBuf>,
    /// Seconds that an event of a sensor or a cluster may come later than its successors and still be put in order; 10 by default. Rules
    /// over single events do not wait for it.
    pub(crate) lateness_seconds: Option<u64>,
    /// Days that events are kept which no detection names; 7 by default.
    pub(crate) keep_days: Option<u32>,
    /// MiB of one source that may wait to be judged before its sender is asked to wait; 64 by default.
    pub(crate) backlog_mib: Option<u32>,
    /// Sources whose events are fetched from a stream of NATS, by the source's name.
    pub(crate) nats: BTreeMap<String, Tapped>,
}

/// Where the events of a source are fetched from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Tapped {
    /// The stream, which has to exist.
    pub(crate) stream: String,
    /// Which of its messages: a subject, maybe with wildcards.
    pub(crate) subject: String,
    /// The server and who we are to it; by default those of `bus`.
    pub(crate) server: Option<Bus>,
}

impl Events {
    /// How much later than its successors an event may come.
    pub(crate) fn lateness_seconds(&self) -> u64 {
        self.lateness_seconds.unwrap_or(10).clamp(1, 3_600)
    }

    /// How long events are kept.
    pub(crate) fn kept(&self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_hours(i64::from(self.keep_days.unwrap_or(7).max(1)) * 24)
    }

    /// Bytes of a source that may wait.
    pub(crate) fn backlog_bytes(&self) -> u64 {
        u64::from(self.backlog_mib.unwrap_or(64).max(1)) << 20
    }
}

/// What admission requests are answered by.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Admission {
    /// Namespaces in which nothing is refused or changed, besides the webhook's own.
    pub(crate) exempt_namespaces: Vec<String>,
    /// Milliseconds for a judgement at most; 4,000 by default. Where the API server waits less, that counts.
    pub(crate) deadline_ms: Option<u64>,
    /// How policies are enforced that `policies` does not name.
    pub(crate) usual: Enforcement,
    /// How single policies are enforced, by name.
    pub(crate) policies: BTreeMap<String, Enforcement>,
    /// What images have to be like, by their newest scan; without it images are not looked at.
    pub(crate) images: Option<Images>,
}

/// How a policy is enforced.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Enforcement {
    /// What becomes of a request that violates it.
    pub(crate) mode: PolicyMode,
    /// Refuse a request where the policy could not be asked.
    pub(crate) fail_closed: bool,
}

/// What becomes of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PolicyMode {
    /// The request is refused.
    #[default]
    Enforce,
    /// The request passes, and its user is told.
    Warn,
    /// The request passes, and the audit log of the cluster says what would have been.
    DryRun,
    /// The policy is not asked: for one of the same files that only scans can judge.
    Off,
}

/// What images have to be like.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Images {
    /// Most critical findings; none by default.
    pub(crate) critical_max: u64,
    /// Most findings of severity high; none by default.
    pub(crate) high_max: u64,
    /// What becomes of an image that was never scanned, or that is named by a tag alone.
    pub(crate) unknown: Unknown,
}

/// What becomes of what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unknown {
    /// It passes.
    Allow,
    /// It passes, and the user is told.
    #[default]
    Warn,
    /// It is refused.
    Refuse,
}

/// A cluster with an API server.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Cluster {
    /// The kubeconfig; without it as `kubectl` finds it, and in a pod the pod's service account.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; its current one without it.
    pub(crate) context: Option<String>,
    /// Use the service account of the pod that this runs in.
    pub(crate) in_cluster: bool,
    /// Namespaces to look into where kinds may not be listed in all of them.
    pub(crate) namespaces: Vec<String>,
    /// Leave the images alone that its pods run; otherwise each is scanned once.
    pub(crate) no_images: bool,
    /// Watch it and judge what changes as it changes, without being asked. Needs the right to watch what may be listed, and keeps the
    /// cluster in memory; so it is off unless somebody wants it.
    pub(crate) follow: bool,
    /// Minutes after which a followed cluster that has changed is assessed as a whole again, which adds one record to the chain of evidence;
    /// 30 by default.
    pub(crate) assess_minutes: Option<u64>,
    /// Let responses change it. Needs the rights of `platform/cluster/responder-role.yaml`.
    pub(crate) respond: bool,
    /// The kubeconfig of credentials that may change it; the one above without it.
    pub(crate) respond_kubeconfig: Option<PathBuf>,
    /// The context of credentials that may change it; the one above without it.
    pub(crate) respond_context: Option<String>,
}

impl Cluster {
    /// How long whole assessments of a followed cluster are apart.
    pub(crate) fn assess_every(&self) -> Duration {
        Duration::from_secs(self.assess_minutes.unwrap_or(30).saturating_mul(60))
    }

    /// As the command line says it.
    pub(crate) fn source(&self, name: &str) -> ClusterSource {
        ClusterSource {
            from: Vec::new(),
            context: self.context.clone(),
            kubeconfig: self.kubeconfig.clone(),
            in_cluster: self.in_cluster,
            namespaces: self.namespaces.clone(),
            cluster: name.to_owned(),
        }
    }
}

/// An account of a cloud.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Account {
    /// Id of the plugin that collects it, such as `palisade.cloud-aws`.
    pub(crate) plugin: String,
    /// Where every request of the plugin goes instead of to the cloud: scheme, host and port of a private endpoint, or of an imitation such
    /// as LocalStack or moto. It may have any address and speak plain http, because it is named here; the plugin reaches nothing else.
    #[serde(default)]
    pub(crate) endpoint: Option<String>,
    /// Configuration of that plugin: regions, services, the name of the secret to sign with.
    #[serde(default)]
    pub(crate) settings: serde_json::Map<String, serde_json::Value>,
}

impl Account {
    /// The one place that its plugin may reach, where one is named.
    pub(crate) fn endpoint(&self) -> Result<Option<egress::Origin>> {
        Ok(self.endpoint.as_deref().map(egress::Origin::parse).transpose()?)
    }
}

/// Policies of the operator's own, in Rego or CEL, as Gatekeeper templates or as ValidatingAdmissionPolicies.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Policies {
    /// Files, and folders of files that end in .rego, .yaml, .yml or .json.
    pub(crate) paths: Vec<PathBuf>,
}

/// What audits are given.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Evidence {
    /// Key that evidence packs are signed with, as `palisade plugin keygen` makes one. Without it, `evidence.key` in the data directory,
    /// which is made on first use.
    pub(crate) key_file: Option<PathBuf>,
}

/// API and web page.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Server {
    /// Address to listen on.
    pub(crate) listen: SocketAddr,
    /// Directories below which the API may be asked to scan; none by default.
    pub(crate) scan_roots: Vec<PathBuf>,
    /// Scans at the same time.
    pub(crate) workers: usize,
    /// Browsers reach the page through TLS, which a proxy in front ends: cookies are for TLS alone, and browsers are told to insist on it.
    pub(crate) https: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8717)),
            scan_roots: Vec::new(),
            workers: 2,
            https: false,
        }
    }
}

/// The truth.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Store {
    /// `postgres://…`; without it, SQLite in the data directory.
    pub(crate) url: Option<String>,
}

/// Work that must survive a crash.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Bus {
    /// `nats://…`; without it, a log in the data directory.
    pub(crate) url: Option<String>,
    /// MiB of messages at which new ones are refused; 1,024 by default.
    pub(crate) limit_mib: Option<u32>,
    /// Copies of each message in a NATS cluster: 1, 3 or 5; 1 by default.
    pub(crate) replicas: Option<usize>,
    /// Certificate authorities to trust besides the built-in ones, as a PEM file.
    pub(crate) tls_ca: Option<PathBuf>,
    /// Client certificate, as a PEM file; goes with `tls-key`.
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Key of the client certificate, as a PEM file.
    pub(crate) tls_key: Option<PathBuf>,
    /// Refuse a connection without TLS.
    pub(crate) tls_required: bool,
    /// A `.creds` file of NATS.
    pub(crate) credentials: Option<PathBuf>,
    /// A file that holds a token for NATS. Secrets are never in this file itself.
    pub(crate) token_file: Option<PathBuf>,
}

impl Bus {
    /// Options of the embedded log.
    pub(crate) fn embedded(&self) -> bus::EmbeddedOptions {
        let usual = bus::EmbeddedOptions::default();
        bus::EmbeddedOptions { bytes_max: self.bytes_max().unwrap_or(usual.bytes_max), ..usual }
    }

    /// Options of the connection to NATS.
    pub(crate) fn jetstream(&self) -> Result<bus::JetStreamOptions> {
        let usual = bus::JetStreamOptions::new("main");
        let tls_client = match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            _ => bail!("bus.tls-certificate and bus.tls-key go together; one of them is missing"),
        };
        Ok(bus::JetStreamOptions {
            bytes_max: self.bytes_max().unwrap_or(usual.bytes_max),
            replicas: self.replicas.unwrap_or(usual.replicas),
            tls_ca: self.tls_ca.clone(),
            tls_client,
            tls_required: self.tls_required,
            credentials: self.nats_credentials()?,
            ..usual
        })
    }

    fn nats_credentials(&self) -> Result<Option<bus::Credentials>> {
        match (&self.credentials, &self.token_file) {
            (None, None) => Ok(None),
            (Some(file), None) => Ok(Some(bus::Credentials::File(file.clone()))),
            (None, Some(file)) => {
                let token = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read bus.token-file {}", file.display()))?;
                Ok(Some(bus::Credentials::Token(token.trim().to_owned())))
            }
            (Some(_), Some(_)) => {
                bail!("bus.credentials and bus.token-file exclude each other; keep one of them")
            }
        }
    }

    fn bytes_max(&self) -> Option<u64> {
        self.limit_mib.map(|mib| u64::from(mib) << 20)
    }
}

/// What may be reached besides public addresses over https.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Egress {
    /// Hosts (`registry.internal`, `127.0.0.1:5000`) and networks (`10.1.0.0/16`) that may be private or speak plain http.
    pub(crate) allow: Vec<String>,
    /// A `config.json` as `docker login` writes it, for registry credentials. None is read unless named here.
    pub(crate) registry_credentials: Option<PathBuf>,
    /// Seconds to find, connect to and greet a server; 10 by default.
    pub(crate) connect_seconds: Option<u64>,
    /// Seconds of silence after which an answer is given up; 30 by default.
    pub(crate) silence_seconds: Option<u64>,
}

impl Egress {
    /// The rules of the one way out.
    pub(crate) fn policy(&self) -> Result<egress::Policy> {
        let allow = self.allow.iter().map(|rule| egress::AllowRule::parse(rule));
        let allow =
            allow.collect::<Result<Vec<_>, _>>().context("cannot use egress.allow of the configuration")?;
        let usual = egress::Policy::default();
        Ok(egress::Policy {
            allow,
            connect_timeout: self.connect_seconds.map_or(usual.connect_timeout, Duration::from_secs),
            read_timeout: self.silence_seconds.map_or(usual.read_timeout, Duration::from_secs),
            ..usual
        })
    }
}

/// Where advisories come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Advisories {
    /// A bucket laid out like the public OSV one.
    pub(crate) url: String,
    /// Ecosystems to fetch.
    pub(crate) ecosystems: Vec<String>,
    /// CISA's catalogue of known exploited vulnerabilities.
    pub(crate) kev_url: Option<String>,
    /// FIRST's exploit prediction scores.
    pub(crate) epss_url: Option<String>,
}

impl Default for Advisories {
    fn default() -> Self {
        Self {
            url: "https://osv-vulnerabilities.storage.googleapis.com".to_owned(),
            ecosystems: advisories::library::ECOSYSTEMS.map(str::to_owned).to_vec(),
            kev_url: Some(
                "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
                    .to_owned(),
            ),
            epss_url: Some("https://epss.empiricalsecurity.com/epss_scores-current.csv.gz".to_owned()),
        }
    }
}

/// How scans are made.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Scan {
    /// Layers read at the same time; one per processor by default.
    pub(crate) threads: Option<usize>,
    /// Globs of paths that scans of directories pass over.
    pub(crate) exclude: Vec<String>,
    /// Entries of one layer or directory that are looked at; 5,000,000 by default.
    pub(crate) entries: Option<u64>,
    /// GiB that one layer may unpack to; 16 by default.
    pub(crate) layer_gib: Option<u64>,
    /// Unpacked bytes for each packed byte that are believed; 200 by default.
    pub(crate) ratio: Option<u64>,
    /// Seconds for one layer; 900 by default.
    pub(crate) layer_seconds: Option<u64>,
}

impl Scan {
    /// Caps on what one image may cost.
    pub(crate) fn limits(&self) -> image::Limits {
        let usual = image::Limits::default();
        image::Limits {
            entries: self.entries.unwrap_or(usual.entries),
            layer_bytes: self.layer_gib.map_or(usual.layer_bytes, |gib| gib.saturating_mul(1 << 30)),
            ratio: self.ratio.unwrap_or(usual.ratio),
            layer_time: self.layer_seconds.map_or(usual.layer_time, Duration::from_secs),
            ..usual
        }
    }
}

impl Config {
    /// The data directory.
    pub(crate) fn data_dir(&self) -> &Path {
        // `load` has put one there.
        self.data_dir.as_deref().unwrap_or(Path::new(".palisade"))
    }

    /// Layers to read at the same time: as asked, else as configured, else one per processor.
    pub(crate) fn threads(&self, asked: Option<usize>) -> usize {
        asked
            .or(self.scan.threads)
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
            .max(1)
    }
}

/// Reads the configuration file, if one is named, and settles the data directory.
pub(crate) fn load(global: &Global) -> Result<Config> {
    let mut config = match &global.config {
        None => Config::default(),
        Some(path) => {
            read(path).with_context(|| format!("cannot use the configuration file {}", path.display()))?
        }
    };
    check(&config)?;
    config.data_dir = Some(match global.data_dir.clone().or(config.data_dir.take()) {
        Some(path) => path,
        None => default_data_dir()?,
    });
    Ok(config)
}

/// A figure of nothing switches its part off without saying so, which nobody means.
fn check(config: &Config) -> Result<()> {
    let (egress, scan) = (&config.egress, &config.scan);
    let figures = [
        ("server.workers", Some(config.server.workers as u64)),
        ("bus.limit-mib", config.bus.limit_mib.map(u64::from)),
        ("egress.connect-seconds", egress.connect_seconds),
        ("egress.silence-seconds", egress.silence_seconds),
        ("scan.threads", scan.threads.map(|threads| threads as u64)),
        ("scan.entries", scan.entries),
        ("scan.layer-gib", scan.layer_gib),
        ("scan.ratio", scan.ratio),
        ("scan.layer-seconds", scan.layer_seconds),
    ];
    for (key, figure) in figures {
        ensure!(figure != Some(0), "{key} of the configuration must be at least 1");
    }
    config.respond.check()?;
    for (name, account) in &config.accounts {
        account.endpoint().with_context(|| format!("cannot use accounts.{name}.endpoint"))?;
        ensure!(
            account.endpoint.is_none() || !account.settings.contains_key("endpoint"),
            "accounts.{name} names an endpoint twice, itself and in its settings; keep the first"
        );
    }
    for (name, cluster) in &config.clusters {
        ensure!(
            cluster.assess_minutes != Some(0),
            "clusters.{name}.assess-minutes of the configuration must be at least 1"
        );
        ensure!(
            cluster.respond || (cluster.respond_kubeconfig.is_none() && cluster.respond_context.is_none()),
            "clusters.{name} names credentials for responses, and does not say respond = true"
        );
    }
    Ok(())
}

fn read(path: &Path) -> Result<Config> {
    let text = std::fs::read_to_string(path)?;
    Ok(toml::from_str(&text)?)
}

fn default_data_dir() -> Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(data) = absolute("XDG_DATA_HOME") {
        return Ok(data.join("palisade"));
    }
    let home =
        absolute("HOME").context("neither --data-dir, XDG_DATA_HOME nor HOME says where to keep data")?;
    Ok(home.join(".local/share/palisade"))
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn an_empty_file_is_the_default_and_an_unknown_key_is_refused_by_name() {
        let config: Config = toml::from_str("").unwrap();
        assert_eq!(config.server.listen.port(), 8717);
        let error = toml::from_str::<Config>("[server]\nlisten-on = \"x\"").unwrap_err();
        assert!(error.to_string().contains("listen-on"), "{error}");
    }

    #[test]
    fn figures_reach_what_they_speak_of_and_nothing_is_refused_by_name() {
        let config: Config = toml::from_str(
            "[bus]\nlimit-mib = 64\n[egress]\nsilence-seconds = 2\n[scan]\nlayer-gib = 1\nratio = 50",
        )
        .unwrap();
        assert_eq!(config.bus.embedded().bytes_max, 64 << 20);
        assert_eq!(config.bus.jetstream().unwrap().bytes_max, 64 << 20);
        assert_eq!(config.egress.policy().unwrap().read_timeout.as_secs(), 2);
        assert_eq!((config.scan.limits().layer_bytes, config.scan.limits().ratio), (1 << 30, 50));
        super::check(&config).unwrap();
        let followed: Config =
            toml::from_str("[clusters.a]\n[clusters.b]\nfollow = true\nassess-minutes = 5").unwrap();
        assert!(!followed.clusters["a"].follow && followed.clusters["b"].follow);
        assert_eq!(followed.clusters["a"].assess_every().as_secs(), 1_800);
        assert_eq!(followed.clusters["b"].assess_every().as_secs(), 300);
        let zero: Config = toml::from_str("[clusters.a]\nassess-minutes = 0").unwrap();
        assert!(super::check(&zero).unwrap_err().to_string().contains("clusters.a.assess-minutes"));
        let zero: Config = toml::from_str("[scan]\nratio = 0").unwrap();
        assert!(super::check(&zero).unwrap_err().to_string().contains("scan.ratio"));
    }

    #[test]
    fn an_endpoint_of_an_account_is_one_origin_and_named_once() {
        let read = |text: &str| {
            toml::from_str::<Config>(&format!("[accounts.test]\nplugin = \"a.b\"\n{text}")).unwrap()
        };
        super::check(&read("")).unwrap();
        super::check(&read("endpoint = \"http://127.0.0.1:4566\"")).unwrap();
        for (text, word) in [
            ("endpoint = \"127.0.0.1:4566\"", "accounts.test.endpoint"),
            ("endpoint = \"http://127.0.0.1:4566/path\"", "accounts.test.endpoint"),
            ("endpoint = \"http://a.example\"\nsettings = { endpoint = \"http://b.example\" }", "twice"),
        ] {
            let error = super::check(&read(text)).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn half_of_a_pair_and_both_of_a_choice_are_refused() {
        for text in ["tls-key = \"k\"", "credentials = \"a\"\ntoken-file = \"b\""] {
            let config: Config = toml::from_str(&format!("[bus]\n{text}")).unwrap();
            assert!(config.bus.jetstream().is_err(), "{text}");
        }
    }
}
