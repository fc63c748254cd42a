//! Kubernetes manifests: which files hold them, and their objects with the lines they stand on.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{Object, Snapshot, asset_id, read_object};
use model::{Gap, GapCode};
use serde_json::Value;
use yaml::{Budget, Lines, YamlError};

use crate::helm::Chart;
use crate::kustomize::{self, Kustomizations};
use crate::text::{gap, shown};
use crate::tree::Tree;
use crate::{Document, Options, Origin};

/// First bytes of a large file in which it is decided whether it is a Terraform plan.
const HEAD_BYTES: usize = 64 * 1024;

/// Everything that was read so far.
pub(crate) struct Reading<'a> {
    options: &'a Options<'a>,
    found: Vec<Found>,
    /// Files that are Terraform plans.
    pub(crate) plans: Vec<String>,
    pub(crate) gaps: BTreeSet<Gap>,
    /// Bytes that may still be looked into.
    left: u64,
}

/// An object and where it stands.
struct Found {
    object: Object,
    file: String,
    lines: Lines,
    origin: Origin,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(options: &'a Options<'a>, gaps: BTreeSet<Gap>) -> Self {
        Self { options, found: Vec::new(), plans: Vec::new(), gaps, left: options.limits.total_bytes }
    }

    pub(crate) fn gap(&mut self, code: GapCode, subject: &str, reason: impl Into<String>) {
        self.gaps.insert(gap(code, subject, reason));
    }

    /// Every manifest that is no part of a chart, and no patch of another.
    pub(crate) fn files(&mut self, tree: &Tree, charts: &[Chart]) {
        let kustomizations = Kustomizations::read(tree, &mut self.gaps);
        for path in tree.files() {
            let manifest = path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json");
            let own = charts.iter().any(|chart| chart.renders(path)) || kustomizations.is_patch(path);
            if manifest && !own && !kustomize::is_file(path) {
                self.file(tree, path);
            }
        }
    }

    fn file(&mut self, tree: &Tree, path: &str) {
        let size = tree.size(path);
        if size > self.left {
            let reason =
                format!("files of more than {} bytes together are not read", tree.limits.total_bytes);
            self.gap(GapCode::SizeLimit, "directory", reason);
            return;
        }
        self.left -= size;
        let (bytes, whole) = match tree.head(path, tree.limits.file_bytes) {
            Ok(read) => read,
            Err(gap) => {
                self.gaps.insert(gap);
                return;
            }
        };
        let head = bytes.get(..HEAD_BYTES.min(bytes.len())).unwrap_or_default();
        if path.ends_with(".json") && has(head, b"\"format_version\"") && has(head, b"\"terraform_version\"")
        {
            self.plans.push(path.to_owned());
            return;
        }
        // Most YAML and JSON is about something else; nobody needs to know how well it is written.
        if !(has(&bytes, b"apiVersion") && has(&bytes, b"kind")) {
            return;
        }
        if !whole {
            let reason = format!("the file has {size} bytes; at most {} are read", tree.limits.file_bytes);
            return self.gap(GapCode::SizeLimit, path, reason);
        }
        self.manifest(path, &bytes);
    }

    fn manifest(&mut self, path: &str, bytes: &[u8]) {
        let (documents, error) =
            yaml::read_until_error(bytes, &Budget { bytes: usize::MAX, ..Budget::default() });
        for document in documents {
            for key in &document.duplicates {
                let line = document.lines.of(key);
                let reason = format!("line {line}: {} is there twice; the last one counts", shown(key));
                self.gap(GapCode::ParseError, path, reason);
            }
            self.document(path, document.value, &document.lines, &Origin::Written);
        }
        if let Some(error) = error {
            let template = matches!(error, YamlError::Syntax { .. }) && has(bytes, b"{{");
            let hint = if template {
                "; it looks like a template, and no Chart.yaml is above it to render it"
            } else {
                ""
            };
            let code = match error {
                YamlError::Budget { .. } => GapCode::SizeLimit,
                _ => GapCode::ParseError,
            };
            self.gap(code, path, format!("the file is read up to there: {error}{hint}"));
        }
    }

    /// One document, which is an object, a list of objects, or something else.
    pub(crate) fn document(&mut self, path: &str, value: Value, lines: &Lines, origin: &Origin) {
        let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (version, kind) = (word("apiVersion"), word("kind"));
        if version.is_empty() || kind.is_empty() || version.starts_with("kustomize.config.k8s.io/") {
            return;
        }
        let items = value.get("items").is_some_and(Value::is_array) && kind.ends_with("List");
        if !items {
            return self.object(path, value, lines.clone(), origin);
        }
        let Some(Value::Array(items)) = value.get("items").cloned() else { return };
        for (place, mut item) in items.into_iter().enumerate() {
            if let (Some(item), Some(of)) = (item.as_object_mut(), kind.strip_suffix("List")) {
                item.entry("apiVersion").or_insert_with(|| version.as_str().into());
                item.entry("kind").or_insert_with(|| of.into());
            }
            self.object(path, item, lines.within(&format!("/items/{place}")), origin);
        }
    }

    fn object(&mut self, path: &str, mut value: Value, lines: Lines, origin: &Origin) {
        if self.found.len() >= self.options.limits.documents {
            let reason = format!("there are more than {} objects", self.options.limits.documents);
            return self.gap(GapCode::EntryLimit, "directory", reason);
        }
        let line = lines.first();
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut)
            && !metadata.contains_key("name")
        {
            match metadata.get("generateName").cloned() {
                Some(prefix) => drop(metadata.insert("name".to_owned(), prefix)),
                // Settings of tools have kind and version as well, but no name.
                None => return,
            }
        } else if value.get("metadata").is_none_or(|metadata| !metadata.is_object()) {
            return;
        }
        match read_object(value) {
            Ok(object) if object.body.is_empty() => {
                let reason =
                    format!("line {line}: the object has more than {} bytes", cluster::BODY_BYTES_MAX);
                self.gap(GapCode::SizeLimit, path, reason);
            }
            Ok(object) => {
                let origin = origin.clone();
                self.found.push(Found { object, file: path.to_owned(), lines, origin });
            }
            Err(problem) => {
                let reason = format!("line {line}: an object cannot be used: {problem}");
                self.gap(GapCode::ParseError, path, reason);
            }
        }
    }

    /// The snapshot of all objects, the documents to judge, and the gaps.
    pub(crate) fn end(self) -> (Snapshot, Vec<Document>, BTreeSet<Gap>) {
        let objects = self.found.iter().map(|found| found.object.clone()).collect();
        let snapshot = Snapshot::of(objects, self.options.scope);
        let mut by_path: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        for found in self.found {
            by_path.entry(found.object.path()).or_default().push(found);
        }
        let mut documents = Vec::new();
        for (path, found) in by_path {
            described(&path, found, snapshot.cluster(), &mut documents);
        }
        (snapshot, documents, self.gaps)
    }
}

/// Every different description of one object. The first keeps the object's path, so that a second one renames nothing.
fn described(path: &str, found: Vec<Found>, cluster: &str, documents: &mut Vec<Document>) {
    let (mut bodies, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for one in found {
        // A chart that is rendered with several values mostly says the same.
        if !bodies.insert((one.file.clone(), one.object.body.clone())) {
            continue;
        }
        let mut own = path.to_owned();
        if !paths.is_empty() {
            own = match &one.origin {
                Origin::Rendered { values: Some(values), .. } => {
                    format!("{path} ({} with {values})", one.file)
                }
                _ => format!("{path} ({})", one.file),
            };
        }
        let mut number = 1;
        while !paths.insert(own.clone()) {
            number += 1;
            own = format!("{path} ({}, {number})", one.file);
        }
        documents.push(Document {
            asset: asset_id(cluster, path),
            kind: one.object.resource_kind(),
            path: own,
            file: one.file,
            body: one.object.body,
            lines: one.lines,
            origin: one.origin,
        });
    }
}

/// Whether bytes hold a text.
pub(crate) fn has(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
