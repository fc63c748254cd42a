//! The table of steps, from what objects say. Rights over all of a namespace lead to a set, and the set to what is in it, so that the
//! table grows with the objects and not with their pairs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::access::{Access, Subject, index};
use crate::attack::{Edge, Grants, Place, Technique};
use crate::attack_host::escapes;
use crate::attack_powers::{Grant, Held, Power, Powers, powers};
use crate::id::{GroupKind, path};
use crate::links::Link;
use crate::object::{labels, text};
use crate::problem::Problems;
use crate::snapshot::Snapshot;
use crate::workload::Workloads;

const TOKEN: &str = "kubernetes.io/service-account-token";
const TOKEN_OF: &str = "kubernetes.io/service-account.name";
const CONTROL_PLANE: [&str; 2] = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/// A table on its way.
pub(crate) struct Builder<'a> {
    access: &'a Access,
    powers: Vec<Powers>,
    numbers: HashMap<Place, u32>,
    places: Vec<Place>,
    edges: Vec<(u32, Edge)>,
    grants: Vec<Grants>,
    grant_numbers: HashMap<Grants, u32>,
    workloads: Vec<(String, String, u32)>,
    /// Namespaces in which pods get nothing of their node: enforced by PodSecurity.
    guarded: BTreeSet<String>,
    /// Service accounts of token Secrets, by namespace and name of the Secret.
    tokens: BTreeMap<(String, String), String>,
}

/// The table: edges sorted by where they begin.
pub(crate) struct Built {
    pub(crate) places: Vec<Place>,
    pub(crate) offsets: Vec<u32>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) grants: Vec<Grants>,
    pub(crate) workloads: Vec<(String, String, u32)>,
}

impl<'a> Builder<'a> {
    pub(crate) fn of(snapshot: &Snapshot, access: &'a Access, problems: &mut Problems) -> Self {
        let mut builder = Self {
            access,
            powers: powers(access),
            numbers: HashMap::new(),
            places: Vec::new(),
            edges: Vec::new(),
            grants: vec![[None; 3]],
            grant_numbers: HashMap::from([([None; 3], 0)]),
            workloads: Vec::new(),
            guarded: BTreeSet::new(),
            tokens: BTreeMap::new(),
        };
        let mut mounts_no_token: BTreeSet<(String, String)> = BTreeSet::new();
        for object in snapshot.objects() {
            let namespace = || object.namespace.clone().unwrap_or_default();
            match (object.kind.group.as_str(), object.kind.kind.as_str()) {
                ("", "Namespace") => {
                    let level = object.labels.get("pod-security.kubernetes.io/enforce").map(String::as_str);
                    if matches!(level, Some("baseline" | "restricted")) {
                        builder.guarded.insert(object.name.clone());
                    }
                }
                ("", "Node") => builder.node(object.path(), &object.labels),
                ("", "ServiceAccount") if object.facts.get("automount") == Some(&Value::Bool(false)) => {
                    mounts_no_token.insert((namespace(), object.name.clone()));
                }
                ("", "Secret") => {
                    let value =
                        problems.view::<Value>(object).filter(|value| text(value, "/type") == Some(TOKEN));
                    let account =
                        value.and_then(|value| labels(&value, "/metadata/annotations").remove(TOKEN_OF));
                    builder
                        .tokens
                        .extend(account.map(|account| ((namespace(), object.name.clone()), account)));
                }
                _ => {}
            }
        }
        // Where Secrets were not read, every namespace may have some.
        let unread = snapshot.missing().contains(&GroupKind::new("", "Secret"));
        let kept = snapshot.objects().filter(|object| unread || object.kind == GroupKind::new("", "Secret"));
        let namespaces: BTreeSet<&String> = kept.filter_map(|object| object.namespace.as_ref()).collect();
        for namespace in namespaces {
            builder.place(Place::Secrets { namespace: Some(namespace.clone()) });
        }
        builder.workloads(snapshot, &mounts_no_token, problems);
        builder.identities();
        builder.token_secrets();
        if !builder.places.iter().any(|place| matches!(place, Place::Node { .. })) {
            // Of nodes nothing is known, but what pods run on is one.
            let (set, node) = (builder.place(Place::Nodes), builder.place(Place::SomeNode));
            builder.edge(set, node, Technique::GroupMember, 0, false);
        }
        builder
    }

    /// Sorts the table.
    pub(crate) fn end(mut self) -> Built {
        self.edges.sort_unstable();
        self.edges.dedup();
        let mut offsets = vec![0_u32; self.places.len() + 1];
        for (from, _) in &self.edges {
            if let Some(count) = offsets.get_mut(*from as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for offset in &mut offsets {
            sum += *offset;
            *offset = sum;
        }
        let edges = self.edges.into_iter().map(|(_, edge)| edge).collect();
        Built { places: self.places, offsets, edges, grants: self.grants, workloads: self.workloads }
    }

    /// Number of a place. A new one is joined to the sets that it is in.
    fn place(&mut self, place: Place) -> u32 {
        if let Some(number) = self.numbers.get(&place) {
            return *number;
        }
        let number = index(self.places.len());
        self.numbers.insert(place.clone(), number);
        self.places.push(place.clone());
        let of = |namespace: &str| Some(namespace.to_owned());
        let set = match &place {
            Place::Workloads { namespace: Some(_) } => Some(Place::Workloads { namespace: None }),
            Place::Accounts { namespace: Some(_) } => Some(Place::Accounts { namespace: None }),
            Place::Secrets { namespace: Some(_) } => Some(Place::Secrets { namespace: None }),
            Place::Node { .. } => Some(Place::Nodes),
            Place::Identity { subject: Subject::ServiceAccount { namespace, .. } } => {
                Some(Place::Accounts { namespace: of(namespace) })
            }
            Place::Identity { subject: Subject::User { .. } } => Some(Place::Users),
            _ => None,
        };
        if let Some(set) = set {
            let set = self.place(set);
            self.edge(set, number, Technique::GroupMember, 0, false);
        }
        number
    }

    fn edge(&mut self, from: u32, to: u32, technique: Technique, grants: u32, counts: bool) {
        self.edges.push((from, Edge { to, technique, grants, counts }));
    }

    fn granted(&mut self, from: u32, to: Place, technique: Technique, grants: Grants) {
        let number = index(self.grants.len());
        let number = *self.grant_numbers.entry(grants).or_insert(number);
        if number as usize == self.grants.len() {
            self.grants.push(grants);
        }
        let to = self.place(to);
        self.edge(from, to, technique, number, true);
    }

    fn node(&mut self, path: String, labels: &BTreeMap<String, String>) {
        let node = self.place(Place::Node { path });
        if CONTROL_PLANE.iter().any(|label| labels.contains_key(*label)) {
            let admin = self.place(Place::ClusterAdmin);
            self.edge(node, admin, Technique::ControlPlane, 0, true);
        }
    }

    fn workloads(
        &mut self,
        snapshot: &Snapshot,
        no_token: &BTreeSet<(String, String)>,
        problems: &mut Problems,
    ) {
        let workloads = Workloads::of(&crate::scope::Scope::all(snapshot), problems);
        let nodes = nodes(snapshot);
        for workload in &workloads.all {
            let (pod, namespace) = (&workload.pod, &workload.namespace);
            let place = self.place(Place::Workload { path: workload.path.clone() });
            self.workloads.push((workload.path.clone(), namespace.clone(), place));
            let set = self.place(Place::Workloads { namespace: Some(namespace.clone()) });
            self.edge(set, place, Technique::GroupMember, 0, false);

            let account = Subject::account(namespace.clone(), pod.account());
            let automount = pod
                .automount_service_account_token
                .unwrap_or_else(|| !no_token.contains(&(namespace.clone(), pod.account().to_owned())));
            let reads_logs = automount && self.reads_logs(&account, namespace);
            let account = self.place(Place::Identity { subject: account });
            if automount || pod.projects_token() {
                self.edge(place, account, Technique::TokenSteal, 0, true);
            }

            let mut escapes = escapes(pod);
            if !reads_logs {
                escapes.remove(&Technique::VarLogSymlink);
            }
            let on = nodes.get(&workload.path);
            for node in on.into_iter().flatten() {
                let node = self.place(Place::Node { path: node.clone() });
                self.edge(node, place, Technique::HostTraverse, 0, true);
                for technique in &escapes {
                    self.edge(place, node, *technique, 0, true);
                }
            }
            if on.is_none() && !escapes.is_empty() {
                let node = self.place(Place::SomeNode);
                escapes.iter().for_each(|technique| self.edge(place, node, *technique, 0, true));
            }
        }
    }

    fn reads_logs(&self, account: &Subject, namespace: &str) -> bool {
        let groups = account.groups();
        let bindings =
            std::iter::once(account).chain(&groups).filter_map(|who| self.access.by_subject.get(who));
        bindings.flatten().any(|number| {
            let Some(binding) = self.access.bindings.get(*number as usize) else { return false };
            let here = binding.namespace.as_deref().is_none_or(|own| own == namespace);
            let mut held = Held::default();
            self.powers.get(binding.role as usize).into_iter().for_each(|powers| held.add(*number, powers));
            here && held.get(Power::PodLog).is_some()
        })
    }

    fn identities(&mut self) {
        let subjects: Vec<Subject> = self.access.subjects().cloned().collect();
        for subject in &subjects {
            let place = self.place(Place::Identity { subject: subject.clone() });
            self.member(place, subject);
        }
        // Accounts that only workloads name: they may be missing, and are in their groups all the same.
        let known: BTreeSet<&Subject> = subjects.iter().collect();
        let named: Vec<(u32, Subject)> = (0_u32..)
            .zip(&self.places)
            .filter_map(|(number, place)| match place {
                Place::Identity { subject } if !known.contains(subject) => Some((number, subject.clone())),
                _ => None,
            })
            .collect();
        for (place, subject) in named {
            self.member(place, &subject);
        }
        for subject in &subjects {
            self.rights(subject);
        }
    }

    /// Joins somebody to the groups that are given something.
    fn member(&mut self, place: u32, subject: &Subject) {
        for group in subject.groups() {
            if self.access.by_subject.contains_key(&group) {
                let group = self.place(Place::Identity { subject: group });
                self.edge(place, group, Technique::GroupMember, 0, false);
            }
        }
    }

    /// Powers by place that bindings of these subjects give, and rights over single objects.
    fn held(&self, subjects: &[Subject]) -> (BTreeMap<Option<String>, Held>, Vec<Named>) {
        let (mut held, mut named) = (BTreeMap::<Option<String>, Held>::new(), Vec::new());
        for number in subjects.iter().filter_map(|subject| self.access.by_subject.get(subject)).flatten() {
            let Some(binding) = self.access.bindings.get(*number as usize) else { continue };
            let Some(powers) = self.powers.get(binding.role as usize) else { continue };
            held.entry(binding.namespace.clone()).or_default().add(*number, powers);
            named.extend(powers.named.iter().map(|(power, rule, name)| Named {
                namespace: binding.namespace.clone(),
                power: *power,
                name: name.clone(),
                grant: Grant { binding: *number, rule: *rule },
            }));
        }
        (held, named)
    }

    /// Steps that somebody's own rights allow, and those that take a right of a group besides. What a group may alone, is the group's.
    fn rights(&mut self, subject: &Subject) {
        let (own, named) = self.held(std::slice::from_ref(subject));
        if own.is_empty() {
            return;
        }
        let from = self.place(Place::Identity { subject: subject.clone() });
        let (groups, _) = self.held(&subject.groups());
        for (namespace, held) in &own {
            self.singles(from, namespace.as_ref(), held);
        }
        let scopes: BTreeSet<&Option<String>> = own.keys().chain(groups.keys()).chain([&None]).collect();
        for scope in scopes {
            let sources = [own.get(scope), own.get(&None), groups.get(scope), groups.get(&None)];
            let get = |power| sources.iter().flatten().find_map(|held: &&Held| held.get(power));
            let is_own = |grant: &Grant| {
                [own.get(scope), own.get(&None)].into_iter().flatten().any(|held| held.has(*grant))
            };
            for (technique, to, grants) in combined(scope.as_ref(), get) {
                if grants.iter().flatten().any(is_own) {
                    to.into_iter().for_each(|to| self.granted(from, to, technique, grants));
                }
            }
        }
        for right in named {
            self.named(from, &right);
        }
    }

    fn singles(&mut self, from: u32, namespace: Option<&String>, held: &Held) {
        let place = || namespace.cloned();
        let pods = || vec![Place::Workloads { namespace: place() }];
        let secrets = || vec![Place::Secrets { namespace: place() }];
        let accounts = || vec![Place::Accounts { namespace: place() }];
        let makes = || {
            let mut to = [accounts(), secrets()].concat();
            to.extend(
                namespace.is_none_or(|namespace| !self.guarded.contains(namespace)).then_some(Place::Nodes),
            );
            to
        };
        let mut steps = vec![
            (Power::Exec, Technique::PodExec, pods()),
            (Power::Attach, Technique::PodAttach, pods()),
            (Power::Ephemeral, Technique::EphemeralContainer, pods()),
            (Power::PodPatch, Technique::PodPatch, pods()),
            (Power::PodCreate, Technique::PodCreate, makes()),
            (Power::WorkloadWrite, Technique::WorkloadWrite, makes()),
            (Power::SecretList, Technique::SecretList, secrets()),
            (Power::SecretGet, Technique::SecretGet, secrets()),
            (Power::TokenCreate, Technique::TokenCreate, accounts()),
            (Power::ImpersonateAccounts, Technique::Impersonate, accounts()),
        ];
        // What is no object of a namespace, a RoleBinding does not give.
        if namespace.is_none() {
            steps.extend([
                (Power::Everything, Technique::Everything, vec![Place::ClusterAdmin]),
                (Power::ImpersonateUsers, Technique::Impersonate, vec![Place::Users]),
                (Power::NodeProxy, Technique::NodeProxy, pods()),
                (Power::MutatingWebhook, Technique::WebhookWrite, vec![Place::ClusterAdmin]),
                (Power::ValidatingWebhook, Technique::WebhookWrite, secrets()),
            ]);
        }
        for (power, technique, to) in steps {
            if let Some(grant) = held.get(power) {
                to.into_iter().for_each(|to| self.granted(from, to, technique, [Some(grant), None, None]));
            }
        }
    }

    /// Rights over one object: one service account or user, or one Secret with the token of an account.
    fn named(&mut self, from: u32, right: &Named) {
        let (technique, accounts) = match right.power {
            Power::TokenCreate => (Technique::TokenCreate, self.accounts(right)),
            Power::ImpersonateAccounts => (Technique::Impersonate, self.accounts(right)),
            Power::ImpersonateUsers if right.namespace.is_none() => {
                (Technique::Impersonate, vec![Subject::User { name: right.name.clone() }])
            }
            Power::SecretGet => {
                let secrets = self.tokens.iter().filter(|((namespace, name), _)| {
                    *name == right.name && right.namespace.as_ref().is_none_or(|own| own == namespace)
                });
                let of = |((namespace, _), account): (&(String, String), &String)| {
                    Subject::account(namespace.clone(), account.clone())
                };
                (Technique::SecretGet, secrets.map(of).collect())
            }
            _ => return,
        };
        for subject in accounts {
            self.granted(from, Place::Identity { subject }, technique, [Some(right.grant), None, None]);
        }
    }

    /// Accounts of the name, in the namespace of the right or in all.
    fn accounts(&self, right: &Named) -> Vec<Subject> {
        if let Some(namespace) = &right.namespace {
            return vec![Subject::account(namespace.clone(), right.name.clone())];
        }
        let named = self
            .access
            .subjects()
            .filter(|subject| matches!(subject, Subject::ServiceAccount { name, .. } if *name == right.name));
        named.cloned().collect()
    }

    /// Secrets of a namespace give away the accounts whose tokens are in them.
    fn token_secrets(&mut self) {
        for ((namespace, _), account) in std::mem::take(&mut self.tokens) {
            let set = self.place(Place::Secrets { namespace: Some(namespace.clone()) });
            let account = self.place(Place::Identity { subject: Subject::account(namespace, account) });
            self.edge(set, account, Technique::GroupMember, 0, false);
        }
    }
}

/// A right over one object.
struct Named {
    namespace: Option<String>,
    power: Power,
    name: String,
    grant: Grant,
}

/// Steps that take several rights.
fn combined(
    namespace: Option<&String>,
    get: impl Fn(Power) -> Option<Grant>,
) -> Vec<(Technique, Vec<Place>, Grants)> {
    let all = |powers: &[Power]| {
        let mut grants: Grants = [None; 3];
        for (slot, power) in grants.iter_mut().zip(powers) {
            *slot = Some(get(*power)?);
        }
        Some(grants)
    };
    let place = || namespace.cloned();
    let whole_namespace = || {
        vec![
            Place::Workloads { namespace: place() },
            Place::Accounts { namespace: place() },
            Place::Secrets { namespace: place() },
        ]
    };
    let mut steps = vec![
        (Technique::RoleBind, whole_namespace(), all(&[Power::Bind, Power::WriteBinding])),
        (Technique::RoleEscalate, whole_namespace(), all(&[Power::EscalateRole, Power::WriteRole])),
    ];
    if namespace.is_none() {
        let admin = || vec![Place::ClusterAdmin];
        let groups = |other| all(&[Power::ImpersonateGroups, other]);
        steps.extend([
            (Technique::RoleBind, admin(), all(&[Power::Bind, Power::WriteClusterBinding])),
            (Technique::RoleEscalate, admin(), all(&[Power::EscalateClusterRole, Power::WriteClusterRole])),
            // A group is impersonated together with somebody; `system:masters` may do everything.
            (Technique::Impersonate, admin(), groups(Power::ImpersonateUsers)),
            (Technique::Impersonate, admin(), groups(Power::ImpersonateAccounts)),
            (
                Technique::CsrApprove,
                vec![Place::Users],
                all(&[Power::CsrCreate, Power::CsrApprove, Power::SignerApprove]),
            ),
        ]);
    }
    steps.into_iter().filter_map(|(technique, to, grants)| Some((technique, to, grants?))).collect()
}

/// Paths of the nodes on which pods of each workload run.
fn nodes(snapshot: &Snapshot) -> HashMap<String, BTreeSet<String>> {
    let mut nodes: HashMap<String, BTreeSet<String>> = HashMap::new();
    let node = GroupKind::new("", "Node");
    for pod in snapshot.objects().filter(|object| object.kind.group.is_empty() && object.kind.kind == "Pod") {
        let names = pod.links.iter().filter_map(|link| match link {
            Link::Named { edge: model::graph::Edge::Schedules, name, .. } => Some(path(&node, None, name)),
            _ => None,
        });
        let names: Vec<String> = names.collect();
        if let Some(top) = snapshot.top_workload(pod).filter(|_| !names.is_empty()) {
            nodes.entry(top.path()).or_default().extend(names);
        }
    }
    nodes
}
