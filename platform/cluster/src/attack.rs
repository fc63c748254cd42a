//! Attack paths: how somebody inside of one workload gets to a node, to other namespaces, or to everything.
//!
//! The steps are those of KubeHound's catalogue of edges as far as objects show them, and a few that RBAC opens besides
//! ([`Technique`]). A place is a workload, a node, an identity, the Secrets of a namespace, or the whole cluster. Containers of one
//! workload are one place, so that steps between them (KubeHound's `SHARE_PS_NAMESPACE`, `CONTAINER_ATTACH`) and steps that only look
//! around (`PERMISSION_DISCOVER`, `VOLUME_DISCOVER`) are none here.
//!
//! Edges are numbers in one table: what is said of a step is made of them when a path is shown.

use serde::Serialize;

use crate::access::{Access, Proof, Subject};
use crate::attack_build::Builder;
use crate::attack_powers::Grant;
use crate::exposure::{Exposure, Verdict};
use crate::problem::{Problem, Problems};
use crate::snapshot::Snapshot;

/// How a step is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Technique {
    /// Load a kernel module (`CE_MODULE_LOAD`).
    ModuleLoad,
    /// Enter the namespaces of the node's first process (`CE_NSENTER`).
    Nsenter,
    /// Mount the node's disks (`CE_PRIV_MOUNT`).
    PrivMount,
    /// Trace a process of the node (`CE_SYS_PTRACE`).
    SysPtrace,
    /// Have the kernel run a program when another one crashes (`CE_UMH_CORE_PATTERN`).
    UmhCorePattern,
    /// Have the kubelet follow a link in the log folder (`CE_VAR_LOG_SYMLINK`).
    VarLogSymlink,
    /// Talk to the container runtime (`EXPLOIT_CONTAINERD_SOCK`).
    ContainerSocket,
    /// Read credentials of the node (`EXPLOIT_HOST_READ`).
    HostRead,
    /// Write where the node takes programs or keys from (`EXPLOIT_HOST_WRITE`).
    HostWrite,
    /// From the node into the volumes and processes of what runs on it (`EXPLOIT_HOST_TRAVERSE`, `VOLUME_ACCESS`).
    HostTraverse,
    /// Read the keys of the control plane from its node.
    ControlPlane,
    /// Use the service account's token that is mounted (`TOKEN_STEAL`, `IDENTITY_ASSUME`).
    TokenSteal,
    /// Be in a group; no step, but what follows is the group's right.
    GroupMember,
    /// Hold every right.
    Everything,
    /// Start a process in a pod (`POD_EXEC`).
    PodExec,
    /// Attach to a pod (`POD_ATTACH`).
    PodAttach,
    /// Add a debugging container to a pod.
    EphemeralContainer,
    /// Change a pod (`POD_PATCH`).
    PodPatch,
    /// Create a pod that uses what one wants (`POD_CREATE`).
    PodCreate,
    /// Create or change what creates pods.
    WorkloadWrite,
    /// List Secrets, tokens of service accounts among them (`TOKEN_LIST`).
    SecretList,
    /// Read Secrets whose names are known or guessed (`TOKEN_BRUTEFORCE`).
    SecretGet,
    /// Ask for a token of a service account.
    TokenCreate,
    /// Impersonate (`IDENTITY_IMPERSONATE`).
    Impersonate,
    /// Bind a role that one does not have (`ROLE_BIND`).
    RoleBind,
    /// Write rules into a role that one does not have.
    RoleEscalate,
    /// Speak to kubelets through the API server.
    NodeProxy,
    /// Approve a certificate for any user.
    CsrApprove,
    /// Put a webhook before every request, which changes or reads what others write.
    WebhookWrite,
}

impl Technique {
    /// Why the step works, as a sentence without its end.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::ModuleLoad => "a container may load kernel modules (privileged, or SYS_MODULE)",
            Self::Nsenter => {
                "a privileged container sees the processes of the node (hostPID) and can enter their namespaces"
            }
            Self::PrivMount => "a privileged container can mount the disks of the node",
            Self::SysPtrace => {
                "a container sees the processes of the node (hostPID) and may trace them (SYS_PTRACE)"
            }
            Self::UmhCorePattern => {
                "a container can write the kernel's core_pattern, which names a program that the node runs"
            }
            Self::VarLogSymlink => {
                "a container can write the log folder of the node, and its service account reads logs through the kubelet"
            }
            Self::ContainerSocket => "a container has the socket of the container runtime",
            Self::HostRead => "a container has a folder of the node with credentials in it",
            Self::HostWrite => {
                "a container can write a folder from which the node takes programs, settings or keys"
            }
            Self::HostTraverse => "a node holds the volumes and processes of every pod that runs on it",
            Self::ControlPlane => "a node of the control plane holds the keys of the cluster",
            Self::TokenSteal => "the token of the service account is mounted",
            Self::GroupMember => "the identity is in the group",
            Self::Everything => "a role grants every verb on every resource",
            Self::PodExec => "pods/exec starts processes in pods",
            Self::PodAttach => "pods/attach takes over the first process of pods",
            Self::EphemeralContainer => "pods/ephemeralcontainers adds containers to running pods",
            Self::PodPatch => "who changes pods chooses their images",
            Self::PodCreate => {
                "who creates pods chooses their service account, their Secrets and what they get of the node"
            }
            Self::WorkloadWrite => {
                "who writes workloads chooses the service account, Secrets and node folders of their pods"
            }
            Self::SecretList => "who lists Secrets reads them, tokens of service accounts too",
            Self::SecretGet => {
                "who gets Secrets reads them; names of token Secrets are known or can be guessed"
            }
            Self::TokenCreate => "serviceaccounts/token hands out tokens",
            Self::Impersonate => "who impersonates somebody has the same rights",
            Self::RoleBind => "the verb bind and writing bindings give any role",
            Self::RoleEscalate => "the verb escalate and writing roles give any rule",
            Self::NodeProxy => "nodes/proxy speaks to kubelets, which run commands in pods",
            Self::CsrApprove => "who creates and approves certificates gets one for any user",
            Self::WebhookWrite => "webhooks see, and mutating ones change, what others write",
        }
    }
}

/// Where one can be. Named by what is in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Place {
    /// Whoever is here can do everything.
    ClusterAdmin,
    /// A node, by its path.
    Node {
        /// Path.
        path: String,
    },
    /// A node, but it is not known which.
    SomeNode,
    /// Somebody with the rights of this subject.
    Identity {
        /// Who.
        subject: Subject,
    },
    /// Inside of a workload's pods.
    Workload {
        /// Path.
        path: String,
    },
    /// All Secrets of a namespace, or of all.
    Secrets {
        /// Namespace.
        namespace: Option<String>,
    },
    /// Any workload of a namespace, or of all.
    Workloads {
        /// Namespace.
        namespace: Option<String>,
    },
    /// Any service account of a namespace, or of all.
    Accounts {
        /// Namespace.
        namespace: Option<String>,
    },
    /// Any node.
    Nodes,
    /// Any user that a binding names.
    Users,
}

impl Place {
    /// A set of places, which leads to each of them without a further step.
    pub(crate) fn is_set(&self) -> bool {
        matches!(
            self,
            Self::Workloads { .. } | Self::Accounts { .. } | Self::Nodes | Self::Users | Self::Secrets { .. }
        )
    }
}

/// Where a path may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Everything.
    ClusterAdmin,
    /// A node.
    Node,
    /// A service account or the Secrets of another namespace than the workload's.
    OtherNamespace,
}

impl Goal {
    /// Every goal.
    pub const ALL: [Self; 3] = [Self::ClusterAdmin, Self::Node, Self::OtherNamespace];
}

/// One step, with what proves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Step {
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// How.
    pub technique: Technique,
    /// Why it works.
    pub why: &'static str,
    /// Bindings and rules that allow it.
    pub grants: Vec<Proof>,
}

/// A shortest path from a workload to a goal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AttackPath {
    /// Path of the workload.
    pub source: String,
    /// Where it ends.
    pub goal: Goal,
    /// Steps in order.
    pub steps: Vec<Step>,
}

/// Bounds of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most paths.
    pub paths_max: usize,
    /// Most steps of a path; longer ones are left out.
    pub steps_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { paths_max: 100_000, steps_max: 16 }
    }
}

/// Where paths begin.
#[derive(Debug, Clone, Copy)]
pub enum Sources<'a> {
    /// Every workload.
    All,
    /// Those that the internet gets to, or may get to.
    Exposed(&'a Exposure),
    /// The one of this path.
    Workload(&'a str),
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Paths {
    /// By source and goal, one for each that can be reached.
    pub paths: Vec<AttackPath>,
    /// How many workloads were looked at.
    pub sources: usize,
    /// There are more paths than the limits allow.
    pub truncated: bool,
}

/// A step that many paths share.
///
/// Counted are pairs of a workload and a goal, of which the goals are the cluster and a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ChokePoint {
    /// The step.
    pub step: Step,
    /// Pairs that have no path left without this step.
    pub cuts: usize,
    /// Pairs whose shortest path, as [`Attack::paths`] shows it, has this step.
    pub on_shortest: usize,
}

/// An edge; where it begins, the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Edge {
    pub(crate) to: u32,
    pub(crate) technique: Technique,
    /// Index of its grants; the first is of none.
    pub(crate) grants: u32,
    /// Whether it counts as a step: the way out of a set, or into a group, does not.
    pub(crate) counts: bool,
}

/// Grants that one step needs together.
pub(crate) type Grants = [Option<Grant>; 3];

/// Every step in a cluster.
#[derive(Debug)]
pub struct Attack {
    pub(crate) places: Vec<Place>,
    /// First edge of each place, and the number of edges.
    pub(crate) offsets: Vec<u32>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) grants: Vec<Grants>,
    /// Path, namespace and place of every workload, by path.
    pub(crate) workloads: Vec<(String, String, u32)>,
    access: Access,
    problems: Problems,
}

impl Attack {
    /// Finds every step. Objects that are not as their kind should be are skipped and told of in [`Attack::problems`].
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let access = Access::of(snapshot);
        let mut problems = Problems::default();
        let built = Builder::of(snapshot, &access, &mut problems).end();
        for problem in access.problems() {
            problems.add(&problem.object, &*problem.what);
        }
        Self {
            places: built.places,
            offsets: built.offsets,
            edges: built.edges,
            grants: built.grants,
            workloads: built.workloads,
            access,
            problems,
        }
    }

    /// How many places there are.
    #[must_use]
    pub fn place_count(&self) -> usize {
        self.places.len()
    }

    /// How many edges there are.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.edges.len()
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

    pub(crate) fn edges_of(&self, place: u32) -> &[Edge] {
        let bound = |at: usize| self.offsets.get(at).map_or(0, |offset| *offset as usize);
        self.edges.get(bound(place as usize)..bound(place as usize + 1)).unwrap_or_default()
    }

    /// Index in the list of workloads, for each source that exists.
    pub(crate) fn sources(&self, sources: Sources<'_>) -> Vec<usize> {
        let find = |path: &str| self.workloads.binary_search_by(|known| known.0.as_str().cmp(path)).ok();
        match sources {
            Sources::All => (0..self.workloads.len()).collect(),
            Sources::Workload(path) => find(path).into_iter().collect(),
            Sources::Exposed(exposure) => {
                let open = exposure.workloads.iter();
                let open =
                    open.filter(|exposed| matches!(exposed.verdict, Verdict::Open | Verdict::Possible));
                open.filter_map(|exposed| find(&exposed.workload)).collect()
            }
        }
    }

    /// One step in words. Where it leads through sets, `to` is where it ends.
    pub(crate) fn step(&self, from: u32, edge: &Edge, to: u32) -> Option<Step> {
        let from = self.places.get(from as usize)?;
        let grants = self.grants.get(edge.grants as usize).into_iter().flatten().flatten();
        Some(Step {
            from: from.clone(),
            to: self.places.get(to as usize)?.clone(),
            technique: edge.technique,
            why: edge.technique.why(),
            grants: grants.filter_map(|grant| self.proof(from, *grant)).collect(),
        })
    }

    fn proof(&self, from: &Place, grant: Grant) -> Option<Proof> {
        let Place::Identity { subject } = from else { return None };
        let bound = |subject: &Subject| {
            let bindings = self.access.by_subject.get(subject);
            bindings.is_some_and(|bindings| bindings.binary_search(&grant.binding).is_ok())
        };
        let who = std::iter::once(subject.clone()).chain(subject.groups()).find(bound)?;
        let binding = self.access.bindings.get(grant.binding as usize)?;
        let effective = self.access.rules(binding).get(grant.rule as usize)?;
        self.access.proof(who, binding, effective)
    }
}

#[cfg(test)]
#[path = "attack_tests.rs"]
mod tests;
