//! The configuration file, with a default for everything, so that there need not be one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::cli::Global;

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
    /// Plugins beside the built-in ones.
    pub(crate) plugins: Plugins,
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
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8717)), scan_roots: Vec::new(), workers: 2 }
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
}

/// What may be reached besides public addresses over https.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Egress {
    /// Hosts (`registry.internal`, `127.0.0.1:5000`) and networks (`10.1.0.0/16`) that may be private or speak plain http.
    pub(crate) allow: Vec<String>,
    /// A `config.json` as `docker login` writes it, for registry credentials. None is read unless named here.
    pub(crate) registry_credentials: Option<PathBuf>,
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
}

/// Plugins beside the built-in ones.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Plugins {
    /// Directories whose `*.wasm` files are loaded as plugins.
    pub(crate) directories: Vec<PathBuf>,
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
    if config.server.workers == 0 || config.scan.threads == Some(0) {
        bail!("server.workers and scan.threads must be at least 1");
    }
    config.data_dir = Some(match global.data_dir.clone().or(config.data_dir.take()) {
        Some(path) => path,
        None => default_data_dir()?,
    });
    Ok(config)
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
}
