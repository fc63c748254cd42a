//! What a posture scan learns of a scope beside findings: its resources, a snapshot to ask questions of, and where the controls of
//! frameworks stand.

use std::collections::HashMap;

use jiff::Timestamp;
use model::{AssetId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use crate::bulk::{Insert, Kind};
use crate::connection::Tx;
use crate::finish::End;
use crate::page::Position;
use crate::risk_places::NewPlace;
use crate::row::Row;
use crate::sql::{Param, sql};
use crate::{
    Page, PageRequest, Result, SeverityCounts, Store, StoreError, clean, counts, evidence, risk_places,
};

/// What a scan learnt of a scope.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScopeState {
    /// Everything in it that has a name of its own.
    pub resources: Vec<NewResource>,
    /// SHA-256 of what was judged, in hexadecimal digits.
    pub input: String,
    /// The scope as it was read, in a form that its reader knows.
    pub snapshot: Vec<u8>,
    /// The whole assessment as evidence, in the form that its reader knows; nothing where none is to be kept.
    pub evidence: Option<Vec<u8>>,
    /// Where the controls of each framework stand.
    pub assessments: Vec<NewAssessment>,
    /// What makes findings matter more or less where they are.
    pub places: Vec<NewPlace>,
}

/// A resource as a scan saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewResource {
    /// Canonical id.
    pub id: String,
    /// Path in the scope, as findings name it.
    pub path: String,
    /// Kind, such as `Deployment.apps` or `aws:s3:bucket`.
    pub kind: String,
    /// Namespace, region or nothing.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Whether the internet gets to it, in a word; empty where nobody asked.
    pub exposure: String,
    /// What its checks found that counts.
    pub findings: SeverityCounts,
    /// What else is known, a JSON object.
    pub attributes: Value,
}

/// Where the controls of one framework stand.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAssessment {
    /// Framework, such as `nist-800-53-r5`.
    pub framework: String,
    /// Figures.
    pub summary: Value,
    /// The controls.
    pub controls: Value,
}

/// A resource as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Asset that it is part of.
    pub scope: AssetId,
    /// Canonical id.
    pub id: String,
    /// Path in the scope.
    pub path: String,
    /// Kind.
    pub kind: String,
    /// Namespace, region or nothing.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Whether the internet gets to it; empty where nobody asked.
    pub exposure: String,
    /// What the newest scan found on it that counts.
    pub findings: SeverityCounts,
    /// What else is known.
    pub attributes: Value,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
}

/// The newest state of a scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// The asset.
    pub asset: AssetId,
    /// Name for people.
    pub name: String,
    /// Scan that saw it.
    pub scan: Uuid,
    /// When.
    pub at: Timestamp,
    /// SHA-256 of what was judged, in hexadecimal digits.
    pub input: String,
    /// How many resources it has.
    pub resources: u64,
}

/// Which resources. Empty means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceFilter {
    /// Of this scope.
    pub scope: Option<AssetId>,
    /// Of one of these kinds.
    pub kinds: Vec<String>,
    /// In this namespace.
    pub namespace: Option<String>,
    /// With one of these words for its exposure.
    pub exposures: Vec<String>,
    /// With this in the path or kind, in any case.
    pub text: Option<String>,
}

/// How many resources there are of a value.
pub type Counted = Vec<(String, u64)>;

/// How the resources of a filter divide.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceFacets {
    /// Resources under the whole filter.
    pub matching: u64,
    /// By kind, most frequent first.
    pub kind: Counted,
    /// By namespace, most frequent first.
    pub namespace: Counted,
    /// By exposure.
    pub exposure: Counted,
}

/// Largest snapshot or assessment that is read back, in bytes.
const BLOB_BYTES_MAX: usize = 1 << 30;

/// Values told per dimension.
const FACET_VALUES: i64 = 40;

const COLUMNS: &str =
    "scope, id, path, kind, namespace, name, exposure, counts, attributes, attention, first_seen_at";

impl Store {
    /// The scopes that were ever scanned, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn scopes(&self, tenant: &TenantId) -> Result<Vec<Scope>> {
        let statement = sql(
            "SELECT scope.asset, asset.name, scope.scan, scope.at, scope.input, scope.resources
             FROM scope JOIN asset ON asset.tenant = scope.tenant AND asset.id = scope.asset
             WHERE scope.tenant = $1 ORDER BY asset.name, scope.asset LIMIT 1000",
            [tenant.into()],
        );
        let rows = self.backend.rows("list scopes", statement).await?;
        rows.iter()
            .map(|row| {
                Ok(Scope {
                    asset: AssetId(row.text("asset")?),
                    name: row.text("name")?,
                    scan: row.uuid("scan")?,
                    at: row.time("at")?,
                    input: row.text("input")?,
                    resources: row.count("resources")?,
                })
            })
            .collect()
    }

    /// The snapshot of a scope, and the scan that it is of. It may be large.
    ///
    /// # Errors
    /// Database errors.
    pub async fn scope_snapshot(
        &self,
        tenant: &TenantId,
        asset: &AssetId,
    ) -> Result<Option<(Uuid, Vec<u8>)>> {
        let statement = sql(
            "SELECT scan, snapshot FROM scope WHERE tenant = $1 AND asset = $2",
            [tenant.into(), clean::text(&asset.0).as_ref().into()],
        );
        let row = self.backend.row("read a scope", statement).await?;
        row.map(|row| Ok((row.uuid("scan")?, expand(&row, "snapshot")?))).transpose()
    }

    /// Resources, those with the worst findings first.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`](crate::StoreError::CursorInvalid) and database errors.
    pub async fn resources(
        &self,
        tenant: &TenantId,
        filter: &ResourceFilter,
        page: &PageRequest,
    ) -> Result<Page<Resource>> {
        const LIST: &str = "resources";
        let mut statement = sql("SELECT ", []);
        statement.push(COLUMNS).push(" FROM resource");
        self.push_where(&mut statement, tenant, filter)?;
        if let Some(after) = page.after(LIST)? {
            statement.push(" AND (attention, id) < (").bind(after.int_key()?);
            statement.push(", ").bind(after.tiebreak.as_str()).push(")");
        }
        statement.push(" ORDER BY attention DESC, id DESC LIMIT ").bind(page.rows_to_read());
        let rows = self.backend.rows("list resources", statement).await?;
        let resources =
            rows.iter().map(|row| Ok((row.int("attention")?, read(row)?))).collect::<Result<Vec<_>>>()?;
        let page = Page::new(resources, page, LIST, |(attention, resource)| {
            Position::int(*attention, resource.id.as_str())
        });
        Ok(page.map(|(_, resource)| resource))
    }

    /// One resource.
    ///
    /// # Errors
    /// Database errors.
    pub async fn resource(&self, tenant: &TenantId, id: &str) -> Result<Option<Resource>> {
        let mut statement = sql("SELECT ", []);
        statement.push(COLUMNS).push(" FROM resource WHERE tenant = ").bind(tenant);
        statement.push(" AND id = ").bind(clean::key(id)).push(" ORDER BY scope LIMIT 1");
        self.backend.row("read a resource", statement).await?.map(|row| read(&row)).transpose()
    }

    /// How the resources of a filter divide: each dimension under all conditions but its own.
    ///
    /// # Errors
    /// Database errors.
    pub async fn resource_facets(
        &self,
        tenant: &TenantId,
        filter: &ResourceFilter,
    ) -> Result<ResourceFacets> {
        let kinds = ResourceFilter { kinds: Vec::new(), ..filter.clone() };
        let namespaces = ResourceFilter { namespace: None, ..filter.clone() };
        let exposures = ResourceFilter { exposures: Vec::new(), ..filter.clone() };
        let all = self.counted(tenant, filter, "'all'").await?;
        Ok(ResourceFacets {
            matching: all.first().map_or(0, |(_, count)| *count),
            kind: self.counted(tenant, &kinds, "kind").await?,
            namespace: self.counted(tenant, &namespaces, "namespace").await?,
            exposure: self.counted(tenant, &exposures, "exposure").await?,
        })
    }

    async fn counted(
        &self,
        tenant: &TenantId,
        filter: &ResourceFilter,
        column: &'static str,
    ) -> Result<Counted> {
        let mut statement = sql("SELECT ", []);
        statement.push(column).push(" AS value, count(*) AS resources FROM resource");
        self.push_where(&mut statement, tenant, filter)?;
        statement.push(" GROUP BY 1 ORDER BY resources DESC, value LIMIT ").bind(FACET_VALUES);
        let rows = self.backend.rows("count resources", statement).await?;
        let counted = rows.iter().map(|row| Ok((row.text("value")?, row.count("resources")?)));
        let counted = counted.collect::<Result<Counted>>()?;
        Ok(counted.into_iter().filter(|(value, _)| !value.is_empty()).collect())
    }

    fn push_where(
        &self,
        statement: &mut crate::sql::Sql,
        tenant: &TenantId,
        filter: &ResourceFilter,
    ) -> Result<()> {
        statement.push(" WHERE tenant = ").bind(tenant);
        if let Some(scope) = &filter.scope {
            statement.push(" AND scope = ").bind(clean::text(&scope.0).as_ref());
        }
        let dialect = self.backend.dialect();
        let cleaned = |words: &[String]| Param::Texts(words.iter().map(|word| clean::key(word)).collect());
        if !filter.kinds.is_empty() {
            statement.push(" AND ").any(dialect, "kind", cleaned(&filter.kinds));
        }
        if let Some(namespace) = &filter.namespace {
            statement.push(" AND namespace = ").bind(clean::key(namespace));
        }
        if !filter.exposures.is_empty() {
            statement.push(" AND ").any(dialect, "exposure", cleaned(&filter.exposures));
        }
        if let Some(text) = &filter.text {
            statement.push(" AND search LIKE ").bind(clean::contains_pattern(text)?).push(" ESCAPE '\\'");
        }
        Ok(())
    }
}

/// Ten times smaller at a few milliseconds per megabyte.
pub(crate) fn compress(what: &'static str, bytes: &[u8]) -> Result<Vec<u8>> {
    let encode = |error| StoreError::Encode { what, source: serde_json::Error::io(error) };
    zstd::bulk::compress(bytes, 3).map_err(encode)
}

pub(crate) fn expand(row: &Row, column: &'static str) -> Result<Vec<u8>> {
    let expanded = zstd::bulk::decompress(&row.bytes(column)?, BLOB_BYTES_MAX);
    expanded.map_err(|error| row.unreadable(column, error.to_string()))
}

fn read(row: &Row) -> Result<Resource> {
    Ok(Resource {
        scope: AssetId(row.text("scope")?),
        id: row.text("id")?,
        path: row.text("path")?,
        kind: row.text("kind")?,
        namespace: row.text("namespace")?,
        name: row.text("name")?,
        exposure: row.text("exposure")?,
        findings: row.json("counts")?,
        attributes: row.json("attributes")?,
        first_seen_at: row.time("first_seen_at")?,
    })
}

/// Writes what a scan learnt of its scope; the asset's row is locked already.
pub(crate) async fn put(tx: &mut Tx, end: &End<'_>, state: &ScopeState) -> Result<()> {
    let statement = sql(
        "INSERT INTO scope (tenant, asset, scan, at, input, resources, snapshot)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant, asset) DO UPDATE SET scan = excluded.scan, at = excluded.at,
            input = excluded.input, resources = excluded.resources, snapshot = excluded.snapshot",
        [
            end.tenant.into(),
            end.asset.into(),
            end.scan.id.into(),
            end.at.into(),
            clean::key(&state.input).into(),
            i64::try_from(state.resources.len()).unwrap_or(i64::MAX).into(),
            compress("a snapshot", &state.snapshot)?.into(),
        ],
    );
    tx.execute(statement).await?;
    put_resources(tx, end, &state.resources).await?;
    put_assessments(tx, end, &state.assessments).await?;
    risk_places::put(tx, end, &state.places).await?;
    match &state.evidence {
        Some(assessment) => evidence::append(tx, end, assessment).await,
        None => Ok(()),
    }
}

/// Writes the resources that are new or changed, and deletes those that are gone.
async fn put_resources(tx: &mut Tx, end: &End<'_>, resources: &[NewResource]) -> Result<()> {
    let mut stored = digests(tx, end, None).await?;
    write_resources(tx, end, resources, &mut stored).await?;
    delete_resources(tx, end, stored.into_keys().collect()).await
}

/// Writes some resources and deletes others, and counts those that there are.
pub(crate) async fn change_resources(
    tx: &mut Tx,
    end: &End<'_>,
    resources: &[NewResource],
    gone: &[String],
) -> Result<()> {
    let ids = resources.iter().map(|resource| clean::key(&resource.id)).collect();
    let mut stored = digests(tx, end, Some(ids)).await?;
    write_resources(tx, end, resources, &mut stored).await?;
    delete_resources(tx, end, gone.iter().map(|id| clean::key(id)).collect()).await?;
    let statement = sql(
        "UPDATE scope SET at = $3, resources =
            (SELECT count(*) FROM resource WHERE resource.tenant = $1 AND resource.scope = $2)
         WHERE tenant = $1 AND asset = $2",
        [end.tenant.into(), end.asset.into(), end.at.into()],
    );
    tx.execute(statement).await.map(drop)
}

/// Puts a newer snapshot in the place of the one that is kept.
pub(crate) async fn put_snapshot(tx: &mut Tx, end: &End<'_>, input: &str, snapshot: Vec<u8>) -> Result<()> {
    let statement = sql(
        "UPDATE scope SET input = $3, snapshot = $4 WHERE tenant = $1 AND asset = $2",
        [end.tenant.into(), end.asset.into(), clean::key(input).into(), snapshot.into()],
    );
    tx.execute(statement).await.map(drop)
}

/// By id what is stored of resources, in a digest.
async fn digests(tx: &mut Tx, end: &End<'_>, ids: Option<Vec<String>>) -> Result<HashMap<String, Vec<u8>>> {
    let key: [Param; 2] = [end.tenant.into(), end.asset.into()];
    let mut statement = sql("SELECT id, digest FROM resource WHERE tenant = $1 AND scope = $2", key);
    if let Some(ids) = ids {
        statement.push(" AND ").any(tx.dialect(), "id", Param::Texts(ids));
    }
    let rows = tx.rows(statement).await?;
    let mut stored = HashMap::with_capacity(rows.len());
    for row in rows {
        stored.insert(row.text("id")?, row.bytes("digest")?);
    }
    Ok(stored)
}

async fn delete_resources(tx: &mut Tx, end: &End<'_>, ids: Vec<String>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut statement = sql(
        "DELETE FROM resource WHERE tenant = $1 AND scope = $2 AND ",
        [end.tenant.into(), end.asset.into()],
    );
    statement.any(tx.dialect(), "id", Param::Texts(ids));
    tx.execute(statement).await.map(drop)
}

/// Writes the resources that are not stored as they are, and takes all of them out of what is.
async fn write_resources(
    tx: &mut Tx,
    end: &End<'_>,
    resources: &[NewResource],
    stored: &mut HashMap<String, Vec<u8>>,
) -> Result<()> {
    let mut written: HashMap<String, Vec<Param>> = HashMap::new();
    for resource in resources {
        let id = clean::key(&resource.id);
        let attributes = clean::json("attributes of a resource", &resource.attributes)?;
        let counts = clean::json("counts", &resource.findings)?;
        let mut hasher = blake3::Hasher::new();
        for part in [&attributes, &counts, &resource.exposure] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        let digest = hasher.finalize().as_bytes().to_vec();
        if stored.remove(&id).is_none_or(|before| before != digest) {
            written.insert(id.clone(), resource_row(id, resource, attributes, counts, digest));
        }
    }
    const RESOURCES: Insert = Insert {
        into: "resource",
        shared: &[("tenant", "::text"), ("scope", "::text"), ("first_seen_at", "::timestamptz")],
        columns: &[
            ("id", Kind::Text),
            ("path", Kind::Text),
            ("kind", Kind::Text),
            ("namespace", Kind::Text),
            ("name", Kind::Text),
            ("exposure", Kind::Text),
            ("attention", Kind::Int),
            ("counts", Kind::Json),
            ("attributes", Kind::Json),
            ("search", Kind::Text),
            ("digest", Kind::Bytes),
        ],
        on_conflict:
            "ON CONFLICT (tenant, scope, id) DO UPDATE SET path = excluded.path, kind = excluded.kind,
            namespace = excluded.namespace, name = excluded.name, exposure = excluded.exposure,
            attention = excluded.attention, counts = excluded.counts, attributes = excluded.attributes,
            search = excluded.search, digest = excluded.digest",
    };
    let shared = [end.tenant.into(), end.asset.into(), end.at.into()];
    tx.insert(&RESOURCES, &shared, written.into_values().collect()).await
}

fn resource_row(
    id: String,
    resource: &NewResource,
    attributes: String,
    counts: String,
    digest: Vec<u8>,
) -> Vec<Param> {
    let path = clean::key(&resource.path);
    let kind = clean::key(&resource.kind);
    vec![
        id.into(),
        path.as_str().into(),
        kind.as_str().into(),
        clean::key(&resource.namespace).into(),
        clean::key(&resource.name).into(),
        clean::key(&resource.exposure).into(),
        attention(resource).into(),
        Param::Json(Some(counts)),
        Param::Json(Some(attributes)),
        format!("{path} {kind}").to_lowercase().into(),
        digest.into(),
    ]
}

/// The worst finding first, then how many there are, then whether the internet gets there: one number that an index can hold.
fn attention(resource: &NewResource) -> i64 {
    const FINDINGS_TOLD: u64 = 499_999;
    let worst = model::Severity::ALL.into_iter().filter(|severity| resource.findings.of(*severity) > 0);
    let worst = worst.map(counts::rank).max().map_or(0, |rank| rank + 1);
    let count = i64::try_from(resource.findings.total().min(FINDINGS_TOLD)).unwrap_or(0);
    worst * 1_000_000 + count * 2 + i64::from(resource.exposure == "open")
}

async fn put_assessments(tx: &mut Tx, end: &End<'_>, assessments: &[NewAssessment]) -> Result<()> {
    const ASSESSMENTS: Insert = Insert {
        into: "assessment",
        shared: &[
            ("tenant", "::text"),
            ("scope", "::text"),
            ("seq", "::bigint"),
            ("scan", "::uuid"),
            ("at", "::timestamptz"),
        ],
        columns: &[("framework", Kind::Text), ("summary", Kind::Json), ("controls", Kind::Json)],
        on_conflict: "",
    };
    let shared =
        [end.tenant.into(), end.asset.into(), end.scan.seq.into(), end.scan.id.into(), end.at.into()];
    let rows = assessments.iter().map(|assessment| {
        Ok(vec![
            clean::key(&assessment.framework).into(),
            Param::Json(Some(clean::json("a summary", &assessment.summary)?)),
            Param::Json(Some(clean::json("controls", &assessment.controls)?)),
        ])
    });
    tx.insert(&ASSESSMENTS, &shared, rows.collect::<Result<Vec<_>>>()?).await
}
