//! What was collected of one or several accounts, and the identities of them with their policies.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::Gap;
use serde_json::Value;

use crate::aws::arn::{Arn, name};
use crate::aws::policy::Document;
use crate::problem::Problems;
use crate::resource::{Key, Resource, list_in, text_in};

/// Resources of AWS at one time. Of two resources of one id the last one stays.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    pub(crate) resources: BTreeMap<String, Resource>,
    pub(crate) missing: BTreeSet<Gap>,
}

impl Account {
    /// Takes what was collected, of one account or of several, and what could not be.
    #[must_use]
    pub fn of(resources: impl IntoIterator<Item = Resource>, missing: BTreeSet<Gap>) -> Self {
        let aws = resources.into_iter().filter(|resource| resource.kind.starts_with("aws:"));
        let resources = aws.map(|resource| (resource.id.clone(), resource)).collect();
        Self { resources, missing }
    }

    /// Every resource, by id.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.resources.values()
    }

    /// The resource of this id.
    #[must_use]
    pub fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.get(id)
    }

    /// Numbers of the accounts that resources are of.
    #[must_use]
    pub fn accounts(&self) -> BTreeSet<&str> {
        self.resources().filter_map(owner).collect()
    }

    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Resource> + use<'a> {
        self.resources.values().filter(move |resource| resource.kind == kind)
    }
}

/// The account that a resource is of.
pub(crate) fn owner(resource: &Resource) -> Option<&str> {
    let told = resource.text(&["Account"]).filter(|account| !account.is_empty());
    told.or_else(|| Arn::of(&resource.id).map(|arn| arn.account).filter(|account| !account.is_empty()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum IdentityKind {
    User,
    Role,
    /// What members of a group may do as such.
    Group,
}

/// A policy that an identity has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) document: u32,
    /// Index of the group that it comes from.
    pub(crate) group: Option<u32>,
}

/// A user, role or group with its policies.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) arn: String,
    pub(crate) kind: IdentityKind,
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) policies: Vec<Held>,
    /// Of a group: nothing. `None` inside is one that could not be read.
    pub(crate) boundary: Option<Option<u32>>,
    /// Policies that it has and that could not be read.
    pub(crate) unread: BTreeSet<String>,
    /// Of a role: whom it trusts. Nothing is unknown.
    pub(crate) trust: Option<u32>,
    /// Of a user: its groups.
    pub(crate) groups: Vec<String>,
}

impl Identity {
    /// Only the service that it belongs to uses and changes it.
    pub(crate) fn is_of_service(&self) -> bool {
        self.arn.contains(":role/aws-service-role/")
    }

    /// AWS keeps everybody but itself from changing it.
    pub(crate) fn is_protected(&self) -> bool {
        self.is_of_service() || self.arn.contains(":role/aws-reserved/")
    }
}

/// A policy by name.
#[derive(Debug)]
pub(crate) struct Named {
    /// ARN, or for one inside of an identity or resource the id of that.
    pub(crate) holder: String,
    /// Name inside of the holder.
    pub(crate) inline: Option<String>,
    pub(crate) document: Document,
}

/// Policy of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attached {
    None,
    Unknown,
    Document(u32),
}

/// Identities and policies.
#[derive(Debug)]
pub(crate) struct Identities {
    pub(crate) documents: Vec<Named>,
    /// Sorted by ARN.
    pub(crate) all: Vec<Identity>,
    pub(crate) by_arn: HashMap<String, u32>,
    /// Policies by ARN; nothing for those that could not be read.
    pub(crate) managed: HashMap<String, Option<u32>>,
    pub(crate) problems: Problems,
}

/// An index; there are fewer resources than that.
pub(crate) fn index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Identities {
    pub(crate) fn of(account: &Account) -> Self {
        let mut identities = Self {
            documents: Vec::new(),
            all: Vec::new(),
            by_arn: HashMap::new(),
            managed: HashMap::new(),
            problems: Problems::default(),
        };
        for policy in account.of_kind("aws:iam:policy") {
            let read = identities.read(&policy.id, None, policy.body.get("Document"));
            identities.managed.insert(policy.id.clone(), read);
        }
        for resource in account.resources() {
            let kind = match resource.kind.as_str() {
                "aws:iam:user" => IdentityKind::User,
                "aws:iam:role" => IdentityKind::Role,
                "aws:iam:group" => IdentityKind::Group,
                _ => continue,
            };
            let identity = identities.identity(resource, kind);
            identities.by_arn.insert(resource.id.clone(), index(identities.all.len()));
            identities.all.push(identity);
        }
        identities.join_groups();
        identities
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Identity> {
        self.all.get(number as usize)
    }

    pub(crate) fn find(&self, arn: &str) -> Option<(u32, &Identity)> {
        let number = *self.by_arn.get(arn)?;
        Some((number, self.get(number)?))
    }

    pub(crate) fn document(&self, number: u32) -> Option<&Named> {
        self.documents.get(number as usize)
    }

    fn read(&mut self, holder: &str, inline: Option<&str>, document: Option<&Value>) -> Option<u32> {
        let document = match document.map(Document::of) {
            Some(Ok(document)) => document,
            Some(Err(error)) => {
                self.problems.add(holder, format!("{error}; what it says counts as unknown"));
                return None;
            }
            None => return None,
        };
        let number = index(self.documents.len());
        let (holder, inline) = (holder.to_owned(), inline.map(str::to_owned));
        self.documents.push(Named { holder, inline, document });
        Some(number)
    }

    /// A managed policy; `AdministratorAccess` is known where its document is not.
    fn managed(&mut self, arn: &str) -> Option<u32> {
        if let Some(known) = self.managed.get(arn) {
            return *known;
        }
        let known = arn.ends_with(":iam::aws:policy/AdministratorAccess").then(|| {
            let number = index(self.documents.len());
            let document = Document::everything();
            self.documents.push(Named { holder: arn.to_owned(), inline: None, document });
            number
        });
        self.managed.insert(arn.to_owned(), known);
        known
    }

    fn identity(&mut self, resource: &Resource, kind: IdentityKind) -> Identity {
        let (inline, own_name) = match kind {
            IdentityKind::User => ("UserPolicyList", "UserName"),
            IdentityKind::Role => ("RolePolicyList", "RoleName"),
            IdentityKind::Group => ("GroupPolicyList", "GroupName"),
        };
        let mut identity = Identity {
            arn: resource.id.clone(),
            kind,
            name: resource.text(&[own_name]).unwrap_or_else(|| name(&resource.id)).to_owned(),
            account: owner(resource).unwrap_or_default().to_owned(),
            tags: resource.tags().unwrap_or_default(),
            policies: Vec::new(),
            boundary: None,
            unread: resource.unknown().filter(|key| *key != "Credentials").map(str::to_owned).collect(),
            trust: None,
            groups: resource
                .list(&["GroupList"])
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        };
        for policy in resource.list(&[inline]) {
            let inline = text_in(policy, &["PolicyName"]).unwrap_or_default();
            match self.read(&resource.id, Some(inline), policy.get("PolicyDocument")) {
                Some(document) => identity.policies.push(Held { document, group: None }),
                None => _ = identity.unread.insert(inline.to_owned()),
            }
        }
        for policy in resource.list(&["AttachedManagedPolicies"]) {
            let Some(arn) = text_in(policy, &["PolicyArn"]) else { continue };
            match self.managed(arn) {
                Some(document) => identity.policies.push(Held { document, group: None }),
                None => _ = identity.unread.insert(arn.to_owned()),
            }
        }
        if let Some(boundary) = resource.at(&["PermissionsBoundary"]) {
            let arn = text_in(boundary, &["PermissionsBoundaryArn"]);
            identity.boundary = Some(arn.and_then(|arn| self.managed(arn)));
        }
        if kind == IdentityKind::Role {
            let trust = resource.body.get("AssumeRolePolicyDocument");
            identity.trust = self.read(&resource.id, Some("AssumeRolePolicyDocument"), trust);
        }
        identity
    }

    /// Gives users what their groups have.
    fn join_groups(&mut self) {
        let groups = self.all.iter().enumerate().filter(|(_, group)| group.kind == IdentityKind::Group);
        let by_name: HashMap<(String, String), usize> =
            groups.map(|(number, group)| ((group.account.clone(), group.name.clone()), number)).collect();
        for number in 0..self.all.len() {
            let Some(user) = self.all.get(number).filter(|user| user.kind == IdentityKind::User) else {
                continue;
            };
            let (mut more, mut unread, mut groups) = (Vec::new(), Vec::new(), Vec::new());
            for group in &user.groups {
                let at = by_name.get(&(user.account.clone(), group.clone()));
                let Some((at, group)) = at.and_then(|at| Some((*at, self.all.get(*at)?))) else {
                    unread.push(format!("group {group}"));
                    continue;
                };
                let held = |held: &Held| Held { document: held.document, group: Some(index(at)) };
                more.extend(group.policies.iter().map(held));
                unread.extend(group.unread.iter().cloned());
                groups.push(group.arn.clone());
            }
            let Some(user) = self.all.get_mut(number) else { continue };
            user.policies.extend(more);
            user.unread.extend(unread);
            user.groups = groups;
        }
    }

    /// Reads the policies of resources, by id.
    pub(crate) fn attached(&mut self, account: &Account) -> HashMap<String, Attached> {
        let mut found = HashMap::new();
        for resource in account.resources() {
            let key = match resource.kind.as_str() {
                "aws:s3:bucket"
                | "aws:efs:file-system"
                | "aws:lambda:function"
                | "aws:ecr:repository"
                | "aws:sns:topic"
                | "aws:sqs:queue"
                | "aws:kms:key"
                | "aws:secretsmanager:secret" => "Policy",
                "aws:opensearch:domain" => "AccessPolicies",
                "aws:apigateway:rest-api" => "policy",
                _ => continue,
            };
            let attached = match resource.key(key) {
                // Lists give these two along: where they are not, there is none.
                Key::Unknown if key != "Policy" && !resource.unknown().any(|name| name == key) => {
                    Attached::None
                }
                Key::None => Attached::None,
                Key::Unknown => Attached::Unknown,
                Key::Value(document) => self
                    .read(&resource.id, Some(key), Some(document))
                    .map_or(Attached::Unknown, Attached::Document),
            };
            found.insert(resource.id.clone(), attached);
        }
        found
    }
}

/// Groups of security of a resource, wherever its kind has them.
pub(crate) fn texts(values: &[Value]) -> Vec<&str> {
    values.iter().filter_map(Value::as_str).collect()
}

/// Texts of one key in a list of objects.
pub(crate) fn texts_of<'a>(value: &'a Value, list: &[&str], key: &str) -> Vec<&'a str> {
    list_in(value, list).iter().filter_map(|element| text_in(element, &[key])).collect()
}
