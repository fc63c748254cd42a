//! Installed plugins: the life of a version, grants, state, the audit log.

use std::collections::BTreeMap;

use model::{Digest, TenantId};
use serde_json::json;
use store::{AuditEvent, NewPluginVersion, PluginVersion, Store, VersionChange, VersionState};

use crate::Place;
use crate::world::*;

fn digest(number: u8) -> Digest {
    Digest::from_sha256([number; 32])
}

async fn install(store: &Store, tenant: &TenantId, number: u8) -> bool {
    let signers = ["key:a".to_owned()];
    let new = NewPluginVersion {
        plugin: "a.b",
        digest: &digest(number),
        version: &format!("1.0.{number}"),
        bytes: &[number; 100],
        source: "a file",
        signers: &signers,
        proof: (number == 2).then_some(b"signatures"),
        actor: "somebody",
        at: at(i64::from(number)),
    };
    store.put_plugin(tenant, &new).await.unwrap()
}

async fn change(store: &Store, number: u8, state: VersionState) -> Result<(), store::StoreError> {
    let rights = json!({ "state-bytes": number });
    let change = VersionChange {
        plugin: "a.b",
        digest: &digest(number),
        state,
        rights: (state == VersionState::Ready).then_some(&rights),
        note: "because",
        actor: "somebody",
        at: at(100 + i64::from(number)),
    };
    store.change_plugin(&tenant(), &change).await
}

fn states(versions: &[PluginVersion]) -> Vec<(String, VersionState)> {
    versions.iter().map(|version| (version.version.clone(), version.state)).collect()
}

pub(crate) async fn one_version_is_in_force_and_one_beside_it(place: Place) {
    use VersionState::{Canary, Installed, Quarantined, Ready, Retired};
    let store = place.store().await;
    assert_eq!(store.plugin_generation(&tenant()).await.unwrap(), 0);
    for number in 1..=3 {
        assert!(install(&store, &tenant(), number).await);
    }
    let before = store.plugin_generation(&tenant()).await.unwrap();
    assert!(!install(&store, &tenant(), 2).await, "the same component is the same version");
    for (number, proof) in [(1, None), (2, Some(b"signatures".to_vec())), (9, None)] {
        assert_eq!(store.plugin_proof(&tenant(), "a.b", &digest(number)).await.unwrap(), proof);
    }
    assert_eq!(store.plugin_generation(&tenant()).await.unwrap(), before);
    for (number, state, expected) in [
        (1, Ready, [Installed, Installed, Ready]),
        (2, Canary, [Installed, Canary, Ready]),
        (3, Canary, [Canary, Retired, Ready]),
        (3, Ready, [Ready, Retired, Retired]),
        (3, Quarantined, [Quarantined, Retired, Retired]),
        (1, Ready, [Retired, Retired, Ready]),
    ] {
        let generation = store.plugin_generation(&tenant()).await.unwrap();
        change(&store, number, state).await.unwrap();
        let versions = store.plugin_versions(&tenant()).await.unwrap();
        let found: Vec<VersionState> = versions.iter().map(|version| version.state).collect();
        assert_eq!(found, expected, "{number} {state:?}: {:?}", states(&versions));
        assert!(store.plugin_generation(&tenant()).await.unwrap() > generation);
    }
    let versions = store.plugin_versions(&tenant()).await.unwrap();
    assert_eq!(versions[0].rights, Some(json!({ "state-bytes": 3 })), "a grant stays with its digest");
    assert_eq!(versions[1].rights, None);
    assert_eq!(versions[2].signers, ["key:a"]);
    assert_eq!(store.plugin_component(&tenant(), &digest(2)).await.unwrap(), Some(vec![2; 100]));
    assert_eq!(store.plugin_component(&tenant(), &digest(9)).await.unwrap(), None);
    assert_eq!(change(&store, 9, Ready).await.unwrap_err().code(), "plugin-version-unknown");
    let versions = store.plugin_versions(&tenant()).await.unwrap();
    assert_eq!(versions[2].state, Ready, "a change that fails retires nobody");
    let log = store.audit_of(&tenant(), "a.b", 1_000).await.unwrap();
    assert_eq!(log.iter().filter(|line| line.action == "plugin-installed").count(), 3);
    assert_eq!(log.iter().filter(|line| line.action == "plugin-granted").count(), 3);
    assert!(log.iter().all(|line| line.actor == "somebody" && !line.detail.is_empty()));
}

pub(crate) async fn many_who_decide_at_once_leave_one_in_force(place: Place) {
    let store = place.store().await;
    for number in 1..=4 {
        install(&store, &tenant(), number).await;
    }
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..16_u8 {
        let store = store.clone();
        tasks.spawn(async move { change(&store, turn % 4 + 1, VersionState::Ready).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let versions = store.plugin_versions(&tenant()).await.unwrap();
    assert_eq!(versions.iter().filter(|version| version.state == VersionState::Ready).count(), 1);
}

pub(crate) async fn state_belongs_to_a_plugin_and_a_tenant(place: Place) {
    let store = place.store().await;
    let other = TenantId::parse("other").unwrap();
    let keys = ["a", "a%", "a_b", "ab", "b", "é", "\u{10ffff}"];
    let changes: BTreeMap<String, Option<Vec<u8>>> =
        keys.map(|key| (key.to_owned(), Some(vec![0, 255, 7]))).into();
    store.keep_plugin_state(&tenant(), "a.b", &changes).await.unwrap();
    store.keep_plugin_state(&tenant(), "a.c", &[("a".to_owned(), Some(vec![1]))].into()).await.unwrap();
    assert_eq!(store.plugin_state(&tenant(), "a.b", "a").await.unwrap(), Some(vec![0, 255, 7]));
    assert_eq!(store.plugin_state(&tenant(), "a.c", "a").await.unwrap(), Some(vec![1]));
    assert_eq!(store.plugin_state(&other, "a.b", "a").await.unwrap(), None);
    let bytes: usize = keys.iter().map(|key| key.len() + 3).sum();
    assert_eq!(store.plugin_state_bytes(&tenant(), "a.b").await.unwrap(), bytes as u64);
    assert_eq!(store.plugin_state_bytes(&other, "a.b").await.unwrap(), 0);
    for (prefix, after, limit, expected) in [
        ("", None, 100, keys.as_slice()),
        ("a", None, 100, &["a", "a%", "a_b", "ab"]),
        ("a%", None, 100, &["a%"]),
        ("a_", None, 100, &["a_b"]),
        ("a", Some("a%"), 100, &["a_b", "ab"]),
        ("", Some("ab"), 2, &["b", "é"]),
        ("x", None, 100, &[]),
        ("a", None, 0, &[]),
    ] {
        let found = store.plugin_state_keys(&tenant(), "a.b", prefix, after, limit).await.unwrap();
        assert_eq!(found, expected, "{prefix} {after:?} {limit}");
    }
    let gone = [("a".to_owned(), None), ("b".to_owned(), Some(Vec::new()))].into();
    store.keep_plugin_state(&tenant(), "a.b", &gone).await.unwrap();
    assert_eq!(store.plugin_state(&tenant(), "a.b", "a").await.unwrap(), None);
    assert_eq!(store.plugin_state(&tenant(), "a.b", "b").await.unwrap(), Some(Vec::new()));
}

pub(crate) async fn the_audit_log_keeps_order_and_bounds(place: Place) {
    let store = place.store().await;
    let line = |number: i64| AuditEvent {
        at: at(number),
        actor: "a.b".to_owned(),
        action: "plugin-denied".to_owned(),
        subject: "a.b".to_owned(),
        detail: format!("{number} {}", "é\0".repeat(10_000)),
    };
    store.append_audit(&tenant(), &(0..10).map(line).collect::<Vec<_>>()).await.unwrap();
    let log = store.audit_of(&tenant(), "a.b", 3).await.unwrap();
    assert_eq!(log.len(), 3);
    assert!(log[0].detail.starts_with("9 ") && log[2].detail.starts_with("7 "));
    assert!(log[0].detail.len() <= 8 * 1024 && !log[0].detail.contains('\0'));
    assert!(store.audit_of(&TenantId::parse("other").unwrap(), "a.b", 3).await.unwrap().is_empty());
}
