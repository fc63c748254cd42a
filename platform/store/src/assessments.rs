//! Where the controls of frameworks stand, now and over time.

use jiff::Timestamp;
use model::{AssetId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use crate::row::Row;
use crate::sql::sql;
use crate::{Result, Store, clean};

/// Most points of a trend; older ones are thinned out by whoever draws it.
const POINTS_MAX: i64 = 500;

/// One assessment.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// Asset whose resources were judged.
    pub scope: AssetId,
    /// Its name for people.
    pub scope_name: String,
    /// Framework.
    pub framework: String,
    /// Place among all scans.
    pub seq: i64,
    /// Scan that it stands on.
    pub scan: Uuid,
    /// When.
    pub at: Timestamp,
    /// Figures.
    pub summary: Value,
    /// The controls; null in lists.
    pub controls: Value,
}

impl Store {
    /// The newest assessment of every scope by every framework, without controls.
    ///
    /// # Errors
    /// Database errors.
    pub async fn newest_assessments(&self, tenant: &TenantId) -> Result<Vec<Assessment>> {
        let statement = sql(
            "SELECT a.scope, asset.name, a.framework, a.seq, a.scan, a.at, a.summary
             FROM assessment a JOIN asset ON asset.tenant = a.tenant AND asset.id = a.scope
             WHERE a.tenant = $1 AND a.seq = (
                SELECT max(b.seq) FROM assessment b
                WHERE b.tenant = a.tenant AND b.scope = a.scope AND b.framework = a.framework)
             ORDER BY a.framework, asset.name, a.scope LIMIT 5000",
            [tenant.into()],
        );
        self.backend.rows("list assessments", statement).await?.iter().map(read).collect()
    }

    /// The assessments of a scope by a framework, newest first, without controls.
    ///
    /// # Errors
    /// Database errors.
    pub async fn assessment_trend(
        &self,
        tenant: &TenantId,
        scope: &AssetId,
        framework: &str,
    ) -> Result<Vec<Assessment>> {
        let statement = sql(
            "SELECT a.scope, asset.name, a.framework, a.seq, a.scan, a.at, a.summary
             FROM assessment a JOIN asset ON asset.tenant = a.tenant AND asset.id = a.scope
             WHERE a.tenant = $1 AND a.scope = $2 AND a.framework = $3 ORDER BY a.seq DESC LIMIT $4",
            [
                tenant.into(),
                clean::text(&scope.0).as_ref().into(),
                clean::key(framework).into(),
                POINTS_MAX.into(),
            ],
        );
        self.backend.rows("read a trend", statement).await?.iter().map(read).collect()
    }

    /// One assessment with its controls: of this scan, or the newest.
    ///
    /// # Errors
    /// Database errors.
    pub async fn assessment(
        &self,
        tenant: &TenantId,
        scope: &AssetId,
        framework: &str,
        scan: Option<Uuid>,
    ) -> Result<Option<Assessment>> {
        let mut statement = sql(
            "SELECT a.scope, asset.name, a.framework, a.seq, a.scan, a.at, a.summary, a.controls
             FROM assessment a JOIN asset ON asset.tenant = a.tenant AND asset.id = a.scope
             WHERE a.tenant = ",
            [],
        );
        statement.bind(tenant).push(" AND a.scope = ").bind(clean::text(&scope.0).as_ref());
        statement.push(" AND a.framework = ").bind(clean::key(framework));
        if let Some(scan) = scan {
            statement.push(" AND a.scan = ").bind(scan);
        }
        statement.push(" ORDER BY a.seq DESC LIMIT 1");
        let Some(row) = self.backend.row("read an assessment", statement).await? else { return Ok(None) };
        Ok(Some(Assessment { controls: row.json("controls")?, ..read(&row)? }))
    }
}

fn read(row: &Row) -> Result<Assessment> {
    Ok(Assessment {
        scope: AssetId(row.text("scope")?),
        scope_name: row.text("name")?,
        framework: row.text("framework")?,
        seq: row.int("seq")?,
        scan: row.uuid("scan")?,
        at: row.time("at")?,
        summary: row.json("summary")?,
        controls: Value::Null,
    })
}
