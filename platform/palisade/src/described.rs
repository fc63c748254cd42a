//! What a directory says about clusters, clouds and images, judged by the checks that judge the real things.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use cluster::GroupKind;
use engine::audit::Trail;
use engine::graph::Graph;
use engine::posture::{PosturePlugin, Subject, judge};
use iac::{Document, Options};
use image::Exclude;
use model::{Gap, ScanReport};

/// A directory whose configuration is to be judged.
pub(crate) struct Described<'a> {
    /// Its root.
    pub(crate) root: &'a Path,
    /// The program `helm`; without it charts are gaps.
    pub(crate) helm: Option<&'a Path>,
}

/// How the host says that the graph does not know objects of a kind.
const UNANSWERED: &str = "The platform did not answer";

impl Described<'_> {
    /// Adds what checks say of the directory's documents to the report of its files. Gives what the plugins were denied.
    pub(crate) fn judge(
        &self,
        posture: &[PosturePlugin],
        exclude: &Exclude,
        threads: usize,
        report: &mut ScanReport,
    ) -> Result<Trail> {
        let excluded = |path: &str| exclude.matches(path);
        let options = Options {
            scope: "directory",
            helm: self.helm,
            exclude: &excluded,
            limits: iac::Limits::default(),
        };
        let sources = iac::read(self.root, &options)?;
        if sources.documents.is_empty() && sources.gaps.is_empty() {
            return Ok(Trail::default());
        }
        let (nodes, relations) = sources.kubernetes.graph();
        let missing: BTreeSet<String> =
            sources.kubernetes.missing().iter().map(GroupKind::to_string).collect();
        let graph = Arc::new(Graph::new(nodes, &relations, missing));
        let subjects: Vec<Subject> = sources.documents.iter().map(subject).collect();
        let judged = judge(&subjects, &graph, posture, sources.gaps, threads);
        let documents: BTreeMap<&str, &Document> =
            sources.documents.iter().map(|document| (document.path.as_str(), document)).collect();
        for mut finding in judged.report.findings {
            for evidence in &mut finding.evidence {
                if let Some(document) = documents.get(evidence.path.as_str()) {
                    evidence.line = Some(document.lines.of(evidence.inner.as_deref().unwrap_or_default()));
                    evidence.path.clone_from(&document.file);
                }
            }
            report.findings.push(finding);
        }
        let gaps: BTreeSet<Gap> = judged.report.coverage.gaps.into_iter().collect();
        let coverage = &mut report.coverage;
        coverage.gaps.extend(iac::fold_gaps(gaps, |gap| gap.reason.starts_with(UNANSWERED)));
        coverage.gaps.sort();
        coverage.gaps.dedup();
        coverage.complete = coverage.complete && coverage.gaps.is_empty();
        coverage.analyzers.extend(judged.report.coverage.analyzers);
        coverage.analyzers.sort();
        engine::scan::sort(&mut report.findings);
        Ok(judged.audit)
    }
}

fn subject(document: &Document) -> Subject {
    Subject {
        asset: Arc::from(document.asset.as_str()),
        path: document.path.clone(),
        kind: document.kind.clone(),
        body: Arc::clone(&document.body),
    }
}
