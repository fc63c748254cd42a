//! Packs: that they are the same every time, that nothing in them can be changed, and that hostile ones are refused.

use std::io::Write as _;

use distribution::{Algorithm, PrivateKey, PublicKey};

use super::manifest::sign;
use super::*;
use crate::assessment::{Assessment, Collector, Observation, Rule, Seen};
use crate::canonical::sha256;
use crate::chain::Start;
use crate::error::EvidenceError;
use crate::exception::Exceptions;
use crate::fixture::{assessment, at, exception};
use crate::oscal::Sla;

fn key(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::generate(algorithm).unwrap()
}

fn written(assessments: &[Assessment], start: Start, keys: &[&PrivateKey]) -> (Vec<u8>, Written) {
    let exceptions = Exceptions::new(vec![exception("e1")]).unwrap();
    let producer = Collector { digest: None, name: "palisade".to_owned(), version: "0.1.0".to_owned() };
    let contents = Contents { assessments, exceptions: &exceptions, sla: Sla::default(), producer, start };
    let mut bytes = Vec::new();
    let written = write(&mut bytes, &contents, keys).unwrap();
    (bytes, written)
}

fn code(bytes: &[u8], trusted: &[PublicKey]) -> &'static str {
    verify(bytes, trusted).map_or_else(|error| error.code(), |_| "verified")
}

#[test]
fn a_pack_verifies_and_is_the_same_every_time() {
    let mut earlier = assessment();
    earlier.time = at("2026-05-01T12:00:00Z");
    let both = [earlier, assessment()];
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256] {
        let key = key(algorithm);
        let (bytes, first) = written(&both, Start::default(), &[&key]);
        let verified = verify(bytes.as_slice(), &[key.public()]).unwrap();
        assert_eq!(verified.manifest_sha256, first.manifest_sha256);
        assert_eq!(verified.trusted, [key.public().id().to_string()]);
        let names: Vec<&str> = verified.manifest.members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "index.html",
                "inputs.json",
                "oscal/assessment-results.json",
                "oscal/component-definition.json",
                "oscal/plan-of-action-and-milestones.json",
                "records.ndjson.zst",
                "report.pdf"
            ]
        );
        let (again, _) = written(&both, Start::default(), &[&key]);
        assert_eq!(verify(again.as_slice(), &[key.public()]).unwrap().manifest, verified.manifest);
        assert_eq!(again == bytes, algorithm == Algorithm::Ed25519, "ECDSA signatures are random");
        // The next pack goes on where this one ends.
        let mut later = assessment();
        later.time = at("2026-07-01T12:00:00Z");
        let (next, _) = written(&[later], first.next.clone(), &[&key]);
        let chain = verify(next.as_slice(), &[key.public()]).unwrap().manifest.chain;
        assert_eq!((chain.previous, chain.sequence), (verified.manifest.chain.head, first.next.sequence));
    }
}

#[test]
fn whatever_byte_is_changed_the_pack_is_refused() {
    let key = key(Algorithm::Ed25519);
    let (bytes, _) = written(&[assessment()], Start::default(), &[&key]);
    let trusted = [key.public()];
    assert_eq!(code(&bytes, &trusted), "verified");
    let half = bytes.len() / 2;
    let flipped = |places: std::ops::Range<usize>| {
        let mut bytes = bytes.clone();
        for place in places {
            let bit = 1 << (place % 8);
            bytes[place] ^= bit;
            assert_ne!(code(&bytes, &trusted), "verified", "byte {place}");
            bytes[place] ^= bit;
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| flipped(0..half));
        scope.spawn(|| flipped(half..bytes.len()));
    });
}

#[test]
fn wherever_it_is_cut_the_pack_is_refused() {
    let key = key(Algorithm::Ed25519);
    let (bytes, _) = written(&[assessment()], Start::default(), &[&key]);
    for end in (0..bytes.len()).step_by(61).chain([bytes.len() - 1, bytes.len() - 512, bytes.len() - 1024]) {
        assert_eq!(code(&bytes[..end], &[key.public()]), "evidence-pack-truncated", "{end}");
    }
    for more in [&b"\0"[..], &[0; 512], b"x"] {
        let longer = [bytes.as_slice(), more].concat();
        assert_eq!(code(&longer, &[key.public()]), "evidence-pack-form");
    }
}

#[test]
fn only_trusted_keys_count_and_every_announced_signature_must_be_there() {
    let (one, two, stranger) = (key(Algorithm::Ed25519), key(Algorithm::EcdsaP256), key(Algorithm::Ed25519));
    let (bytes, _) = written(&[assessment()], Start::default(), &[&one, &two]);
    for trusted in [&one, &two] {
        let verified = verify(bytes.as_slice(), &[stranger.public(), trusted.public()]).unwrap();
        assert_eq!(verified.trusted, [trusted.public().id().to_string()]);
        assert_eq!(verified.manifest.signers.len(), 2);
    }
    assert_eq!(code(&bytes, &[stranger.public()]), "evidence-signer-unknown");
    assert_eq!(code(&bytes, &[]), "evidence-signer-unknown");
    let trusted = [one.public()];
    let members = members(&bytes);
    let swapped = |signatures: Vec<u8>| {
        let mut members = members.clone();
        members[1].1 = signatures;
        code(&built(&members), &trusted)
    };
    let manifest = &members[0].1;
    assert_eq!(swapped(members[1].1.clone()), "verified");
    assert_eq!(swapped(sign(manifest, &[&one]).unwrap()), "evidence-pack-unsigned");
    assert_eq!(swapped(b"[]".to_vec()), "evidence-pack-unsigned");
    assert_eq!(swapped(sign(manifest, &[&one, &two, &stranger]).unwrap()), "evidence-signature-invalid");
    assert_eq!(swapped(sign(b"{}", &[&one, &two]).unwrap()), "evidence-signature-invalid");
    assert_eq!(swapped(sign(manifest, &[&stranger, &two]).unwrap()), "evidence-signature-invalid");
    assert_eq!(swapped(Vec::new()), "evidence-signature-invalid");
    let mut without = members.clone();
    without.remove(1);
    assert_eq!(code(&built(&without), &trusted), "evidence-pack-unsigned");
    let contents = assessment();
    let error = write_with(&[contents], &[]).unwrap_err();
    assert_eq!(error.code(), "evidence-pack-unsigned");
}

fn write_with(assessments: &[Assessment], keys: &[&PrivateKey]) -> Result<Written, EvidenceError> {
    let exceptions = Exceptions::default();
    let producer = Collector { digest: None, name: String::new(), version: String::new() };
    let start = Start::default();
    let contents = Contents { assessments, exceptions: &exceptions, sla: Sla::default(), producer, start };
    write(std::io::sink(), &contents, keys)
}

#[test]
fn assessments_that_do_not_belong_together_are_no_pack() {
    let key = key(Algorithm::Ed25519);
    let mut other = assessment();
    other.scope = "k8s:v".to_owned();
    other.time = at("2026-07-01T12:00:00Z");
    for bad in [
        vec![],
        vec![assessment(), assessment()],
        vec![assessment(), other.clone()],
        vec![other, assessment()],
    ] {
        assert_eq!(write_with(&bad, &[&key]).unwrap_err().code(), "evidence-assessment-invalid");
    }
}

type Members = Vec<(String, Vec<u8>)>;

fn members(pack: &[u8]) -> Members {
    let mut reader = pack;
    let mut all = Vec::new();
    while let Some((name, size)) = tar::next(&mut reader).unwrap() {
        let (body, rest) = reader.split_at(usize::try_from(size).unwrap());
        all.push((name, body.to_vec()));
        reader = &rest[tar::padding(size)..];
    }
    all
}

fn built(members: &Members) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, body) in members {
        bytes.extend(tar::header(name, body.len() as u64).unwrap());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend(tar::END);
    bytes
}

/// A pack whose manifest a change has gone through before it was signed, by a key that is trusted.
fn forged(change: impl FnOnce(&mut Manifest, &mut Members)) -> &'static str {
    let key = key(Algorithm::Ed25519);
    let (bytes, _) = written(&[assessment()], Start::default(), &[&key]);
    let mut members = members(&bytes);
    let mut manifest = Manifest::from_bytes(&members[0].1).unwrap();
    change(&mut manifest, &mut members);
    members[0].1 = serde_json::to_vec(&manifest).unwrap();
    members[1].1 = sign(&members[0].1, &[&key]).unwrap();
    code(&built(&members), &[key.public()])
}

/// Other records, with everything about them but the chain as the manifest should say it.
fn records(change: impl Fn(Vec<Vec<u8>>) -> Vec<Vec<u8>>) -> &'static str {
    forged(|manifest, members| {
        let member = members.iter_mut().find(|(name, _)| name == RECORDS).unwrap();
        let text = zstd::decode_all(member.1.as_slice()).unwrap();
        let lines = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let lines: Vec<Vec<u8>> = change(lines);
        manifest.chain.records = lines.len() as u64;
        manifest.chain.bytes = lines.concat().len() as u64;
        member.1 = zstd::encode_all(lines.concat().as_slice(), 1).unwrap();
        listed(manifest, members);
    })
}

fn listed(manifest: &mut Manifest, members: &Members) {
    for (name, body) in members {
        for member in manifest.members.iter_mut().filter(|member| member.name == *name) {
            member.bytes = body.len() as u64;
            member.sha256 = sha256(body);
        }
    }
}

#[test]
fn a_signed_chain_that_is_cut_reordered_or_mended_is_refused() {
    assert_eq!(records(|lines| lines), "verified");
    assert_eq!(
        records(|mut lines| {
            lines.pop();
            lines
        }),
        "evidence-chain-cut"
    );
    assert_eq!(records(|_| Vec::new()), "evidence-chain-cut");
    assert_eq!(
        records(|mut lines| {
            lines.remove(0);
            lines
        }),
        "evidence-chain-broken"
    );
    assert_eq!(
        records(|mut lines| {
            lines.swap(3, 4);
            lines
        }),
        "evidence-chain-broken"
    );
    assert_eq!(
        records(|mut lines| {
            lines[2].insert(1, b' ');
            lines
        }),
        "evidence-record-invalid"
    );
    assert_eq!(
        records(|mut lines| {
            lines.last_mut().unwrap().pop();
            lines
        }),
        "evidence-pack-truncated"
    );
    let of_another = forged(|manifest, _| manifest.scope = "k8s:other".to_owned());
    assert_eq!(of_another, "evidence-chain-broken");
    let earlier = forged(|manifest, _| {
        manifest.period.from = at("2026-01-01T00:00:00Z");
        manifest.period.to = at("2026-01-02T00:00:00Z");
    });
    assert_eq!(earlier, "evidence-chain-broken");
}

#[test]
fn names_that_leave_the_pack_and_members_that_do_not_belong_are_refused() {
    for bad in
        ["../x", "/etc/passwd", "a/../b", "a//b", ".hidden", "A", "a\\b", "", "manifest.json", "a/", "ü"]
    {
        let renamed = forged(|manifest, members| {
            manifest.members[0].name = bad.to_owned();
            members[2].0 = bad.to_owned();
        });
        assert_eq!(renamed, "evidence-pack-path", "{bad}");
        if bad != "manifest.json" {
            assert_eq!(forged(|_, members| members[2].0 = bad.to_owned()), "evidence-pack-path", "{bad}");
        }
    }
    let twice = |_: &mut Manifest, members: &mut Members| members.insert(3, members[2].clone());
    assert_eq!(forged(twice), "evidence-pack-duplicate");
    let at_the_end = |_: &mut Manifest, members: &mut Members| members.push(members[2].clone());
    assert_eq!(forged(at_the_end), "evidence-pack-duplicate");
    let listed_twice = |manifest: &mut Manifest, _: &mut Members| {
        manifest.members.insert(0, manifest.members[0].clone());
    };
    assert_eq!(forged(listed_twice), "evidence-pack-duplicate");
    let unknown = |_: &mut Manifest, members: &mut Members| members.push(("x".to_owned(), Vec::new()));
    assert_eq!(forged(unknown), "evidence-pack-unlisted");
    assert_eq!(forged(|_, members| members.swap(3, 4)), "evidence-pack-unlisted");
    assert_eq!(forged(|_, members| drop(members.remove(2))), "evidence-pack-unlisted");
    assert_eq!(forged(|_, members| drop(members.pop())), "evidence-pack-truncated");
    assert_eq!(forged(|_, members| members[2].1[0] ^= 1), "evidence-pack-member");
    assert_eq!(forged(|_, members| members[2].1.push(b' ')), "evidence-pack-member");
    assert_eq!(forged(|manifest, _| manifest.members.swap(0, 1)), "evidence-pack-manifest");
    assert_eq!(forged(|manifest, _| drop(manifest.members.remove(1))), "evidence-pack-manifest");
    assert_eq!(forged(|manifest, _| manifest.schema.push('2')), "evidence-pack-manifest");
    assert_eq!(forged(|manifest, _| manifest.signers.clear()), "evidence-pack-unsigned");
    assert_eq!(forged(|_, members| members.swap(0, 1)), "evidence-pack-form");
    let other_inputs = forged(|manifest, members| {
        members[3].1 = b"[]".to_vec();
        listed(manifest, members);
    });
    assert_eq!(other_inputs, "evidence-pack-manifest");
}

#[test]
fn bombs_and_giants_are_refused_before_they_are_unpacked() {
    let bomb = forged(|manifest, members| {
        let member = members.iter_mut().find(|(name, _)| name == RECORDS).unwrap();
        let mut packer = zstd::stream::write::Encoder::new(Vec::new(), 19).unwrap();
        let lines = vec![b'\n'; 1 << 20];
        for _ in 0..256 {
            packer.write_all(&lines).unwrap();
        }
        member.1 = packer.finish().unwrap();
        assert!(member.1.len() < 100_000);
        listed(manifest, members);
    });
    assert_eq!(bomb, "evidence-record-invalid", "the first line is no record");
    // One record without end, and one that goes on for longer than announced.
    let line = forged(|manifest, members| {
        let member = members.iter_mut().find(|(name, _)| name == RECORDS).unwrap();
        member.1 = zstd::encode_all(std::io::Read::take(std::io::repeat(b'x'), 1 << 30), 1).unwrap();
        manifest.chain.bytes = 1 << 30;
        listed(manifest, members);
    });
    assert_eq!(line, "evidence-pack-truncated");
    // A window of 2 GiB would have to be held in memory.
    let window = forged(|manifest, members| {
        let member = members.iter_mut().find(|(name, _)| name == RECORDS).unwrap();
        let mut packer = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        packer.set_parameter(zstd::zstd_safe::CParameter::WindowLog(27)).unwrap();
        packer.write_all(&vec![b'\n'; 1 << 20]).unwrap();
        member.1 = packer.finish().unwrap();
        listed(manifest, members);
    });
    assert_eq!(window, "evidence-pack-form");
    for (large, expected) in [
        (forged(|manifest, _| manifest.members[0].bytes = u64::MAX), "evidence-pack-too-large"),
        (forged(|manifest, _| manifest.chain.bytes = u64::MAX), "evidence-pack-too-large"),
        (forged(|manifest, _| manifest.chain.records = 1 << 60), "evidence-pack-too-large"),
        (
            forged(|manifest, _| {
                manifest.members = vec![manifest.members[0].clone(); MEMBERS_MAX + 1];
            }),
            "evidence-pack-too-large",
        ),
        (forged(|manifest, _| manifest.chain.bytes += 1), "evidence-pack-manifest"),
        (forged(|manifest, _| manifest.chain.bytes -= 1), "evidence-pack-too-large"),
        (forged(|manifest, _| manifest.chain.records += 1), "evidence-pack-manifest"),
    ] {
        assert_eq!(large, expected);
    }
    let mut giant = tar::header(MANIFEST, MANIFEST_BYTES_MAX + 1).unwrap().to_vec();
    giant.resize(4096, 0);
    assert_eq!(code(&giant, &[]), "evidence-pack-too-large");
}

#[test]
fn other_archives_are_no_packs() {
    for bad in [&b""[..], b"PK\x03\x04", &[0; 1024], &[0xff; 4096], &[b'a'; 512]] {
        let code = code(bad, &[]);
        assert!(code.starts_with("evidence-pack-"), "{code}");
    }
    // A link with the name of a member, and a file with an owner.
    let key = key(Algorithm::Ed25519);
    let (bytes, _) = written(&[assessment()], Start::default(), &[&key]);
    for (place, value) in [(156, b'2'), (265, b'r'), (345, b'x'), (136, b'1')] {
        let mut header: [u8; 512] = bytes[..512].try_into().unwrap();
        header[place] = value;
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let changed = [&header[..], &bytes[512..]].concat();
        assert_eq!(code(&changed, &[key.public()]), "evidence-pack-form");
    }
}

#[test]
fn the_pack_of_a_large_cluster_stays_small() {
    let mut large = assessment();
    let rule = |number: usize| Rule {
        id: format!("palisade.kube-posture/rule-{number:03}"),
        ..large.rules[0].clone()
    };
    let rules: Vec<Rule> = (0..216).map(rule).collect();
    // 500 deployments with 2,000 pods, which are judged by their controllers, and as many other objects.
    for rule in &rules {
        for number in 0..1000 {
            large.observations.push(Observation {
                rule: rule.id.clone(),
                asset: format!(
                    "k8s:6f0c1f2a-83d4-4e0b-9a57-2c4f7d1eb860/apps/Deployment/namespace-{}/deployment-{number}",
                    number % 40
                ),
                outcome: if number % 3 == 0 { Seen::Fail } else { Seen::Pass },
            });
        }
    }
    large.frameworks[0].controls[1].rules.extend(rules.iter().map(|rule| rule.id.clone()));
    large.rules.extend(rules);
    let key = key(Algorithm::Ed25519);
    let (bytes, _) = written(&[large], Start::default(), &[&key]);
    let verified = verify(bytes.as_slice(), &[key.public()]).unwrap();
    println!("{} bytes, {} of records", bytes.len(), verified.manifest.chain.bytes);
    assert!(bytes.len() < 20_000_000, "{} bytes", bytes.len());
    assert!(verified.manifest.chain.records < 1000);
}
