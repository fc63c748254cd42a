//! Plugins and advisories in the words of the API.

use api::dto::{
    AdvisoryStatus, AskedCapability, EcosystemRecords, FaultCount, LastFault, Magic, Plugin, PluginCost,
    PluginInterest, PluginLog, PluginRule, PluginState,
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
        granted: plugin
            .capabilities(&host::Rights::none())
            .iter()
            .map(|granted| granted.as_str().to_owned())
            .collect(),
        limits: plugin
            .limits()
            .figures()
            .iter()
            .map(|(name, value)| ((*name).to_owned(), u64::from(*value)))
            .collect(),
        contract: plugin.inspection().contract.clone(),
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
