//! A real Postgres server for tests: made in a temporary directory, reached over a socket there, gone with the process.
//!
//! A shell holds the server and waits for the end of its standard input, which is a pipe from this process. However the
//! process ends, the pipe closes, and the shell stops the server and removes the directory.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running server.
pub(crate) struct Server {
    directory: PathBuf,
    // Holds the pipe; see the module's documentation.
    _shell: Child,
}

/// `$1` is the directory of the programs, `$2` the directory to work in, `$3` further settings of the server. Postgres
/// refuses to run as root, so root becomes the user `postgres`, which the package made.
const SCRIPT: &str = r#"
trap '' INT TERM
export PATH="$1:$PATH" LC_ALL=C.UTF-8
if [ "$(id -u)" = 0 ]; then
    chown postgres "$2" && as="setpriv --reuid=postgres --regid=postgres --init-groups"
fi
cd "$2" && {
    $as initdb --no-sync --auth=trust --username=postgres --encoding=UTF8 --locale=C.UTF-8 -D "$2/data" &&
    $as pg_ctl start --wait --timeout=60 -D "$2/data" -l "$2/log" -o "-c listen_addresses='' -k '$2' $3"
} >"$2/setup" 2>&1 </dev/null && echo ready || { echo "failed: $(cat "$2/setup" "$2/log" 2>/dev/null | tail -n 5 | tr '\n' ' ')"; }
cat >/dev/null
$as pg_ctl stop --wait --mode=immediate -D "$2/data" >/dev/null 2>&1 </dev/null
cd / && rm -rf "$2"
"#;

impl Server {
    /// Starts a server, or tells why there is none on this machine. `settings` are passed on its command line.
    ///
    /// # Panics
    /// If the programs are there but the server does not start: that is a broken test, not a missing tool.
    pub(crate) fn start(settings: &str) -> Result<Self, String> {
        let programs = programs().ok_or("no Postgres programs (install postgresql)")?;
        // Short, because the path of a socket may have 107 bytes; readable by the user who runs the server.
        let directory = tempfile::Builder::new().prefix("palisade-pg-").tempdir().unwrap().keep();
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "postgres-for-tests"])
            .args([&programs, &directory])
            .arg(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answer = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut answer).unwrap();
        assert_eq!(answer.trim(), "ready", "Postgres did not start");
        Ok(Self { directory, _shell: shell })
    }

    /// URL of a database of this server.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.directory.display())
    }
}

/// The newest installation in the place where Debian puts them, or whatever the path leads to.
fn programs() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = installed
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, directory)| has_programs(directory))
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|directory| has_programs(directory));
    versions.pop().map(|(_, directory)| directory).or(on_path)
}

fn has_programs(directory: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|program| directory.join(program).is_file())
}
