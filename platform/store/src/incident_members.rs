//! Which detections are of an incident: those of its keys, within its time.

use model::TenantId;
use serde_json::Value;

use crate::connection::Backend;
use crate::dialect::Dialect;
use crate::sql::{Param, Sql, sql};
use crate::{Result, clean};

/// Most keys of one incident that are looked for.
const KEYS_MAX: i64 = 1_000;

/// What detections of one incident have in common: a key of its steps, or one that was joined to such a key. A link that was refused, since
/// what it joined would have become too large, is kept as well; what such a link leads to is known by its assets, which are not of the incident.
#[derive(Debug)]
pub(crate) struct Members {
    first: i64,
    last: i64,
    /// The first detection of each step.
    detections: Vec<String>,
    keys: Vec<String>,
    /// Its assets, and the empty one: some detections are about none.
    assets: Vec<String>,
}

impl Members {
    /// Those of an incident, or nothing if there is none of this name. One that became part of another one has what it had until then.
    pub(crate) async fn of(backend: &Backend, tenant: &TenantId, id: &str) -> Result<Option<Self>> {
        let id = clean::key(id);
        let statement = sql(
            "SELECT first, last, steps, assets FROM incident WHERE tenant = $1 AND id = $2",
            [tenant.into(), id.as_str().into()],
        );
        let Some(row) = backend.row("read what an incident is of", statement).await? else { return Ok(None) };
        let steps: Vec<Value> = row.json("steps")?;
        let named = steps.iter().filter_map(|step| step.get("detection")?.as_str());
        let detections: Vec<String> = named.map(str::to_owned).chain([id]).collect();
        let mut assets: Vec<String> = row.json("assets")?;
        assets.push(String::new());
        let keys = keys(backend, tenant, &detections).await?;
        Ok(Some(Self { first: row.int("first")?, last: row.int("last")?, detections, keys, assets }))
    }

    /// Narrows a statement about detections down to these.
    pub(crate) fn narrow(self, statement: &mut Sql, dialect: Dialect) {
        statement.push(" AND suppressed_by IS NULL AND first >= ").bind(self.first);
        statement.push(" AND first <= ").bind(self.last).push(" AND (");
        statement.any(dialect, "id", Param::Texts(self.detections)).push(" OR (");
        statement.any(dialect, "key", Param::Texts(self.keys)).push(" AND ");
        statement.any(dialect, "asset", Param::Texts(self.assets)).push("))");
    }
}

/// The keys of detections, and all that were joined to those.
async fn keys(backend: &Backend, tenant: &TenantId, detections: &[String]) -> Result<Vec<String>> {
    let mut statement = sql("WITH RECURSIVE same (key) AS (SELECT key FROM detection WHERE tenant = ", []);
    statement.bind(tenant).push(" AND key <> '' AND ");
    statement.any(backend.dialect(), "id", Param::Texts(detections.to_vec()));
    statement.push(" UNION SELECT CASE WHEN link.kept = same.key THEN link.merged ELSE link.kept END");
    statement.push(" FROM incident_link link JOIN same ON link.kept = same.key OR link.merged = same.key");
    statement.push(" WHERE link.tenant = ").bind(tenant);
    statement.push(") SELECT key FROM same LIMIT ").bind(KEYS_MAX);
    let rows = backend.rows("list the keys of an incident", statement).await?;
    rows.iter().map(|row| row.text("key")).collect()
}
