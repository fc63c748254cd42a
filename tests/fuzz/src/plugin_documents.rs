//! What plugins travel with: manifests, signatures beside a file, revocation lists, keys, bundles.

use distribution::{
    Artifact, Detached, DistributionError, Origin, Policy, PublicKey, Revocations, Rule, SIGNATURES_MAX,
    Signature, Signers, Subject, decide, read_bundle,
};

use crate::must::must;
use crate::scratch;

/// Nobody has the private half of this key any more, so nothing is signed by it.
const KEY: &str = include_str!("../corpus/plugin-documents/public-key");

pub(crate) fn run(data: &[u8]) {
    detached(data);
    if let Ok(list) = Revocations::read(data) {
        let written = must(list.write(), "a list is written");
        assert_eq!(must(Revocations::read(&written), "a list of our own"), list);
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(key) = PublicKey::from_pem(text)
    {
        assert_eq!(must(PublicKey::from_pem(&key.to_pem()), "a key of our own").id(), key.id());
    }
    let _ = Artifact::from_parts(data.to_vec(), b"{}".to_vec(), data.to_vec());
    bundle(data);
}

fn detached(data: &[u8]) {
    let unknown = |payload: &[u8]| Signature {
        payload: payload.to_vec(),
        signature: payload.to_vec(),
        notes: Default::default(),
    };
    refused(&[unknown(data)]);
    let Ok(file) = Detached::read(data) else { return };
    let written = must(file.write(), "signatures are written");
    assert_eq!(must(Detached::read(&written), "signatures of our own"), file);
    assert!(file.signatures.len() <= SIGNATURES_MAX);
    refused(&file.signatures);
}

/// Whatever signatures there are, nobody who is trusted made them.
fn refused(signatures: &[Signature]) {
    let key = must(PublicKey::from_pem(KEY), "the key");
    let digest = must(model::Digest::parse(&format!("sha256:{}", "0".repeat(64))), "a digest");
    let signers = Signers { keys: [("key".to_owned(), key)].into(), ..Signers::default() };
    let rule = Rule { plugins: "*".to_owned(), any_of: vec!["key".to_owned()], ..Rule::default() };
    let policy = must(Policy::new(Vec::new(), signers, vec![rule]), "a policy");
    let subject = Subject {
        digest: Some(&digest),
        component: &digest,
        id: "a.b",
        version: "1.0.0",
        origin: &Origin::File,
    };
    assert!(!decide(&subject, signatures, &policy, &Revocations::default()).accepted());
}

/// What comes out of a bundle belongs together, whatever went in.
fn bundle(data: &[u8]) {
    let path = scratch::file("bundle.tar", data);
    let _ = read_bundle(&path, |entry, _| {
        let artifact = entry.artifact;
        let parts = (artifact.manifest().to_vec(), artifact.config().to_vec(), artifact.component().to_vec());
        assert_eq!(must(Artifact::from_parts(parts.0, parts.1, parts.2), "the same parts"), artifact);
        assert!(entry.signatures.len() <= SIGNATURES_MAX);
        Ok::<_, DistributionError>(())
    });
}
