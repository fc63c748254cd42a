//! One scan from end to end: known layers from the cache, the rest through the sandbox, all of them merged and judged.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use advisories::Index;
use image::{Image, LayerIndex};
use model::{Coverage, Finding, Gap, OperatingSystem, Package, ScanReport, Target, TargetKind};

use crate::dispatch::{LayerReading, read_layer, read_linked};
use crate::facts::PluginFacts;
use crate::merge::{Inventory, merge};
use crate::{EngineError, FactCache, Plan};

/// Version of the report form that this code writes.
pub(crate) const REPORT_SCHEMA: u32 = 1;

/// What a scan is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Layers are being read; `done` of `total` are finished, `known` of them without reading.
    Layers {
        /// Finished.
        done: usize,
        /// All.
        total: usize,
        /// Found in the cache.
        known: usize,
    },
    /// Packages are being matched with advisories.
    Judging {
        /// How many packages.
        packages: usize,
    },
}

/// Told of every step, from any thread.
pub type Progress<'a> = &'a (dyn Fn(Step) + Sync);

/// How to scan. None of it changes the result.
pub struct ScanOptions<'a> {
    /// Layers read at the same time; at least one.
    pub threads: usize,
    /// What is known of layers.
    pub cache: &'a FactCache,
    /// Who is told.
    pub progress: Progress<'a>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanOutcome {
    /// What was scanned.
    pub target: Target,
    /// What was found.
    pub report: ScanReport,
    /// How many layers were read, as against known.
    pub layers_read: usize,
}

/// Scans an opened image or directory.
///
/// `reference` is what the user asked for; it is shown and never interpreted. Without an `index` every ecosystem is reported as having
/// no data.
///
/// # Errors
/// [`EngineError`] when there is no result at all, such as a layer that is not what its digest says.
pub fn scan_image(
    image: &Image,
    reference: &str,
    plan: &Plan,
    index: Option<&Index>,
    options: &ScanOptions<'_>,
) -> Result<ScanOutcome, EngineError> {
    let (layers, layers_read) = collect_layers(image, plan, options)?;
    let (indexes, mut facts): (Vec<LayerIndex>, Vec<Vec<PluginFacts>>) = layers.into_iter().unzip();
    let linked_gaps = follow_links(image, plan, &indexes, &mut facts)?;
    let mut inventory = merge(&indexes, &facts);
    inventory.gaps.extend(linked_gaps);
    inventory.gaps.extend(image.gaps().iter().cloned());
    (options.progress)(Step::Judging { packages: inventory.packages.len() });
    let report = judge(inventory, plan, index);
    Ok(ScanOutcome { target: target_of(image, reference), report, layers_read })
}

/// Judges packages that somebody else found, such as those of a software bill of materials. `gaps` is what the reader
/// of that document could not make use of.
#[must_use]
pub fn scan_packages(
    os: Option<OperatingSystem>,
    mut packages: Vec<Package>,
    gaps: Vec<Gap>,
    index: Option<&Index>,
) -> ScanReport {
    packages.sort();
    packages.dedup();
    report_of(Inventory { os, packages, findings: Vec::new(), gaps }, Vec::new(), index)
}

fn target_of(image: &Image, reference: &str) -> Target {
    let kind = if image.is_directory() { TargetKind::Directory } else { TargetKind::Image };
    Target {
        kind,
        reference: reference.to_owned(),
        digest: image.digest().or(image.config_digest()).cloned(),
        platform: image.platform().map(str::to_owned),
        layers: image.diff_ids().to_vec(),
    }
}

fn judge(inventory: Inventory, plan: &Plan, index: Option<&Index>) -> ScanReport {
    report_of(inventory, plan.coverage(), index)
}

fn report_of(
    inventory: Inventory,
    analyzers: Vec<model::AnalyzerCoverage>,
    index: Option<&Index>,
) -> ScanReport {
    let judgement = advisories::judge(index, inventory.os.as_ref(), &inventory.packages);
    let mut findings = judgement.findings;
    findings.extend(inventory.findings);
    findings.sort_by(|a, b| rank(a).cmp(&rank(b)));
    let gaps: Vec<Gap> =
        inventory.gaps.into_iter().chain(judgement.gaps).collect::<BTreeSet<_>>().into_iter().collect();
    let coverage = Coverage {
        complete: gaps.is_empty(),
        analyzers,
        advisories: judgement.advisories,
        ecosystems: judgement.ecosystems,
        gaps,
    };
    ScanReport { schema: REPORT_SCHEMA, os: inventory.os, packages: inventory.packages, findings, coverage }
}

/// Puts findings in the order in which they are read.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| rank(a).cmp(&rank(b)));
}

/// The order in which findings are read: what counts before what does not, worst first, then by name.
pub(crate) fn rank(finding: &Finding) -> impl Ord + use<'_> {
    let package = finding.package.as_ref().map(|p| (p.kind, p.name.as_str(), p.version.as_str()));
    (
        finding.suppressed.is_some(),
        std::cmp::Reverse(finding.severity),
        finding.rule.as_str(),
        package,
        finding.key.as_str(),
    )
}

/// What is known of a layer once it is read: its index, and the facts of every plugin in the order of the plan.
type ReadLayer = (LayerIndex, Vec<PluginFacts>);

/// Reads files that a link of one layer finds in another. They belong to the image and not to a layer, so they are read every
/// time; hardly any image has one. Their facts join those of the layer that has the link, where the path is.
fn follow_links(
    image: &Image,
    plan: &Plan,
    indexes: &[LayerIndex],
    facts: &mut [Vec<PluginFacts>],
) -> Result<Vec<Gap>, EngineError> {
    let everybody: Vec<usize> = (0..plan.analyzers().len()).collect();
    let selector = plan.selector(&everybody)?;
    let mut gaps = Vec::new();
    for linked in image::Overlay::new(indexes).linked(&selector) {
        let (read, unseen) = read_linked(image, &linked, plan, &everybody, &selector)?;
        gaps.extend(unseen);
        // The topmost layer is the one that no other hides.
        if let Some(top) = facts.last_mut() {
            top.extend(read.into_iter().map(|(_, facts)| facts));
        }
    }
    Ok(gaps)
}

/// What is known of a layer before it is read.
struct Known {
    index: Option<LayerIndex>,
    facts: Vec<Option<PluginFacts>>,
}

impl Known {
    /// Plugins whose facts are missing; all of them when the layer itself was never read.
    fn missing(&self) -> Vec<usize> {
        let absent = |(owner, facts): (usize, &Option<PluginFacts>)| {
            (facts.is_none() || self.index.is_none()).then_some(owner)
        };
        self.facts.iter().enumerate().filter_map(absent).collect()
    }

    fn complete(self, reading: LayerReading) -> ReadLayer {
        let mut facts = self.facts;
        for (owner, read) in reading.facts {
            if let Some(slot) = facts.get_mut(owner) {
                *slot = Some(read);
            }
        }
        (reading.index, facts.into_iter().flatten().collect())
    }
}

fn collect_layers(
    image: &Image,
    plan: &Plan,
    options: &ScanOptions<'_>,
) -> Result<(Vec<ReadLayer>, usize), EngineError> {
    let total = image.layers().len();
    let mut slots: Vec<Option<ReadLayer>> = (0..total).map(|_| None).collect();
    let mut unread: Vec<(usize, Known)> = Vec::new();
    for (number, layer) in image.layers().iter().enumerate() {
        let known = look_up(layer.key(), plan, options.cache);
        match known {
            Known { index: Some(index), facts } if facts.iter().all(Option::is_some) => {
                let facts = facts.into_iter().flatten().collect();
                if let Some(slot) = slots.get_mut(number) {
                    *slot = Some((index, facts));
                }
            }
            known => unread.push((number, known)),
        }
    }
    let layers_read = unread.len();
    let known = total - layers_read;
    (options.progress)(Step::Layers { done: known, total, known });
    // The largest first, so that no thread is left alone with one at the end.
    let size = |number: usize| image.layers().get(number).and_then(image::Layer::size);
    unread.sort_by_key(|(number, _)| std::cmp::Reverse(size(*number)));
    for (number, layer) in read_all(image, plan, options, unread, known, total)? {
        if let Some(slot) = slots.get_mut(number) {
            *slot = Some(layer);
        }
    }
    Ok((slots.into_iter().flatten().collect(), layers_read))
}

fn look_up(key: Option<&model::Digest>, plan: &Plan, cache: &FactCache) -> Known {
    let Some(key) = key else {
        return Known { index: None, facts: plan.analyzers().iter().map(|_| None).collect() };
    };
    // Where a new version runs beside, there is only something to compare if the layer is read.
    let facts = plan.analyzers().iter().map(|analyzer| match analyzer.canary() {
        Some(_) => None,
        None => cache.facts(key, analyzer.facts_key()),
    });
    let facts = facts.collect();
    Known { index: cache.index(key), facts }
}

/// Reads layers on up to `options.threads` threads. The first error stops the others at their next layer.
fn read_all(
    image: &Image,
    plan: &Plan,
    options: &ScanOptions<'_>,
    unread: Vec<(usize, Known)>,
    known: usize,
    total: usize,
) -> Result<Vec<(usize, ReadLayer)>, EngineError> {
    let threads = options.threads.clamp(1, unread.len().max(1));
    let done = AtomicUsize::new(known);
    let failed = AtomicBool::new(false);
    let queue = Mutex::new(unread.into_iter());
    let next = || queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let work = || {
        let mut finished = Vec::new();
        while let Some((number, so_far)) = next() {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            let layer = read_one(image, plan, options.cache, number, so_far)
                .inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            finished.push((number, layer));
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            (options.progress)(Step::Layers { done, total, known });
        }
        Ok::<_, EngineError>(finished)
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut results = vec![work()];
        for helper in helpers {
            results.push(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        let mut layers = Vec::new();
        for result in results {
            layers.extend(result?);
        }
        Ok(layers)
    })
}

fn read_one(
    image: &Image,
    plan: &Plan,
    cache: &FactCache,
    number: usize,
    known: Known,
) -> Result<ReadLayer, EngineError> {
    let owners = known.missing();
    let selector = plan.selector(&owners)?;
    let reading = read_layer(image, number, plan, &owners, &selector)?;
    if let Some(key) = image.layers().get(number).and_then(image::Layer::key) {
        cache.keep_index(key, &reading.index);
        for (owner, facts) in &reading.facts {
            if let Some(analyzer) = plan.analyzers().get(*owner) {
                cache.keep_facts(key, analyzer.facts_key(), facts);
            }
        }
    }
    Ok(known.complete(reading))
}
