//! An imitation of AWS: a server of PyPI `moto` on a free port, and the made-up account of `tests/moto/populate.py` in it.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::root;

pub(crate) struct Moto {
    child: Child,
    python: PathBuf,
    directory: TempDir,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
}

impl Moto {
    /// Starts one; nothing, and a line that says so, where Python has no moto. In CI it has to be there.
    pub(crate) fn start() -> Option<Self> {
        let python = python()?;
        let directory = TempDir::with_prefix("palisade-moto-").unwrap();
        // The port is free until somebody takes it; the server's own choice cannot be read from outside as simply.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = File::create(directory.path().join("log")).unwrap();
        let child = Command::new(&python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { child, python, directory, address: format!("127.0.0.1:{port}") };
        server.wait();
        Some(server)
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(&self.address).is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "moto ended");
            assert!(Instant::now() < deadline, "moto does not answer");
            std::thread::yield_now();
        }
    }

    /// Makes an account of about so many resources, and gives what is wrong with it.
    pub(crate) fn populate(&self, resources: u32) -> Value {
        let endpoint = format!("http://{}", self.address);
        self.script("populate.py", &["--endpoint", &endpoint, "--resources", &resources.to_string()])
    }

    /// How many requests it has answered.
    pub(crate) fn requests(&self) -> u64 {
        let log = self.directory.path().join("log").display().to_string();
        self.script("count.py", &[&log])["requests"].as_u64().unwrap()
    }

    fn script(&self, name: &str, arguments: &[&str]) -> Value {
        let script = root().join("tests/moto").join(name);
        let output = Command::new(&self.python).arg(script).args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.is_empty(), "{name}: {told}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Python with moto.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("PALISADE_MOTO").map(PathBuf::from);
    let found = named.unwrap_or_else(|| root().join("target/tools/moto")).join("python");
    if found.exists() {
        return Some(found);
    }
    assert!(std::env::var_os("CI").is_none(), "no moto at {}", found.display());
    println!("skipped: no moto at {}; `cargo xtask test` puts one there", found.display());
    None
}
