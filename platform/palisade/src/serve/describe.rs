//! Plugins and advisories in the words of the API.

use std::collections::BTreeMap;

use api::dto::{
    AdvisoryStatus, AskedCapability, EcosystemRecords, FaultCount, LastFault, Magic, Plugin,
    PluginComparison, PluginCost, PluginInterest, PluginLog, PluginRule, PluginState, PluginVersion,
};
use engine::{Canary, Comparison};
use host::Manifest;
use jiff::Timestamp;

use super::live::Known;
use crate::plugins::{Loaded, PluginSet};

/// Every plugin that is loaded or installed.
pub(crate) fn plugins(set: &PluginSet, versions: &[Known]) -> Vec<Plugin> {
    let mut all: Vec<Plugin> = set.loaded.iter().map(|loaded| plugin(loaded, versions)).collect();
    // Newest first, so the first version of a plugin is the one that speaks for it.
    for known in versions {
        if !all.iter().any(|one| one.id == known.version.plugin) {
            all.push(inactive(known, versions));
        }
    }
    all
}

/// The versions of a plugin, each compared with the one in force.
fn history(id: &str, canary: Option<&Canary>, versions: &[Known]) -> Vec<PluginVersion> {
    let own = || versions.iter().filter(|known| known.version.plugin == id);
    let wanted = |known: &Known| known.inspection.manifest.asked();
    let before = own().find(|known| known.version.state.is_in_force()).map(wanted).unwrap_or_default();
    let version = |known: &Known| {
        let difference = wanted(known).difference(&before);
        let beside = canary.filter(|canary| *canary.plugin().digest() == known.version.digest);
        PluginVersion {
            digest: known.version.digest.to_string(),
            version: known.version.version.clone(),
            state: known.version.state.as_str().to_owned(),
            source: known.version.source.clone(),
            signers: known.version.signers.clone(),
            installed_at: known.version.installed_at,
            note: Some(known.version.note.clone()).filter(|note| !note.is_empty()),
            asked: known.inspection.manifest.capabilities.iter().map(self::asked).collect(),
            added: difference.added,
            removed: difference.removed,
            canary: beside.map(|canary| comparison(&canary.comparison())),
        }
    };
    own().map(version).collect()
}

fn comparison(compared: &Comparison) -> PluginComparison {
    PluginComparison {
        calls: compared.calls,
        same: compared.same,
        faults: compared.faults,
        added: compared.added.iter().cloned().collect(),
        removed: compared.removed.iter().cloned().collect(),
    }
}

/// A plugin of which no version is in force.
fn inactive(known: &Known, versions: &[Known]) -> Plugin {
    let manifest = &known.inspection.manifest;
    Plugin {
        state: PluginState::Inactive,
        source: known.version.source.clone(),
        versions: history(&manifest.id, None, versions),
        digest: known.version.digest.to_string(),
        contract: known.inspection.contract.clone(),
        ..stated(manifest)
    }
}

/// A loaded plugin: what it is, what it asked for and got, and how it does.
fn plugin(loaded: &Loaded, versions: &[Known]) -> Plugin {
    let plugin = &loaded.plugin;
    let manifest = plugin.manifest();
    let health = plugin.health();
    Plugin {
        digest: plugin.digest().to_string(),
        state: match health.state {
            host::PluginState::Ready => PluginState::Ready,
            host::PluginState::Degraded => PluginState::Degraded,
            host::PluginState::Quarantined { .. } => PluginState::Quarantined,
        },
        granted: loaded.rights.lines().into_iter().collect(),
        contract: plugin.inspection().contract.clone(),
        limits: plugin
            .limits()
            .figures()
            .iter()
            .map(|(name, value)| ((*name).to_owned(), u64::from(*value)))
            .collect(),
        calls: health.calls,
        cost: PluginCost {
            latency_p50_us: micros(health.latency_p50),
            latency_p99_us: micros(health.latency_p99),
            queued_p50_us: micros(health.queued_p50),
            queued_p99_us: micros(health.queued_p99),
            cpu_ms: micros(health.cpu_total) / 1_000,
            memory_peak_bytes: health.memory_bytes_peak,
            host_calls: health.host_calls,
            bytes_out: health.bytes_out,
        },
        capability_calls: health
            .capability_calls
            .iter()
            .map(|(capability, count)| (capability.as_str().to_owned(), *count))
            .collect(),
        denials: health.denials,
        logs: health.logs.into_iter().map(log).collect(),
        faults: health
            .faults
            .iter()
            .map(|(kind, count)| FaultCount { kind: kind.as_str().to_owned(), count: *count })
            .collect(),
        last_fault: health.last_fault.map(|last| LastFault {
            kind: last.fault.kind.as_str().to_owned(),
            message: last.fault.message,
            at: Timestamp::try_from(last.at).ok(),
        }),
        source: loaded.source.clone(),
        versions: history(&manifest.id, loaded.canary.as_ref(), versions),
        ..stated(manifest)
    }
}

/// What a manifest says, of a plugin that was never called.
fn stated(manifest: &Manifest) -> Plugin {
    Plugin {
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        publisher: manifest.publisher.clone(),
        license: manifest.license.clone(),
        description: manifest.description.clone(),
        digest: String::new(),
        kinds: manifest.kinds.iter().map(|declared| declared.kind.as_str().to_owned()).collect(),
        state: PluginState::Inactive,
        asked: manifest.capabilities.iter().map(asked).collect(),
        granted: Vec::new(),
        limits: BTreeMap::new(),
        contract: String::new(),
        calls: 0,
        cost: PluginCost::default(),
        capability_calls: BTreeMap::new(),
        denials: 0,
        logs: Vec::new(),
        faults: Vec::new(),
        last_fault: None,
        interests: manifest.interests().iter().map(interest).collect(),
        rules: manifest
            .rules
            .iter()
            .map(|rule| PluginRule {
                id: rule.id.clone(),
                title: rule.title.clone(),
                severity: rule.severity.to_string(),
            })
            .collect(),
        source: String::new(),
        versions: Vec::new(),
    }
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn log(line: host::LogLine) -> PluginLog {
    let level = match line.level {
        host::LogLevel::Debug => "debug",
        host::LogLevel::Info => "info",
        host::LogLevel::Warn => "warn",
        host::LogLevel::Error => "error",
    };
    PluginLog { level: level.to_owned(), message: line.message }
}

fn asked(request: &host::manifest::CapabilityRequest) -> AskedCapability {
    AskedCapability {
        capability: request.capability.as_str().to_owned(),
        why: request.why.clone(),
        rights: request.rights.lines().into_iter().collect(),
    }
}

fn interest(interest: &host::Interest) -> PluginInterest {
    PluginInterest {
        name: interest.name.clone(),
        paths: interest.paths.clone(),
        magic: interest
            .magic
            .iter()
            .map(|magic| Magic { offset: magic.offset, bytes: hex(&magic.bytes) })
            .collect(),
        keywords: interest
            .keywords
            .iter()
            .map(|keyword| String::from_utf8_lossy(keyword).into_owned())
            .collect(),
        size_min: Some(interest.size_min).filter(|size| *size > 0),
        size_max: Some(interest.size_max).filter(|size| *size < u64::MAX),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The index in use.
pub(crate) fn advisories(info: &advisories::IndexInfo) -> AdvisoryStatus {
    AdvisoryStatus {
        loaded: true,
        source: Some(info.source.clone()),
        as_of: Some(info.as_of.clone()).filter(|as_of| !as_of.is_empty()),
        digest: Some(info.digest.clone()),
        sample: info.sample,
        records: info.records,
        ecosystems: info
            .ecosystems
            .iter()
            .map(|(ecosystem, records)| EcosystemRecords { ecosystem: ecosystem.clone(), records: *records })
            .collect(),
        kev: info.kev,
        epss: info.epss,
    }
}

/// A playbook on offer.
pub(crate) fn playbook(one: &crate::respond::Offered) -> api::dto::Playbook {
    let playbook = &one.playbook;
    let step = |step: &respond::PlannedStep| api::dto::PlaybookStep {
        id: step.id.clone(),
        action: step.action().to_owned(),
        class: step.sample.class().as_str().to_owned(),
    };
    api::dto::Playbook {
        name: playbook.name.clone(),
        digest: playbook.digest.clone(),
        description: playbook.description.clone(),
        trigger: playbook.trigger.to_string(),
        enabled: one.enabled,
        origin: one.origin.clone(),
        steps: playbook.steps.iter().map(step).collect(),
        approvals: playbook.approval.as_ref().map_or(0, |approval| approval.need),
        lease_seconds: playbook.lease,
    }
}
