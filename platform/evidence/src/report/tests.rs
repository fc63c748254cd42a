//! Reports that people read.

use std::collections::BTreeMap;

use super::block::Block;
use super::content::blocks;
use super::font::Faces;
use super::layout::{HEIGHT, Layout, MARGIN, WIDTH};
use super::*;
use crate::assessment::{Assessment, Control, Status};
use crate::chain::genesis;
use crate::exception::Exceptions;
use crate::fixture::{assessment, at, exception};
use crate::judged::judge;
use crate::trend::{Point, trend};

/// Gives the report of an assessment, with an earlier one before it and an exception that has expired.
fn with<T>(assessment: &Assessment, take: impl Fn(&Report<'_>) -> T) -> T {
    let mut old = exception("e0");
    old.expires_at = Some(at("2026-02-01T00:00:00Z"));
    let exceptions = Exceptions::new(vec![exception("e1"), old]).unwrap();
    let judged = judge(assessment, &exceptions).unwrap();
    let mut points = Point::of(&judged);
    let mut earlier = points.clone();
    for point in &mut earlier {
        point.time = at("2026-05-01T00:00:00Z");
        point.controls.values_mut().for_each(|status| *status = Status::Met);
    }
    points.extend(earlier);
    take(&Report { judged: &judged, trend: &trend(&points), head: &genesis() })
}

#[test]
fn the_page_says_what_was_seen_and_what_was_not() {
    let page = with(&assessment(), html);
    for words in [
        "Score 50 of 100 over 3 of 5 controls: 1 met, 1 partly met, 1 not met. 1 are for people to judge, and of 1 nothing was seen",
        "Score = 100 × (met + partly met ÷ 2) ÷ (met + partly met + not met), rounded down.",
        "<th scope=\"row\">AC-3</th><td>partly met</td>",
        "<td>2</td><td>0</td><td>1</td><td>1</td>",
        "expired on 2026-02-01T00:00:00Z, counts no more",
        "in force until 2026-12-31T00:00:00Z",
        "networking.k8s.io/NetworkPolicy",
        &genesis(),
        "<th scope=\"row\">2026-06-01T12:00:00Z</th><td>AC-3</td><td>met</td><td>partly met</td>",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
}

#[test]
fn the_page_runs_nothing_and_fetches_nothing_whatever_strangers_say() {
    let mut hostile = assessment();
    hostile.scope = "</title><script>alert(1)</script>\u{202e}\"'".to_owned();
    hostile.frameworks[0].framework.name = "<img src=x onerror=alert(1)>".to_owned();
    hostile.inputs[0].description = "</td></table><a href=\"https://example.org\">x</a>".to_owned();
    let page = with(&hostile, html);
    for bad in [
        "<script",
        "<img",
        "<link",
        "href=\"http",
        "src=\"",
        "url(",
        "@import",
        "\u{202e}",
        "onerror=alert(1)>",
    ] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(page.contains("\\u{202e}"));
    // Every element that is opened is closed, in order.
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(2).filter_map(|rest| rest.split('>').next()) {
        match tag.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed)),
            None => {
                let name = tag.split(' ').next().unwrap();
                if name != "meta" {
                    open.push(name);
                }
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn every_row_has_a_cell_for_every_column() {
    let mut assessment = assessment();
    assessment.gaps[0].reason = String::new();
    with(&assessment, |report| {
        let mut tables = 0;
        for block in blocks(report) {
            if let Block::Table(table) = block {
                tables += 1;
                for row in &table.rows {
                    assert_eq!(row.len(), table.columns.len(), "{}", table.caption);
                    assert!(row.iter().all(|cell| !cell.trim().is_empty()), "{}", table.caption);
                }
            }
        }
        assert_eq!(tables, 8);
    });
}

#[test]
fn both_reports_are_the_same_every_time() {
    assert_eq!(with(&assessment(), html), with(&assessment(), html));
    let bytes = with(&assessment(), |report| pdf(report).unwrap());
    assert_eq!(bytes, with(&assessment(), |report| pdf(report).unwrap()));
    assert!(bytes.starts_with(b"%PDF-1.7"));
    let text = String::from_utf8_lossy(&bytes);
    for mark in ["/StructTreeRoot", "/Marked true", "<pdfuaid:part>1</pdfuaid:part>", "/Lang"] {
        assert!(text.contains(mark), "{mark}");
    }
    assert!(bytes.len() < 150_000, "{} bytes", bytes.len());
}

#[test]
fn paper_takes_any_text_on_any_number_of_pages() {
    let mut long = assessment();
    let words =
        "Überwachung, Ελληνικά, русский, 漢字, עברית, \u{1f600}, \u{0}, \u{202e}, averyveryverylongword"
            .repeat(80);
    long.frameworks[0].controls = (0..300)
        .map(|number| Control {
            control: format!("A{number}"),
            status: [Status::Met, Status::NotMet, Status::Manual][number % 3],
            rationale: if number == 7 { words.clone() } else { format!("{number} 漢") },
            rules: Vec::new(),
        })
        .collect();
    long.scope = "漢字\u{0}".to_owned();
    with(&long, |report| {
        assert!(pdf(report).is_ok());
        let faces = Faces::new().unwrap();
        let layout = Layout::of(&blocks(report), &faces);
        assert!(layout.pages() > 5);
        let texts: String = layout.lines.iter().map(|line| line.text.as_str()).collect();
        assert!(texts.contains("\\u{6f22}") && texts.contains("\\u{202e}") && texts.contains("русский"));
        let mut repeated = 0;
        for line in &layout.lines {
            let width: f32 =
                line.text.trim_end().chars().map(|letter| faces.of(line.bold).width(letter)).sum();
            assert!(line.x + width * line.size <= WIDTH - MARGIN + 0.1, "{}", line.text);
            assert!(line.y <= HEIGHT - MARGIN + 0.1 && line.page < layout.pages(), "{}", line.text);
            repeated += usize::from(line.repeated);
        }
        assert!(repeated > 0, "tables over several pages repeat the headings of their columns");
    });
}

#[test]
fn an_assessment_of_nothing_has_a_report() {
    let mut nothing = assessment();
    nothing.inputs.clear();
    nothing.rules.clear();
    nothing.observations.clear();
    nothing.frameworks.clear();
    nothing.gaps.clear();
    let none = Exceptions::default();
    let judged = judge(&nothing, &none).unwrap();
    let report = Report { judged: &judged, trend: &BTreeMap::new(), head: &genesis() };
    assert!(html(&report).contains("Everything that belongs to the scope was looked at."));
    assert!(pdf(&report).is_ok());
}
