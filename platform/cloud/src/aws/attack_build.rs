//! Makes the table of steps: places, and what leads from one to another.

use std::collections::{BTreeSet, HashMap};

use crate::aws::access::Access;
use crate::aws::account::{Account, Identity, IdentityKind, index};
use crate::aws::attack::{Certainty, Edge, Place};
use crate::aws::attack_compute::Computing;
use crate::aws::attack_trust::Trusting;
use crate::aws::exposure::{DoorKind, Exposure, Verdict};
use crate::aws::policy::Effect;
use crate::aws::rights::{
    Lists, Reached, Rights, Target, could_be_administrator, is_administrator, is_privileged,
};
use crate::aws::techniques::{PASSINGS, Technique};
use crate::aws::truth::Truth;

/// Most edges that are kept.
const EDGES_MAX: usize = 8_000_000;

/// What lists of targets are of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    /// Roles that trust an account, of whichever of its principals is allowed to assume them.
    Trusting(String),
    /// Those of them whose trust depends on who asks.
    TrustingSome(String),
    /// Roles of an account that trust a service.
    Passed(String, &'static str),
    Roles(String),
    Users(String),
    /// Users without a password.
    WithoutPassword(String),
    /// Users with one.
    WithPassword(String),
    Groups(String),
    Instances(String),
    Functions(String),
    Services(String),
}

/// What was built.
pub(crate) struct Built {
    pub(crate) places: Vec<Option<Place>>,
    pub(crate) offsets: Vec<u32>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) privileged: Vec<(u32, Truth)>,
    pub(crate) sources: Vec<(u32, bool)>,
    pub(crate) administrators: Vec<(String, Certainty)>,
    pub(crate) truncated: bool,
}

pub(crate) struct Builder<'a> {
    pub(crate) account: &'a Account,
    pub(crate) access: &'a Access,
    exposure: &'a Exposure,
    places: Vec<Option<Place>>,
    numbers: HashMap<Place, u32>,
    edges: Vec<(u32, Edge)>,
    pub(crate) lists: Lists<List>,
    rights: Rights<'a>,
    /// Set of each answer and technique.
    sets: HashMap<(u32, Technique), u32>,
    /// Roles whose trust names an identity, and that it can assume.
    pub(crate) named: HashMap<u32, Vec<u32>>,
    administrators: Vec<(String, Certainty)>,
    privileged: Vec<(u32, Truth)>,
    outside: BTreeSet<u32>,
    exposed: BTreeSet<u32>,
    truncated: bool,
}

impl<'a> Builder<'a> {
    pub(crate) fn of(account: &'a Account, access: &'a Access, exposure: &'a Exposure) -> Self {
        let mut builder = Self {
            account,
            access,
            exposure,
            places: Vec::new(),
            numbers: HashMap::new(),
            edges: Vec::new(),
            lists: Lists::new(),
            rights: Rights::of(access),
            sets: HashMap::new(),
            named: HashMap::new(),
            administrators: Vec::new(),
            privileged: Vec::new(),
            outside: BTreeSet::new(),
            exposed: BTreeSet::new(),
            truncated: false,
        };
        // Identities are first, so that an identity's place has its number.
        for identity in &access.identities.all {
            builder.place(own_place(identity));
        }
        builder.outside(Place::Internet);
        builder.doors();
        Computing::of(&mut builder).all();
        Trusting::of(&mut builder).all();
        builder.lists_of_identities();
        for (number, identity) in (0_u32..).zip(&access.identities.all) {
            builder.identity(number, identity);
        }
        builder
    }

    pub(crate) fn place(&mut self, place: Place) -> u32 {
        let next = index(self.places.len());
        *self.numbers.entry(place.clone()).or_insert_with(|| {
            self.places.push(Some(place));
            next
        })
    }

    /// A place outside of the accounts.
    pub(crate) fn outside(&mut self, place: Place) -> u32 {
        let number = self.place(place);
        self.outside.insert(number);
        number
    }

    pub(crate) fn join(&mut self, from: u32, technique: Technique, to: u32, truth: Truth) {
        self.edge(from, Edge { to, technique, certain: truth == Truth::Yes, counts: true }, truth);
    }

    fn edge(&mut self, from: u32, edge: Edge, truth: Truth) {
        if truth == Truth::No || from == edge.to {
            return;
        }
        if self.edges.len() >= EDGES_MAX {
            self.truncated = true;
            return;
        }
        self.edges.push((from, edge));
    }

    /// Joins an identity to whatever an action reaches, over a set that those with the same statements share.
    fn join_all(
        &mut self,
        from: u32,
        technique: Technique,
        (answer, reached): &(u32, Reached),
        truth: Truth,
    ) {
        if truth == Truth::No {
            return;
        }
        if let [(to, own)] = reached.as_slice() {
            self.join(from, technique, *to, truth.and(*own));
            return;
        }
        if reached.is_empty() {
            return;
        }
        let next = index(self.places.len());
        let set = *self.sets.entry((*answer, technique)).or_insert(next);
        if set == next {
            self.places.push(None);
            for (to, own) in reached.iter() {
                let edge = Edge { to: *to, technique, certain: *own == Truth::Yes, counts: false };
                self.edge(set, edge, *own);
            }
        }
        self.join(from, technique, set, truth);
    }

    fn doors(&mut self) {
        let internet = self.place(Place::Internet);
        for exposed in &self.exposure.resources {
            let truth = match exposed.verdict {
                Verdict::Open => Truth::Yes,
                Verdict::Possible => Truth::Maybe,
                Verdict::Filtered | Verdict::Internal => continue,
            };
            let is_data = exposed.entries.first().is_some_and(|entry| entry.door == DoorKind::AwsApi);
            let runs = matches!(
                exposed.kind.as_str(),
                "aws:ec2:instance" | "aws:lambda:function" | "aws:ecs:service"
            );
            let technique = match (is_data, runs) {
                (true, _) => Technique::PublicRead,
                (false, true) => Technique::Exposed,
                (false, false) => continue,
            };
            let place = self.place(Place::Resource { id: exposed.resource.clone() });
            if runs {
                self.exposed.insert(place);
            }
            self.join(internet, technique, place, truth);
        }
    }

    fn lists_of_identities(&mut self) {
        for (number, identity) in (0_u32..).zip(&self.access.identities.all) {
            let account = || identity.account.clone();
            let target = || Target {
                place: number,
                arn: identity.arn.clone(),
                truth: Truth::Yes,
                tags: Some(identity.tags.clone()),
            };
            match identity.kind {
                IdentityKind::Group => self.lists.add(List::Groups(account()), target()),
                IdentityKind::Role if identity.is_protected() => {}
                IdentityKind::Role => self.lists.add(List::Roles(account()), target()),
                IdentityKind::User => {
                    self.lists.add(List::Users(account()), target());
                    let user = self.account.resource(&identity.arn);
                    let password =
                        user.and_then(|user| user.at(&["Credentials", "PasswordEnabled"])?.as_bool());
                    let maybe = Target { truth: Truth::Maybe, ..target() };
                    match password {
                        Some(true) => self.lists.add(List::WithPassword(account()), target()),
                        Some(false) => self.lists.add(List::WithoutPassword(account()), target()),
                        None => {
                            self.lists.add(List::WithPassword(account()), maybe.clone());
                            self.lists.add(List::WithoutPassword(account()), maybe);
                        }
                    }
                }
            }
        }
    }

    fn identity(&mut self, number: u32, identity: &Identity) {
        let administrator = is_administrator(self.access, identity);
        if identity.kind == IdentityKind::Role {
            let privileged = administrator.or(is_privileged(self.access, identity));
            if privileged != Truth::No {
                self.privileged.push((number, privileged));
            }
        }
        if administrator != Truth::No {
            let place = self.administrator(identity);
            self.join(number, Technique::Everything, place, administrator);
            if identity.kind != IdentityKind::Group {
                let certain = administrator == Truth::Yes;
                let certainty = if certain { Certainty::Certain } else { Certainty::Possible };
                self.administrators.push((identity.arn.clone(), certainty));
            }
        }
        // Whoever has every right has nothing to gain by further steps.
        if administrator == Truth::Yes {
            return;
        }
        let assumed = self.assume(number, identity);
        self.pass(number, identity);
        self.compute(number, identity);
        self.change_users(number, identity);
        self.change_roles(number, identity, &assumed);
        self.change_self(number, identity);
        self.make_new(number, identity);
    }

    fn administrator(&mut self, identity: &Identity) -> u32 {
        self.place(Place::Administrator { account: identity.account.clone() })
    }

    fn targets(
        &mut self,
        who: (u32, &Identity),
        action: &'static str,
        list: &List,
        chosen: &[(&str, Option<&str>)],
    ) -> Option<(u32, Reached)> {
        let (number, targets) = self.lists.get(list);
        self.rights.targets(who, action, (number, targets), chosen)
    }

    /// Roles that it can assume by its own policies; those that name it are joined by [`Trusting`].
    fn assume(&mut self, number: u32, identity: &Identity) -> Vec<u32> {
        let who = (number, identity);
        let mut assumed = Vec::new();
        let all = self.targets(who, "sts:assumerole", &List::Trusting(identity.account.clone()), &[]);
        if let Some(reached) = all {
            self.join_all(number, Technique::AssumeRole, &reached, Truth::Yes);
            assumed.extend(reached.1.iter().map(|(role, _)| *role));
        }
        let some = self.targets(who, "sts:assumerole", &List::TrustingSome(identity.account.clone()), &[]);
        for (role, truth) in some.iter().flat_map(|(_, reached)| reached.iter()) {
            let Some(trusting) = self.access.identities.get(*role) else { continue };
            let trust = crate::aws::attack_trust::trust_of(self.access, trusting, identity);
            if trust.and(*truth) != Truth::No {
                self.join(number, Technique::AssumeRole, *role, trust.and(*truth));
                assumed.push(*role);
            }
        }
        assumed.extend(self.named.get(&number).into_iter().flatten());
        assumed
    }

    fn pass(&mut self, number: u32, identity: &Identity) {
        let who = (number, identity);
        for passing in &PASSINGS {
            let needs = self.rights.some_of_each(who, passing.needs);
            if needs == Truth::No {
                continue;
            }
            let list = List::Passed(identity.account.clone(), passing.service);
            let chosen = [("iam:passedtoservice", Some(passing.service))];
            if let Some(reached) = self.targets(who, "iam:passrole", &list, &chosen) {
                self.join_all(number, passing.technique, &reached, needs);
            }
        }
    }

    fn compute(&mut self, number: u32, identity: &Identity) {
        let account = || identity.account.clone();
        for (technique, action, list) in [
            (Technique::SendCommand, "ssm:sendcommand", List::Instances(account())),
            (Technique::StartSession, "ssm:startsession", List::Instances(account())),
            (Technique::UpdateFunctionCode, "lambda:updatefunctioncode", List::Functions(account())),
            (Technique::EcsExecuteCommand, "ecs:executecommand", List::Services(account())),
            (Technique::UpdateAssumeRolePolicy, "iam:updateassumerolepolicy", List::Roles(account())),
        ] {
            if let Some(reached) = self.targets((number, identity), action, &list, &[]) {
                self.join_all(number, technique, &reached, Truth::Yes);
            }
        }
    }

    fn change_users(&mut self, number: u32, identity: &Identity) {
        let (who, account) = ((number, identity), || identity.account.clone());
        let mut controlled: BTreeSet<u32> = BTreeSet::new();
        for (technique, action, list) in [
            (Technique::CreateAccessKey, "iam:createaccesskey", List::Users(account())),
            (Technique::CreateLoginProfile, "iam:createloginprofile", List::WithoutPassword(account())),
            (Technique::UpdateLoginProfile, "iam:updateloginprofile", List::WithPassword(account())),
        ] {
            if let Some(reached) = self.targets(who, action, &list, &[]) {
                self.join_all(number, technique, &reached, Truth::Yes);
                controlled.extend(reached.1.iter().map(|(user, _)| *user));
            }
        }
        if identity.kind == IdentityKind::User
            && let Some(reached) = self.targets(who, "iam:addusertogroup", &List::Groups(account()), &[])
        {
            // A group's place knows nothing of what the user himself is denied.
            let free = !self.has_denials(identity) && identity.boundary.is_none();
            let truth = if free { Truth::Yes } else { Truth::Maybe };
            self.join_all(number, Technique::AddUserToGroup, &reached, truth);
        }
        if !controlled.is_empty() {
            let ways = [
                (Technique::AttachUserPolicy, "iam:attachuserpolicy"),
                (Technique::PutUserPolicy, "iam:putuserpolicy"),
            ];
            self.strengthen(who, &ways, &List::Users(account()), &controlled);
        }
    }

    fn change_roles(&mut self, number: u32, identity: &Identity, assumed: &[u32]) {
        if !assumed.is_empty() {
            let assumed = assumed.iter().copied().collect();
            let ways = [
                (Technique::AttachRolePolicy, "iam:attachrolepolicy"),
                (Technique::PutRolePolicy, "iam:putrolepolicy"),
            ];
            self.strengthen((number, identity), &ways, &List::Roles(identity.account.clone()), &assumed);
        }
    }

    /// Gives every right to somebody whom it controls.
    fn strengthen(
        &mut self,
        who: (u32, &Identity),
        ways: &[(Technique, &'static str)],
        list: &List,
        controlled: &BTreeSet<u32>,
    ) {
        let policy = administrator_access(who.1);
        let chosen = [("iam:policyarn", Some(policy.as_str()))];
        for (technique, action) in ways {
            let Some((_, reached)) = self.targets(who, action, list, &chosen) else { continue };
            let mut best = Truth::No;
            for (other, truth) in reached.iter().filter(|(other, _)| controlled.contains(other)) {
                let Some(other) = self.access.identities.get(*other) else { continue };
                best = best.or(truth.and(could_be_administrator(self.access, other)));
                if best == Truth::Yes {
                    break;
                }
            }
            let to = self.administrator(who.1);
            self.join(who.0, *technique, to, best);
        }
    }

    /// Gives every right to itself.
    fn change_self(&mut self, number: u32, identity: &Identity) {
        if identity.is_protected() {
            return;
        }
        let (who, to) = ((number, identity), self.administrator(identity));
        let could = could_be_administrator(self.access, identity);
        if could == Truth::No {
            return;
        }
        let policy = administrator_access(identity);
        let chosen = [("iam:policyarn", Some(policy.as_str()))];
        let own = |technique, action| (technique, action, vec![identity.arn.clone()]);
        let mut ways = match identity.kind {
            IdentityKind::User => vec![
                own(Technique::AttachUserPolicy, "iam:attachuserpolicy"),
                own(Technique::PutUserPolicy, "iam:putuserpolicy"),
            ],
            IdentityKind::Role => vec![
                own(Technique::AttachRolePolicy, "iam:attachrolepolicy"),
                own(Technique::PutRolePolicy, "iam:putrolepolicy"),
            ],
            IdentityKind::Group => vec![
                own(Technique::AttachGroupPolicy, "iam:attachgrouppolicy"),
                own(Technique::PutGroupPolicy, "iam:putgrouppolicy"),
            ],
        };
        ways.push((Technique::AttachGroupPolicy, "iam:attachgrouppolicy", identity.groups.clone()));
        ways.push((Technique::PutGroupPolicy, "iam:putgrouppolicy", identity.groups.clone()));
        let policies = self.own_policies(identity);
        ways.push((Technique::CreatePolicyVersion, "iam:createpolicyversion", policies.clone()));
        for (technique, action, targets) in ways {
            let truths = targets.iter().map(|target| self.rights.one(who, action, target, &chosen));
            let best = truths.fold(Truth::No, Truth::or);
            self.join(number, technique, to, best.and(could));
        }
        // What older versions say was not collected.
        let action = "iam:setdefaultpolicyversion";
        let back = policies.iter().map(|policy| self.rights.one(who, action, policy, &[]));
        let back = back.fold(Truth::No, Truth::or).at_most(Truth::Maybe);
        self.join(number, Technique::SetDefaultPolicyVersion, to, back.and(could));
    }

    /// Policies of the account's own that it has, by itself or by groups.
    fn own_policies(&self, identity: &Identity) -> Vec<String> {
        let held = identity.policies.iter().filter_map(|held| self.access.identities.document(held.document));
        let own = held.filter(|named| named.inline.is_none() && !named.holder.contains(":iam::aws:policy/"));
        let own: BTreeSet<String> = own.map(|named| named.holder.clone()).collect();
        own.into_iter().collect()
    }

    /// Makes somebody new who has every right.
    fn make_new(&mut self, number: u32, identity: &Identity) {
        let who = (number, identity);
        let partition = crate::aws::arn::Arn::of(&identity.arn).map_or("aws", |arn| arn.partition);
        let policy = administrator_access(identity);
        let chosen = [("iam:policyarn", Some(policy.as_str())), ("iam:permissionsboundary", None)];
        for (technique, kind, action) in [
            (Technique::CreateUser, "user", "iam:createuser"),
            (Technique::CreateRole, "role", "iam:createrole"),
        ] {
            let base = format!("arn:{partition}:iam::{}:{kind}/x", identity.account);
            let mut best = Truth::No;
            for name in self.rights.names(who, action, &base) {
                let mut all = Truth::Yes;
                for any in technique.actions() {
                    let one = any.iter().map(|action| self.rights.one(who, action, &name, &chosen));
                    all = all.and(one.fold(Truth::No, Truth::or));
                }
                best = best.or(all);
            }
            if best != Truth::No {
                let to = self.administrator(identity);
                self.join(number, technique, to, best);
            }
        }
    }

    fn has_denials(&self, identity: &Identity) -> bool {
        let statements = identity.policies.iter().flat_map(|held| self.access.statements(held.document));
        statements.into_iter().any(|statement| statement.effect == Effect::Deny)
    }

    /// The table, sorted.
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
        let everything: BTreeSet<&str> = self
            .administrators
            .iter()
            .filter(|(_, certainty)| *certainty == Certainty::Certain)
            .map(|(arn, _)| arn.as_str())
            .collect();
        let is_source = |identity: &Identity| {
            identity.kind != IdentityKind::Group
                && !identity.is_of_service()
                && !everything.contains(identity.arn.as_str())
        };
        let identities =
            (0_u32..).zip(&self.access.identities.all).filter(|(_, identity)| is_source(identity));
        let mut sources: Vec<(u32, bool)> = identities.map(|(number, _)| (number, false)).collect();
        sources.extend(self.outside.iter().map(|place| (*place, true)));
        sources.extend(self.exposed.iter().map(|place| (*place, false)));
        sources.sort_unstable();
        self.privileged.sort_unstable();
        self.administrators.sort();
        Built {
            places: self.places,
            offsets,
            edges: self.edges.into_iter().map(|(_, edge)| edge).collect(),
            privileged: self.privileged,
            sources,
            administrators: self.administrators,
            truncated: self.truncated || self.rights.exhausted,
        }
    }
}

fn administrator_access(identity: &Identity) -> String {
    let partition = crate::aws::arn::Arn::of(&identity.arn).map_or("aws", |arn| arn.partition);
    format!("arn:{partition}:iam::aws:policy/AdministratorAccess")
}

fn own_place(identity: &Identity) -> Place {
    match identity.kind {
        IdentityKind::Group => Place::Group { arn: identity.arn.clone() },
        IdentityKind::User | IdentityKind::Role => Place::Identity { arn: identity.arn.clone() },
    }
}
