//! Objects from files: what `kubectl get --output json` prints, and answers of the API server.
//!
//! One item of a list is held at a time besides what is kept of it. A document that is no list and no object, and an item that is
//! none, become gaps: what was in them is missing, and nobody knows what it was.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use model::{Gap, GapCode};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::ClusterError;
use crate::id::GroupKind;
use crate::kinds::of_plural;
use crate::object::{NoObject, Object};
use crate::snapshot::Snapshot;

/// Largest file, in bytes.
pub const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Most objects; beyond it the snapshot says what is missing.
pub const OBJECTS_MAX: usize = 2_000_000;

/// Reads files, and the files of folders whose name ends in `.json`; folders inside of those are not entered. `cluster` is the cluster's
/// name in canonical ids where no file has its namespace `kube-system`.
///
/// # Errors
/// [`ClusterError::Unreadable`] for a path that cannot be read, [`ClusterError::Empty`] when no object is found.
pub fn read_files(paths: &[PathBuf], cluster: &str) -> Result<Snapshot, ClusterError> {
    let mut reading = Reading::default();
    for path in paths {
        for file in files(path)? {
            reading.file(&file)?;
        }
    }
    if reading.objects.is_empty() {
        let places: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(ClusterError::Empty { places: places.join(", ") });
    }
    Ok(Snapshot::new(reading.objects, reading.listed, reading.gaps, cluster))
}

/// Reads the documents of one file that is in memory already. `name` is what gaps call it.
///
/// # Errors
/// [`ClusterError::Empty`] when no object is found.
pub fn read_bytes(bytes: &[u8], name: &str, cluster: &str) -> Result<Snapshot, ClusterError> {
    let mut reading = Reading::default();
    reading.documents(bytes, name, name);
    if reading.objects.is_empty() {
        return Err(ClusterError::Empty { places: name.to_owned() });
    }
    Ok(Snapshot::new(reading.objects, reading.listed, reading.gaps, cluster))
}

/// Makes an object of a value, for readers of other forms than lists.
///
/// # Errors
/// A sentence about what the value lacks to be an object.
pub fn read_object(value: Value) -> Result<Object, String> {
    Object::of(value).map_err(|NoObject(problem)| problem)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, ClusterError> {
    let unreadable = |source| ClusterError::Unreadable { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?.path();
        if entry.extension().is_some_and(|extension| extension == "json") && entry.is_file() {
            found.push(entry);
        }
    }
    found.sort();
    Ok(found)
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    objects: Vec<Object>,
    listed: BTreeSet<GroupKind>,
    gaps: BTreeSet<Gap>,
}

impl Reading {
    fn file(&mut self, path: &Path) -> Result<(), ClusterError> {
        let unreadable = |source| ClusterError::Unreadable { path: path.to_owned(), source };
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if size > FILE_BYTES_MAX {
            let reason = format!("the file has {size} bytes; at most {FILE_BYTES_MAX} are read");
            self.gap(GapCode::SizeLimit, name, reason);
            return Ok(());
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.documents(&bytes, &name, &stem);
        Ok(())
    }

    /// Every document of a file; several may follow each other.
    fn documents(&mut self, bytes: &[u8], name: &str, stem: &str) {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        while deserializer.end().is_err() {
            if let Err(error) = (Document { reading: self, name, stem }).deserialize(&mut deserializer) {
                self.gap(GapCode::Corrupt, name.to_owned(), format!("the file is no JSON: {error}"));
                return;
            }
        }
    }

    fn gap(&mut self, code: GapCode, subject: String, reason: String) {
        self.gaps.insert(Gap { code, subject, reason });
    }

    fn item(&mut self, value: Value, name: &str) {
        if self.objects.len() >= OBJECTS_MAX {
            let reason = format!("there are more than {OBJECTS_MAX} objects");
            self.gap(GapCode::EntryLimit, "cluster".to_owned(), reason);
            return;
        }
        match Object::of(value) {
            Ok(object) => {
                self.listed.insert(object.kind.clone());
                self.objects.push(object);
            }
            Err(NoObject(problem)) => {
                self.gap(
                    GapCode::ParseError,
                    name.to_owned(),
                    format!("an object cannot be used: {problem}"),
                );
            }
        }
    }
}

/// One document on its way into the reading.
struct Document<'a> {
    reading: &'a mut Reading,
    name: &'a str,
    stem: &'a str,
}

/// What a document has said beside its items.
#[derive(Default)]
struct Head {
    rest: Map<String, Value>,
    /// Items that do not say what they are: the list does.
    nameless: Vec<Value>,
    is_list: bool,
    count: usize,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object or a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut head = Head::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" && !head.is_list {
                head.is_list = true;
                map.next_value_seed(Items { document: &mut self, head: &mut head })?;
            } else if key == "items" {
                map.next_value::<IgnoredAny>()?;
            } else {
                head.rest.insert(key, map.next_value()?);
            }
        }
        self.end(head);
        Ok(())
    }
}

impl Document<'_> {
    fn end(self, head: Head) {
        let word = |key: &str| head.rest.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (version, kind) = (word("apiVersion"), word("kind"));
        if !head.is_list {
            return match kind.as_str() {
                "Status" => {
                    let reason = format!("the file holds an error of the API server: {}", word("message"));
                    self.reading.gap(GapCode::Unreadable, self.name.to_owned(), reason);
                }
                kind if kind.ends_with("List") => self.listed(&version, kind, 0),
                "Table" | "PartialObjectMetadata" => self.unsupported(&kind),
                _ => self.reading.item(Value::Object(head.rest), self.name),
            };
        }
        if kind == "PartialObjectMetadataList" || kind == "Table" {
            return self.unsupported(&kind);
        }
        let item_kind = kind.strip_suffix("List").unwrap_or_default();
        for mut item in head.nameless {
            if let Some(object) = item.as_object_mut() {
                object.entry("apiVersion").or_insert_with(|| version.as_str().into());
                object.entry("kind").or_insert_with(|| item_kind.into());
            }
            self.reading.item(item, self.name);
        }
        self.listed(&version, &kind, head.count);
    }

    /// That a list was there says something even if it was empty: of a kind without objects one knows that there are none.
    fn listed(self, version: &str, kind: &str, count: usize) {
        let of_list = kind.strip_suffix("List").filter(|kind| !kind.is_empty());
        let kind = match of_list {
            Some(kind) => Some(GroupKind::of(version, kind)),
            // `kubectl` calls every list by the same name; what an empty one was of, its file's name may tell.
            None if count == 0 => of_plural(self.stem),
            None => None,
        };
        self.reading.listed.extend(kind);
    }

    fn unsupported(self, kind: &str) {
        let reason = format!("the file holds a {kind}, which does not have whole objects in it");
        self.reading.gap(GapCode::Unsupported, self.name.to_owned(), reason);
    }
}

/// The items of a list.
struct Items<'d, 'a> {
    document: &'d mut Document<'a>,
    head: &'d mut Head,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects, or null")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element::<Value>()? {
            self.head.count += 1;
            if item.get("kind").is_some_and(|kind| kind == "PartialObjectMetadata") {
                continue;
            }
            if item.get("kind").is_some() && item.get("apiVersion").is_some() {
                self.document.reading.item(item, self.document.name);
            } else {
                self.head.nameless.push(item);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
