use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Attack, AttackPath, Goal, Limits, Place, Sources, Technique};
use crate::exposure::Exposure;
use crate::fixture::{binding, object, role, shared, snapshot};

fn deployment(name: &str, account: &str, more: Value) -> Value {
    let mut spec = json!({ "serviceAccountName": account, "containers": [{ "name": "c" }] });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let template = json!({ "metadata": { "labels": { "app": "a" } }, "spec": spec });
    object("apps/v1", "Deployment", name, json!({ "spec": { "template": template } }))
}

fn pod(name: &str, node: &str, more: Value) -> Value {
    let mut spec = json!({ "nodeName": node, "containers": [{ "name": "c" }] });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object("v1", "Pod", name, json!({ "spec": spec }))
}

/// A workload of one namespace, and in another one a pod on a node, with nobody bound to anything.
fn world() -> Vec<Value> {
    vec![
        deployment("n/app", "robot", json!({})),
        object("v1", "ServiceAccount", "n/robot", json!({})),
        object("v1", "ServiceAccount", "m/default", json!({})),
        pod("m/pod", "node-1", json!({})),
        object("v1", "Node", "node-1", json!({})),
    ]
}

fn robot() -> Value {
    json!([{ "kind": "ServiceAccount", "namespace": "n", "name": "robot" }])
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({ "apiGroups": [group], "resources": resources, "verbs": verbs })
}

fn named(group: &str, resource: &str, verb: &str, name: &str) -> Value {
    json!({ "apiGroups": [group], "resources": [resource], "verbs": [verb], "resourceNames": [name] })
}

/// A goal and the steps to it.
type Way = (Goal, Vec<Technique>);

fn techniques(path: &AttackPath) -> Vec<Technique> {
    path.steps.iter().map(|step| step.technique).collect()
}

/// The path to each goal that the workload reaches.
fn reached(objects: Vec<Value>, workload: &str) -> BTreeMap<Goal, Vec<Technique>> {
    let attack = Attack::of(&snapshot(objects));
    assert!(attack.problems().is_empty(), "{:?}", attack.problems());
    let found = attack.paths(Sources::Workload(workload), &Limits::default());
    found.paths.iter().map(|path| (path.goal, techniques(path))).collect()
}

/// What the workload reaches whose account has these rules, everywhere or in its namespace.
fn with(rules: &[Value], place: &str, more: Vec<Value>) -> BTreeMap<Goal, Vec<Technique>> {
    let mut objects = world();
    objects.push(role("given", rules.to_vec().into()));
    objects.push(binding(&format!("{place}given"), "ClusterRole:given", robot()));
    objects.extend(more);
    reached(objects, "apps/Deployment/n/app")
}

#[test]
fn rights_lead_where_they_say_and_no_further() {
    use Goal::{ClusterAdmin, Node, OtherNamespace};
    use Technique::{
        CsrApprove, EphemeralContainer, Everything, Impersonate, NodeProxy, PodAttach, PodCreate, PodExec,
        PodPatch, RoleBind, RoleEscalate, SecretList, TokenCreate, TokenSteal, WebhookWrite, WorkloadWrite,
    };
    const RBAC: &str = "rbac.authorization.k8s.io";
    let csr = "certificates.k8s.io";
    let webhooks = "admissionregistration.k8s.io";
    let in_pods = |technique| vec![(OtherNamespace, vec![TokenSteal, technique, TokenSteal])];
    let cases: Vec<(Vec<Value>, Vec<Way>)> = vec![
        (vec![rule("", &["pods"], &["get", "list"])], vec![]),
        (vec![rule("*", &["*"], &["get"])], vec![(OtherNamespace, vec![])]),
        (vec![rule(RBAC, &["clusterroles", "roles"], &["escalate", "bind"])], vec![]),
        (
            vec![rule(RBAC, &["clusterroles"], &["escalate", "update"])],
            vec![(ClusterAdmin, vec![TokenSteal, RoleEscalate])],
        ),
        (
            vec![
                named(RBAC, "clusterroles", "bind", "cluster-admin"),
                rule(RBAC, &["clusterrolebindings"], &["create"]),
            ],
            vec![(ClusterAdmin, vec![TokenSteal, RoleBind])],
        ),
        (
            vec![
                named(RBAC, "clusterroles", "bind", "view"),
                rule(RBAC, &["clusterrolebindings"], &["create"]),
            ],
            vec![],
        ),
        (vec![rule("", &["groups"], &["impersonate"])], vec![]),
        (
            vec![rule("", &["users", "groups"], &["impersonate"])],
            vec![(ClusterAdmin, vec![TokenSteal, Impersonate])],
        ),
        (
            vec![rule("", &["serviceaccounts"], &["impersonate"])],
            vec![(OtherNamespace, vec![TokenSteal, Impersonate])],
        ),
        (vec![rule("", &["secrets"], &["list"])], vec![(OtherNamespace, vec![TokenSteal, SecretList])]),
        (
            vec![rule("", &["serviceaccounts/token"], &["create"])],
            vec![(OtherNamespace, vec![TokenSteal, TokenCreate])],
        ),
        (
            vec![named("", "serviceaccounts/token", "create", "default")],
            vec![(OtherNamespace, vec![TokenSteal, TokenCreate])],
        ),
        (vec![named("", "serviceaccounts/token", "create", "nobody")], vec![]),
        (vec![rule("", &["pods/exec"], &["create"])], in_pods(PodExec)),
        (vec![rule("", &["pods/attach"], &["create"])], in_pods(PodAttach)),
        (vec![rule("", &["pods/ephemeralcontainers"], &["patch"])], in_pods(EphemeralContainer)),
        (vec![rule("", &["pods"], &["patch"])], in_pods(PodPatch)),
        (vec![rule("", &["nodes/proxy"], &["get"])], in_pods(NodeProxy)),
        (
            vec![rule("", &["pods"], &["create"])],
            vec![(Node, vec![TokenSteal, PodCreate]), (OtherNamespace, vec![TokenSteal, PodCreate])],
        ),
        (
            vec![rule("batch", &["jobs"], &["create"])],
            vec![(Node, vec![TokenSteal, WorkloadWrite]), (OtherNamespace, vec![TokenSteal, WorkloadWrite])],
        ),
        (
            vec![rule(webhooks, &["mutatingwebhookconfigurations"], &["patch"])],
            vec![(ClusterAdmin, vec![TokenSteal, WebhookWrite])],
        ),
        (
            vec![rule(webhooks, &["validatingwebhookconfigurations"], &["create"])],
            vec![(OtherNamespace, vec![TokenSteal, WebhookWrite])],
        ),
    ];
    for (rules, expected) in cases {
        let found = with(&rules, "", vec![]);
        let goals: Vec<Goal> = expected.iter().map(|(goal, _)| *goal).collect();
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), goals, "{rules:?}");
        for (goal, techniques) in expected.iter().filter(|(_, techniques)| !techniques.is_empty()) {
            assert_eq!(&found[goal], techniques, "{rules:?}");
        }
    }
    let approves = [
        rule(csr, &["certificatesigningrequests"], &["create"]),
        rule(csr, &["certificatesigningrequests/approval"], &["update"]),
        rule(csr, &["signers"], &["approve"]),
    ];
    let boss = || {
        let rules = json!([rule("*", &["*"], &["*"])]);
        vec![
            role("all", rules),
            binding("boss", "ClusterRole:all", json!([{ "kind": "User", "name": "boss" }])),
        ]
    };
    assert_eq!(with(&approves, "", boss())[&ClusterAdmin], [TokenSteal, CsrApprove, Everything]);
    assert!(with(&approves[..2], "", boss()).is_empty());
    let everything = with(&[rule("*", &["*"], &["*"])], "", vec![]);
    assert_eq!(everything[&ClusterAdmin], [TokenSteal, Everything]);
}

#[test]
fn rights_in_one_namespace_stay_there() {
    for rules in [
        rule("", &["secrets"], &["list"]),
        rule("", &["serviceaccounts/token"], &["create"]),
        rule("", &["pods/exec"], &["create"]),
        rule("", &["nodes/proxy"], &["get"]),
        rule("admissionregistration.k8s.io", &["*"], &["*"]),
    ] {
        assert_eq!(with(std::slice::from_ref(&rules), "n/", vec![]), BTreeMap::new(), "{rules}");
    }
    let all = with(&[rule("*", &["*"], &["*"])], "n/", vec![]);
    assert_eq!(
        all.keys().copied().collect::<Vec<_>>(),
        [Goal::Node, Goal::OtherNamespace],
        "pods get at the node"
    );
    let guarded = json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "baseline" } } });
    let guard = object("v1", "Namespace", "n", guarded);
    assert_eq!(with(&[rule("*", &["*"], &["*"])], "n/", vec![guard]), BTreeMap::new());
}

#[test]
fn rights_of_groups_are_added_to_ones_own() {
    const RBAC: &str = "rbac.authorization.k8s.io";
    let group = json!([{ "kind": "Group", "name": "system:serviceaccounts" }]);
    let of_group =
        |rules: Value| vec![role("shared", rules), binding("shared", "ClusterRole:shared", group.clone())];
    let writes = of_group(json!([rule(RBAC, &["clusterrolebindings"], &["create"])]));
    let found = with(&[rule(RBAC, &["clusterroles"], &["bind"])], "", writes);
    assert_eq!(found[&Goal::ClusterAdmin], [Technique::TokenSteal, Technique::RoleBind]);
    let found = with(&[], "", of_group(json!([rule("", &["secrets"], &["list"])])));
    assert_eq!(
        found[&Goal::OtherNamespace],
        [Technique::TokenSteal, Technique::GroupMember, Technique::SecretList]
    );
}

#[test]
fn without_a_token_nothing_of_it_can_be_used() {
    let admin = |account: Value, pod: Value| {
        let objects = vec![
            deployment("n/app", "robot", pod),
            object("v1", "ServiceAccount", "n/robot", account),
            role("given", json!([rule("*", &["*"], &["*"])])),
            binding("given", "ClusterRole:given", robot()),
        ];
        reached(objects, "apps/Deployment/n/app").contains_key(&Goal::ClusterAdmin)
    };
    let (no, yes) =
        (json!({ "automountServiceAccountToken": false }), json!({ "automountServiceAccountToken": true }));
    let projected = json!({ "automountServiceAccountToken": false, "volumes": [
        { "name": "t", "projected": { "sources": [{ "serviceAccountToken": { "path": "token" } }] } },
    ] });
    for (account, pod, mounted) in [
        (json!({}), json!({}), true),
        (json!({}), no.clone(), false),
        (no.clone(), json!({}), false),
        (no, yes, true),
        (json!({}), projected, true),
    ] {
        assert_eq!(admin(account.clone(), pod.clone()), mounted, "{account} {pod}");
    }
}

#[test]
fn a_node_leads_to_what_runs_on_it() {
    let privileged = || json!({ "containers": [{ "securityContext": { "privileged": true } }] });
    let mut objects = world();
    objects.push(pod("n/out", "node-1", privileged()));
    let found = reached(objects.clone(), "core/Pod/n/out");
    assert_eq!(found[&Goal::Node], [Technique::ModuleLoad]);
    assert_eq!(
        found[&Goal::OtherNamespace],
        [Technique::ModuleLoad, Technique::HostTraverse, Technique::TokenSteal]
    );
    assert!(!found.contains_key(&Goal::ClusterAdmin));
    objects[4]["metadata"]["labels"] = json!({ "node-role.kubernetes.io/control-plane": "" });
    let found = reached(objects.clone(), "core/Pod/n/out");
    assert_eq!(found[&Goal::ClusterAdmin], [Technique::ModuleLoad, Technique::ControlPlane]);
    objects.push(deployment("n/unscheduled", "robot", privileged()));
    let attack = Attack::of(&snapshot(objects));
    let paths = attack.paths(Sources::Workload("apps/Deployment/n/unscheduled"), &Limits::default()).paths;
    assert_eq!((paths.len(), &paths[0].steps[0].to), (1, &Place::SomeNode));
}

#[test]
fn logs_lead_to_the_node_only_for_who_may_read_them() {
    let logs = json!({
        "serviceAccountName": "robot",
        "containers": [{ "volumeMounts": [{ "name": "v", "mountPath": "/x" }] }],
        "volumes": [{ "name": "v", "hostPath": { "path": "/var/log" } }],
    });
    let mut objects =
        vec![pod("n/logs", "node-1", logs), role("given", json!([rule("", &["pods/log"], &["get"])]))];
    assert_eq!(reached(objects.clone(), "core/Pod/n/logs"), BTreeMap::new());
    objects.push(binding("n/given", "ClusterRole:given", robot()));
    assert_eq!(reached(objects, "core/Pod/n/logs")[&Goal::Node], [Technique::VarLogSymlink]);
}

#[test]
fn token_secrets_give_away_their_account() {
    let secret = json!({
        "type": "kubernetes.io/service-account-token",
        "metadata": { "annotations": { "kubernetes.io/service-account.name": "boss" } },
    });
    let more = vec![
        object("v1", "Secret", "n/boss-token", secret),
        role("all", json!([rule("*", &["*"], &["*"])])),
        binding(
            "boss",
            "ClusterRole:all",
            json!([{ "kind": "ServiceAccount", "namespace": "n", "name": "boss" }]),
        ),
    ];
    for rules in [rule("", &["secrets"], &["list"]), named("", "secrets", "get", "boss-token")] {
        let found = with(std::slice::from_ref(&rules), "n/", more.clone());
        assert_eq!(found[&Goal::ClusterAdmin].last(), Some(&Technique::Everything), "{rules}");
    }
    assert_eq!(with(&[named("", "secrets", "get", "other")], "n/", more), BTreeMap::new());
}

#[test]
fn the_step_that_all_share_is_the_one_to_cut() {
    const RBAC: &str = "rbac.authorization.k8s.io";
    let mut objects = world();
    objects.extend(["n/b", "n/c"].map(|name| deployment(name, "robot", json!({}))));
    let rules = [rule(RBAC, &["clusterroles"], &["bind"]), rule(RBAC, &["clusterrolebindings"], &["create"])];
    objects.push(role("given", rules.to_vec().into()));
    objects.push(binding("given", "ClusterRole:given", robot()));
    let attack = Attack::of(&snapshot(objects));
    let points = attack.choke_points(2);
    assert_eq!(
        (points[0].cuts, points[0].on_shortest, points[0].step.technique),
        (3, 3, Technique::RoleBind)
    );
    assert_eq!((points[1].cuts, points[1].step.technique, points.len()), (1, Technique::TokenSteal, 2));
    let grants: Vec<usize> = points[0].step.grants.iter().map(|grant| grant.rule).collect();
    assert_eq!(grants, [0, 1]);
}

#[test]
fn limits_are_kept_and_told() {
    let mut objects = world();
    objects.push(role("given", json!([rule("*", &["*"], &["*"])])));
    objects.push(binding("given", "ClusterRole:given", robot()));
    let attack = Attack::of(&snapshot(objects));
    let all = attack.paths(Sources::All, &Limits::default());
    assert_eq!((all.paths.len(), all.sources, all.truncated), (3, 2, false));
    for limits in [Limits { paths_max: 2, ..Limits::default() }, Limits { steps_max: 1, ..Limits::default() }]
    {
        assert!(attack.paths(Sources::All, &limits).truncated, "{limits:?}");
    }
}

#[test]
fn paths_of_the_fixtures_are_found_with_their_objects() {
    let Some(snapshot) = shared() else { return };
    let attack = Attack::of(&snapshot);
    assert!(attack.problems().is_empty(), "{:?}", attack.problems());
    let backup = attack.paths(Sources::Workload("batch/CronJob/shop/backup"), &Limits::default()).paths;
    assert_eq!(backup[0].goal, Goal::ClusterAdmin);
    assert_eq!(techniques(&backup[0]), [Technique::TokenSteal, Technique::Everything]);
    let proof = &backup[0].steps[1].grants[0];
    assert_eq!(proof.binding, "rbac.authorization.k8s.io/ClusterRoleBinding/-/backup-admin");
    assert_eq!(techniques(&backup[1]), [Technique::HostRead]);
    let ledger = attack.paths(Sources::Workload("apps/Deployment/payments/ledger"), &Limits::default()).paths;
    assert!(ledger.is_empty(), "no token is mounted: {ledger:?}");
    let exposed = attack.paths(Sources::Exposed(&Exposure::of(&snapshot)), &Limits::default());
    assert!(exposed.paths.iter().any(|path| path.source.ends_with("shop/web") && path.goal == Goal::Node));
}

#[test]
fn who_holds_the_helper_of_the_fixtures_escalates() {
    let Some(fixtures) = shared() else { return };
    let helper = fixtures.objects().find(|object| object.name == "helper").unwrap();
    let body: Value = serde_json::from_slice(&helper.body).unwrap();
    let found = with(body["rules"].as_array().unwrap(), "", vec![]);
    assert_eq!(found[&Goal::ClusterAdmin], [Technique::TokenSteal, Technique::Impersonate]);
}

fn any_binding() -> impl Strategy<Value = (usize, &'static str, usize)> {
    (0..9_usize, prop::sample::select(&["", "n/", "m/"][..]), 0..4_usize)
}

/// The world with bindings of some roles to its accounts and their groups.
fn bound(bindings: &[(usize, &str, usize)]) -> Attack {
    const RBAC: &str = "rbac.authorization.k8s.io";
    let rules = [
        rule("", &["secrets"], &["list"]),
        rule("", &["pods"], &["create"]),
        rule("", &["pods/exec"], &["create"]),
        rule("", &["serviceaccounts", "groups"], &["impersonate"]),
        rule(RBAC, &["clusterroles"], &["bind"]),
        rule(RBAC, &["clusterrolebindings", "rolebindings"], &["create"]),
        rule(RBAC, &["clusterroles", "roles"], &["escalate"]),
        rule(RBAC, &["clusterroles", "roles"], &["patch"]),
        named("", "serviceaccounts/token", "create", "default"),
    ];
    let subjects = [
        robot(),
        json!([{ "kind": "ServiceAccount", "namespace": "m", "name": "default" }]),
        json!([{ "kind": "Group", "name": "system:authenticated" }]),
        json!([{ "kind": "Group", "name": "system:serviceaccounts:n" }]),
    ];
    let mut objects = world();
    objects.extend(rules.iter().enumerate().map(|(number, rule)| role(&format!("r{number}"), json!([rule]))));
    objects.extend(bindings.iter().enumerate().map(|(number, (rule, place, subject))| {
        binding(&format!("{place}b{number}"), &format!("ClusterRole:r{rule}"), subjects[*subject].clone())
    }));
    Attack::of(&snapshot(objects))
}

proptest! {
    #[test]
    fn steps_follow_each_other_and_one_more_binding_takes_no_way(
        bindings in prop::collection::vec(any_binding(), 0..6),
        more in any_binding(),
    ) {
        let before = bound(&bindings).paths(Sources::All, &Limits::default());
        let after = bound(&[bindings, vec![more]].concat()).paths(Sources::All, &Limits::default());
        for path in &before.paths {
            let same = after.paths.iter().find(|other| (&other.source, other.goal) == (&path.source, path.goal));
            let steps = |path: &AttackPath| {
                path.steps.iter().filter(|step| step.technique != Technique::GroupMember).count()
            };
            prop_assert!(same.is_some_and(|same| steps(same) <= steps(path)), "{path:?}");
            prop_assert_eq!(&path.steps[0].from, &Place::Workload { path: path.source.clone() });
            prop_assert!(path.steps.windows(2).all(|pair| pair[0].to == pair[1].from), "{path:?}");
            prop_assert!(path.steps.iter().all(|step| step.grants.is_empty() != matches!(step.from, Place::Identity { .. })
                || step.technique == Technique::GroupMember), "{path:?}");
        }
    }
}

#[test]
fn what_an_identity_is_good_for_is_told_beside_a_shorter_way() {
    let privileged = json!({ "hostPID": true, "containers": [{ "name": "c", "securityContext": { "privileged": true } }] });
    let mut objects = world();
    objects.push(deployment("n/both", "robot", privileged));
    objects.push(role("given", json!([rule("", &["pods/exec"], &["create"])])));
    objects.push(binding("given", "ClusterRole:given", robot()));
    let attack = Attack::of(&snapshot(objects));
    let paths = attack.identity_paths("apps/Deployment/n/both");
    assert!(!paths.is_empty());
    for path in &paths {
        assert_eq!(path.steps.first().map(|step| step.technique), Some(Technique::TokenSteal), "{path:?}");
    }
    let shortest = attack.paths(Sources::Workload("apps/Deployment/n/both"), &Limits::default());
    let node = shortest.paths.iter().find(|path| path.goal == Goal::Node).unwrap();
    assert_ne!(node.steps[0].technique, Technique::TokenSteal);
    assert!(attack.identity_paths("core/Pod/m/pod").is_empty(), "an identity without rights leads nowhere");
    assert!(attack.identity_paths("apps/Deployment/n/gone").is_empty());
}
