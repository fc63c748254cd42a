//! A NATS server with JetStream on a free port.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::root;

pub(crate) struct Nats {
    child: Child,
    _directory: TempDir,
    pub(crate) url: String,
}

impl Nats {
    /// Starts one; nothing, and a line that says so, where there is no program.
    pub(crate) fn start() -> Option<Self> {
        let program = program()?;
        let directory = TempDir::with_prefix("palisade-nats-").unwrap();
        // The port is free until somebody takes it; the server's own choice cannot be read from outside as simply.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = directory.path().join("nats.conf");
        let store = directory.path().join("store");
        std::fs::write(
            &config,
            format!(
                "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{}\", sync_interval: always }}\n",
                store.display()
            ),
        )
        .unwrap();
        let child = Command::new(program)
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, _directory: directory, url: format!("nats://127.0.0.1:{port}") };
        server.wait(port);
        Some(server)
    }

    fn wait(&mut self, port: u16) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "the NATS server ended");
            assert!(Instant::now() < deadline, "the NATS server does not answer");
            std::thread::yield_now();
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Option<PathBuf> {
    let named = std::env::var_os("PALISADE_NATS_SERVER").map(PathBuf::from);
    let found = named.unwrap_or_else(|| root().join("target/tools/nats-server"));
    if found.exists() {
        return Some(found);
    }
    println!("skipped: no NATS server at {}; `cargo xtask test` puts one there", found.display());
    None
}
