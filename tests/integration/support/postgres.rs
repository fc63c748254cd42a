//! A Postgres server of its own data directory on a free port.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) struct Postgres {
    child: Child,
    directory: TempDir,
    programs: PathBuf,
    port: u16,
    pub(crate) url: String,
}

impl Postgres {
    /// Starts one; nothing, and a line that says so, where there are no programs.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: no Postgres programs (initdb, postgres) on this machine");
            return None;
        };
        let directory = TempDir::with_prefix("palisade-postgres-").unwrap();
        own(directory.path());
        let data = directory.path().join("data");
        let made = as_server_user(&programs.join("initdb"))
            .args(["--auth=trust", "--username=palisade", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = run(&programs, &directory, port);
        let url = format!("postgres://palisade@127.0.0.1:{port}/postgres");
        let mut server = Self { child, directory, programs, port, url };
        server.wait();
        Some(server)
    }

    /// Ends it without a shutdown, as a crash does, and starts it again over what it has left.
    pub(crate) fn restart(&mut self) {
        self.quit();
        self.child = run(&self.programs, &self.directory, self.port);
        self.wait();
    }

    /// SIGQUIT is the server's own immediate stop: its children go with it.
    fn quit(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        let _ = self.child.wait();
    }

    fn wait(&mut self) {
        let is_ready = self.programs.join("pg_isready");
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let port = self.port.to_string();
            let asked =
                Command::new(&is_ready).args(["-q", "-h", "127.0.0.1", "-p", &port]).status().unwrap();
            if asked.success() {
                return;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "the Postgres server ended");
            assert!(Instant::now() < deadline, "the Postgres server does not answer");
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.quit();
    }
}

fn run(programs: &Path, directory: &TempDir, port: u16) -> Child {
    as_server_user(&programs.join("postgres"))
        .arg("-D")
        .arg(directory.path().join("data"))
        .args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("port={port}")])
        .args(["-c", &format!("unix_socket_directories={}", directory.path().display())])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The folder of the programs, the newest of Debian's.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let newest = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max()?;
    let folder = PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin"));
    folder.join("initdb").exists().then_some(folder)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Postgres refuses to run as root; Debian's package has made a user for it.
fn as_server_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    command
}

fn own(directory: &Path) {
    if is_root() {
        let done = Command::new("chown").arg("postgres:postgres").arg(directory).status().unwrap();
        assert!(done.success(), "cannot hand the directory to the user postgres");
    }
}
