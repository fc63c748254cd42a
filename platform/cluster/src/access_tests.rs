use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Access, Subject};
use crate::access_rules::Request;
use crate::fixture::{binding, object, role, shared, snapshot};

fn account(name: &str) -> Value {
    json!({ "kind": "ServiceAccount", "namespace": "n", "name": name })
}

fn pods(verb: &str) -> Request<'_> {
    Request::resource(verb, "", "pods")
}

fn reader() -> Value {
    json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }])
}

#[test]
fn a_role_binding_grants_in_its_namespace_only_and_a_cluster_role_binding_everywhere() {
    let access = Access::of(&snapshot([
        role("reader", reader()),
        binding("n/here", "ClusterRole:reader", json!([account("robot")])),
        binding("all", "ClusterRole:reader", json!([account("other")])),
    ]));
    let (robot, other) = (Subject::account("n", "robot"), Subject::account("n", "other"));
    let proof = access.can(&robot, &pods("get").within("n")).unwrap();
    assert_eq!(proof.binding, "rbac.authorization.k8s.io/RoleBinding/n/here");
    assert_eq!((proof.role.as_str(), proof.rule), ("rbac.authorization.k8s.io/ClusterRole/-/reader", 0));
    assert_eq!(access.can(&robot, &pods("get").within("m")), None);
    assert_eq!(access.can(&robot, &pods("get")), None);
    assert!(
        access.can(&other, &pods("get")).is_some() && access.can(&other, &pods("get").within("m")).is_some()
    );
    assert_eq!(access.can(&other, &pods("delete")), None);
    let who: Vec<Subject> =
        access.who_can(&pods("get").within("n")).into_iter().map(|holder| holder.subject).collect();
    assert_eq!(who, [other, robot.clone()]);
    assert_eq!(access.abilities(&robot)[0].namespace.as_deref(), Some("n"));
}

#[test]
fn roles_that_are_not_there_or_not_of_the_namespace_grant_nothing() {
    let access = Access::of(&snapshot([
        role("m/reader", reader()),
        binding("n/elsewhere", "Role:reader", json!([account("robot")])),
        binding("wide", "Role:reader", json!([account("robot")])),
        binding("gone", "ClusterRole:gone", json!([account("robot")])),
    ]));
    assert!(access.abilities(&Subject::account("n", "robot")).is_empty());
    assert!(access.problems().is_empty());
}

#[test]
fn groups_follow_from_what_a_subject_is() {
    let group = |name: &str| json!([{ "kind": "Group", "name": name }]);
    for (name, robot, human, nobody) in [
        ("system:authenticated", true, true, false),
        ("system:serviceaccounts", true, false, false),
        ("system:serviceaccounts:n", true, false, false),
        ("system:serviceaccounts:m", false, false, false),
        ("system:unauthenticated", false, false, true),
    ] {
        let access = Access::of(&snapshot([
            role("reader", reader()),
            binding("b", "ClusterRole:reader", group(name)),
        ]));
        let can = |subject: &str| access.can(&Subject::user(subject), &pods("get")).is_some();
        assert_eq!(can("system:serviceaccount:n:robot"), robot, "{name}");
        assert_eq!((can("jane"), can("system:anonymous")), (human, nobody), "{name}");
    }
}

#[test]
fn a_user_may_be_a_service_account_and_a_subject_without_namespace_is_of_the_binding() {
    let access = Access::of(&snapshot([
        role("reader", reader()),
        binding(
            "all",
            "ClusterRole:reader",
            json!([{ "kind": "User", "name": "system:serviceaccount:n:robot" }]),
        ),
        binding("n/own", "ClusterRole:reader", json!([{ "kind": "ServiceAccount", "name": "near" }])),
    ]));
    assert!(access.can(&Subject::account("n", "robot"), &pods("get")).is_some());
    assert!(access.can(&Subject::account("n", "near"), &pods("get").within("n")).is_some());
}

#[test]
fn aggregated_roles_have_the_rules_of_those_they_select_and_cycles_end() {
    let part = |name: &str, label: &str, selects: &str, rules: Value| {
        let mut value = role(name, rules);
        value["metadata"]["labels"] = json!({ "to": label });
        value["aggregationRule"] = json!({ "clusterRoleSelectors": [{ "matchLabels": { "to": selects } }] });
        value
    };
    let access = Access::of(&snapshot([
        part("top", "low", "middle", Value::Null),
        part("middle", "middle", "low", Value::Null),
        part("leaf", "low", "none", reader()),
        binding("b", "ClusterRole:top", json!([account("robot")])),
    ]));
    let proof = access.can(&Subject::account("n", "robot"), &pods("get")).unwrap();
    assert!(proof.role.ends_with("/top") && proof.rule_of.ends_with("/leaf"), "{proof:?}");
}

#[test]
fn what_cannot_be_read_is_a_problem_and_the_rest_counts() {
    let mut rules = reader();
    rules.as_array_mut().unwrap().insert(0, json!({ "verbs": 7 }));
    let access = Access::of(&snapshot([
        role("reader", rules),
        binding("b", "ClusterRole:reader", json!([account("robot"), { "kind": "Robot", "name": "x" }, 7])),
        object("rbac.authorization.k8s.io/v1", "RoleBinding", "n/broken", json!({ "roleRef": [] })),
    ]));
    assert_eq!(access.can(&Subject::account("n", "robot"), &pods("get")).unwrap().rule, 1);
    assert_eq!((access.problems().len(), access.problem_count()), (4, 4), "{:?}", access.problems());
}

#[test]
fn what_an_operator_made_counts() {
    let mut made = binding("n/made", "ClusterRole:reader", json!([account("robot")]));
    made["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "x.example/v1", "kind": "Tenant", "name": "t", "controller": true }]);
    let tenant = object("x.example/v1", "Tenant", "n/t", json!({}));
    let access = Access::of(&snapshot([role("reader", reader()), made, tenant]));
    assert!(access.can(&Subject::account("n", "robot"), &pods("get").within("n")).is_some());
}

#[test]
fn grants_of_the_fixtures_are_found_with_their_objects() {
    let Some(snapshot) = shared() else { return };
    let access = Access::of(&snapshot);
    let everything = Request::resource("*", "*", "*");
    let proof = access.can(&Subject::account("shop", "backup"), &everything).unwrap();
    assert_eq!(proof.binding, "rbac.authorization.k8s.io/ClusterRoleBinding/-/backup-admin");
    let ledger = access.can(&Subject::account("payments", "ledger"), &everything).unwrap();
    assert_eq!(ledger.subject, Subject::group("system:authenticated"));
    assert_eq!(access.can(&Subject::user("system:anonymous"), &everything), None);
    let probes = Request::resource("list", "lab.example.org", "probes").within("shop");
    assert!(access.can(&Subject::user("system:anonymous"), &probes).is_some(), "view is aggregated");
    assert!(access.problems().is_empty(), "{:?}", access.problems());
}

/// The same question, asked of the objects anew each time, in the words of the documentation.
fn naive(
    world: &[Value],
    subject: &Subject,
    request: &(String, String, Option<String>, Option<String>),
) -> bool {
    let (verb, resource, namespace, name) = request;
    let text =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let is = |given: &Value| match (text(given, "/kind").unwrap().as_str(), subject) {
        ("Group", _) => subject.groups().contains(&Subject::group(text(given, "/name").unwrap())),
        (_, Subject::ServiceAccount { namespace, name }) => {
            text(given, "/namespace").as_ref() == Some(namespace)
                && text(given, "/name").as_ref() == Some(name)
        }
        _ => false,
    };
    world.iter().filter(|object| text(object, "/kind").unwrap().ends_with("Binding")).any(|given| {
        let place = text(given, "/metadata/namespace");
        let here = place.is_none() || place == *namespace;
        let role_kind = text(given, "/roleRef/kind").unwrap();
        let of = if role_kind == "Role" { place } else { None };
        let role = world.iter().find(|object| {
            text(object, "/kind").as_ref() == Some(&role_kind)
                && text(object, "/metadata/name") == text(given, "/roleRef/name")
                && text(object, "/metadata/namespace") == of
        });
        let rules = role.map(|role| role["rules"].as_array().unwrap().clone()).unwrap_or_default();
        here && given["subjects"].as_array().unwrap().iter().any(is)
            && rules.iter().any(|rule| {
                let has = |key: &str, wanted: &str| {
                    rule[key].as_array().unwrap().iter().any(|v| v == "*" || v == wanted)
                };
                let names = rule["resourceNames"].as_array().unwrap();
                has("verbs", verb)
                    && has("resources", resource)
                    && has("apiGroups", "")
                    && (names.is_empty()
                        || name.as_ref().is_some_and(|name| names.contains(&name.as_str().into())))
            })
    })
}

fn some(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

fn many(words: &'static [&'static str], least: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(some(words), least..3)
}

fn any_role() -> impl Strategy<Value = Value> {
    let rule = (
        many(&["get", "create", "*"], 1),
        many(&["pods", "pods/exec", "secrets", "*"], 1),
        many(&["x", "y"], 0),
        many(&["", "apps", "*"], 1),
    );
    let rule = rule.prop_map(|(verbs, resources, names, groups)| {
        json!({ "verbs": verbs, "resources": resources, "resourceNames": names, "apiGroups": groups })
    });
    (some(&["a", "b", "n/a", "m/a"]), prop::collection::vec(rule, 0..3))
        .prop_map(|(name, rules)| role(&name, rules.into()))
}

fn any_binding() -> impl Strategy<Value = Value> {
    let subject = prop_oneof![
        (some(&["n", "m"]), some(&["x", "y"])).prop_map(
            |(namespace, name)| json!({ "kind": "ServiceAccount", "namespace": namespace, "name": name })
        ),
        some(&["system:serviceaccounts", "system:serviceaccounts:n", "system:authenticated", "people"])
            .prop_map(|name| json!({ "kind": "Group", "name": name })),
    ];
    let role = some(&["ClusterRole:a", "ClusterRole:b", "ClusterRole:gone", "Role:a"]);
    (some(&["w", "v", "n/w", "m/w", "n/v"]), role, prop::collection::vec(subject, 0..3))
        .prop_map(|(name, role, subjects)| binding(&name, &role, subjects.into()))
}

/// Objects of which no two have one name.
fn world() -> impl Strategy<Value = Vec<Value>> {
    let objects = (prop::collection::vec(any_role(), 0..4), prop::collection::vec(any_binding(), 0..5));
    objects.prop_map(|(roles, bindings)| {
        let mut known = std::collections::BTreeSet::new();
        let all = roles.into_iter().chain(bindings);
        all.filter(|object| known.insert(format!("{}{}", object["kind"], object["metadata"]))).collect()
    })
}

fn question() -> impl Strategy<Value = (String, String, Option<String>, Option<String>)> {
    let place = prop::option::of(some(&["n", "m"]));
    (
        some(&["get", "create"]),
        some(&["pods", "pods/exec", "secrets"]),
        place,
        prop::option::of(some(&["x", "z"])),
    )
}

fn ask(
    access: &Access,
    subject: &Subject,
    question: &(String, String, Option<String>, Option<String>),
) -> bool {
    let (verb, resource, namespace, name) = question;
    let mut request = Request::resource(verb, "", resource);
    request = namespace.iter().fold(request, |request, namespace| request.within(namespace));
    request = name.iter().fold(request, |request, name| request.named(name));
    access.can(subject, &request).is_some()
}

proptest! {
    #[test]
    fn answers_are_those_of_a_naive_evaluator(world in world(), question in question(), namespace in some(&["n", "m"]), name in some(&["x", "y"])) {
        let subject = Subject::account(namespace, name);
        let access = Access::of(&snapshot(world.clone()));
        prop_assert_eq!(ask(&access, &subject, &question), naive(&world, &subject, &question));
    }

    #[test]
    fn one_more_binding_takes_nothing_away(world in world(), mut more in any_binding(), question in question()) {
        more["metadata"]["name"] = "more".into();
        let before = Access::of(&snapshot(world.clone()));
        let after = Access::of(&snapshot(world.into_iter().chain([more])));
        for subject in [Subject::account("n", "x"), Subject::account("m", "y"), Subject::group("people")] {
            prop_assert!(!ask(&before, &subject, &question) || ask(&after, &subject, &question));
        }
    }
}
