//! Bodies that nobody honest sends: no panic, no record that the platform would refuse, and a problem where nothing is understood.

use kube_posture::KubePosture;
use palisade_sdk::testing::Fakes;
use palisade_sdk::{Assessment, Resource};
use serde_json::{Value, json};

use crate::common::{manifest, own_folder, resource};

fn judge(resource: Resource) -> Assessment {
    let _installed = Fakes::new().asset("k8s:c/core/Namespace/-/none", &json!({})).install();
    let assessment = palisade_sdk::check::<KubePosture>("{}", &[resource]).unwrap();
    for result in &assessment.results {
        assert!(
            result.message.len() <= 2_000,
            "{} bytes in a message of {}",
            result.message.len(),
            result.rule
        );
        assert!(result.location.len() <= 64 << 10 && result.evidence.len() <= 64 << 10, "{}", result.rule);
    }
    assessment
}

/// The objects of all fixtures.
fn samples() -> Vec<Value> {
    let mut samples = Vec::new();
    for rule in manifest().rules {
        let text = std::fs::read_to_string(own_folder().join(format!("fixtures/{}.json", rule.id))).unwrap();
        let fixture: Value = serde_json::from_str(&text).unwrap();
        samples.extend(fixture["fail"].as_array().unwrap().iter().map(|case| case["object"].clone()));
    }
    samples
}

/// Pointers to every value of an object.
fn places(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                places(member, format!("{at}/{}", palisade_sdk::pointer_part(key)), all);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, format!("{at}/{index}"), all);
            }
        }
        _ => {}
    }
    all.push(at);
}

#[test]
fn any_value_may_be_anything() {
    let strange = [
        json!([]),
        json!({}),
        json!("x"),
        json!("5"),
        json!(5),
        json!(-1e300),
        json!(true),
        Value::Null,
        json!([[[{}]]]),
    ];
    for sample in samples() {
        let mut all = Vec::new();
        places(&sample, String::new(), &mut all);
        for place in all {
            let Resource { asset, kind, .. } = resource(&sample);
            for value in &strange {
                let mut body = sample.clone();
                *body.pointer_mut(&place).unwrap() = value.clone();
                judge(Resource::new(asset.clone(), kind.clone(), &body));
            }
        }
    }
}

#[test]
fn a_wrong_type_is_a_problem_of_its_resource() {
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a", "namespace": "b" }, "spec": [] });
    assert_eq!(judge(resource(&pod)).problems.len(), 1);
    let number = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a", "namespace": "b" },
        "spec": { "containers": [{ "name": "c", "securityContext": { "runAsUser": "0" } }] },
    });
    assert_eq!(judge(resource(&number)).problems.len(), 1);
    let Resource { asset, kind, .. } = resource(&pod);
    assert_eq!(judge(Resource { asset, kind, body: b"{".to_vec() }).problems.len(), 1);
}

#[test]
fn nesting_has_no_bottom_and_strings_no_end() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = "x".repeat(10 << 20);
    for sample in samples() {
        let Resource { asset, kind, body } = resource(&sample);
        let text = String::from_utf8(body).unwrap();
        let open = text.strip_prefix('{').unwrap();
        for body in [
            format!("{{\"z\":{deep},{open}"),
            format!("{{\"spec\":{deep}}}"),
            format!("{{\"metadata\":{deep}}}"),
        ] {
            judge(Resource { asset: asset.clone(), kind: kind.clone(), body: body.into_bytes() });
        }
    }
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": long, "namespace": long, "annotations": { "a": long } },
        "spec": {
            "containers": [{
                "name": long, "image": long, "args": [long], "env": [{ "name": "PASSWORD", "value": long }],
                "securityContext": { "capabilities": { "add": [long] }, "procMount": long },
            }],
            "volumes": [{ "name": long, "hostPath": { "path": long } }],
            "priorityClassName": long, "serviceAccountName": "a",
        },
    });
    let kind = "v1/Pod".to_owned();
    assert!(judge(Resource::new("k8s:c/core/Pod/b/a", kind, &pod)).results.len() > 50);
}

#[test]
fn many_failures_are_told_once_and_bounded() {
    let containers: Vec<Value> =
        (0..5_000).map(|number| json!({ "name": format!("c{number}"), "image": "a" })).collect();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a", "namespace": "b" },
        "spec": { "containers": containers },
    });
    let assessment = judge(resource(&pod));
    assert!(assessment.results.len() < 10_000, "{}", assessment.results.len());
    assert!(!assessment.problems.is_empty());
}

#[test]
fn an_id_of_another_form_costs_only_what_has_to_be_asked() {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "a", "namespace": "b" },
        "spec": { "template": { "spec": { "containers": [{ "name": "c", "image": "d" }] } } },
    });
    let assessment = judge(Resource::new("something", "apps/v1/Deployment", &deployment));
    assert!(assessment.results.len() > 60 && assessment.problems.is_empty());
}

#[test]
fn an_answer_of_another_form_is_an_error_of_the_check() {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "a", "namespace": "b" },
        "spec": { "template": { "spec": { "containers": [{ "name": "c", "image": "d" }] } } },
    });
    let _installed = Fakes::new()
        .asset("k8s:c/core/ServiceAccount/b/default", &json!({ "facts": { "automount": "yes" } }))
        .install();
    let assessment = palisade_sdk::check::<KubePosture>("{}", &[resource(&deployment)]).unwrap();
    let token: Vec<_> =
        assessment.results.iter().filter(|result| result.rule == "default-service-account-token").collect();
    assert_eq!((token.len(), token[0].status), (1, palisade_sdk::CheckStatus::Error));
}
