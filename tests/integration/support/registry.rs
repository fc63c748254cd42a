//! Debian's `docker-registry` on a free port, and just enough of the Distribution API to push an OCI layout to it.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Registry {
    child: Child,
    _directory: TempDir,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
}

impl Registry {
    /// Starts one that lets everybody in; nothing, and a line that says so, where there is no program.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(|_| String::new())
    }

    /// Starts one with more configuration (YAML), which may name files of its own in the folder that is given.
    pub(crate) fn start_with(more: impl FnOnce(&Path) -> String) -> Option<Self> {
        if !Path::new("/usr/bin/docker-registry").exists() {
            println!("skipped: no docker-registry on this machine");
            return None;
        }
        let directory = TempDir::with_prefix("palisade-registry-").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let config = directory.path().join("config.yml");
        let store = directory.path().join("store");
        std::fs::write(
            &config,
            format!(
                "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\n\
                 http: {{ addr: {address} }}\n{}\n",
                store.display(),
                more(directory.path())
            ),
        )
        .unwrap();
        let child = Command::new("/usr/bin/docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, _directory: directory, address };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&server.address).is_err() {
            assert!(server.child.try_wait().unwrap().is_none(), "the registry ended");
            assert!(Instant::now() < deadline, "the registry does not answer");
            std::thread::yield_now();
        }
        Some(server)
    }

    /// Pushes the one image of an OCI layout and gives its reference.
    pub(crate) fn push(&self, layout: &Path, name: &str) -> String {
        self.push_as(layout, name, "none")
    }

    /// The same with an `Authorization` header.
    pub(crate) fn push_as(&self, layout: &Path, name: &str, authorization: &str) -> String {
        let index: Value =
            serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap();
        let manifest_digest = index["manifests"][0]["digest"].as_str().unwrap();
        let manifest_bytes = std::fs::read(blob(layout, manifest_digest)).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest_bytes).unwrap();
        let layers = manifest["layers"].as_array().unwrap();
        for descriptor in layers.iter().chain([&manifest["config"]]) {
            self.push_blob(layout, name, descriptor["digest"].as_str().unwrap(), authorization);
        }
        let media_type = manifest["mediaType"].as_str().unwrap();
        let url = format!("http://{}/v2/{name}/manifests/latest", self.address);
        let answer = ureq::put(&url)
            .header("authorization", authorization)
            .header("content-type", media_type)
            .send(&manifest_bytes[..])
            .unwrap();
        assert_eq!(answer.status(), 201);
        format!("{}/{name}:latest", self.address)
    }

    fn push_blob(&self, layout: &Path, name: &str, digest: &str, authorization: &str) {
        let start = format!("http://{}/v2/{name}/blobs/uploads/", self.address);
        let opened = ureq::post(&start).header("authorization", authorization).send_empty().unwrap();
        let location = opened.headers()["location"].to_str().unwrap().to_owned();
        let mark = if location.contains('?') { '&' } else { '?' };
        let file = std::fs::File::open(blob(layout, digest)).unwrap();
        let answer = ureq::put(format!("{location}{mark}digest={digest}"))
            .header("authorization", authorization)
            .header("content-type", "application/octet-stream")
            .send(file)
            .unwrap();
        assert_eq!(answer.status(), 201);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn blob(layout: &Path, digest: &str) -> std::path::PathBuf {
    layout.join("blobs").join(digest.replace(':', "/"))
}
