//! Things at risk: what they are, what is installed on them, what stands open.

use std::collections::HashMap;

use jiff::Timestamp;
use model::{AssetId, Coverage, Digest, OperatingSystem, TargetKind, TenantId};
use uuid::Uuid;

use crate::bulk::{Insert, Kind};
use crate::connection::Tx;
use crate::finish::{End, Summary};
use crate::merge::Totals;
use crate::page::Position;
use crate::prepare::PACKAGE_COLUMNS;
use crate::row::Row;
use crate::sql::{Param, Sql, sql};
use crate::{Page, PageRequest, Result, SeverityCounts, Store, clean};

/// An asset as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetRow {
    /// Its canonical id.
    pub id: AssetId,
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// The name by which it was last scanned; for people only.
    pub name: String,
    /// Names that the newest scan of each led here, newest first; at most 20.
    pub aliases: Vec<String>,
    /// Digest of an image.
    pub digest: Option<Digest>,
    /// `os/architecture[/variant]` of an image.
    pub platform: Option<String>,
    /// Its distribution.
    pub os: Option<OperatingSystem>,
    /// Packages that its last scan found.
    pub packages: u64,
    /// Gaps in the coverage of its last scan.
    pub gaps: u64,
    /// When it was first scanned.
    pub first_seen_at: Timestamp,
    /// When its last scan finished.
    pub last_scan_at: Timestamp,
    /// Its last scan.
    pub last_scan: Uuid,
    /// Open findings that are not suppressed, by severity.
    pub findings: SeverityCounts,
    /// Those of them known to be exploited.
    pub kev_open: u64,
    /// Those of them that a newer version mends.
    pub fixable_open: u64,
}

/// Everything about an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetDetail {
    /// What lists show.
    pub row: AssetRow,
    /// Uncompressed digests of an image's layers, lowest first.
    pub layers: Vec<Digest>,
    /// What its last scan saw and did not see.
    pub coverage: Coverage,
}

/// Which assets to list. Empty means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssetFilter {
    /// Of one of these kinds.
    pub kinds: Vec<TargetKind>,
    /// With this in the name, the id or an alias, in any case.
    pub text: Option<String>,
}

/// In which order to list assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AssetSort {
    /// Last scanned first.
    #[default]
    LastScan,
    /// By name, then id.
    Name,
}

/// The figures of a tenant on one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overview {
    /// Open findings that are not suppressed, by severity.
    pub findings: SeverityCounts,
    /// Those of them known to be exploited.
    pub kev_open: u64,
    /// Those of them that a newer version mends.
    pub fixable_open: u64,
    /// Assets.
    pub assets: u64,
    /// Those of them that are images.
    pub images: u64,
    /// Packages installed on all of them; one on two assets counts twice.
    pub packages: u64,
    /// Gaps in the coverage of their last scans.
    pub gaps: u64,
}

const COLUMNS: &str =
    "id, kind, name, digest, platform, os, packages, gaps, first_seen_at, last_scan_at, last_scan,
    critical, high, medium, low, negligible, none, unknown, kev_open, fixable_open";

/// Aliases shown with an asset; a build server may give one image thousands.
const ALIASES_MAX: i64 = 20;

impl Store {
    /// Assets with their counts.
    ///
    /// # Errors
    /// [`StoreError::CursorInvalid`](crate::StoreError::CursorInvalid) and database errors.
    pub async fn assets(
        &self,
        tenant: &TenantId,
        filter: &AssetFilter,
        sort: AssetSort,
        page: &PageRequest,
    ) -> Result<Page<AssetRow>> {
        let list = match sort {
            AssetSort::LastScan => "assets:last-scan",
            AssetSort::Name => "assets:name",
        };
        let mut statement = sql("SELECT ", []);
        statement.push(COLUMNS).push(" FROM asset WHERE tenant = ").bind(tenant);
        if !filter.kinds.is_empty() {
            let kinds = filter.kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
            statement.push(" AND ").any(self.backend.dialect(), "kind", Param::Texts(kinds));
        }
        if let Some(text) = &filter.text {
            let pattern = clean::contains_pattern(text)?;
            statement.push(" AND (search LIKE ").bind(pattern.as_str()).push(" ESCAPE '\\'");
            statement.push(" OR id IN (SELECT asset FROM asset_alias WHERE tenant = ").bind(tenant);
            statement.push(" AND lower(alias) LIKE ").bind(pattern.as_str()).push(" ESCAPE '\\'))");
        }
        match (sort, page.after(list)?) {
            (AssetSort::LastScan, Some(after)) => {
                let at = micros(after.int_key()?)?;
                statement.push(" AND (last_scan_at, id) < (").bind(at).push(", ");
                statement.bind(after.tiebreak.as_str()).push(")");
            }
            (AssetSort::Name, Some(after)) => {
                statement.push(" AND (name, id) > (").bind(after.text_key()?).push(", ");
                statement.bind(after.tiebreak.as_str()).push(")");
            }
            (_, None) => {}
        }
        statement.push(match sort {
            AssetSort::LastScan => " ORDER BY last_scan_at DESC, id DESC LIMIT ",
            AssetSort::Name => " ORDER BY name, id LIMIT ",
        });
        statement.bind(page.rows_to_read());
        let rows = self.backend.rows("list assets", statement).await?;
        let assets = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        let mut page = Page::new(assets, page, list, |asset: &AssetRow| match sort {
            AssetSort::LastScan => Position::int(asset.last_scan_at.as_microsecond(), &*asset.id.0),
            AssetSort::Name => Position::text(&*asset.name, &*asset.id.0),
        });
        self.fill_aliases(tenant, &mut page.items).await?;
        Ok(page)
    }

    /// One asset.
    ///
    /// # Errors
    /// Database errors.
    pub async fn asset(&self, tenant: &TenantId, id: &AssetId) -> Result<Option<AssetDetail>> {
        let mut statement = sql("SELECT layers, ", []);
        statement.push(COLUMNS).push(" FROM asset WHERE tenant = ").bind(tenant);
        statement.push(" AND id = ").bind(clean::text(&id.0).as_ref());
        let Some(found) = self.backend.row("read an asset", statement).await? else { return Ok(None) };
        let mut rows = [read(&found)?];
        self.fill_aliases(tenant, &mut rows).await?;
        let [row] = rows;
        let coverage = self.scan_coverage(tenant, row.last_scan).await?.unwrap_or_default();
        Ok(Some(AssetDetail { row, layers: found.json("layers")?, coverage }))
    }

    /// The figures of a tenant, summed over its assets: the counts are kept by whoever writes, so that no finding is read.
    ///
    /// # Errors
    /// Database errors.
    pub async fn overview(&self, tenant: &TenantId) -> Result<Overview> {
        let statement = sql(
            "SELECT count(*) AS assets, count(*) FILTER (WHERE kind = 'image') AS images,
                CAST(COALESCE(sum(packages), 0) AS BIGINT) AS packages,
                CAST(COALESCE(sum(gaps), 0) AS BIGINT) AS gaps,
                CAST(COALESCE(sum(critical), 0) AS BIGINT) AS critical,
                CAST(COALESCE(sum(high), 0) AS BIGINT) AS high,
                CAST(COALESCE(sum(medium), 0) AS BIGINT) AS medium,
                CAST(COALESCE(sum(low), 0) AS BIGINT) AS low,
                CAST(COALESCE(sum(negligible), 0) AS BIGINT) AS negligible,
                CAST(COALESCE(sum(none), 0) AS BIGINT) AS none,
                CAST(COALESCE(sum(unknown), 0) AS BIGINT) AS unknown,
                CAST(COALESCE(sum(kev_open), 0) AS BIGINT) AS kev_open,
                CAST(COALESCE(sum(fixable_open), 0) AS BIGINT) AS fixable_open
             FROM asset WHERE tenant = $1",
            [tenant.into()],
        );
        let Some(row) = self.backend.row("sum up the assets", statement).await? else {
            return Ok(Overview::default());
        };
        Ok(Overview {
            findings: severity_counts(&row)?,
            kev_open: row.count("kev_open")?,
            fixable_open: row.count("fixable_open")?,
            assets: row.count("assets")?,
            images: row.count("images")?,
            packages: row.count("packages")?,
            gaps: row.count("gaps")?,
        })
    }

    async fn fill_aliases(&self, tenant: &TenantId, assets: &mut [AssetRow]) -> Result<()> {
        if assets.is_empty() {
            return Ok(());
        }
        let ids = assets.iter().map(|asset| asset.id.0.clone()).collect();
        let mut statement = sql(
            "SELECT asset, alias FROM (
                SELECT asset, alias, row_number() OVER (PARTITION BY asset ORDER BY seq DESC, alias) AS place
                FROM asset_alias WHERE tenant = ",
            [],
        );
        statement.bind(tenant).push(" AND ").any(self.backend.dialect(), "asset", Param::Texts(ids));
        statement.push(") AS named WHERE place <= ").bind(ALIASES_MAX).push(" ORDER BY asset, place");
        let mut aliases: HashMap<String, Vec<String>> = HashMap::new();
        for row in self.backend.rows("read aliases", statement).await? {
            aliases.entry(row.text("asset")?).or_default().push(row.text("alias")?);
        }
        for asset in assets {
            asset.aliases = aliases.remove(&asset.id.0).unwrap_or_default();
        }
        Ok(())
    }
}

/// A time out of a cursor.
pub(crate) fn micros(value: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(value).map_err(|_| crate::StoreError::CursorInvalid)
}

fn severity_counts(row: &Row) -> Result<SeverityCounts> {
    Ok(SeverityCounts {
        critical: row.count("critical")?,
        high: row.count("high")?,
        medium: row.count("medium")?,
        low: row.count("low")?,
        negligible: row.count("negligible")?,
        none: row.count("none")?,
        unknown: row.count("unknown")?,
    })
}

fn read(row: &Row) -> Result<AssetRow> {
    let digest = row.text_or_null("digest")?;
    Ok(AssetRow {
        id: AssetId(row.text("id")?),
        kind: row.word("kind", TargetKind::from_name)?,
        name: row.text("name")?,
        aliases: Vec::new(),
        digest: digest
            .map(|digest| Digest::parse(&digest).map_err(|error| row.unreadable("digest", error.to_string())))
            .transpose()?,
        platform: row.text_or_null("platform")?,
        os: row.json_or_null("os")?,
        packages: row.count("packages")?,
        gaps: row.count("gaps")?,
        first_seen_at: row.time("first_seen_at")?,
        last_scan_at: row.time("last_scan_at")?,
        last_scan: row.uuid("last_scan")?,
        findings: severity_counts(row)?,
        kev_open: row.count("kev_open")?,
        fixable_open: row.count("fixable_open")?,
    })
}

/// Makes sure the asset is there, locks it, and tells whether this scan is the newest that finished on it; if so, the asset
/// is described as this scan saw it.
pub(crate) async fn claim(tx: &mut Tx, end: &End<'_>) -> Result<bool> {
    let newer =
        "kind = excluded.kind, name = excluded.name, digest = excluded.digest, platform = excluded.platform,
            os = excluded.os, layers = excluded.layers, search = excluded.search,
            last_scan_at = excluded.last_scan_at, last_scan = excluded.last_scan, last_seq = excluded.last_seq
         WHERE asset.last_seq < excluded.last_seq";
    // One statement for all three: an insert that meets a row locks it first and then compares, in Postgres too.
    Ok(write(tx, end, end.scan.seq, newer).await? == 1)
}

/// Makes sure that the asset of an import is there, and locks it. While no scan of our own has seen it, it is what the import says.
pub(crate) async fn ensure(tx: &mut Tx, end: &End<'_>) -> Result<()> {
    let unseen = "last_scan = CASE WHEN asset.last_seq = 0 THEN excluded.last_scan ELSE asset.last_scan END,
            last_scan_at = CASE WHEN asset.last_seq = 0 THEN excluded.last_scan_at ELSE asset.last_scan_at END";
    // Scans count from 1, so that any of them describes the asset anew.
    write(tx, end, 0, unseen).await.map(drop)
}

/// Inserts the asset of a scan, or changes as `otherwise` says the one that is there; how many rows that was.
async fn write(tx: &mut Tx, end: &End<'_>, seq: i64, otherwise: &'static str) -> Result<u64> {
    let Target { kind, name, digest, platform, os, layers, search } = describe(end)?;
    let mut statement = sql(
        "INSERT INTO asset (tenant, id, kind, name, digest, platform, os, layers, search,
            first_seen_at, last_scan_at, last_scan, last_seq)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)
         ON CONFLICT (tenant, id) DO UPDATE SET ",
        [
            end.tenant.into(),
            end.asset.into(),
            kind.into(),
            name.into(),
            digest.into(),
            platform.into(),
            Param::Json(os),
            Param::Json(Some(layers)),
            search.into(),
            end.at.into(),
            end.scan.id.into(),
            seq.into(),
        ],
    );
    statement.push(otherwise);
    tx.execute(statement).await
}

/// An asset's descriptive columns.
struct Target {
    kind: &'static str,
    name: String,
    digest: Option<String>,
    platform: Option<String>,
    os: Option<String>,
    layers: String,
    search: String,
}

fn describe(end: &End<'_>) -> Result<Target> {
    let target = &end.outcome.target;
    let os = end.outcome.report.os.as_ref();
    let name = clean::key(&target.reference);
    Ok(Target {
        kind: target.kind.as_str(),
        search: format!("{name} {}", end.asset).to_lowercase(),
        name,
        digest: target.digest.as_ref().map(|digest| digest.as_str().to_owned()),
        platform: target.platform.as_deref().map(clean::key),
        os: os.map(|os| clean::json("a distribution", os)).transpose()?,
        layers: clean::json("layers", &target.layers)?,
    })
}

/// Writes the aliases, except those that a newer scan has found to lead elsewhere.
pub(crate) async fn put_aliases(tx: &mut Tx, end: &End<'_>) -> Result<()> {
    const ALIASES: Insert = Insert {
        into: "asset_alias",
        shared: &[("tenant", "::text"), ("asset", "::text"), ("seq", "::bigint")],
        columns: &[("alias", Kind::Text)],
        on_conflict: "ON CONFLICT (tenant, alias) DO UPDATE SET asset = excluded.asset, seq = excluded.seq
            WHERE asset_alias.seq < excluded.seq",
    };
    // In one order, so that two scans of two assets that share aliases never wait for each other in a circle.
    let mut aliases: Vec<String> = end.outcome.aliases.iter().map(|alias| clean::key(alias)).collect();
    aliases.sort_unstable();
    aliases.dedup();
    let shared = [end.tenant.into(), end.asset.into(), end.scan.seq.into()];
    tx.insert(&ALIASES, &shared, aliases.into_iter().map(|alias| vec![alias.into()]).collect()).await
}

/// Replaces the packages of the asset, unless they are the same as before.
pub(crate) async fn replace_packages(
    tx: &mut Tx,
    end: &End<'_>,
    packages: Vec<Vec<Param>>,
    digest: &[u8],
) -> Result<()> {
    const PACKAGES: Insert = Insert {
        into: "package",
        shared: &[("tenant", "::text"), ("asset", "::text")],
        columns: PACKAGE_COLUMNS,
        on_conflict: "",
    };
    let key: [Param; 2] = [end.tenant.into(), end.asset.into()];
    let before =
        tx.row(sql("SELECT packages_digest FROM asset WHERE tenant = $1 AND id = $2", key.clone())).await?;
    let before = before.map_or(Ok(None), |row| row.bytes_or_null("packages_digest"))?;
    if before.as_deref() == Some(digest) {
        return Ok(());
    }
    let count = i64::try_from(packages.len()).unwrap_or(i64::MAX);
    tx.execute(sql("DELETE FROM package WHERE tenant = $1 AND asset = $2", key.clone())).await?;
    tx.insert(&PACKAGES, &key, packages).await?;
    let statement = sql(
        "UPDATE asset SET packages = $3, packages_digest = $4 WHERE tenant = $1 AND id = $2",
        [end.tenant.into(), end.asset.into(), count.into(), digest.to_vec().into()],
    );
    tx.execute(statement).await.map(drop)
}

/// Writes what stands open on the asset now.
pub(crate) async fn put_totals(tx: &mut Tx, end: &End<'_>, totals: &Totals, summary: &Summary) -> Result<()> {
    let count = |value: u64| Param::from(i64::try_from(value).unwrap_or(i64::MAX));
    let findings = &totals.findings;
    let mut statement: Sql = sql(
        "UPDATE asset SET critical = $3, high = $4, medium = $5, low = $6, negligible = $7, none = $8, unknown = $9,
            kev_open = $10, fixable_open = $11, gaps = $12
         WHERE tenant = $1 AND id = $2",
        [end.tenant.into(), end.asset.into()],
    );
    statement.params.extend(
        [
            findings.critical,
            findings.high,
            findings.medium,
            findings.low,
            findings.negligible,
            findings.none,
            findings.unknown,
            totals.kev,
            totals.fixable,
            summary.gaps,
        ]
        .map(count),
    );
    tx.execute(statement).await.map(drop)
}

/// Writes what stands open on the asset after some of it was judged again: what stood of that goes, what stands comes.
pub(crate) async fn shift_totals(tx: &mut Tx, end: &End<'_>, before: &Totals, after: &Totals) -> Result<()> {
    let figures = |totals: &Totals| {
        let findings = &totals.findings;
        [
            findings.critical,
            findings.high,
            findings.medium,
            findings.low,
            findings.negligible,
            findings.none,
            findings.unknown,
            totals.kev,
            totals.fixable,
        ]
    };
    let differences = figures(before).into_iter().zip(figures(after)).map(|(before, after)| {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        Param::from(number(after).saturating_sub(number(before)))
    });
    let mut statement: Sql = sql(
        "UPDATE asset SET critical = critical + $3, high = high + $4, medium = medium + $5, low = low + $6,
            negligible = negligible + $7, none = none + $8, unknown = unknown + $9,
            kev_open = kev_open + $10, fixable_open = fixable_open + $11
         WHERE tenant = $1 AND id = $2",
        [end.tenant.into(), end.asset.into()],
    );
    statement.params.extend(differences);
    tx.execute(statement).await.map(drop)
}
