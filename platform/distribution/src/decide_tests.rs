//! The decision, case by case and by its laws.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;
use crate::fixture::{ID, artifact, key};
use crate::key::PrivateKey;
use crate::policy::{RegistryPattern, Signers};
use crate::revocation::{RevokedDigest, RevokedKey, RevokedVersions};
use crate::signature::sign;

const VERSION: &str = "1.2.0";

/// Three keys; the policy knows the first two, as `one` and `two`.
fn keys() -> &'static [PrivateKey; 3] {
    static KEYS: OnceLock<[PrivateKey; 3]> = OnceLock::new();
    KEYS.get_or_init(|| [key(), key(), key()])
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn policy(rule: Rule) -> Policy {
    let known = ["one", "two"].into_iter().zip(keys());
    let known = known.map(|(name, key)| (name.to_owned(), key.public())).collect();
    let registries = vec![RegistryPattern::parse("registry.example/team").unwrap()];
    let plugins = if rule.plugins.is_empty() { "org.example.*".to_owned() } else { rule.plugins.clone() };
    Policy::new(registries, Signers { keys: known, ..Signers::default() }, vec![Rule { plugins, ..rule }])
        .unwrap()
}

fn one_of(of: &[&str]) -> Rule {
    Rule { any_of: names(of), ..Rule::default() }
}

fn registry(text: &str) -> Origin {
    Origin::Registry(Reference::parse(text).unwrap())
}

/// Signed by these keys, under the plugin's id.
fn signed_by(artifact: &Artifact, by: &[usize]) -> Vec<Signature> {
    by.iter().map(|index| sign(artifact, ID, &keys()[*index]).unwrap()).collect()
}

/// Decides about the ordinary artifact from a file.
fn of(signatures: &[Signature], policy: &Policy, revocations: &Revocations) -> Verdict {
    let artifact = artifact(b"component");
    decide(&Subject::of(&artifact, ID, VERSION, &Origin::File), signatures, policy, revocations)
}

#[track_caller]
fn refused(verdict: &Verdict, code: &str) {
    match verdict {
        Verdict::Refused(refusals) => assert_eq!(refusals[0].code(), code, "{refusals:?}"),
        Verdict::Accepted { .. } => panic!("accepted, and not refused by {code}"),
    }
}

#[track_caller]
fn accepted(verdict: &Verdict, by: &[&str]) {
    assert_eq!(*verdict, Verdict::Accepted { signers: names(by) });
}

#[test]
fn the_default_refuses_everything_but_the_operators_own() {
    let artifact = artifact(b"component");
    let (policy, none) = (Policy::default(), Revocations::default());
    let signatures = signed_by(&artifact, &[0]);
    let decided =
        |origin: &Origin| decide(&Subject::of(&artifact, ID, VERSION, origin), &signatures, &policy, &none);
    refused(&decided(&Origin::File), "plugin-without-rule");
    refused(&decided(&registry("registry.example/team/plugin")), "plugin-registry-not-allowed");
    accepted(&decided(&Origin::Operator), &[]);
}

#[test]
fn a_rule_asks_for_one_of_some_keys_or_for_each() {
    let artifact = artifact(b"component");
    let none = Revocations::default();
    let by = |signers: &[usize], rule: Rule| of(&signed_by(&artifact, signers), &policy(rule), &none);
    let all = Rule { all_of: names(&["one", "two"]), ..Rule::default() };
    let both = Rule { any_of: names(&["one"]), all_of: names(&["two"]), ..Rule::default() };
    accepted(&by(&[0], one_of(&["one", "two"])), &["one"]);
    accepted(&by(&[1], one_of(&["one", "two"])), &["two"]);
    accepted(&by(&[2, 0], one_of(&["one"])), &["one"]);
    accepted(&by(&[1, 0, 0], all.clone()), &["one", "two"]);
    accepted(&by(&[0, 1], both.clone()), &["one", "two"]);
    refused(&by(&[0], all.clone()), "plugin-signer-missing");
    refused(&by(&[0, 0], all), "plugin-signer-missing");
    refused(&by(&[1], both), "plugin-signer-missing");
    refused(&by(&[1], one_of(&["one"])), "plugin-signer-missing");
    refused(&by(&[2], one_of(&["one"])), "plugin-signer-unknown");
    refused(&by(&[], one_of(&["one"])), "plugin-unsigned");
    let unsigned = Rule { unsigned: true, ..Rule::default() };
    accepted(&by(&[], unsigned.clone()), &[]);
    accepted(&by(&[2], unsigned), &[]);
}

#[test]
fn the_first_rule_that_fits_is_the_one() {
    let rule = |plugins: &str, unsigned: bool| Rule {
        plugins: plugins.to_owned(),
        any_of: if unsigned { Vec::new() } else { names(&["one"]) },
        unsigned,
        ..Rule::default()
    };
    let known = || [("one".to_owned(), keys()[0].public())].into();
    let of_rules = |rules: Vec<Rule>| {
        let policy = Policy::new(Vec::new(), Signers { keys: known(), ..Signers::default() }, rules).unwrap();
        of(&[], &policy, &Revocations::default())
    };
    refused(&of_rules(vec![rule("org.example.*", false), rule("*", true)]), "plugin-unsigned");
    accepted(&of_rules(vec![rule("*", true), rule("org.example.*", false)]), &[]);
    refused(&of_rules(vec![rule("org.other.*", true)]), "plugin-without-rule");
}

#[test]
fn signatures_of_something_else_do_not_count() {
    let (own, other) = (artifact(b"component"), artifact(b"other"));
    let (rule, none) = (policy(one_of(&["one"])), Revocations::default());
    refused(&of(&signed_by(&other, &[0]), &rule, &none), "plugin-signature-foreign");
    let named = |name: &str| vec![sign(&own, name, &keys()[0]).unwrap()];
    refused(&of(&named("registry.example/team/plugin"), &rule, &none), "plugin-signature-foreign");
    refused(&of(&named(""), &rule, &none), "plugin-signature-foreign");
    let mirrored = Rule { signed_as: names(&["registry.example/team/plugin"]), ..one_of(&["one"]) };
    accepted(&of(&named("registry.example/team/plugin"), &policy(mirrored), &none), &["one"]);
    // The payload of one signature with the signature of another.
    let mut grafted = signed_by(&own, &[0]);
    grafted[0].signature = signed_by(&other, &[0])[0].signature.clone();
    refused(&of(&grafted, &rule, &none), "plugin-signer-unknown");
}

#[test]
fn a_registry_must_be_listed_and_may_be_what_was_signed_for() {
    let own = artifact(b"component");
    let (rule, none) = (policy(one_of(&["one"])), Revocations::default());
    let decided = |origin: &Origin, name: &str| {
        let signatures = [sign(&own, name, &keys()[0]).unwrap()];
        decide(&Subject::of(&own, ID, VERSION, origin), &signatures, &rule, &none)
    };
    let home = registry("registry.example/team/plugin:1");
    accepted(&decided(&home, ID), &["one"]);
    accepted(&decided(&home, "registry.example/team/plugin"), &["one"]);
    refused(&decided(&home, "registry.example/team/other"), "plugin-signature-foreign");
    refused(&decided(&registry("registry.example/others/plugin"), ID), "plugin-registry-not-allowed");
    refused(&decided(&registry("evil.example/team/plugin"), ID), "plugin-registry-not-allowed");
}

#[test]
fn garbage_is_refused_and_does_no_harm_beside_a_good_signature() {
    let own = artifact(b"component");
    let (rule, none) = (policy(one_of(&["one"])), Revocations::default());
    let good = signed_by(&own, &[0]).remove(0);
    let text = String::from_utf8(good.payload.clone()).unwrap();
    let twice = text.replace("\"docker-reference\"", "\"docker-reference\":\"a\",\"docker-reference\"");
    let resigned = |payload: &[u8]| Signature {
        payload: payload.to_vec(),
        signature: keys()[0].sign(payload).unwrap(),
        notes: Default::default(),
    };
    let cases = [
        (resigned(b""), "plugin-signature-invalid"),
        (resigned(b"garbage"), "plugin-signature-invalid"),
        (resigned(twice.as_bytes()), "plugin-signature-invalid"),
        (resigned(&good.payload[..100]), "plugin-signature-invalid"),
        (Signature { signature: Vec::new(), ..good.clone() }, "plugin-signer-unknown"),
        (Signature { signature: good.signature[..30].to_vec(), ..good.clone() }, "plugin-signer-unknown"),
        (Signature { payload: [&good.payload[..], b" "].concat(), ..good.clone() }, "plugin-signer-unknown"),
    ];
    for (bad, code) in cases {
        refused(&of(std::slice::from_ref(&bad), &rule, &none), code);
        accepted(&of(&[bad, good.clone()], &rule, &none), &["one"]);
    }
}

#[test]
fn pins_leave_room_for_nothing_else() {
    let own = artifact(b"component");
    let none = Revocations::default();
    let pinned = |digest: &Digest| policy(Rule { digests: vec![digest.clone()], ..one_of(&["one"]) });
    let signatures = signed_by(&own, &[0]);
    accepted(&of(&signatures, &pinned(own.digest()), &none), &["one"]);
    accepted(&of(&signatures, &pinned(own.component_digest()), &none), &["one"]);
    refused(&of(&signatures, &pinned(artifact(b"other").digest()), &none), "plugin-digest-not-pinned");
    refused(&of(&[], &pinned(own.digest()), &none), "plugin-unsigned");
}

/// Revocations that each refuse the ordinary artifact, signed by the first key.
fn revocations() -> [Revocations; 4] {
    let own = artifact(b"component");
    let reason = || "known bad".to_owned();
    let digest = |digest: &Digest| Revocations {
        digests: vec![RevokedDigest { digest: digest.clone(), reason: reason() }],
        ..Revocations::default()
    };
    [
        digest(own.digest()),
        digest(own.component_digest()),
        Revocations {
            plugins: vec![RevokedVersions {
                id: ID.to_owned(),
                below: "1.2.1".parse().unwrap(),
                reason: reason(),
            }],
            ..Revocations::default()
        },
        Revocations {
            keys: vec![RevokedKey { key: keys()[0].public().id(), reason: reason() }],
            ..Revocations::default()
        },
    ]
}

#[test]
fn what_is_revoked_is_refused_wherever_it_comes_from() {
    let own = artifact(b"component");
    let rule = policy(one_of(&["one", "two"]));
    let [manifest, component, version, key] = revocations();
    for (list, without_manifest) in [(&manifest, true), (&component, false), (&version, false)] {
        refused(&of(&signed_by(&own, &[0]), &rule, list), "plugin-revoked");
        let subject = Subject::of(&own, ID, VERSION, &Origin::Operator);
        refused(&decide(&subject, &[], &Policy::default(), list), "plugin-revoked");
        // A built-in component has no manifest.
        let bare = Subject { digest: None, ..subject };
        assert_eq!(decide(&bare, &[], &Policy::default(), list).accepted(), without_manifest);
    }
    refused(&of(&signed_by(&own, &[0]), &rule, &key), "plugin-key-revoked");
    accepted(&of(&signed_by(&own, &[0, 1]), &rule, &key), &["two"]);
    let later =
        decide(&Subject::of(&own, ID, "1.2.1", &Origin::File), &signed_by(&own, &[0]), &rule, &version);
    accepted(&later, &["one"]);
    let rollback = Subject::of(&own, ID, "1.2.1-rc.1", &Origin::File);
    refused(&decide(&rollback, &signed_by(&own, &[0]), &rule, &version), "plugin-revoked");
}

#[test]
fn hostile_words_are_escaped_in_refusals() {
    let own = artifact(b"component");
    let signatures = [sign(&own, "\u{1b}[2J", &keys()[0]).unwrap()];
    let Verdict::Refused(refusals) = of(&signatures, &policy(one_of(&["one"])), &Revocations::default())
    else {
        panic!("accepted");
    };
    assert!(!refusals[0].to_string().contains('\u{1b}'), "{refusals:?}");
}

/// Signatures of every sort, made once.
fn sorts() -> &'static [Signature] {
    static SORTS: OnceLock<Vec<Signature>> = OnceLock::new();
    SORTS.get_or_init(|| {
        let (own, other) = (artifact(b"component"), artifact(b"other"));
        let mut sorts = signed_by(&own, &[0, 1, 2]);
        sorts.extend(signed_by(&other, &[0]));
        sorts.push(sign(&own, "elsewhere", &keys()[1]).unwrap());
        sorts.push(Signature { payload: Vec::new(), ..sorts[0].clone() });
        sorts.push(Signature { signature: vec![1, 2, 3], ..sorts[0].clone() });
        sorts
    })
}

fn rules() -> [Rule; 5] {
    let own = artifact(b"component");
    [
        one_of(&["one"]),
        one_of(&["one", "two"]),
        Rule { all_of: names(&["one", "two"]), ..Rule::default() },
        Rule { digests: vec![own.digest().clone()], unsigned: true, ..Rule::default() },
        Rule { signed_as: names(&["elsewhere"]), ..one_of(&["two"]) },
    ]
}

proptest! {
    #[test]
    fn neither_a_revocation_nor_a_missing_signature_turns_a_refusal_into_acceptance(
        picked in prop::collection::vec(0usize..7, 0..6),
        removed in prop::collection::vec(any::<bool>(), 6),
        rule in 0usize..5,
        listed in prop::collection::vec(0usize..4, 0..3),
        more in 0usize..4,
        origin in 0usize..3,
    ) {
        let own = artifact(b"component");
        let origin = [Origin::File, Origin::Operator, registry("registry.example/team/plugin")][origin].clone();
        let policy = policy(rules()[rule].clone());
        let mut list = Revocations::default();
        for index in listed {
            list.extend(revocations()[index].clone());
        }
        let all: Vec<Signature> = picked.iter().map(|index| sorts()[*index].clone()).collect();
        let subject = Subject::of(&own, ID, VERSION, &origin);
        let before = decide(&subject, &all, &policy, &list).accepted();
        let fewer: Vec<Signature> = all
            .iter()
            .zip(&removed)
            .filter(|(_, removed)| !**removed)
            .map(|(signature, _)| signature.clone())
            .collect();
        prop_assert!(before || !decide(&subject, &fewer, &policy, &list).accepted());
        let mut longer = list.clone();
        longer.extend(revocations()[more].clone());
        prop_assert!(before || !decide(&subject, &all, &policy, &longer).accepted());
        prop_assert!(before || !decide(&subject, &fewer, &policy, &longer).accepted());
    }

    #[test]
    fn one_changed_byte_of_a_signature_or_payload_is_never_accepted(at in 0usize..300, flip in 1u8..=255) {
        let own = artifact(b"component");
        let rule = policy(one_of(&["one"]));
        for part in [0, 1] {
            let mut signature = sorts()[0].clone();
            let bytes = if part == 0 { &mut signature.payload } else { &mut signature.signature };
            let place = at % bytes.len();
            bytes[place] ^= flip;
            let subject = Subject::of(&own, ID, VERSION, &Origin::File);
            prop_assert!(!decide(&subject, &[signature], &rule, &Revocations::default()).accepted());
        }
    }
}
