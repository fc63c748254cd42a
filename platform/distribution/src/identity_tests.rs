//! Certificates of an authority made here, as Sigstore's are, and a log that signs its entries.

use std::collections::BTreeMap;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, SanType, date_time_ymd,
};
use serde_json::json;

use super::*;
use crate::fixture::{ID, artifact, key};
use crate::key::PrivateKey;
use crate::revocation::{Revocations, RevokedKey};
use crate::{Artifact, Origin, Policy, Rule, Signers, Subject, Verdict, decide, sign};

const ISSUER: &str = "https://issuer.example";
const SUBJECT: &str = "https://forge.example/team/plugin/release.yml@refs/tags/v1.2.0";
/// 2 January 2026, while the certificates of the tests are valid.
const TIME: u64 = 1_767_312_000;

/// An authority with an intermediate, and a log.
struct Sigstore {
    root: rcgen::Certificate,
    intermediate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
    log: PrivateKey,
}

/// What a certificate of a test says.
struct Says {
    subjects: Vec<SanType>,
    extensions: Vec<CustomExtension>,
    usage: ExtendedKeyUsagePurpose,
}

impl Default for Says {
    fn default() -> Self {
        Self {
            subjects: vec![uri(SUBJECT)],
            extensions: issued_by(ISSUER),
            usage: ExtendedKeyUsagePurpose::CodeSigning,
        }
    }
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

/// The issuer in both of its forms.
fn issued_by(issuer: &str) -> Vec<CustomExtension> {
    vec![extension(1, issuer.as_bytes()), extension(8, &utf8_string(issuer))]
}

fn extension(number: u64, content: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, number], content.to_vec())
}

fn utf8_string(text: &str) -> Vec<u8> {
    [&[0x0c, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2035, 1, 1));
    params
}

impl Sigstore {
    fn new() -> Self {
        let named = |name: &str| {
            let mut params = authority_params();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params
        };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let params = named("root");
        let root = params.self_signed(&key).unwrap();
        let root_issuer = Issuer::new(params, key);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let params = named("intermediate");
        let intermediate = params.signed_by(&key, &root_issuer).unwrap();
        Self { root, intermediate, issuer: Issuer::new(params, key), log: crate::fixture::key() }
    }

    fn authority(&self) -> Authority {
        Authority::new(&self.root.pem(), self.log.public()).unwrap()
    }

    /// A certificate for a new key, valid in the first days of 2026.
    fn certify(&self, says: Says) -> (String, PrivateKey) {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.subject_alt_names = says.subjects;
        params.custom_extensions = says.extensions;
        params.extended_key_usages = vec![says.usage];
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2026, 1, 3));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let private = pem::write("PRIVATE KEY", &key.serialize_der());
        (certificate.pem(), PrivateKey::from_pem(&private).unwrap())
    }

    fn sign(&self, artifact: &Artifact, says: Says, time: u64) -> Signature {
        let (certificate, key) = self.certify(says);
        let mut signature = sign(artifact, ID, &key).unwrap();
        let bundle = self.log(&signature, &certificate, time);
        signature.notes = BTreeMap::from([
            (CERTIFICATE.to_owned(), certificate),
            (CHAIN.to_owned(), self.intermediate.pem() + &self.root.pem()),
            (BUNDLE.to_owned(), bundle),
        ]);
        signature
    }

    /// The log's word for a signature.
    fn log(&self, signature: &Signature, certificate: &str, time: u64) -> String {
        let body = json!({
            "apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
                "data": { "hash": { "algorithm": "sha256", "value": digest_of(&signature.payload).hex() } },
                "signature": {
                    "content": STANDARD.encode(&signature.signature),
                    "publicKey": { "content": STANDARD.encode(certificate) },
                },
            },
        });
        let body = STANDARD.encode(body.to_string());
        let log_id = self.log.public().id();
        let signed = format!(
            "{{\"body\":\"{body}\",\"integratedTime\":{time},\"logID\":\"{}\",\"logIndex\":7}}",
            log_id.hex()
        );
        let promise = STANDARD.encode(self.log.sign(signed.as_bytes()).unwrap());
        // Cosign writes the fields in another order than they are signed in.
        json!({ "SignedEntryTimestamp": promise, "Payload": {
            "logIndex": 7, "body": body, "integratedTime": time, "logID": log_id.hex(),
        }})
        .to_string()
    }

    fn policy(&self, issuer: &str, subject: &str) -> Policy {
        let identity = Identity { issuer: issuer.to_owned(), subject: subject.to_owned() };
        let signers = Signers {
            identities: BTreeMap::from([("ci".to_owned(), identity)]),
            authority: Some(self.authority()),
            ..Signers::default()
        };
        let rule = Rule { plugins: "*".to_owned(), any_of: vec!["ci".to_owned()], ..Rule::default() };
        Policy::new(Vec::new(), signers, vec![rule]).unwrap()
    }
}

/// The code of the refusal, or `accepted`.
fn decided(signature: &Signature, policy: &Policy, revocations: &Revocations) -> &'static str {
    let artifact = artifact(b"component");
    let subject = Subject::of(&artifact, ID, "1.2.0", &Origin::File);
    match decide(&subject, std::slice::from_ref(signature), policy, revocations) {
        Verdict::Accepted { .. } => "accepted",
        Verdict::Refused(refusals) => refusals[0].code(),
    }
}

#[test]
fn an_identity_is_accepted_by_its_issuer_and_subject_alone() {
    let sigstore = Sigstore::new();
    let signature = sigstore.sign(&artifact(b"component"), Says::default(), TIME);
    let by = |issuer: &str, subject: &str| {
        decided(&signature, &sigstore.policy(issuer, subject), &Revocations::default())
    };
    assert_eq!(by(ISSUER, SUBJECT), "accepted");
    assert_eq!(by(ISSUER, "https://forge.example/team/plugin/*"), "accepted");
    for (issuer, subject) in [
        (ISSUER, "https://forge.example/team/plugin/release.yml"),
        (ISSUER, "https://forge.example/team/plugin/*@refs/tags/v1.2.0"),
        (ISSUER, "https://forge.example/other/*"),
        ("https://issuer.example/", SUBJECT),
        ("https://other.example", SUBJECT),
    ] {
        assert_eq!(by(issuer, subject), "plugin-signer-unknown", "{issuer} {subject}");
    }
    let mail = Says {
        subjects: vec![SanType::Rfc822Name("dev@example.org".try_into().unwrap())],
        ..Says::default()
    };
    let signature = sigstore.sign(&artifact(b"component"), mail, TIME);
    let policy = sigstore.policy(ISSUER, "dev@example.org");
    assert_eq!(decided(&signature, &policy, &Revocations::default()), "accepted");
}

#[test]
fn certificates_that_say_anything_else_are_not_believed() {
    let sigstore = Sigstore::new();
    let policy = sigstore.policy(ISSUER, SUBJECT);
    let own = artifact(b"component");
    let of =
        |says: Says, time: u64| decided(&sigstore.sign(&own, says, time), &policy, &Revocations::default());
    assert_eq!(of(Says::default(), TIME), "accepted");
    assert_eq!(
        of(Says { extensions: vec![extension(1, ISSUER.as_bytes())], ..Says::default() }, TIME),
        "accepted"
    );
    let server = Says { usage: ExtendedKeyUsagePurpose::ServerAuth, ..Says::default() };
    let nobody = Says { subjects: Vec::new(), ..Says::default() };
    let two = Says { subjects: vec![uri(SUBJECT), uri("https://other.example")], ..Says::default() };
    let none = Says { extensions: Vec::new(), ..Says::default() };
    let torn = Says {
        extensions: vec![
            extension(1, ISSUER.as_bytes()),
            extension(8, &utf8_string("https://other.example")),
        ],
        ..Says::default()
    };
    for (number, says) in [server, nobody, two, none, torn].into_iter().enumerate() {
        assert_eq!(of(says, TIME), "plugin-signer-unknown", "case {number}");
    }
    for time in [0, TIME - 10 * 86_400, TIME + 10 * 86_400, u64::MAX] {
        assert_eq!(of(Says::default(), time), "plugin-signer-unknown", "{time}");
    }
    // Another authority of the same names.
    let other = Sigstore::new().sign(&own, Says::default(), TIME);
    assert_eq!(decided(&other, &policy, &Revocations::default()), "plugin-signer-unknown");
}

#[test]
fn the_log_must_speak_of_this_very_signature() {
    let sigstore = Sigstore::new();
    let (policy, none) = (sigstore.policy(ISSUER, SUBJECT), Revocations::default());
    let good = sigstore.sign(&artifact(b"component"), Says::default(), TIME);
    let other = sigstore.sign(&artifact(b"component"), Says::default(), TIME);
    let foreign = sigstore.sign(&artifact(b"other"), Says::default(), TIME);
    assert_eq!(decided(&good, &policy, &none), "accepted");
    assert_eq!(decided(&foreign, &policy, &none), "plugin-signature-foreign");
    let with = |name: &str, value: Option<&str>| {
        let mut changed = good.clone();
        match value {
            Some(value) => changed.notes.insert(name.to_owned(), value.to_owned()),
            None => changed.notes.remove(name),
        };
        decided(&changed, &policy, &none)
    };
    let bundle = good.notes[BUNDLE].clone();
    let later = bundle.replace(&TIME.to_string(), &(TIME + 1).to_string());
    let twice = bundle.replace("\"logIndex\"", "\"logIndex\":1,\"logIndex\"");
    let elsewhere = Sigstore { log: key(), ..Sigstore::new() };
    let elsewhere = elsewhere.log(&good, &good.notes[CERTIFICATE], TIME);
    let table = [
        (BUNDLE, None),
        (BUNDLE, Some("")),
        (BUNDLE, Some("{}")),
        (BUNDLE, Some(later.as_str())),
        (BUNDLE, Some(twice.as_str())),
        (BUNDLE, Some(elsewhere.as_str())),
        (BUNDLE, Some(other.notes[BUNDLE].as_str())),
        (BUNDLE, Some(foreign.notes[BUNDLE].as_str())),
        (BUNDLE, Some(&bundle[..bundle.len() / 2])),
        (CERTIFICATE, None),
        (CERTIFICATE, Some("PEM")),
        (CERTIFICATE, Some(other.notes[CERTIFICATE].as_str())),
        (CHAIN, None),
        (CHAIN, Some("PEM")),
    ];
    for (number, (name, value)) in table.into_iter().enumerate() {
        assert_eq!(with(name, value), "plugin-signer-unknown", "case {number}");
    }
    let long = good.notes[CHAIN].repeat(CHAIN_MAX);
    assert_eq!(with(CHAIN, Some(&long)), "plugin-signer-unknown");
    let mut forged = good.clone();
    forged.signature = key().sign(&good.payload).unwrap();
    assert_eq!(decided(&forged, &policy, &none), "plugin-signer-unknown");
}

#[test]
fn the_key_of_a_certificate_can_be_revoked_and_an_authority_must_be_whole() {
    let sigstore = Sigstore::new();
    let signature = sigstore.sign(&artifact(b"component"), Says::default(), TIME);
    let (owner, id) = sigstore.authority().owner(&signature).unwrap();
    assert_eq!((owner.issuer.as_str(), owner.subject.as_str()), (ISSUER, SUBJECT));
    let keys = vec![RevokedKey { key: id, reason: "stolen".to_owned() }];
    let list = Revocations { keys, ..Revocations::default() };
    assert_eq!(decided(&signature, &sigstore.policy(ISSUER, SUBJECT), &list), "plugin-key-revoked");
    for bad in ["", "text", &sigstore.log.public().to_pem(), &pem::write("CERTIFICATE", b"no")] {
        let error = Authority::new(bad, sigstore.log.public()).unwrap_err();
        assert_eq!(error.code(), "plugin-policy-invalid", "{bad}");
    }
    let identity = |issuer: &str, subject: &str| Identity { issuer: issuer.into(), subject: subject.into() };
    for vague in [identity("", SUBJECT), identity(ISSUER, ""), identity(ISSUER, "*"), identity(ISSUER, "**")]
    {
        assert!(vague.problem().is_some(), "{vague:?}");
    }
}
