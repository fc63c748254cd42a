//! What the trust of roles says: whom it names, which accounts it leaves to their own policies, and which services and providers.

use std::collections::{BTreeSet, HashMap};

use crate::aws::access::Access;
use crate::aws::account::{Identity, IdentityKind, index};
use crate::aws::arn::Arn;
use crate::aws::attack::Place;
use crate::aws::attack_build::{Builder, List};
use crate::aws::policy::{Document, Effect, Named, Statement};
use crate::aws::request::{Caller, Request, same_service};
use crate::aws::rights::Target;
use crate::aws::techniques::{PASSINGS, Technique};
use crate::aws::truth::{Decision, Truth};

const ASSUME: &str = "sts:assumerole";
const ASSUME_SAML: &str = "sts:assumerolewithsaml";
const ASSUME_WEB: &str = "sts:assumerolewithwebidentity";

/// Issuers of OpenID Connect where anybody gets an account or runs a job, so that only the subject tells people apart.
const OPEN_ISSUERS: [&str; 4] =
    ["token.actions.githubusercontent.com", "gitlab.com", "app.terraform.io", "agent.buildkite.com"];
/// Issuers where anybody gets an identity, but the audience may be an application that lets in only some.
const OPEN_WITH_AUDIENCE: [&str; 4] =
    ["cognito-identity.amazonaws.com", "accounts.google.com", "www.amazon.com", "graph.facebook.com"];

/// What a role's trust says about a caller: by naming him, by naming his account, and against him.
fn judge(access: &Access, role: &Identity, caller: Caller<'_>, action: &str) -> (Truth, Truth) {
    let Some(trust) = role.trust else { return (Truth::No, Truth::No) };
    let request = request(role, caller, action);
    let (mut direct, mut account, mut deny) = (Truth::No, Truth::No, Truth::No);
    for statement in access.statements(trust) {
        let (named, of_account) = request.holds_for_caller(statement);
        match statement.effect {
            Effect::Allow => (direct, account) = (direct.or(named), account.or(of_account)),
            Effect::Deny => deny = deny.or(named).or(of_account),
        }
    }
    (direct.and(deny.not()), account.and(deny.not()))
}

fn request<'a>(role: &'a Identity, caller: Caller<'a>, action: &'a str) -> Request<'a> {
    Request {
        caller,
        action,
        resource: &role.arn,
        resource_account: Some(&role.account),
        resource_tags: Some(&role.tags),
        chosen: &[],
    }
}

/// Whether the trust of a role is for an identity that its own policies allow to assume it.
pub(crate) fn trust_of(access: &Access, role: &Identity, identity: &Identity) -> Truth {
    let (direct, account) = judge(access, role, Caller::Identity(identity), ASSUME);
    direct.or(account)
}

/// Reads trust into the table of steps.
pub(crate) struct Trusting<'b, 'a> {
    builder: &'b mut Builder<'a>,
    ours: BTreeSet<&'a str>,
    /// Roles by account and name: sessions have no path.
    roles: HashMap<(&'a str, &'a str), u32>,
    /// Clusters by the provider of their service accounts.
    clusters: HashMap<String, &'a str>,
}

impl<'b, 'a> Trusting<'b, 'a> {
    pub(crate) fn of(builder: &'b mut Builder<'a>) -> Self {
        let (access, account) = (builder.access, builder.account);
        let all = access.identities.all.iter();
        let ours = all.clone().map(|identity| identity.account.as_str()).collect();
        let roles = all.enumerate().filter(|(_, identity)| identity.kind == IdentityKind::Role);
        let roles = roles
            .map(|(number, role)| ((role.account.as_str(), role.name.as_str()), index(number)))
            .collect();
        let clusters = account.of_kind("aws:eks:cluster").filter_map(|cluster| {
            let issuer = cluster.text(&["identity", "oidc", "issuer"])?;
            Some((issuer.trim_start_matches("https://").to_owned(), cluster.id.as_str()))
        });
        Self { clusters: clusters.collect(), builder, ours, roles }
    }

    pub(crate) fn all(&mut self) {
        let access = self.builder.access;
        for (number, role) in (0_u32..).zip(&access.identities.all) {
            let Some(document) = role.trust.and_then(|trust| access.identities.document(trust)) else {
                continue;
            };
            self.assumed(number, role, &document.document);
            self.passed(number, role);
            for statement in document.document.statements.iter().filter(|one| one.effect == Effect::Allow) {
                self.federated(number, role, statement);
            }
        }
    }

    fn assumed(&mut self, number: u32, role: &Identity, trust: &Document) {
        let allows =
            |statement: &&Statement| statement.effect == Effect::Allow && statement.has_action(ASSUME);
        let (mut accounts, mut identities) = (BTreeSet::new(), BTreeSet::new());
        let mut others: BTreeSet<&str> = BTreeSet::new();
        let mut anyone = false;
        for statement in trust.statements.iter().filter(allows) {
            anyone |= statement.not_principal;
            for named in statement.principals.iter().filter(|_| !statement.not_principal) {
                match named {
                    Named::Anyone => anyone = true,
                    Named::Account(account) if self.ours.contains(account.as_str()) => {
                        _ = accounts.insert(account.as_str())
                    }
                    Named::Account(account) => _ = others.insert(account),
                    Named::Arn(arn) => match self.builder.access.identities.find(arn) {
                        Some((identity, _)) => _ = identities.insert(identity),
                        None => others.extend(Arn::of(arn).map(|arn| arn.account)),
                    },
                    Named::Session(account, name) => {
                        match self.roles.get(&(account.as_str(), name.as_str())) {
                            Some(identity) => _ = identities.insert(*identity),
                            None => _ = others.insert(account),
                        }
                    }
                    _ => {}
                }
            }
        }
        if anyone {
            accounts.extend(self.ours.iter().copied());
            let internet = self.builder.outside(Place::Internet);
            let (truth, _) = judge(self.builder.access, role, Caller::Anyone, ASSUME);
            self.builder.join(internet, Technique::AssumeRole, number, truth);
        }
        // Deleted users and roles of one's own accounts are nobody.
        for account in
            others.into_iter().filter(|account| !self.ours.contains(account) && !account.is_empty())
        {
            let place = self.builder.outside(Place::Account { account: account.to_owned() });
            let (direct, whole) = judge(self.builder.access, role, Caller::Account(account), ASSUME);
            self.builder.join(place, Technique::AssumeRole, number, direct.or(whole));
        }
        for identity in identities {
            self.named(number, role, identity);
        }
        self.by_account(number, role, trust, &accounts);
    }

    /// Roles of an account that is trusted as a whole: whom its policies allow can assume them.
    fn by_account(&mut self, number: u32, role: &Identity, trust: &Document, accounts: &BTreeSet<&str>) {
        let personal = trust.statements.iter().any(|statement| {
            let keys = statement.conditions.iter().map(|condition| condition.key.as_str());
            let mut keys = keys.filter(|key| key.starts_with("aws:principal") || key.starts_with("aws:user"));
            statement.effect == Effect::Deny || statement.not_principal || keys.next().is_some()
        });
        for account in accounts {
            let (direct, whole) = judge(self.builder.access, role, Caller::Account(account), ASSUME);
            let truth = if personal { Truth::Yes } else { direct.or(whole) };
            let list = if personal { List::TrustingSome } else { List::Trusting };
            let target =
                Target { place: number, arn: role.arn.clone(), truth, tags: Some(role.tags.clone()) };
            self.builder.lists.add(list((*account).to_owned()), target);
        }
    }

    fn named(&mut self, number: u32, role: &Identity, identity: u32) {
        let access = self.builder.access;
        let Some(caller) = access.identities.get(identity).filter(|_| identity != number) else { return };
        let answer = access.answer(&request(role, Caller::Identity(caller), ASSUME));
        let truth = match answer.decision {
            Decision::Allowed => Truth::Yes,
            Decision::Possible => Truth::Maybe,
            Decision::Denied => return,
        };
        self.builder.join(identity, Technique::AssumeRole, number, truth);
        self.builder.named.entry(identity).or_default().push(number);
    }

    /// Services that the role can be passed to.
    fn passed(&mut self, number: u32, role: &Identity) {
        if role.is_of_service() {
            return;
        }
        let services: BTreeSet<&str> = PASSINGS.iter().map(|passing| passing.service).collect();
        let trust = role.trust.map_or(&[][..], |trust| self.builder.access.statements(trust));
        for service in services {
            let names = |statement: &Statement| {
                let mut principals = statement.principals.iter();
                principals.any(|named| matches!(named, Named::Service(own) if same_service(own, service)))
            };
            if !trust.iter().any(names) {
                continue;
            }
            let (truth, _) = judge(self.builder.access, role, Caller::Service(service), ASSUME);
            let target =
                Target { place: number, arn: role.arn.clone(), truth, tags: Some(role.tags.clone()) };
            let list = List::Passed(role.account.clone(), service);
            if truth != Truth::No {
                self.builder.lists.add(list, target);
            }
        }
    }

    fn federated(&mut self, number: u32, role: &Identity, statement: &Statement) {
        let providers = statement.principals.iter().filter_map(|named| match named {
            Named::Federated(provider) => Some(provider.as_str()),
            _ => None,
        });
        for provider in providers {
            let (technique, action) = if provider.contains(":saml-provider/") {
                (Technique::AssumeRoleWithSaml, ASSUME_SAML)
            } else {
                (Technique::AssumeRoleWithWebIdentity, ASSUME_WEB)
            };
            if !statement.has_action(action) {
                continue;
            }
            let issuer = provider.split_once("oidc-provider/").map_or(provider, |(_, issuer)| issuer);
            let caller = Caller::Federated(provider);
            // Keys of conditions are kept in small letters.
            let words = issuer.to_ascii_lowercase();
            let truth = by_provider(&request(role, caller, action), statement, &words);
            if let Some(cluster) = self.clusters.get(issuer) {
                // Which of its service accounts somebody inside of the cluster has is not known here.
                let cluster = self.builder.place(Place::Resource { id: (*cluster).to_owned() });
                let truth = truth.at_most(Truth::Maybe);
                self.builder.join(cluster, Technique::ServiceAccountRole, number, truth);
                continue;
            }
            let place = self.builder.outside(Place::Provider { arn: provider.to_owned() });
            self.builder.join(place, technique, number, truth);
            let anybody = truth.and(anybody(statement, &words));
            let internet = self.builder.outside(Place::Internet);
            self.builder.join(internet, technique, number, anybody);
        }
    }
}

/// Whether a provider can vouch for somebody so that the conditions hold: those about its own words it fulfils itself.
fn by_provider(request: &Request<'_>, statement: &Statement, issuer: &str) -> Truth {
    let own = |key: &str| {
        key.starts_with("saml:") || key.strip_prefix(issuer).is_some_and(|rest| rest.starts_with(':'))
    };
    let mut statement = statement.clone();
    statement.conditions.retain(|condition| !own(&condition.key));
    let denied = Truth::from(statement.effect == Effect::Deny);
    request.conditions(&statement).and(denied.not())
}

/// Whether anybody of the internet gets the issuer to vouch for him so that the conditions hold.
fn anybody(statement: &Statement, issuer: &str) -> Truth {
    let host = issuer.split('/').next().unwrap_or(issuer);
    let open = match (OPEN_ISSUERS.contains(&host), OPEN_WITH_AUDIENCE.contains(&host)) {
        (true, _) => Truth::Yes,
        (_, true) => Truth::Maybe,
        _ => return Truth::No,
    };
    let claims = statement.conditions.iter().filter_map(|condition| {
        let claim = condition.key.strip_prefix(issuer)?.strip_prefix(':')?;
        Some((claim, condition))
    });
    let narrow = claims.filter(|(claim, condition)| {
        let audience = matches!(*claim, "aud" | "oaud" | "amr");
        !audience && condition.demands_text() && !condition.values.iter().any(|value| is_any_subject(value))
    });
    if narrow.count() == 0 { open } else { Truth::No }
}

/// Whether a subject is of anybody: `*`, `repo:*`, or nothing but such words.
fn is_any_subject(value: &str) -> bool {
    let words = ["repo", "project_path", "organization", "org"];
    value.split([':', '/']).next().is_some_and(|first| first == "*" || words.contains(&first))
        && value.split([':', '/']).find(|word| !words.contains(word)).is_none_or(|word| word == "*")
}
