//! Findings by what one act mends: a package that is brought up to date, a rule that is obeyed, an asset that is made anew, a person who is
//! asked. No group is stored: it is what its findings are.

use model::TenantId;

use crate::facets::FACET_ROWS_MAX;
use crate::filter::{FindingFilter, FindingSort};
use crate::row::Row;
use crate::sql::{Param, sql};
use crate::{Result, SeverityCounts, Store};

/// Groups told, those with the largest sum of risk first.
pub const GROUPS_MAX: u32 = 100;

/// Fixed versions told of a package.
const VERSIONS_MAX: usize = 5;

/// What findings have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupBy {
    /// The package: bringing it up to date mends all of them.
    #[default]
    Package,
    /// The rule.
    Rule,
    /// The asset.
    Asset,
    /// Whose they are.
    Assignee,
}

impl GroupBy {
    fn column(self) -> &'static str {
        match self {
            Self::Package => "package_name",
            Self::Rule => "rule",
            Self::Asset => "asset",
            Self::Assignee => "COALESCE(assignee, '')",
        }
    }
}

/// Findings that have something in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingGroup {
    /// What they have in common, as a filter takes it.
    pub value: String,
    /// The same for people: the name of an asset, the title of one finding of a rule.
    pub label: String,
    /// By severity.
    pub findings: SeverityCounts,
    /// Assets that they are on.
    pub assets: u64,
    /// Known to be exploited.
    pub kev: u64,
    /// The highest risk of one of them.
    pub risk: u8,
    /// The sum of their risks: what is gained by mending all.
    pub risk_total: u64,
    /// Versions that mend the package, the most frequent first.
    pub fixed_in: Vec<String>,
}

/// Groups of a filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FindingGroups {
    /// The groups.
    pub items: Vec<FindingGroup>,
    /// Only the riskiest [`FACET_ROWS_MAX`] findings were looked at: figures are lower bounds.
    pub capped: bool,
}

impl Store {
    /// The findings of a filter in groups; at most [`GROUPS_MAX`], those with the largest sum of risk first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn finding_groups(
        &self,
        tenant: &TenantId,
        filter: &FindingFilter,
        by: GroupBy,
    ) -> Result<FindingGroups> {
        let mut statement = sql(
            "SELECT value, count(*) FILTER (WHERE severity = 6) AS critical, count(*) FILTER (WHERE severity = 5) AS high,
                count(*) FILTER (WHERE severity = 4) AS medium, count(*) FILTER (WHERE severity = 3) AS low,
                count(*) FILTER (WHERE severity = 2) AS negligible, count(*) FILTER (WHERE severity = 1) AS none,
                count(*) FILTER (WHERE severity = 0) AS unknown, count(DISTINCT asset) AS assets,
                count(*) FILTER (WHERE kev) AS kev, CAST(max(risk) AS BIGINT) AS risk,
                CAST(sum(risk) AS BIGINT) AS risk_total, CAST(sum(count(*)) OVER () AS BIGINT) AS walked
             FROM (SELECT ",
            [],
        );
        statement.push(by.column()).push(" AS value, severity, asset, kev, risk FROM finding");
        filter.push_where_of(&mut statement, self.backend.dialect(), tenant, FindingSort::Risk)?;
        statement.push(FindingSort::Risk.order_by()).push(" LIMIT ").bind(i64::from(FACET_ROWS_MAX));
        statement.push(") AS matching GROUP BY value ORDER BY risk_total DESC, value LIMIT ");
        // The nameless group is taken out afterwards.
        statement.bind(i64::from(GROUPS_MAX) + 1);
        let rows = self.backend.rows("group findings", statement).await?;
        let capped = match rows.first() {
            Some(row) => row.count("walked")? >= u64::from(FACET_ROWS_MAX),
            None => false,
        };
        let mut items = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        items.retain(|group| !group.value.is_empty());
        items.truncate(GROUPS_MAX as usize);
        self.name(tenant, filter, by, &mut items).await?;
        Ok(FindingGroups { items, capped })
    }

    async fn name(
        &self,
        tenant: &TenantId,
        filter: &FindingFilter,
        by: GroupBy,
        groups: &mut [FindingGroup],
    ) -> Result<()> {
        let values: Vec<String> = groups.iter().map(|group| group.value.clone()).collect();
        match by {
            GroupBy::Asset => {
                let assets = self.asset_refs(tenant, values).await?;
                for group in groups {
                    if let Some(asset) = assets.get(&group.value) {
                        group.label.clone_from(&asset.name);
                    }
                }
            }
            GroupBy::Package => {
                for (name, version) in self.fix_versions(tenant, filter, values).await? {
                    let named = groups.iter_mut().find(|group| group.value == name);
                    if let Some(group) = named.filter(|group| group.fixed_in.len() < VERSIONS_MAX) {
                        group.fixed_in.push(version);
                    }
                }
            }
            GroupBy::Rule => {
                for group in groups {
                    let of = FindingFilter { rule: Some(group.value.clone()), ..filter.clone() };
                    let one = crate::PageRequest { cursor: None, limit: 1 };
                    let found = self.findings(tenant, &of, FindingSort::Severity, &one).await?;
                    if let Some(row) = found.items.into_iter().next() {
                        group.label = row.stored.finding.title;
                    }
                }
            }
            GroupBy::Assignee => {}
        }
        Ok(())
    }

    /// Packages with a version that mends them, the most frequent first.
    async fn fix_versions(
        &self,
        tenant: &TenantId,
        filter: &FindingFilter,
        packages: Vec<String>,
    ) -> Result<Vec<(String, String)>> {
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        let dialect = self.backend.dialect();
        let mut statement = sql("SELECT package_name, fix_version, count(*) AS findings FROM finding", []);
        filter.push_where(&mut statement, dialect, tenant)?;
        statement.push(" AND fix_version <> '' AND ").any(dialect, "package_name", Param::Texts(packages));
        statement.push(" GROUP BY package_name, fix_version ORDER BY findings DESC, fix_version LIMIT 1000");
        let rows = self.backend.rows("read what mends packages", statement).await?;
        rows.iter().map(|row| Ok((row.text("package_name")?, row.text("fix_version")?))).collect()
    }
}

fn read(row: &Row) -> Result<FindingGroup> {
    let value = row.text("value")?;
    let risk = row.int("risk")?;
    Ok(FindingGroup {
        label: value.clone(),
        value,
        findings: SeverityCounts {
            critical: row.count("critical")?,
            high: row.count("high")?,
            medium: row.count("medium")?,
            low: row.count("low")?,
            negligible: row.count("negligible")?,
            none: row.count("none")?,
            unknown: row.count("unknown")?,
        },
        assets: row.count("assets")?,
        kev: row.count("kev")?,
        risk: u8::try_from(risk).map_err(|error| row.unreadable("risk", error.to_string()))?,
        risk_total: row.count("risk_total")?,
        fixed_in: Vec::new(),
    })
}
