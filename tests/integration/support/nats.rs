//! A NATS server with JetStream on a free port.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::root;

pub(crate) struct Nats {
    child: Child,
    directory: TempDir,
    program: PathBuf,
    port: u16,
    pub(crate) url: String,
}

impl Nats {
    /// Starts one that writes to its disk before it answers; nothing, and a line that says so, where there is no program.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("sync_interval: always")
    }

    /// Starts one with these settings of JetStream.
    pub(crate) fn start_with(settings: &str) -> Option<Self> {
        let program = program()?;
        let directory = TempDir::with_prefix("palisade-nats-").unwrap();
        // The port is free until somebody takes it; the server's own choice cannot be read from outside as simply.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = directory.path().join("nats.conf");
        let store = directory.path().join("store");
        std::fs::write(
            &config,
            format!(
                "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{}\", {settings} }}\n",
                store.display()
            ),
        )
        .unwrap();
        let child = run(&program, &directory);
        let mut server = Self { child, directory, program, port, url: format!("nats://127.0.0.1:{port}") };
        server.wait();
        Some(server)
    }

    /// Kills it as the kernel would, and starts it again over what it has left.
    pub(crate) fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = run(&self.program, &self.directory);
        self.wait();
    }

    /// Publishes a message and gives the answer to it: of JetStream where a stream has the subject, or where it is one of its orders.
    pub(crate) fn request(&self, subject: &str, body: &str) -> String {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", self.port)).unwrap());
        let order = format!(
            "CONNECT {{\"verbose\":false}}\r\nSUB answer 1\r\nPUB {subject} answer {}\r\n{body}\r\nPING\r\n",
            body.len()
        );
        stream.get_mut().write_all(order.as_bytes()).unwrap();
        let mut line = String::new();
        loop {
            line.clear();
            assert!(stream.read_line(&mut line).unwrap() > 0, "the NATS server hung up");
            assert!(!line.starts_with("-ERR"), "{line}");
            if let Some(head) = line.strip_prefix("MSG ") {
                let length: usize = head.trim().rsplit(' ').next().unwrap().parse().unwrap();
                let mut answer = vec![0; length];
                stream.read_exact(&mut answer).unwrap();
                return String::from_utf8(answer).unwrap();
            }
        }
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
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

fn run(program: &Path, directory: &TempDir) -> Child {
    let mut command = Command::new(program);
    command.arg("-c").arg(directory.path().join("nats.conf"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
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
