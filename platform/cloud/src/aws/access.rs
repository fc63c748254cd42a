//! IAM: who can do what, and which statements say so.
//!
//! Judged are policies of identities (inside of them, attached, and of their groups), permissions boundaries, policies of resources and
//! trust of roles, with explicit denies before everything. Not collected, and so not judged: service control and resource control
//! policies, policies of sessions and of VPC endpoints, and access control lists. What depends on one of these conditions, or on a policy
//! that was not collected, is [`Decision::Possible`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::aws::account::{Account, Attached, Identities, Identity, IdentityKind, Named, owner};
use crate::aws::arn::Arn;
use crate::aws::policy::{self, Effect, Statement};
use crate::aws::request::{Caller, Request};
use crate::aws::truth::{Decision, Truth, decide};
use crate::problem::Problem;

/// Somebody who asks AWS for something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountPrincipal))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Principal {
    /// Anybody of the internet.
    Anyone,
    /// Somebody of another account.
    Account {
        /// Number of the account.
        account: String,
    },
    /// Somebody whom a provider of identities vouches for.
    Federated {
        /// ARN or name of the provider.
        provider: String,
    },
    /// A user or role of these accounts.
    Identity {
        /// ARN.
        arn: String,
    },
    /// A service of AWS.
    Service {
        /// Name, such as `ec2.amazonaws.com`.
        service: String,
    },
}

/// Which policy a statement is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountPolicyRole))]
#[serde(rename_all = "kebab-case")]
pub enum PolicyRole {
    /// One that the principal has.
    Identity,
    /// The permissions boundary of the principal.
    Boundary,
    /// The policy of the resource.
    Resource,
    /// The trust of a role.
    Trust,
}

/// A statement that decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountProof))]
pub struct Proof {
    /// What kind of policy it is.
    pub role: PolicyRole,
    /// ARN of the policy, or of what it is inside of.
    pub policy: String,
    /// Name of the policy inside of an identity, or key of the policy in a resource.
    pub inline: Option<String>,
    /// ARN of the group that it comes from.
    pub group: Option<String>,
    /// Index of the statement, from 0.
    pub statement: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// Whether it denies; it allows otherwise.
    pub denies: bool,
    /// Whether it applies for certain, or only under conditions that are not known.
    pub certain: bool,
    /// Of one that does not apply for certain: keys of its conditions, such as `aws:sourceip`; none where it depends on a variable.
    pub conditions: Vec<String>,
}

/// Answer of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountAnswer))]
pub struct Answer {
    /// What becomes of the request.
    pub decision: Decision,
    /// Statements that decide: those that allow, or those that deny; where it is only possible, both.
    pub proofs: Vec<Proof>,
    /// Policies that may say otherwise and could not be read.
    pub unread: Vec<String>,
}

/// Somebody who can do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AccountHolder))]
pub struct Holder {
    /// Who.
    pub principal: Principal,
    /// Why.
    pub answer: Answer,
}

/// Every policy of the accounts.
#[derive(Debug)]
pub struct Access {
    pub(crate) identities: Identities,
    pub(crate) attached: HashMap<String, Attached>,
    /// Account and tags of resources, by id.
    pub(crate) owners: BTreeMap<String, Owned>,
}

#[derive(Debug)]
pub(crate) struct Owned {
    pub(crate) account: String,
    pub(crate) tags: Option<Vec<(String, String)>>,
}

/// What statements of one kind of policy say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) allow: Truth,
    pub(crate) deny: Truth,
}

impl Sum {
    const NOTHING: Self = Self { allow: Truth::No, deny: Truth::No };

    pub(crate) fn add(&mut self, effect: Effect, truth: Truth) {
        match effect {
            Effect::Allow => self.allow = self.allow.or(truth),
            Effect::Deny => self.deny = self.deny.or(truth),
        }
    }

    /// As surely as somebody who has not read everything can say.
    fn unsure(mut self) -> Self {
        self.allow = self.allow.or(Truth::Maybe);
        self.deny = self.deny.or(Truth::Maybe);
        self
    }
}

impl Access {
    /// Reads every policy. Those that are not as they should be are told of in [`Access::problems`].
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let mut identities = Identities::of(account);
        let attached = identities.attached(account);
        let owned = account.resources().map(|resource| {
            let owned =
                Owned { account: owner(resource).unwrap_or_default().to_owned(), tags: resource.tags() };
            (resource.id.clone(), owned)
        });
        let owners = owned.collect();
        Self { identities, attached, owners }
    }

    /// Whether a user or role can do something, such as `s3:GetObject` of `arn:aws:s3:::logs/2026`. Nothing for a principal that is
    /// neither a user nor a role of these accounts.
    #[must_use]
    pub fn can(&self, principal: &str, action: &str, resource: &str) -> Option<Answer> {
        let (_, identity) = self.identities.find(principal)?;
        if identity.kind == IdentityKind::Group {
            return None;
        }
        let asked = Asked::of(self, action, resource);
        Some(self.answer(&asked.request(Caller::Identity(identity), &[])))
    }

    /// Whether somebody outside of these accounts can.
    #[must_use]
    pub fn can_outsider(&self, principal: &Principal, action: &str, resource: &str) -> Answer {
        let asked = Asked::of(self, action, resource);
        let caller = match principal {
            Principal::Anyone => Caller::Anyone,
            Principal::Account { account } => Caller::Account(account),
            Principal::Federated { provider } => Caller::Federated(provider),
            Principal::Service { service } => Caller::Service(service),
            Principal::Identity { arn } => match self.identities.find(arn) {
                Some((_, identity)) => Caller::Identity(identity),
                None => Caller::Account(Arn::of(arn).map_or("", |arn| arn.account)),
            },
        };
        self.answer(&asked.request(caller, &[]))
    }

    /// Everybody who can do it or possibly can, sorted: users and roles of these accounts, and outsiders whom the policy of the resource
    /// names.
    #[must_use]
    pub fn who_can(&self, action: &str, resource: &str) -> Vec<Holder> {
        let asked = Asked::of(self, action, resource);
        let mut holders = Vec::new();
        for principal in self.outsiders(&asked) {
            let answer = self.can_outsider(&principal, action, resource);
            if answer.decision != Decision::Denied {
                holders.push(Holder { principal, answer });
            }
        }
        for identity in self.identities.all.iter().filter(|identity| identity.kind != IdentityKind::Group) {
            let answer = self.answer(&asked.request(Caller::Identity(identity), &[]));
            if answer.decision != Decision::Denied {
                let principal = Principal::Identity { arn: identity.arn.clone() };
                holders.push(Holder { principal, answer });
            }
        }
        holders.sort_by(|one, other| one.principal.cmp(&other.principal));
        holders
    }

    /// ARNs of the users and roles, sorted.
    pub fn principals(&self) -> impl Iterator<Item = &str> {
        let all = self.identities.all.iter().filter(|identity| identity.kind != IdentityKind::Group);
        all.map(|identity| identity.arn.as_str())
    }

    /// What was skipped; the first thousand.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.identities.problems.kept
    }

    /// How much was skipped altogether.
    #[must_use]
    pub fn problem_count(&self) -> usize {
        self.identities.problems.count
    }

    /// Whom the policy of the resource names, and who is none of these accounts' users and roles.
    fn outsiders(&self, asked: &Asked<'_>) -> BTreeSet<Principal> {
        let Some(Attached::Document(policy)) = asked.attached else { return BTreeSet::new() };
        let statements =
            self.identities.document(policy).into_iter().flat_map(|named| &named.document.statements);
        let ours: BTreeSet<&str> =
            self.identities.all.iter().map(|identity| identity.account.as_str()).collect();
        let mut found = BTreeSet::new();
        for named in statements.flat_map(|statement| &statement.principals) {
            found.extend(outsider(named, &ours));
        }
        found
    }

    /// What the identity's own policies say, and its boundary.
    pub(crate) fn own(&self, identity: &Identity, request: &Request<'_>) -> (Sum, Sum) {
        let mut own = Sum::NOTHING;
        for held in &identity.policies {
            for statement in self.statements(held.document) {
                own.add(statement.effect, request.holds(statement));
            }
        }
        let bound = match identity.boundary {
            None => Sum { allow: Truth::Yes, deny: Truth::No },
            Some(None) => Sum::NOTHING.unsure(),
            Some(Some(document)) => {
                let mut bound = Sum::NOTHING;
                for statement in self.statements(document) {
                    bound.add(statement.effect, request.holds(statement));
                }
                bound
            }
        };
        (own, bound)
    }

    pub(crate) fn statements(&self, document: u32) -> &[Statement] {
        self.identities.document(document).map_or(&[], |named| &named.document.statements)
    }

    pub(crate) fn answer(&self, request: &Request<'_>) -> Answer {
        let asked = Asked::of(self, request.action, request.resource);
        let mut unread: Vec<String> = Vec::new();
        let (mut own, mut bound) = (Sum::NOTHING, Sum { allow: Truth::Yes, deny: Truth::No });
        let mut proofs = Vec::new();
        if let Caller::Identity(identity) = request.caller {
            (own, bound) = self.own(identity, request);
            if !identity.unread.is_empty() {
                own = own.unsure();
                unread.extend(identity.unread.iter().cloned());
            }
            if identity.boundary == Some(None) {
                unread.push("the permissions boundary".to_owned());
            }
            proofs.extend(self.proofs_of(identity, request));
        }
        let (mut direct, mut by_account, mut deny) = (Truth::No, Truth::No, Truth::No);
        match asked.attached {
            Some(Attached::Document(document)) => {
                for statement in self.statements(document) {
                    let (named, account) = request.holds_for_caller(statement);
                    match statement.effect {
                        Effect::Allow => (direct, by_account) = (direct.or(named), by_account.or(account)),
                        Effect::Deny => deny = deny.or(named).or(account),
                    }
                }
                let role = if asked.is_trust { PolicyRole::Trust } else { PolicyRole::Resource };
                proofs.extend(self.proofs_in(document, role, None, |statement| {
                    let (named, account) = request.holds_for_caller(statement);
                    named.or(account)
                }));
            }
            Some(Attached::Unknown) => {
                (direct, by_account, deny) = (Truth::Maybe, Truth::Maybe, Truth::Maybe);
                unread.push(format!("the policy of {}", asked.holder));
            }
            Some(Attached::None) | None => {}
        }
        let identity_allows = own.allow.and(bound.allow);
        // A role stays inside of its boundary, whoever names it; a user whom a resource names does not.
        let is_user =
            matches!(request.caller, Caller::Identity(identity) if identity.kind == IdentityKind::User);
        let direct =
            if is_user { direct.at_most(bound.allow.or(Truth::Maybe)) } else { direct.and(bound.allow) };
        let allow = match (request.caller, request.caller.account() == asked.account) {
            (Caller::Identity(_), _) if asked.account.is_none() => {
                identity_allows.or(direct).at_most(asked.unowned())
            }
            (Caller::Identity(_), true) if asked.is_delegated => identity_allows.and(by_account).or(direct),
            (Caller::Identity(_), true) => identity_allows.or(direct),
            (Caller::Identity(_), false) => identity_allows.and(direct.or(by_account)),
            (Caller::Account(_), _) => direct.or(by_account),
            _ => direct,
        };
        let deny = deny.or(own.deny).or(bound.deny);
        let decision = decide(allow, deny);
        proofs.retain(|proof: &Proof| match decision {
            Decision::Allowed => !proof.denies,
            Decision::Denied => proof.denies && proof.certain,
            Decision::Possible => true,
        });
        proofs.sort();
        proofs.dedup();
        Answer { decision, proofs, unread }
    }

    /// Statements of the identity's own policies that are about a request.
    pub(crate) fn proofs_of(&self, identity: &Identity, request: &Request<'_>) -> Vec<Proof> {
        let mut proofs = Vec::new();
        for held in &identity.policies {
            let group =
                held.group.and_then(|group| self.identities.get(group)).map(|group| group.arn.as_str());
            let holds = |statement: &Statement| request.holds(statement);
            proofs.extend(self.proofs_in(held.document, PolicyRole::Identity, group, holds));
        }
        if let Some(Some(boundary)) = identity.boundary {
            let holds = |statement: &Statement| request.holds(statement);
            proofs.extend(self.proofs_in(boundary, PolicyRole::Boundary, None, holds));
        }
        proofs
    }

    pub(crate) fn proofs_in(
        &self,
        document: u32,
        role: PolicyRole,
        group: Option<&str>,
        holds: impl Fn(&Statement) -> Truth,
    ) -> Vec<Proof> {
        let Some(named) = self.identities.document(document) else { return Vec::new() };
        let statements = named.document.statements.iter().enumerate();
        let proofs = statements.filter_map(|(number, statement)| {
            let truth = holds(statement);
            (truth != Truth::No).then(|| proof(named, role, group, number, statement, truth))
        });
        proofs.collect()
    }
}

fn proof(
    named: &Named,
    role: PolicyRole,
    group: Option<&str>,
    number: usize,
    statement: &Statement,
    truth: Truth,
) -> Proof {
    Proof {
        role,
        policy: named.holder.clone(),
        inline: named.inline.clone(),
        group: group.map(str::to_owned),
        statement: number,
        sid: statement.sid.clone(),
        denies: statement.effect == Effect::Deny,
        certain: truth == Truth::Yes,
        conditions: match truth {
            Truth::Maybe => statement.conditions.iter().map(|condition| condition.key.clone()).collect(),
            Truth::Yes | Truth::No => Vec::new(),
        },
    }
}

fn outsider(named: &policy::Named, ours: &BTreeSet<&str>) -> Option<Principal> {
    let other =
        |account: &str| (!ours.contains(account)).then(|| Principal::Account { account: account.to_owned() });
    match named {
        policy::Named::Anyone => Some(Principal::Anyone),
        policy::Named::Account(account) | policy::Named::Session(account, _) => other(account),
        policy::Named::Arn(arn) => other(Arn::of(arn)?.account),
        policy::Named::Service(service) => Some(Principal::Service { service: service.clone() }),
        policy::Named::Federated(provider) => Some(Principal::Federated { provider: provider.clone() }),
        policy::Named::Other => None,
    }
}

/// What is asked for, and what is known of it.
struct Asked<'a> {
    action: String,
    resource: &'a str,
    /// The resource that was collected: itself, or the bucket of an object.
    holder: &'a str,
    account: Option<&'a str>,
    tags: Option<&'a [(String, String)]>,
    attached: Option<Attached>,
    is_trust: bool,
    /// Policies of identities count only where that of the resource says so.
    is_delegated: bool,
}

impl<'a> Asked<'a> {
    fn of(access: &'a Access, action: &str, resource: &'a str) -> Self {
        let action = action.to_ascii_lowercase();
        let arn = Arn::of(resource);
        let bucket = arn.filter(|arn| arn.service == "s3").and_then(|arn| arn.resource.split_once('/'));
        let holder = bucket
            .and_then(|(_, key)| resource.get(..resource.len().checked_sub(key.len() + 1)?))
            .unwrap_or(resource);
        let owned = access.owners.get(holder);
        let account = owned.map(|owned| owned.account.as_str()).or_else(|| arn.map(|arn| arn.account));
        let role =
            access.identities.find(resource).filter(|(_, identity)| identity.kind == IdentityKind::Role);
        let is_trust = role.is_some() && action.starts_with("sts:");
        let attached = if is_trust {
            let trust = role.and_then(|(_, role)| role.trust);
            Some(trust.map_or(Attached::Unknown, Attached::Document))
        } else {
            access.attached.get(holder).copied()
        };
        Self {
            action,
            resource,
            holder,
            account: account.filter(|account| !account.is_empty()),
            tags: owned.and_then(|owned| owned.tags.as_deref()),
            attached,
            is_trust,
            is_delegated: is_trust || arn.is_some_and(|arn| arn.service == "kms"),
        }
    }

    fn request<'b>(&'b self, caller: Caller<'b>, chosen: &'b [(&'b str, Option<&'b str>)]) -> Request<'b> {
        Request {
            caller,
            action: &self.action,
            resource: self.resource,
            resource_account: self.account,
            resource_tags: self.tags,
            chosen,
        }
    }

    /// How sure one can be of a resource whose account is not known: everything of one's own account is one's own.
    fn unowned(&self) -> Truth {
        if self.resource.starts_with("arn:") { Truth::Maybe } else { Truth::Yes }
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
