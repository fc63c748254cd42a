//! Clusters, and questions to their graphs.

use axum::Json;
use axum::extract::State;
use cluster::{Goal, Limits, Request, Sources};
use model::AssetId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::dto::{AttackAnswer, Clusters, ExposureAnswer, Follower, WhoCanAnswer};
use crate::extract::{Limit, Nothing, Path, Query, Text};
use crate::problem::Problem;
use crate::snapshots::{Cluster, Loaded, ask};

/// Choke points told.
const CHOKE_POINTS: usize = 10;

/// List clusters
///
/// Clusters and accounts whose resources are known, by name; and how following those goes that are followed.
#[utoipa::path(
    get,
    path = "/api/v1/clusters",
    operation_id = "list_clusters",
    tag = "clusters",
    responses((status = 200, description = "All of them.", body = Clusters))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(..): Query<Nothing>,
) -> Result<Json<Clusters>, Problem> {
    let scopes = app.store.scopes(&caller.tenant).await?;
    let now = jiff::Timestamp::now();
    let followers = app.store.followers(&caller.tenant).await?;
    let followers = followers.into_iter().map(|follower| Follower::of(follower, now)).collect();
    Ok(Json(Clusters { items: scopes.into_iter().map(Into::into).collect(), followers }))
}

/// How many answers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LimitParams {
    /// Most answers to return.
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 500, default = 50)]
    limit: Limit,
}

impl LimitParams {
    pub(crate) fn limit(&self) -> usize {
        usize::try_from(self.limit.0).unwrap_or(usize::MAX)
    }
}

/// What the internet gets to
///
/// Workloads that objects of the cluster open a door to, each way with the objects that prove it and the policies that decide.
#[utoipa::path(
    get,
    path = "/api/v1/clusters/{id}/exposure",
    operation_id = "get_exposure",
    tag = "clusters",
    params(("id" = String, Path, description = "Id of the cluster."), LimitParams),
    responses((status = 200, description = "Workloads with doors.", body = ExposureAnswer))
)]
pub(crate) async fn exposure(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params, _): Query<LimitParams>,
) -> Result<Json<ExposureAnswer>, Problem> {
    let limit = params.limit();
    let answer = ask(&app, &caller.tenant, AssetId(id), move |loaded: &Loaded<Cluster>| {
        let mut workloads: Vec<_> = loaded.scope.exposure().workloads.iter().collect();
        workloads.sort_by_key(|exposed| exposed.verdict);
        ExposureAnswer {
            total: workloads.len(),
            workloads: workloads.into_iter().take(limit).cloned().collect(),
            unknown: loaded.scope.snapshot.unknown(),
        }
    });
    Ok(Json(answer.await?))
}

/// Where paths begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum From {
    /// In workloads that the internet gets to, or may get to.
    Exposed,
    /// In every workload.
    #[default]
    All,
}

/// Which attack paths.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AttackParams {
    /// `exposed`: from workloads that the internet gets to, or may; `all`: from every workload.
    #[serde(default)]
    #[param(inline, required = false)]
    from: From,
    /// From the workload at this path alone.
    #[param(value_type = Option<String>, max_length = 1024, example = "apps/Deployment/shop/web")]
    workload: Option<Text>,
    /// To this goal alone: `cluster-admin`, `node`, `other-namespace`.
    #[param(inline)]
    goal: Option<GoalWord>,
}

/// Where a path may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GoalWord {
    /// Every right in the cluster.
    ClusterAdmin,
    /// A node.
    Node,
    /// A workload of another namespace.
    OtherNamespace,
}

impl GoalWord {
    fn is(self, goal: Goal) -> bool {
        goal == match self {
            Self::ClusterAdmin => Goal::ClusterAdmin,
            Self::Node => Goal::Node,
            Self::OtherNamespace => Goal::OtherNamespace,
        }
    }
}

/// How far an attacker gets
///
/// Shortest paths from inside of workloads to the whole cluster, a node, or another namespace, each step with what allows it; and the
/// steps whose removal ends most of them.
#[utoipa::path(
    get,
    path = "/api/v1/clusters/{id}/attack-paths",
    operation_id = "get_attack_paths",
    tag = "clusters",
    params(("id" = String, Path, description = "Id of the cluster."), AttackParams, LimitParams),
    responses((status = 200, description = "Paths, the gravest first.", body = AttackAnswer))
)]
pub(crate) async fn attack_paths(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params, limit): Query<AttackParams, LimitParams>,
) -> Result<Json<AttackAnswer>, Problem> {
    let answer = ask(&app, &caller.tenant, AssetId(id), move |loaded| attack(loaded, &params, limit.limit()));
    Ok(Json(answer.await?))
}

fn attack(loaded: &Loaded<Cluster>, params: &AttackParams, limit: usize) -> AttackAnswer {
    let attack = loaded.scope.attack();
    let sources = match (&params.workload, params.from) {
        (Some(path), _) => Sources::Workload(&path.0),
        (None, From::Exposed) => Sources::Exposed(loaded.scope.exposure()),
        (None, From::All) => Sources::All,
    };
    let mut found = attack.paths(sources, &Limits::default());
    found.paths.retain(|path| params.goal.is_none_or(|goal| goal.is(path.goal)));
    found.paths.sort_by_key(|path| (path.goal, path.steps.len()));
    let total = found.paths.len();
    found.paths.truncate(limit);
    let choke_points: Vec<_> =
        attack.choke_points(CHOKE_POINTS).into_iter().filter(|point| point.cuts > 0).collect();
    AttackAnswer {
        total,
        sources: found.sources,
        paths: found.paths,
        choke_points,
        unknown: loaded.scope.snapshot.unknown(),
    }
}

/// What somebody would do.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhoCanParams {
    /// Verb, such as `get`, `create`, `escalate`.
    #[param(value_type = String, max_length = 1024, example = "get")]
    verb: Text,
    /// Resource in the plural, with a subresource behind `/`; or a path that begins with `/`.
    #[param(value_type = String, max_length = 1024, example = "secrets")]
    resource: Text,
    /// API group; empty for the core group.
    #[param(value_type = Option<String>, max_length = 1024)]
    group: Option<Text>,
    /// In this namespace; in all without it.
    #[param(value_type = Option<String>, max_length = 1024)]
    namespace: Option<Text>,
    /// On the object of this name.
    #[param(value_type = Option<String>, max_length = 1024)]
    name: Option<Text>,
}

/// Who can do something
///
/// By the roles and bindings of the cluster, each holder with a proof.
#[utoipa::path(
    get,
    path = "/api/v1/clusters/{id}/who-can",
    operation_id = "get_who_can",
    tag = "clusters",
    params(("id" = String, Path, description = "Id of the cluster."), WhoCanParams, LimitParams),
    responses((status = 200, description = "Who can.", body = WhoCanAnswer))
)]
pub(crate) async fn who_can(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params, limit): Query<WhoCanParams, LimitParams>,
) -> Result<Json<WhoCanAnswer>, Problem> {
    let answer = ask(&app, &caller.tenant, AssetId(id), move |loaded: &Loaded<Cluster>| {
        let group = params.group.as_ref().map_or("", |text| &text.0);
        let (verb, resource) = (params.verb.0.as_str(), params.resource.0.as_str());
        let mut request = match resource.starts_with('/') {
            true => Request::url(verb, resource),
            false => Request::resource(verb, group, resource),
        };
        if let Some(namespace) = &params.namespace {
            request = request.within(&namespace.0);
        }
        if let Some(name) = &params.name {
            request = request.named(&name.0);
        }
        let mut holders = loaded.scope.access().who_can(&request);
        let total = holders.len();
        holders.truncate(limit.limit());
        WhoCanAnswer { holders, total, unknown: loaded.scope.snapshot.unknown() }
    });
    Ok(Json(answer.await?))
}
