//! What a scan leaves as evidence: an assessment as plain data, and the key that packs are signed with.

use std::collections::{BTreeMap, BTreeSet};

use ::evidence::pack::Contents;
use ::evidence::{
    Assessment, Collector, Control, EvidenceError, Exceptions, Framework, FrameworkResult, Gap, Input,
    Observation, Rule, Seen, Status,
};
use anyhow::{Context as _, Result};
use engine::compliance::{Assessed, frameworks};
use engine::graph::Graph;
use engine::posture::{Judged, PosturePlugin};
use host::Plugin;
use host::kinds::ControlStatus;
use jiff::Timestamp;
use serde_json::Value;

/// What was assessed, and by whom.
pub(crate) struct Scope<'a> {
    /// Canonical id of the cluster or account.
    pub(crate) id: &'a str,
    /// When.
    pub(crate) at: Timestamp,
    /// What was read.
    pub(crate) inputs: Vec<Input>,
    /// Its resources, whose labels exceptions may select by.
    pub(crate) graph: &'a Graph,
    /// Whose rules were asked.
    pub(crate) posture: &'a [PosturePlugin],
    /// Whose catalogues were asked.
    pub(crate) compliance: &'a [Plugin],
    /// Rules that are not those of a posture plugin.
    pub(crate) rules: Vec<Rule>,
}

/// This program.
pub(crate) fn producer() -> Collector {
    Collector { digest: None, name: "palisade".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// Bytes that were read, by their hash.
pub(crate) fn input(description: impl Into<String>, bytes: &[u8]) -> Input {
    Input {
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        description: description.into(),
        sha256: ::evidence::canonical::sha256(bytes),
    }
}

/// The assessment of a scope as evidence.
pub(crate) fn assessment(scope: Scope<'_>, judged: &Judged, assessed: &[Assessed]) -> Assessment {
    let seen: BTreeSet<&str> = judged.observations.iter().map(|seen| &*seen.rule).collect();
    let named = assessed.iter().flat_map(|one| &one.controls).flat_map(|control| &control.proof);
    let seen: BTreeSet<&str> = named.map(|proof| proof.rule.as_str()).chain(seen).collect();
    let rules = scope.posture.iter().flat_map(|posture| rules(&posture.plugin)).chain(scope.rules);
    let gaps = judged.report.coverage.gaps.iter().map(|gap| Gap {
        code: gap.code.as_str().to_owned(),
        reason: gap.reason.clone(),
        subject: gap.subject.clone(),
    });
    Assessment {
        time: scope.at,
        scope: scope.id.to_owned(),
        collector: producer(),
        inputs: scope.inputs,
        rules: rules.filter(|rule| seen.contains(rule.id.as_str())).collect(),
        observations: observations(judged),
        labels: labels(scope.graph),
        frameworks: assessed.iter().filter_map(|one| framework(one, scope.compliance)).collect(),
        gaps: gaps.collect(),
    }
}

fn rules(plugin: &Plugin) -> impl Iterator<Item = Rule> {
    let manifest = plugin.manifest();
    let digest = plugin.digest().to_string();
    manifest.rules.iter().map(move |rule| Rule {
        digest: digest.clone(),
        id: format!("{}/{}", manifest.id, rule.id),
        severity: rule.severity,
        title: rule.title.clone(),
        version: manifest.version.clone(),
    })
}

/// One for each rule and asset: a check may say several things of one asset, and the worst of them stands.
fn observations(judged: &Judged) -> Vec<Observation> {
    let mut all: BTreeMap<(&str, &str), Seen> = BTreeMap::new();
    let rank = |seen: Seen| match seen {
        Seen::Fail => 2,
        Seen::Error => 1,
        Seen::Pass => 0,
    };
    for one in &judged.observations {
        let seen = match one.failed {
            Some(true) => Seen::Fail,
            Some(false) => Seen::Pass,
            None => Seen::Error,
        };
        let kept = all.entry((&one.rule, &one.asset)).or_insert(seen);
        if rank(seen) > rank(*kept) {
            *kept = seen;
        }
    }
    let observation = |((rule, asset), outcome): ((&str, &str), Seen)| Observation {
        rule: rule.to_owned(),
        asset: asset.to_owned(),
        outcome,
    };
    all.into_iter().map(observation).collect()
}

fn labels(graph: &Graph) -> BTreeMap<String, BTreeMap<String, String>> {
    let of = |attributes: &str| -> BTreeMap<String, String> {
        let value: Value = serde_json::from_str(attributes).unwrap_or_default();
        let labels = value.get("labels").and_then(Value::as_object);
        let pair = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        labels.into_iter().flatten().filter_map(pair).collect()
    };
    let labelled = graph.nodes().map(|node| (node.id.clone(), of(&node.attributes)));
    labelled.filter(|(_, labels)| !labels.is_empty()).collect()
}

fn framework(assessed: &Assessed, plugins: &[Plugin]) -> Option<FrameworkResult> {
    let plugin = plugins.iter().find(|plugin| frameworks(plugin).contains(&assessed.framework))?;
    let (name, version) = called(plugin, &assessed.framework);
    let controls = assessed.controls.iter().map(|control| Control {
        control: control.control.clone(),
        status: match control.status {
            ControlStatus::Met => Status::Met,
            ControlStatus::Partly => Status::Partly,
            ControlStatus::NotMet => Status::NotMet,
            ControlStatus::Manual => Status::Manual,
            ControlStatus::NotAssessed => Status::NotAssessed,
        },
        rationale: control.rationale.clone(),
        rules: control
            .proof
            .iter()
            .map(|proof| proof.rule.clone())
            .collect::<BTreeSet<String>>()
            .into_iter()
            .collect(),
    });
    Some(FrameworkResult {
        framework: Framework {
            id: assessed.framework.clone(),
            name,
            version,
            catalogue: plugin.digest().to_string(),
        },
        controls: controls.collect(),
    })
}

/// Name and version of a framework, where the plugin's configuration schema tells; its id otherwise.
fn called(plugin: &Plugin, id: &str) -> (String, String) {
    let known = plugin.manifest().config.get("x-frameworks").and_then(|all| all.get(id));
    let word = |key: &str| known.and_then(|known| known.get(key)).and_then(Value::as_str).map(str::to_owned);
    (word("name").unwrap_or_else(|| id.to_owned()), word("version").unwrap_or_default())
}

/// A signed pack of assessments of one scope, the oldest first.
pub(crate) fn pack(
    key: &distribution::PrivateKey,
    assessments: &[Assessment],
    exceptions: &Exceptions,
) -> std::result::Result<Vec<u8>, EvidenceError> {
    let mut bytes = Vec::new();
    let contents = Contents {
        assessments,
        exceptions,
        sla: ::evidence::oscal::Sla::default(),
        producer: producer(),
        start: ::evidence::Start::default(),
    };
    ::evidence::pack::write(&mut bytes, &contents, &[key])?;
    Ok(bytes)
}

/// The key that packs of this installation are signed with: the operator's, or one that is made on first use.
pub(crate) fn signing_key(
    config: &crate::config::Config,
    data: &crate::data::DataDir,
) -> Result<distribution::PrivateKey> {
    let path = config.evidence.key_file.clone().unwrap_or_else(|| data.root().join("evidence.key"));
    if !path.exists() && config.evidence.key_file.is_none() {
        let key = distribution::PrivateKey::generate(distribution::Algorithm::Ed25519)
            .context("cannot make a key")?;
        crate::data::create(&path, 0o600, &key.to_pem())?;
        crate::data::create(&path.with_extension("pub"), 0o644, &key.public().to_pem())?;
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read the key {} that evidence is signed with", path.display()))?;
    distribution::PrivateKey::from_pem(&text)
        .with_context(|| format!("cannot use the key {} that evidence is signed with", path.display()))
}
