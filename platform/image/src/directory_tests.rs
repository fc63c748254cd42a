//! Walking real directories.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use super::*;
use crate::budget::Budget;
use crate::fixture::{Outcome, selector};
use crate::sink::SelectedFile;

fn walk(root: &Path, paths: &[&str], limits: &Limits) -> Outcome {
    walk_without(&Exclude::nothing(), root, paths, limits)
}

fn walk_without(exclude: &Exclude, root: &Path, paths: &[&str], limits: &Limits) -> Outcome {
    let selector = selector(paths);
    let mut files = Vec::new();
    let mut sink = |file: SelectedFile| files.push((file.path.clone(), file.body.to_vec(), file.ordinal));
    let budget = Budget::default();
    let scan = Scan::new(&selector, limits, &budget, "root directory", &mut sink);
    let index = read(root, exclude, scan, limits).unwrap();
    Outcome { files, index }
}

fn write(root: &Path, path: &str, body: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, body).unwrap();
}

#[test]
fn files_come_sorted_and_links_stay_inside() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret", "outside");
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    write(root, "usr/lib/os-release", "ID=x");
    write(root, "b/1", "b1");
    write(root, "a/2", "a2");
    std::fs::create_dir_all(root.join("etc")).unwrap();
    symlink("../usr/lib/os-release", root.join("etc/os-release")).unwrap();
    symlink(outside.path().join("secret"), root.join("etc/passwd")).unwrap();
    symlink(outside.path(), root.join("out")).unwrap();
    symlink("..", root.join("a/up")).unwrap();
    std::fs::hard_link(root.join("a/2"), root.join("a/3")).unwrap();
    let outcome = walk(root, &["**"], &Limits::default());
    let order: Vec<_> = outcome.files.iter().map(|(path, _, _)| path.as_str()).collect();
    assert_eq!(order, ["a/2", "a/3", "b/1", "usr/lib/os-release"]);
    let named = walk(root, &["etc/os-release", "etc/passwd", "out/secret", "a/up/b/1"], &Limits::default());
    assert_eq!(named.contents(), [("a/up/b/1", "b1"), ("etc/os-release", "ID=x")]);
    // The link out of the root leads, inside it, to nothing.
    assert_eq!(named.index.links().iter().filter(|link| !link.here).count(), 1);
}

#[test]
fn odd_names_and_pipes_do_no_harm() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "fine", "x");
    std::fs::write(root.path().join(std::ffi::OsStr::from_bytes(b"bad\xff")), "y").unwrap();
    rustix::fs::mknodat(CWD, root.path().join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    let outcome = walk(root.path(), &["**"], &Limits::default());
    assert_eq!(outcome.contents(), [("fine", "x")]);
    assert_eq!(outcome.codes(), ["unsafe-path"]);
}

#[test]
fn caps_hold_for_directories_too() {
    let root = tempfile::tempdir().unwrap();
    for number in 0..20 {
        write(root.path(), &format!("f{number:02}"), "x");
    }
    write(root.path(), "a/b/c/d/e/f", "deep");
    let few = walk(root.path(), &["**"], &Limits { entries: 10, ..Limits::default() });
    assert_eq!(few.codes(), ["entry-limit"]);
    assert!(!few.files.is_empty());
    let flat = walk(root.path(), &["**"], &Limits { depth: 3, ..Limits::default() });
    assert_eq!((flat.codes(), flat.files.len()), (vec!["depth-limit"], 20));
    let late =
        walk(root.path(), &["**"], &Limits { layer_time: std::time::Duration::ZERO, ..Limits::default() });
    assert_eq!(late.codes(), ["time-limit"]);
}

#[test]
fn what_is_excluded_is_a_gap_and_nothing_below_it_is_opened() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a/target/deep/x", "1");
    write(root.path(), "a/x", "2");
    write(root.path(), "b.x", "3");
    let exclude = Exclude::new(&["*/target".to_owned(), "/b.x".to_owned()]).unwrap();
    let outcome = walk_without(&exclude, root.path(), &["**"], &Limits::default());
    assert_eq!((outcome.contents(), outcome.codes()), (vec![("a/x", "2")], vec!["excluded", "excluded"]));
}
