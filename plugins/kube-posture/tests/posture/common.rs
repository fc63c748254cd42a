//! What the tests share: the manifest with its rules, and one object as a resource.

use std::path::{Path, PathBuf};

use palisade_sdk::Resource;
use serde_json::Value;

/// A rule as it stands in the manifest.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) severity: String,
    pub(crate) description: String,
    pub(crate) risk: String,
    pub(crate) remediation: String,
    pub(crate) patch: Option<String>,
    pub(crate) references: Vec<String>,
    pub(crate) tags: Vec<String>,
}

#[derive(serde::Deserialize)]
pub(crate) struct Manifest {
    pub(crate) kinds: std::collections::BTreeMap<String, Kind>,
    pub(crate) rules: Vec<Rule>,
}

#[derive(serde::Deserialize)]
pub(crate) struct Kind {
    pub(crate) consumes: Vec<String>,
}

pub(crate) fn own_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The manifest as the build makes it: `plugin.toml`, then the files of `rules/` in the order of their names.
pub(crate) fn manifest_text() -> String {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(own_folder().join("rules")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut text = kube_posture::MANIFEST.to_owned();
    for file in files {
        text.push('\n');
        text.push_str(&std::fs::read_to_string(file).unwrap());
    }
    text
}

pub(crate) fn manifest() -> Manifest {
    toml::from_str(&manifest_text()).unwrap()
}

/// The cluster of the tests.
pub(crate) const CLUSTER: &str = "k8s:c";

/// Group and kind as grants write them.
pub(crate) fn group_kind(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap();
    match object["apiVersion"].as_str().unwrap().rsplit_once('/') {
        Some((group, _)) => format!("{kind}.{group}"),
        None => kind.to_owned(),
    }
}

/// The canonical id of an object.
pub(crate) fn id(object: &Value) -> String {
    let group = object["apiVersion"].as_str().unwrap().rsplit_once('/').map_or("core", |(group, _)| group);
    let meta = &object["metadata"];
    let text = |key: &str, other: &str| meta[key].as_str().unwrap_or(other).to_owned();
    let kind = object["kind"].as_str().unwrap();
    format!("{CLUSTER}/{group}/{kind}/{}/{}", text("namespace", "-"), text("name", "x"))
}

pub(crate) fn resource(object: &Value) -> Resource {
    let kind = format!("{}/{}", object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    Resource::new(id(object), kind, object)
}
