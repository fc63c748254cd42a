//! What roles grant. Rights that lead to more rights are named one by one
//! (kubernetes.io, "Role Based Access Control Good Practices", "Kubernetes RBAC - privilege escalation risks").

use palisade_sdk::Severity::{Critical, High, Low, Medium};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, shown};
use crate::object::{List, Metadata};
use crate::rbac_rule::PolicyRule;

/// A Role or ClusterRole.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Role {
    rules: List<PolicyRule>,
    /// The rules are then those of other roles, and are told of there.
    aggregation_rule: Option<IgnoredAny>,
}

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
const CHANGE: &[&str] = &["create", "update", "patch"];

/// Verbs on resources of a group; any of them is what a rule warns of.
struct Grant {
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
}

pub(crate) const CHECKS: &Table<Role> = &[
    ("rbac-wildcard-all", Critical, wildcard_all),
    ("rbac-wildcard-verbs", Medium, wildcard_verbs),
    ("rbac-wildcard-resources", High, wildcard_resources),
    ("rbac-wildcard-api-groups", Low, wildcard_groups),
    ("rbac-wildcard-urls", Medium, wildcard_urls),
    ("rbac-escalate", Critical, |role, found| {
        grants(
            role,
            found,
            "change roles to more than it holds itself",
            &[Grant { verbs: &["escalate"], group: RBAC, resources: &["roles", "clusterroles"] }],
        )
    }),
    ("rbac-bind", Critical, |role, found| {
        grants(
            role,
            found,
            "bind roles that it does not hold itself",
            &[Grant { verbs: &["bind"], group: RBAC, resources: &["roles", "clusterroles"] }],
        )
    }),
    ("rbac-impersonate", Critical, |role, found| {
        grants(
            role,
            found,
            "act as somebody else",
            &[
                Grant {
                    verbs: &["impersonate"],
                    group: "",
                    resources: &["users", "groups", "serviceaccounts"],
                },
                Grant {
                    verbs: &["impersonate"],
                    group: "authentication.k8s.io",
                    resources: &["userextras", "uids"],
                },
            ],
        )
    }),
    ("rbac-write-roles", Medium, |role, found| {
        grants(
            role,
            found,
            "change roles",
            &[Grant { verbs: CHANGE, group: RBAC, resources: &["roles", "clusterroles"] }],
        )
    }),
    ("rbac-write-bindings", High, |role, found| {
        grants(
            role,
            found,
            "change role bindings",
            &[Grant { verbs: CHANGE, group: RBAC, resources: &["rolebindings", "clusterrolebindings"] }],
        )
    }),
    ("rbac-secrets-read", High, secrets_read),
    ("rbac-secrets-write", Medium, |role, found| {
        grants(
            role,
            found,
            "write any Secret",
            &[Grant { verbs: CHANGE, group: "", resources: &["secrets"] }],
        )
    }),
    ("rbac-pods-exec", High, |role, found| {
        grants(
            role,
            found,
            "run commands in pods",
            &[Grant { verbs: &["create", "get"], group: "", resources: &["pods/exec"] }],
        )
    }),
    ("rbac-pods-attach", Medium, |role, found| {
        grants(
            role,
            found,
            "attach to the processes of pods",
            &[Grant { verbs: &["create", "get"], group: "", resources: &["pods/attach"] }],
        )
    }),
    ("rbac-pods-port-forward", Medium, |role, found| {
        grants(
            role,
            found,
            "forward ports of pods",
            &[Grant { verbs: &["create", "get"], group: "", resources: &["pods/portforward"] }],
        )
    }),
    ("rbac-pods-proxy", Medium, |role, found| {
        grants(
            role,
            found,
            "send requests to pods and services through the API server",
            &[Grant {
                verbs: &["create", "get", "update", "patch", "delete"],
                group: "",
                resources: &["pods/proxy", "services/proxy"],
            }],
        )
    }),
    ("rbac-ephemeral-containers", High, |role, found| {
        grants(
            role,
            found,
            "add debug containers to pods",
            &[Grant { verbs: &["update", "patch"], group: "", resources: &["pods/ephemeralcontainers"] }],
        )
    }),
    ("rbac-nodes-proxy", Critical, |role, found| {
        grants(
            role,
            found,
            "reach the kubelet, and through it every pod of a node",
            &[Grant { verbs: &["get", "create"], group: "", resources: &["nodes/proxy"] }],
        )
    }),
    ("rbac-nodes-write", Medium, |role, found| {
        grants(
            role,
            found,
            "change nodes",
            &[Grant { verbs: WRITE, group: "", resources: &["nodes", "nodes/status"] }],
        )
    }),
    ("rbac-token-create", High, |role, found| {
        grants(
            role,
            found,
            "issue tokens of service accounts",
            &[Grant { verbs: &["create"], group: "", resources: &["serviceaccounts/token"] }],
        )
    }),
    ("rbac-create-pods", Medium, |role, found| {
        grants(role, found, "create pods", &[Grant { verbs: &["create"], group: "", resources: &["pods"] }])
    }),
    ("rbac-create-workloads", Medium, |role, found| {
        grants(
            role,
            found,
            "create or change workloads",
            &[
                Grant {
                    verbs: CHANGE,
                    group: "apps",
                    resources: &["deployments", "statefulsets", "daemonsets", "replicasets"],
                },
                Grant { verbs: CHANGE, group: "batch", resources: &["jobs", "cronjobs"] },
                Grant { verbs: CHANGE, group: "", resources: &["replicationcontrollers"] },
            ],
        )
    }),
    ("rbac-webhooks-write", High, |role, found| {
        grants(
            role,
            found,
            "change admission webhooks",
            &[Grant {
                verbs: WRITE,
                group: ADMISSION,
                resources: &["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
            }],
        )
    }),
    ("rbac-admission-policies-write", High, |role, found| {
        grants(
            role,
            found,
            "change admission policies",
            &[Grant { verbs: WRITE, group: ADMISSION, resources: POLICIES }],
        )
    }),
    ("rbac-certificates-approve", High, |role, found| {
        grants(
            role,
            found,
            "approve or sign certificates",
            &[
                Grant {
                    verbs: &["update", "patch"],
                    group: "certificates.k8s.io",
                    resources: &["certificatesigningrequests/approval", "certificatesigningrequests/status"],
                },
                Grant { verbs: &["approve", "sign"], group: "certificates.k8s.io", resources: &["signers"] },
            ],
        )
    }),
    ("rbac-persistent-volumes-create", High, |role, found| {
        grants(
            role,
            found,
            "create persistent volumes",
            &[Grant { verbs: CHANGE, group: "", resources: &["persistentvolumes"] }],
        )
    }),
    ("rbac-namespaces-write", Medium, |role, found| {
        grants(
            role,
            found,
            "change namespaces and their labels",
            &[Grant { verbs: &["update", "patch"], group: "", resources: &["namespaces"] }],
        )
    }),
    ("rbac-network-policies-write", Medium, |role, found| {
        grants(
            role,
            found,
            "change network policies",
            &[Grant { verbs: WRITE, group: "networking.k8s.io", resources: &["networkpolicies"] }],
        )
    }),
    ("rbac-api-services-write", High, |role, found| {
        grants(
            role,
            found,
            "change what the API server serves",
            &[
                Grant { verbs: WRITE, group: "apiregistration.k8s.io", resources: &["apiservices"] },
                Grant {
                    verbs: WRITE,
                    group: "apiextensions.k8s.io",
                    resources: &["customresourcedefinitions"],
                },
            ],
        )
    }),
    ("rbac-endpoints-write", Medium, |role, found| {
        grants(
            role,
            found,
            "change where services lead",
            &[
                Grant { verbs: CHANGE, group: "", resources: &["endpoints"] },
                Grant { verbs: CHANGE, group: "discovery.k8s.io", resources: &["endpointslices"] },
            ],
        )
    }),
    ("rbac-aggregates-into-view", High, aggregates_into_view),
];

pub(crate) const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const POLICIES: &[&str] = &[
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
];

type Roles<'a> = Object<'a, Role>;

/// Whether Kubernetes itself made this: what the API server writes at its start bears the label, and has these names.
pub(crate) fn built_in(meta: &Metadata) -> bool {
    let name = meta.name();
    let known = name.starts_with("system:")
        || name.starts_with("kubeadm:")
        || matches!(
            name,
            "cluster-admin" | "admin" | "edit" | "view" | "extension-apiserver-authentication-reader"
        );
    known && meta.labels.is("kubernetes.io/bootstrapping", "rbac-defaults")
}

/// Rules that are looked at: those of the role itself, but not one that grants everything, which has a rule of its own.
fn rules<'a>(role: &'a Roles<'_>) -> impl Iterator<Item = (usize, &'a PolicyRule)> {
    let own = role.body.aggregation_rule.is_none();
    role.body.rules.iter().enumerate().filter(move |(_, rule)| own && !rule.everything())
}

fn has(list: &[String], word: &str) -> bool {
    list.iter().any(|entry| entry == word)
}

/// Whether the other checks have nothing to say: the role has a rule that grants everything, or its rules are those of others.
fn all(role: &Roles<'_>) -> bool {
    role.body.aggregation_rule.is_some() || role.body.rules.iter().any(PolicyRule::everything)
}

/// A rule as evidence.
fn evidence(rule: &PolicyRule) -> Value {
    let few = |list: &[String]| list.iter().take(20).map(|entry| shown(entry)).collect::<Vec<_>>();
    json!({ "apiGroups": few(&rule.api_groups), "resources": few(&rule.resources), "verbs": few(&rule.verbs) })
}

fn grants(role: &Roles<'_>, found: &mut Found<'_>, what: &str, wanted: &[Grant]) -> Verdict {
    for (index, rule) in rules(role) {
        let hit = wanted.iter().find_map(|grant| {
            let resource = grant.resources.iter().find(|resource| rule.resource(resource))?;
            let verb = grant.verbs.iter().find(|verb| rule.verb(verb))?;
            rule.group(grant.group).then_some((resource, verb))
        });
        // Names bound a right to objects that somebody chose, except for what is only just being made.
        if let Some((resource, verb)) = hit.filter(|_| rule.resource_names.is_empty()) {
            let message = format!("The role may {what}: {verb} on {resource}.");
            let finding = Finding::at(format!("/rules/{index}"), message);
            found.add(narrower(finding, role, rule, index));
        }
    }
    found.unless(all(role))
}

/// What was found, how bad it is here, and the patch that takes the rule away.
fn narrower(finding: Finding, role: &Roles<'_>, rule: &PolicyRule, index: usize) -> Finding {
    // A role of one namespace can do less harm than one of the cluster.
    let finding = finding.lesser(role.meta.namespace.is_some());
    finding.compared(evidence(rule), json!("only what is needed, by name")).remove(format!("/rules/{index}"))
}

fn wildcard_all(role: &Roles<'_>, found: &mut Found<'_>) -> Verdict {
    if role.body.aggregation_rule.is_some() {
        return Ok(false);
    }
    for (index, rule) in role.body.rules.iter().enumerate().filter(|(_, rule)| rule.everything()) {
        let message = "The role grants every verb on every resource of every API group.";
        let finding = Finding::at(format!("/rules/{index}"), message).lesser(role.meta.namespace.is_some());
        found.add(
            finding
                .compared(evidence(rule), json!("the verbs and resources it needs"))
                .remove(format!("/rules/{index}")),
        );
    }
    Ok(true)
}

fn wildcard_verbs(role: &Roles<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, rule) in rules(role).filter(|(_, rule)| has(&rule.verbs, "*") && rule.urls.is_empty()) {
        let message = "The role grants every verb, those that lead to more rights too.";
        found.add(
            Finding::at(format!("/rules/{index}/verbs"), message)
                .lesser(role.meta.namespace.is_some())
                .compared(evidence(rule), json!("the verbs it needs"))
                .set(format!("/rules/{index}/verbs"), json!(READ)),
        );
    }
    found.unless(all(role))
}

fn wildcard_resources(role: &Roles<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, rule) in rules(role).filter(|(_, rule)| has(&rule.resources, "*")) {
        let message =
            "The role grants its verbs on every resource of its API groups, Secrets and later additions too.";
        found.add(
            Finding::at(format!("/rules/{index}/resources"), message)
                .lesser(role.meta.namespace.is_some())
                .compared(evidence(rule), json!("the resources it needs")),
        );
    }
    found.unless(all(role))
}

fn wildcard_groups(role: &Roles<'_>, found: &mut Found<'_>) -> Verdict {
    let narrow = |rule: &PolicyRule| !has(&rule.resources, "*");
    for (index, rule) in rules(role).filter(|(_, rule)| has(&rule.api_groups, "*") && narrow(rule)) {
        let message = "The role grants its resources in every API group, those of later extensions too.";
        found.add(
            Finding::at(format!("/rules/{index}/apiGroups"), message)
                .compared(evidence(rule), json!("the API groups it needs")),
        );
    }
    found.unless(all(role))
}

fn wildcard_urls(role: &Roles<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, _) in rules(role).filter(|(_, rule)| has(&rule.urls, "*") || has(&rule.urls, "/*")) {
        let at = format!("/rules/{index}/nonResourceURLs");
        let message =
            "The role grants every URL of the API server that is not a resource: logs, metrics, debugging.";
        found.add(
            Finding::at(&at, message).compared(json!("*"), json!(["/healthz"])).set(at, json!(["/healthz"])),
        );
    }
    found.unless(role.body.aggregation_rule.is_some())
}

fn secrets_read(role: &Roles<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, rule) in rules(role) {
        let named = !rule.resource_names.is_empty();
        if rule.group("") && rule.resource("secrets") && rule.any_verb(READ) && !named {
            let of = if role.meta.namespace.is_some() { "its namespace" } else { "whatever it is bound to" };
            let message = format!("The role may read every Secret of {of}, tokens of other accounts too.");
            let finding =
                Finding::at(format!("/rules/{index}"), message).lesser(role.meta.namespace.is_some());
            found.add(
                finding
                    .compared(evidence(rule), json!("get, with the names of the Secrets"))
                    .remove(format!("/rules/{index}")),
            );
        }
    }
    found.unless(all(role))
}

fn aggregates_into_view(role: &Roles<'_>, found: &mut Found<'_>) -> Verdict {
    let label = "rbac.authorization.k8s.io/aggregate-to-view";
    if !role.meta.labels.is(label, "true") {
        return Ok(false);
    }
    for (index, rule) in role.body.rules.iter().enumerate() {
        let secrets = rule.group("") && rule.resource("secrets");
        let writes =
            !rule.resources.is_empty() && rule.verbs.iter().any(|verb| !READ.contains(&verb.as_str()));
        if secrets || writes {
            let what = if secrets { "reading Secrets" } else { "more than reading" };
            let message = format!("The rule is aggregated into the role view, and grants {what}.");
            found.add(
                Finding::at(format!("/rules/{index}"), message)
                    .compared(evidence(rule), json!({ "verbs": READ }))
                    .remove(format!("/rules/{index}")),
            );
        }
    }
    Ok(true)
}
