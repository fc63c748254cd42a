//! Advisories from an address laid out like the public bucket, over HTTP.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use crate::support::web::{Reply, Web};
use crate::support::{Data, Ran};

/// A bucket whose files can be changed while it is served.
struct Bucket {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    web: Web,
}

impl Bucket {
    fn new() -> Self {
        let files: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
        let served = Arc::clone(&files);
        let web = Web::start(move |asked| match served.lock().unwrap().get(&asked.target) {
            Some(bytes) => Reply::Answer(200, Vec::new(), bytes.clone()),
            None => Reply::Answer(404, Vec::new(), Vec::new()),
        });
        Self { files, web }
    }

    fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.lock().unwrap().insert(path.to_owned(), bytes.into());
    }

    /// Updates npm and PyPI from here.
    fn update(&self, data: &Data) -> Ran {
        let config = data.path().join("update.toml");
        let base = format!("http://{}", self.web.address);
        std::fs::write(
            &config,
            format!(
                "[egress]\nallow = [{:?}]\n[advisories]\nurl = {base:?}\necosystems = [\"npm\", \"PyPI\"]\n\
                 kev-url = \"{base}/kev.json\"\nepss-url = \"{base}/epss.csv.gz\"\n",
                self.web.address
            ),
        )
        .unwrap();
        data.run(&["--config", &config.display().to_string(), "advisories", "update"])
    }

    fn asked(&self) -> Vec<String> {
        self.web.asked().into_iter().map(|asked| asked.target).collect()
    }
}

fn record(ecosystem: &str, id: &str, modified: &str, fixed: &str) -> String {
    serde_json::json!({
        "id": id, "modified": modified, "summary": "made for a test",
        "affected": [{
            "package": { "ecosystem": ecosystem, "name": "minimist" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
        }],
    })
    .to_string()
}

fn zip(files: &[(&str, String)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const MONDAY: &str = "2026-11-16T00:00:00Z";
const TUESDAY: &str = "2026-11-17T00:00:00Z";

fn fixed_in(data: &Data, id: &str) -> String {
    let text = data.run(&["advisories", "lookup", "npm", "minimist"]).expect_code(0).stdout;
    let from = text.find(id).unwrap_or_else(|| panic!("no {id} in {text}"));
    text[from..].to_owned()
}

#[test]
fn an_update_fetches_all_once_then_what_changed_and_keeps_what_is_good() {
    let bucket = Bucket::new();
    let data = Data::empty();
    // Nothing there at all: an error, and nothing is installed.
    bucket.update(&data).expect_code(2);

    bucket.put("/npm/all.zip", zip(&[("OSV-1.json", record("npm", "OSV-1", MONDAY, "1.2.6"))]));
    bucket.put("/npm/modified_id.csv", format!("{MONDAY},OSV-1\n"));
    let first = bucket.update(&data).expect_code(0);
    assert!(format!("{}{}", first.stdout, first.stderr).contains("PyPI"), "what failed is named");
    assert!(fixed_in(&data, "OSV-1").contains("1.2.6"));

    bucket.put("/npm/OSV-1.json", record("npm", "OSV-1", TUESDAY, "1.2.8"));
    bucket.put("/npm/modified_id.csv", format!("{TUESDAY},OSV-1\n{MONDAY},OSV-0\n"));
    let before = bucket.asked().len();
    bucket.update(&data).expect_code(0);
    let asked = bucket.asked().split_off(before);
    assert!(asked.contains(&"/npm/OSV-1.json".to_owned()), "{asked:?}");
    assert!(!asked.iter().any(|path| path == "/npm/all.zip" || path == "/npm/OSV-0.json"), "{asked:?}");
    assert!(fixed_in(&data, "OSV-1").contains("1.2.8"));

    // A feed that turns bad: the last good one stays in use, and the status says so.
    bucket.put("/npm/OSV-2.json", "{ cut");
    bucket.put("/npm/modified_id.csv", "2026-11-18T00:00:00Z,OSV-2\n");
    bucket.put("/npm/all.zip", "PK no more");
    bucket.update(&data);
    assert!(fixed_in(&data, "OSV-1").contains("1.2.8"));
    let status = data.run(&["advisories", "status"]).expect_code(0).stdout;
    assert!(status.contains("npm"), "{status}");
}

#[test]
fn an_update_mends_an_index_that_has_come_to_harm() {
    let bucket = Bucket::new();
    let data = Data::empty();
    bucket.put("/npm/all.zip", zip(&[("OSV-1.json", record("npm", "OSV-1", MONDAY, "1.2.6"))]));
    bucket.put("/npm/modified_id.csv", format!("{MONDAY},OSV-1\n"));
    bucket.update(&data).expect_code(0);
    let folder = data.path().join("advisories/index");
    let index = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path()).max().unwrap();
    std::fs::write(&index, b"not an index any more").unwrap();
    data.run(&["advisories", "lookup", "npm", "minimist"]).expect_code(2);
    bucket.update(&data).expect_code(0);
    assert!(fixed_in(&data, "OSV-1").contains("1.2.6"));
}
