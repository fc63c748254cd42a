//! How the findings of a filter divide, for the choices beside a list.
//!
//! Each dimension is counted under all conditions but its own, so that the reader sees what another choice would give. No
//! count walks over more than [`FACET_ROWS_MAX`] rows: beyond that the figures are lower bounds, and say so.

use std::collections::HashMap;

use model::{AssetId, FindingState, Severity, TenantId, Triage};

use crate::filter::FindingFilter;
use crate::row::Row;
use crate::sql::sql;
use crate::{Result, Store, counts};

/// Findings counted at most per dimension: enough to be exact where people compare figures, and about a tenth of a second.
pub const FACET_ROWS_MAX: u32 = 100_000;

/// Values told per dimension, the most frequent first.
pub const FACET_VALUES_MAX: u32 = 20;

/// One value of a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// The value to filter by.
    pub value: String,
    /// What people call it.
    pub label: String,
    /// Findings that have it.
    pub count: u64,
}

/// Counts by dimension, most frequent first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facets {
    /// Findings under the whole filter.
    pub matching: u64,
    /// Some figure is a lower bound: there were more than [`FACET_ROWS_MAX`] findings to count.
    pub capped: bool,
    /// By severity.
    pub severity: Vec<(Severity, u64)>,
    /// By state.
    pub state: Vec<(FindingState, u64)>,
    /// By where people stand.
    pub status: Vec<(Triage, u64)>,
    /// Known to be exploited or not.
    pub kev: Vec<(bool, u64)>,
    /// With a version that mends it or without.
    pub fixable: Vec<(bool, u64)>,
    /// By asset.
    pub asset: Vec<Facet>,
    /// By package name; findings about no package are left out.
    pub package: Vec<Facet>,
}

impl Store {
    /// Counts the findings of a filter by dimension.
    ///
    /// # Errors
    /// Database errors.
    pub async fn facets(&self, tenant: &TenantId, filter: &FindingFilter) -> Result<Facets> {
        let mut facets = Facets::default();
        let severity = FindingFilter { severities: vec![], ..filter.clone() };
        for row in self.facet(tenant, &severity, "CAST(severity AS BIGINT)", &mut facets.capped).await? {
            let severity = counts::from_rank(row.int("value")?)
                .ok_or_else(|| row.unreadable("severity", "it is not a severity".to_owned()))?;
            facets.severity.push((severity, row.count("findings")?));
        }
        let state = FindingFilter { states: vec![], ..filter.clone() };
        for row in self.facet(tenant, &state, "state", &mut facets.capped).await? {
            facets.state.push((row.word("value", FindingState::from_name)?, row.count("findings")?));
        }
        let status = FindingFilter { statuses: vec![], ..filter.clone() };
        for row in self.facet(tenant, &status, "status", &mut facets.capped).await? {
            facets.status.push((row.word("value", Triage::from_name)?, row.count("findings")?));
        }
        let kev = FindingFilter { kev: None, ..filter.clone() };
        for row in self.facet(tenant, &kev, "kev", &mut facets.capped).await? {
            facets.kev.push((row.bool("value")?, row.count("findings")?));
        }
        let fixable = FindingFilter { fixable: None, ..filter.clone() };
        for row in self.facet(tenant, &fixable, "fixable", &mut facets.capped).await? {
            facets.fixable.push((row.bool("value")?, row.count("findings")?));
        }
        facets.package = self.package_facet(tenant, filter, &mut facets.capped).await?;
        facets.asset = self.asset_facet(tenant, filter, &mut facets.capped).await?;
        for row in self.facet(tenant, filter, "1", &mut facets.capped).await? {
            facets.matching = row.count("findings")?;
        }
        Ok(facets)
    }

    async fn package_facet(
        &self,
        tenant: &TenantId,
        filter: &FindingFilter,
        capped: &mut bool,
    ) -> Result<Vec<Facet>> {
        let package = FindingFilter { package: None, ..filter.clone() };
        let mut facets = Vec::new();
        for row in self.facet(tenant, &package, "package_name", capped).await? {
            let value = row.text("value")?;
            if !value.is_empty() {
                facets.push(Facet { label: value.clone(), value, count: row.count("findings")? });
            }
        }
        Ok(facets)
    }

    async fn asset_facet(
        &self,
        tenant: &TenantId,
        filter: &FindingFilter,
        capped: &mut bool,
    ) -> Result<Vec<Facet>> {
        let rows =
            self.facet(tenant, &FindingFilter { asset: None, ..filter.clone() }, "asset", capped).await?;
        let ids = rows.iter().map(|row| row.text("value")).collect::<Result<Vec<_>>>()?;
        let assets: HashMap<String, _> = self.asset_refs(tenant, ids).await?;
        rows.iter()
            .map(|row| {
                let AssetId(value) = AssetId(row.text("value")?);
                let label = assets.get(&value).map_or_else(|| value.clone(), |asset| asset.name.clone());
                Ok(Facet { value, label, count: row.count("findings")? })
            })
            .collect()
    }

    /// Rows of `value` and `findings`, most frequent first. The limit stands inside, before anything is counted.
    async fn facet(
        &self,
        tenant: &TenantId,
        filter: &FindingFilter,
        column: &'static str,
        capped: &mut bool,
    ) -> Result<Vec<Row>> {
        let mut statement = sql(
            "SELECT value, count(*) AS findings, CAST(sum(count(*)) OVER () AS BIGINT) AS walked FROM (SELECT ",
            [],
        );
        statement.push(column).push(" AS value FROM finding");
        filter.push_where(&mut statement, self.backend.dialect(), tenant)?;
        statement.push(" LIMIT ").bind(i64::from(FACET_ROWS_MAX));
        statement.push(") AS matching GROUP BY value ORDER BY findings DESC, value LIMIT ");
        statement.bind(i64::from(FACET_VALUES_MAX));
        let rows = self.backend.rows("count findings", statement).await?;
        if let Some(row) = rows.first() {
            *capped |= row.count("walked")? >= u64::from(FACET_ROWS_MAX);
        }
        Ok(rows)
    }
}
