//! What is known of where findings are: of resources of a scope, and of images by the workloads that run them. The whole scan of a scope
//! tells it, and the risk of every finding there follows in the same transaction.
//!
//! An image is known here by the digest that a cluster names, which may be that of an index: it is looked for under the id of its asset and
//! under every digest that one of its names has. Of several workloads that run one image the worst counts, because that is where it would
//! be attacked.
//!
//! Who scans an image holds the lock of its asset and then reads; who tells of places writes them first and then takes the locks of the
//! images in the order of their ids. So whoever comes second sees what the first one wrote, and nobody waits in a circle.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{AssetId, RiskPlace, TenantId, risk};

use crate::bulk::{Insert, Kind};
use crate::connection::Tx;
use crate::finish::End;
use crate::prepare;
use crate::row::Row;
use crate::sql::{Param, sql};
use crate::{Result, Store, clean};

/// What a scan of a scope knows of one of its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlace {
    /// Path in the scope, as findings name it.
    pub path: String,
    /// Images that it runs: by digest, each with one reference that leads to it.
    pub images: BTreeMap<String, String>,
    /// What is known of it.
    pub place: RiskPlace,
}

/// A resource that a finding is on or runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPlace {
    /// The cluster or account.
    pub scope: AssetId,
    /// Path in it.
    pub path: String,
    /// What is known of it.
    pub place: RiskPlace,
}

/// What to multiply by, by what a finding is about.
#[derive(Debug)]
pub(crate) struct Percents {
    whole: u8,
    subjects: HashMap<String, u8>,
}

impl Percents {
    /// Of a finding about this resource; about the whole asset, if empty.
    pub(crate) fn at(&self, subject: &str) -> u8 {
        self.subjects.get(subject).copied().unwrap_or(self.whole)
    }
}

/// An asset and a resource of it; the resource is empty for an image.
type Key = (String, String);

/// What is stored of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    path: String,
    reference: String,
    place: RiskPlace,
}

/// Findings that are read to be given their risk, before others get their turn.
const UNSCORED_PER_TURN: i64 = 500;

impl Store {
    /// Where a finding on this asset about this resource (nothing: the whole asset) is, if any scan of a scope tells. Of several
    /// places that one which counts.
    ///
    /// # Errors
    /// Database errors.
    pub async fn risk_place(
        &self,
        tenant: &TenantId,
        asset: &AssetId,
        finding: &model::Finding,
    ) -> Result<Option<KnownPlace>> {
        let mut tx = self.backend.begin("read where a finding is").await?;
        let asset = clean::text(&asset.0);
        let known = known(&mut tx, tenant, &asset, vec![prepare::subject(finding)]).await?;
        tx.commit().await?;
        let own = known.iter().filter(|(subject, _)| !subject.is_empty()).map(|(_, place)| place);
        let best = |one: &&KnownPlace| (one.place.percent(), one.scope.0.clone(), one.path.clone());
        let whole = known.iter().filter(|(subject, _)| subject.is_empty()).map(|(_, place)| place);
        Ok(own.max_by_key(best).or_else(|| whole.max_by_key(best)).cloned())
    }

    /// Gives findings that were stored before there was a risk theirs, some at a time; how many it were. Nothing is left when it is none.
    ///
    /// # Errors
    /// Database errors.
    pub async fn score_unscored(&self) -> Result<u64> {
        let mut tx = self.backend.begin("give findings their risk").await?;
        let mut statement = sql(
            "SELECT tenant, fingerprint, asset, body FROM finding WHERE risk_base < 0
             ORDER BY tenant, fingerprint LIMIT ",
            [],
        );
        statement.bind(UNSCORED_PER_TURN).push(tx.dialect().for_update());
        let rows = tx.rows(statement).await?;
        for row in &rows {
            let tenant = TenantId::parse(&row.text("tenant")?)
                .map_err(|error| row.unreadable("tenant", error.to_string()))?;
            let finding: model::Finding = row.json("body")?;
            let subject = prepare::subject(&finding);
            let percents =
                percents(&mut tx, &tenant, &row.text("asset")?, std::iter::once(subject.clone())).await?;
            let base = risk::base(&finding);
            let statement = sql(
                "UPDATE finding SET risk_base = $3, risk = $4, fix_version = $5 WHERE tenant = $1 AND fingerprint = $2",
                [
                    (&tenant).into(),
                    row.text("fingerprint")?.into(),
                    base.into(),
                    i64::from(risk::score(base, percents.at(&subject))).into(),
                    prepare::fix_version(&finding).into(),
                ],
            );
            tx.execute(statement).await?;
        }
        tx.commit().await?;
        Ok(rows.len() as u64)
    }
}

/// What the findings of an asset about these resources are multiplied by.
pub(crate) async fn percents(
    tx: &mut Tx,
    tenant: &TenantId,
    asset: &str,
    subjects: impl Iterator<Item = String>,
) -> Result<Percents> {
    let subjects: BTreeSet<String> = subjects.collect();
    let mut percents = Percents { whole: risk::PLACE_UNKNOWN, subjects: HashMap::new() };
    if subjects.is_empty() {
        return Ok(percents);
    }
    for (subject, known) in known(tx, tenant, asset, subjects.into_iter().collect()).await? {
        let percent = known.place.percent();
        let kept = match subject.as_str() {
            "" => &mut percents.whole,
            _ => percents.subjects.entry(subject).or_insert(percent),
        };
        *kept = percent.max(*kept);
    }
    Ok(percents)
}

/// What is known of an asset as a whole and of these resources of it.
async fn known(
    tx: &mut Tx,
    tenant: &TenantId,
    asset: &str,
    mut subjects: Vec<String>,
) -> Result<Vec<(String, KnownPlace)>> {
    subjects.push(String::new());
    let mut statement = sql("SELECT scope, subject, path, place FROM risk_place WHERE tenant = ", []);
    let names = digests(tx, tenant, asset).await?;
    statement.bind(tenant).push(" AND ").any(tx.dialect(), "asset", Param::Texts(names));
    statement.push(" AND ").any(tx.dialect(), "subject", Param::Texts(subjects));
    let rows = tx.rows(statement).await?;
    let read = |row: &Row| {
        let known = KnownPlace {
            scope: AssetId(row.text("scope")?),
            path: row.text("path")?,
            place: row.json("place")?,
        };
        Ok((row.text("subject")?, known))
    };
    rows.iter().map(read).collect()
}

/// The id of an asset and every digest that it is reached under.
async fn digests(tx: &mut Tx, tenant: &TenantId, asset: &str) -> Result<Vec<String>> {
    let statement = sql(
        "SELECT alias FROM asset_alias WHERE tenant = $1 AND asset = $2 AND alias LIKE '%@sha256:%'",
        [tenant.into(), asset.into()],
    );
    let mut all = BTreeSet::from([asset.to_owned()]);
    for row in tx.rows(statement).await? {
        all.extend(row.text("alias")?.split_once('@').map(|(_, digest)| digest.to_owned()));
    }
    Ok(all.into_iter().collect())
}

/// Writes what a scan knows of the places of its scope, and gives what stands on those that changed its risk.
pub(crate) async fn put(tx: &mut Tx, end: &End<'_>, places: &[NewPlace]) -> Result<()> {
    let mut before = stored(tx, end).await?;
    let mut changed: BTreeMap<Key, Stored> = BTreeMap::new();
    for (key, place) in keyed(end.asset, places) {
        if before.get(&key) == Some(&place) {
            before.remove(&key);
        } else {
            changed.insert(key, place);
        }
    }
    // What is left of what was stored is gone, or changed and written anew.
    let touched: BTreeMap<Key, String> =
        (before.iter().chain(&changed)).map(|(key, place)| (key.clone(), place.reference.clone())).collect();
    let gone = before.into_keys().filter(|key| !changed.contains_key(key)).collect();
    write(tx, end, changed).await?;
    delete(tx, end, gone).await?;
    let (own, images): (Vec<_>, Vec<_>) =
        touched.into_iter().partition(|((_, subject), _)| !subject.is_empty());
    rescore_subjects(tx, end, own.into_iter().map(|((_, subject), _)| subject).collect()).await?;
    rescore_images(tx, end, images.into_iter().map(|((digest, _), reference)| (digest, reference)).collect())
        .await
}

/// What there is to know by key: of each resource, and of each image where it runs worst.
fn keyed(scope: &str, places: &[NewPlace]) -> BTreeMap<Key, Stored> {
    let mut all: BTreeMap<Key, Stored> = BTreeMap::new();
    for new in places {
        let path = clean::key(&new.path);
        let stored = |reference: &str| Stored {
            path: path.clone(),
            reference: clean::key(reference),
            place: new.place,
        };
        for (digest, reference) in &new.images {
            let worst = all.entry((clean::key(digest), String::new())).or_insert_with(|| stored(reference));
            let rank = |place: &Stored| (place.place.percent(), std::cmp::Reverse(place.path.clone()));
            let other = stored(reference);
            if rank(&other) > rank(worst) {
                *worst = other;
            }
        }
        if !path.is_empty() {
            all.insert((scope.to_owned(), path.clone()), stored(""));
        }
    }
    all
}

async fn stored(tx: &mut Tx, end: &End<'_>) -> Result<BTreeMap<Key, Stored>> {
    let statement = sql(
        "SELECT asset, subject, path, reference, place FROM risk_place WHERE tenant = $1 AND scope = $2",
        [end.tenant.into(), end.asset.into()],
    );
    let rows = tx.rows(statement).await?;
    let read = |row: &Row| {
        let place =
            Stored { path: row.text("path")?, reference: row.text("reference")?, place: row.json("place")? };
        Ok(((row.text("asset")?, row.text("subject")?), place))
    };
    rows.iter().map(read).collect()
}

async fn write(tx: &mut Tx, end: &End<'_>, changed: BTreeMap<Key, Stored>) -> Result<()> {
    const PLACES: Insert = Insert {
        into: "risk_place",
        shared: &[("tenant", "::text"), ("scope", "::text")],
        columns: &[
            ("asset", Kind::Text),
            ("subject", Kind::Text),
            ("path", Kind::Text),
            ("reference", Kind::Text),
            ("place", Kind::Json),
        ],
        on_conflict: "ON CONFLICT (tenant, scope, asset, subject) DO UPDATE SET path = excluded.path,
            reference = excluded.reference, place = excluded.place",
    };
    let row = |((asset, subject), stored): (Key, Stored)| {
        let place = Param::Json(Some(clean::json("what is known of a place", &stored.place)?));
        Ok(vec![asset.into(), subject.into(), stored.path.into(), stored.reference.into(), place])
    };
    let rows = changed.into_iter().map(row).collect::<Result<_>>()?;
    tx.insert(&PLACES, &[end.tenant.into(), end.asset.into()], rows).await
}

async fn delete(tx: &mut Tx, end: &End<'_>, gone: Vec<Key>) -> Result<()> {
    let (own, images): (Vec<Key>, Vec<Key>) = gone.into_iter().partition(|(_, subject)| !subject.is_empty());
    let lists = [
        (
            " AND subject <> '' AND ",
            "subject",
            own.into_iter().map(|(_, subject)| subject).collect::<Vec<_>>(),
        ),
        (" AND subject = '' AND ", "asset", images.into_iter().map(|(asset, _)| asset).collect()),
    ];
    for (which, column, values) in lists {
        if !values.is_empty() {
            let mut statement = sql(
                "DELETE FROM risk_place WHERE tenant = $1 AND scope = $2",
                [end.tenant.into(), end.asset.into()],
            );
            statement.push(which).any(tx.dialect(), column, Param::Texts(values));
            tx.execute(statement).await?;
        }
    }
    Ok(())
}

/// As [`risk::score`] does it.
const RESCORE: &str = "UPDATE finding SET risk = (risk_base * $3 + 50000) / 100000
     WHERE tenant = $1 AND asset = $2 AND risk_base >= 0 AND risk <> (risk_base * $3 + 50000) / 100000";

async fn rescore_subjects(tx: &mut Tx, end: &End<'_>, subjects: Vec<String>) -> Result<()> {
    let percents = percents(tx, end.tenant, end.asset, subjects.iter().cloned()).await?;
    let mut alike: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    for subject in subjects {
        alike.entry(percents.at(&subject)).or_default().push(subject);
    }
    for (percent, subjects) in alike {
        let mut statement = sql(RESCORE, [end.tenant.into(), end.asset.into(), i64::from(percent).into()]);
        statement.push(" AND subject <> '' AND ").any(tx.dialect(), "subject", Param::Texts(subjects));
        tx.execute(statement).await?;
    }
    Ok(())
}

async fn rescore_images(tx: &mut Tx, end: &End<'_>, images: BTreeMap<String, String>) -> Result<()> {
    for asset in scanned(tx, end.tenant, images).await? {
        let mut lock = sql(
            "SELECT id FROM asset WHERE tenant = $1 AND id = $2",
            [end.tenant.into(), asset.as_str().into()],
        );
        lock.push(tx.dialect().for_update());
        tx.row(lock).await?;
        let percent = percents(tx, end.tenant, &asset, std::iter::once(String::new())).await?.at("");
        let statement = sql(RESCORE, [end.tenant.into(), asset.into(), i64::from(percent).into()]);
        tx.execute(statement).await?;
    }
    Ok(())
}

/// Assets of images that were scanned: under their digest or under a reference, in one order.
async fn scanned(
    tx: &mut Tx,
    tenant: &TenantId,
    images: BTreeMap<String, String>,
) -> Result<BTreeSet<String>> {
    let (digests, references): (Vec<String>, Vec<String>) = images.into_iter().unzip();
    let mut all = BTreeSet::new();
    if digests.is_empty() {
        return Ok(all);
    }
    let mut by_id = sql("SELECT id FROM asset WHERE tenant = ", []);
    by_id.bind(tenant).push(" AND ").any(tx.dialect(), "id", Param::Texts(digests));
    for row in tx.rows(by_id).await? {
        all.insert(row.text("id")?);
    }
    let mut by_name = sql("SELECT asset FROM asset_alias WHERE tenant = ", []);
    by_name.bind(tenant).push(" AND ").any(tx.dialect(), "alias", Param::Texts(references));
    for row in tx.rows(by_name).await? {
        all.insert(row.text("asset")?);
    }
    Ok(all)
}
