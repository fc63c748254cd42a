//! Findings: list, count, explain.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use model::{AssetId, FindingClass, FindingState, Fingerprint, Severity, Triage};
use serde::Deserialize;
use store::{FindingFilter, FindingQuery, FindingSort, GroupBy, PageRequest};
use utoipa::IntoParams;

use crate::app::{App, Sla};
use crate::auth::Caller;
use crate::code::Code;
use crate::dto::{Facets, FindingDetail, FindingGroups, FindingRow, Page};
use crate::explain::why;
use crate::extract::{List, Nothing, Path, Query, Score, Text};
use crate::problem::Problem;

/// Which findings. Parameters narrow each other down; the values inside one widen it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FindingParams {
    /// Severities, separated by commas: `critical`, `high`, `medium`, `low`, `negligible`, `none`, `unknown`.
    #[param(value_type = Option<String>, pattern = "^(critical|high|medium|low|negligible|none|unknown)(,(critical|high|medium|low|negligible|none|unknown)){0,31}$", example = "critical,high")]
    severity: Option<List<Severity>>,
    /// States, separated by commas: `open`, `fixed`.
    #[param(value_type = Option<String>, pattern = "^(open|fixed)(,(open|fixed)){0,31}$", example = "open")]
    state: Option<List<FindingState>>,
    /// Classes, separated by commas: `vulnerability`, `misconfiguration`, `secret`, `malware`, `license`.
    #[param(value_type = Option<String>, pattern = "^(vulnerability|misconfiguration|secret|malware|license)(,(vulnerability|misconfiguration|secret|malware|license)){0,31}$", example = "vulnerability")]
    class: Option<List<FindingClass>>,
    /// Only those known to be exploited, or only the others.
    kev: Option<bool>,
    /// Only those with a fixed version, or only the others.
    fixable: Option<bool>,
    /// Only those that are kept but do not count, or only the others.
    suppressed: Option<bool>,
    /// Id of an image or directory.
    #[param(value_type = Option<String>, max_length = 1024)]
    asset: Option<Text>,
    /// Exact name of a package.
    #[param(value_type = Option<String>, max_length = 1024)]
    package: Option<Text>,
    /// Exact path of a resource in its cluster or account.
    #[param(value_type = Option<String>, max_length = 1024, example = "apps/Deployment/shop/web")]
    subject: Option<Text>,
    /// Exact id of a rule, such as a CVE.
    #[param(value_type = Option<String>, max_length = 1024, example = "CVE-2024-3094")]
    rule: Option<Text>,
    /// A text that occurs in the rule, the title or the package name.
    #[param(value_type = Option<String>, max_length = 1024)]
    q: Option<Text>,
    /// Where people stand with them, separated by commas: `open`, `reopened`, `acknowledged`, `in-progress`, `accepted`, `false-positive`.
    #[param(value_type = Option<String>, pattern = "^(open|reopened|acknowledged|in-progress|accepted|false-positive)(,(open|reopened|acknowledged|in-progress|accepted|false-positive)){0,31}$", example = "open,reopened")]
    status: Option<List<Triage>>,
    /// A person; `-` for nobody.
    #[param(value_type = Option<String>, max_length = 1024)]
    assignee: Option<Text>,
    /// Exactly this tag.
    #[param(value_type = Option<String>, max_length = 1024)]
    tag: Option<Text>,
    /// Who finds it: `palisade` for scans of our own, or the name of a source of imports.
    #[param(value_type = Option<String>, max_length = 1024, example = "trivy-ci")]
    found_by: Option<Text>,
    /// Only those that are open, count, and should be gone by now.
    #[serde(default)]
    #[param(value_type = bool, required = false, default = false)]
    overdue: bool,
    /// Only those with at least this risk.
    #[param(value_type = Option<u8>, minimum = 0, maximum = 100)]
    risk_min: Option<Score>,
    /// A filter in the language of Palisade, which narrows down further: `severity>=high and (tag:team:web or assignee:dan) not name:*/test*`. Fields:
    /// `severity`, `state`, `status`, `class`, `kev`, `fixable`, `suppressed`, `rule`, `package`, `subject`, `asset`, `name`, `assignee`, `tag`, `found_by`, `text`, `risk`
    /// (0 to 100), `age` (days).
    #[param(value_type = Option<String>, max_length = 4096)]
    filter: Option<String>,
}

/// The order of a list of findings.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
pub(crate) enum Sort {
    /// Worst first.
    #[default]
    #[serde(rename = "severity")]
    Severity,
    /// Highest risk first.
    #[serde(rename = "risk")]
    Risk,
    /// Seen last first.
    #[serde(rename = "-last_seen")]
    LastSeen,
    /// By name of the package.
    #[serde(rename = "package")]
    Package,
}

/// In which order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SortedPageParams {
    /// `severity`: worst first; `risk`: highest first, what is gone last; `-last_seen`: seen last first; `package`: by package name.
    #[serde(default)]
    #[param(inline, required = false)]
    sort: Sort,
    /// The `next` of the page before; absent for the first page. Opaque, and only good for the same order.
    cursor: Option<String>,
    /// Most items to return.
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 500, default = 50)]
    limit: crate::extract::Limit,
}

/// An assignee as the store knows them.
pub(super) fn whose(name: String) -> String {
    if name == "-" { String::new() } else { name }
}

/// A filter of the language.
pub(super) fn query(text: &str, now: Timestamp) -> Result<FindingQuery, Problem> {
    FindingQuery::parse(text, now).map_err(|error| {
        let detail = format!("{error}.");
        Problem::new(Code::InvalidFilter, detail.clone())
            .parameter("filter", &detail)
            .hint("Texts with spaces or commas stand in quotes; the fields are listed beside this parameter in /api/v1/openapi.json.")
    })
}

impl FindingParams {
    pub(super) fn into_filter(self, sla: &Sla) -> Result<FindingFilter, Problem> {
        let params = self;
        let list = |text: Option<Text>| text.map(|text| text.0);
        Ok(FindingFilter {
            fingerprints: Vec::new(),
            statuses: params.status.unwrap_or_default().0,
            assignee: list(params.assignee).map(whose),
            tag: list(params.tag),
            found_by: list(params.found_by),
            query: params.filter.as_deref().map(|text| query(text, Timestamp::now())).transpose()?,
            overdue: params.overdue.then(|| sla.overdue(Timestamp::now())),
            severities: params.severity.unwrap_or_default().0,
            states: params.state.unwrap_or_default().0,
            classes: params.class.unwrap_or_default().0,
            kev: params.kev,
            fixable: params.fixable,
            suppressed: params.suppressed,
            asset: list(params.asset).map(AssetId),
            package: list(params.package),
            subject: list(params.subject),
            rule: list(params.rule),
            text: list(params.q),
            risk_min: params.risk_min.map(|score| score.0),
        })
    }
}

/// List findings
///
/// Worst first unless `sort` says otherwise. Every parameter that is not listed here is refused.
#[utoipa::path(
    get,
    path = "/api/v1/findings",
    operation_id = "list_findings",
    tag = "findings",
    params(FindingParams, SortedPageParams),
    responses((status = 200, description = "A page of findings.", body = Page<FindingRow>))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(filter, page): Query<FindingParams, SortedPageParams>,
) -> Result<Json<Page<FindingRow>>, Problem> {
    let sort = match page.sort {
        Sort::Severity => FindingSort::Severity,
        Sort::Risk => FindingSort::Risk,
        Sort::LastSeen => FindingSort::LastSeen,
        Sort::Package => FindingSort::Package,
    };
    let request = PageRequest { cursor: page.cursor, limit: page.limit.0 };
    let page = app.store.findings(&caller.tenant, &filter.into_filter(&app.sla)?, sort, &request).await?;
    let items = page.items.into_iter().map(|row| FindingRow::of(row, &app.sla)).collect();
    Ok(Json(Page { items, next: page.next }))
}

/// Count findings
///
/// How many findings the same filter gives for each value it can be narrowed down by.
#[utoipa::path(
    get,
    path = "/api/v1/findings/facets",
    operation_id = "count_findings",
    tag = "findings",
    params(FindingParams),
    responses((status = 200, description = "Counts by value.", body = Facets))
)]
pub(crate) async fn facets(
    State(app): State<App>,
    caller: Caller,
    Query(filter, _): Query<FindingParams>,
) -> Result<Json<Facets>, Problem> {
    let facets = app.store.facets(&caller.tenant, &filter.into_filter(&app.sla)?).await?;
    Ok(Json(facets.into()))
}

/// What findings have in common.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum By {
    /// The package.
    #[default]
    Package,
    /// The rule.
    Rule,
    /// The asset.
    Asset,
    /// Whose they are.
    Assignee,
}

/// How findings are put together.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct GroupParams {
    /// `package`: bringing it up to date mends all of them; `rule`; `asset`; `assignee`.
    #[serde(default)]
    #[param(inline, required = false)]
    by: By,
}

/// Group findings
///
/// The findings of the same filter by what one act mends, with how much risk goes with each group: at most a hundred, those with the largest
/// sum of risk first. What has no package, rule or assignee to be grouped by is in none.
#[utoipa::path(
    get,
    path = "/api/v1/findings/groups",
    operation_id = "group_findings",
    tag = "findings",
    params(FindingParams, GroupParams),
    responses((status = 200, description = "Groups.", body = FindingGroups))
)]
pub(crate) async fn groups(
    State(app): State<App>,
    caller: Caller,
    Query(filter, params): Query<FindingParams, GroupParams>,
) -> Result<Json<FindingGroups>, Problem> {
    let by = match params.by {
        By::Package => GroupBy::Package,
        By::Rule => GroupBy::Rule,
        By::Asset => GroupBy::Asset,
        By::Assignee => GroupBy::Assignee,
    };
    let groups = app.store.finding_groups(&caller.tenant, &filter.into_filter(&app.sla)?, by).await?;
    Ok(Json(groups.into()))
}

/// Get a finding
///
/// Everything that is known about it: evidence, feed records, history, and why it is shown.
#[utoipa::path(
    get,
    path = "/api/v1/findings/{fingerprint}",
    operation_id = "get_finding",
    tag = "findings",
    params(("fingerprint" = String, Path, description = "Fingerprint of the finding.")),
    responses((status = 200, description = "The finding.", body = FindingDetail))
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(fingerprint): Path<String>,
    Query(..): Query<Nothing>,
) -> Result<Json<FindingDetail>, Problem> {
    let row = app.store.finding(&caller.tenant, &Fingerprint(fingerprint)).await?.ok_or_else(missing)?;
    detail(&app, &caller, row).await.map(Json)
}

pub(super) fn missing() -> Problem {
    Problem::new(Code::FindingNotFound, "No finding has this fingerprint.")
        .hint("List them at /api/v1/findings.")
}

/// A finding with its history and its explanation.
pub(super) async fn detail(
    app: &App,
    caller: &Caller,
    row: store::FindingRow,
) -> Result<FindingDetail, Problem> {
    let fingerprint = row.stored.fingerprint.clone();
    let history = app.store.history(&caller.tenant, &fingerprint).await?;
    // The coverage of the scan that saw it, not of the asset's latest: a later scan may have had other plugins and data.
    let coverage = app.store.scan_coverage(&caller.tenant, row.stored.last_scan).await?;
    let why = why(&row, coverage.as_ref());
    let (asset, finding) = (&row.stored.asset, &row.stored.finding);
    let place = app.store.risk_place(&caller.tenant, asset, finding).await?;
    let tickets = app.store.tickets_of_finding(&caller.tenant, &fingerprint).await?;
    let tickets = tickets.into_iter().map(Into::into).collect();
    Ok(FindingDetail { tickets, ..FindingDetail::new(row, history, why, place, &app.sla) })
}
