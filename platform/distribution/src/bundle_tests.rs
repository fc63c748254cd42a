use std::fs;

use super::*;
use crate::fixture::{artifact, key};
use crate::revocation::RevokedDigest;
use crate::signature::sign;

fn entry(component: &[u8]) -> BundleEntry {
    let artifact = artifact(component);
    let signatures = vec![sign(&artifact, "a", &key()).unwrap(), sign(&artifact, "b", &key()).unwrap()];
    BundleEntry { artifact, signatures }
}

fn list() -> Revocations {
    let digest = crate::artifact::digest_of(b"bad");
    Revocations {
        digests: vec![RevokedDigest { digest, reason: "bad".to_owned() }],
        ..Revocations::default()
    }
}

fn written(bundle: &Bundle) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_bundle(bundle, &mut bytes).unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<Bundle, DistributionError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.tar");
    fs::write(&path, bytes).unwrap();
    let mut entries = Vec::new();
    let revocations = read_bundle(&path, |entry, _| {
        entries.push(entry);
        Ok::<_, DistributionError>(())
    })?;
    Ok(Bundle { entries, revocations })
}

/// Replaces text of the same length anywhere in the tar. Its checksums cover headers alone.
fn edited(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let mut found = false;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            found = true;
        }
    }
    assert!(found, "{from}");
    bytes
}

#[test]
fn a_bundle_comes_back_and_its_bytes_do_not_depend_on_the_order() {
    let mut entries = vec![entry(b"one"), entry(b"two"), entry(b"three")];
    entries[2].signatures.clear();
    let bundle = |entries: Vec<BundleEntry>| Bundle { entries, revocations: Some(list()) };
    let bytes = written(&bundle(entries.clone()));
    entries.reverse();
    assert_eq!(written(&bundle(entries.clone())), bytes);
    entries.sort_by(|a, b| a.artifact.digest().cmp(b.artifact.digest()));
    assert_eq!(read(&bytes).unwrap(), bundle(entries));
    assert_eq!(read(&written(&Bundle::default())).unwrap(), Bundle::default());
}

#[test]
fn every_artifact_is_shown_with_the_list_that_came_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.tar");
    let bundle = Bundle { entries: vec![entry(b"one")], revocations: Some(list()) };
    fs::write(&path, written(&bundle)).unwrap();
    let mut seen = 0;
    read_bundle(&path, |_, revocations| {
        assert_eq!(revocations, Some(&list()));
        seen += 1;
        Ok::<_, DistributionError>(())
    })
    .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn one_thing_twice_is_not_written() {
    let one = entry(b"one");
    let bundle = Bundle { entries: vec![one.clone(), one], revocations: None };
    assert_eq!(write_bundle(&bundle, &mut Vec::new()).unwrap_err().code(), "plugin-bundle-invalid");
}

#[test]
fn what_was_changed_on_the_way_is_not_believed() {
    let bundle = Bundle { entries: vec![entry(b"component")], revocations: Some(list()) };
    let bytes = written(&bundle);
    let digest = bundle.entries[0].artifact.digest().as_str().to_owned();
    let swapped = crate::artifact::digest_of(b"x");
    let table = [
        (edited(&bytes, "component", "tnenopmoc"), "image-digest-mismatch"),
        (edited(&bytes, "cosign container image", "cosign container egami"), "image-digest-mismatch"),
        (edited(&bytes, "palisade-revocations-1", "palisade-revocations-2"), "image-digest-mismatch"),
        (
            edited(
                &bytes,
                "\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index",
                "\"schemaVersion\":3,\"mediaType\":\"application/vnd.oci.image.index",
            ),
            "plugin-bundle-invalid",
        ),
        (edited(&bytes, &digest, swapped.as_str()), "image-reference-unknown"),
        (edited(&bytes, "index.json", "index.jsom"), "image-format-invalid"),
        (bytes[..bytes.len() / 2].to_vec(), "image-format-invalid"),
        (b"no tar at all".to_vec(), "image-format-invalid"),
        (Vec::new(), "image-format-invalid"),
    ];
    for (number, (bytes, code)) in table.into_iter().enumerate() {
        assert_eq!(read(&bytes).unwrap_err().code(), code, "case {number}");
    }
}

#[test]
fn signatures_that_are_taken_out_are_missing_and_not_made_up() {
    let mut one = entry(b"component");
    one.signatures.clear();
    let bundle = Bundle { entries: vec![one], revocations: None };
    assert_eq!(read(&written(&bundle)).unwrap(), bundle);
}
