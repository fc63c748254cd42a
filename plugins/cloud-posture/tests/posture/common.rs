//! What the tests share: the manifest with its rules, the fixtures, and calls of the plugin.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cloud_posture::CloudPosture;
use palisade_sdk::testing::Fakes;
use palisade_sdk::{Assessment, CheckResult, Resource};
use serde_json::Value;

/// When the fixtures are judged: 2026-01-02T03:04:05Z.
pub(crate) const NOW: u64 = 1_767_323_045_000_000_000;

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
    pub(crate) kinds: BTreeMap<String, Kind>,
    pub(crate) rules: Vec<Rule>,
}

#[derive(serde::Deserialize)]
pub(crate) struct Kind {
    pub(crate) consumes: Vec<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fixture {
    pub(crate) pass: Vec<Case>,
    pub(crate) fail: Vec<Case>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) kind: String,
    pub(crate) asset: String,
    pub(crate) body: Value,
    pub(crate) at: Option<String>,
}

impl Case {
    pub(crate) fn judge(&self, body: &Value) -> Assessment {
        judge("{}", &[Resource::new(self.asset.clone(), self.kind.clone(), body)])
    }
}

/// Results of a rule.
pub(crate) fn of<'a>(rule: &str, assessment: &'a Assessment) -> Vec<&'a CheckResult> {
    assert_eq!(assessment.problems, [], "{rule}");
    assessment.results.iter().filter(|result| result.rule == rule).collect()
}

pub(crate) fn judge(config: &str, resources: &[Resource]) -> Assessment {
    let _installed = Fakes::new().now(NOW).install();
    palisade_sdk::check::<CloudPosture>(config, resources).unwrap()
}

pub(crate) fn own_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The manifest as the build makes it: `plugin.toml`, then the files of `rules/` in the order of their names.
pub(crate) fn manifest_text() -> String {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(own_folder().join("rules")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut text = cloud_posture::MANIFEST.to_owned();
    for file in files {
        text.push('\n');
        text.push_str(&std::fs::read_to_string(file).unwrap());
    }
    text
}

pub(crate) fn manifest() -> Manifest {
    toml::from_str(&manifest_text()).unwrap()
}

/// Every rule with its fixture.
pub(crate) fn fixtures() -> Vec<(String, Fixture)> {
    let read = |rule: Rule| {
        let path = own_folder().join(format!("fixtures/{}.json", rule.id));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}: no fixture", rule.id));
        let fixture = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", rule.id));
        (rule.id, fixture)
    };
    manifest().rules.into_iter().map(read).collect()
}
