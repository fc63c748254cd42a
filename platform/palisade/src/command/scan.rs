//! `palisade scan`: the same road as the server's, in one process and without the bus.

mod account;
pub(super) mod k8s;

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use advisories::{Index, Library, Origin};
use anyhow::{Context as _, Result};
use engine::{FactCache, ScanOptions, ScanOutcome};
use image::{Exclude, OpenOptions, Source};
use model::{ScanReport, Target, TargetKind};

use crate::cli::{Printing, Reading, Scan};
use crate::config::Config;
use crate::data::DataDir;
use crate::described::Described;
use crate::exit::Outcome;
use crate::plugins::Need;
use crate::progress::Bar;
use crate::{audit, output, plugins, serve};

/// Runs a subcommand.
pub(crate) fn run(what: Scan, config: &Config) -> Result<Outcome> {
    match what {
        Scan::Image { reference, platform, reading, printing } => {
            let source = Source::parse(&reference)?;
            let options = serve::open_options(config, platform)?;
            scan_and_print(&source, &reference, &options, None, &reading, &printing, config)
        }
        Scan::Dir { path, exclude, no_config, helm, reading, printing } => {
            let reference = path.display().to_string();
            let mut options = serve::open_options(config, None)?;
            options.exclude = Exclude::new(&[config.scan.exclude.as_slice(), &exclude].concat())?;
            let helm = helm.or_else(iac::find_helm);
            let wish = (!no_config).then_some(Described { root: &path, helm: helm.as_deref() });
            let source = Source::Directory(path.clone());
            scan_and_print(&source, &reference, &options, wish, &reading, &printing, config)
        }
        Scan::Sbom { file, printing } => judge_document(&file, &printing, config),
        Scan::K8s { source, threads, printing } => k8s::judge_cluster(&source, threads, &printing, config),
        Scan::Account { source, threads, printing } => {
            account::judge_account(&source, threads, &printing, config)
        }
    }
}

fn scan_and_print(
    source: &Source,
    reference: &str,
    options: &OpenOptions,
    described: Option<Described<'_>>,
    reading: &Reading,
    printing: &Printing,
    config: &Config,
) -> Result<Outcome> {
    let data = DataDir::open(config.data_dir())?;
    let host = plugins::host(&data)?;
    let need = if described.is_some() { Need::Directories } else { Need::Images };
    let set = plugins::load_once(config, &data, &host, need)?;
    let index = advisory_index(&data, printing.advisories.as_deref())?;
    let cache = match reading.no_cache {
        true => FactCache::disabled(),
        false => FactCache::at(&data.layer_facts(&options.limits)),
    };
    let image = image::open(source, options)
        .with_context(|| format!("cannot scan {}", output::visible(reference)))?;
    let bar = Bar::new(reference);
    let scan = ScanOptions {
        threads: config.threads(reading.threads),
        cache: &cache,
        progress: &|step| bar.show(step),
    };
    let outcome = engine::scan_image(&image, reference, &set.plan, index.as_deref(), &scan);
    drop(bar);
    let ScanOutcome { mut report, target, .. } =
        outcome.with_context(|| format!("cannot scan {}", output::visible(reference)))?;
    if let Some(described) = described {
        let threads = config.threads(reading.threads);
        let trail = described.judge(&set.posture, &options.exclude, threads, &mut report)?;
        audit::keep_once(config, &data, &trail, &format!("the directory {reference}"))?;
    }
    output::print(&report, &target, printing)
}

fn judge_document(file: &Path, printing: &Printing, config: &Config) -> Result<Outcome> {
    let data = DataDir::open(config.data_dir())?;
    let index = advisory_index(&data, printing.advisories.as_deref())?;
    let bytes = read_document(file).with_context(|| format!("cannot read {}", file.display()))?;
    let bom = ingest::read(&bytes)
        .with_context(|| format!("cannot use {} as a bill of materials", file.display()))?;
    let report: ScanReport = engine::scan_packages(bom.os, bom.packages, bom.gaps, index.as_deref());
    let target = Target {
        kind: TargetKind::Sbom,
        reference: file.display().to_string(),
        digest: None,
        platform: None,
        layers: Vec::new(),
    };
    output::print(&report, &target, printing)
}

/// A bill of materials larger than this is refused by its reader, so no more of it is read.
const DOCUMENT_BYTES_MAX: u64 = ingest::limits::DOCUMENT_BYTES as u64;

fn read_document(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(file)?.take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    }
    anyhow::ensure!(
        bytes.len() as u64 <= DOCUMENT_BYTES_MAX,
        "it is larger than {} MiB",
        DOCUMENT_BYTES_MAX >> 20
    );
    Ok(bytes)
}

/// The index to judge by: the one named, else the one in use, else none.
pub(crate) fn advisory_index(data: &DataDir, named: Option<&Path>) -> Result<Option<Arc<Index>>> {
    let Some(path) = named else {
        return Library::open(&data.advisories())
            .current()
            .context("cannot open the installed advisories; `palisade advisories status` tells more");
    };
    let what = || format!("cannot use {} as advisories", path.display());
    if path.extension().is_some_and(|extension| extension == "index") {
        return Ok(Some(Arc::new(Index::open(path).with_context(what)?)));
    }
    // Mapped once it is open, so the name may go with the folder.
    let folder =
        tempfile::tempdir_in(data.root()).context("cannot make a temporary folder in the data directory")?;
    let file = folder.path().join("named.index");
    let origin = Origin { source: path.display().to_string(), sample: false };
    advisories::build_index(&[path.to_owned()], &origin, &file).with_context(what)?;
    Ok(Some(Arc::new(Index::open(&file).with_context(what)?)))
}
