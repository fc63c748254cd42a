//! Who is granted what.

use palisade_sdk::Severity::{Critical, High, Low, Medium};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::graph::Listed;
use crate::object::{List, system_namespace};
use crate::service_accounts::grants_everything;

/// A RoleBinding or ClusterRoleBinding.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Binding {
    role_ref: RoleRef,
    subjects: List<Subject>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RoleRef {
    kind: String,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Subject {
    kind: String,
    name: String,
    namespace: Option<String>,
}

pub(crate) const CHECKS: &Table<Binding> = &[
    ("cluster-admin-service-account", Critical, admin_account),
    ("cluster-admin-broad-group", Critical, admin_group),
    ("cluster-admin-subject", Medium, admin_subject),
    ("cluster-wide-edit", High, wide_edit),
    ("binding-anonymous", High, anonymous),
    ("binding-authenticated", High, authenticated),
    ("binding-all-service-accounts", High, all_accounts),
    ("binding-system-masters", High, masters),
    ("binding-default-service-account", Medium, default_account),
    ("binding-wildcard-role", High, wildcard_role),
    ("binding-cross-namespace", Low, cross_namespace),
    ("binding-dangling-role", Low, dangling_role),
    ("binding-dangling-subject", Medium, dangling_subject),
];

type Bindings<'a> = Object<'a, Binding>;

/// Whether Kubernetes made the binding, and it grants to nobody but Kubernetes' own identities. A binding that somebody
/// labelled as built in, or added himself to, is judged.
pub(crate) fn built_in(meta: &crate::object::Metadata, binding: &Binding) -> bool {
    let own = |subject: &Subject| match subject.kind.as_str() {
        "ServiceAccount" => subject.namespace.as_deref().is_some_and(system_namespace),
        _ => subject.name.starts_with("system:"),
    };
    crate::roles::built_in(meta) && binding.subjects.iter().all(own)
}

impl Subject {
    fn shown(&self) -> String {
        let kind = match self.kind.as_str() {
            "ServiceAccount" => "service account",
            "Group" => "group",
            _ => "user",
        };
        format!("the {kind} {}", shown(&self.name))
    }

    fn group(&self, name: &str) -> bool {
        self.kind == "Group" && self.name == name
    }

    fn account(&self) -> bool {
        self.kind == "ServiceAccount"
    }

    fn everybody(&self) -> bool {
        let groups = ["system:authenticated", "system:unauthenticated", "system:serviceaccounts"];
        groups.iter().any(|group| self.group(group)) || self.kind == "User" && self.name == "system:anonymous"
    }

    fn all_accounts(&self) -> bool {
        self.kind == "Group"
            && (self.name == "system:serviceaccounts" || self.name.starts_with("system:serviceaccounts:"))
    }
}

fn admin(object: &Bindings<'_>) -> bool {
    object.body.role_ref.kind == "ClusterRole" && object.body.role_ref.name == "cluster-admin"
}

/// How far the binding reaches.
fn reach(object: &Bindings<'_>) -> &'static str {
    if object.meta.namespace.is_some() { "in this namespace" } else { "in the whole cluster" }
}

/// One failure for each subject that fits; taking the subject away mends it.
fn each(
    object: &Bindings<'_>,
    found: &mut Found<'_>,
    fits: impl Fn(&Subject) -> bool,
    message: impl Fn(&Subject) -> String,
) {
    for (index, subject) in object.body.subjects.iter().enumerate().filter(|(_, subject)| fits(subject)) {
        let at = format!("/subjects/{index}");
        let role = format!("{} {}", object.body.role_ref.kind, object.body.role_ref.name);
        found.add(
            Finding::at(&at, message(subject))
                .compared(json!({ "subject": subject.shown(), "role": shown(&role) }), Value::Null)
                .remove(at),
        );
    }
}

fn admin_account(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    if admin(object) {
        let message =
            |subject: &Subject| format!("It makes {} administrator {}.", subject.shown(), reach(object));
        each(object, found, Subject::account, message);
    }
    Ok(true)
}

fn admin_group(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    if admin(object) {
        let message = |subject: &Subject| {
            format!("It makes everybody in {} administrator {}.", subject.shown(), reach(object))
        };
        each(object, found, |subject| subject.everybody() || subject.all_accounts(), message);
    }
    Ok(true)
}

fn admin_subject(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    if admin(object) && object.meta.namespace.is_none() {
        let other = |subject: &Subject| {
            !(subject.account()
                || subject.everybody()
                || subject.all_accounts()
                || subject.group("system:masters")
                // What kubeadm makes for the administrator of the cluster.
                || subject.group("kubeadm:cluster-admins"))
        };
        each(object, found, other, |subject| {
            format!("It makes {} administrator of the cluster.", subject.shown())
        });
    }
    Ok(true)
}

fn wide_edit(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    if object.meta.namespace.is_some() {
        return Ok(false);
    }
    let role = &object.body.role_ref;
    if role.kind == "ClusterRole" && matches!(role.name.as_str(), "admin" | "edit") {
        let message = |subject: &Subject| {
            format!(
                "It gives {} the role {} in every namespace, Secrets included.",
                subject.shown(),
                role.name
            )
        };
        each(object, found, |_| true, message);
    }
    Ok(true)
}

/// The role by which kubeadm publishes the cluster's certificate authority
/// (kubernetes.io, "Implementation details", "Create the public cluster-info ConfigMap").
const JOIN: &str = "kubeadm:bootstrap-signer-clusterinfo";

fn anonymous(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    let fits = |subject: &Subject| {
        subject.group("system:unauthenticated")
            || subject.kind == "User" && subject.name == "system:anonymous"
    };
    // kubeadm lets machines that join read one ConfigMap before they have an identity.
    let join = object.meta.namespace() == "kube-public" && object.body.role_ref.name == JOIN;
    if join {
        return Ok(false);
    }
    each(object, found, fits, |subject| {
        format!("It grants to {}: to requests that did not log in.", subject.shown())
    });
    Ok(true)
}

fn authenticated(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    // To everybody as administrator is told of already.
    if !admin(object) {
        each(
            object,
            found,
            |subject| subject.group("system:authenticated"),
            |_| "It grants to everybody who can log in, every service account too.".to_owned(),
        );
    }
    found.unless(admin(object) && object.body.subjects.iter().any(Subject::everybody))
}

fn all_accounts(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    if !admin(object) {
        each(object, found, Subject::all_accounts, |subject| {
            format!("It grants to {}: to every pod that mounts a token.", subject.shown())
        });
    }
    found.unless(admin(object) && object.body.subjects.iter().any(Subject::all_accounts))
}

fn masters(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    each(
        object,
        found,
        |subject| subject.group("system:masters"),
        |_| {
            "It grants to system:masters, whose members are past all authorization; nothing can be taken from them.".to_owned()
        },
    );
    Ok(true)
}

fn default_account(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    each(
        object,
        found,
        |subject| subject.account() && subject.name == "default",
        |subject| {
            let namespace = subject.namespace.as_deref().unwrap_or(object.meta.namespace());
            format!(
                "It grants to the default service account of {}, which every pod there uses unless told otherwise.",
                shown(namespace)
            )
        },
    );
    Ok(true)
}

fn role_id(object: &Bindings<'_>) -> Result<String, palisade_sdk::HostError> {
    let role = &object.body.role_ref;
    let namespace = if role.kind == "Role" { object.meta.namespace() } else { "-" };
    Ok(object.id()?.of("rbac.authorization.k8s.io", &role.kind, namespace, &role.name))
}

fn wildcard_role(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    if admin(object) {
        return Ok(false);
    }
    if grants_everything(object.graph, &role_id(object)?)? {
        let name = shown(&object.body.role_ref.name);
        let message = format!("It grants the role {name}, which allows everything, {}.", reach(object));
        found.add(
            Finding::at("/roleRef", message)
                .compared(json!(name), json!("a role with the rights that are needed")),
        );
    }
    Ok(true)
}

fn cross_namespace(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    let own = object.meta.namespace();
    if own.is_empty() || system_namespace(own) {
        return Ok(false);
    }
    let fits = |subject: &Subject| {
        let namespace = subject.namespace.as_deref().unwrap_or(own);
        subject.account() && namespace != own && !system_namespace(namespace)
    };
    each(object, found, fits, |subject| {
        let namespace = shown(subject.namespace.as_deref().unwrap_or_default());
        format!(
            "It grants to {} of the namespace {namespace}: who rules there rules here too.",
            subject.shown()
        )
    });
    Ok(true)
}

fn dangling_role(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    let listed = if object.body.role_ref.kind == "Role" { Listed::Roles } else { Listed::ClusterRoles };
    if !object.graph.lists(object.id()?, listed)? {
        return Ok(false);
    }
    if !object.graph.exists(&role_id(object)?)? {
        let role = &object.body.role_ref;
        let message = format!(
            "The {} {} does not exist: whoever makes it decides what is granted.",
            shown(&role.kind),
            shown(&role.name)
        );
        found.add(Finding::at("/roleRef", message).compared(quoted(&role.name), json!("a role that exists")));
    }
    Ok(true)
}

fn dangling_subject(object: &Bindings<'_>, found: &mut Found<'_>) -> Verdict {
    if !object.graph.lists(object.id()?, Listed::ServiceAccounts)? {
        return Ok(false);
    }
    for (index, subject) in object.body.subjects.iter().enumerate().filter(|(_, subject)| subject.account()) {
        let namespace = subject.namespace.as_deref().unwrap_or(object.meta.namespace());
        if !object.graph.exists(&object.id()?.of_service_account(namespace, &subject.name))? {
            let at = format!("/subjects/{index}");
            let message = format!(
                "The service account {} of {} does not exist: whoever makes it gets the role.",
                shown(&subject.name),
                shown(namespace)
            );
            found.add(Finding::at(&at, message).compared(quoted(&subject.name), Value::Null).remove(at));
        }
    }
    Ok(true)
}
