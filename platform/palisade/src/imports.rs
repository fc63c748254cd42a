//! Reports of other tools: what each is about, and what becomes of it. The service and the command line take the same road.

use exchange::{ExchangeError, Format, Imported};
use jiff::Timestamp;
use model::{AssetId, Coverage, Digest, Finding, ScanReport, Target, TargetKind, TenantId};
use store::{ImportAsk, ImportOutcome, ImportPart, ImportedTarget, ScanOutcome, Store, StoreError};
use uuid::Uuid;

/// Gaps that are kept with what came of an import.
const GAPS_MAX: usize = 100;

/// Why nothing becomes of a report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// It cannot be read.
    #[error("the report cannot be read")]
    Unreadable(#[from] ExchangeError),
    /// Nobody can tell what it is about.
    #[error("{0}")]
    Unclear(String),
    /// The reader ended by a fault of its own.
    #[error("the reader of reports stopped by a fault of the program")]
    Stopped(#[source] tokio::task::JoinError),
    /// The store did not answer.
    #[error("the store did not take the report")]
    Store(#[from] StoreError),
}

impl ImportError {
    /// The stable code; `platform/error-codes/` has a page for each.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(error) => error.code(),
            Self::Unclear(_) => "import-refused",
            Self::Stopped(_) => "import-reader-stopped",
            Self::Store(error) => error.code(),
        }
    }
}

/// A report that can be merged: what it says of which asset, each once. Its targets are in these parts.
#[derive(Debug)]
pub(crate) struct Readable {
    imported: Imported,
    parts: Vec<(Place, Vec<Finding>)>,
}

/// An asset that a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    asset: AssetId,
    kind: TargetKind,
    name: String,
    digest: Option<Digest>,
}

/// Reads a report and finds out which assets it is about.
///
/// # Errors
/// [`ImportError`].
pub(crate) async fn read(
    store: &Store,
    tenant: &TenantId,
    ask: &ImportAsk,
    body: Vec<u8>,
) -> Result<Readable, ImportError> {
    let format = ask.format.as_deref().map(Format::parse).transpose()?;
    // A report of many megabytes takes a second: nothing for a thread that others wait for.
    let read = tokio::task::spawn_blocking(move || exchange::read(&body, format)).await;
    let mut imported = read.map_err(ImportError::Stopped)??;
    let targets = std::mem::take(&mut imported.targets);
    let count = targets.len();
    let mut parts: Vec<(Place, Vec<Finding>)> = Vec::new();
    for target in targets {
        let place = match &ask.asset {
            Some(asset) => named(store, tenant, asset, count).await?,
            None => place(store, tenant, ask, &target, count).await?,
        };
        // Two names of one asset are one part: each by itself would close what the other found.
        match parts.iter_mut().find(|(known, _)| known.asset == place.asset) {
            Some((_, findings)) => findings.extend(target.findings),
            None => parts.push((place, target.findings)),
        }
    }
    Ok(Readable { imported, parts })
}

/// The asset that the sender names.
async fn named(store: &Store, tenant: &TenantId, asset: &str, targets: usize) -> Result<Place, ImportError> {
    let unclear = |what: String| Err(ImportError::Unclear(what));
    if targets != 1 {
        return unclear(format!(
            "the report is about {targets} things and one asset was named; leave the name out"
        ));
    }
    let id = AssetId(asset.to_owned());
    let Some(known) = store.asset(tenant, &id).await? else {
        return unclear(format!(
            "no asset is called {asset:?}; name one that is known, or say kind and target"
        ));
    };
    Ok(Place { asset: known.row.id, kind: known.row.kind, name: known.row.name, digest: known.row.digest })
}

/// The asset of a target: what its sender says comes before what the file says.
async fn place(
    store: &Store,
    tenant: &TenantId,
    ask: &ImportAsk,
    target: &exchange::Target,
    targets: usize,
) -> Result<Place, ImportError> {
    let unclear = |what: &str| Err(ImportError::Unclear(what.to_owned()));
    if targets > 1 && ask.target.is_some() {
        return unclear("the report is about several things and one was named; leave the name out");
    }
    let Some(kind) = ask.kind.or(kind(target.kind)) else {
        return unclear("the report does not say what kind of thing it is about; say kind and target");
    };
    let name = ask.target.clone().unwrap_or_else(|| target.name.clone());
    let digest = target.digest.as_deref().filter(|_| kind == TargetKind::Image && ask.target.is_none());
    let digest = digest.and_then(|digest| Digest::parse(digest).ok());
    if name.trim().is_empty() && digest.is_none() {
        return unclear("the report does not say what it is about; say its target by name");
    }
    let asset = known(store, tenant, kind, &name, digest.as_ref()).await?;
    if asset.0.len() > store::KEY_MAX {
        return unclear(
            "the name of what the report is about is longer than an id may be; say a shorter target",
        );
    }
    let name = if name.trim().is_empty() { asset.0.clone() } else { name };
    Ok(Place { asset, kind, name, digest })
}

/// The id of an asset: its digest, where that or no name is known; else what the name led to in the newest scan, as tools may tell the digest
/// of an index for that of an image; else its name.
async fn known(
    store: &Store,
    tenant: &TenantId,
    kind: TargetKind,
    name: &str,
    digest: Option<&Digest>,
) -> Result<AssetId, StoreError> {
    let digest = digest.map(|digest| AssetId(digest.as_str().to_owned()));
    if let Some(id) = &digest
        && store.asset(tenant, id).await?.is_some()
    {
        return Ok(id.clone());
    }
    let called = if name.trim().is_empty() { None } else { store.asset_called(tenant, kind, name).await? };
    Ok(called.or(digest).unwrap_or_else(|| AssetId(format!("{}:{name}", prefix(kind)))))
}

fn kind(kind: exchange::TargetKind) -> Option<TargetKind> {
    Some(match kind {
        exchange::TargetKind::Image => TargetKind::Image,
        exchange::TargetKind::Repository => TargetKind::Repository,
        exchange::TargetKind::Host => TargetKind::Host,
        exchange::TargetKind::Cluster => TargetKind::Cluster,
        exchange::TargetKind::Account => TargetKind::Account,
        exchange::TargetKind::Other => return None,
    })
}

/// How the id of an asset begins that is known by its name alone. None of our own scans makes such ids but for accounts, whose number is
/// their name.
fn prefix(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Image => "image",
        TargetKind::Directory => "directory",
        TargetKind::Sbom => "sbom",
        TargetKind::Cluster => "cluster",
        TargetKind::Account => "account",
        TargetKind::Repository => "repository",
        TargetKind::Host => "machine",
    }
}

/// Whether anything is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is.
    Merge,
    /// Only what would become of it is told.
    Try,
}

/// Merges a report asset by asset. The same import again has no second effect.
///
/// # Errors
/// Of the store.
pub(crate) async fn merge(
    store: &Store,
    tenant: &TenantId,
    (import, source): (Uuid, &str),
    report: Readable,
    mode: Mode,
    at: Timestamp,
) -> Result<ImportOutcome, StoreError> {
    let Readable { imported, parts } = report;
    let coverage = Coverage {
        complete: imported.whole && imported.unseen.is_empty(),
        gaps: imported.gaps.iter().take(GAPS_MAX).cloned().collect(),
        ..Coverage::default()
    };
    let mut targets = Vec::with_capacity(parts.len());
    for (index, (place, findings)) in parts.into_iter().enumerate() {
        let outcome = ScanOutcome {
            target: Target {
                kind: place.kind,
                reference: place.name.clone(),
                digest: place.digest.clone(),
                platform: None,
                layers: Vec::new(),
            },
            asset: place.asset.clone(),
            aliases: Vec::new(),
            report: ScanReport {
                schema: 1,
                os: None,
                packages: Vec::new(),
                findings,
                coverage: coverage.clone(),
            },
            scope: None,
        };
        let scan = part_id(import, index);
        let part = ImportPart {
            scan,
            source,
            made_at: imported.made_at,
            whole: imported.whole,
            unseen: &imported.unseen,
            outcome: &outcome,
        };
        let summary = match mode {
            Mode::Merge => store.merge_import(tenant, &part, at).await?,
            Mode::Try => store.try_import(tenant, &part, at).await?,
        };
        targets.push(ImportedTarget {
            asset: place.asset,
            name: place.name,
            kind: place.kind,
            scan,
            summary,
        });
    }
    Ok(ImportOutcome {
        format: imported.format.as_str().to_owned(),
        tool: imported.tool.name,
        tool_version: imported.tool.version,
        made_at: imported.made_at,
        targets,
        skipped: imported.skipped,
        gaps: coverage.gaps,
    })
}

/// The scan under which a part of an import comes: the same whenever the import is begun.
fn part_id(import: Uuid, index: usize) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"palisade import part 1").update(import.as_bytes());
    hasher.update(&(index as u64).to_le_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    // The time stays in front, so that ids sort by it as those of other scans do.
    let mut id = *import.as_bytes();
    for (place, byte) in id.iter_mut().zip(bytes).skip(9) {
        *place = byte;
    }
    Uuid::from_bytes(id)
}

/// SHA-256 of a report, in hexadecimal digits.
pub(crate) fn digest(body: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(body))
}
