//! Objects of a cluster through the checks of posture plugins: batches out, results in, findings of what failed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use host::manifest::Rule;
use host::{CallContext, Grant, Kind, Plugin, Rights};
use model::{AnalyzerCoverage, Coverage, Finding, Gap, GapCode, ScanReport, Severity, TenantId};

use crate::audit::Trail;
use crate::graph::Graph;
use crate::heard::Work;
use crate::scan::{REPORT_SCHEMA, rank};

/// Resources of a batch. A check of each of two hundred rules on each of them stays well below the results of one call.
const BATCH_RESOURCES: usize = 40;
/// Bytes of the bodies of a batch; a single larger body is a batch by itself.
const BATCH_BYTES: usize = 1024 * 1024;

/// A plugin of kind `posture`, and what is granted to it.
#[derive(Debug, Clone)]
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

impl std::fmt::Debug for OwnPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnPolicy").field("rule", &self.rule.id).finish_non_exhaustive()
    }
}

/// How many more resources are in a batch of a policy whose configuration holds other objects: every call reads all of them.
const PREPARED_TIMES: usize = 10;

impl PosturePlugin {
    pub(crate) fn consumes(&self, kind: &str) -> bool {
        let kinds = self.plugin.manifest().consumes(Kind::Posture);
        kinds.is_empty() || kinds.iter().any(|wanted| wanted == kind)
    }

    /// What makes the configuration of a policy that looks at other objects.
    pub(crate) fn prepare(&self) -> Option<&Arc<Prepare>> {
        self.policy.as_ref()?.prepare.as_ref()
    }

    /// How many more resources are in a batch.
    pub(crate) fn batch_times(&self) -> usize {
        if self.prepare().is_some() { PREPARED_TIMES } else { 1 }
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// What the plugins were denied, and what they sent.
    pub audit: Trail,
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
    let work = Work::new(plugin);
    let mut all = Collected::default();
    let context = context(plugin, Arc::clone(graph) as Arc<dyn host::Services>);
    let context = match ready(&work, context, subjects, &mut all.audit) {
        Ok(context) => context,
        Err(gap) => {
            all.gaps.insert(gap);
            return all;
        }
    };
    let batches = batches(&wanted, plugin.batch_times());
    let heard = side_by_side(&batches, threads, |batch| {
        let mut audit = Trail::default();
        (work.heard(&context, batch, &mut audit), audit)
    });
    for (batch, (heard, audit)) in batches.iter().zip(heard) {
        all.audit.add(audit);
        for (subject, heard) in batch.iter().zip(&heard) {
            work.tell(subject, heard, &mut all);
        }
    }
    all
}

/// What a plugin is called with among these subjects. A policy that cannot be used is one gap, however many objects there are.
pub(crate) fn ready(
    work: &Work<'_>,
    mut context: CallContext,
    subjects: &[Subject],
    audit: &mut Trail,
) -> Result<CallContext, Gap> {
    let plugin = work.plugin();
    let unusable = |reason: String| {
        let rule = plugin.policy.as_ref().map(|policy| policy.rule.id.as_str()).unwrap_or_default();
        let subject = format!("!/{}/{rule}", plugin.plugin.manifest().id);
        tracing::warn!(policy = %rule, reason = %reason, "a policy cannot be used");
        Gap { code: GapCode::CheckError, subject, reason }
    };
    if let Some(prepare) = plugin.prepare() {
        context.config = prepare(subjects).map_err(unusable)?;
    }
    match work.unusable(&context, audit) {
        Some(why) => Err(unusable(why)),
        None => Ok(context),
    }
}

/// What a plugin is called with.
pub(crate) fn context(plugin: &PosturePlugin, services: Arc<dyn host::Services>) -> CallContext {
    let tenant = TenantId::default_tenant();
    let grant = Grant {
        tenant: tenant.clone(),
        digest: plugin.plugin.digest().clone(),
        rights: plugin.rights.clone(),
    };
    CallContext {
        grant: Some(Arc::new(grant)),
        services,
        ..CallContext::new(tenant, Arc::clone(&plugin.config))
    }
}

/// Subjects that are judged in one call.
pub(crate) fn batches<'a>(subjects: &[&'a Subject], times: usize) -> Vec<Vec<&'a Subject>> {
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

/// Does the same with each of these, on several threads, and gives what came of them in their order.
pub(crate) fn side_by_side<T: Sync, R: Send>(
    all: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    // A thread costs more than a call.
    let threads = threads.clamp(1, all.len().max(1));
    if threads == 1 {
        return all.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let thread = || {
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(place) else { return done };
            done.push((place, work(one)));
        }
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(thread)).collect();
        // A thread that panicked must not look like objects without findings.
        let joined = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        running.into_iter().flat_map(joined).collect()
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

/// What was told of subjects. Findings by their key: two rules of one plugin cannot make the same one.
#[derive(Default)]
pub(crate) struct Collected {
    pub(crate) findings: BTreeMap<String, Finding>,
    pub(crate) observations: Vec<Observation>,
    pub(crate) gaps: BTreeSet<Gap>,
    pub(crate) audit: Trail,
}

impl Collected {
    /// The report and the observations, in their order.
    pub(crate) fn judged(mut self, plugins: &[PosturePlugin]) -> Judged {
        let mut findings: Vec<Finding> = self.findings.into_values().collect();
        findings.sort_by(|a, b| rank(a).cmp(&rank(b)));
        let mut analyzers: Vec<AnalyzerCoverage> = plugins.iter().map(PosturePlugin::coverage).collect();
        analyzers.sort();
        // Policies are called one by one, by the same plugin.
        analyzers.dedup();
        let gaps: Vec<Gap> = self.gaps.into_iter().collect();
        let coverage =
            Coverage { complete: gaps.is_empty(), analyzers, advisories: None, ecosystems: Vec::new(), gaps };
        let report = ScanReport { schema: REPORT_SCHEMA, os: None, packages: Vec::new(), findings, coverage };
        self.observations.sort();
        Judged { report, observations: self.observations, audit: self.audit }
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (key, finding) in other.findings {
            self.findings.entry(key).or_insert(finding);
        }
        self.observations.extend(other.observations);
        self.gaps.extend(other.gaps);
        self.audit.add(other.audit);
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
