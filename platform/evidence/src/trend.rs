//! How a framework went over time, from assessments that were kept.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::assessment::Status;
use crate::judged::{Judged, Summary};

/// One framework in one assessment: what has to be kept of it for a trend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// When it was assessed.
    pub time: Timestamp,
    /// The platform's id of the framework.
    pub framework: String,
    /// Counts and score.
    pub summary: Summary,
    /// Where each control stood.
    pub controls: BTreeMap<String, Status>,
}

impl Point {
    /// One for each framework of an assessment.
    #[must_use]
    pub fn of(judged: &Judged<'_>) -> Vec<Self> {
        let point = |framework: &crate::judged::JudgedFramework<'_>| Self {
            time: judged.assessment.time,
            framework: framework.framework.id.clone(),
            summary: framework.summary,
            controls: (framework.controls.iter())
                .map(|control| (control.control.control.clone(), control.control.status))
                .collect(),
        };
        judged.frameworks.iter().map(point).collect()
    }
}

/// How one framework went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trend {
    /// Its assessments, the oldest first.
    pub points: Vec<(Timestamp, Summary)>,
    /// Every change of a control, the oldest first, those of one assessment by control.
    pub changes: Vec<Change>,
    /// The controls of the last assessment, and since when they stand there.
    pub since: BTreeMap<String, Since>,
}

/// A control that stands elsewhere than in the assessment before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The assessment that shows it.
    pub time: Timestamp,
    /// The framework's id of the control.
    pub control: String,
    /// Before; nothing where the catalogue did not have the control.
    pub from: Option<Status>,
    /// Now; nothing where the catalogue has it no more.
    pub to: Option<Status>,
}

/// How long a control stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Since {
    /// Where it stands.
    pub status: Status,
    /// The first assessment of the unbroken run with this status.
    pub since: Timestamp,
    /// For a control not met or partly met: the first assessment of the unbroken run in which it was one of these two.
    pub open_since: Option<Timestamp>,
}

/// The trend of every framework, by its id. The order of points does not matter; of two of the same time and framework the last one counts.
#[must_use]
pub fn trend(points: &[Point]) -> BTreeMap<String, Trend> {
    let mut frameworks: BTreeMap<&str, BTreeMap<Timestamp, &Point>> = BTreeMap::new();
    for point in points {
        frameworks.entry(&point.framework).or_default().insert(point.time, point);
    }
    frameworks.into_iter().map(|(framework, points)| (framework.to_owned(), of_framework(&points))).collect()
}

fn of_framework(points: &BTreeMap<Timestamp, &Point>) -> Trend {
    let none = BTreeMap::new();
    let mut before: Option<&Point> = None;
    let mut changes = Vec::new();
    let mut since: BTreeMap<String, Since> = BTreeMap::new();
    for point in points.values() {
        let old = before.map_or(&none, |point| &point.controls);
        // The first assessment is where a trend begins and changes nothing.
        if before.is_some() {
            let all: BTreeSet<&String> = old.keys().chain(point.controls.keys()).collect();
            let moved = all.into_iter().filter(|control| old.get(*control) != point.controls.get(*control));
            changes.extend(moved.map(|control| Change {
                time: point.time,
                control: control.clone(),
                from: old.get(control).copied(),
                to: point.controls.get(control).copied(),
            }));
        }
        since = next_since(&since, point);
        before = Some(*point);
    }
    let points = points.values().map(|point| (point.time, point.summary)).collect();
    Trend { points, changes, since }
}

fn next_since(old: &BTreeMap<String, Since>, point: &Point) -> BTreeMap<String, Since> {
    let next = |(control, status): (&String, &Status)| {
        let before = old.get(control);
        let since = before.filter(|old| old.status == *status).map_or(point.time, |old| old.since);
        let open_since = status.open().then(|| before.and_then(|old| old.open_since).unwrap_or(point.time));
        (control.clone(), Since { status: *status, since, open_since })
    };
    point.controls.iter().map(next).collect()
}

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// A day in UTC.
    Day,
    /// From Monday to Sunday, in UTC.
    Week,
    /// A month of the calendar, in UTC.
    Month,
}

/// The assessments of one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// Its first day.
    pub from: Date,
    /// How many assessments there were; periods without any are left out.
    pub assessments: u32,
    /// Score of the last assessment that had one.
    pub last: Option<u32>,
    /// The lowest score.
    pub lowest: Option<u32>,
    /// The highest score.
    pub highest: Option<u32>,
}

/// The points of a trend, period by period.
#[must_use]
pub fn periods(trend: &Trend, span: Span) -> Vec<Bucket> {
    let mut buckets: BTreeMap<Date, Bucket> = BTreeMap::new();
    for (time, summary) in &trend.points {
        let from = first_day(*time, span);
        let empty = Bucket { from, assessments: 0, last: None, lowest: None, highest: None };
        let bucket = buckets.entry(from).or_insert(empty);
        bucket.assessments += 1;
        if let Some(score) = summary.score {
            bucket.last = Some(score);
            bucket.lowest = Some(bucket.lowest.map_or(score, |lowest| lowest.min(score)));
            bucket.highest = Some(bucket.highest.map_or(score, |highest| highest.max(score)));
        }
    }
    buckets.into_values().collect()
}

fn first_day(time: Timestamp, span: Span) -> Date {
    let day = time.to_zoned(TimeZone::UTC).date();
    match span {
        Span::Day => day,
        Span::Week => {
            let back = i64::from(day.weekday().to_monday_zero_offset());
            day.saturating_sub(jiff::Span::new().days(back))
        }
        Span::Month => day.first_of_month(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::at;

    fn point(time: &str, controls: &[(&str, Status)]) -> Point {
        Point {
            time: at(time),
            framework: "f".to_owned(),
            summary: Summary::of(controls.iter().map(|(_, status)| (*status, false))),
            controls: controls.iter().map(|(control, status)| ((*control).to_owned(), *status)).collect(),
        }
    }

    fn points() -> Vec<Point> {
        use Status::{Met, NotMet, Partly};
        vec![
            point("2026-01-05T00:00:00Z", &[("a", NotMet), ("b", Met), ("c", Met)]),
            point("2026-01-11T23:00:00Z", &[("a", Partly), ("b", Met), ("c", NotMet)]),
            point("2026-01-12T00:00:00Z", &[("a", Partly), ("b", Met), ("d", Met)]),
            point("2026-02-01T00:00:00Z", &[("a", Partly), ("b", NotMet), ("d", Met)]),
        ]
    }

    #[test]
    fn changes_are_told_and_how_long_a_control_stands() {
        use Status::{Met, NotMet, Partly};
        let mut shuffled = points();
        shuffled.reverse();
        let all = trend(&shuffled);
        assert_eq!(all, trend(&points()));
        let trend = &all["f"];
        let changes: Vec<_> =
            trend.changes.iter().map(|c| (c.time.to_string(), c.control.as_str(), c.from, c.to)).collect();
        let change = |time: &str, control, from, to| (format!("2026-{time}:00:00Z"), control, from, to);
        assert_eq!(
            changes,
            [
                change("01-11T23", "a", Some(NotMet), Some(Partly)),
                change("01-11T23", "c", Some(Met), Some(NotMet)),
                change("01-12T00", "c", Some(NotMet), None),
                change("01-12T00", "d", None, Some(Met)),
                change("02-01T00", "b", Some(Met), Some(NotMet)),
            ]
        );
        let a = trend.since["a"];
        assert_eq!((a.status, a.since), (Partly, at("2026-01-11T23:00:00Z")));
        assert_eq!(a.open_since, Some(at("2026-01-05T00:00:00Z")), "it was open all the time");
        let b = trend.since["b"];
        assert_eq!((b.since, b.open_since), (at("2026-02-01T00:00:00Z"), Some(at("2026-02-01T00:00:00Z"))));
        assert_eq!(trend.since["d"].open_since, None);
        assert!(!trend.since.contains_key("c"));
    }

    #[test]
    fn periods_are_those_of_the_calendar_in_utc() {
        let all = trend(&points());
        type Row = (String, u32, Option<u32>, Option<u32>, Option<u32>);
        let of = |span| -> Vec<Row> {
            let buckets = periods(&all["f"], span);
            buckets.iter().map(|b| (b.from.to_string(), b.assessments, b.last, b.lowest, b.highest)).collect()
        };
        let bucket = |from: &str, count, last, lowest, highest| {
            (format!("2026-{from}"), count, Some(last), Some(lowest), Some(highest))
        };
        assert_eq!(of(Span::Month), [bucket("01-01", 3, 83, 50, 83), bucket("02-01", 1, 50, 50, 50)]);
        assert_eq!(
            of(Span::Week),
            [bucket("01-05", 2, 50, 50, 66), bucket("01-12", 1, 83, 83, 83), bucket("01-26", 1, 50, 50, 50)]
        );
        assert_eq!(of(Span::Day).len(), 4);
    }
}
