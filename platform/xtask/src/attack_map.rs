//! Which techniques of MITRE ATT&CK the shipped rules detect. `cargo xtask attack-map` replays the tests beside the rules and writes
//! `plugins/ATTACK.json` and `plugins/ATTACK.md`; `cargo xtask check` tells when rules or tests have changed since.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use attack::{Cell, Coverage, Map, Platform, Standing, of_tag, standing};
use sha2::{Digest as _, Sha256};

const FOLDERS: [&str; 2] = ["plugins/sigma/rules", "plugins/falco-rules/rules"];
const JSON: &str = "plugins/ATTACK.json";
const TABLE: &str = "plugins/ATTACK.md";

/// Techniques that no shipped rule is for, each with why.
const LEFT_OUT: [(&str, &str); 10] = [
    ("T1048", "what leaves over another protocol is seen in flows of the network, which are not read"),
    (
        "T1049",
        "lists of connections are made inside of machines, and the calls that describe networks are daily work",
    ),
    ("T1211", "an exploit of a means of defence leaves no event of its own in an audit log"),
    (
        "T1498.002",
        "the sender of a reflected flood is not the account that suffers it, and flows of the network are not read",
    ),
    ("T1499.003", "seen in logs of the application, which differ from one to the next"),
    ("T1499.004", "seen in logs of the application, which differ from one to the next"),
    ("T1538", "what is looked at in a console is the same call as that of a tool"),
    ("T1606.001", "a cookie that somebody forged is valid to the service, and looks like any other"),
    ("T1614", "lists of regions are read by every tool at its start"),
    ("T1680", "lists of volumes are read by every tool of operation"),
];

/// Replays the tests with the binary of `PALISADE_BINARY`, or the one that was built, and writes both files.
///
/// # Errors
/// Tests that fail, techniques that ATT&CK does not have, a binary that cannot be run, or files that cannot be written.
pub(crate) fn write(root: &Path) -> Result<()> {
    let binary = std::env::var_os("PALISADE_BINARY").map(PathBuf::from);
    let binary = binary.unwrap_or_else(|| root.join("target/release/palisade"));
    let mut command = Command::new(&binary);
    command.current_dir(root).args(["attack-map", "--without-built-in", "--print", "json"]);
    for folder in FOLDERS {
        command.args(["--rules", folder]);
    }
    let output = command.output().with_context(|| format!("cannot run {}", binary.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.stdout.is_empty(), "{} attack-map: {}", binary.display(), said.trim());
    let mut map: Map = serde_json::from_slice(&output.stdout).context("cannot read the map")?;
    map.made_of = made_of(root)?;
    if let Some(failed) = map.rules.iter().find(|rule| rule.failed > 0) {
        bail!("{}: tests of {} fail; run `palisade rules test`", failed.file, failed.rule);
    }
    let mut wrong = Vec::new();
    names(&map, &mut wrong);
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    std::fs::write(root.join(JSON), json(&map)?).with_context(|| format!("cannot write {JSON}"))?;
    std::fs::write(root.join(TABLE), table(&map)).with_context(|| format!("cannot write {TABLE}"))?;
    Ok(())
}

/// Adds a line to `wrong` where the files are not of these rules and tests, where a rule names a technique that ATT&CK does not have, and
/// where it is not said why a technique is left out.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn check(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let text = std::fs::read_to_string(root.join(JSON)).with_context(|| format!("cannot read {JSON}"))?;
    let map: Map = serde_json::from_str(&text).with_context(|| format!("cannot read {JSON}"))?;
    if map.attack != attack::VERSION || map.made_of != made_of(root)? || text != json(&map)? {
        wrong.push(format!("{JSON} is not of these rules and tests; run `cargo xtask attack-map`"));
    }
    if std::fs::read_to_string(root.join(TABLE)).ok().as_ref() != Some(&table(&map)) {
        wrong.push(format!("{TABLE} is not what {JSON} says; run `cargo xtask attack-map`"));
    }
    names(&map, wrong);
    for (path, bytes) in files(root)? {
        for tag in
            String::from_utf8_lossy(&bytes).split(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
        {
            let named = tag.starts_with("attack.t1").then(|| of_tag(tag)).flatten();
            if let Some(id) = named.filter(|id| standing(id) != Standing::Current) {
                wrong.push(format!(
                    "{path} names {id}, which is {} in ATT&CK {}",
                    standing(&id).word(),
                    attack::VERSION
                ));
            }
        }
    }
    let coverage = Coverage::of(&map);
    let missing = missing(&coverage);
    for id in missing.iter().filter(|id| !LEFT_OUT.iter().any(|(left, _)| left == *id)) {
        wrong.push(format!("{TABLE} does not say why {id} is left out"));
    }
    for (id, _) in LEFT_OUT.iter().filter(|(id, _)| !missing.contains(id)) {
        wrong.push(format!("platform/xtask/src/attack_map.rs says why {id} is left out, and it is not"));
    }
    Ok(())
}

fn names(map: &Map, wrong: &mut Vec<String>) {
    for rule in &map.rules {
        for id in rule.techniques.iter().filter(|id| standing(id) != Standing::Current) {
            wrong.push(format!("{}: {} names {id}, which is {}", rule.file, rule.rule, standing(id).word()));
        }
    }
}

/// Techniques of our platforms that nothing proves.
fn missing(coverage: &Coverage) -> Vec<&'static str> {
    shown(coverage).filter(|cell| !cell.is_covered()).map(|cell| cell.technique.id).collect()
}

/// Techniques of our platforms.
fn shown(coverage: &Coverage) -> impl Iterator<Item = &Cell> {
    let is_on = |cell: &&Cell| Platform::ALL.into_iter().any(|platform| cell.technique.is_on(platform));
    coverage.cells(None).filter(is_on)
}

fn files(root: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        let listed = std::fs::read_dir(root.join(folder)).with_context(|| format!("cannot list {folder}"))?;
        for entry in listed {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".yml") || name.ends_with(".yaml") {
                let path = format!("{folder}/{name}");
                let bytes = std::fs::read(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
                files.push((path, bytes));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// SHA-256 of the names and bytes of all files of rules and tests, in hex.
fn made_of(root: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for (path, bytes) in files(root)? {
        hash.update(format!("{path}\n{}\n", bytes.len()));
        hash.update(&bytes);
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

fn json(map: &Map) -> Result<String> {
    Ok(serde_json::to_string_pretty(map)? + "\n")
}

fn table(map: &Map) -> String {
    let coverage = Coverage::of(map);
    let mut text = format!(
        "# Techniques of MITRE ATT&CK that the built-in rules detect\n\n\
         Made by `cargo xtask attack-map` from the rules in `plugins/sigma/rules` and `plugins/falco-rules/rules`, whose tests it replays in \
         the sandbox that production runs; change those, not this. ATT&CK {}, platforms Containers and IaaS (`platform/attack/data/NOTICE`).\n\n\
         A technique counts when a rule that names it told of something in a replayed test, and no test of that rule failed. Rules that \
         are told of only through correlations do not count. A technique of which only a sub-technique is proved is counted apart. Tests are \
         events in the form of the source, written by us after its documentation: they prove that the rule tells of what it is meant for, not \
         that it tells of every way to do so.\n\n\
         | platform | techniques | proved | with those through a sub-technique |\n| --- | --- | --- | --- |\n",
        map.attack
    );
    for platform in Platform::ALL {
        let counts = coverage.counts(platform);
        let percent = |part: usize| part.saturating_mul(100) / counts.techniques.max(1);
        let _ = writeln!(
            text,
            "| {} | {} | {} ({} %) | {} ({} %) |",
            platform.name(),
            counts.techniques,
            counts.direct,
            percent(counts.direct),
            counts.covered,
            percent(counts.covered)
        );
    }
    text.push_str(
        "\n| technique | tactics | proved by | sources | tests |\n| --- | --- | --- | --- | --- |\n",
    );
    for cell in shown(&coverage).filter(|cell| cell.is_covered()) {
        row(&mut text, cell);
    }
    text.push_str("\n## Left out\n\n| technique | why |\n| --- | --- |\n");
    for id in missing(&coverage) {
        let why = LEFT_OUT.iter().find(|(left, _)| *left == id).map_or("", |(_, why)| why);
        let name = attack::technique(id).map_or("", |technique| technique.name);
        let _ = writeln!(text, "| {id} {name} | {why} |");
    }
    text
}

fn row(text: &mut String, cell: &Cell) {
    let technique = cell.technique;
    let proved = match cell.is_direct() {
        true => cell.proofs.iter().map(|rule| rule.replace('|', "\\|")).collect::<Vec<_>>().join(", "),
        false => format!("*through {}*", cell.through.iter().copied().collect::<Vec<_>>().join(", ")),
    };
    let sources: Vec<&str> = cell.sources.iter().map(String::as_str).collect();
    let _ = writeln!(
        text,
        "| {} {} | {} | {proved} | {} | {} |",
        technique.id,
        technique.name,
        technique.tactics.join(", "),
        sources.join(", "),
        cell.tests
    );
}
