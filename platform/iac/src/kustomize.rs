//! Kustomizations: which files are only pieces of objects. They are not applied, and that is said.

use std::collections::BTreeSet;

use model::{Gap, GapCode};
use serde_json::Value;
use yaml::Budget;

use crate::text::{folder, gap, joined, name};
use crate::tree::Tree;

/// Names that kustomize knows.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Keys that change objects, other than by files of their own.
const CHANGES: [&str; 4] = ["patches", "patchesStrategicMerge", "patchesJson6902", "replacements"];

/// Bytes of a kustomization.
const BYTES_MAX: usize = 1 << 20;

/// What kustomizations say about files.
#[derive(Debug, Default)]
pub(crate) struct Kustomizations {
    patches: BTreeSet<String>,
}

pub(crate) fn is_file(path: &str) -> bool {
    NAMES.contains(&name(path))
}

impl Kustomizations {
    pub(crate) fn read(tree: &Tree, gaps: &mut BTreeSet<Gap>) -> Self {
        let mut all = Self::default();
        for path in tree.files().filter(|path| is_file(path)) {
            let read = tree.bytes(path, BYTES_MAX).and_then(|bytes| {
                yaml::read(&bytes, &Budget::default()).map_err(|error| {
                    gap(GapCode::ParseError, path, format!("the kustomization cannot be read: {error}"))
                })
            });
            match read {
                Ok(documents) => {
                    for document in documents {
                        all.add(path, &document.value, gaps);
                    }
                }
                Err(gap) => drop(gaps.insert(gap)),
            }
        }
        all
    }

    /// Whether a file is no object, but what a kustomization changes of one.
    pub(crate) fn is_patch(&self, path: &str) -> bool {
        self.patches.contains(path)
    }

    fn add(&mut self, path: &str, value: &Value, gaps: &mut BTreeSet<Gap>) {
        let mut changes = false;
        for key in CHANGES {
            for entry in value.get(key).and_then(Value::as_array).into_iter().flatten() {
                changes = true;
                let file = entry.as_str().or_else(|| entry.get("path").and_then(Value::as_str));
                // Patches may also stand in the kustomization itself.
                let file = file.filter(|file| !file.contains('\n'));
                self.patches.extend(file.and_then(|file| joined(folder(path), file)));
            }
        }
        if changes {
            let reason = "kustomizations are not built: what it patches was judged as it stands, and its patches were not; build it \
                          with `kustomize build` and scan what it prints";
            gaps.insert(gap(GapCode::NotCollected, path, reason));
        }
    }
}
