//! What the operator may set, and what is said to what he may not.

use std::collections::BTreeSet;

use compliance_frameworks::{Frameworks, MANIFEST};
use palisade_sdk::Error;

use crate::common::CATALOGUES;

#[test]
fn the_manifest_offers_exactly_the_frameworks_that_there_are() {
    let manifest: toml::Table = MANIFEST.parse().unwrap();
    let offered = manifest["config"]["properties"]["framework"]["enum"].as_array().unwrap();
    let offered: Vec<&str> = offered.iter().map(|id| id.as_str().unwrap()).collect();
    let there: Vec<&str> = CATALOGUES.iter().map(|framework| framework.id.as_str()).collect();
    assert_eq!(offered, there);
    assert_eq!(manifest["id"].as_str(), Some("palisade.compliance"));
    assert_eq!(manifest["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(manifest["license"].as_str(), Some(env!("CARGO_PKG_LICENSE")));
    let keys: BTreeSet<&str> = manifest.keys().map(String::as_str).collect();
    assert!(
        !keys.contains("rules") && !keys.contains("capabilities"),
        "it reports no rules and asks for nothing"
    );
}

#[test]
fn a_wrong_configuration_is_refused_with_the_ids_that_are_right() {
    let long = format!(r#"{{"framework": "{}é"}}"#, "x".repeat(100_000));
    for (config, problem) in [
        ("", "not a JSON object"),
        ("null", "not a JSON object"),
        ("7", "not a JSON object"),
        (r#"["gdpr-article-32"]"#, "not a JSON object"),
        (r#"{"framework": "gdpr-article-32""#, "not a JSON object"),
        ("{}", "`framework` is missing"),
        (r#"{"Framework": "gdpr-article-32"}"#, "`framework` is missing"),
        (r#"{"framework": null}"#, "`framework` is not a text"),
        (r#"{"framework": ["gdpr-article-32"]}"#, "`framework` is not a text"),
        (r#"{"framework": ""}"#, "\"\" is not a framework"),
        (r#"{"framework": "GDPR-article-32"}"#, "is not a framework"),
        (r#"{"framework": "gdpr-article-32 "}"#, "is not a framework"),
        (r#"{"framework": "../dora\u0000\u001b[31m"}"#, r#""../dora\0\u{1b}[31m" is not a framework"#),
        (long.as_str(), "is not a framework"),
    ] {
        let Err(Error::InvalidConfig(message)) = palisade_sdk::assess::<Frameworks>(config, &[]) else {
            panic!("{config:.80} was not refused");
        };
        assert!(message.contains(problem), "{message}");
        assert!(message.len() < 600, "{message}");
        for framework in CATALOGUES.iter() {
            assert!(message.contains(&framework.id), "{message}");
        }
    }
}
