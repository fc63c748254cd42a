//! Writes a pack.

use std::io::Write;

use distribution::PrivateKey;

use super::manifest::{ChainEnds, Manifest, Member, Period, sign};
use super::{INPUTS, MANIFEST, RECORDS, SIGNATURES, tar};
use crate::assessment::{Assessment, Collector, Input};
use crate::canonical::{self, sha256};
use crate::chain::{Chain, Start};
use crate::error::EvidenceError;
use crate::exception::Exceptions;
use crate::judged::{Judged, judge};
use crate::oscal::{self, Sla};
use crate::record::facts;
use crate::report::{self, Report};
use crate::trend::{Point, trend};

/// How hard records are compressed. More saves little and takes long.
const LEVEL: i32 = 9;

/// What a pack is made of.
#[derive(Debug)]
pub struct Contents<'a> {
    /// Assessments of one scope, the oldest first. Reports and OSCAL files are about the last one, the trend is over all.
    pub assessments: &'a [Assessment],
    /// Exceptions; each assessment is judged by those that held at its time.
    pub exceptions: &'a Exceptions,
    /// How long failures may stay open.
    pub sla: Sla,
    /// What writes the pack.
    pub producer: Collector,
    /// Where its chain begins: nowhere, or at the end of the last pack's.
    pub start: Start,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Hash of the manifest.
    pub manifest_sha256: String,
    /// Where the next pack's chain begins.
    pub next: Start,
}

/// Writes a pack, signed with every key.
///
/// # Errors
/// [`EvidenceError::Assessment`] where there is no assessment, or they are of several scopes, not in order, or do not hold together;
/// [`EvidenceError::Unsigned`] without a key; [`EvidenceError::Write`], and what stops a record, a report or a signature from being made.
pub fn write(
    mut out: impl Write,
    contents: &Contents<'_>,
    keys: &[&PrivateKey],
) -> Result<Written, EvidenceError> {
    let (Some(first), Some(last)) = (contents.assessments.first(), contents.assessments.last()) else {
        return Err(EvidenceError::assessment("there is none"));
    };
    let neighbours = contents.assessments.iter().zip(contents.assessments.iter().skip(1));
    if neighbours.into_iter().any(|(a, b)| a.scope != b.scope || a.time >= b.time) {
        return Err(EvidenceError::assessment("assessments of a pack are of one scope, the oldest first"));
    }
    let all = contents.assessments.iter().map(|assessment| judge(assessment, contents.exceptions));
    let all: Vec<Judged<'_>> = all.collect::<Result<_, _>>()?;
    let (chain, next, records) = chain(&all, &contents.start)?;
    let mut members = files(&all, contents, &chain.head)?;
    members.push((RECORDS.to_owned(), records));
    members.push((INPUTS.to_owned(), inputs(contents.assessments)?));
    members.sort();
    let listed = members.iter().map(|(name, bytes)| Member {
        bytes: bytes.len() as u64,
        name: name.clone(),
        sha256: sha256(bytes),
    });
    let period = Period { from: first.time, to: last.time };
    let producer = contents.producer.clone();
    let manifest = Manifest::new(chain, listed.collect(), period, producer, last.scope.clone(), keys);
    let manifest = manifest.to_bytes()?;
    put(&mut out, MANIFEST, &manifest)?;
    put(&mut out, SIGNATURES, &sign(&manifest, keys)?)?;
    for (name, bytes) in &members {
        put(&mut out, name, bytes)?;
    }
    out.write_all(&tar::END).and_then(|()| out.flush()).map_err(EvidenceError::Write)?;
    Ok(Written { manifest_sha256: sha256(&manifest), next })
}

fn put(out: &mut impl Write, name: &str, bytes: &[u8]) -> Result<(), EvidenceError> {
    let size = bytes.len() as u64;
    let header = tar::header(name, size)
        .ok_or_else(|| EvidenceError::TooLarge { why: format!("{name} has {size} bytes") })?;
    let zeros = vec![0; tar::padding(size)];
    for part in [header.as_slice(), bytes, &zeros] {
        out.write_all(part).map_err(EvidenceError::Write)?;
    }
    Ok(())
}

/// The records of all assessments, compressed.
fn chain(all: &[Judged<'_>], start: &Start) -> Result<(ChainEnds, Start, Vec<u8>), EvidenceError> {
    let mut chain = Chain::from(start.clone());
    let mut packer = zstd::stream::write::Encoder::new(Vec::new(), LEVEL).map_err(EvidenceError::Write)?;
    let mut bytes = 0;
    for judged in all {
        for fact in facts(judged) {
            let line = chain.append(&judged.assessment.scope, judged.assessment.time, fact)?;
            packer.write_all(&line).and_then(|()| packer.write_all(b"\n")).map_err(EvidenceError::Write)?;
            bytes += line.len() as u64 + 1;
        }
    }
    let ends = ChainEnds {
        bytes,
        head: chain.head().to_owned(),
        previous: start.previous.clone(),
        records: chain.next() - start.sequence,
        sequence: start.sequence,
    };
    let next = Start { previous: chain.head().to_owned(), sequence: chain.next() };
    Ok((ends, next, packer.finish().map_err(EvidenceError::Write)?))
}

fn inputs(assessments: &[Assessment]) -> Result<Vec<u8>, EvidenceError> {
    let all: Vec<&Input> = assessments.iter().flat_map(|assessment| &assessment.inputs).collect();
    canonical::bytes(&all).map_err(EvidenceError::assessment)
}

/// Reports and OSCAL files, about the last assessment.
fn files(
    all: &[Judged<'_>],
    contents: &Contents<'_>,
    head: &str,
) -> Result<Vec<(String, Vec<u8>)>, EvidenceError> {
    let Some(last) = all.last() else { return Ok(Vec::new()) };
    let trend = trend(&all.iter().flat_map(Point::of).collect::<Vec<_>>());
    let report = Report { judged: last, trend: &trend, head };
    let mut files = vec![
        ("index.html".to_owned(), report::html(&report).into_bytes()),
        ("report.pdf".to_owned(), report::pdf(&report)?),
        ("oscal/component-definition.json".to_owned(), oscal::component_definition(last)?),
        ("oscal/assessment-results.json".to_owned(), oscal::assessment_results(last, &trend, contents.sla)?),
    ];
    let poam = oscal::plan_of_action(last, &trend, contents.sla)?;
    files.extend(poam.map(|bytes| ("oscal/plan-of-action-and-milestones.json".to_owned(), bytes)));
    Ok(files)
}
