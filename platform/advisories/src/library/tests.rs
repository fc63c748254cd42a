//! The life of a data directory: import, replace, fail, update, with a fetch function in place of a network.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{FetchError, Library, UpdateOptions};
use crate::{Index, Origin};

fn record(id: &str, name: &str, modified: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"{modified}","affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},
        "ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"1.0.0"}}]}}]}}]}}"#
    )
}

fn zip_of(records: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (id, name, modified) in records {
        zip.start_file(format!("{id}.json"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(record(id, name, modified).as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

fn origin(source: &str, sample: bool) -> Origin {
    Origin { source: source.into(), sample }
}

fn known(index: &Index, name: &str) -> usize {
    index.lookup("npm", name).unwrap().count()
}

#[test]
fn a_broken_feed_leaves_the_last_good_index_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::open(&folder.path().join("data"));
    assert!(library.current().unwrap().is_none());
    assert_eq!(library.status().unwrap().generation, 0);
    let good = put(folder.path(), "npm/all.zip", &zip_of(&[("A-1", "left", "2024-01-01T00:00:00Z")]));
    let report = library.import(&[good], &origin("test feed", false)).unwrap();
    assert_eq!((report.generation, report.build.used), (1, 1));
    let held = library.current().unwrap().unwrap();
    for broken in [&b"PK\x03\x04 cut off"[..], &zip_of(&[])[..], b"nothing known"] {
        let broken = put(folder.path(), "broken/all.zip", broken);
        library.import(&[broken], &origin("other", false)).unwrap_err();
        let status = library.status().unwrap();
        assert_eq!(status.generation, 1);
        assert_eq!(status.failures.len(), 1, "the failure is told");
        assert!(status.failures[0].code.starts_with("advisory-"), "{:?}", status.failures);
        assert_eq!(known(&library.current().unwrap().unwrap(), "left"), 1);
    }
    let next = put(folder.path(), "npm/all.zip", &zip_of(&[("A-2", "right", "2024-01-01T00:00:00Z")]));
    library.import(&[next], &origin("test feed", false)).unwrap();
    let status = library.status().unwrap();
    assert!(status.failures.is_empty());
    assert_eq!(status.current.unwrap().source, "test feed");
    assert_eq!(known(&library.current().unwrap().unwrap(), "left"), 0, "a feed replaces the one of its name");
    assert_eq!(known(&held, "left"), 1, "a reader keeps the generation it has");
    let raw = std::fs::read_dir(folder.path().join("data/raw")).unwrap().count();
    assert_eq!(raw, 1, "raw files of no feed are removed");
}

#[test]
fn real_feeds_replace_the_sample_and_other_feeds_stay() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::open(&folder.path().join("data"));
    put(folder.path(), "sample/npm/A-1.json", record("A-1", "left", "2024-01-01T00:00:00Z").as_bytes());
    put(folder.path(), "sample/epss.csv", b"cve,epss,percentile\nCVE-2024-1,0.5,0.5\n");
    library.import(&[folder.path().join("sample")], &origin("built-in sample", true)).unwrap();
    let info = library.current().unwrap().unwrap().info().clone();
    assert!(info.sample && info.epss == 1);
    let feed = put(folder.path(), "one/all.zip", &zip_of(&[("B-1", "one", "2024-01-01T00:00:00Z")]));
    library.import(&[feed], &origin("a", false)).unwrap();
    let feed = put(folder.path(), "two/all.zip", &zip_of(&[("C-1", "two", "2025-01-01T00:00:00Z")]));
    library.import(&[feed], &origin("b", false)).unwrap();
    let index = library.current().unwrap().unwrap();
    assert_eq!((known(&index, "left"), known(&index, "one"), known(&index, "two")), (0, 1, 1));
    let info = index.info();
    assert_eq!(
        (info.sample, info.epss, info.source.as_str(), info.as_of.as_str()),
        (false, 0, "a, b", "2025-01-01T00:00:00Z")
    );
}

#[test]
fn one_import_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::open(folder.path());
    let _held = library.lock().unwrap();
    let error = Library::open(folder.path()).import(&[], &origin("x", false)).unwrap_err();
    assert_eq!(error.code(), "advisory-import-busy");
}

/// A bucket in memory that counts what was asked.
#[derive(Default)]
struct Bucket {
    files: BTreeMap<String, Vec<u8>>,
    asked: RefCell<Vec<String>>,
}

impl Bucket {
    fn fetch(&self, url: &str) -> Result<Box<dyn std::io::Read + Send>, FetchError> {
        let path = url.strip_prefix("https://bucket.example/").ok_or("another host")?;
        self.asked.borrow_mut().push(path.to_owned());
        let bytes = self.files.get(path).ok_or_else(|| format!("status 404 for {path}"))?;
        Ok(Box::new(std::io::Cursor::new(bytes.clone())))
    }

    fn put(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), bytes.into());
        self.asked.borrow_mut().clear();
    }
}

fn options(ecosystems: &[&str]) -> UpdateOptions {
    UpdateOptions {
        url: "https://bucket.example".into(),
        ecosystems: ecosystems.iter().map(|name| (*name).to_owned()).collect(),
        ..UpdateOptions::default()
    }
}

#[test]
fn updates_fetch_only_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::open(folder.path());
    let mut bucket = Bucket::default();
    bucket.put(
        "npm/all.zip",
        zip_of(&[("A-1", "left", "2024-01-01T00:00:00Z"), ("A-2", "right", "2024-01-02T00:00:00Z")]),
    );
    bucket.put("npm/modified_id.csv", "2024-01-02T00:00:00Z,A-2\n2024-01-01T00:00:00Z,A-1\n");
    let report = library.update(&options(&["npm"]), &|url| bucket.fetch(url)).unwrap();
    assert!(report.changed);
    assert_eq!(*bucket.asked.borrow(), ["npm/modified_id.csv", "npm/all.zip"]);
    bucket.asked.borrow_mut().clear();
    assert!(!library.update(&options(&["npm"]), &|url| bucket.fetch(url)).unwrap().changed);
    assert_eq!(*bucket.asked.borrow(), ["npm/modified_id.csv"]);
    bucket.put("npm/A-3.json", record("A-3", "third", "2024-01-03T00:00:00Z"));
    bucket.put("npm/A-2.json", record("A-2", "renamed", "2024-01-04T00:00:00Z"));
    bucket.put(
        "npm/modified_id.csv",
        "2024-01-04T00:00:00Z,A-2\n2024-01-03T00:00:00Z,A-3\n2024-01-01T00:00:00Z,A-1\n",
    );
    assert!(library.update(&options(&["npm"]), &|url| bucket.fetch(url)).unwrap().changed);
    assert_eq!(*bucket.asked.borrow(), ["npm/modified_id.csv", "npm/A-2.json", "npm/A-3.json"]);
    let index = library.current().unwrap().unwrap();
    let names = ["left", "right", "renamed", "third"].map(|name| known(&index, name));
    assert_eq!(names, [1, 0, 1, 1]);
    assert_eq!(library.status().unwrap().feeds[0].files, 2);
}

#[test]
fn one_failing_ecosystem_keeps_its_data_and_does_not_hold_up_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::open(folder.path());
    let mut bucket = Bucket::default();
    bucket.put("npm/all.zip", zip_of(&[("A-1", "left", "2024-01-01T00:00:00Z")]));
    library.update(&options(&["npm"]), &|url| bucket.fetch(url)).unwrap();
    bucket.put("npm/all.zip", &b"PK\x03\x04 cut off"[..]);
    bucket.put("crates.io/all.zip", zip_of(&[("B-1", "other", "2024-01-01T00:00:00Z")]));
    let report =
        library.update(&options(&["npm", "crates.io", "PyPI", "../etc"]), &|url| bucket.fetch(url)).unwrap();
    let failed: Vec<&str> = report.failures.iter().map(|failure| failure.feed.as_str()).collect();
    assert_eq!(failed, ["PyPI", "../etc", "npm"]);
    let index = library.current().unwrap().unwrap();
    assert_eq!((known(&index, "left"), known(&index, "other")), (1, 1));
    assert_eq!(library.status().unwrap().failures.len(), 3);
    assert_eq!(library.status().unwrap().feeds.len(), 2);
}

#[test]
fn nothing_at_all_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::open(folder.path());
    let bucket = Bucket::default();
    let error = library.update(&options(&["npm"]), &|url| bucket.fetch(url)).unwrap_err();
    assert_eq!(error.code(), "advisory-update-failed");
    assert!(library.current().unwrap().is_none());
    assert!(!library.status().unwrap().failures.is_empty());
}
