//! Kind `image-analyzer` at 0.1.0: files lowered into records and handles, the answer checked.

use model::{Confidence, OperatingSystem, PackageType, Severity, SourcePackage};
use wasmtime::Store;

use super::bindings::exports::palisade::plugin::image_analyzer as wit;
use super::bindings::palisade::types::{common, packages};
use crate::analysis::{
    Analysis, Body, FoundOwnership, FoundPackage, FoundRisk, FoundSystem, InputFile, Problem, Usage,
};
use crate::fault::Fault;
use crate::kinds::{At, Bounds, each};
use crate::state::State;

/// A file as the guest gets it.
pub(super) fn lower(store: &mut Store<State>, file: InputFile) -> wasmtime::Result<wit::InputFile> {
    let body = match file.body {
        Body::Whole(bytes) => wit::Body::Whole(bytes),
        Body::Stored(bytes) => wit::Body::Handle(store.data_mut().lend(bytes)?),
    };
    Ok(wit::InputFile { path: file.path, size: file.size, interests: file.interests, body })
}

/// Turns an answer into model types.
pub(super) fn check(answer: wit::Analysis, bounds: &Bounds<'_>) -> Result<Analysis, Fault> {
    bounds.count(&[
        answer.systems.len(),
        answer.packages.len(),
        answer.ownerships.len(),
        answer.findings.len(),
        answer.problems.len(),
    ])?;
    Ok(Analysis {
        systems: each("systems", answer.systems, |at, it| system(at, it, bounds))?,
        packages: each("packages", answer.packages, |at, it| package(at, it, bounds))?,
        ownerships: each("ownerships", answer.ownerships, |at, it| ownership(at, it, bounds))?,
        findings: each("findings", answer.findings, |at, it| finding(at, it, bounds))?,
        problems: each("problems", answer.problems, |at, it| problem(at, it, bounds))?,
        logs: Vec::new(),
        usage: Usage::default(),
    })
}

fn system(at: At, record: packages::OperatingSystem, bounds: &Bounds<'_>) -> Result<FoundSystem, Fault> {
    Ok(FoundSystem {
        item: bounds.item(at, record.item)?,
        os: OperatingSystem {
            id: at.text("id", record.id)?,
            version: optional(at, "version", record.version)?,
            codename: optional(at, "codename", record.codename)?,
            like: texts(at, "like", record.like)?,
            pretty_name: optional(at, "pretty-name", record.pretty_name)?,
        },
    })
}

fn package(at: At, record: packages::Package, bounds: &Bounds<'_>) -> Result<FoundPackage, Fault> {
    let name = at.text("name", record.name)?;
    let source_name = optional(at, "source-name", record.source_name)?;
    let source_version = optional(at, "source-version", record.source_version)?;
    let source = match (source_name, source_version) {
        (None, None) => None,
        (Some(name), version) => Some(SourcePackage { name, version }),
        (None, version) => Some(SourcePackage { name: name.clone(), version }),
    };
    Ok(FoundPackage {
        item: bounds.item(at, record.item)?,
        kind: package_type(record.kind),
        name,
        version: at.text("version", record.version)?,
        arch: optional(at, "arch", record.arch)?,
        source,
        licenses: texts(at, "licenses", record.licenses)?,
        inner: optional(at, "inner", record.inner)?,
        method: at.text("method", record.method)?,
        confidence: match record.confidence {
            common::Confidence::Low => Confidence::Low,
            common::Confidence::Medium => Confidence::Medium,
            common::Confidence::High => Confidence::High,
        },
    })
}

fn ownership(at: At, record: packages::Ownership, bounds: &Bounds<'_>) -> Result<FoundOwnership, Fault> {
    Ok(FoundOwnership {
        item: bounds.item(at, record.item)?,
        kind: package_type(record.kind),
        name: at.text("name", record.name)?,
        paths: texts(at, "paths", record.paths)?,
    })
}

fn finding(at: At, record: common::Finding, bounds: &Bounds<'_>) -> Result<FoundRisk, Fault> {
    Ok(FoundRisk {
        item: bounds.item(at, record.item)?,
        rule: bounds.rule(at, record.rule)?,
        title: at.text("title", record.title)?,
        description: at.text("description", record.description)?,
        severity: severity(record.severity),
        location: at.text("location", record.location)?,
    })
}

pub(super) fn problem(at: At, record: common::Problem, bounds: &Bounds<'_>) -> Result<Problem, Fault> {
    Ok(Problem { item: bounds.item(at, record.item)?, message: at.text("message", record.message)? })
}

fn optional(at: At, field: &str, value: Option<String>) -> Result<Option<String>, Fault> {
    value.map(|value| at.text(field, value)).transpose()
}

fn texts(at: At, field: &str, values: Vec<String>) -> Result<Vec<String>, Fault> {
    values.into_iter().map(|value| at.text(field, value)).collect()
}

fn package_type(kind: packages::PackageType) -> PackageType {
    use packages::PackageType as Wit;
    match kind {
        Wit::Deb => PackageType::Deb,
        Wit::Apk => PackageType::Apk,
        Wit::Rpm => PackageType::Rpm,
        Wit::Pypi => PackageType::Pypi,
        Wit::Npm => PackageType::Npm,
        Wit::Maven => PackageType::Maven,
        Wit::Golang => PackageType::Golang,
        Wit::Cargo => PackageType::Cargo,
        Wit::Gem => PackageType::Gem,
        Wit::Nuget => PackageType::Nuget,
        Wit::Composer => PackageType::Composer,
        Wit::Generic => PackageType::Generic,
    }
}

pub(super) fn severity(severity: common::Severity) -> Severity {
    use common::Severity as Wit;
    match severity {
        Wit::Unknown => Severity::Unknown,
        Wit::None => Severity::None,
        Wit::Negligible => Severity::Negligible,
        Wit::Low => Severity::Low,
        Wit::Medium => Severity::Medium,
        Wit::High => Severity::High,
        Wit::Critical => Severity::Critical,
    }
}
