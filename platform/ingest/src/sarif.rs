//! SARIF 2.1.0 (OASIS), for code hosts and editors that show results of analysis tools.
//!
//! One rule per vulnerability or plugin rule, one result per finding. A location is the path of the first evidence
//! below the scanned root (`ROOT`); everything a finding says beyond that stands in property bags. Coverage gaps are
//! notifications of the run, so that a viewer can tell "nothing found" from "not looked at".
//!
//! All text is hostile: it is written as plain text with the format's own escapes for links and placeholders, never as
//! Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::{Evidence, Finding, FindingClass, ScanReport, Severity, Target};
use serde_json::{Map, Value, json};

/// The findings of a report as SARIF 2.1.0 JSON, ending in a line break. The same report gives the same bytes.
#[must_use]
pub fn write(report: &ScanReport, target: Option<&Target>) -> String {
    let mut findings_by_rule: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        findings_by_rule.entry(&finding.rule).or_default().push(finding);
    }
    let index_by_rule: BTreeMap<&str, usize> =
        findings_by_rule.keys().enumerate().map(|(index, rule)| (*rule, index)).collect();
    let rules: Vec<Value> = findings_by_rule.iter().map(|(id, findings)| rule(id, findings)).collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| result(finding, index_by_rule.get(finding.rule.as_str()).copied().unwrap_or_default()))
        .collect();
    let notifications: Vec<Value> = (report.coverage.gaps.iter())
        .map(|gap| {
            json!({
                "descriptor": { "id": gap.code.as_str() },
                "level": "warning",
                "message": { "text": escape(&format!("{}: {}", gap.subject, gap.reason)) },
            })
        })
        .collect();
    let mut properties = Map::new();
    properties.insert("palisade/coverageComplete".into(), json!(report.coverage.complete));
    if let Some(target) = target {
        properties.insert("palisade/target".into(), json!(target));
    }
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "Palisade",
                    "version": env!("CARGO_PKG_VERSION"),
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                },
            },
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications,
            }],
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                "ROOT": { "description": { "text": "The root of the scanned file system." } },
            },
            "results": results,
            "properties": properties,
        }],
    });
    format!("{document:#}\n")
}

/// The rule of several findings; the worst of them speaks for it.
fn rule(id: &str, findings: &[&Finding]) -> Value {
    let worst = findings.iter().max_by(|a, b| a.severity.cmp(&b.severity).then_with(|| b.key.cmp(&a.key)));
    let Some(worst) = worst else { return Value::Null };
    let score = findings.iter().map(|finding| security_severity(finding)).fold(0.0, f64::max);
    let mut help = String::new();
    let description = if worst.description.is_empty() { &worst.title } else { &worst.description };
    let _ = writeln!(help, "{}", escape(description));
    let _ = writeln!(help, "\nSeverity: {} ({})", worst.severity, escape(&worst.severity_source));
    if worst.ids.len() > 1 {
        let _ = writeln!(help, "Also known as: {}", escape(&worst.ids.join(", ")));
    }
    for reference in worst.references.iter().take(20) {
        let _ = writeln!(help, "See {}", escape(reference));
    }
    let mut out = json!({
        "id": id,
        "shortDescription": { "text": escape(&worst.title) },
        "fullDescription": { "text": escape(description) },
        "help": { "text": help.trim_end() },
        "defaultConfiguration": { "level": level(worst.severity) },
        "properties": {
            "security-severity": format!("{score:.1}"),
            "precision": "high",
            "tags": ["security", class(worst.class)],
        },
    });
    let link = worst.references.iter().find(|url| is_plain_link(url));
    if let (Some(link), Some(fields)) = (link, out.as_object_mut()) {
        fields.insert("helpUri".into(), json!(link));
    }
    out
}

fn result(finding: &Finding, rule_index: usize) -> Value {
    let mut properties = json!({
        "severity": finding.severity.as_str(),
        "severitySource": finding.severity_source,
        "fix": finding.fix,
        "ids": finding.ids,
        "evidence": finding.evidence,
    });
    if let Some(fields) = properties.as_object_mut() {
        let extras = [
            ("kev", finding.kev.as_ref().map(|kev| json!(kev))),
            ("epss", finding.epss.as_ref().map(|epss| json!(epss))),
            ("package", finding.package.as_ref().map(|package| json!(package))),
            ("records", Some(&finding.records).filter(|records| !records.is_empty()).map(|all| json!(all))),
        ];
        for (key, value) in extras {
            if let Some(value) = value {
                fields.insert(key.into(), value);
            }
        }
    }
    let mut out = json!({
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": level(finding.severity),
        "message": { "text": message(finding) },
        "locations": [location(finding)],
        "partialFingerprints": { "palisadeFindingKey/v1": finding.key },
        "properties": properties,
    });
    if let (Some(suppressed), Some(fields)) = (&finding.suppressed, out.as_object_mut()) {
        let justification = format!("{}: {}", suppressed.code, suppressed.reason);
        fields.insert(
            "suppressions".into(),
            json!([{ "kind": "external", "status": "accepted", "justification": justification }]),
        );
    }
    out
}

fn message(finding: &Finding) -> String {
    let Some(package) = &finding.package else { return escape(&finding.title) };
    let fix = match finding.fix.versions.as_slice() {
        [] => "no fixed version is known".to_owned(),
        versions => format!("fixed in {}", versions.join(", ")),
    };
    escape(&format!("{} {}: {} ({fix})", package.name, package.version, finding.title))
}

fn location(finding: &Finding) -> Value {
    let mut out = Map::new();
    if let Some(Evidence { path, inner, line, .. }) = finding.evidence.first() {
        // Viewers want a region; a package has no line, and the first is where they will show it.
        out.insert(
            "physicalLocation".into(),
            json!({
                "artifactLocation": { "uri": relative_uri(path), "uriBaseId": "ROOT" },
                "region": { "startLine": line.unwrap_or(1) },
            }),
        );
        if let Some(inner) = inner {
            out.insert("message".into(), json!({ "text": escape(&format!("inside the archive: {inner}")) }));
        }
    }
    if let Some(package) = &finding.package {
        out.insert(
            "logicalLocations".into(),
            json!([{ "name": package.name, "fullyQualifiedName": package.purl, "kind": "module" }]),
        );
    }
    Value::Object(out)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Negligible | Severity::None | Severity::Unknown => "note",
    }
}

/// The number that code hosts sort by: the highest CVSS score in the band of the decided severity, else the middle of
/// that band.
fn security_severity(finding: &Finding) -> f64 {
    let in_band = finding.cvss.iter().map(|cvss| cvss.score);
    let best =
        in_band.filter(|score| Severity::from_cvss_score(*score) == finding.severity).fold(0.0, f64::max);
    if best > 0.0 {
        return best;
    }
    match finding.severity {
        Severity::Critical => 9.5,
        Severity::High => 8.0,
        Severity::Medium => 5.5,
        Severity::Low => 2.0,
        Severity::Negligible => 0.1,
        Severity::None | Severity::Unknown => 0.0,
    }
}

fn class(class: FindingClass) -> &'static str {
    match class {
        FindingClass::Vulnerability => "vulnerability",
        FindingClass::Misconfiguration => "misconfiguration",
        FindingClass::Secret => "secret",
        FindingClass::Malware => "malware",
        FindingClass::License => "license",
    }
}

/// Text that means itself in a SARIF message, where `[text](target)` is a link and `{0}` a placeholder.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '[' | ']' => out.extend(['\\', c]),
            '{' | '}' => out.extend([c, c]),
            _ => out.push(c),
        }
    }
    out
}

/// A path as a relative URI reference: everything but unreserved characters and `/` is percent-encoded.
fn relative_uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte))
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Whether a reference may stand where a viewer makes a link of it.
fn is_plain_link(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty())
        && url.bytes().all(|b| {
            b.is_ascii_graphic()
                && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
        })
}

#[cfg(test)]
mod tests {
    use super::{escape, is_plain_link, relative_uri};

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(escape("[click](https://x) {0} \\"), "\\[click\\](https://x) {{0}} \\\\");
        assert_eq!(relative_uri("/a b/ü#?.jar"), "a%20b/%C3%BC%23%3F.jar");
        assert_eq!(relative_uri("../../javascript:x"), "../../javascript%3Ax");
        assert!(is_plain_link("https://example.org/a?b=c#d"));
        for bad in ["javascript:alert(1)", "https://", "https://a b", "https://a\u{202e}", "https://a\"b"] {
            assert!(!is_plain_link(bad), "{bad}");
        }
    }
}
