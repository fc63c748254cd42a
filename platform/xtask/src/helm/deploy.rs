//! What is under `helm/deploy/` for machines without Kubernetes: configurations that the binary reads, a recipe that its own scanner lets pass, units
//! of systemd that are as closed as they say.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{read_by, told, write};

/// Tenths of points of exposure by `systemd-analyze security` at most; 14 are what a service costs that listens, connects and compiles.
const EXPOSURE_MAX: &str = "--threshold=20";

/// Checks the files of the folder; `work` is for what has to be written down for that.
///
/// # Errors
/// One is not as it should be; the message names it.
pub(super) fn check(root: &Path, binary: &Path, work: &Path) -> Result<()> {
    let folder = root.join("helm/deploy");
    read_by(binary, &folder.join("palisade.toml"))?;
    compose(&folder.join("compose.yaml"), binary, work)?;
    let mut scan = Command::new(binary);
    scan.arg("--data-dir").arg(work.join("data")).args(["scan", "dir", "--fail-on", "medium"]);
    told(scan.arg(&folder)).context("the scanner finds something in helm/deploy/")?;
    units(&folder)
}

/// The configuration that stands inside the compose file is one, and every container is kept from new rights.
fn compose(file: &Path, binary: &Path, work: &Path) -> Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let documents =
        yaml::read(&bytes, &yaml::Budget::default()).context("helm/deploy/compose.yaml is no YAML")?;
    let compose = &documents.first().context("helm/deploy/compose.yaml is empty")?.value;
    let text = compose.pointer("/configs/palisade/content").and_then(Value::as_str);
    let configuration = work.join("compose.toml");
    write(&configuration, text.context("helm/deploy/compose.yaml has no configuration of palisade")?)?;
    read_by(binary, &configuration)?;
    let services = compose.get("services").and_then(Value::as_object);
    for (name, service) in services.context("helm/deploy/compose.yaml has no services")? {
        let options = service.get("security_opt").and_then(Value::as_array);
        let closed =
            options.is_some_and(|options| options.iter().any(|option| option == "no-new-privileges:true"));
        ensure!(
            closed,
            "the service {name} of helm/deploy/compose.yaml may gain rights; say no-new-privileges:true"
        );
    }
    Ok(())
}

fn units(folder: &Path) -> Result<()> {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("helm: SKIPPED, the units of helm/deploy/ are not analysed: there is no systemd-analyze");
        return Ok(());
    }
    for unit in ["palisade.service", "palisade-advisories.service"] {
        let mut analyse = Command::new("systemd-analyze");
        analyse.args(["security", "--offline=true", "--no-pager", EXPOSURE_MAX]).arg(folder.join(unit));
        told(&mut analyse).with_context(|| format!("helm/deploy/{unit} is more open than it should be"))?;
    }
    Ok(())
}
