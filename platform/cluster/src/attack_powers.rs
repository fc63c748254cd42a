//! What rules of RBAC are good for to somebody who wants more: the powers that each step of an attack needs.

use crate::access::{Access, Role, index};
use crate::access_rules::{Request, Rule};

/// A right that some step needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    Everything,
    Exec,
    Attach,
    Ephemeral,
    PodPatch,
    PodCreate,
    WorkloadWrite,
    SecretList,
    SecretGet,
    TokenCreate,
    ImpersonateAccounts,
    ImpersonateUsers,
    ImpersonateGroups,
    Bind,
    WriteBinding,
    WriteClusterBinding,
    EscalateRole,
    EscalateClusterRole,
    WriteRole,
    WriteClusterRole,
    NodeProxy,
    CsrCreate,
    CsrApprove,
    SignerApprove,
    MutatingWebhook,
    ValidatingWebhook,
    PodLog,
}

pub(crate) const POWERS: usize = 27;
const RBAC: &str = crate::access::RBAC;
const ADMISSION: &str = "admissionregistration.k8s.io";
const WRITE: &[&str] = &["update", "patch"];
const MAKE: &[&str] = &["create", "update", "patch"];

/// Power, verbs, group, resources: one verb on one resource is enough.
const TABLE: [(Power, &[&str], &str, &[&str]); 29] = [
    (Power::Everything, &["*"], "*", &["*"]),
    (Power::Exec, &["create", "get"], "", &["pods/exec"]),
    (Power::Attach, &["create", "get"], "", &["pods/attach"]),
    (Power::Ephemeral, WRITE, "", &["pods/ephemeralcontainers"]),
    (Power::PodPatch, WRITE, "", &["pods"]),
    (Power::PodCreate, &["create"], "", &["pods"]),
    (Power::WorkloadWrite, MAKE, "apps", &["deployments", "daemonsets", "statefulsets", "replicasets"]),
    (Power::WorkloadWrite, MAKE, "batch", &["jobs", "cronjobs"]),
    (Power::WorkloadWrite, MAKE, "", &["replicationcontrollers"]),
    (Power::SecretList, &["list", "watch"], "", &["secrets"]),
    (Power::SecretGet, &["get"], "", &["secrets"]),
    (Power::TokenCreate, &["create"], "", &["serviceaccounts/token"]),
    (Power::ImpersonateAccounts, &["impersonate"], "", &["serviceaccounts"]),
    (Power::ImpersonateUsers, &["impersonate"], "", &["users"]),
    (Power::ImpersonateGroups, &["impersonate"], "", &["groups"]),
    (Power::Bind, &["bind"], RBAC, &["clusterroles"]),
    (Power::WriteBinding, MAKE, RBAC, &["rolebindings"]),
    (Power::WriteClusterBinding, MAKE, RBAC, &["clusterrolebindings"]),
    (Power::EscalateRole, &["escalate"], RBAC, &["roles"]),
    (Power::EscalateClusterRole, &["escalate"], RBAC, &["clusterroles"]),
    (Power::WriteRole, WRITE, RBAC, &["roles"]),
    (Power::WriteClusterRole, WRITE, RBAC, &["clusterroles"]),
    (Power::NodeProxy, &["create", "get"], "", &["nodes/proxy"]),
    (Power::CsrCreate, &["create"], "certificates.k8s.io", &["certificatesigningrequests"]),
    (Power::CsrApprove, WRITE, "certificates.k8s.io", &["certificatesigningrequests/approval"]),
    (Power::SignerApprove, &["approve"], "certificates.k8s.io", &["signers"]),
    (Power::MutatingWebhook, MAKE, ADMISSION, &["mutatingwebhookconfigurations"]),
    (Power::ValidatingWebhook, MAKE, ADMISSION, &["validatingwebhookconfigurations"]),
    (Power::PodLog, &["get"], "", &["pods/log"]),
];

/// Rights over one name that are as good as over all.
const ENOUGH: [(Power, &str); 3] = [
    (Power::ImpersonateGroups, "system:masters"),
    (Power::Bind, "cluster-admin"),
    (Power::SignerApprove, "kubernetes.io/kube-apiserver-client"),
];

/// Rights over one object that lead to it alone.
const NAMED: [Power; 4] =
    [Power::TokenCreate, Power::ImpersonateAccounts, Power::ImpersonateUsers, Power::SecretGet];

/// A rule of a binding's role, by their indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Grant {
    pub(crate) binding: u32,
    pub(crate) rule: u32,
}

/// Powers of a role: for each the first rule that gives it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Powers {
    first: [Option<u32>; POWERS],
    /// Power over one object, by its name.
    pub(crate) named: Vec<(Power, u32, String)>,
}

/// Powers of somebody in one place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held([Option<Grant>; POWERS]);

impl Held {
    pub(crate) fn get(&self, power: Power) -> Option<Grant> {
        self.0.get(power as usize).copied().flatten()
    }

    /// Whether some power is of this grant.
    pub(crate) fn has(&self, grant: Grant) -> bool {
        self.0.contains(&Some(grant))
    }

    /// Adds what a binding gives and is not there yet.
    pub(crate) fn add(&mut self, binding: u32, powers: &Powers) {
        for (held, rule) in self.0.iter_mut().zip(powers.first) {
            *held = held.or(rule.map(|rule| Grant { binding, rule }));
        }
    }
}

/// Powers of every role, by its index.
pub(crate) fn powers(access: &Access) -> Vec<Powers> {
    access.roles.iter().map(of_role).collect()
}

fn of_role(role: &Role) -> Powers {
    let mut powers = Powers::default();
    for (number, effective) in role.rules.iter().enumerate() {
        for (power, verbs, group, resources) in &TABLE {
            let requests =
                verbs.iter().flat_map(|verb| resources.iter().map(move |resource| (*verb, *resource)));
            for (verb, resource) in requests {
                let request = Request::resource(verb, group, resource);
                one(&mut powers, *power, index(number), &effective.rule, &request);
            }
        }
    }
    powers.named.sort_by(|a, b| (a.0 as u8, &a.2, a.1).cmp(&(b.0 as u8, &b.2, b.1)));
    powers.named.dedup_by(|a, b| a.0 == b.0 && a.2 == b.2);
    powers
}

fn one(powers: &mut Powers, power: Power, number: u32, rule: &Rule, request: &Request<'_>) {
    let enough = ENOUGH.iter().any(|(known, name)| *known == power && rule.grants(&request.named(name)));
    if rule.grants(request) || enough {
        if let Some(first) = powers.first.get_mut(power as usize) {
            *first = first.or(Some(number));
        }
    } else if NAMED.contains(&power) {
        let names = rule.resource_names.iter().filter(|name| rule.grants(&request.named(name)));
        powers.named.extend(names.map(|name| (power, number, name.clone())));
    }
}
