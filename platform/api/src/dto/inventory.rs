//! Resources of clusters and cloud accounts.

use jiff::Timestamp;
use model::AssetId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Facet, Sensor, SeverityCounts};

/// A resource as a row of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ResourceRow {
    /// Canonical id.
    pub id: String,
    /// Cluster or account that it is part of.
    pub scope: AssetId,
    /// Path in it, as findings name it: `group/Kind/namespace/name`.
    pub path: String,
    /// Kind, such as `Deployment.apps` or `aws:s3:bucket`.
    pub kind: String,
    /// Namespace or region; empty for none.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Whether the internet gets to it: `open`, `possible`, `filtered`, `internal`; empty where that is no question.
    pub exposure: String,
    /// What its newest scan found on it, by severity.
    pub findings: SeverityCounts,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
}

impl From<store::Resource> for ResourceRow {
    fn from(resource: store::Resource) -> Self {
        Self {
            id: resource.id,
            scope: resource.scope,
            path: resource.path,
            kind: resource.kind,
            namespace: resource.namespace,
            name: resource.name,
            exposure: resource.exposure,
            findings: resource.findings.into(),
            first_seen_at: resource.first_seen_at,
        }
    }
}

/// A resource that another one is joined to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Neighbour {
    /// How, read from the first to the second: `uses`, `exposed-by`, …
    #[schema(example = "uses")]
    pub edge: String,
    /// Canonical id; `image:REFERENCE` for an image.
    pub id: String,
    /// Path in its scope, or the reference of an image.
    pub path: String,
}

/// A resource in full.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ResourceDetail {
    /// The row of the list.
    #[serde(flatten)]
    pub row: ResourceRow,
    /// What else is known of it: labels, annotations, facts.
    #[schema(value_type = Object)]
    pub attributes: Value,
    /// What it is joined to, at most 200 in each direction.
    pub neighbours: Vec<Neighbour>,
    /// There are more than that.
    pub neighbours_truncated: bool,
    /// The sensors of the machines that it runs on, and whether they see: what they have lost there nobody has seen. Of a machine itself its
    /// own; empty for what runs on none, and where no source of events names the cluster.
    pub sensors: Vec<Sensor>,
}

/// How the resources of a filter divide.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ResourceFacets {
    /// Resources under the whole filter.
    pub matching: u64,
    /// By kind.
    pub kind: Vec<Facet>,
    /// By namespace.
    pub namespace: Vec<Facet>,
    /// By exposure.
    pub exposure: Vec<Facet>,
}

impl From<store::ResourceFacets> for ResourceFacets {
    fn from(facets: store::ResourceFacets) -> Self {
        let list = |counted: store::Counted| {
            counted.into_iter().map(|(value, count)| Facet { label: None, value, count }).collect()
        };
        Self {
            matching: facets.matching,
            kind: list(facets.kind),
            namespace: list(facets.namespace),
            exposure: list(facets.exposure),
        }
    }
}
