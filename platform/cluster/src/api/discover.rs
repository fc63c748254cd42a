//! What an API server serves: by its aggregated discovery, and by asking group after group where it has none.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::api::connect::{Connection, Question};
use crate::api::failure::{Cause, Failure, chain, shown};
use crate::api::patience::Pauses;
use crate::id::GroupKind;

/// Largest answer, in bytes. That of a cluster with a thousand definitions has 2 MB.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// What is understood, best first (KEP 3352).
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                      application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Objects of a kind, as they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Group and kind.
    pub kind: GroupKind,
    /// `apps/v1` or `v1`: the version that the server prefers.
    pub api_version: String,
    /// Name in URLs.
    pub plural: String,
    /// Whether its objects are of namespaces.
    pub namespaced: bool,
    /// Whether changes can be watched.
    pub watchable: bool,
}

impl Resource {
    /// Path of its list, of one namespace or of all.
    pub(crate) fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.kind.group.is_empty() { "/api" } else { "/apis" };
        match namespace {
            Some(namespace) => format!("{root}/{}/namespaces/{namespace}/{}", self.api_version, self.plural),
            None => format!("{root}/{}/{}", self.api_version, self.plural),
        }
    }
}

/// What is served of the kinds that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Served {
    pub(crate) resources: BTreeMap<GroupKind, Resource>,
    /// Groups of which nobody knows what is in them, and why.
    pub(crate) unknown: BTreeMap<String, String>,
}

/// Finds these kinds.
pub(crate) async fn discover(
    connection: &Connection,
    kinds: &BTreeSet<GroupKind>,
) -> Result<Served, Failure> {
    let mut served = Served::default();
    for root in ["/api", "/apis"] {
        let answer: Answer = ask(connection, root).await?;
        match answer.kind.as_str() {
            "APIGroupDiscoveryList" => answer.items.iter().for_each(|group| served.group(group, kinds)),
            "APIVersions" => {
                let versions =
                    answer.versions.iter().map(|version| (version.clone(), format!("/api/{version}")));
                served.classic(connection, "", versions.collect(), kinds).await?;
            }
            "APIGroupList" => {
                for group in answer.groups {
                    served.classic(connection, &group.name.clone(), group.versions(), kinds).await?;
                }
            }
            other => {
                let reason =
                    format!("what answers is no Kubernetes API: {root} is of the kind {:?}", shown(other));
                return Err(Failure::new(Cause::Odd, reason));
            }
        }
    }
    Ok(served)
}

async fn ask<T: DeserializeOwned>(connection: &Connection, uri: &str) -> Result<T, Failure> {
    let question = Question { accept: ACCEPT, ..Question::json(uri) };
    let mut pauses = Pauses::new(connection.patience(), &uri);
    let body = loop {
        match connection.answer(&question, BYTES_MAX).await {
            Ok(body) => break body,
            Err(failure) => pauses.wait(failure).await?,
        }
    };
    serde_json::from_slice(&body)
        .map_err(|error| Failure::new(Cause::Odd, format!("{uri} cannot be read: {}", chain(&error))))
}

impl Served {
    fn add(&mut self, resource: Resource, kinds: &BTreeSet<GroupKind>) {
        let segment = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte))
        };
        if kinds.contains(&resource.kind) && segment(&resource.api_version) && segment(&resource.plural) {
            // Versions come best first.
            self.resources.entry(resource.kind.clone()).or_insert(resource);
        }
    }

    fn group(&mut self, group: &Group, kinds: &BTreeSet<GroupKind>) {
        let name = &group.metadata.name;
        for version in &group.versions {
            if version.freshness == "Stale" {
                let reason = format!("the server of {} does not answer", shown(name));
                self.unknown.insert(name.clone(), reason);
            }
            for resource in version.resources.iter().filter(|resource| lists(&resource.verbs)) {
                let resource = Resource {
                    kind: GroupKind::new(name.clone(), resource.response_kind.kind.clone()),
                    api_version: api_version(name, &version.version),
                    plural: resource.resource.clone(),
                    namespaced: resource.scope == "Namespaced",
                    watchable: resource.verbs.iter().any(|verb| verb == "watch"),
                };
                self.add(resource, kinds);
            }
        }
    }

    /// The same from servers before 1.27: a question for every version of a group, until every kind is found.
    async fn classic(
        &mut self,
        connection: &Connection,
        group: &str,
        versions: Vec<(String, String)>,
        kinds: &BTreeSet<GroupKind>,
    ) -> Result<(), Failure> {
        let wanted: Vec<&GroupKind> = kinds.iter().filter(|kind| kind.group == group).collect();
        for (version, uri) in versions {
            if wanted.iter().all(|kind| self.resources.contains_key(kind)) {
                break;
            }
            let answer: ResourceList = match ask(connection, &uri).await {
                Ok(answer) => answer,
                Err(failure) if failure.cause == Cause::Unauthorized => return Err(failure),
                Err(failure) => {
                    self.unknown.insert(group.to_owned(), failure.reason);
                    continue;
                }
            };
            for resource in answer.resources.into_iter().filter(|resource| lists(&resource.verbs)) {
                let resource = Resource {
                    kind: GroupKind::new(group, resource.kind),
                    api_version: api_version(group, &version),
                    plural: resource.name,
                    namespaced: resource.namespaced,
                    watchable: resource.verbs.iter().any(|verb| verb == "watch"),
                };
                self.add(resource, kinds);
            }
        }
        Ok(())
    }
}

fn lists(verbs: &[String]) -> bool {
    verbs.iter().any(|verb| verb == "list")
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// Any of the answers at the two roots.
#[derive(Debug, Deserialize)]
struct Answer {
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    groups: Vec<ClassicGroup>,
}

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default)]
    resources: Vec<AggregatedResource>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AggregatedResource {
    resource: String,
    #[serde(default)]
    response_kind: ResponseKind,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClassicGroup {
    name: String,
    #[serde(default)]
    versions: Vec<ClassicVersion>,
    #[serde(default)]
    preferred_version: Option<ClassicVersion>,
}

impl ClassicGroup {
    /// Versions and where they are described, the preferred one first.
    fn versions(self) -> Vec<(String, String)> {
        let all = self.preferred_version.into_iter().chain(self.versions);
        let mut seen = BTreeSet::new();
        let fresh = all.filter(|version| seen.insert(version.version.clone()));
        fresh.map(|version| (version.version, format!("/apis/{}", version.group_version))).collect()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClassicVersion {
    group_version: String,
    version: String,
}

#[derive(Debug, Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<ClassicResource>,
}

#[derive(Debug, Deserialize)]
struct ClassicResource {
    name: String,
    kind: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
}
