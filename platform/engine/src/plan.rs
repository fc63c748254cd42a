//! Which plugins take part in a scan, and the one selector made of all their interests.

use std::sync::Arc;

use host::{CallContext, Input, InputFile, Plugin, Redaction, Transcript};
use image::{Interest, Selector};
use model::{AnalyzerCoverage, TenantId};

use crate::{Canary, EngineError};

/// A loaded plugin of kind `image-analyzer` with the configuration it runs under.
#[derive(Clone)]
pub struct AnalyzerPlugin {
    plugin: Plugin,
    config: String,
    facts_key: String,
    canary: Option<Canary>,
    recording: Option<Recording>,
}

/// Takes the transcript of a call that failed.
pub type KeepTranscript = Arc<dyn Fn(&Transcript) + Send + Sync>;

/// Whether and how failed calls are written down.
#[derive(Clone)]
struct Recording {
    redaction: Arc<Redaction>,
    keep: KeepTranscript,
}

impl AnalyzerPlugin {
    /// `config` is the operator's configuration as a JSON object, `{}` when there is none.
    #[must_use]
    pub fn new(plugin: Plugin, config: String) -> Self {
        // What a plugin says of a layer depends on exactly these two, so facts are kept under both.
        let mut hasher = blake3::Hasher::new();
        hasher.update(plugin.digest().as_str().as_bytes()).update(&[0]).update(config.as_bytes());
        let facts_key = hasher.finalize().to_hex().to_string();
        Self { plugin, config, facts_key, canary: None, recording: None }
    }

    /// The same with a new version beside it.
    #[must_use]
    pub fn with_canary(self, canary: Canary) -> Self {
        Self { canary: Some(canary), ..self }
    }

    /// The same, with calls that failed written down: made once more, as recording every call would cost every call.
    #[must_use]
    pub fn with_recording(self, redaction: Redaction, keep: KeepTranscript) -> Self {
        Self { recording: Some(Recording { redaction: Arc::new(redaction), keep }), ..self }
    }

    /// Repeats a call that failed and hands over its transcript, if that is wanted.
    pub(crate) fn record(&self, file: impl FnOnce() -> InputFile) {
        let Some(Recording { redaction, keep }) = &self.recording else { return };
        let context = CallContext {
            record: Some(Arc::clone(redaction)),
            ..CallContext::new(TenantId::default_tenant(), Arc::from(self.config.as_str()))
        };
        let outcome = self.plugin.call(&context, Input::ImageAnalyzer { files: vec![file()] });
        if let Some(transcript) = &outcome.transcript {
            keep(transcript);
        }
    }

    /// The version that runs beside, if there is one.
    #[must_use]
    pub fn canary(&self) -> Option<&Canary> {
        self.canary.as_ref()
    }

    /// The loaded component.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// The configuration, as JSON.
    #[must_use]
    pub fn config(&self) -> &str {
        &self.config
    }

    /// Under which key this plugin's facts about a layer are kept.
    #[must_use]
    pub fn facts_key(&self) -> &str {
        &self.facts_key
    }
}

/// The plugins of a scan in a fixed order, with what they want to see.
pub struct Plan {
    analyzers: Vec<AnalyzerPlugin>,
}

impl Plan {
    /// A plan for these analyzers. Their order does not matter: it becomes the order of plugin ids and digests.
    ///
    /// # Errors
    /// [`EngineError::NoAnalyzer`] for an empty list, which could only produce an empty and therefore misleading report.
    pub fn new(mut analyzers: Vec<AnalyzerPlugin>) -> Result<Self, EngineError> {
        if analyzers.is_empty() {
            return Err(EngineError::NoAnalyzer);
        }
        analyzers.sort_by(|a, b| {
            let key = |x: &AnalyzerPlugin| (x.plugin.manifest().id.clone(), x.facts_key.clone());
            key(a).cmp(&key(b))
        });
        analyzers.dedup_by(|a, b| a.facts_key == b.facts_key);
        Ok(Self { analyzers })
    }

    /// The plugins, in the order that `owner` numbers of interests refer to.
    #[must_use]
    pub fn analyzers(&self) -> &[AnalyzerPlugin] {
        &self.analyzers
    }

    /// One selector for the interests of the analyzers named by `owners`.
    ///
    /// # Errors
    /// [`EngineError::Interests`] when their patterns cannot be combined (too many, or malformed).
    pub fn selector(&self, owners: &[usize]) -> Result<Selector, EngineError> {
        let interests = owners
            .iter()
            .filter_map(|&owner| Some((owner, self.analyzers.get(owner)?)))
            .flat_map(|(owner, analyzer)| {
                let wanted = analyzer.plugin.manifest().interests();
                wanted.iter().map(move |interest| to_image_interest(owner, interest))
            })
            .collect::<Vec<_>>();
        Selector::new(interests).map_err(EngineError::Interests)
    }

    /// Who takes part, for the coverage statement.
    #[must_use]
    pub fn coverage(&self) -> Vec<AnalyzerCoverage> {
        self.analyzers
            .iter()
            .map(|analyzer| AnalyzerCoverage {
                plugin: analyzer.plugin.manifest().id.clone(),
                version: analyzer.plugin.manifest().version.clone(),
                digest: analyzer.plugin.digest().to_string(),
            })
            .collect()
    }
}

fn to_image_interest(owner: usize, interest: &host::Interest) -> Interest {
    Interest {
        owner: u32::try_from(owner).unwrap_or(u32::MAX),
        name: interest.name.clone(),
        paths: interest.paths.clone(),
        magic: interest
            .magic
            .iter()
            .map(|magic| image::Magic { offset: magic.offset, bytes: magic.bytes.clone() })
            .collect(),
        keywords: interest.keywords.clone(),
        size_min: interest.size_min,
        size_max: interest.size_max,
    }
}
