//! Objects of a cluster through the checks of posture plugins: batches out, results in, findings of what failed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use host::kinds::{Assessment, CheckResult, CheckStatus, Resource};
use host::manifest::Rule;
use host::{Answer, CallContext, Fault, Grant, Input, Kind, Plugin, Rights};
use model::{
    AnalyzerCoverage, Confidence, Coverage, Evidence, Finding, FindingClass, Fix, FixState, Gap, GapCode,
    ScanReport, Severity, TenantId, finding_key,
};
use serde_json::Value;

use crate::graph::Graph;
use crate::location::by_content;
use crate::scan::{REPORT_SCHEMA, rank};

/// Resources of a batch. A check of each of two hundred rules on each of them stays well below the results of one call.
const BATCH_RESOURCES: usize = 40;
/// Bytes of the bodies of a batch; a single larger body is a batch by itself.
const BATCH_BYTES: usize = 1024 * 1024;

/// A plugin of kind `posture`, and what is granted to it.
#[derive(Clone)]
pub struct PosturePlugin {
    /// The component.
    pub plugin: Plugin,
    /// Its rights.
    pub rights: Rights,
    /// The operator's configuration, a JSON object.
    pub config: Arc<str>,
    /// Where the plugin runs one policy of the operator's own: which.
    pub policy: Option<OwnPolicy>,
}

/// The configuration for these subjects, or why there is none.
pub type Prepare = dyn Fn(&[Subject]) -> Result<Arc<str>, String> + Send + Sync;

/// A policy of the operator's own.
#[derive(Clone)]
pub struct OwnPolicy {
    /// The one rule that all results stand under.
    pub rule: Arc<Rule>,
    /// Kinds of the other objects that it looks at, as manifests name them.
    pub others: Vec<String>,
    /// What makes its configuration, where that depends on what else is there.
    pub prepare: Option<Arc<Prepare>>,
}

/// A resource of this kind is answered with a result that says whether the policy can be used: an error is why not.
const LOADED: &str = "palisade/v1/Policies";
/// How many more resources are in a batch of a policy whose configuration holds other objects: every call reads all of them.
const PREPARED_TIMES: usize = 10;

impl PosturePlugin {
    fn consumes(&self, kind: &str) -> bool {
        let kinds = self.plugin.manifest().consumes(Kind::Posture);
        kinds.is_empty() || kinds.iter().any(|wanted| wanted == kind)
    }

    fn coverage(&self) -> AnalyzerCoverage {
        let manifest = self.plugin.manifest();
        AnalyzerCoverage {
            plugin: manifest.id.clone(),
            version: manifest.version.clone(),
            digest: self.plugin.digest().to_string(),
        }
    }
}

/// An object to be judged.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Canonical asset id.
    pub asset: Arc<str>,
    /// Path in the scope, which people see and gaps name.
    pub path: String,
    /// Kind, as manifests name it.
    pub kind: String,
    /// The object as JSON.
    pub body: Arc<[u8]>,
}

/// What one check said of one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// Plugin and rule, as findings name it.
    pub rule: Arc<str>,
    /// Canonical asset id.
    pub asset: Arc<str>,
    /// What it said.
    pub failed: Option<bool>,
    /// How bad.
    pub severity: Severity,
}

/// What came of a scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Findings and coverage.
    pub report: ScanReport,
    /// Every check that was done, passed or failed, sorted; nothing of `failed` where it could not be done.
    pub observations: Vec<Observation>,
}

/// Has every plugin judge the subjects that it wants to see. `gaps` is what was missing before. The result depends on the arguments
/// alone, whatever the number of threads.
#[must_use]
pub fn judge(
    subjects: &[Subject],
    graph: &Arc<Graph>,
    plugins: &[PosturePlugin],
    gaps: BTreeSet<Gap>,
    threads: usize,
) -> Judged {
    let mut all = Collected { gaps, ..Collected::default() };
    for plugin in plugins {
        all.add(collected(plugin, subjects, graph, threads));
    }
    all.judged(plugins)
}

/// What one plugin says of the subjects that it wants to see.
fn collected(plugin: &PosturePlugin, subjects: &[Subject], graph: &Arc<Graph>, threads: usize) -> Collected {
    let wanted: Vec<&Subject> = subjects.iter().filter(|subject| plugin.consumes(&subject.kind)).collect();
    let mut context = context(plugin, graph);
    let prepare = plugin.policy.as_ref().and_then(|policy| policy.prepare.as_ref());
    match prepare.map(|prepare| prepare(subjects)).transpose() {
        Ok(Some(config)) => context.config = config,
        Ok(None) => {}
        Err(why) => return unusable(plugin, why),
    }
    let times = if prepare.is_some() { PREPARED_TIMES } else { 1 };
    let manifest = plugin.plugin.manifest();
    let rules = manifest
        .rules
        .iter()
        .map(|rule| (rule.id.as_str(), plugin.policy.as_ref().map_or(rule, |policy| policy.rule.as_ref())))
        .map(|(id, rule)| (id, (Arc::from(format!("{}/{}", manifest.id, rule.id)), rule)));
    let work = Work { plugin, context, batches: batches(&wanted, times), rules: rules.collect() };
    if let Some(why) = work.unusable() {
        return unusable(plugin, why);
    }
    let mut all = Collected::default();
    // A thread costs more than a batch.
    let threads = threads.clamp(1, work.batches.len().max(1));
    for one in work.run(threads) {
        all.add(one);
    }
    all
}

/// A policy that cannot be used is one gap, however many objects there are.
fn unusable(plugin: &PosturePlugin, reason: String) -> Collected {
    let rule = plugin.policy.as_ref().map(|policy| policy.rule.id.as_str()).unwrap_or_default();
    let subject = format!("!/{}/{rule}", plugin.plugin.manifest().id);
    tracing::warn!(policy = %rule, reason = %reason, "a policy cannot be used");
    let gap = Gap { code: GapCode::CheckError, subject, reason };
    Collected { gaps: BTreeSet::from([gap]), ..Collected::default() }
}

fn context(plugin: &PosturePlugin, graph: &Arc<Graph>) -> CallContext {
    let tenant = TenantId::default_tenant();
    let grant = Grant {
        tenant: tenant.clone(),
        digest: plugin.plugin.digest().clone(),
        rights: plugin.rights.clone(),
    };
    CallContext {
        grant: Some(Arc::new(grant)),
        services: Arc::clone(graph) as Arc<dyn host::Services>,
        ..CallContext::new(tenant, Arc::clone(&plugin.config))
    }
}

fn batches<'a>(subjects: &[&'a Subject], times: usize) -> Vec<Vec<&'a Subject>> {
    let mut all: Vec<Vec<&Subject>> = Vec::new();
    let mut bytes = 0;
    for subject in subjects {
        let full = bytes + subject.body.len() > BATCH_BYTES * times;
        match all.last_mut() {
            Some(batch) if !full && batch.len() < BATCH_RESOURCES * times => batch.push(subject),
            _ => {
                all.push(vec![subject]);
                bytes = 0;
            }
        }
        bytes += subject.body.len();
    }
    all
}

/// What batches gave. Findings by their key: two rules of one plugin cannot make the same one.
#[derive(Default)]
struct Collected {
    findings: BTreeMap<String, Finding>,
    observations: Vec<Observation>,
    gaps: BTreeSet<Gap>,
}

impl Collected {
    /// The report and the observations, in their order.
    fn judged(mut self, plugins: &[PosturePlugin]) -> Judged {
        let mut findings: Vec<Finding> = self.findings.into_values().collect();
        findings.sort_by(|a, b| rank(a).cmp(&rank(b)));
        let mut analyzers: Vec<AnalyzerCoverage> = plugins.iter().map(PosturePlugin::coverage).collect();
        analyzers.sort();
        let gaps: Vec<Gap> = self.gaps.into_iter().collect();
        let coverage =
            Coverage { complete: gaps.is_empty(), analyzers, advisories: None, ecosystems: Vec::new(), gaps };
        let report = ScanReport { schema: REPORT_SCHEMA, os: None, packages: Vec::new(), findings, coverage };
        self.observations.sort();
        Judged { report, observations: self.observations }
    }

    fn add(&mut self, other: Self) {
        for (key, finding) in other.findings {
            self.findings.entry(key).or_insert(finding);
        }
        self.observations.extend(other.observations);
        self.gaps.extend(other.gaps);
    }
}

/// The batches of one plugin.
struct Work<'a> {
    plugin: &'a PosturePlugin,
    context: CallContext,
    batches: Vec<Vec<&'a Subject>>,
    /// By the plugin's own id of a rule: its id among all plugins, and what the manifest says of it. The host lets no other pass.
    rules: HashMap<&'a str, (Arc<str>, &'a Rule)>,
}

impl Work<'_> {
    /// Why the one policy that the plugin runs cannot be used; nothing where it can, and for plugins of checks.
    fn unusable(&self) -> Option<String> {
        self.plugin.policy.as_ref()?;
        let resource = Resource { asset: String::new(), kind: LOADED.to_owned(), body: b"null".to_vec() };
        let called = self.plugin.plugin.call(&self.context, Input::Posture { resources: vec![resource] });
        match called.result {
            Ok(Answer::Posture(assessment)) => {
                let error = |result: &CheckResult| result.status == CheckStatus::Error;
                assessment.results.into_iter().find(error).map(|result| result.message)
            }
            Ok(other) => Some(other.unexpected().message),
            Err(fault) => Some(format!("{} ({})", fault.message, fault.kind.as_str())),
        }
    }

    /// Runs all batches, and gives what they gave in their order.
    fn run(&self, threads: usize) -> Vec<Collected> {
        let next = AtomicUsize::new(0);
        let thread = || {
            let mut done = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(batch) = self.batches.get(place) else { return done };
                done.push((place, self.batch(batch)));
            }
        };
        let mut done: Vec<(usize, Collected)> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(thread)).collect();
            // A thread that panicked must not look like objects without findings.
            let joined = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            running.into_iter().flat_map(joined).collect()
        });
        done.sort_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, collected)| collected).collect()
    }

    /// A call that fails is repeated object by object, so that one bad object costs only itself.
    fn batch(&self, batch: &[&Subject]) -> Collected {
        let mut collected = Collected::default();
        match self.call(batch) {
            Ok(assessment) => self.take(batch, assessment, &mut collected),
            Err(fault) if batch.len() == 1 => {
                let subject = batch.first().map(|subject| subject.path.clone()).unwrap_or_default();
                let plugin = &self.plugin.plugin.manifest().id;
                tracing::warn!(plugin.id = %plugin, object = %subject, fault = %fault.message, "an object could not be judged");
                let reason = format!("{plugin}: {} ({})", fault.message, fault.kind.as_str());
                // Of this object nothing is known; the others were judged.
                collected.gaps.insert(Gap { code: GapCode::CheckError, subject, reason });
            }
            Err(_) => {
                for subject in batch {
                    collected.add(self.batch(&[subject]));
                }
            }
        }
        collected
    }

    fn call(&self, batch: &[&Subject]) -> Result<Assessment, Fault> {
        let resource = |subject: &&Subject| Resource {
            asset: subject.asset.as_ref().to_owned(),
            kind: subject.kind.clone(),
            body: subject.body.to_vec(),
        };
        let resources = batch.iter().map(resource).collect();
        match self.plugin.plugin.call(&self.context, Input::Posture { resources }).result? {
            Answer::Posture(assessment) => Ok(assessment),
            other => Err(other.unexpected()),
        }
    }

    fn take(&self, batch: &[&Subject], assessment: Assessment, collected: &mut Collected) {
        let id = &self.plugin.plugin.manifest().id;
        for problem in assessment.problems {
            let subject = batch.get(problem.item).map(|subject| subject.path.clone()).unwrap_or_default();
            let reason = format!("{id}: {}", problem.message);
            collected.gaps.insert(Gap { code: GapCode::ParseError, subject, reason });
        }
        for result in assessment.results {
            let Some(subject) = batch.get(result.item) else { continue };
            self.result(subject, &result, collected);
        }
    }

    fn result(&self, subject: &Subject, result: &CheckResult, collected: &mut Collected) {
        let manifest = self.plugin.plugin.manifest();
        let Some((rule, declared)) = self.rules.get(result.rule.as_str()) else { return };
        let failed = match result.status {
            CheckStatus::Pass => Some(false),
            CheckStatus::Fail => Some(true),
            CheckStatus::Error => None,
            CheckStatus::NotApplicable => return,
        };
        collected.observations.push(Observation {
            rule: Arc::clone(rule),
            asset: Arc::clone(&subject.asset),
            failed,
            severity: result.severity,
        });
        if result.status == CheckStatus::Error {
            // The rule is named so that the other checks of this object still count.
            let place = format!("{}!/{rule}", subject.path);
            let gap = Gap { code: GapCode::CheckError, subject: place, reason: result.message.clone() };
            collected.gaps.insert(gap);
        }
        if result.status == CheckStatus::Fail {
            let finding = finding(subject, &manifest.id, rule, declared, result);
            collected.findings.insert(finding.key.clone(), finding);
        }
    }
}

fn finding(subject: &Subject, plugin: &str, rule: &str, declared: &Rule, result: &CheckResult) -> Finding {
    let location = by_content(&subject.body, &result.location);
    let class = FindingClass::Misconfiguration;
    Finding {
        key: finding_key(class, rule, &[&subject.path, &location]),
        class,
        ids: vec![rule.to_owned()],
        rule: rule.to_owned(),
        title: format!("{}: {}", object_name(&subject.path), result.message),
        description: described(declared),
        severity: result.severity,
        severity_source: plugin.to_owned(),
        cvss: Vec::new(),
        kev: None,
        epss: None,
        package: None,
        fix: Fix { state: FixState::Unknown, versions: Vec::new() },
        evidence: vec![Evidence {
            path: subject.path.clone(),
            inner: (!result.location.is_empty()).then(|| result.location.clone()),
            method: plugin.to_owned(),
            confidence: Confidence::High,
            plugin: Some(plugin.to_owned()),
            line: None,
        }],
        records: Vec::new(),
        references: declared.references.clone(),
        proof: serde_json::from_slice::<Value>(&result.evidence).ok(),
        suppressed: None,
    }
}

/// `group/Kind/namespace/name` as people say it: `shop/Deployment web`, `ClusterRole helper`.
#[must_use]
pub fn object_name(path: &str) -> String {
    match path.splitn(4, '/').collect::<Vec<_>>().as_slice() {
        [_, kind, "-", name] => format!("{kind} {name}"),
        [_, kind, namespace, name] => format!("{namespace}/{kind} {name}"),
        _ => path.to_owned(),
    }
}

/// What the rule is about, what it is for, and what to do.
fn described(rule: &Rule) -> String {
    let parts = [&rule.description, &rule.risk, &rule.remediation, &rule.patch];
    let said = parts.into_iter().filter(|part| !part.is_empty()).map(|part| part.trim());
    let paragraphs: Vec<&str> = std::iter::once(rule.title.as_str()).chain(said).collect();
    paragraphs.join("\n\n")
}
