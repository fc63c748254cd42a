//! What one scan means for the findings of its asset. Pure: what was stored and what was seen go in, what to write comes
//! out, so that the rules can be read and tested without a database.
//!
//! | stored | seen by this scan | not seen |
//! |---|---|---|
//! | nothing | opened | |
//! | open | touched; changed, if severity, fix, exploitation or suppression did | fixed, unless a gap could hide it or somebody else sees it |
//! | fixed | reopened | nothing |
//!
//! Our own scans and reports of other tools may find the same. Each says only that it does not find it any more; it is fixed when nobody
//! does. Where they differ, what our own scan says is kept, else what the report says whose name comes first.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use model::{Coverage, Finding, FindingState, Fix, FixState, Transition};

use crate::SeverityCounts;
use crate::gaps::could_hide;
use crate::prepare::{Flags, Prepared};

/// The name of our own scans among those who find something.
pub const OWN: &str = "palisade";

/// Who finds a finding: [`OWN`], names of imports.
pub(crate) type FoundBy = BTreeSet<String>;

/// Whose word on severity and everything else is kept.
fn leads(by: &str, found_by: &FoundBy) -> bool {
    by == OWN || (!found_by.contains(OWN) && found_by.first().is_none_or(|first| by <= first.as_str()))
}

/// Who looked, and what was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    /// [`OWN`], or the name of an import.
    pub(crate) by: &'a str,
    /// What was seen.
    pub(crate) covers: Covers<'a>,
}

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Covers<'a> {
    /// What a scan says of itself.
    Scan(&'a Coverage),
    /// A report of another tool.
    Report {
        /// What is not in it is not there. Otherwise nobody knows of any finding.
        whole: bool,
        /// Places that the tool could not read.
        unseen: &'a [String],
    },
}

impl<'a> Look<'a> {
    /// Of a scan of our own.
    pub(crate) fn own(coverage: &'a Coverage) -> Self {
        Self { by: OWN, covers: Covers::Scan(coverage) }
    }

    fn could_hide(&self, body: Option<&Finding>) -> bool {
        match self.covers {
            Covers::Scan(coverage) => body.is_some_and(|body| could_hide(coverage, body)),
            Covers::Report { whole, unseen } => {
                let is_at = |body: &Finding| body.evidence.iter().any(|place| unseen.contains(&place.path));
                !whole || body.is_some_and(is_at)
            }
        }
    }
}

/// A stored finding of the asset.
#[derive(Debug, Clone)]
pub(crate) struct Existing {
    pub(crate) state: FindingState,
    pub(crate) flags: Flags,
    pub(crate) digest: Vec<u8>,
    pub(crate) fixed_at: Option<Timestamp>,
    /// Whether somebody has set it aside, so that it does not count whoever sees it.
    pub(crate) aside: bool,
    pub(crate) found_by: FoundBy,
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
    /// Places in the list of seen findings whose whole rows are written, with who finds them then.
    pub(crate) written: Vec<(usize, FoundBy)>,
    /// Open findings seen unchanged.
    pub(crate) touched: Vec<String>,
    /// Open findings that one more finds, by who finds them then.
    pub(crate) joined: BTreeMap<FoundBy, Vec<String>>,
    /// Open findings that one does not find any more but others do, by who finds them then.
    pub(crate) left: BTreeMap<FoundBy, Vec<String>>,
    /// Open findings that are gone.
    pub(crate) fixed: Vec<String>,
    pub(crate) events: Vec<Event>,
    /// Open findings that were not seen and stay open.
    pub(crate) hidden: u64,
    /// How many are in `left`.
    pub(crate) elsewhere: u64,
    /// Findings of the report.
    seen: u64,
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

    /// Findings that are as they were.
    pub(crate) fn unchanged(&self) -> u64 {
        let news = [Transition::Opened, Transition::Reopened, Transition::Changed];
        self.seen.saturating_sub(news.into_iter().map(|transition| self.count(transition)).sum())
    }
}

/// Fingerprints whose stored bodies [`plan`] needs: of findings that changed, and of open ones that the scan did not see.
pub(crate) fn bodies_needed(stored: &Stored, seen: &[Prepared<'_>], look: &Look<'_>) -> Vec<String> {
    let changed = seen.iter().filter(|finding| {
        stored.get(&finding.fingerprint).is_some_and(|existing| existing.digest != finding.digest)
    });
    let mut needed: Vec<String> = changed.map(|finding| finding.fingerprint.clone()).collect();
    let seen: HashSet<&str> = seen.iter().map(|finding| finding.fingerprint.as_str()).collect();
    let unseen = stored.iter().filter(|(fingerprint, existing)| {
        existing.state == FindingState::Open
            && existing.found_by.contains(look.by)
            && !seen.contains(fingerprint.as_str())
    });
    needed.extend(unseen.map(|(fingerprint, _)| fingerprint.clone()));
    needed
}

/// Decides for every stored and every seen finding.
pub(crate) fn plan(
    stored: &Stored,
    bodies: &HashMap<String, Finding>,
    seen: &[Prepared<'_>],
    look: &Look<'_>,
) -> Plan {
    let mut plan = Plan { seen: seen.len() as u64, ..Plan::default() };
    let mut seen_now = HashSet::with_capacity(seen.len());
    for (index, finding) in seen.iter().enumerate() {
        seen_now.insert(finding.fingerprint.as_str());
        let known = stored.get(&finding.fingerprint);
        plan.see(index, finding, known, bodies.get(&finding.fingerprint), look.by);
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
        plan.miss(fingerprint, existing, bodies.get(fingerprint), look);
    }
    plan
}

impl Plan {
    fn see(
        &mut self,
        index: usize,
        finding: &Prepared<'_>,
        stored: Option<&Existing>,
        body: Option<&Finding>,
        by: &str,
    ) {
        let fingerprint = &finding.fingerprint;
        let alone = || FoundBy::from([by.to_owned()]);
        let Some(stored) = stored else {
            self.totals.add(finding.flags);
            self.written.push((index, alone()));
            self.record(fingerprint, Transition::Opened, opened_note(finding.finding, by));
            return;
        };
        let counted = Flags { suppressed: finding.flags.suppressed || stored.aside, ..finding.flags };
        let changes = body.map(|body| differences(body, finding.finding)).unwrap_or_default();
        if stored.state == FindingState::Fixed {
            self.totals.add(counted);
            self.written.push((index, alone()));
            self.record(fingerprint, Transition::Reopened, reopened_note(stored.fixed_at, &changes, by));
            return;
        }
        let mut found_by = stored.found_by.clone();
        let joins = found_by.insert(by.to_owned());
        if !leads(by, &found_by) || stored.digest == finding.digest {
            self.totals.add(stored.flags);
            let list = if joins { self.joined.entry(found_by).or_default() } else { &mut self.touched };
            list.push(fingerprint.clone());
            return;
        }
        self.totals.add(counted);
        self.written.push((index, found_by));
        if !changes.is_empty() {
            self.record(fingerprint, Transition::Changed, sentence(&changes));
        }
    }

    /// An open finding was not seen.
    fn miss(&mut self, fingerprint: &str, stored: &Existing, body: Option<&Finding>, look: &Look<'_>) {
        let by_it = stored.found_by.contains(look.by);
        let hidden = by_it && look.could_hide(body);
        let elsewhere = by_it && !hidden && stored.found_by.len() > 1;
        if by_it && !hidden && !elsewhere {
            self.fixed.push(fingerprint.to_owned());
            self.record(fingerprint, Transition::Fixed, fixed_note(look.by));
            return;
        }
        self.totals.add(stored.flags);
        self.hidden += u64::from(hidden);
        if elsewhere {
            self.elsewhere += 1;
            let mut found_by = stored.found_by.clone();
            found_by.remove(look.by);
            self.left.entry(found_by).or_default().push(fingerprint.to_owned());
        }
    }

    fn record(&mut self, fingerprint: &str, transition: Transition, note: String) {
        self.events.push(Event { fingerprint: fingerprint.to_owned(), transition, note });
    }
}

fn fixed_note(by: &str) -> String {
    if by == OWN {
        "No longer found, by a scan that looked where it was.".to_owned()
    } else {
        format!("No longer in the reports of {by}.")
    }
}

/// ` by trivy`, of a finding of an import.
fn of(by: &str) -> String {
    if by == OWN { String::new() } else { format!(" by {by}") }
}

fn opened_note(finding: &Finding, by: &str) -> String {
    let (severity, fix) = (finding.severity, describe_fix(&finding.fix));
    format!("Found for the first time{}: severity {severity}, {fix}.", of(by))
}

fn reopened_note(fixed_at: Option<Timestamp>, changes: &[String], by: &str) -> String {
    let fixed =
        fixed_at.map(|at| format!(" It was fixed on {}.", at.strftime("%Y-%m-%d"))).unwrap_or_default();
    let changed = if changes.is_empty() { String::new() } else { format!(" {}", sentence(changes)) };
    format!("Found again{}.{fixed}{changed}", of(by))
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

    use super::{OWN, differences, opened_note, sentence};

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
        assert_eq!(opened_note(&old, OWN), "Found for the first time: severity low, not fixed yet.");
    }

    #[test]
    fn other_changes_are_not_news() {
        let old = finding();
        let new = Finding { description: "reworded".into(), title: "also".into(), ..old.clone() };
        assert!(differences(&old, &new).is_empty());
    }
}
