//! Rules for run-time events: files to configurations of the plugins that evaluate them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::correlate::Detected;
use ::rules::TestFile;
use ::rules::sigma::Document;
use anyhow::{Context as _, Result};
use engine::correlate::{CorrelatorPlugin, DETECTIONS, Judged};
use host::{Capability, Kind};
use serde_json::{Value, json};

use crate::data::read_capped;
use crate::plugins::PluginSet;
use crate::policies;

/// The plugin that evaluates Sigma's rules.
pub(crate) const SIGMA: &str = "palisade.sigma";
/// The plugin that evaluates Falco's.
pub(crate) const FALCO: &str = "palisade.falco-rules";

/// A file of rules.
pub(crate) enum File {
    /// In Sigma's language.
    Sigma(Vec<Document>),
    /// In Falco's.
    Falco(Value),
}

impl File {
    /// Reads a file. One of Falco is a list of items; one of Sigma is a mapping, or several.
    ///
    /// # Errors
    /// A file that cannot be read, or holds no rules.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = read_capped(path, u64::try_from(::rules::FILE_BYTES_MAX).unwrap_or(u64::MAX))?;
        Ok(Self::parse(&path.display().to_string(), &bytes)?)
    }

    /// Reads what a file says; `name` is what errors call it.
    ///
    /// # Errors
    /// Bytes that hold no rules.
    pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<Self, ::rules::RulesError> {
        let text = String::from_utf8_lossy(bytes);
        let said = text
            .lines()
            .map(str::trim_end)
            .find(|line| !line.trim_start().starts_with('#') && !["", "---"].contains(&line.trim()));
        let is_list = said.is_some_and(|line| line == "-" || line.starts_with("- ") || line.starts_with('['));
        Ok(match is_list {
            true => Self::Falco(::rules::falco::rules(name, bytes)?),
            false => Self::Sigma(::rules::sigma::read(name, bytes)?),
        })
    }
}

/// The files of rules below these paths, without those of tests.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<File>> {
    let files = policies::files(paths)?;
    let of_rules = files.iter().filter(|file| {
        let name = file.display().to_string();
        !TestFile::is(&name) && !name.ends_with(".rego")
    });
    of_rules.map(|file| File::read(file)).collect()
}

/// The correlators of a set with these rules beside the built-in ones.
///
/// # Errors
/// When rules are there for a plugin that is not: they would do nothing.
pub(crate) fn correlators(set: &PluginSet, files: &[File]) -> Result<Vec<CorrelatorPlugin>> {
    let (mut sigma, mut falco) = (Vec::new(), Vec::new());
    for file in files {
        match file {
            File::Sigma(documents) => sigma.extend(documents),
            File::Falco(file) => falco.push(file.clone()),
        }
    }
    let declared = set.loaded.iter().filter(|one| one.plugin.manifest().declares(Kind::Correlator));
    let plugins: Vec<CorrelatorPlugin> = declared
        .map(|one| {
            let config = match one.plugin.manifest().id.as_str() {
                SIGMA if !sigma.is_empty() => ::rules::sigma::config(sigma.iter().copied(), true),
                FALCO if !falco.is_empty() => json!({ "rules": falco }),
                _ => json!({}),
            };
            CorrelatorPlugin {
                plugin: one.plugin.clone(),
                rights: one.rights.clone(),
                config: Arc::from(config.to_string()),
            }
        })
        .collect();
    for (id, is_needed) in [(SIGMA, !sigma.is_empty()), (FALCO, !falco.is_empty())] {
        if is_needed {
            let found = plugins.iter().find(|one| one.plugin.manifest().id == id);
            found.with_context(|| format!("{id} is not loaded, and there are rules for it"))?;
        }
    }
    Ok(plugins)
}

/// The correlators of the service, by when they hear of an event.
pub(crate) struct Placement {
    /// As soon as it comes, in any order.
    pub(crate) immediate: Vec<CorrelatorPlugin>,
    /// When its turn in time has come: those that remember.
    pub(crate) ordered: Vec<CorrelatorPlugin>,
    /// They hear of detections.
    pub(crate) joining: Vec<CorrelatorPlugin>,
}

/// Places correlators by what their manifests ask for. Sigma's rules over single events do not wait for its correlations.
///
/// # Errors
/// As [`correlators`].
pub(crate) fn placement(set: &PluginSet, files: &[File]) -> Result<Placement> {
    let mut placed = Placement { immediate: Vec::new(), ordered: Vec::new(), joining: Vec::new() };
    for one in correlators(set, files)? {
        let manifest = one.plugin.manifest();
        if manifest.consumes(Kind::Correlator).iter().any(|source| source == DETECTIONS) {
            placed.joining.push(one);
        } else if manifest.id == SIGMA {
            placed.immediate.push(in_lane(&one, "single-events")?);
            placed.ordered.push(in_lane(&one, "correlations")?);
        } else if manifest.capabilities.iter().any(|asked| asked.capability == Capability::State) {
            placed.ordered.push(one);
        } else {
            placed.immediate.push(one);
        }
    }
    Ok(placed)
}

fn in_lane(sigma: &CorrelatorPlugin, lane: &str) -> Result<CorrelatorPlugin> {
    let mut config: Value =
        serde_json::from_str(&sigma.config).context("the configuration of Sigma's plugin is no JSON")?;
    if let Some(members) = config.as_object_mut() {
        members.insert("lane".to_owned(), json!(lane));
    }
    Ok(CorrelatorPlugin { config: Arc::from(config.to_string()), ..sigma.clone() })
}

/// A detection, as far as incidents are concerned.
pub(crate) fn detected(judged: &Judged) -> Detected {
    Detected {
        id: judged.id.clone(),
        time: judged.first,
        key: judged.key.clone(),
        rule: judged.rule.clone(),
        title: judged.title.clone(),
        severity: judged.severity,
        asset: judged.asset.clone(),
        techniques: judged.techniques.iter().cloned().collect(),
    }
}
