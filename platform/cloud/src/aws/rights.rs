//! What identities may do to many targets at once. Identities with the same statements about an action share the answer, so that
//! thousands of roles with the same policies cost as much as one.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::aws::access::{Access, Sum};
use crate::aws::account::{Identity, index};
use crate::aws::policy::{Effect, Pattern, Statement};
use crate::aws::request::{Caller, Request};
use crate::aws::techniques::{ADMINISTRATION, SENSITIVE_SERVICES};
use crate::aws::truth::{Decision, Truth, decide};

/// Most words of statements that are compared with targets. Thousands of roles with ordinary policies take a hundredth of it; policies
/// that were made to keep this busy are cut off after a minute or two, and the answer says so.
const WORK_MAX: usize = 2_000_000_000;

/// Something that an action can be done to.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) place: u32,
    pub(crate) arn: String,
    /// Whether it works for certain when the action is allowed.
    pub(crate) truth: Truth,
    pub(crate) tags: Option<Vec<(String, String)>>,
}

/// Targets that can be reached, with whether that is certain.
pub(crate) type Reached = Rc<Vec<(u32, Truth)>>;

/// Which statements of an identity are about an action.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Relevant {
    own: Vec<(u32, u32)>,
    /// Nothing where there is no boundary.
    bound: Option<Vec<(u32, u32)>>,
    /// A policy that could not be read may deny it.
    unsure: bool,
    /// The identity, where the answer depends on who asks.
    personal: Option<u32>,
}

/// Answers that were given, and statements of documents by action.
pub(crate) struct Rights<'a> {
    access: &'a Access,
    statements: HashMap<(u32, &'static str), Rc<Vec<u32>>>,
    reached: HashMap<(u32, &'static str, Relevant), (u32, Reached)>,
    /// Words of statements that were compared with targets.
    work: usize,
    /// More targets than could be looked at were left out.
    pub(crate) exhausted: bool,
}

impl<'a> Rights<'a> {
    pub(crate) fn of(access: &'a Access) -> Self {
        Self { access, statements: HashMap::new(), reached: HashMap::new(), work: 0, exhausted: false }
    }

    fn about(&mut self, document: u32, action: &'static str) -> Rc<Vec<u32>> {
        let access = self.access;
        let found = self.statements.entry((document, action)).or_insert_with(|| {
            let statements = access.statements(document).iter().enumerate();
            let found = statements.filter(|(_, statement)| statement.has_action(action));
            Rc::new(found.map(|(number, _)| index(number)).collect())
        });
        Rc::clone(found)
    }

    /// Nothing where no statement allows it.
    pub(crate) fn relevant(
        &mut self,
        number: u32,
        identity: &Identity,
        action: &'static str,
    ) -> Option<Relevant> {
        let mut own = Vec::new();
        for held in &identity.policies {
            let about = self.about(held.document, action);
            own.extend(about.iter().map(|statement| (held.document, *statement)));
        }
        let allows = |at: &(u32, u32)| self.statement(*at).is_some_and(|found| found.effect == Effect::Allow);
        if !own.iter().any(allows) {
            return None;
        }
        let bound = match identity.boundary {
            Some(Some(document)) => {
                let about = self.about(document, action);
                Some(about.iter().map(|statement| (document, *statement)).collect::<Vec<_>>())
            }
            _ => None,
        };
        own.sort_unstable();
        own.dedup();
        let mut all = own.iter().chain(bound.iter().flatten());
        let personal =
            all.any(|at| self.statement(*at).is_some_and(Statement::is_personal)).then_some(number);
        let unsure = !identity.unread.is_empty() || identity.boundary == Some(None);
        Some(Relevant { own, bound, unsure, personal })
    }

    fn statement(&self, (document, number): (u32, u32)) -> Option<&'a Statement> {
        self.access.statements(document).get(number as usize)
    }

    /// Judges by relevant statements alone.
    fn judge(&self, relevant: &Relevant, holds: impl Fn(&Statement) -> Truth) -> Truth {
        let sum = |statements: &[(u32, u32)]| {
            let mut sum = Sum { allow: Truth::No, deny: Truth::No };
            for statement in statements.iter().filter_map(|at| self.statement(*at)) {
                sum.add(statement.effect, holds(statement));
            }
            sum
        };
        let own = sum(&relevant.own);
        let bound = relevant.bound.as_deref().map_or(Sum { allow: Truth::Yes, deny: Truth::No }, sum);
        let truth = match decide(own.allow.and(bound.allow), own.deny.or(bound.deny)) {
            Decision::Allowed => Truth::Yes,
            Decision::Possible => Truth::Maybe,
            Decision::Denied => Truth::No,
        };
        truth.at_most(if relevant.unsure { Truth::Maybe } else { Truth::Yes })
    }

    /// Whether an identity may do something to one resource.
    pub(crate) fn one(
        &mut self,
        (number, identity): (u32, &Identity),
        action: &'static str,
        resource: &str,
        chosen: &[(&str, Option<&str>)],
    ) -> Truth {
        let Some(relevant) = self.relevant(number, identity, action) else { return Truth::No };
        let request = Request {
            caller: Caller::Identity(identity),
            action,
            resource,
            resource_account: Some(&identity.account),
            resource_tags: self.access.owners.get(resource).and_then(|owned| owned.tags.as_deref()),
            chosen,
        };
        self.judge(&relevant, |statement| request.holds(statement))
    }

    /// Whether an identity may do something to some resource: an allowance that is not taken back for all.
    pub(crate) fn some(&mut self, (number, identity): (u32, &Identity), action: &'static str) -> Truth {
        let Some(relevant) = self.relevant(number, identity, action) else { return Truth::No };
        let request = unspecific(identity, action);
        self.judge(&relevant, |statement| match statement.effect {
            Effect::Allow => request.conditions(statement),
            Effect::Deny if statement.is_about_everything() => request.conditions(statement),
            Effect::Deny => Truth::No,
        })
    }

    /// One action of each list.
    pub(crate) fn some_of_each(&mut self, who: (u32, &Identity), needs: &[&'static [&'static str]]) -> Truth {
        needs.iter().fold(Truth::Yes, |all, any| {
            if all == Truth::No {
                return all;
            }
            all.and(any.iter().fold(Truth::No, |best, action| best.or(self.some(who, action))))
        })
    }

    /// What of a list of targets an identity may do something to. Also the number of the answer, which is the same for the same answer.
    pub(crate) fn targets(
        &mut self,
        (number, identity): (u32, &Identity),
        action: &'static str,
        (list, targets): (u32, &[Target]),
        chosen: &[(&str, Option<&str>)],
    ) -> Option<(u32, Reached)> {
        if targets.is_empty() {
            return None;
        }
        let relevant = self.relevant(number, identity, action)?;
        let key = (list, action, relevant);
        if let Some(known) = self.reached.get(&key) {
            return Some(known.clone());
        }
        let statements =
            key.2.own.iter().chain(key.2.bound.iter().flatten()).filter_map(|at| self.statement(*at));
        let words: usize = statements.map(Statement::words).sum();
        self.work = self.work.saturating_add(words.saturating_mul(targets.len()));
        if self.work > WORK_MAX {
            self.exhausted = true;
            return None;
        }
        let mut reached = Vec::new();
        for target in targets {
            let request = Request {
                caller: Caller::Identity(identity),
                action,
                resource: &target.arn,
                resource_account: None,
                resource_tags: target.tags.as_deref(),
                chosen,
            };
            let truth = self.judge(&key.2, |statement| request.holds(statement)).and(target.truth);
            if truth != Truth::No {
                reached.push((target.place, truth));
            }
        }
        let answer = (index(self.reached.len()), Rc::new(reached));
        self.reached.insert(key, answer.clone());
        Some(answer)
    }

    /// Names that an identity may give to something new: by the patterns that allow making it.
    pub(crate) fn names(&mut self, who: (u32, &Identity), action: &'static str, base: &str) -> Vec<String> {
        let Some(relevant) = self.relevant(who.0, who.1, action) else { return Vec::new() };
        let allows = relevant.own.iter().filter_map(|at| self.statement(*at));
        let allows = allows.filter(|statement| statement.effect == Effect::Allow && !statement.not_resource);
        let name = |pattern: &Pattern| match pattern.is_everything() {
            true => base.to_owned(),
            false => pattern.text.replace(['*', '?'], "x"),
        };
        let mut names: Vec<String> =
            allows.flat_map(|statement| statement.resources.iter().map(name)).collect();
        names.push(base.to_owned());
        names.sort();
        names.dedup();
        // More ways to name something new than these are not tried.
        names.truncate(16);
        names
    }
}

/// A request of which only the action is known.
fn unspecific<'a>(identity: &'a Identity, action: &'a str) -> Request<'a> {
    Request {
        caller: Caller::Identity(identity),
        action,
        resource: "*",
        resource_account: Some(&identity.account),
        resource_tags: None,
        chosen: &[],
    }
}

/// Whether an identity holds every right on everything.
pub(crate) fn is_administrator(access: &Access, identity: &Identity) -> Truth {
    let everything = |statement: &Statement| {
        !statement.not_action
            && statement.actions.iter().any(is_every_action)
            && statement.is_about_everything()
    };
    let request = unspecific(identity, "*");
    let mut allow = Truth::No;
    for statement in own_statements(access, identity).filter(|statement| statement.effect == Effect::Allow) {
        if everything(statement) {
            allow = allow.or(request.conditions(statement));
        }
    }
    let allow = if identity.unread.is_empty() { allow } else { allow.at_most(Truth::Maybe) };
    allow.and(could_be_administrator(access, identity))
}

/// Whether an identity would hold every right if a policy gave it to it: no boundary and no denial keeps it from that.
pub(crate) fn could_be_administrator(access: &Access, identity: &Identity) -> Truth {
    let request = unspecific(identity, "*");
    let bound = match identity.boundary {
        None => Truth::Yes,
        Some(None) => Truth::Maybe,
        Some(Some(document)) => {
            let mut bound = Truth::No;
            for statement in access.statements(document) {
                let every = !statement.not_action && statement.actions.iter().any(is_every_action);
                if statement.effect == Effect::Allow && every && statement.is_about_everything() {
                    bound = bound.or(request.conditions(statement));
                }
            }
            bound
        }
    };
    let denied = |action: &&str| denies_all(access, identity, action, &request);
    let denied = ADMINISTRATION.iter().map(denied).fold(Truth::No, Truth::or);
    bound.and(denied.not())
}

/// Whether an identity may do everything with a service whose data or rights matter.
pub(crate) fn is_privileged(access: &Access, identity: &Identity) -> Truth {
    let mut best = Truth::No;
    for service in SENSITIVE_SERVICES {
        // An action that does not exist: only what covers all of them covers it.
        let any = format!("{service}:every-action");
        let request = unspecific(identity, &any);
        let covers = |statement: &&Statement| {
            statement.effect == Effect::Allow && statement.has_action(&any) && statement.is_about_everything()
        };
        let mut allow = Truth::No;
        for statement in own_statements(access, identity).filter(covers) {
            allow = allow.or(request.conditions(statement));
        }
        if allow <= best {
            continue;
        }
        let bound = match identity.boundary {
            None => Truth::Yes,
            Some(None) => Truth::Maybe,
            Some(Some(document)) => {
                let bound = access.statements(document).iter().filter(covers);
                bound.map(|statement| request.conditions(statement)).fold(Truth::No, Truth::or)
            }
        };
        let denied = denies_all(access, identity, &any, &request);
        best = best.or(allow.and(bound).and(denied.not()));
    }
    best
}

fn denies_all(access: &Access, identity: &Identity, action: &str, request: &Request<'_>) -> Truth {
    let denies = |statement: &&Statement| {
        statement.effect == Effect::Deny && statement.has_action(action) && statement.is_about_everything()
    };
    let bound = identity.boundary.flatten().map_or(&[][..], |document| access.statements(document));
    let all = own_statements(access, identity).chain(bound).filter(denies);
    all.map(|statement| request.conditions(statement)).fold(Truth::No, Truth::or)
}

fn own_statements<'a>(access: &'a Access, identity: &'a Identity) -> impl Iterator<Item = &'a Statement> {
    identity.policies.iter().flat_map(|held| access.statements(held.document))
}

fn is_every_action(pattern: &Pattern) -> bool {
    pattern.is_everything() || pattern.text == "*:*"
}

/// Lists of targets by a key, each with a number.
pub(crate) struct Lists<K> {
    by_key: BTreeMap<K, (u32, Vec<Target>)>,
}

impl<K: Ord> Lists<K> {
    pub(crate) fn new() -> Self {
        Self { by_key: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, key: K, target: Target) {
        let next = index(self.by_key.len());
        self.by_key.entry(key).or_insert_with(|| (next, Vec::new())).1.push(target);
    }

    pub(crate) fn get(&self, key: &K) -> (u32, &[Target]) {
        self.by_key.get(key).map_or((u32::MAX, &[]), |(number, targets)| (*number, targets))
    }
}
