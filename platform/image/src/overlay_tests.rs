//! The overlay against a file system kept by hand.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::fixture::{Outcome, Tar, read};

fn stack(layers: &[Vec<u8>]) -> (Vec<Outcome>, Vec<LayerIndex>) {
    let outcomes: Vec<_> = layers.iter().map(|layer| read(layer, &["**"])).collect();
    let indexes = outcomes.iter().map(|outcome| outcome.index.clone()).collect();
    (outcomes, indexes)
}

fn visible(layers: &[Vec<u8>]) -> BTreeMap<String, String> {
    let (outcomes, indexes) = stack(layers);
    let overlay = Overlay::new(&indexes);
    let mut files = BTreeMap::new();
    for (layer, outcome) in outcomes.iter().enumerate() {
        for (path, body) in outcome.contents() {
            if overlay.visible(layer, path) {
                assert!(files.insert(path.to_owned(), body.to_owned()).is_none(), "{path} is there twice");
            }
        }
    }
    files
}

fn names(layers: &[Vec<u8>]) -> Vec<String> {
    visible(layers).into_keys().collect()
}

#[test]
fn upper_layers_hide_lower_ones() {
    let lower =
        || Tar::new().dir("d").file("d/a", "1").file("d/sub/b", "1").file("e", "1").file("dx", "1").end();
    assert_eq!(names(&[lower(), Tar::new().file("d/.wh.a", "").end()]), ["d/sub/b", "dx", "e"]);
    assert_eq!(names(&[lower(), Tar::new().file(".wh.d", "").end()]), ["dx", "e"]);
    assert_eq!(
        names(&[lower(), Tar::new().file("d/.wh..wh..opq", "").file("d/new", "2").end()]),
        ["d/new", "dx", "e"]
    );
    assert_eq!(names(&[lower(), Tar::new().file(".wh..wh..opq", "").file("n", "2").end()]), ["n"]);
    assert_eq!(names(&[lower(), Tar::new().file("d", "2").end()]), ["d", "dx", "e"]);
    assert_eq!(names(&[lower(), Tar::new().symlink("d", "e").end()]), ["dx", "e"]);
    assert_eq!(names(&[lower(), Tar::new().dir("d").dir("e").end()]), ["d/a", "d/sub/b", "dx"]);
    assert_eq!(
        names(&[lower(), Tar::new().file("d/.wh..wh.plnk", "").file(".wh..wh.aufs", "").end()]).len(),
        4
    );
    let again = [lower(), Tar::new().file(".wh.d", "").end(), Tar::new().file("d/a", "3").end()];
    assert_eq!(visible(&again).get("d/a").map(String::as_str), Some("3"));
}

#[test]
fn a_whiteout_does_not_reach_its_own_layer() {
    let upper =
        Tar::new().file(".wh.a", "").file("a/new", "2").file("b/new", "2").file("b/.wh..wh..opq", "").end();
    let lower = Tar::new().file("a/old", "1").file("b/old", "1").end();
    assert_eq!(names(&[lower, upper]), ["a/new", "b/new"]);
}

#[test]
fn a_file_read_through_a_link_goes_with_its_target() {
    let links = |layers: &[Vec<u8>]| {
        let outcomes: Vec<_> = layers.iter().map(|layer| read(layer, &["etc/os-release"])).collect();
        let indexes: Vec<_> = outcomes.iter().map(|outcome| outcome.index.clone()).collect();
        let overlay = Overlay::new(&indexes);
        (overlay.visible(0, "etc/os-release"), overlay.gaps().len())
    };
    let lower = || {
        Tar::new().symlink("etc/os-release", "../usr/lib/os-release").file("usr/lib/os-release", "1").end()
    };
    assert_eq!(links(&[lower()]), (true, 0));
    assert_eq!(links(&[lower(), Tar::new().file("usr/lib/os-release", "2").end()]), (false, 0));
    assert_eq!(links(&[lower(), Tar::new().file("usr/.wh.lib", "").end()]), (false, 0));
    let bare = || Tar::new().symlink("etc/os-release", "../usr/lib/os-release").end();
    assert_eq!(links(&[bare()]).1, 1, "leads nowhere");
    assert_eq!(
        links(&[bare(), Tar::new().file("usr/lib/os-release", "2").end()]).1,
        0,
        "another layer has it"
    );
    assert_eq!(links(&[bare(), Tar::new().file("etc/.wh.os-release", "").end()]).1, 0, "gone");
}

#[derive(Debug, Clone)]
enum Step {
    File(String),
    Dir(String),
    Remove(String),
    Opaque(String),
}

fn step() -> impl Strategy<Value = Step> {
    let path = "[ab](/[ab]){0,3}";
    prop_oneof![
        4 => path.prop_map(Step::File),
        2 => path.prop_map(Step::Dir),
        2 => path.prop_map(Step::Remove),
        1 => "([ab](/[ab]){0,2})?".prop_map(Step::Opaque),
    ]
}

/// What unpacking the layers one over the other leaves, kept as plain maps.
#[derive(Default, Clone)]
struct Tree {
    files: BTreeMap<String, String>,
    dirs: BTreeSet<String>,
}

impl Tree {
    fn remove(&mut self, path: &str) {
        let below = format!("{path}/");
        self.files.retain(|name, _| name != path && !name.starts_with(&below));
        self.dirs.retain(|name| name != path && !name.starts_with(&below));
    }

    fn parents(&mut self, path: &str) {
        for parent in ancestors(path).filter(|parent| !parent.is_empty()) {
            self.files.remove(parent);
            self.dirs.insert(parent.to_owned());
        }
    }

    fn apply(&mut self, layer: &[Step], number: usize) {
        let removals = layer.iter().filter(|step| matches!(step, Step::Remove(_) | Step::Opaque(_)));
        for step in removals {
            match step {
                Step::Remove(path) => self.remove(path),
                Step::Opaque(path) => {
                    let below = if path.is_empty() { String::new() } else { format!("{path}/") };
                    self.files.retain(|name, _| !name.starts_with(&below));
                    self.dirs.retain(|name| !name.starts_with(&below));
                }
                _ => {}
            }
        }
        for (order, step) in layer.iter().enumerate() {
            match step {
                Step::File(path) => {
                    self.remove(path);
                    self.parents(path);
                    self.files.insert(path.clone(), format!("{number}.{order}"));
                }
                Step::Dir(path) => {
                    self.files.remove(path);
                    self.parents(path);
                    self.dirs.insert(path.clone());
                }
                _ => {}
            }
        }
    }
}

/// Steps in which no entry stands below a file of its own layer: there tools disagree, and tars do not have it.
fn is_sound(layer: &[Step]) -> bool {
    let files: BTreeSet<_> = layer
        .iter()
        .filter_map(|step| if let Step::File(p) = step { Some(p.as_str()) } else { None })
        .collect();
    layer.iter().all(|step| match step {
        Step::File(path) | Step::Dir(path) => !ancestors(path).any(|parent| files.contains(parent)),
        Step::Remove(path) => !ancestors(path).any(|parent| files.contains(parent)),
        Step::Opaque(path) => {
            !files.contains(path.as_str()) && !ancestors(path).any(|parent| files.contains(parent))
        }
    })
}

fn tar(layer: &[Step], number: usize) -> Vec<u8> {
    let mut tar = Tar::new();
    for (order, step) in layer.iter().enumerate() {
        tar = match step {
            Step::File(path) => tar.file(path, format!("{number}.{order}")),
            Step::Dir(path) => tar.dir(path),
            Step::Remove(path) => {
                let (parent, name) =
                    path.rsplit_once('/').map_or(("", path.as_str()), |(parent, name)| (parent, name));
                tar.file(&format!("{parent}/.wh.{name}"), "")
            }
            Step::Opaque(path) => tar.file(&format!("{path}/.wh..wh..opq"), ""),
        };
    }
    tar.end()
}

proptest! {
    #[test]
    fn the_overlay_shows_what_unpacking_leaves(layers in proptest::collection::vec(proptest::collection::vec(step(), 0..7), 1..5)) {
        let layers: Vec<Vec<Step>> = layers.into_iter().filter(|layer| is_sound(layer)).collect();
        let mut tree = Tree::default();
        for (number, layer) in layers.iter().enumerate() {
            tree.apply(layer, number);
        }
        let tars: Vec<_> = layers.iter().enumerate().map(|(number, layer)| tar(layer, number)).collect();
        prop_assert_eq!(visible(&tars), tree.files);
    }

    #[test]
    fn a_stored_index_is_the_same_index(layer in proptest::collection::vec(step(), 0..20), cut in 0usize..2000) {
        let index = read(&tar(&layer, 0), &["**"]).index;
        let bytes = index.to_bytes();
        let text = serde_json::to_string(&index).unwrap();
        prop_assert_eq!(&LayerIndex::from_bytes(&bytes).unwrap(), &index);
        prop_assert_eq!(serde_json::from_str::<LayerIndex>(&text).unwrap(), index);
        prop_assert!(LayerIndex::from_bytes(&bytes[..cut % bytes.len()]).is_err());
    }
}
