//! RBAC: who can do what, where, and which objects say so.
//!
//! Only what Role, ClusterRole and their bindings grant is known here. Other authorizers (of nodes, webhooks) and the group
//! `system:masters`, which the API server lets do everything before it asks RBAC, are not. Which people are in which groups no cluster
//! says; of every subject only the groups are known that follow from what it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access_rules::{Request, Rule, Target};
use crate::id::{GroupKind, path};
use crate::object::Object;
use crate::problem::{Problem, Problems, nullable};
use crate::selector::Selector;
use crate::snapshot::Snapshot;

pub(crate) const RBAC: &str = "rbac.authorization.k8s.io";
/// Most rules that a ClusterRole is made of by aggregation.
const AGGREGATED_RULES_MAX: usize = 10_000;

/// Somebody who asks the API server for something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Subject {
    /// A service account. The user `system:serviceaccount:NAMESPACE:NAME` is the same.
    ServiceAccount {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
    },
    /// A user. Who is not authenticated is `system:anonymous`.
    User {
        /// Name.
        name: String,
    },
    /// Anybody of a group, of whom nothing else is known.
    Group {
        /// Name.
        name: String,
    },
}

impl Subject {
    /// A service account.
    pub fn account(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self::ServiceAccount { namespace: namespace.into(), name: name.into() }
    }

    /// The user of this name, which may be a service account.
    #[must_use]
    pub fn user(name: &str) -> Self {
        let account = name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
        match account {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
                Self::account(namespace, name)
            }
            _ => Self::User { name: name.to_owned() },
        }
    }

    /// A group.
    pub fn group(name: impl Into<String>) -> Self {
        Self::Group { name: name.into() }
    }

    /// The groups that one is in by being what one is, by the rules of Kubernetes' authentication.
    #[must_use]
    pub fn groups(&self) -> Vec<Self> {
        let everybody = || Self::group("system:authenticated");
        let accounts = || Self::group("system:serviceaccounts");
        match self {
            Self::ServiceAccount { namespace, .. } => {
                vec![Self::group(format!("system:serviceaccounts:{namespace}")), accounts(), everybody()]
            }
            Self::User { name } if name == "system:anonymous" => vec![Self::group("system:unauthenticated")],
            Self::User { .. } => vec![everybody()],
            Self::Group { name } => match name.as_str() {
                "system:authenticated" | "system:unauthenticated" => Vec::new(),
                name if name.starts_with("system:serviceaccounts:") => vec![accounts(), everybody()],
                _ => vec![everybody()],
            },
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceAccount { namespace, name } => write!(f, "ServiceAccount {namespace}/{name}"),
            Self::User { name } => write!(f, "User {name}"),
            Self::Group { name } => write!(f, "Group {name}"),
        }
    }
}

/// Why somebody can do something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Proof {
    /// Path of the binding.
    pub binding: String,
    /// Who of the binding it is: the subject itself, or a group that it is in.
    pub subject: Subject,
    /// Path of the role that the binding names.
    pub role: String,
    /// Path of the role that has the rule: another one where it was aggregated.
    pub rule_of: String,
    /// Index of the rule in that role, from 0.
    pub rule: usize,
}

/// A rule that a subject has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Ability {
    /// Where; nothing is everywhere.
    pub namespace: Option<String>,
    /// What.
    pub rule: Rule,
    /// Why.
    pub proof: Proof,
}

/// Somebody who can do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Holder {
    /// Who.
    pub subject: Subject,
    /// Why.
    pub proof: Proof,
}

/// A rule in force in a role.
#[derive(Debug)]
pub(crate) struct Effective {
    /// Index of the role that has it.
    pub(crate) of: u32,
    /// Index in that role.
    pub(crate) index: u32,
    pub(crate) rule: Rule,
}

#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) path: String,
    pub(crate) rules: Vec<Effective>,
}

#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) path: String,
    /// Nothing for a ClusterRoleBinding.
    pub(crate) namespace: Option<String>,
    pub(crate) role: u32,
}

/// Every grant of a cluster.
#[derive(Debug)]
pub struct Access {
    pub(crate) roles: Vec<Role>,
    pub(crate) bindings: Vec<Binding>,
    /// Bindings of each subject that one names, in their order.
    pub(crate) by_subject: HashMap<Subject, Vec<u32>>,
    subjects: BTreeSet<Subject>,
    problems: Problems,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleView {
    #[serde(default, deserialize_with = "nullable")]
    rules: Vec<Value>,
    #[serde(default)]
    aggregation_rule: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BindingView {
    role_ref: RoleRef,
    #[serde(default, deserialize_with = "nullable")]
    subjects: Vec<Value>,
}

#[derive(Deserialize)]
struct RoleRef {
    kind: String,
    name: String,
}

#[derive(Deserialize)]
struct SubjectView {
    kind: String,
    name: String,
    #[serde(default)]
    namespace: Option<String>,
}

impl Access {
    /// Reads roles and bindings. Objects that are not as their kind should be are skipped and told of in [`Access::problems`].
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut problems = Problems::default();
        let roles = roles(snapshot, &mut problems);
        let mut access = Self {
            roles,
            bindings: Vec::new(),
            by_subject: HashMap::new(),
            subjects: BTreeSet::new(),
            problems,
        };
        for object in snapshot.objects() {
            match (object.kind.group.as_str(), object.kind.kind.as_str()) {
                (RBAC, "RoleBinding" | "ClusterRoleBinding") => access.bind(object),
                ("", "ServiceAccount") => {
                    let namespace = object.namespace.clone().unwrap_or_default();
                    access.subjects.insert(Subject::account(namespace, &*object.name));
                }
                _ => {}
            }
        }
        access
    }

    fn bind(&mut self, object: &Object) {
        let Some(view) = self.problems.view::<BindingView>(object) else { return };
        let of_cluster = object.kind.kind == "ClusterRoleBinding";
        let namespace = if of_cluster { None } else { object.namespace.clone() };
        let role = match view.role_ref.kind.as_str() {
            "Role" => path(&GroupKind::new(RBAC, "Role"), namespace.as_deref(), &view.role_ref.name),
            _ => path(&GroupKind::new(RBAC, "ClusterRole"), None, &view.role_ref.name),
        };
        let mut subjects: BTreeSet<Subject> = BTreeSet::new();
        for value in view.subjects {
            let subject = serde_json::from_value::<SubjectView>(value).ok();
            match subject.and_then(|subject| who(subject, namespace.as_deref())) {
                Some(subject) => _ = subjects.insert(subject),
                None => self.problems.add(&object.path(), "a subject of it is none that Kubernetes knows"),
            }
        }
        self.subjects.extend(subjects.iter().cloned());
        // What is bound to a role that does not exist is given nothing.
        let Ok(role) = self.roles.binary_search_by(|known| known.path.as_str().cmp(&role)) else { return };
        let number = index(self.bindings.len());
        for subject in subjects {
            self.by_subject.entry(subject).or_default().push(number);
        }
        self.bindings.push(Binding { path: object.path(), namespace, role: index(role) });
    }

    /// Why the subject can do it, by the first binding and rule in order of their paths; nothing if RBAC does not allow it.
    #[must_use]
    pub fn can(&self, subject: &Subject, request: &Request<'_>) -> Option<Proof> {
        let (as_who, binding, effective) = self
            .grants_of(subject)
            .find(|(_, binding, effective)| applies(binding, request) && effective.rule.grants(request))?;
        self.proof(as_who, binding, effective)
    }

    /// Everybody who can do it, of those that a binding names and of the service accounts that exist, sorted.
    #[must_use]
    pub fn who_can(&self, request: &Request<'_>) -> Vec<Holder> {
        let holder =
            |subject: &Subject| Some(Holder { subject: subject.clone(), proof: self.can(subject, request)? });
        self.subjects.iter().filter_map(holder).collect()
    }

    /// Every rule that the subject has and where, sorted.
    #[must_use]
    pub fn abilities(&self, subject: &Subject) -> Vec<Ability> {
        let abilities = self.grants_of(subject).filter_map(|(as_who, binding, effective)| {
            let proof = self.proof(as_who, binding, effective)?;
            Some(Ability { namespace: binding.namespace.clone(), rule: effective.rule.clone(), proof })
        });
        let abilities: BTreeSet<Ability> = abilities.collect();
        abilities.into_iter().collect()
    }

    /// Everybody whom a binding names, and the service accounts that exist, sorted.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.subjects.iter()
    }

    /// What was skipped; the first thousand.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems.kept
    }

    /// How much was skipped altogether.
    #[must_use]
    pub fn problem_count(&self) -> usize {
        self.problems.count
    }

    /// Grants of the subject itself and then of its groups.
    fn grants_of(&self, subject: &Subject) -> impl Iterator<Item = (Subject, &Binding, &Effective)> {
        let mut whoever = vec![subject.clone()];
        whoever.extend(subject.groups());
        whoever.into_iter().flat_map(move |as_who| {
            let bindings = self.by_subject.get(&as_who).into_iter().flatten();
            let bindings = bindings.filter_map(|number| self.bindings.get(*number as usize));
            let rules =
                bindings.flat_map(|binding| self.rules(binding).iter().map(move |rule| (binding, rule)));
            rules.map(move |(binding, rule)| (as_who.clone(), binding, rule))
        })
    }

    pub(crate) fn rules(&self, binding: &Binding) -> &[Effective] {
        self.roles.get(binding.role as usize).map_or(&[], |role| &role.rules)
    }

    pub(crate) fn proof(&self, subject: Subject, binding: &Binding, effective: &Effective) -> Option<Proof> {
        let role = |number: u32| self.roles.get(number as usize).map(|role| role.path.clone());
        Some(Proof {
            binding: binding.path.clone(),
            subject,
            role: role(binding.role)?,
            rule_of: role(effective.of)?,
            rule: effective.index as usize,
        })
    }
}

/// Whether a binding is about the place of a request.
fn applies(binding: &Binding, request: &Request<'_>) -> bool {
    let Some(own) = &binding.namespace else { return true };
    matches!(request.target, Target::Resource { namespace: Some(asked), .. } if asked == own)
}

fn who(view: SubjectView, namespace: Option<&str>) -> Option<Subject> {
    match view.kind.as_str() {
        "User" => Some(Subject::user(&view.name)),
        "Group" => Some(Subject::group(view.name)),
        "ServiceAccount" => {
            let own = view.namespace.filter(|own| !own.is_empty());
            Some(Subject::account(own.or_else(|| namespace.map(str::to_owned))?, view.name))
        }
        _ => None,
    }
}

/// An index; there are fewer objects than [`crate::OBJECTS_MAX`].
pub(crate) fn index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Every role with its rules in force, sorted by path.
fn roles(snapshot: &Snapshot, problems: &mut Problems) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::new();
    let mut labels: Vec<Option<&BTreeMap<String, String>>> = Vec::new();
    let mut selectors: Vec<Vec<Selector>> = Vec::new();
    for object in snapshot.objects() {
        let of_cluster = object.kind.kind == "ClusterRole";
        if object.kind.group != RBAC || !(of_cluster || object.kind.kind == "Role") {
            continue;
        }
        let Some(view) = problems.view::<RoleView>(object) else { continue };
        let (path, of) = (object.path(), index(roles.len()));
        let mut rules = Vec::new();
        for (number, value) in view.rules.into_iter().enumerate() {
            match serde_json::from_value(value) {
                Ok(rule) => rules.push(Effective { of, index: index(number), rule }),
                Err(error) => problems.add(&path, format!("rule {number} cannot be read: {error}")),
            }
        }
        let wanted = view.aggregation_rule.filter(|_| of_cluster);
        selectors.push(
            wanted
                .iter()
                .flat_map(|rule| crate::object::each(rule, "/clusterRoleSelectors"))
                .map(Selector::of)
                .collect(),
        );
        labels.push(of_cluster.then_some(&object.labels));
        roles.push(Role { path, rules });
    }
    for number in 0..roles.len() {
        aggregate(number, &mut roles, &labels, &selectors, problems);
    }
    roles
}

/// Adds the rules of the ClusterRoles that an aggregated one selects, and those that they select, as the controller manager would.
/// In a running cluster it has done so already, and nothing is added.
fn aggregate(
    number: usize,
    roles: &mut [Role],
    labels: &[Option<&BTreeMap<String, String>>],
    selectors: &[Vec<Selector>],
    problems: &mut Problems,
) {
    let mut sources: BTreeSet<usize> = BTreeSet::new();
    let mut waiting = vec![number];
    while let Some(role) = waiting.pop() {
        let wanted = selectors.get(role).map_or(&[][..], Vec::as_slice);
        if wanted.is_empty() {
            continue;
        }
        for (other, labels) in labels.iter().enumerate() {
            let selected =
                labels.is_some_and(|labels| wanted.iter().any(|selector| selector.matches(labels)));
            if selected && other != number && sources.insert(other) {
                waiting.push(other);
            }
        }
    }
    let Some(own) = roles.get(number) else { return };
    let mut known: BTreeSet<&Rule> = own.rules.iter().map(|effective| &effective.rule).collect();
    let mut added = Vec::new();
    for source in sources {
        for effective in roles.get(source).map_or(&[][..], |role| &role.rules) {
            // What came to the source by aggregation comes here from where it was, too.
            if effective.of as usize == source && known.insert(&effective.rule) {
                added.push(Effective {
                    of: effective.of,
                    index: effective.index,
                    rule: effective.rule.clone(),
                });
            }
        }
    }
    let Some(own) = roles.get_mut(number) else { return };
    if added.len() > AGGREGATED_RULES_MAX {
        problems.add(
            &own.path,
            format!("of its aggregated rules only the first {AGGREGATED_RULES_MAX} are looked at"),
        );
        added.truncate(AGGREGATED_RULES_MAX);
    }
    own.rules.append(&mut added);
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
