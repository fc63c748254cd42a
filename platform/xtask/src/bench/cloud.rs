//! `cargo xtask bench cloud`: a whole process over an imitation of AWS with made-up resources and planted faults.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::scan::measure_once;
use crate::build::binary;
use crate::{guests, prepare};

/// Resources of the account.
const RESOURCES: u32 = 2_000;
/// Most requests, as a multiple of the fewest possible.
const REQUESTS_RATIO: f64 = 1.2;
/// Most memory of the process at its peak, in MiB.
const MEMORY_MIB: f64 = 512.0;
/// How long the server may take to answer.
const START: Duration = Duration::from_secs(60);

/// Collects and judges the account once, and compares with what is asked. `--binary` names a binary that is built already.
pub(crate) fn cloud(root: &Path, arguments: &[&str]) -> Result<()> {
    let moto = prepare::moto(root)?;
    let palisade = match arguments {
        [] => {
            prepare::for_building()?;
            guests::build(None)?;
            binary(root)?
        }
        ["--binary", file] => PathBuf::from(file),
        _ => bail!("usage: cargo xtask bench cloud [--binary FILE]"),
    };
    let work = root.join("target/bench-cloud");
    std::fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    let server = Moto::start(&root.join("tests/moto"), &moto, &work)?;
    let account = server.populate()?;
    let before = server.requests()?;
    let scan = scan(&palisade, &work, &server.address)?;
    let requests = server.requests()? - before;
    let report: Value = serde_json::from_slice(&std::fs::read(work.join("report.json"))?)?;
    println!("{} with moto at {}", palisade.display(), server.address);
    tell(&account, &report, requests, &scan)
}

/// Prints a line for each thing that is asked, and fails where one is not so.
fn tell(account: &Value, report: &Value, requests: u64, scan: &Value) -> Result<()> {
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let planted = list(account, "/planted");
    let missed: Vec<&Value> = planted.iter().filter(|fault| !is_found(report, fault)).collect();
    let (least, peak) = (number(account, "least_requests"), number(scan, "kib") / 1024.0);
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^52 requests")]
    let ratio = requests as f64 / least;
    println!(
        "{} resources: wall {:.1} s / CPU {:.1} s; {} findings, {} gaps",
        number(account, "resources"),
        number(scan, "wall"),
        number(scan, "cpu"),
        list(report, "/findings").len(),
        list(report, "/coverage/gaps").len()
    );
    for gap in list(report, "/coverage/gaps") {
        let word = |key: &str| gap.get(key).and_then(Value::as_str).unwrap_or_default();
        println!("  gap: {}: {}", word("subject"), word("reason"));
    }
    for fault in &missed {
        println!("  not found: {fault}");
    }
    let verdicts = [
        (
            format!(
                "planted faults: {} of {} found; asked: all",
                planted.len() - missed.len(),
                planted.len()
            ),
            missed.is_empty(),
        ),
        (
            format!(
                "requests: {requests}, {ratio:.3} of the least possible {least}; asked: {REQUESTS_RATIO} at most"
            ),
            ratio <= REQUESTS_RATIO,
        ),
        (format!("peak memory: {peak:.0} MiB; asked: under {MEMORY_MIB} MiB"), peak < MEMORY_MIB),
    ];
    for (line, holds) in &verdicts {
        println!("{line}: {}", if *holds { "met" } else { "NOT MET" });
    }
    ensure!(verdicts.iter().all(|(_, holds)| *holds), "not everything that is asked is met");
    Ok(())
}

/// Whether the rule that has to find a fault has found it at its resource.
fn is_found(report: &Value, fault: &Value) -> bool {
    let word =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let rule = word(fault, "/rule").map(|rule| format!("palisade.cloud-posture/{rule}"));
    let arn = word(fault, "/arn");
    let same = |finding: &Value| word(finding, "/rule") == rule && word(finding, "/evidence/0/path") == arn;
    list(report, "/findings").iter().any(same)
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// One scan of the account, with its plugins compiled before.
fn scan(palisade: &Path, work: &Path, address: &str) -> Result<Value> {
    let data = work.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data).with_context(|| format!("cannot clear {}", data.display()))?;
    }
    let credentials = work.join("credentials");
    std::fs::write(
        &credentials,
        "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = example\n",
    )?;
    let config = work.join("palisade.toml");
    let text = format!(
        "[plugins.secrets.aws]\nfile = {:?}\ninject = \"aws-sigv4\"\nhosts = [\"{address}\"]\n\
         [accounts.bench]\nplugin = \"palisade.cloud-aws\"\nendpoint = \"http://{address}\"\n\
         settings = {{ account = \"123456789012\", regions = [\"eu-west-1\"] }}\n",
        credentials.display().to_string()
    );
    std::fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
    let command = |words: &[&str]| -> Vec<String> {
        let own = [palisade, Path::new("--data-dir"), &data, Path::new("--config"), &config];
        let own = own.iter().map(|word| word.display().to_string());
        own.chain(words.iter().map(|word| (*word).to_owned())).collect()
    };
    // Plugins are compiled at their first use, by processes of their own, which is no part of a scan.
    measure_once(&command(&["compliance", "frameworks"]))?;
    let report = work.join("report.json").display().to_string();
    measure_once(&command(&["scan", "account", "bench", "--format", "json", "--output", &report]))
}

/// A moto server of this run's own.
struct Moto {
    child: Child,
    python: PathBuf,
    scripts: PathBuf,
    log: PathBuf,
    address: String,
}

impl Moto {
    fn start(scripts: &Path, tools: &Path, work: &Path) -> Result<Self> {
        // The port is free until somebody takes it, which the server is the next to do.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (python, log) = (tools.join("python"), work.join("moto.log"));
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = Command::new(&python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .context("cannot start moto")?;
        let address = format!("127.0.0.1:{port}");
        let mut server = Self { child, python, scripts: scripts.to_owned(), log, address };
        let deadline = Instant::now() + START;
        while TcpStream::connect(&server.address).is_err() {
            ensure!(server.child.try_wait()?.is_none(), "moto ended; see {}", server.log.display());
            ensure!(Instant::now() < deadline, "moto does not answer; see {}", server.log.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Makes the account, and gives what was planted in it.
    fn populate(&self) -> Result<Value> {
        let endpoint = format!("http://{}", self.address);
        self.script("populate.py", &["--endpoint", &endpoint, "--resources", &RESOURCES.to_string()])
    }

    /// How many requests it has answered.
    fn requests(&self) -> Result<u64> {
        let counted = self.script("count.py", &[&self.log.display().to_string()])?;
        counted.get("requests").and_then(Value::as_u64).context("count.py counted nothing")
    }

    fn script(&self, name: &str, arguments: &[&str]) -> Result<Value> {
        let output = Command::new(&self.python)
            .arg(self.scripts.join(name))
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {name}"))?;
        ensure!(output.status.success(), "{name} failed: {}", output.status);
        serde_json::from_slice(&output.stdout).with_context(|| format!("cannot read what {name} printed"))
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // Gone already where it failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
