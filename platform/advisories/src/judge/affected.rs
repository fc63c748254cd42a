//! Whether an installed version is affected by an entry, by the evaluation algorithm of the OSV schema, and the sentence that
//! says why.

use std::cmp::Ordering;

use crate::index::{Entry, EventKind};
use crate::osv::{Affected, Event};
use crate::version::Order;

/// How an installed version is compared with the versions of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Yardstick {
    pub(crate) order: Order,
    /// The installed version comes from a source rpm's name, which has no epoch: compare without.
    pub(crate) without_epoch: bool,
}

/// The verdict of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) affected: bool,
    /// Fixed version on the branch of the installed one.
    pub(crate) fix: Option<String>,
    /// The record says that a fix does not exist (an open range), not merely nothing.
    pub(crate) open: bool,
    /// What was compared and what came out, without the subject: "is below …".
    pub(crate) reason: String,
}

impl Yardstick {
    /// Compares the installed version with one of a record. Both are readable: the record's was checked when the index was
    /// built, the installed one by the caller.
    fn compare(self, installed: &str, other: &str) -> Ordering {
        let (installed, other) = match self.order {
            Order::Rpm if self.without_epoch => (strip_epoch(installed), strip_epoch(other)),
            // PEP 440: a local label is ignored unless the other side has one.
            Order::Pep440 if !other.contains('+') => {
                (installed.split('+').next().unwrap_or(installed), other)
            }
            _ => (installed, other),
        };
        self.order.compare(installed, other).unwrap_or(Ordering::Less)
    }

    fn at_or_above(self, installed: &str, border: &str) -> bool {
        // `0` means "from the start", whatever the order thinks of it.
        border == "0" || self.compare(installed, border).is_ge()
    }
}

fn strip_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

/// Brings an affected package into the form that the index keeps: ranges whose versions the order cannot read are dropped, events
/// are sorted, and listed versions that a range covers anyway are dropped. Nothing is left: nothing is returned.
pub(crate) fn normalise(order: Order, item: &Affected) -> Option<Affected> {
    let mut item = item.clone();
    item.ranges.retain(|range| {
        !range.is_empty()
            && range.iter().any(|event| matches!(event, Event::Introduced(_)))
            && range.iter().all(|event| readable(order, event))
    });
    for range in &mut item.ranges {
        range.sort_by(|a, b| compare_events(order, a, b));
    }
    let yardstick = Yardstick { order, without_epoch: false };
    let ranges: Vec<Vec<(EventKind, &str)>> =
        item.ranges.iter().map(|range| range.iter().map(parts).collect()).collect();
    let uncovered = |version: &&String| {
        order.check(version).is_err() || !ranges.iter().any(|range| within(yardstick, version, range))
    };
    let versions: Vec<String> = item.versions.iter().filter(uncovered).cloned().collect();
    item.versions = versions;
    (!item.ranges.is_empty() || !item.versions.is_empty()).then_some(item)
}

fn parts(event: &Event) -> (EventKind, &str) {
    match event {
        Event::Introduced(version) => (EventKind::Introduced, version),
        Event::Fixed(version) => (EventKind::Fixed, version),
        Event::LastAffected(version) => (EventKind::LastAffected, version),
        Event::Limit(version) => (EventKind::Limit, version),
    }
}

fn readable(order: Order, event: &Event) -> bool {
    let (kind, version) = parts(event);
    let special =
        (kind == EventKind::Introduced && version == "0") || (kind == EventKind::Limit && version == "*");
    special || order.check(version).is_ok()
}

fn compare_events(order: Order, a: &Event, b: &Event) -> Ordering {
    let key = |event: &Event| {
        let (kind, version) = parts(event);
        // From the start first, "no limit" last.
        match (kind, version) {
            (EventKind::Introduced, "0") => 0,
            (EventKind::Limit, "*") => 2,
            _ => 1,
        }
    };
    key(a).cmp(&key(b)).then_with(|| match key(a) {
        1 => order.compare(parts(a).1, parts(b).1).unwrap_or(Ordering::Equal),
        _ => Ordering::Equal,
    })
}

/// The module stream that an entry of a modular rpm belongs to. Errata name it in their summary, `nodejs:14 security update`, and
/// the version tells that the package is modular.
pub(crate) fn module_stream<'a>(item: &Affected, summary: &'a str) -> Option<&'a str> {
    if !item.ranges.iter().flatten().any(|event| modular(parts(event).1)) {
        return None;
    }
    summary.split_whitespace().find_map(|word| {
        let (name, stream) = word.split('/').next()?.split_once(':')?;
        let numbered = stream.starts_with(|c: char| c.is_ascii_digit());
        (name == item.name && numbered).then_some(stream)
    })
}

fn modular(version: &str) -> bool {
    version.contains(".module")
}

/// Judges an installed version by an entry.
pub(crate) fn judge(yardstick: Yardstick, installed: &str, entry: &Entry<'_>) -> Verdict {
    if yardstick.order == Order::Rpm
        && let Some(reason) = other_stream(installed, entry)
    {
        return Verdict { affected: false, fix: None, open: false, reason };
    }
    for range in &entry.ranges {
        if within(yardstick, installed, range) {
            return inside(yardstick, installed, range, entry);
        }
    }
    if entry.versions.iter().any(|version| {
        *version == installed
            || (yardstick.order.check(version).is_ok() && yardstick.compare(installed, version).is_eq())
    }) {
        let fix = nearest_fix(yardstick, installed, entry);
        let reason = "is listed among the affected versions".to_owned();
        return Verdict { affected: true, fix, open: false, reason };
    }
    Verdict { affected: false, fix: None, open: false, reason: outside(yardstick, installed, entry) }
}

/// Modular and plain builds, and builds of different streams, have version numbers that say nothing of each other.
fn other_stream(installed: &str, entry: &Entry<'_>) -> Option<String> {
    let entry_modular = entry.ranges.iter().flatten().any(|(_, version)| modular(version));
    if entry_modular != modular(installed)
        && entry.ranges.iter().flatten().any(|(_, version)| *version != "0")
    {
        let (this, that) = if entry_modular { ("a plain", "a module") } else { ("a module", "a plain") };
        return Some(format!("is {this} build and the record is about {that} build"));
    }
    let upstream = strip_epoch(installed);
    let same = entry.stream.is_empty()
        || upstream
            .strip_prefix(entry.stream)
            .is_some_and(|rest| rest.starts_with(['.', '-']) || rest.is_empty());
    (!same).then(|| format!("is not of the module stream {} that the record is about", entry.stream))
}

/// The algorithm of the OSV schema, over sorted events.
fn within(yardstick: Yardstick, installed: &str, range: &[(EventKind, &str)]) -> bool {
    let mut affected = false;
    let mut limited = false;
    let mut below_limit = false;
    for (kind, version) in range {
        match kind {
            EventKind::Introduced => affected |= yardstick.at_or_above(installed, version),
            EventKind::Fixed => affected &= yardstick.compare(installed, version).is_lt(),
            EventKind::LastAffected => affected &= yardstick.compare(installed, version).is_le(),
            EventKind::Limit => {
                limited = true;
                below_limit |= *version == "*" || yardstick.compare(installed, version).is_lt();
            }
        }
    }
    affected && (!limited || below_limit)
}

/// Says which borders enclose the version.
fn inside(yardstick: Yardstick, installed: &str, range: &[(EventKind, &str)], entry: &Entry<'_>) -> Verdict {
    let from = range
        .iter()
        .rfind(|(kind, version)| *kind == EventKind::Introduced && yardstick.at_or_above(installed, version))
        .map_or("0", |(_, version)| *version);
    let end = range.iter().find(|(kind, version)| match kind {
        EventKind::Fixed => yardstick.compare(installed, version).is_lt(),
        EventKind::LastAffected => yardstick.compare(installed, version).is_le(),
        EventKind::Introduced | EventKind::Limit => false,
    });
    let order = yardstick.order;
    let epoch = if yardstick.without_epoch { ", epochs aside" } else { "" };
    let start = if from == "0" { String::new() } else { format!("is at or above {from} and ") };
    match end {
        Some((EventKind::Fixed, fixed)) => Verdict {
            affected: true,
            fix: nearest_fix(yardstick, installed, entry),
            open: false,
            reason: format!("{start}is below the fixed version {fixed} by the {order} order{epoch}"),
        },
        Some((_, last)) => Verdict {
            affected: true,
            fix: nearest_fix(yardstick, installed, entry),
            open: false,
            reason: format!(
                "{start}is not above the last affected version {last} by the {order} order{epoch}"
            ),
        },
        None => {
            let start = if from == "0" { "of every version".to_owned() } else { format!("from {from} on") };
            let reason = format!(
                "is affected because the record speaks {start} and names no fix ({order} order{epoch})"
            );
            Verdict { affected: true, fix: None, open: true, reason }
        }
    }
}

/// The lowest fixed version above the installed one that the entry itself does not call affected.
fn nearest_fix(yardstick: Yardstick, installed: &str, entry: &Entry<'_>) -> Option<String> {
    let fixes = entry.ranges.iter().flatten().filter(|(kind, version)| {
        *kind == EventKind::Fixed
            && yardstick.compare(installed, version).is_lt()
            && !entry.ranges.iter().any(|range| within(yardstick, version, range))
    });
    let lowest = fixes.min_by(|a, b| yardstick.order.compare(a.1, b.1).unwrap_or(Ordering::Equal));
    lowest.map(|(_, version)| (*version).to_owned())
}

fn outside(yardstick: Yardstick, installed: &str, entry: &Entry<'_>) -> String {
    let order = yardstick.order;
    let fixed =
        entry.ranges.iter().flatten().rfind(|(kind, version)| {
            *kind == EventKind::Fixed && yardstick.compare(installed, version).is_ge()
        });
    match fixed {
        Some((_, "0")) => "is not affected: the record says that no version ever was".to_owned(),
        Some((_, version)) => format!("is not below the fixed version {version} by the {order} order"),
        None => format!("is in none of the affected ranges by the {order} order"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Yardstick, judge, module_stream, normalise};
    use crate::index::{Entry, EventKind};
    use crate::osv::{Affected, Event};
    use crate::version::Order;

    const SEMVER: Yardstick = Yardstick { order: Order::Semver, without_epoch: false };

    fn entry<'a>(ranges: &[&[(EventKind, &'a str)]], versions: &[&'a str]) -> Entry<'a> {
        Entry {
            record: 0,
            name: "p",
            word: "",
            stream: "",
            ratings: vec![],
            ranges: ranges.iter().map(|range| range.to_vec()).collect(),
            versions: versions.to_vec(),
        }
    }

    use EventKind::{Fixed, Introduced, LastAffected, Limit};

    #[test]
    fn borders_are_inclusive_and_exclusive_as_the_schema_says() {
        let branches = entry(
            &[&[(Introduced, "1.0.0"), (Fixed, "1.2.0"), (Introduced, "2.0.0"), (LastAffected, "2.3.0")]],
            &[],
        );
        for (version, affected, fix) in [
            ("0.9.0", false, None),
            ("1.0.0", true, Some("1.2.0")),
            ("1.2.0", false, None),
            ("2.0.0", true, None),
            ("2.3.0", true, None),
            ("2.3.1", false, None),
        ] {
            let verdict = judge(SEMVER, version, &branches);
            assert_eq!(
                (verdict.affected, verdict.fix.as_deref()),
                (affected, fix),
                "{version}: {}",
                verdict.reason
            );
        }
        let limited = entry(&[&[(Introduced, "0"), (Limit, "1.0.0")]], &[]);
        assert!(judge(SEMVER, "0.5.0", &limited).affected && !judge(SEMVER, "1.5.0", &limited).affected);
        let listed = entry(&[], &["3.0.0"]);
        assert!(judge(SEMVER, "v3.0.0+build", &listed).affected && !judge(SEMVER, "3.0.1", &listed).affected);
    }

    #[test]
    fn the_fix_is_the_lowest_on_the_branch_and_never_an_affected_one() {
        let overlapping =
            entry(&[&[(Introduced, "0"), (Fixed, "1.0.5")], &[(Introduced, "1.0.0"), (Fixed, "1.1.0")]], &[]);
        assert_eq!(judge(SEMVER, "1.0.2", &overlapping).fix.as_deref(), Some("1.1.0"));
    }

    #[test]
    fn zero_as_fix_means_never_affected() {
        let never = entry(&[&[(Introduced, "0"), (Fixed, "0")]], &[]);
        let apk = Yardstick { order: Order::Apk, without_epoch: false };
        let verdict = judge(apk, "1.2.3-r0", &never);
        assert!(!verdict.affected && verdict.reason.contains("no version ever was"));
    }

    #[test]
    fn epochs_count_unless_the_version_comes_from_a_source_rpm() {
        let fixed = entry(&[&[(Introduced, "0"), (Fixed, "4:5.32.1-481.el9")]], &[]);
        let rpm = |without_epoch| Yardstick { order: Order::Rpm, without_epoch };
        assert!(judge(rpm(false), "5.32.1-481.el9", &fixed).affected, "a missing epoch is zero");
        assert!(!judge(rpm(true), "5.32.1-481.el9", &fixed).affected, "perl-Errno of a patched perl");
        assert!(judge(rpm(true), "5.32.1-480.el9", &fixed).affected);
    }

    #[test]
    fn modules_and_streams_do_not_mix() {
        let bound = "1:14.21.1-1.module_el8.7.0+1";
        let mut module = entry(&[&[(Introduced, "0"), (Fixed, bound)]], &[]);
        module.stream = "14";
        let rpm = Yardstick { order: Order::Rpm, without_epoch: false };
        assert!(judge(rpm, "1:14.20.0-1.module_el8.7.0+1", &module).affected);
        assert!(!judge(rpm, "1:12.22.0-1.module_el8.5.0+1", &module).affected, "another stream");
        assert!(!judge(rpm, "1:10.0.0-1.el8", &module).affected, "a plain build");
        let item = Affected {
            name: "nodejs".into(),
            ranges: vec![vec![Event::Introduced("0".into()), Event::Fixed(bound.into())]],
            ..Affected::default()
        };
        assert_eq!(module_stream(&item, "Important: nodejs:14 security update"), Some("14"));
    }

    #[test]
    fn local_labels_of_python_are_ignored_for_borders_without_one() {
        let last = entry(&[&[(Introduced, "0"), (LastAffected, "2.0.0")]], &[]);
        let python = Yardstick { order: Order::Pep440, without_epoch: false };
        assert!(judge(python, "2.0.0+cu118", &last).affected);
    }

    #[test]
    fn contradictory_and_unsorted_events_end_in_a_verdict() {
        let item = Affected {
            ranges: vec![
                vec![Event::Fixed("2.0.0".into()), Event::Introduced("1.0.0".into())],
                vec![Event::Introduced("3.0.0".into()), Event::Fixed("1.0.0".into())],
                vec![Event::Introduced("(devel)".into())],
                vec![Event::Fixed("1.0.0".into())],
            ],
            versions: vec!["1.5.0".into(), "0.5.0".into()],
            ..Affected::default()
        };
        let normal = normalise(Order::Semver, &item).unwrap();
        assert_eq!(normal.ranges.len(), 2, "ranges that cannot be read or have no start are dropped");
        assert_eq!(normal.ranges[0][0], Event::Introduced("1.0.0".into()));
        assert_eq!(normal.versions, ["0.5.0"], "what a range covers need not be listed");
    }
}
