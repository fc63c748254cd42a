//! `cargo xtask helm`: whether the chart renders what it says, and whether that is safe.
//!
//! Every set of values under `ci/` is linted, rendered twice, compared with its snapshot, validated against the schemas of Kubernetes and
//! scanned by Palisade itself; the configuration in it is read by the binary that will read it. Every set under `bad/` has to be refused.
//! What is under `helm/deploy/` is checked beside it, and so are the boards and alerts that the chart brings.

mod deploy;
mod documented;
mod monitoring;
mod tools;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use self::tools::Tools;
use crate::toolchain::run;

/// Name and namespace of the release that is rendered.
const RELEASE: &str = "palisade";
/// The version of Kubernetes that is rendered for; `Chart.yaml` names the oldest.
const RENDERED_FOR: &str = "1.34.0";
/// Roles of the repository that the chart gives.
const ROLES: [&str; 2] = ["collector-role.yaml", "responder-role.yaml"];

/// Checks the chart; `update` writes the snapshots and the table of values first.
///
/// # Errors
/// Something is not as it should be; the message names the file.
pub(crate) fn run_all(root: &Path, update: bool) -> Result<()> {
    let chart = root.join("helm/palisade");
    documented::check(&chart, update)?;
    roles(root, &chart)?;
    monitoring::check(root, &chart)?;
    let binary = binary(root)?;
    let work = root.join("target/helm-test");
    let _ = std::fs::remove_dir_all(work.join("rendered"));
    std::fs::create_dir_all(work.join("rendered"))
        .with_context(|| format!("cannot make {}", work.display()))?;
    deploy::check(root, &binary, &work)?;
    let Some(tools) = tools::provide(root)? else { return Ok(()) };
    let cases = values(&chart.join("ci"))?;
    ensure!(cases.len() >= 12, "helm/palisade/ci has {} sets of values; 12 are the least", cases.len());
    for case in &cases {
        let check = Case {
            tools: &tools,
            chart: &chart,
            file: case,
            name: name(case)?,
            work: &work,
            binary: &binary,
        };
        check
            .run(&root.join("helm/snapshots"), update)
            .with_context(|| format!("helm/palisade/ci/{}", check.name))?;
    }
    snapshots_have_values(root, &cases)?;
    let versions = validated(&tools, &work.join("rendered"))?;
    let refused = values(&root.join("helm/bad"))?;
    for file in &refused {
        is_refused(&tools, &chart, file)?;
    }
    println!(
        "helm: {} sets of values rendered, validated for Kubernetes {versions}, scanned; {} bad ones refused",
        cases.len(),
        refused.len()
    );
    Ok(())
}

/// The program `helm`, for other tests that render charts; nothing where it cannot be had.
///
/// # Errors
/// The folder of tools cannot be made.
pub(crate) fn program(root: &Path) -> Result<Option<PathBuf>> {
    Ok(tools::provide(root)?.map(Tools::program))
}

/// One set of values.
struct Case<'a> {
    tools: &'a Tools,
    chart: &'a Path,
    file: &'a Path,
    name: String,
    work: &'a Path,
    binary: &'a Path,
}

impl Case<'_> {
    fn run(&self, snapshots: &Path, update: bool) -> Result<()> {
        let mut lint = self.tools.helm();
        lint.args(["lint", "--strict", "--quiet", "--namespace", RELEASE]);
        lint.args(["--kube-version", RENDERED_FOR, "--values"]).arg(self.file).arg(self.chart);
        told(&mut lint)?;
        let rendered = render(self.tools, self.chart, self.file)?;
        ensure!(rendered == render(self.tools, self.chart, self.file)?, "rendered twice, it is not the same");
        self.compare(&snapshots.join(format!("{}.yaml", self.name)), &rendered, update)?;
        write(&self.work.join(format!("rendered/{}.yaml", self.name)), &rendered)?;
        let objects = objects(&rendered)?;
        self.configuration(&objects)?;
        self.scan(&objects)
    }

    fn compare(&self, snapshot: &Path, rendered: &str, update: bool) -> Result<()> {
        if update {
            return write(snapshot, rendered);
        }
        let kept = std::fs::read_to_string(snapshot).with_context(|| {
            format!("cannot read {}; `cargo xtask helm --update` writes it", snapshot.display())
        })?;
        if kept == rendered {
            return Ok(());
        }
        let line = kept.lines().zip(rendered.lines()).take_while(|(old, new)| old == new).count();
        let shown = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_owned();
        bail!(
            "it differs from {} in line {}: {:?} was {:?}; look at the change, then `cargo xtask helm --update`",
            snapshot.display(),
            line + 1,
            shown(rendered),
            shown(&kept)
        )
    }

    /// There is one configuration, and the binary understands it.
    fn configuration(&self, objects: &[Value]) -> Result<()> {
        let texts: Vec<&str> =
            objects.iter().filter_map(|object| object.pointer("/data/palisade.toml")?.as_str()).collect();
        let [text] = texts.as_slice() else {
            bail!("{} objects have a palisade.toml; one should", texts.len())
        };
        let file = self.work.join(format!("{}.toml", self.name));
        write(&file, text)?;
        read_by(self.binary, &file)
    }

    /// Nothing above `low`, but exactly what the values say that they want.
    fn scan(&self, objects: &[Value]) -> Result<()> {
        let file = self.work.join(format!("{}.json", self.name));
        write(&file, &json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string())?;
        let mut scan = Command::new(self.binary);
        scan.arg("--data-dir")
            .arg(self.work.join("data"))
            .args(["scan", "k8s", "--format", "json", "--from"]);
        let output = told(scan.arg(&file))?;
        let report: Value =
            serde_json::from_slice(&output.stdout).context("the report of the scan is no JSON")?;
        let findings =
            report.get("findings").and_then(Value::as_array).context("the report has no findings")?;
        let text = |finding: &Value, key: &str| {
            finding.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let serious =
            findings.iter().filter(|finding| !matches!(text(finding, "severity").as_str(), "low" | "info"));
        let mut found = BTreeSet::new();
        let wanted = self.wanted()?;
        for finding in serious {
            let rule = text(finding, "rule");
            let rule = rule.rsplit('/').next().unwrap_or_default().to_owned();
            ensure!(
                wanted.contains(&rule),
                "{} {rule}: {}",
                text(finding, "severity"),
                text(finding, "title")
            );
            found.insert(rule);
        }
        let stale: Vec<&String> = wanted.difference(&found).collect();
        ensure!(stale.is_empty(), "the values say that {stale:?} is found, and it is not");
        Ok(())
    }

    /// Rules that the values say they violate: `# finds: RULE (why)`.
    fn wanted(&self) -> Result<BTreeSet<String>> {
        let said = marks(self.file, "# finds: ")?;
        Ok(said.iter().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
    }
}

/// What the chart makes of values.
fn render(tools: &Tools, chart: &Path, file: &Path) -> Result<String> {
    let output = told(template(tools, chart).arg("--values").arg(file))?;
    String::from_utf8(output.stdout).context("what was rendered is not UTF-8")
}

fn template(tools: &Tools, chart: &Path) -> Command {
    let mut helm = tools.helm();
    helm.args(["template", RELEASE]).arg(chart).args([
        "--namespace",
        RELEASE,
        "--kube-version",
        RENDERED_FOR,
    ]);
    helm
}

/// The objects of rendered text.
fn objects(rendered: &str) -> Result<Vec<Value>> {
    let documents =
        yaml::read(rendered.as_bytes(), &yaml::Budget::default()).context("what was rendered is no YAML")?;
    for document in &documents {
        ensure!(document.duplicates.is_empty(), "keys stand twice: {}", document.duplicates.join(", "));
    }
    Ok(documents.into_iter().map(|document| document.value).collect())
}

/// Validates everything that was rendered for every version of Kubernetes that the chart allows and the validator knows.
fn validated(tools: &Tools, rendered: &Path) -> Result<String> {
    let versions = tools.kubernetes_versions()?;
    let files = values(rendered)?;
    for version in &versions {
        let mut validate = tools.validate();
        validate.args(["--strict", "--quiet", "--no-warn", "--kubernetes-version", version]).args(&files);
        told(&mut validate)
            .with_context(|| format!("what was rendered is not valid for Kubernetes {version}"))?;
    }
    match versions.as_slice() {
        [first, .., last] => Ok(format!("{first} to {last}")),
        _ => bail!("the validator knows fewer than two versions of Kubernetes that the chart allows"),
    }
}

/// Values that must not render, and that say by `# refused: TEXT` what Helm has to say about them.
fn is_refused(tools: &Tools, chart: &Path, file: &Path) -> Result<()> {
    let said = marks(file, "# refused: ")?;
    ensure!(!said.is_empty(), "{} does not say what it is refused for", file.display());
    let output = template(tools, chart).arg("--values").arg(file).output().context("cannot start helm")?;
    let answer = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success(), "{} renders, and must be refused", file.display());
    for text in said {
        ensure!(answer.contains(&text), "{} is refused without {text:?}: {answer}", file.display());
    }
    Ok(())
}

/// Rest of the comment lines of a file that begin like this.
fn marks(file: &Path, beginning: &str) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text.lines().filter_map(|line| line.strip_prefix(beginning)).map(str::to_owned).collect())
}

/// A chart cannot reach files outside of it, so it has copies of the roles, and they are the same.
fn roles(root: &Path, chart: &Path) -> Result<()> {
    for role in ROLES {
        let read =
            |path: PathBuf| std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()));
        let (ours, copy) =
            (read(root.join("platform/cluster").join(role))?, read(chart.join("files").join(role))?);
        ensure!(ours == copy, "helm/palisade/files/{role} is not platform/cluster/{role}; copy it");
    }
    Ok(())
}

fn snapshots_have_values(root: &Path, cases: &[PathBuf]) -> Result<()> {
    let names = cases.iter().map(|case| name(case)).collect::<Result<BTreeSet<_>>>()?;
    for snapshot in values(&root.join("helm/snapshots"))? {
        let stem = snapshot.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        ensure!(names.contains(stem), "{} has no values any more; delete it", snapshot.display());
    }
    Ok(())
}

/// The YAML files of a folder, in order.
fn values(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    Ok(files)
}

/// `servers` of `servers-values.yaml`.
fn name(case: &Path) -> Result<String> {
    let stem = case.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.strip_suffix("-values"));
    stem.map(str::to_owned).with_context(|| format!("{} should be called NAME-values.yaml", case.display()))
}

/// The binary reads its configuration strictly before it does anything else.
fn read_by(binary: &Path, configuration: &Path) -> Result<()> {
    let mut explain = Command::new(binary);
    explain.args(["explain", "store-unreachable", "--config"]).arg(configuration);
    told(&mut explain)
        .with_context(|| format!("the binary refuses the configuration {}", configuration.display()))?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Runs a command quietly; a failure says what it said.
fn told(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    ensure!(
        output.status.success(),
        "{command:?} failed: {}\n{}",
        said(&output.stderr),
        said(&output.stdout)
    );
    Ok(output)
}

/// The binary to scan with: the one of `PALISADE_BINARY`, else the one that the tests leave, else the one that people run.
fn binary(root: &Path) -> Result<PathBuf> {
    let named = std::env::var_os("PALISADE_BINARY").map(PathBuf::from);
    let built = ["target/debug/palisade", "target/release/palisade"].map(|path| root.join(path));
    named
        .into_iter()
        .chain(built)
        .find(|path| path.is_file())
        .context("there is no palisade to scan the chart with; `cargo build --package palisade`, or name one by PALISADE_BINARY")
}
