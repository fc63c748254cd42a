//! Resources of clusters and cloud accounts.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use model::{AssetId, TenantId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{Neighbour, Page, ResourceDetail, ResourceFacets, ResourceRow, Sensor};
use crate::extract::{ExposureWord, KindWord, List, Nothing, PageParams, Path, Query, Text};
use crate::problem::Problem;
use crate::snapshots::{Account, Cluster, Kept, Loaded, ask};

use super::sources::SILENT_AFTER;

/// Neighbours shown in each direction.
const NEIGHBOURS_SHOWN: usize = 200;

/// Which resources. Parameters narrow each other down; the values inside one widen it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ResourceParams {
    /// Id of a cluster or account.
    #[param(value_type = Option<String>, max_length = 1024)]
    scope: Option<Text>,
    /// Kinds, separated by commas, such as `Deployment.apps`.
    #[param(value_type = Option<String>, max_length = 1024, example = "Deployment.apps,Pod")]
    kind: Option<List<KindWord>>,
    /// Exact namespace or region.
    #[param(value_type = Option<String>, max_length = 1024)]
    namespace: Option<Text>,
    /// Words for exposure, separated by commas: `open`, `possible`, `filtered`, `internal`.
    #[param(value_type = Option<String>, pattern = "^(open|possible|filtered|internal)(,(open|possible|filtered|internal)){0,31}$", example = "open,possible")]
    exposure: Option<List<ExposureWord>>,
    /// A text that occurs in the path or kind.
    #[param(value_type = Option<String>, max_length = 1024)]
    q: Option<Text>,
}

impl From<ResourceParams> for store::ResourceFilter {
    fn from(params: ResourceParams) -> Self {
        Self {
            scope: params.scope.map(|text| AssetId(text.0)),
            kinds: params.kind.unwrap_or_default().0.into_iter().map(|kind| kind.0).collect(),
            namespace: params.namespace.map(|text| text.0),
            exposures: params.exposure.unwrap_or_default().0.iter().map(|word| word.0.to_owned()).collect(),
            text: params.q.map(|text| text.0),
        }
    }
}

/// List resources
///
/// Everything in the clusters and accounts that were scanned; those with the worst findings first.
#[utoipa::path(
    get,
    path = "/api/v1/inventory",
    operation_id = "list_resources",
    tag = "inventory",
    params(ResourceParams, PageParams),
    responses((status = 200, description = "A page of resources.", body = Page<ResourceRow>))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(filter, page): Query<ResourceParams, PageParams>,
) -> Result<Json<Page<ResourceRow>>, Problem> {
    let page = app.store.resources(&caller.tenant, &filter.into(), &page.into()).await?;
    Ok(Json(Page::of(page)))
}

/// Count resources
///
/// How many resources the same filter gives for each value it can be narrowed down by.
#[utoipa::path(
    get,
    path = "/api/v1/inventory/facets",
    operation_id = "count_resources",
    tag = "inventory",
    params(ResourceParams),
    responses((status = 200, description = "Counts by value.", body = ResourceFacets))
)]
pub(crate) async fn facets(
    State(app): State<App>,
    caller: Caller,
    Query(filter, _): Query<ResourceParams>,
) -> Result<Json<ResourceFacets>, Problem> {
    Ok(Json(app.store.resource_facets(&caller.tenant, &filter.into()).await?.into()))
}

/// Get a resource
///
/// What is known of it, and what it is joined to.
#[utoipa::path(
    get,
    path = "/api/v1/inventory/{id}",
    operation_id = "get_resource",
    tag = "inventory",
    params(("id" = String, Path, description = "Canonical id, with `/` written `%2F`.")),
    responses((status = 200, description = "The resource.", body = ResourceDetail))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<ResourceDetail>, Problem> {
    let found = app.store.resource(&caller.tenant, &id).await?.ok_or_else(not_found)?;
    let attributes = found.attributes.clone();
    let row = ResourceRow::from(found);
    let scope = row.scope.clone();
    let (neighbours, neighbours_truncated) = if scope.0.starts_with(Cluster::PREFIX) {
        let question = move |loaded: &Loaded<Cluster>| {
            let prefix = format!("k8s:{}/", loaded.scope.snapshot.cluster());
            around(loaded, &id, &prefix)
        };
        ask(&app, &caller.tenant, scope, question).await?
    } else if scope.0.starts_with(Account::PREFIX) {
        // Resources of accounts have ids that are paths at the same time.
        ask(&app, &caller.tenant, scope, move |loaded: &Loaded<Account>| around(loaded, &id, "")).await?
    } else {
        (Vec::new(), false)
    };
    let sensors = watching(&app, &caller.tenant, &row.id, &neighbours).await?;
    Ok(Json(ResourceDetail { row, attributes, neighbours, neighbours_truncated, sensors }))
}

/// The sensors of the machines that a resource is or runs on.
async fn watching(
    app: &App,
    tenant: &TenantId,
    id: &str,
    neighbours: &[Neighbour],
) -> Result<Vec<Sensor>, Problem> {
    let ids = std::iter::once(id).chain(neighbours.iter().map(|neighbour| neighbour.id.as_str()));
    let machines: BTreeSet<(&str, &str)> = ids.filter_map(machine).collect();
    if machines.is_empty() {
        return Ok(Vec::new());
    }
    let sources = app.store.sources(tenant).await?;
    let cluster = |name: &str| {
        sources.iter().find(|source| source.name == name).and_then(|source| source.cluster.as_deref())
    };
    let all = app.store.sensors(tenant, Timestamp::now(), SILENT_AFTER).await?;
    let watches = |sensor: &store::Sensor| {
        cluster(&sensor.source).is_some_and(|cluster| machines.contains(&(cluster, sensor.sensor.as_str())))
    };
    Ok(all.into_iter().filter(watches).map(Sensor::from).collect())
}

/// Cluster and name of a machine of Kubernetes, by its canonical id.
fn machine(id: &str) -> Option<(&str, &str)> {
    let (rest, name) = id.rsplit_once('/')?;
    Some((rest.strip_suffix("/core/Node/-")?.strip_prefix("k8s:")?, name))
}

fn around<S: Kept>(loaded: &Loaded<S>, id: &str, prefix: &str) -> (Vec<Neighbour>, bool) {
    let (found, more) = loaded.graph().around(id, NEIGHBOURS_SHOWN);
    let path = |id: &str| {
        let path = id.strip_prefix(prefix).or_else(|| id.strip_prefix("image:"));
        path.unwrap_or(id).to_owned()
    };
    let neighbour =
        |(edge, id): (&str, &str)| Neighbour { edge: edge.to_owned(), id: id.to_owned(), path: path(id) };
    (found.into_iter().map(neighbour).collect(), more)
}

fn not_found() -> Problem {
    Problem::new(Code::ResourceNotFound, "No resource has this id.").hint("List them at /api/v1/inventory.")
}
