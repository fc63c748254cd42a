//! Questions to the graphs of cloud accounts.

use axum::Json;
use axum::extract::State;
use cloud::aws::{AttackPath, Certainty, Decision, Goal, Limits, Sources};
use model::AssetId;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use super::clusters::LimitParams;
use crate::app::App;
use crate::auth::Caller;
use crate::dto::{
    AccountAdministrator, AccountAttackAnswer, AccountExposureAnswer, AccountWhoCanAnswer, UnusedRightsAnswer,
};
use crate::extract::{Path, Query, Text};
use crate::problem::Problem;
use crate::snapshots::{Account, Loaded, ask};

/// Choke points told.
const CHOKE_POINTS: usize = 10;
/// Administrators told.
const ADMINISTRATORS_MAX: usize = 500;
/// Policies that could not be read, told by name.
const PROBLEMS_TOLD: usize = 20;

/// What answers about an account do not know of: what was not collected, and policies that are none.
fn unknown(account: &Account) -> Vec<String> {
    let mut unknown = account.account.unknown();
    let (problems, count) = (account.access().problems(), account.access().problem_count());
    let told = problems.iter().take(PROBLEMS_TOLD);
    unknown.extend(told.map(|problem| format!("{}: {}", problem.resource, problem.what)));
    let rest = count.saturating_sub(PROBLEMS_TOLD);
    if rest > 0 {
        unknown.push(format!("{rest} more policies could not be read"));
    }
    unknown
}

/// What the internet gets to in an account
///
/// Resources that a public address, a load balancer, an endpoint or a policy opens a door to, each way with the resources that prove it
/// and the rules that decide.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{id}/exposure",
    operation_id = "get_account_exposure",
    tag = "accounts",
    params(("id" = String, Path, description = "Id of the account, such as `account:prod`."), LimitParams),
    responses((status = 200, description = "Resources with doors.", body = AccountExposureAnswer))
)]
pub(crate) async fn exposure(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params, _): Query<LimitParams>,
) -> Result<Json<AccountExposureAnswer>, Problem> {
    let limit = params.limit();
    let answer = ask(&app, &caller.tenant, AssetId(id), move |loaded: &Loaded<Account>| {
        let found = loaded.scope.exposure();
        let mut resources: Vec<_> = found.resources.iter().collect();
        resources.sort_by_key(|exposed| exposed.verdict);
        AccountExposureAnswer {
            total: resources.len(),
            resources: resources.into_iter().take(limit).cloned().collect(),
            truncated: found.truncated,
            unknown: unknown(&loaded.scope),
        }
    });
    Ok(Json(answer.await?))
}

/// Where paths begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AccountFrom)]
pub(crate) enum From {
    /// With the internet, other accounts, and providers of identities.
    Outside,
    /// With those, and with every user, role and exposed resource.
    #[default]
    All,
}

/// Where a path may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AccountGoalWord)]
pub(crate) enum GoalWord {
    /// Every right in an account.
    Administrator,
    /// A role that may do everything with a service whose data or rights matter.
    PrivilegedRole,
    /// Data that anybody can read.
    PublicData,
}

impl GoalWord {
    fn is(self, goal: Goal) -> bool {
        goal == match self {
            Self::Administrator => Goal::Administrator,
            Self::PrivilegedRole => Goal::PrivilegedRole,
            Self::PublicData => Goal::PublicData,
        }
    }
}

/// Which identity paths.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AttackParams {
    /// `outside`: from the internet, other accounts and providers of identities; `all`: from every user, role and exposed resource too.
    #[serde(default)]
    #[param(inline, required = false)]
    from: From,
    /// From the identity or resource of this id alone.
    #[param(value_type = Option<String>, max_length = 1024, example = "arn:aws:iam::123456789012:user/ann")]
    source: Option<Text>,
    /// To this goal alone: `administrator`, `privileged-role`, `public-data`.
    #[param(inline)]
    goal: Option<GoalWord>,
}

/// Who can become whom
///
/// Shortest paths from outside, from users, roles and exposed resources to every right, a privileged role or public data, each step with
/// the statements that allow it; and the steps whose removal ends most of them.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{id}/attack-paths",
    operation_id = "get_account_attack_paths",
    tag = "accounts",
    params(
        ("id" = String, Path, description = "Id of the account, such as `account:prod`."), AttackParams, LimitParams
    ),
    responses((status = 200, description = "Paths, the gravest first.", body = AccountAttackAnswer))
)]
pub(crate) async fn attack_paths(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params, limit): Query<AttackParams, LimitParams>,
) -> Result<Json<AccountAttackAnswer>, Problem> {
    let question = move |loaded: &Loaded<Account>| attack(&loaded.scope, &params, limit.limit());
    Ok(Json(ask(&app, &caller.tenant, AssetId(id), question).await?))
}

fn attack(account: &Account, params: &AttackParams, limit: usize) -> AccountAttackAnswer {
    let attack = account.attack();
    let sources = match (&params.source, params.from) {
        (Some(id), _) => Sources::Asset(&id.0),
        (None, From::Outside) => Sources::Outside,
        (None, From::All) => Sources::All,
    };
    let mut found = attack.paths(sources, &Limits::default());
    found.paths.retain(|path| params.goal.is_none_or(|goal| goal.is(path.goal)));
    found.paths.sort_by_key(|path: &AttackPath| (path.goal, path.certainty, path.steps.len()));
    let total = found.paths.len();
    found.paths.truncate(limit);
    let administrator = |(arn, certainty): &(String, Certainty)| AccountAdministrator {
        arn: arn.clone(),
        certainty: *certainty,
    };
    let choke_points = account.choke_points(CHOKE_POINTS).iter().filter(|point| point.cuts > 0);
    AccountAttackAnswer {
        total,
        sources: found.sources,
        truncated: found.truncated,
        paths: found.paths,
        administrators: attack.administrators().iter().take(ADMINISTRATORS_MAX).map(administrator).collect(),
        choke_points: choke_points.cloned().collect(),
        unknown: unknown(account),
    }
}

/// What somebody would do.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhoCanParams {
    /// Action, such as `s3:GetObject`.
    #[param(value_type = String, max_length = 1024, example = "s3:GetObject")]
    action: Text,
    /// ARN of the resource; `*` for an action that is about none.
    #[param(value_type = String, max_length = 1024, example = "arn:aws:s3:::invoices/2026")]
    resource: Text,
}

/// Who can do something in an account
///
/// Users, roles and outsiders whom policies of identities and of the resource allow it, each with the statements that decide. What
/// depends on a condition, or on a policy that was not collected, is `possible`, and says on what.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{id}/who-can",
    operation_id = "get_account_who_can",
    tag = "accounts",
    params(
        ("id" = String, Path, description = "Id of the account, such as `account:prod`."), WhoCanParams, LimitParams
    ),
    responses((status = 200, description = "Who can.", body = AccountWhoCanAnswer))
)]
pub(crate) async fn who_can(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params, limit): Query<WhoCanParams, LimitParams>,
) -> Result<Json<AccountWhoCanAnswer>, Problem> {
    let answer = ask(&app, &caller.tenant, AssetId(id), move |loaded: &Loaded<Account>| {
        let mut holders = loaded.scope.access().who_can(&params.action.0, &params.resource.0);
        holders.sort_by_key(|holder| holder.answer.decision != Decision::Allowed);
        let total = holders.len();
        holders.truncate(limit.limit());
        AccountWhoCanAnswer { holders, total, unknown: unknown(&loaded.scope) }
    });
    Ok(Json(answer.await?))
}

/// Days without use: AWS remembers 400.
#[derive(Debug, Clone, Copy)]
struct Days(u32);

impl Days {
    const MAX: u32 = 400;
}

impl Default for Days {
    fn default() -> Self {
        Self(90)
    }
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days =
            String::deserialize(deserializer)?.parse().ok().filter(|days| (1..=Self::MAX).contains(days));
        let wrong = || serde::de::Error::custom(format!("must be a number from 1 to {}", Self::MAX));
        days.map(Self).ok_or_else(wrong)
    }
}

/// After which time something counts as unused.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UnusedParams {
    /// Days without use up to the time of the scan.
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 400, default = 90)]
    days: Days,
}

/// Rights that nobody uses
///
/// Users, roles, passwords and access keys by when AWS last saw them. What was made since then is left out, and what belongs to services
/// of AWS.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{id}/unused-rights",
    operation_id = "get_account_unused_rights",
    tag = "accounts",
    params(
        ("id" = String, Path, description = "Id of the account, such as `account:prod`."), UnusedParams, LimitParams
    ),
    responses((status = 200, description = "What is not used.", body = UnusedRightsAnswer))
)]
pub(crate) async fn unused_rights(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params, limit): Query<UnusedParams, LimitParams>,
) -> Result<Json<UnusedRightsAnswer>, Problem> {
    let answer = ask(&app, &caller.tenant, AssetId(id), move |loaded: &Loaded<Account>| {
        let Loaded { scope, at, .. } = loaded;
        let mut items = scope.account.unused(scope.access(), *at, i64::from(params.days.0));
        items.sort_by_key(|unused| (!unused.privileged, std::cmp::Reverse(unused.days)));
        let total = items.len();
        items.truncate(limit.limit());
        UnusedRightsAnswer { items, total, days: params.days.0, at: *at, unknown: unknown(scope) }
    });
    Ok(Json(answer.await?))
}
