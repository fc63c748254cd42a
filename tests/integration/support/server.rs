//! `palisade serve` on a free port, over either pair of backends.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{Api, Data, Nats, Postgres, Ran, palisade, run};

/// Store and bus.
pub(crate) enum Backends {
    /// SQLite and the log in the data directory.
    Embedded,
    /// Real servers.
    Servers(Box<(Postgres, Nats)>),
}

impl Backends {
    /// Postgres and NATS, where their programs are on this machine.
    pub(crate) fn servers() -> Option<Self> {
        Some(Self::Servers(Box::new((Postgres::start()?, Nats::start()?))))
    }
}

/// A server that can be killed and started again over the same data.
pub(crate) struct Server {
    config: PathBuf,
    data: PathBuf,
    child: Option<Child>,
    api: Option<Api>,
    /// Where the process runs, and what it is told are its home and its folder for temporary files.
    elsewhere: TempDir,
    environment: Vec<(String, String)>,
}

impl Server {
    /// Prepares a server that may scan everywhere; `start` starts it.
    pub(crate) fn prepare(data: &Data, backends: &Backends, extra: &str) -> Self {
        let mut text = format!("{extra}\n[server]\nscan-roots = [\"/\"]\nworkers = 2\n");
        if let Backends::Servers(servers) = backends {
            let (postgres, nats) = &**servers;
            text += &format!("[store]\nurl = {:?}\n[bus]\nurl = {:?}\n", postgres.url, nats.url);
        }
        let config = data.path().join("palisade.toml");
        std::fs::write(&config, text).unwrap();
        let elsewhere = TempDir::with_prefix("palisade-elsewhere-").unwrap();
        Self {
            config,
            data: data.path().to_owned(),
            child: None,
            api: None,
            elsewhere,
            environment: Vec::new(),
        }
    }

    /// What stands in the environment of the process from its next start on, besides what it inherits.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// A running server over the embedded backends.
    pub(crate) fn embedded(data: &Data) -> Self {
        let mut server = Self::prepare(data, &Backends::Embedded, "");
        server.start();
        server
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(&mut self) {
        let token_file = self.data.join("token");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.data.join("log")).unwrap();
        let mut child = Command::new(palisade())
            .args(["serve", "--announce", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&self.data)
            .arg("--config")
            .arg(&self.config)
            .arg("--token-file")
            .arg(&token_file)
            .current_dir(self.elsewhere.path())
            .env("HOME", self.elsewhere.path())
            .env("TMPDIR", self.elsewhere.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        let url = url.unwrap_or_else(|| panic!("the server did not start: {}", self.log()));
        let token = std::fs::read_to_string(&token_file).unwrap();
        self.api = Some(Api::new(&url, token.trim()));
        self.child = Some(child);
    }

    /// SIGKILL, as by the kernel.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGTERM, and waits for the orderly end.
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// Runs a command of the same binary over the same data and configuration.
    pub(crate) fn manage(&self, arguments: &[&str]) -> Ran {
        let (data, config) = (self.data.display().to_string(), self.config.display().to_string());
        run(&[&["--data-dir", &data, "--config", &config], arguments].concat())
    }

    /// Its API.
    pub(crate) fn api(&self) -> &Api {
        self.api.as_ref().unwrap()
    }

    /// Files that it left outside its data directory, in the places where programs leave such things.
    pub(crate) fn written_elsewhere(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.elsewhere.path()).unwrap();
        entries.flatten().map(|entry| entry.path()).collect()
    }

    /// The most memory it has held so far, in MiB, as the kernel counts it.
    pub(crate) fn peak_mib(&self) -> u64 {
        let pid = self.child.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
