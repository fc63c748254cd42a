//! What a real API server answered for an insecure cluster: every planted fault is found, and nothing where nothing is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kube_posture::KubePosture;
use palisade_sdk::{CheckResult, CheckStatus};
use serde_json::Value;

use crate::common::{id, own_folder, resource};
use crate::graph;

/// The fixtures' words for faults, and the rules that find them. The platform's own tests read the same list.
fn expected() -> BTreeMap<String, Vec<String>> {
    serde_json::from_str(include_str!("../planted.json")).unwrap()
}

fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("PALISADE_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| own_folder().join("../../../shared"));
    Some(shared.join("fixtures/k8s")).filter(|folder| folder.is_dir())
}

/// Every object of the fixtures, as the platform hands it over.
fn objects(folder: &std::path::Path) -> Vec<Value> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut objects = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("events.json")) {
        let list: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        objects.extend(list["items"].as_array().unwrap().iter().cloned());
    }
    for object in &mut objects {
        object["metadata"].as_object_mut().unwrap().remove("managedFields");
        if object["kind"] == "Secret" {
            for value in object["data"].as_object_mut().into_iter().flat_map(|data| data.values_mut()) {
                *value = Value::String(String::new());
            }
        }
    }
    objects
}

/// The object that controls this one, to the top.
fn controller<'a>(object: &'a Value, objects: &'a [Value]) -> &'a Value {
    let owner = object["metadata"]["ownerReferences"].as_array().and_then(|owners| {
        let owner = owners.iter().find(|owner| owner["controller"] == true)?;
        objects.iter().find(|other| other["metadata"]["uid"] == owner["uid"])
    });
    owner.map_or(object, |owner| controller(owner, objects))
}

fn failures(objects: &[Value]) -> Vec<(String, CheckResult)> {
    let _installed = graph::fakes(objects).install();
    let judged: Vec<&Value> =
        objects.iter().filter(|object| id(controller(object, objects)) == id(object)).collect();
    let resources: Vec<_> = judged.iter().map(|object| resource(object)).collect();
    let assessment = palisade_sdk::check::<KubePosture>("{}", &resources).unwrap();
    assert_eq!(assessment.problems, []);
    let mut failures = Vec::new();
    for result in assessment.results {
        assert!(result.status != CheckStatus::Error, "{result:?}");
        if result.status == CheckStatus::Fail {
            failures.push((id(judged[result.item as usize]), result));
        }
    }
    failures
}

#[test]
fn the_planted_faults_are_found_and_nothing_in_the_hardened_namespace() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no fixtures; set PALISADE_SHARED to the folder that has fixtures/k8s");
        return;
    };
    let objects = objects(&folder);
    let failures = failures(&objects);
    let found: BTreeSet<(&str, &str)> =
        failures.iter().map(|(asset, result)| (asset.as_str(), result.rule.as_str())).collect();
    let expected = expected();
    let mut missed = Vec::new();
    let mut planted = 0;
    for object in &objects {
        let words = object["metadata"]["annotations"]["lab.example.org/expect"].as_str().unwrap_or_default();
        for word in words.split(',').filter(|word| !word.is_empty()) {
            let rules = expected.get(word).unwrap_or_else(|| panic!("no rule is known for {word}"));
            let asset = id(controller(object, &objects));
            planted += 1;
            if !rules.iter().any(|rule| found.contains(&(asset.as_str(), rule))) {
                missed.push(format!("{word} of {asset}"));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
    assert!(planted > 50, "{planted}");
    let wrong: Vec<_> = failures.iter().filter(|(asset, _)| asset.contains("/payments")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn what_kubernetes_brings_itself_is_left_alone() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no fixtures; set PALISADE_SHARED to the folder that has fixtures/k8s");
        return;
    };
    for (asset, result) in failures(&objects(&folder)) {
        let namespace =
            ["/kube-system", "/kube-public", "/kube-node-lease"].iter().any(|name| asset.contains(name));
        let name = asset.rsplit('/').next().unwrap();
        let built_in =
            name.starts_with("system:") || ["admin", "edit", "view", "cluster-admin"].contains(&name);
        assert!(!namespace && !built_in, "{asset} {result:?}");
    }
}

#[test]
fn the_answer_does_not_depend_on_how_batches_are_cut() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no fixtures; set PALISADE_SHARED to the folder that has fixtures/k8s");
        return;
    };
    let objects = objects(&folder);
    let _installed = graph::fakes(&objects).install();
    let resources: Vec<_> = objects.iter().map(resource).collect();
    let whole = palisade_sdk::check::<KubePosture>("{}", &resources).unwrap().results;
    let mut single = Vec::new();
    for (item, one) in (0..).zip(&resources) {
        let results = palisade_sdk::check::<KubePosture>("{}", std::slice::from_ref(one)).unwrap().results;
        single.extend(results.into_iter().map(|result| CheckResult { item, ..result }));
    }
    assert_eq!(whole.len(), single.len());
    for (a, b) in whole.iter().zip(&single) {
        assert_eq!((a.item, &a.rule, &a.message, &a.evidence), (b.item, &b.rule, &b.message, &b.evidence));
    }
}
