//! Puts what several records say of one package into findings: one per vulnerability.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use model::{FeedRecord, Finding, FindingClass, Fix, FixState, PackageRef, Suppression, finding_key};

use super::severity::{Opinions, Standing};
use super::{Hit, Instance};
use crate::AdvisoryError;
use crate::index::{Class, Index, RecordView, Texts};
use crate::osv::shorten;
use crate::version::Order;

/// Links shown with a finding.
const REFERENCES_MAX: usize = 50;
/// Records of the same vulnerability that are asked for a rating and a text besides those that matched.
const OTHERS_MAX: usize = 20;
/// Unpacked text blocks kept while one list of packages is judged: 64 of 32 KiB or a little more.
const BLOCKS_MAX: usize = 64;

/// Text blocks that were unpacked lately; findings of one package tend to lie in the same ones.
#[derive(Debug, Default)]
pub(crate) struct TextCache {
    blocks: HashMap<u32, Arc<Vec<u8>>>,
}

impl TextCache {
    fn texts(&mut self, index: &Index, record: &RecordView<'_>) -> Result<Texts, AdvisoryError> {
        let damaged = AdvisoryError::IndexDamaged { what: "texts" };
        let (number, position) = Index::text_place(record);
        let block = match self.blocks.get(&number) {
            Some(block) => Arc::clone(block),
            None => {
                let Some(block) = index.block(number).map(Arc::new) else { return Err(damaged) };
                if self.blocks.len() >= BLOCKS_MAX {
                    self.blocks.clear();
                }
                self.blocks.insert(number, Arc::clone(&block));
                block
            }
        };
        crate::index::text::read(&block, position).ok_or(damaged)
    }
}

/// The order of findings in every report.
pub(crate) fn compare(a: &Finding, b: &Finding) -> Ordering {
    (b.severity, &a.rule, &a.package, &a.key).cmp(&(a.severity, &b.rule, &b.package, &b.key))
}

/// One finding per vulnerability for which at least one record says "affected". Records that disagree stay listed with their
/// reason, so that a narrower range is never lost in the merge.
pub(crate) fn findings(
    index: &Index,
    instance: &Instance<'_>,
    hits: Vec<Hit<'_>>,
    suppressing_feed: Option<String>,
    texts: &mut TextCache,
) -> Result<Vec<Finding>, AdvisoryError> {
    let mut by_class: BTreeMap<u32, Vec<&Hit<'_>>> = BTreeMap::new();
    for hit in &hits {
        for class in &hit.record.targets {
            by_class.entry(*class).or_default().push(hit);
        }
    }
    let mut findings = Vec::new();
    for (class, mut hits) in by_class {
        if hits.iter().any(|hit| hit.verdict.affected) {
            hits.sort_by(|a, b| (a.record.id, &a.reason).cmp(&(b.record.id, &b.reason)));
            let suppressed = suppressing_feed.as_ref().map(|feed| owned(instance, feed));
            findings.push(finding(index, instance, &index.class(class)?, &hits, suppressed, texts)?);
        }
    }
    Ok(findings)
}

fn owned(instance: &Instance<'_>, feed: &str) -> Suppression {
    let owner = instance.package.owner.as_ref().map(|owner| owner.name.as_str()).unwrap_or_default();
    Suppression {
        code: "owned-by-os-package".to_owned(),
        reason: format!(
            "its files belong to the operating-system package {owner}, which {feed} judges with its vendor's patches in mind"
        ),
    }
}

fn finding(
    index: &Index,
    instance: &Instance<'_>,
    class: &Class<'_>,
    hits: &[&Hit<'_>],
    suppressed: Option<Suppression>,
    texts: &mut TextCache,
) -> Result<Finding, AdvisoryError> {
    let package = instance.package;
    let others = other_records(index, class, hits)?;
    let (severity, severity_source, cvss) =
        opinions(package.kind.is_operating_system(), hits, &others).decide();
    let ids = ids(index, class, hits)?;
    let rule = ids.first().cloned().unwrap_or_default();
    let texts = collect_texts(index, hits, &others, texts)?;
    let path = instance.evidence.first().map(|evidence| evidence.path.as_str()).unwrap_or_default();
    let arch = package.arch.as_deref().unwrap_or_default();
    let location = [package.kind.as_str(), &package.name, &package.version, arch, path];
    let cves: Vec<&String> = ids.iter().filter(|id| id.starts_with("CVE-")).collect();
    Ok(Finding {
        key: finding_key(FindingClass::Vulnerability, &rule, &location),
        class: FindingClass::Vulnerability,
        title: title(&texts, &rule, &package.name),
        description: texts.details,
        severity,
        severity_source,
        cvss,
        // The earliest entry of several is the one that has been exploited longest.
        kev: cves.iter().filter_map(|cve| index.kev(cve)).min(),
        epss: cves.iter().filter_map(|cve| index.epss(cve)).max_by(|a, b| a.score.total_cmp(&b.score)),
        package: Some(PackageRef {
            kind: package.kind,
            name: package.name.clone(),
            version: package.version.clone(),
            purl: package.purl.clone(),
            source: package.source.clone(),
        }),
        fix: fix(hits),
        evidence: instance.evidence.clone(),
        records: feed_records(hits),
        references: texts.references,
        proof: None,
        suppressed,
        ids,
        rule,
    })
}

/// Records of the same vulnerability that did not match: they may rate and describe it.
fn other_records<'a>(
    index: &'a Index,
    class: &Class<'a>,
    hits: &[&Hit<'_>],
) -> Result<Vec<RecordView<'a>>, AdvisoryError> {
    let mut others = Vec::new();
    for number in class.records.iter().take(OTHERS_MAX) {
        let record = index.record(*number)?;
        if !hits.iter().any(|hit| hit.record.id == record.id) {
            others.push(record);
        }
    }
    others.sort_by(|a, b| a.id.cmp(b.id));
    Ok(others)
}

fn opinions(operating_system: bool, hits: &[&Hit<'_>], others: &[RecordView<'_>]) -> Opinions {
    let standing = if operating_system { Standing::Vendor } else { Standing::Matched };
    let mut opinions = Opinions::default();
    for hit in hits {
        opinions.add(standing, hit.record.id, [hit.entry.word, hit.record.word], &hit.entry.ratings);
        opinions.add(standing, hit.record.id, ["", ""], &hit.record.ratings);
    }
    for record in others {
        opinions.add(Standing::Other, record.id, [record.word, ""], &record.ratings);
    }
    opinions
}

/// The primary id, then the rest sorted: the class of the vulnerability, and the records that matched with their own aliases.
fn ids(index: &Index, class: &Class<'_>, hits: &[&Hit<'_>]) -> Result<Vec<String>, AdvisoryError> {
    let mut rest: BTreeSet<&str> = class.ids.iter().copied().collect();
    for hit in hits {
        rest.insert(hit.record.id);
        // An erratum that mends many vulnerabilities has many targets; its own aliases are not ids of each of them.
        if let [_] = hit.record.targets.as_slice() {
            rest.extend(index.class(hit.record.class)?.ids);
        }
    }
    let first = class.ids.first().copied().or_else(|| rest.first().copied()).unwrap_or_default();
    rest.remove(first);
    Ok(std::iter::once(first).chain(rest).map(str::to_owned).collect())
}

fn collect_texts(
    index: &Index,
    hits: &[&Hit<'_>],
    others: &[RecordView<'_>],
    cache: &mut TextCache,
) -> Result<Texts, AdvisoryError> {
    let mut all = Texts::default();
    let mut seen = BTreeSet::new();
    let records = hits.iter().map(|hit| &hit.record).filter(|record| seen.insert(record.id));
    for record in records.chain(others) {
        // Summaries of errata name the package, not the vulnerability; any other record says it better.
        let texts = cache.texts(index, record)?;
        let erratum = record.targets.len() > 1 && !others.is_empty();
        if all.summary.is_empty() && !erratum {
            all.summary = texts.summary;
        }
        if all.details.is_empty() && !erratum {
            all.details = texts.details;
        }
        for reference in texts.references {
            if all.references.len() < REFERENCES_MAX && !all.references.contains(&reference) {
                all.references.push(reference);
            }
        }
    }
    Ok(all)
}

fn title(texts: &Texts, rule: &str, package: &str) -> String {
    if !texts.summary.is_empty() {
        return texts.summary.clone();
    }
    let line = texts.details.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    match line {
        Some(line) => shorten(line, 160),
        None => format!("{rule} in {package}"),
    }
}

fn fix(hits: &[&Hit<'_>]) -> Fix {
    let affected: Vec<&&Hit<'_>> = hits.iter().filter(|hit| hit.verdict.affected).collect();
    let mut versions: Vec<(&String, Option<Order>)> = affected
        .iter()
        .filter_map(|hit| Some((hit.verdict.fix.as_ref()?, Order::for_ecosystem(&hit.ecosystem))))
        .collect();
    versions.sort_by(|(a, order), (b, _)| {
        order.and_then(|order| order.compare(a, b).ok()).unwrap_or(Ordering::Equal).then_with(|| a.cmp(b))
    });
    let mut versions: Vec<String> = versions.into_iter().map(|(version, _)| version.clone()).collect();
    versions.dedup();
    let end_of_life =
        affected.iter().any(|hit| is_end_of_life(hit.entry.word) || is_end_of_life(hit.record.word));
    let state = if !versions.is_empty() {
        FixState::Fixed
    } else if end_of_life {
        FixState::EndOfLife
    } else if affected.iter().any(|hit| hit.verdict.open) {
        FixState::NotFixed
    } else {
        FixState::Unknown
    };
    Fix { state, versions }
}

/// Debian's tracker writes it where other records have an urgency.
fn is_end_of_life(word: &str) -> bool {
    word.eq_ignore_ascii_case("end-of-life")
}

fn feed_records(hits: &[&Hit<'_>]) -> Vec<FeedRecord> {
    let mut records: Vec<FeedRecord> = hits
        .iter()
        .map(|hit| FeedRecord {
            id: hit.record.id.to_owned(),
            ecosystem: hit.ecosystem.clone(),
            package: hit.entry.name.to_owned(),
            modified: hit.record.modified.to_owned(),
            reason: hit.reason.clone(),
        })
        .collect();
    records.sort();
    records.dedup();
    records
}
