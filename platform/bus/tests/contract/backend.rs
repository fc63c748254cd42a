//! Somewhere to run the contract: a directory, or a nats-server of our own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use bus::{Bus, Consumer, EmbeddedOptions, JetStreamOptions};
use tempfile::TempDir;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) bytes_max: u64,
    pub(crate) dedupe_window: Duration,
}

const USUAL: Limits = Limits { bytes_max: 64 << 20, dedupe_window: Duration::from_secs(120) };

pub(crate) struct Backend {
    dir: TempDir,
    server: Option<Server>,
}

struct Server {
    program: PathBuf,
    /// The port the first start was given; later ones must be the same.
    port: Mutex<u16>,
    process: Mutex<Option<Child>>,
}

impl Backend {
    pub(crate) fn embedded() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), server: None }
    }

    /// `None`, with a visible line, where there is no nats-server.
    pub(crate) fn jetstream() -> Option<Self> {
        let Some(program) = find_server() else {
            eprintln!("skipped: JetStream contract (no nats-server 2.12 or newer; set PALISADE_NATS_SERVER)");
            return None;
        };
        let server = Server { program, port: Mutex::new(0), process: Mutex::new(None) };
        let backend = Self { dir: tempfile::tempdir().unwrap(), server: Some(server) };
        backend.start_server();
        Some(backend)
    }

    pub(crate) async fn open(&self) -> Bus {
        self.open_with(USUAL).await
    }

    pub(crate) async fn open_with(&self, limits: Limits) -> Bus {
        let Limits { bytes_max, dedupe_window } = limits;
        match &self.server {
            None => {
                let options =
                    EmbeddedOptions { bytes_max, dedupe_window, segment_bytes: (bytes_max / 16).max(1024) };
                Bus::embedded_with(&self.dir.path().join("bus"), options).await.unwrap()
            }
            Some(server) => {
                let options = JetStreamOptions { bytes_max, dedupe_window, ..JetStreamOptions::new("test") };
                Bus::jetstream(&server.url(), options).await.unwrap()
            }
        }
    }

    pub(crate) async fn open_installation(&self, name: &str) -> Bus {
        let server = self.server.as_ref().unwrap();
        Bus::jetstream(&server.url(), JetStreamOptions::new(name)).await.unwrap()
    }

    /// Closes everything, restarts the server if there is one, and opens again.
    pub(crate) async fn reopen(&self, bus: Bus, consumer: Consumer) -> Bus {
        drop((bus, consumer));
        if self.server.is_some() {
            self.stop_server();
            self.start_server();
        }
        self.open().await
    }

    /// Asks the server to end in order.
    pub(crate) fn stop_server(&self) {
        let server = self.server.as_ref().unwrap();
        if let Some(mut process) = server.process.lock().unwrap().take() {
            let signal = format!("term={}", process.id());
            let asked = Command::new(&server.program).arg("--signal").arg(signal).output().unwrap();
            assert!(asked.status.success(), "{asked:?}");
            process.wait().unwrap();
        }
    }

    /// Kills the server without warning.
    pub(crate) fn kill_server(&self) {
        let server = self.server.as_ref().unwrap();
        if let Some(mut process) = server.process.lock().unwrap().take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts the server and waits until it says that it is ready.
    pub(crate) fn start_server(&self) {
        let server = self.server.as_ref().unwrap();
        let mut port = server.port.lock().unwrap();
        let listen = if *port == 0 { "-1".to_owned() } else { port.to_string() };
        let config = self.dir.path().join("nats.conf");
        let store = self.dir.path().join("jetstream");
        let text = format!(
            "listen: \"127.0.0.1:{listen}\"\njetstream {{ store_dir: {store:?}, sync_interval: always }}\n"
        );
        std::fs::write(&config, text).unwrap();
        let mut process = Command::new(&server.program)
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = String::new();
        for line in lines.by_ref().map_while(Result::ok) {
            if let Some((_, address)) = line.split_once("Listening for client connections on ") {
                *port = address.rsplit_once(':').unwrap().1.trim().parse().unwrap();
            }
            said.push_str(&line);
            said.push('\n');
            if line.contains("Server is ready") {
                break;
            }
        }
        assert!(said.contains("Server is ready"), "nats-server did not start:\n{said}");
        // The pipe must stay empty, or the server would wait on it.
        std::thread::spawn(move || lines.for_each(drop));
        *server.process.lock().unwrap() = Some(process);
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.kill_server();
        }
    }
}

impl Server {
    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port.lock().unwrap())
    }
}

/// `PALISADE_NATS_SERVER`, else one on the path that is new enough, else the one that `cargo xtask` installs.
fn find_server() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("PALISADE_NATS_SERVER") {
        let path = PathBuf::from(path);
        assert!(
            is_new_enough(&path),
            "PALISADE_NATS_SERVER={} is no nats-server 2.12 or newer",
            path.display()
        );
        return Some(path);
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let candidates = [PathBuf::from("nats-server"), workspace.join("target/tools/nats-server")];
    candidates.into_iter().find(|path| is_new_enough(path))
}

fn is_new_enough(program: &Path) -> bool {
    let Ok(output) = Command::new(program).arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.rsplit_once('v').map(|(_, version)| version.trim()).unwrap_or_default();
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) >= (2, 12)
}
