//! What the tests share: the catalogues as the build reads them, and calls of the plugin.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use compliance_frameworks::Frameworks;
use palisade_sdk::{CheckStatus, ControlResult, ControlStatus, Observation, Severity};

use crate::catalogue::{Framework, read_all};

pub(crate) static CATALOGUES: LazyLock<Vec<Framework>> =
    LazyLock::new(|| read_all(&own_folder().join("catalogues")).unwrap());

pub(crate) fn own_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The plugins whose rules the catalogues name.
pub(crate) const PLUGINS: [&str; 2] = ["kube-posture", "cloud-posture"];

/// The ids of the rules of a plugin.
pub(crate) fn rules_of_plugin(plugin: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for entry in std::fs::read_dir(own_folder().join(format!("../{plugin}/rules"))).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let table: toml::Table = text.parse().unwrap();
        ids.extend(
            table["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap().to_owned()),
        );
    }
    ids
}

static CLOUD_RULES: LazyLock<BTreeSet<String>> = LazyLock::new(|| rules_of_plugin("cloud-posture"));

/// What the platform calls a rule of the catalogues.
pub(crate) fn platform_name(rule: &str) -> String {
    match rule {
        _ if rule.starts_with("class:") => rule.to_owned(),
        _ if CLOUD_RULES.contains(rule) => format!("palisade.cloud-posture/{rule}"),
        _ => format!("palisade.kube-posture/{rule}"),
    }
}

pub(crate) fn seen(rule: &str, asset: &str, status: CheckStatus) -> Observation {
    Observation::new(platform_name(rule), asset, status, Severity::Medium)
}

/// All rules of a framework, each once.
pub(crate) fn rules_of(framework: &Framework) -> BTreeSet<&str> {
    framework.controls.iter().flat_map(|control| &control.rules).map(|map| map.rule.as_str()).collect()
}

pub(crate) fn assess(framework: &str, observations: &[Observation]) -> Vec<ControlResult> {
    let config = serde_json::json!({ "framework": framework }).to_string();
    palisade_sdk::assess::<Frameworks>(&config, observations).unwrap()
}

pub(crate) fn statuses(results: &[ControlResult]) -> Vec<ControlStatus> {
    results.iter().map(|result| result.status).collect()
}
