//! Resources, events, controls, decisions, pages and receipts at 0.1.0: lowered as they are, checked before they are believed.

use super::analyzer;
use super::bindings::exports::palisade::plugin::{collector, correlator, notifier, posture};
use super::bindings::palisade::types::{common, controls as wit_controls, decisions, events, resources};
use crate::fault::{Fault, FaultKind};
use crate::kinds::{
    Assessment, At, Bounds, CheckResult, CheckStatus, ControlResult, ControlStatus, Correlation, Decision,
    Detection, EVIDENCE_BYTES_MAX, Event, IncidentLink, Missing, Observation, PATCH_BYTES_MAX, Page,
    RESOURCE_BYTES_MAX, Receipt, Resource, Timer, Violation, each,
};

pub(super) fn resource(resource: Resource) -> resources::AssetResource {
    resources::AssetResource { asset: resource.asset, kind: resource.kind, body: resource.body }
}

pub(super) fn event(event: Event) -> events::Event {
    events::Event {
        id: event.id,
        time: event.time,
        source: event.source,
        asset: event.asset,
        body: event.body,
    }
}

pub(super) fn due(timer: Timer) -> events::Timer {
    events::Timer { key: timer.key, time: timer.time }
}

pub(super) fn observation(observation: Observation) -> wit_controls::Observation {
    wit_controls::Observation {
        rule: observation.rule,
        asset: observation.asset,
        status: match observation.status {
            CheckStatus::Pass => resources::CheckStatus::Pass,
            CheckStatus::Fail => resources::CheckStatus::Fail,
            CheckStatus::NotApplicable => resources::CheckStatus::NotApplicable,
            CheckStatus::Error => resources::CheckStatus::Error,
        },
        severity: match observation.severity {
            model::Severity::Unknown => common::Severity::Unknown,
            model::Severity::None => common::Severity::None,
            model::Severity::Negligible => common::Severity::Negligible,
            model::Severity::Low => common::Severity::Low,
            model::Severity::Medium => common::Severity::Medium,
            model::Severity::High => common::Severity::High,
            model::Severity::Critical => common::Severity::Critical,
        },
    }
}

pub(super) fn assessment(answer: posture::Assessment, bounds: &Bounds<'_>) -> Result<Assessment, Fault> {
    bounds.count(&[answer.results.len(), answer.problems.len()])?;
    Ok(Assessment {
        results: each("results", answer.results, |at, it| result(at, it, bounds))?,
        problems: each("problems", answer.problems, |at, it| analyzer::problem(at, it, bounds))?,
    })
}

fn result(at: At, record: resources::CheckResult, bounds: &Bounds<'_>) -> Result<CheckResult, Fault> {
    Ok(CheckResult {
        item: bounds.item(at, record.item)?,
        rule: bounds.rule(at, record.rule)?,
        status: match record.status {
            resources::CheckStatus::Pass => CheckStatus::Pass,
            resources::CheckStatus::Fail => CheckStatus::Fail,
            resources::CheckStatus::NotApplicable => CheckStatus::NotApplicable,
            resources::CheckStatus::Error => CheckStatus::Error,
        },
        severity: analyzer::severity(record.severity),
        message: at.text("message", record.message)?,
        location: pointer(at, record.location)?,
        evidence: at.json("evidence", record.evidence, EVIDENCE_BYTES_MAX, true)?,
    })
}

/// A JSON Pointer: empty, or segments that each start with a slash (RFC 6901).
fn pointer(at: At, text: String) -> Result<String, Fault> {
    if !text.is_empty() && !text.starts_with('/') {
        return Err(at.broken("has a location that is no JSON Pointer; it starts with / or is empty"));
    }
    at.text("location", text)
}

pub(super) fn correlation(
    answer: correlator::Correlation,
    bounds: &Bounds<'_>,
) -> Result<Correlation, Fault> {
    bounds.count(&[
        answer.detections.len(),
        answer.links.len(),
        answer.timers.len(),
        answer.problems.len(),
    ])?;
    Ok(Correlation {
        detections: each("detections", answer.detections, |at, it| detection(at, it, bounds))?,
        links: each("links", answer.links, |at, it| {
            Ok(IncidentLink { kept: at.id("kept", it.kept)?, merged: at.id("merged", it.merged)? })
        })?,
        timers: each("timers", answer.timers, |at, it| {
            Ok(Timer { key: at.id("key", it.key)?, time: it.time })
        })?,
        problems: each("problems", answer.problems, |at, it| analyzer::problem(at, it, bounds))?,
    })
}

fn detection(at: At, record: events::Detection, bounds: &Bounds<'_>) -> Result<Detection, Fault> {
    Ok(Detection {
        items: bounds.items(at, record.items)?,
        rule: bounds.rule(at, record.rule)?,
        title: at.text("title", record.title)?,
        severity: analyzer::severity(record.severity),
        asset: at.text("asset", record.asset)?,
        incident_key: at.text("incident-key", record.incident_key)?,
        evidence: at.json("evidence", record.evidence, EVIDENCE_BYTES_MAX, true)?,
    })
}

pub(super) fn controls(
    answer: Vec<wit_controls::ControlResult>,
    bounds: &Bounds<'_>,
) -> Result<Vec<ControlResult>, Fault> {
    bounds.count(&[answer.len()])?;
    each("controls", answer, |at, record| {
        Ok(ControlResult {
            control: at.id("control", record.control)?,
            status: match record.status {
                wit_controls::ControlStatus::Met => ControlStatus::Met,
                wit_controls::ControlStatus::NotMet => ControlStatus::NotMet,
                wit_controls::ControlStatus::Partly => ControlStatus::Partly,
                wit_controls::ControlStatus::Manual => ControlStatus::Manual,
                wit_controls::ControlStatus::NotAssessed => ControlStatus::NotAssessed,
            },
            items: bounds.items(at, record.items)?,
            rationale: at.text("rationale", record.rationale)?,
        })
    })
}

pub(super) fn decision(answer: decisions::Decision, bounds: &Bounds<'_>) -> Result<Decision, Fault> {
    bounds.count(&[answer.violations.len(), answer.warnings.len()])?;
    let violation = |at: At, record: decisions::Violation| {
        Ok(Violation { rule: bounds.rule(at, record.rule)?, message: at.text("message", record.message)? })
    };
    let patch = |bytes: Vec<u8>| {
        let at = At { list: "patch", index: 0 };
        let bytes = at.json("a patch", bytes, PATCH_BYTES_MAX, false)?;
        // Operations are applied, and refused one by one, by whoever owns the object; a list is all that is promised here.
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => Ok(bytes),
            _ => Err(at.broken("is JSON, but not a list of operations")),
        }
    };
    Ok(Decision {
        violations: each("violations", answer.violations, violation)?,
        warnings: each("warnings", answer.warnings, violation)?,
        patch: answer.patch.map(patch).transpose()?,
    })
}

pub(super) fn page(
    answer: collector::Page,
    cursor: Option<&str>,
    bounds: &Bounds<'_>,
) -> Result<Page, Fault> {
    bounds.count(&[answer.resources.len(), answer.missing.len()])?;
    if answer.next.is_some() && answer.next.as_deref() == cursor {
        return Err(Fault::new(FaultKind::Protocol, "it answered with the cursor that it was asked for"));
    }
    let at = At { list: "next", index: 0 };
    Ok(Page {
        resources: each("resources", answer.resources, |at, record| {
            Ok(Resource {
                asset: at.id("asset", record.asset)?,
                kind: at.id("kind", record.kind)?,
                body: at.json("a body", record.body, RESOURCE_BYTES_MAX, false)?,
            })
        })?,
        missing: each("missing", answer.missing, |at, record| {
            Ok(Missing {
                subject: at.text("subject", record.subject)?,
                message: at.text("message", record.message)?,
            })
        })?,
        next: answer.next.map(|next| at.text("cursor", next)).transpose()?,
    })
}

pub(super) fn receipt(answer: notifier::Receipt) -> Result<Receipt, Fault> {
    let at = At { list: "receipt", index: 0 };
    let url = answer.url.map(|url| at.id("url", url)).transpose()?;
    // People click on it.
    let odd = |url: &String| {
        let web = url.starts_with("https://") || url.starts_with("http://");
        !web || url.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    if url.as_ref().is_some_and(odd) {
        return Err(at.broken("has a url that is none of http and https"));
    }
    Ok(Receipt { id: at.id("id", answer.id)?, url })
}
