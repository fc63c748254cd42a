//! Which techniques the rules name, and what their replayed tests prove.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use ::rules::{TestFile, sigma};
use anyhow::Result;
use attack::{Map, RuleProof};
use serde_json::Value;

use crate::command::rules::{Replayed, falco_source, replay};
use crate::config::Config;
use crate::policies;
use crate::rules::File;

/// The map of the built-in rules, as `cargo xtask attack-map` made it.
static BUILT_IN: LazyLock<Arc<Map>> = LazyLock::new(|| {
    let map = serde_json::from_str(include_str!("../../../plugins/ATTACK.json"));
    Arc::new(map.unwrap_or_else(|_| Map::new([])))
});

/// The map of the built-in rules.
pub(crate) fn built_in() -> Arc<Map> {
    Arc::clone(&BUILT_IN)
}

/// Replays the tests of the rules below these paths, and tells of every rule that names a technique.
///
/// A rule that is only told of through correlations is left out, as nobody would hear of it.
///
/// # Errors
/// Files that cannot be read, or tests that cannot be run.
pub(crate) fn proofs(paths: &[PathBuf], config: &Config) -> Result<Vec<RuleProof>> {
    let files = policies::files(paths)?;
    let (tests, rules): (Vec<&PathBuf>, Vec<&PathBuf>) =
        files.iter().partition(|file| TestFile::is(&file.display().to_string()));
    let replayed = if tests.is_empty() { Vec::new() } else { replay(tests, config)? };
    let read: Vec<(&Path, File)> = rules
        .into_iter()
        .filter(|file| file.extension().is_some_and(|end| end == "yml" || end == "yaml"))
        .map(|path| Ok((path.as_path(), File::read(path)?)))
        .collect::<Result<_>>()?;
    let documents: Vec<sigma::Document> = read
        .iter()
        .filter_map(|(_, file)| match file {
            File::Sigma(documents) => Some(documents.clone()),
            File::Falco(_) => None,
        })
        .flatten()
        .collect();
    let unheard = unheard(&documents);
    let mut proofs = Vec::new();
    for (path, file) in &read {
        for named in named(file, &documents) {
            if !named.words.iter().any(|word| unheard.contains(word)) && !named.techniques.is_empty() {
                proofs.push(named.proof(path, &replayed));
            }
        }
    }
    Ok(proofs)
}

/// A rule of a file.
struct Named {
    /// Its name, and its id where it has one.
    words: Vec<String>,
    source: String,
    techniques: BTreeSet<String>,
}

impl Named {
    fn proof(self, path: &Path, replayed: &[Replayed]) -> RuleProof {
        let count = |is: &dyn Fn(&Replayed) -> bool| {
            let own = |case: &&Replayed| self.words.contains(&case.rule) && is_beside(&case.file, path);
            u32::try_from(replayed.iter().filter(own).filter(|case| is(case)).count()).unwrap_or(u32::MAX)
        };
        RuleProof {
            told: count(&|case| case.matches && case.difference.is_none()),
            silent: count(&|case| !case.matches && case.difference.is_none()),
            failed: count(&|case| case.difference.is_some()),
            rule: self.words.into_iter().next().unwrap_or_default(),
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            source: self.source,
            techniques: self.techniques,
        }
    }
}

/// Whether a file of tests is that of a file of rules.
fn is_beside(tests: &Path, rules: &Path) -> bool {
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    tests.parent() == rules.parent() && stem(tests) == format!("{}_test", stem(rules))
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn techniques(value: &Value) -> BTreeSet<String> {
    let tags = value.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(Value::as_str).filter_map(attack::of_tag).collect()
}

fn named(file: &File, all: &[sigma::Document]) -> Vec<Named> {
    match file {
        File::Sigma(documents) => documents
            .iter()
            .map(|document| {
                let words: Vec<String> = ["name", "id", "title"]
                    .iter()
                    .filter_map(|key| text(&document.value, key))
                    .map(str::to_owned)
                    .collect();
                let needed = words.first().map(|word| sigma::alone(all, word)).unwrap_or_default();
                let source = needed.iter().find_map(|one| sigma::source_of(&one.value)).unwrap_or_default();
                Named { source: source.to_owned(), techniques: techniques(&document.value), words }
            })
            .collect(),
        File::Falco(file) => {
            let items = file.get("items").and_then(Value::as_array).into_iter().flatten();
            let items = items.map(|item| item.get("item").unwrap_or(item));
            items
                .filter(|item| item.get("enabled").and_then(Value::as_bool) != Some(false))
                .filter_map(|item| {
                    Some(Named {
                        words: vec![text(item, "rule")?.to_owned()],
                        source: falco_source(item).to_owned(),
                        techniques: techniques(item),
                    })
                })
                .collect()
        }
    }
}

/// Names and ids of rules that only correlations are told of.
fn unheard(documents: &[sigma::Document]) -> BTreeSet<String> {
    let mut heard: BTreeMap<&str, bool> = BTreeMap::new();
    for document in documents {
        let Some(correlation) = document.value.get("correlation") else { continue };
        let generates = [correlation, &document.value]
            .iter()
            .any(|value| value.get("generate").and_then(Value::as_bool) == Some(true));
        for rule in correlation.get("rules").and_then(Value::as_array).into_iter().flatten() {
            if let Some(rule) = rule.as_str() {
                *heard.entry(rule).or_default() |= generates;
            }
        }
    }
    heard.into_iter().filter(|(_, is_heard)| !is_heard).map(|(rule, _)| rule.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{is_beside, named, unheard};
    use crate::rules::File;

    #[test]
    fn the_built_in_map_is_read() {
        let map = super::built_in();
        assert_eq!(map.attack, attack::VERSION);
        assert!(map.rules.len() > 100, "{}", map.rules.len());
    }

    #[test]
    fn rules_that_nobody_hears_of_are_left_out() {
        let text = "name: a\ntags: [attack.t1610]\nlogsource: {product: okta}\ndetection: {}\n---\nname: b\ndetection: {}\n---\n\
                    name: c\ntags: [attack.t1611, attack.impact]\ncorrelation: {rules: [a]}\n---\nname: d\ncorrelation: {rules: [b], generate: true}\n";
        let documents = ::rules::sigma::read("a.yml", text.as_bytes()).unwrap();
        assert_eq!(unheard(&documents), ["a".to_owned()].into());
        let named = named(&File::Sigma(documents.clone()), &documents);
        assert_eq!(named[2].source, "okta");
        assert!(named[2].techniques.contains("T1611") && named[2].techniques.len() == 1);
        assert!(is_beside(Path::new("x/a_test.yml"), Path::new("x/a.yml")));
        assert!(!is_beside(Path::new("x/ab_test.yml"), Path::new("x/a.yml")));
        assert!(!is_beside(Path::new("y/a_test.yml"), Path::new("x/a.yml")));
    }
}
