//! Identity paths: who can become whom, from the internet, other accounts, users and roles, up to every right.
//!
//! The steps are those that are known of IAM ([`Technique`]). Limits, each on the side of fewer paths or of [`Certainty::Possible`]:
//! a policy is written into an identity that somebody is or assumes directly, not over further steps; boundaries and denials are not
//! taken away first; keys found in code or secrets are nobody's. Service control policies may forbid any of it and were not collected.
//!
//! Edges are numbers in one table: what is said of a step is made of them when a path is shown.

use std::sync::Arc;

use serde::Serialize;

use crate::aws::access::{Access, PolicyRole, Proof};
use crate::aws::account::{Account, Identity};
use crate::aws::attack_build::Builder;
use crate::aws::exposure::Exposure;
use crate::aws::policy::Effect;
use crate::aws::request::{Caller, Request};
use crate::aws::techniques::{PASSINGS, Technique};
use crate::aws::truth::Truth;

/// Most proofs that a step shows.
const PROOFS_MAX: usize = 20;

/// Where one can be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountPlace))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Place {
    /// Anybody of the internet.
    Internet,
    /// Somebody of another account.
    Account {
        /// Number of the account.
        account: String,
    },
    /// Somebody whom a provider of identities vouches for.
    Provider {
        /// ARN.
        arn: String,
    },
    /// Somebody with the rights of a user or role.
    Identity {
        /// ARN.
        arn: String,
    },
    /// A member of a group.
    Group {
        /// ARN.
        arn: String,
    },
    /// Inside of what runs, or in possession of what is stored there.
    Resource {
        /// Asset id.
        id: String,
    },
    /// Whoever is here can do everything in the account.
    Administrator {
        /// Number of the account.
        account: String,
    },
}

/// Where a path may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountGoal))]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Every right in an account.
    Administrator,
    /// A role that may do everything with a service whose data or rights matter.
    PrivilegedRole,
    /// Data that anybody can read; what it is, is not known.
    PublicData,
}

impl Goal {
    /// Every goal.
    pub const ALL: [Self; 3] = [Self::Administrator, Self::PrivilegedRole, Self::PublicData];
}

/// How sure a step or path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountCertainty))]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// What was collected allows it.
    Certain,
    /// It depends on a condition, or on something that was not collected.
    Possible,
}

/// One step, with what proves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountStep))]
pub struct Step {
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// How.
    pub technique: Technique,
    /// Why it works.
    pub why: &'static str,
    /// How sure it is.
    pub certainty: Certainty,
    /// Statements that allow it; the first twenty.
    pub grants: Vec<Proof>,
    /// Asset ids that it leads through, such as a load balancer and the security group that lets traffic in.
    pub through: Vec<String>,
}

/// A shortest path from a source to a goal: of certain steps where there is such a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountAttackPath))]
pub struct AttackPath {
    /// Where it begins.
    pub source: Place,
    /// Where it ends.
    pub goal: Goal,
    /// How sure it is: as sure as its least sure step.
    pub certainty: Certainty,
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
    /// The internet, other accounts, providers of identities, users, roles, and what the internet gets to.
    All,
    /// The internet, other accounts, and providers of identities.
    Outside,
    /// The identity or resource of this asset id.
    Asset(&'a str),
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountPaths))]
pub struct Paths {
    /// By source and goal, one for each that can be reached.
    pub paths: Vec<AttackPath>,
    /// How many sources were looked at.
    pub sources: usize,
    /// There are more paths, or more steps, than the limits allow.
    pub truncated: bool,
}

/// A step that many paths share.
///
/// Counted are pairs of a source and a goal, of which the goals are every right and a privileged role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountChokePoint))]
pub struct ChokePoint {
    /// The step. What it leads to is one of several where it leads to a set.
    pub step: Step,
    /// Pairs that have no path left without this step.
    pub cuts: usize,
    /// Pairs whose shortest path has this step.
    pub on_shortest: usize,
}

/// An edge; where it begins, the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Edge {
    pub(crate) to: u32,
    pub(crate) technique: Technique,
    pub(crate) certain: bool,
    /// Whether it counts as a step: the way out of a set does not.
    pub(crate) counts: bool,
}

/// Every step in the accounts.
#[derive(Debug)]
pub struct Attack {
    /// Places; sets of places are nothing.
    pub(crate) places: Vec<Option<Place>>,
    /// First edge of each place, and the number of edges.
    pub(crate) offsets: Vec<u32>,
    pub(crate) edges: Vec<Edge>,
    /// Roles that are privileged, by place, and whether that is certain.
    pub(crate) privileged: Vec<(u32, Truth)>,
    /// Places that paths begin at, and whether they are outside.
    pub(crate) sources: Vec<(u32, bool)>,
    /// Users and roles with every right, by ARN.
    administrators: Vec<(String, Certainty)>,
    truncated: bool,
    access: Arc<Access>,
    exposure: Arc<Exposure>,
}

impl Attack {
    /// Finds every step. The policies and doors are kept, so that steps can be proved.
    #[must_use]
    pub fn of(account: &Account, access: Arc<Access>, exposure: Arc<Exposure>) -> Self {
        let built = Builder::of(account, &access, &exposure).end();
        Self {
            places: built.places,
            offsets: built.offsets,
            edges: built.edges,
            privileged: built.privileged,
            sources: built.sources,
            administrators: built.administrators,
            truncated: built.truncated,
            access,
            exposure,
        }
    }

    /// Users and roles that have every right to begin with, sorted by ARN. They are no sources of paths.
    #[must_use]
    pub fn administrators(&self) -> &[(String, Certainty)] {
        &self.administrators
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

    /// There are more steps than are kept; paths over the others are missing.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    pub(crate) fn edges_of(&self, place: u32) -> &[Edge] {
        let bound = |at: usize| self.offsets.get(at).map_or(0, |offset| *offset as usize);
        self.edges.get(bound(place as usize)..bound(place as usize + 1)).unwrap_or_default()
    }

    pub(crate) fn place(&self, number: u32) -> Option<&Place> {
        self.places.get(number as usize)?.as_ref()
    }

    pub(crate) fn chosen_sources(&self, sources: Sources<'_>) -> Vec<u32> {
        match sources {
            Sources::All => self.sources.iter().map(|(place, _)| *place).collect(),
            Sources::Outside => {
                self.sources.iter().filter(|(_, outside)| *outside).map(|(place, _)| *place).collect()
            }
            Sources::Asset(id) => {
                let is = |place: &Option<Place>| match place {
                    Some(Place::Identity { arn } | Place::Provider { arn } | Place::Group { arn }) => {
                        arn == id
                    }
                    Some(Place::Resource { id: own }) => own == id,
                    _ => false,
                };
                let places = (0_u32..).zip(&self.places).filter(|(_, place)| is(place));
                places.map(|(number, _)| number).collect()
            }
        }
    }

    /// One step in words. Where it leads through sets, `to` is where it ends.
    pub(crate) fn step(&self, from: u32, technique: Technique, to: u32, certain: bool) -> Option<Step> {
        let (from, to) = (self.place(from)?, self.place(to)?);
        let mut through = Vec::new();
        if let (Technique::Exposed | Technique::PublicRead, Place::Resource { id }) = (technique, to) {
            let entry = self.exposure.resource(id).and_then(|exposed| exposed.entries.first());
            through
                .extend(entry.into_iter().flat_map(|entry| entry.path.iter().chain(&entry.rules).cloned()));
        }
        let mut grants = self.grants(from, technique, to);
        grants.sort();
        grants.dedup();
        grants.truncate(PROOFS_MAX);
        let certainty = if certain { Certainty::Certain } else { Certainty::Possible };
        let (from, to) = (from.clone(), to.clone());
        Some(Step { from, to, technique, why: technique.why(), certainty, grants, through })
    }

    fn grants(&self, from: &Place, technique: Technique, to: &Place) -> Vec<Proof> {
        let mut grants = Vec::new();
        let who = match from {
            Place::Identity { arn } | Place::Group { arn } => self.access.identities.find(arn),
            _ => None,
        };
        if let Some((_, identity)) = who {
            if technique == Technique::Everything {
                grants.extend(self.about(identity, "*", None));
            }
            let target = match to {
                Place::Identity { arn } | Place::Group { arn } => Some(arn.as_str()),
                Place::Resource { id } if technique != Technique::EcsExecuteCommand => Some(id.as_str()),
                _ => None,
            };
            for action in technique.actions().iter().flat_map(|any| any.iter()) {
                grants.extend(self.about(identity, action, target));
            }
            let passing: Vec<_> = PASSINGS.iter().filter(|passing| passing.technique == technique).collect();
            if !passing.is_empty() {
                grants.extend(self.about(identity, "iam:passrole", target));
            }
            for action in passing.iter().flat_map(|passing| passing.needs.iter().flat_map(|any| any.iter())) {
                grants.extend(self.about(identity, action, None));
            }
        }
        if let Place::Identity { arn } = to {
            grants.extend(self.trusting(from, technique, arn));
        }
        grants
    }

    /// Statements that allow an identity an action, to a target or to any.
    fn about(&self, identity: &Identity, action: &str, target: Option<&str>) -> Vec<Proof> {
        let mut grants = Vec::new();
        for held in &identity.policies {
            let group = held.group.and_then(|group| self.access.identities.get(group));
            let group = group.map(|group| group.arn.as_str());
            grants.extend(self.access.proofs_in(held.document, PolicyRole::Identity, group, |statement| {
                let request = Request {
                    caller: Caller::Identity(identity),
                    action,
                    resource: target.unwrap_or("*"),
                    resource_account: Some(&identity.account),
                    resource_tags: None,
                    chosen: &[],
                };
                match (statement.effect, target) {
                    (Effect::Deny, _) => Truth::No,
                    (Effect::Allow, Some(_)) => request.holds(statement),
                    (Effect::Allow, None) if statement.has_action(action) => request.conditions(statement),
                    (Effect::Allow, None) => Truth::No,
                }
            }));
        }
        grants
    }

    /// Statements of a role's trust that allow a step.
    fn trusting(&self, from: &Place, technique: Technique, role: &str) -> Vec<Proof> {
        let Some((_, identity)) = self.access.identities.find(role) else { return Vec::new() };
        let Some(trust) = identity.trust else { return Vec::new() };
        let service =
            PASSINGS.iter().find(|passing| passing.technique == technique).map(|passing| passing.service);
        let member = match from {
            Place::Identity { arn } | Place::Group { arn } => self.access.identities.find(arn),
            _ => None,
        };
        let (caller, action) = match (technique, from) {
            (Technique::AssumeRole, Place::Internet) => (Caller::Anyone, "sts:assumerole"),
            (Technique::AssumeRole, Place::Account { account }) => {
                (Caller::Account(account), "sts:assumerole")
            }
            (Technique::AssumeRole, _) => {
                let Some((_, member)) = member else { return Vec::new() };
                (Caller::Identity(member), "sts:assumerole")
            }
            (Technique::AssumeRoleWithSaml, Place::Provider { arn }) => {
                (Caller::Federated(arn), "sts:assumerolewithsaml")
            }
            (Technique::AssumeRoleWithWebIdentity, Place::Provider { arn }) => {
                (Caller::Federated(arn), "sts:assumerolewithwebidentity")
            }
            (Technique::AssumeRoleWithWebIdentity | Technique::ServiceAccountRole, _) => {
                return self.access.proofs_in(trust, PolicyRole::Trust, None, |statement| {
                    let applies = statement.effect == Effect::Allow
                        && statement.has_action("sts:assumerolewithwebidentity");
                    Truth::from(applies)
                });
            }
            _ => match service {
                Some(service) => (Caller::Service(service), "sts:assumerole"),
                None => return Vec::new(),
            },
        };
        let request = Request {
            caller,
            action,
            resource: role,
            resource_account: Some(&identity.account),
            resource_tags: None,
            chosen: &[],
        };
        self.access.proofs_in(trust, PolicyRole::Trust, None, |statement| {
            if statement.effect == Effect::Deny {
                return Truth::No;
            }
            let (direct, account) = request.holds_for_caller(statement);
            direct.or(account)
        })
    }
}

#[cfg(test)]
#[path = "attack_tests.rs"]
mod tests;
