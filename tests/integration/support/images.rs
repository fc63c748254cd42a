//! The images of the shared fixtures, built once under `target/images` and reused.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use serde_json::Value;
use tempfile::TempDir;

use super::{root, shared};

/// The folder with the built images.
pub(crate) struct Images(PathBuf);

impl Images {
    /// Builds what is missing of `names`; nothing where there are no shared fixtures.
    pub(crate) fn build(names: &[&str]) -> Option<Self> {
        static BUILDING: OnceLock<Mutex<()>> = OnceLock::new();
        let _one_at_a_time = BUILDING.get_or_init(Mutex::default).lock().unwrap();
        let program = shared("fixtures/images/make-images")?;
        let folder =
            std::env::var_os("PALISADE_IMAGES").map_or_else(|| root().join("target/images"), PathBuf::from);
        // Written last, so what has it is whole.
        let missing = |name: &&&str| !folder.join(format!("{name}.expected.json")).exists();
        let missing: Vec<&&str> = names.iter().filter(missing).collect();
        if !missing.is_empty() {
            let mut make = Command::new("python3");
            make.arg(program).arg("--out").arg(&folder).arg("--docker-archive");
            for name in missing {
                make.args(["--only", name]);
            }
            let made = make.output().unwrap();
            assert!(made.status.success(), "make-images: {}", String::from_utf8_lossy(&made.stderr));
        }
        Some(Self(folder))
    }

    /// The OCI layout of an image.
    pub(crate) fn layout(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Its `docker save` archive.
    pub(crate) fn archive(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.docker.tar"))
    }

    /// What the package managers say is installed: type, name, version.
    pub(crate) fn expected(&self, name: &str) -> Vec<(String, String, String)> {
        let text = std::fs::read(self.0.join(format!("{name}.expected.json"))).unwrap();
        let expected: Value = serde_json::from_slice(&text).unwrap();
        let text = |package: &Value, key: &str| package[key].as_str().unwrap().to_owned();
        let packages = expected["packages"].as_array().unwrap().iter();
        packages.map(|p| (text(p, "type"), text(p, "name"), text(p, "version"))).collect()
    }

    /// The final root file system of an image without removals between its layers, unpacked by `tar`.
    pub(crate) fn unpack(&self, name: &str) -> TempDir {
        let layout = self.layout(name);
        let read = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
        let blob = |digest: &Value| layout.join("blobs").join(digest.as_str().unwrap().replace(':', "/"));
        let manifest = read(&blob(&read(&layout.join("index.json"))["manifests"][0]["digest"]));
        let directory = TempDir::with_prefix("palisade-rootfs-").unwrap();
        for layer in manifest["layers"].as_array().unwrap() {
            let unpacked = Command::new("tar")
                .arg("-C")
                .arg(directory.path())
                .args(["--exclude=dev/*", "--exclude=./dev/*", "-xf"])
                .arg(blob(&layer["digest"]))
                .status()
                .unwrap();
            assert!(unpacked.success());
        }
        directory
    }
}
