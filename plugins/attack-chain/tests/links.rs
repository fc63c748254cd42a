//! What is joined and what is not, in any order.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must fail")]

mod support;

use palisade_sdk::Event;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{
    HOUR, Lane, MINUTE, SECOND, START, Told, call, cluster, deployment, detection, exec, in_pod, pod, told,
    told_with, workload,
};

fn account(name: &str) -> String {
    format!("k8s:c1/core/ServiceAccount/shop/{name}")
}

#[test]
fn container_pod_and_workload_of_one_detection_are_one() {
    let _fakes = cluster(&["web"]).install();
    let told = told(&[in_pod("a", START, "medium", "web", &[])]);
    assert_eq!(told.links.len(), 3, "{:?}", told.links);
    for name in ["pod:uid-web", "container:000000776562", "workload:shop/Pod/web-0@c1"] {
        assert!(told.links.contains(&(workload("web"), name.to_owned())), "{name}: {:?}", told.links);
    }
}

#[test]
fn a_pod_that_nobody_knows_is_joined_by_its_own_names_alone() {
    let _fakes = cluster(&[]).install();
    let told = told(&[in_pod("a", START, "medium", "gone", &[])]);
    assert!(told.joins("workload:shop/Pod/gone-0@c1", "pod:uid-gone"));
    assert_eq!(told.links.len(), 2);
}

#[test]
fn an_image_joins_nothing() {
    let _fakes = cluster(&["web", "api"]).install();
    let image = format!("image:sha256:{}", "0a".repeat(32));
    let at = |id: &str, name: &str| {
        let key = format!("pod:uid-{name}");
        detection(
            id,
            START,
            "medium",
            &key,
            &pod(&format!("{name}-0")),
            json!({ "joins": [image, key],
            "pod": { "namespace": "shop", "name": format!("{name}-0"), "uid": format!("uid-{name}") } }),
        )
    };
    let told = told(&[at("a", "web"), at("b", "api")]);
    assert!(!told.joins("pod:uid-web", "pod:uid-api"));
}

#[test]
fn who_entered_a_pod_is_joined_to_it() {
    let _fakes = cluster(&["web"]).install();
    let told =
        told(&[in_pod("a", START, "high", "web", &["T1059"]), exec("b", START + MINUTE, "alice", "web")]);
    assert!(told.joins("pod:uid-web", "principal:alice"));
    let joined = told.of_rule("joined");
    assert_eq!(joined.len(), 1);
    assert_eq!(
        joined[0].1["path"][0],
        json!({ "from": "principal:alice", "to": workload("web"), "edge": "entered",
        "why": "alice entered a pod of it by pods/exec", "proof": "b" })
    );
}

#[test]
fn who_was_refused_is_not() {
    let _fakes = cluster(&["web"]).install();
    let mut refused = exec("b", START, "alice", "web");
    let text = String::from_utf8(refused.body).unwrap();
    refused.body = text.replace("\"success\"", "\"denied\"").into_bytes();
    assert!(!told(&[refused]).joins(&workload("web"), "principal:alice"));
}

#[test]
fn an_account_of_deployments_joins_nothing_and_that_is_said() {
    let names: Vec<String> = (0..7).map(|number| format!("w{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let _fakes = cluster(&names).install();
    let events: Vec<Event> = names
        .iter()
        .enumerate()
        .map(|(number, name)| exec(&format!("e{number}"), START + number as u64 * SECOND, "deployer", name))
        .collect();
    let busy = told(&events);
    assert!(!names.iter().any(|name| busy.joins(&workload(name), "principal:deployer")), "{:?}", busy.links);
    let said = busy.of_rule("shared-key");
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].1["workloadsInAll"], 7);
    assert!(said[0].1["why"].as_str().unwrap().contains("at most 5"), "{said:?}");
    // Five of them are within the bound.
    let _fakes = cluster(&names).install();
    let few = told(&events[..5]);
    assert!(names[..5].iter().all(|name| few.joins(&workload(name), "principal:deployer")));
    let _fakes = cluster(&names).install();
    let listed = told_with(&events[..1], r#"{"shared": ["deploy*"]}"#);
    assert!(!listed.joins(&workload("w0"), "principal:deployer"));
}

#[test]
fn a_ceiling_counts_a_day() {
    let names = ["a", "b", "c"];
    let config = r#"{"workloads-per-key": 2}"#;
    let at = |hours: [u64; 3]| {
        let _fakes = cluster(&names).install();
        let events: Vec<Event> = names
            .iter()
            .zip(hours)
            .map(|(name, hour)| exec(&format!("e-{name}"), START + hour * HOUR, "alice", name))
            .collect();
        let told = told_with(&events, config);
        names.map(|name| told.joins(&workload(name), "principal:alice"))
    };
    assert_eq!(at([0, 0, 0]), [false, false, false]);
    assert_eq!(at([0, 1, 2]), [true, true, false]);
    assert_eq!(at([0, 1, 26]), [true, true, true]);
}

fn as_account(id: &str, name: &str) -> Event {
    call(id, START, &format!("system:serviceaccount:shop:{name}"), &["T1552.007"])
}

#[test]
fn a_service_account_is_joined_to_the_few_workloads_that_run_as_it() {
    let own = |workloads: &[&str]| {
        let ids: Vec<String> = workloads.iter().map(|name| support::deployment(name)).collect();
        let _fakes = cluster(workloads).related(account("own"), "workloads", ids).install();
        let told = told(&[as_account("a", "own")]);
        let joined = workloads
            .iter()
            .filter(|name| told.joins(&workload(name), "principal:system:serviceaccount:shop:own"))
            .count();
        (joined, told.of_rule("shared-key").len())
    };
    assert_eq!(own(&["web"]), (1, 0));
    assert_eq!(own(&["a", "b", "c"]), (3, 0));
    assert_eq!(own(&["a", "b", "c", "d"]), (0, 1));
}

#[test]
fn the_default_account_and_controllers_join_nothing() {
    for name in ["system:serviceaccount:shop:default", "system:serviceaccount:kube-system:job-controller"] {
        let (namespace, account) = name.trim_start_matches("system:serviceaccount:").split_once(':').unwrap();
        let id = format!("k8s:c1/core/ServiceAccount/{namespace}/{account}");
        let _fakes = cluster(&["web"]).related(id, "workloads", [support::deployment("web")]).install();
        let told = told(&[call("a", START, name, &[]), exec("b", START, name, "web")]);
        assert!(!told.joins(&workload("web"), &format!("principal:{name}")), "{name}");
    }
}

#[test]
fn the_same_name_in_two_clusters_is_two() {
    let _fakes = cluster(&["web"])
        .related(account("own"), "workloads", [support::deployment("web")])
        .related("k8s:c2/core/ServiceAccount/shop/own", "workloads", ["k8s:c2/apps/Deployment/shop/web"])
        .install();
    let mut other = as_account("b", "own");
    other.body = String::from_utf8(other.body)
        .unwrap()
        .replace("\"cluster\":\"c1\"", "\"cluster\":\"c2\"")
        .into_bytes();
    let told = told(&[as_account("a", "own"), other]);
    assert!(!told.joins(&workload("web"), "workload:shop/Deployment/web@c2"));
    assert!(told.of_rule("shared-key")[0].1["why"].as_str().unwrap().contains("2 clusters"));
}

#[test]
fn a_role_of_a_cloud_is_joined_to_the_workload_that_is_given_it() {
    let role = "arn:aws:iam::111122223333:role/reports";
    let session = "arn:aws:sts::111122223333:assumed-role/reports/botocore-1";
    let _fakes = cluster(&["web"]).related(role, "workloads", [support::deployment("web")]).install();
    let key = format!("principal:{session}");
    let event = detection(
        "a",
        START,
        "high",
        &key,
        "arn:aws:s3:::books",
        json!({ "techniques": ["T1530"], "actor": { "name": session },
        "joins": [key, format!("principal:{role}")], "cluster": null }),
    );
    let told = told(&[event]);
    assert!(told.joins(&workload("web"), &key), "{:?}", told.links);
}

#[test]
fn a_way_out_of_a_container_is_joined_to_the_node() {
    let _fakes = cluster(&["web", "api"]).install();
    let told = told(&[
        in_pod("a", START, "critical", "web", &["T1611"]),
        in_pod("b", START, "high", "api", &["T1059"]),
        call("c", START + MINUTE, "system:node:n1", &["T1552"]),
    ]);
    assert!(told.joins(&workload("web"), "principal:system:node:n1"));
    assert!(told.joins(&workload("web"), "k8s:c1/core/Node/-/n1"));
    assert!(!told.joins(&workload("api"), "principal:system:node:n1"));
}

#[test]
fn a_pod_that_enters_another_one_is_joined_to_it() {
    let _fakes = cluster(&["web", "db"]).install();
    let mut event = exec("a", START, "system:serviceaccount:shop:web", "db");
    let mut body: Value = serde_json::from_slice(&event.body).unwrap();
    body["joins"] = json!(["pod:uid-web", "principal:system:serviceaccount:shop:web"]);
    body["detection"]["key"] = json!("pod:uid-web");
    event.body = body.to_string().into_bytes();
    let told = told(&[event, in_pod("b", START, "high", "web", &[])]);
    assert!(told.joins(&workload("web"), &workload("db")));
}

#[test]
fn who_made_a_workload_is_joined_to_it() {
    let _fakes = cluster(&["web"]).install();
    let told = told(&[
        call("a", START, "alice", &["T1552"]),
        support::made("b", START + MINUTE, "create", "alice", None, "miner"),
        support::made("c", START + MINUTE, "get", "bob", None, "web"),
    ]);
    assert!(told.joins(&workload("miner"), "principal:alice"), "{:?}", told.links);
    assert!(!told.joins(&workload("web"), "principal:bob"));
    let joined = told.of_rule("joined");
    assert_eq!(joined.len(), 1);
    assert_eq!(joined[0].1["path"][0]["edge"], "made");
}

#[test]
fn what_a_workload_made_is_joined_to_the_workload_and_to_the_pod_that_called() {
    let account_id = account("web");
    let _fakes = cluster(&["web"]).related(account_id, "workloads", [deployment("web")]).install();
    let who = "system:serviceaccount:shop:web";
    let told = told(&[support::made("a", START, "create", who, Some("uid-web"), "miner")]);
    for other in [workload("web"), "pod:uid-web".to_owned()] {
        assert!(told.joins(&workload("miner"), &other), "{other}: {:?}", told.links);
    }
}

#[test]
fn who_makes_everything_is_joined_to_nothing() {
    let names: Vec<String> = (0..7).map(|number| format!("w{number}")).collect();
    let _fakes = cluster(&[]).install();
    let events: Vec<Event> =
        names.iter().map(|name| support::made(name, START, "patch", "deployer", None, name)).collect();
    let told = told(&events);
    assert!(!names.iter().any(|name| told.joins(&workload(name), "principal:deployer")), "{:?}", told.links);
    assert_eq!(told.of_rule("shared-key").len(), 1);
}

#[test]
fn three_stages_are_told_of_once_with_their_first_detections() {
    let _fakes = cluster(&["web"]).install();
    let told = told(&[
        in_pod("a", START, "medium", "web", &["T1190"]),
        in_pod("b", START + MINUTE, "high", "web", &["T1059.004"]),
        in_pod("b2", START + 2 * MINUTE, "high", "web", &["T1059"]),
        exec("c", START + 3 * MINUTE, "alice", "web"),
        call("d", START + 4 * MINUTE, "alice", &["T1098.006"]),
        call("e", START + 5 * MINUTE, "alice", &["T1098"]),
    ]);
    let staged = told.of_rule("multi-stage");
    assert_eq!(staged.len(), 1, "{staged:#?}");
    let (severity, evidence) = &staged[0];
    assert_eq!(severity, "Severity::High");
    assert_eq!(evidence["tactics"], json!(["initial-access", "execution", "persistence"]));
    assert_eq!(evidence["techniques"], json!(["T1059.004", "T1098.006", "T1190"]));
    assert_eq!((&evidence["first"], &evidence["last"]), (&json!(START), &json!(START + 4 * MINUTE)));
    assert_eq!(evidence["path"][0]["edge"], "entered");
    let row = told.detections.iter().find(|row| row.0 == "multi-stage").unwrap();
    assert_eq!(row.2, "pod:uid-web", "it stands with the first of its stages");
}

#[test]
fn stages_of_different_days_or_of_nobody_in_particular_are_not_one_attack() {
    let _fakes = cluster(&["web", "api"]).install();
    let told = told(&[
        in_pod("a", START, "medium", "web", &["T1190"]),
        in_pod("b", START + MINUTE, "high", "web", &["T1059"]),
        in_pod("c", START + 30 * HOUR, "high", "web", &["T1496"]),
        in_pod("d", START + MINUTE, "high", "api", &["T1496"]),
    ]);
    assert_eq!(told.of_rule("multi-stage"), []);
    let _fakes = cluster(&["web"]).install();
    let harmless = support::told(&[
        in_pod("a", START, "low", "web", &["T1190"]),
        in_pod("b", START, "low", "web", &["T1059"]),
        in_pod("c", START, "low", "web", &["T1496"]),
    ]);
    assert_eq!(harmless.of_rule("multi-stage"), []);
}

#[test]
fn what_a_day_has_passed_over_is_forgotten() {
    let fakes = cluster(&["web"]).install();
    told(&[in_pod("a", START, "medium", "web", &["T1190"]), exec("c", START, "alice", "web")]);
    assert_eq!(fakes.state().keys().collect::<Vec<_>>(), Vec::<&String>::new());
}

/// One of a few detections of a small world.
fn made(number: usize, (what, who, at, technique): (u8, usize, u64, usize)) -> Event {
    let techniques = ["T1190", "T1059", "T1611", "T1552", "T1098", "T1496", "T9999"];
    let technique = &techniques[technique..=technique];
    let name = ["a", "b", "c", "d"][who % 4];
    let (id, time) = (format!("d{number}"), START + at * 10 * SECOND);
    match what {
        0 | 1 => in_pod(&id, time, "medium", name, technique),
        2 => exec(&id, time, ["alice", "bob"][who % 2], ["a", "b", "c", "d"][who / 2]),
        3 => call(&id, time, ["alice", "bob"][who % 2], technique),
        4 => call(&id, time, ["system:serviceaccount:shop:own", "system:node:n1"][who % 2], technique),
        _ => {
            let key = format!("principal:system:serviceaccount:shop:own-{}", who % 2);
            detection(&id, time, "high", &key, "", json!({ "techniques": technique }))
        }
    }
}

fn small_world() -> palisade_sdk::testing::Installed {
    cluster(&["a", "b", "c", "d"])
        .related(account("own"), "workloads", [support::deployment("c")])
        .related(account("own-0"), "workloads", [support::deployment("a"), support::deployment("d")])
        .asset(
            support::deployment("a"),
            &json!({ "exposure": { "verdict": "open", "entries": [] },
            "image-findings": { "images": [{ "worst": [{ "rule": "CVE-2026-1", "exploited": true }] }] } }),
        )
        .install()
}

fn in_order(events: &[Event], config: &str) -> Told {
    let _fakes = small_world();
    let mut lane = Lane { config: Some(config.to_owned()), ..Lane::default() };
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|event| event.time);
    for event in sorted {
        let watermark = event.time.saturating_sub(1);
        lane.run(&[event], watermark);
    }
    lane.run(&[], START + 10_000 * HOUR);
    lane.told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// However detections are shuffled and split, what becomes of them is the same; also if they come in the order of time, with
    /// what is complete looked at in between.
    #[test]
    fn no_order_and_no_split_matters(
        made_of in proptest::collection::vec((0..6_u8, 0..8_usize, 0..20_000_u64, 0..7_usize), 1..30),
        near in any::<bool>(),
        splits in proptest::collection::vec(1..6_usize, 1..12),
        seed in any::<u64>(),
    ) {
        let config = r#"{"workloads-per-key": 2}"#;
        let closer = |(what, who, at, technique)| (what, who, if near { at % 60 } else { at }, technique);
        let mut events: Vec<Event> = made_of.into_iter().map(closer).enumerate().map(|(number, of)| made(number, of)).collect();
        let wanted = in_order(&events, config);
        let mut random = seed;
        for place in (1..events.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            events.swap(place, (random >> 33) as usize % (place + 1));
        }
        let _fakes = small_world();
        let mut lane = Lane { config: Some(config.to_owned()), ..Lane::default() };
        let mut rest = events.as_slice();
        for length in splits.iter().cycle() {
            let (batch, after) = rest.split_at((*length).min(rest.len()));
            lane.run(batch, START - 1);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        lane.run(&[], START + 10_000 * HOUR);
        prop_assert_eq!(&lane.told, &wanted);
    }
}
