//! What one scan means for the findings of its asset. Pure: what was stored and what was seen go in, what to write comes
//! out, so that the rules can be read and tested without a database.
//!
//! | stored | seen by this scan | not seen |
//! |---|---|---|
//! | nothing | opened | |
//! | open | touched; changed, if severity, fix, exploitation or suppression did | fixed, unless a gap could hide it |
//! | fixed | reopened | nothing |

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use model::{Coverage, Finding, FindingState, Fix, FixState, Transition};

use crate::SeverityCounts;
use crate::gaps::could_hide;
use crate::prepare::{Flags, Prepared};

/// A stored finding of the asset.
#[derive(Debug, Clone)]
pub(crate) struct Existing {
    pub(crate) state: FindingState,
    pub(crate) flags: Flags,
    pub(crate) digest: Vec<u8>,
    pub(crate) fixed_at: Option<Timestamp>,
    /// Whether somebody has set it aside, so that it does not count whoever sees it.
    pub(crate) aside: bool,
}

/// Stored findings by fingerprint.
pub(crate) type Stored = HashMap<String, Existing>;

/// A step to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) fingerprint: String,
    pub(crate) transition: Transition,
    pub(crate) note: String,
}

/// What to write, and the figures that follow.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Places in the list of seen findings whose whole rows are written.
    pub(crate) written: Vec<usize>,
    /// Open findings seen unchanged.
    pub(crate) touched: Vec<String>,
    /// Open findings that are gone.
    pub(crate) fixed: Vec<String>,
    pub(crate) events: Vec<Event>,
    /// Open findings that were not seen and stay open.
    pub(crate) hidden: u64,
    pub(crate) totals: Totals,
}

/// What is open on the asset afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    /// Not suppressed, by severity.
    pub(crate) findings: SeverityCounts,
    /// Not suppressed and known to be exploited.
    pub(crate) kev: u64,
    /// Not suppressed and with a fix to be had.
    pub(crate) fixable: u64,
}

impl Totals {
    /// What is open of stored findings.
    pub(crate) fn of(stored: &Stored) -> Self {
        let mut totals = Self::default();
        for existing in stored.values().filter(|existing| existing.state == FindingState::Open) {
            totals.add(existing.flags);
        }
        totals
    }

    fn add(&mut self, flags: Flags) {
        if !flags.suppressed {
            self.findings.add(flags.severity);
            self.kev += u64::from(flags.kev);
            self.fixable += u64::from(flags.fixable);
        }
    }
}

impl Plan {
    /// How many events of this kind there are.
    pub(crate) fn count(&self, transition: Transition) -> u64 {
        self.events.iter().filter(|event| event.transition == transition).count() as u64
    }
}

/// Fingerprints whose stored bodies [`plan`] needs: of findings that changed, and of open ones that the scan did not see.
pub(crate) fn bodies_needed(stored: &Stored, seen: &[Prepared<'_>]) -> Vec<String> {
    let changed = seen.iter().filter(|finding| {
        stored.get(&finding.fingerprint).is_some_and(|existing| existing.digest != finding.digest)
    });
    let mut needed: Vec<String> = changed.map(|finding| finding.fingerprint.clone()).collect();
    let seen: HashSet<&str> = seen.iter().map(|finding| finding.fingerprint.as_str()).collect();
    let unseen = stored.iter().filter(|(fingerprint, existing)| {
        existing.state == FindingState::Open && !seen.contains(fingerprint.as_str())
    });
    needed.extend(unseen.map(|(fingerprint, _)| fingerprint.clone()));
    needed
}

/// Decides for every stored and every seen finding.
pub(crate) fn plan(
    stored: &Stored,
    bodies: &HashMap<String, Finding>,
    seen: &[Prepared<'_>],
    coverage: &Coverage,
) -> Plan {
    let mut plan = Plan::default();
    let mut seen_now = HashSet::with_capacity(seen.len());
    for (index, finding) in seen.iter().enumerate() {
        seen_now.insert(finding.fingerprint.as_str());
        let known = stored.get(&finding.fingerprint);
        let aside = known.is_some_and(|known| known.aside);
        plan.totals.add(Flags { suppressed: finding.flags.suppressed || aside, ..finding.flags });
        plan.see(index, finding, known, bodies.get(&finding.fingerprint));
    }
    let mut unseen: Vec<_> = stored
        .iter()
        .filter(|(fingerprint, existing)| {
            existing.state == FindingState::Open && !seen_now.contains(fingerprint.as_str())
        })
        .collect();
    // The order of a hash map is nobody's business: rows are locked and written in one order.
    unseen.sort_by_key(|(fingerprint, _)| fingerprint.as_str());
    for (fingerprint, existing) in unseen {
        if bodies.get(fingerprint).is_some_and(|body| could_hide(coverage, body)) {
            plan.hidden += 1;
            plan.totals.add(existing.flags);
        } else {
            plan.fixed.push(fingerprint.clone());
            plan.record(fingerprint, Transition::Fixed, FIXED_NOTE.to_owned());
        }
    }
    plan
}

const FIXED_NOTE: &str = "No longer found, by a scan that looked where it was.";

impl Plan {
    fn see(
        &mut self,
        index: usize,
        finding: &Prepared<'_>,
        stored: Option<&Existing>,
        body: Option<&Finding>,
    ) {
        let fingerprint = &finding.fingerprint;
        let Some(stored) = stored else {
            self.written.push(index);
            self.record(fingerprint, Transition::Opened, opened_note(finding.finding));
            return;
        };
        let changes = body.map(|body| differences(body, finding.finding)).unwrap_or_default();
        if stored.state == FindingState::Fixed {
            self.written.push(index);
            self.record(fingerprint, Transition::Reopened, reopened_note(stored.fixed_at, &changes));
        } else if stored.digest == finding.digest {
            self.touched.push(fingerprint.clone());
        } else {
            self.written.push(index);
            if !changes.is_empty() {
                self.record(fingerprint, Transition::Changed, sentence(&changes));
            }
        }
    }

    fn record(&mut self, fingerprint: &str, transition: Transition, note: String) {
        self.events.push(Event { fingerprint: fingerprint.to_owned(), transition, note });
    }
}

fn opened_note(finding: &Finding) -> String {
    format!("Found for the first time: severity {}, {}.", finding.severity, describe_fix(&finding.fix))
}

fn reopened_note(fixed_at: Option<Timestamp>, changes: &[String]) -> String {
    let fixed =
        fixed_at.map(|at| format!(" It was fixed on {}.", at.strftime("%Y-%m-%d"))).unwrap_or_default();
    let changed = if changes.is_empty() { String::new() } else { format!(" {}", sentence(changes)) };
    format!("Found again.{fixed}{changed}")
}

/// What changed that people act upon, each as a clause. Anything else (a description, a probability, a link) is kept
/// without a word.
fn differences(old: &Finding, new: &Finding) -> Vec<String> {
    let mut changes = Vec::new();
    if old.severity != new.severity {
        changes.push(format!("severity changed from {} to {}", old.severity, new.severity));
    }
    if old.fix != new.fix {
        changes.push(format!("fix changed from {} to {}", describe_fix(&old.fix), describe_fix(&new.fix)));
    }
    match (&old.kev, &new.kev) {
        (None, Some(kev)) => changes.push(format!("known to be exploited since {}", kev.added)),
        (Some(_), None) => changes.push("no longer listed as known to be exploited".to_owned()),
        (Some(old), Some(new)) if old != new => {
            changes.push("the record of its exploitation changed".to_owned())
        }
        _ => {}
    }
    match (&old.suppressed, &new.suppressed) {
        (None, Some(now)) => changes.push(format!("suppressed ({})", now.code)),
        (Some(then), None) => changes.push(format!("no longer suppressed ({})", then.code)),
        (Some(then), Some(now)) if then.code != now.code => {
            changes.push(format!("suppressed by {} instead of {}", now.code, then.code));
        }
        _ => {}
    }
    changes
}

/// Versions named in a note: one is what people look for, and a note is one line.
const VERSIONS_NAMED: usize = 3;

fn describe_fix(fix: &Fix) -> String {
    match fix.state {
        FixState::Fixed if fix.versions.is_empty() => "a fix exists".to_owned(),
        FixState::Fixed => {
            let named: Vec<&str> = fix.versions.iter().take(VERSIONS_NAMED).map(String::as_str).collect();
            format!("fixed in {}", named.join(", "))
        }
        FixState::NotFixed => "not fixed yet".to_owned(),
        FixState::WontFix => "will not be fixed".to_owned(),
        FixState::Deferred => "fix deferred".to_owned(),
        FixState::EndOfLife => "release no longer maintained".to_owned(),
        FixState::Unknown => "no fix known".to_owned(),
    }
}

/// `severity changed from low to high; known to be exploited since 2024-03-29` as a sentence.
fn sentence(changes: &[String]) -> String {
    let joined = changes.join("; ");
    let mut letters = joined.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

#[cfg(test)]
mod tests {
    use model::{Finding, Fix, FixState, Kev, Severity, Suppression};

    use super::{differences, opened_note, sentence};

    fn finding() -> Finding {
        serde_json::from_str(
            r#"{"key":"k","class":"secret","rule":"r","ids":["r"],"title":"t","severity":"low",
                "severity_source":"s","fix":{"state":"not-fixed"},"evidence":[]}"#,
        )
        .unwrap()
    }

    #[test]
    fn what_people_act_upon_is_told_in_one_sentence() {
        let old = finding();
        let mut new = old.clone();
        new.severity = Severity::Critical;
        new.fix = Fix { state: FixState::Fixed, versions: vec!["1.2".into()] };
        new.kev = Some(Kev { added: "2024-03-29".into(), due: None, ransomware: false });
        new.suppressed = Some(Suppression { code: "disputed".into(), reason: String::new() });
        assert_eq!(
            sentence(&differences(&old, &new)),
            "Severity changed from low to critical; fix changed from not fixed yet to fixed in 1.2; \
             known to be exploited since 2024-03-29; suppressed (disputed)."
        );
        assert_eq!(opened_note(&old), "Found for the first time: severity low, not fixed yet.");
    }

    #[test]
    fn other_changes_are_not_news() {
        let old = finding();
        let new = Finding { description: "reworded".into(), title: "also".into(), ..old.clone() };
        assert!(differences(&old, &new).is_empty());
    }
}
