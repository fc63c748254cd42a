//! Plugins and advisories in the words of the API.

use api::dto::{
    AdvisoryStatus, AskedCapability, EcosystemRecords, FaultCount, LastFault, Magic, Plugin, PluginInterest,
    PluginRule, PluginState,
};
use engine::AnalyzerPlugin;
use jiff::Timestamp;

/// A loaded plugin: what it is, what it asked for and got, and how it does.
pub(crate) fn plugin(analyzer: &AnalyzerPlugin) -> Plugin {
    let plugin = analyzer.plugin();
    let manifest = plugin.manifest();
    let health = plugin.health();
    Plugin {
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        publisher: manifest.publisher.clone(),
        license: manifest.license.clone(),
        description: manifest.description.clone(),
        digest: plugin.digest().to_string(),
        kinds: manifest.kinds.iter().map(|declared| declared.kind.as_str().to_owned()).collect(),
        state: match health.state {
            host::PluginState::Ready => PluginState::Ready,
            host::PluginState::Degraded => PluginState::Degraded,
            host::PluginState::Quarantined { .. } => PluginState::Quarantined,
        },
        asked: manifest.capabilities.iter().map(asked).collect(),
        granted: plugin.capabilities(&host::Rights::none()).iter().map(|granted| granted.as_str().to_owned()).collect(),
        limits: plugin
            .limits()
            .figures()
            .iter()
            .map(|(name, value)| ((*name).to_owned(), u64::from(*value)))
            .collect(),
        calls: health.calls,
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
    }
}

fn asked(request: &host::manifest::CapabilityRequest) -> AskedCapability {
    AskedCapability {
        capability: request.capability.as_str().to_owned(),
        why: request.why.clone(),
        parameters: serde_json::json!(request.rights),
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
