//! One layer through the sandbox: selected files go to the plugins that asked for them, in batches.
//!
//! A batch is bounded in files and bytes, so that neither a call nor this process holds much. When a call fails its files are tried
//! again one by one: the one that cannot be read becomes a named gap, and its neighbours are not lost with it.

use std::sync::Arc;

use host::{Body, InputFile};
use image::{Image, LayerIndex, LinkedFile, SelectedFile, Selector, Sink};
use model::Gap;

use crate::canary::lines;
use crate::facts::{Place, PluginFacts};
use crate::{AnalyzerPlugin, EngineError, Plan};

/// Files per call: enough that the fixed cost of a call (about 10 microseconds) disappears, few enough that a failed
/// call is cheap to repeat file by file.
const BATCH_FILES: usize = 512;
/// Bytes per call, well inside the default 64 MiB of guest memory and 8 MiB of copying.
const BATCH_BYTES: u64 = 4 << 20;
/// Files up to this size are copied into the guest whole; larger ones are handed over as something to read from.
/// The contract in `wit/plugin` states the same figure.
const WHOLE_FILE_BYTES: u64 = 1 << 20;

/// What reading one layer gave: its index, and the facts of each plugin that was asked, by the plugin's place in the plan.
pub struct LayerReading {
    /// Paths, removals and gaps.
    pub index: LayerIndex,
    /// Facts by owner.
    pub facts: FactsByOwner,
}

/// Facts of several plugins, each with the plugin's place in the plan.
pub type FactsByOwner = Vec<(usize, PluginFacts)>;

/// Reads one layer and asks the plugins `owners` about the files that `selector` (made for the same owners) picks.
///
/// # Errors
/// [`EngineError::Image`] when the layer cannot be read or is not what its digest says; nothing of it is believed then.
pub fn read_layer(
    image: &Image,
    layer: usize,
    plan: &Plan,
    owners: &[usize],
    selector: &Selector,
) -> Result<LayerReading, EngineError> {
    let mut batches = Batches::new(plan, owners);
    let index = image.read_layer(layer, selector, &mut batches)?;
    let facts = batches.0.into_iter().map(|batch| batch.finish(index.superseded())).collect();
    Ok(LayerReading { index, facts })
}

/// Reads one file that a link of another layer leads to, and asks the plugins `owners` about it. Gives their facts by owner, and what could
/// not be seen.
///
/// # Errors
/// As [`read_layer`].
pub fn read_linked(
    image: &Image,
    linked: &LinkedFile,
    plan: &Plan,
    owners: &[usize],
    selector: &Selector,
) -> Result<(FactsByOwner, Vec<Gap>), EngineError> {
    let mut batches = Batches::new(plan, owners);
    let gaps = image.read_linked(linked, selector, &mut batches)?;
    Ok((batches.0.into_iter().map(|batch| batch.finish(&[])).collect(), gaps))
}

/// The batches of all plugins that take part.
struct Batches<'a>(Vec<Batch<'a>>);

impl<'a> Batches<'a> {
    fn new(plan: &'a Plan, owners: &[usize]) -> Self {
        let batch = |&owner: &usize| Some(Batch::new(owner, plan.analyzers().get(owner)?));
        Self(owners.iter().filter_map(batch).collect())
    }
}

impl Sink for Batches<'_> {
    fn file(&mut self, file: SelectedFile) {
        for batch in &mut self.0 {
            batch.offer(&file);
        }
    }

    fn release(&mut self) {
        self.0.iter_mut().for_each(Batch::send);
    }
}

/// A file on its way to one plugin. Its body is shared with the batches of other plugins.
struct Pending {
    file: SelectedFile,
    interests: Vec<String>,
}

impl Pending {
    fn input(&self) -> InputFile {
        let body = if self.file.size <= WHOLE_FILE_BYTES {
            Body::Whole(self.file.body.to_vec())
        } else {
            Body::Stored(Arc::new(self.file.body.clone()))
        };
        InputFile {
            path: self.file.path.clone(),
            size: self.file.size,
            interests: self.interests.clone(),
            body,
        }
    }

    fn place(&self) -> Place {
        Place { path: self.file.path.clone(), ordinal: self.file.ordinal }
    }
}

struct Batch<'a> {
    owner: usize,
    analyzer: &'a AnalyzerPlugin,
    pending: Vec<Pending>,
    bytes: u64,
    facts: PluginFacts,
}

impl<'a> Batch<'a> {
    fn new(owner: usize, analyzer: &'a AnalyzerPlugin) -> Self {
        Self { owner, analyzer, pending: Vec::new(), bytes: 0, facts: PluginFacts::default() }
    }

    fn offer(&mut self, file: &SelectedFile) {
        let mine = u32::try_from(self.owner).unwrap_or(u32::MAX);
        let interests: Vec<String> = file
            .matches
            .iter()
            .filter(|(owner, _)| *owner == mine)
            .map(|(_, interest)| interest.clone())
            .collect();
        if interests.is_empty() {
            return;
        }
        // A large file holds much of the shared buffer budget, and so does not wait for company.
        let large = file.size > WHOLE_FILE_BYTES;
        self.bytes += if large { 0 } else { file.size };
        self.pending.push(Pending { file: file.clone(), interests });
        if large || self.pending.len() >= BATCH_FILES || self.bytes >= BATCH_BYTES {
            self.send();
        }
    }

    fn send(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.bytes = 0;
        if pending.is_empty() || self.call(&pending).is_ok() {
            return;
        }
        for one in &pending {
            if let Err(fault) = self.call(std::slice::from_ref(one)) {
                let plugin = &self.analyzer.plugin().manifest().id;
                tracing::warn!(plugin.id = %plugin, file.path = ?one.file.path, fault = %fault.message, "a file could not be analyzed");
                self.facts.fault(plugin, one.place(), &fault);
                self.analyzer.record(|| one.input());
            }
        }
    }

    fn call(&mut self, pending: &[Pending]) -> Result<(), host::Fault> {
        let files: Vec<InputFile> = pending.iter().map(Pending::input).collect();
        let places: Vec<Place> = pending.iter().map(Pending::place).collect();
        let plugin = self.analyzer.plugin();
        let analysis = plugin.analyze_files(self.analyzer.config(), files)?;
        if let Some(canary) = self.analyzer.canary() {
            let paths: Vec<&str> = pending.iter().map(|one| one.file.path.as_str()).collect();
            let files = pending.iter().map(Pending::input).collect();
            canary.compare(self.analyzer.config(), &paths, files, &lines(&analysis, &paths));
        }
        self.facts.add(&plugin.manifest().id, &places, analysis);
        Ok(())
    }

    fn finish(mut self, superseded: &[u64]) -> (usize, PluginFacts) {
        self.send();
        self.facts.drop_superseded(superseded);
        (self.owner, self.facts)
    }
}
