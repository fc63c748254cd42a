//! A `palisade serve` of our own, started and stopped by a chore.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::http::Api;

/// A running server; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    /// Where it answers.
    pub(crate) url: String,
    /// A token that it accepts.
    pub(crate) token: String,
    /// Its API.
    pub(crate) api: Api,
}

impl Server {
    /// Starts the server on `listen` with its data in `data`, and waits until it has said where it listens. Scans of directories
    /// pass over `exclude`.
    pub(crate) fn start(binary: &Path, data: &Path, listen: &str, exclude: &[&str]) -> Result<Self> {
        Self::start_with(binary, data, listen, exclude, "")
    }

    /// The same with more configuration.
    pub(crate) fn start_with(
        binary: &Path,
        data: &Path,
        listen: &str,
        exclude: &[&str],
        more: &str,
    ) -> Result<Self> {
        std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
        let config = data.join("up.toml");
        // The server of this command belongs to whoever runs it, and so may look at what they can look at.
        let text = format!("[server]\nscan-roots = [\"/\"]\n[scan]\nexclude = {exclude:?}\n{more}");
        std::fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
        let token_file = data.join("token");
        let mut child = Command::new(binary)
            .args(["serve", "--announce", "--listen", listen, "--data-dir"])
            .arg(data)
            .arg("--config")
            .arg(&config)
            .arg("--token-file")
            .arg(&token_file)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let output = child.stdout.take().context("the server has no output")?;
        let mut lines = BufReader::new(output).lines();
        let announced = lines.find_map(|line| line.ok()?.strip_prefix("listening on ").map(str::to_owned));
        let Some(url) = announced else {
            let status = child.wait().context("cannot wait for the server")?;
            bail!("the server ended before it listened: {status}");
        };
        // Whatever else it prints is for people.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| println!("{line}")));
        let token = std::fs::read_to_string(&token_file)
            .with_context(|| format!("cannot read the token from {}", token_file.display()))?
            .trim()
            .to_owned();
        let api = Api::new(&url, &token)?;
        Ok(Self { child, url, token, api })
    }

    /// Waits until the server ends, which it does when the terminal's interrupt reaches it too.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.child.wait().map(|_| ()).context("cannot wait for the server")
    }

    /// Submits a scan and follows it to its end.
    pub(crate) fn scan(&self, kind: &str, reference: &str, limit: Duration) -> Result<Value> {
        let submitted = self.api.post("/api/v1/scans", &json!({ "kind": kind, "reference": reference }))?;
        let id = submitted.get("id").and_then(Value::as_str).context("the scan has no id")?.to_owned();
        let deadline = Instant::now() + limit;
        loop {
            let scan = self.api.get(&format!("/api/v1/scans/{id}"))?;
            match scan.get("state").and_then(Value::as_str) {
                Some("finished") => return Ok(scan),
                Some("failed") => bail!("{}", scan.pointer("/error/message").unwrap_or(&Value::Null)),
                _ if Instant::now() > deadline => bail!("the scan of {reference} took longer than {limit:?}"),
                _ => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone after `wait`; otherwise there is nobody left who would stop it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
