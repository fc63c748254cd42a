//! The report as a tagged PDF.

use std::num::NonZeroU16;

use jiff::tz::TimeZone;
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, TableHeaderScope, Tag, TagGroup, TagTree,
};
use krilla::{Document, SerializeSettings};

use super::Report;
use super::block::visible;
use super::content::blocks;
use super::font::Faces;
use super::layout::{Edge, HEIGHT, Layout, Line, MARGIN, Part, WIDTH};
use crate::canonical::sha256;
use crate::error::EvidenceError;

/// Size of the line at the foot of a page.
const FOOT: f32 = 7.0;

/// The report as PDF, valid as PDF/UA-1 as far as a program can check: the writer refuses to write anything else.
///
/// # Errors
/// [`EvidenceError::Report`] where it cannot be written.
pub fn pdf(report: &Report<'_>) -> Result<Vec<u8>, EvidenceError> {
    let wrong = |why: String| EvidenceError::Report { why };
    let faces = Faces::new()?;
    let layout = Layout::of(&blocks(report), &faces);
    let configuration = ConfigurationBuilder::new().with_accessibility_validator(Accessibility::UA1).finish();
    let configuration = configuration.map_err(|error| wrong(format!("{error:?}")))?;
    let settings = SerializeSettings { configuration, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let mut tags: Vec<Option<Identifier>> = layout.lines.iter().map(|_| None).collect();
    for number in 0..layout.pages() {
        let size =
            PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| wrong("a page has no size".to_owned()))?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        for (place, line) in layout.lines.iter().enumerate().filter(|(_, line)| line.page == number) {
            let tag = draw(&mut surface, line, &faces);
            tags.get_mut(place).into_iter().for_each(|of_line| *of_line = tag);
        }
        for edge in layout.edges.iter().filter(|edge| edge.page == number) {
            underline(&mut surface, edge);
        }
        foot(&mut surface, report, number, layout.pages(), &faces);
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tree(&layout, &tags));
    document.set_outline(outline(&layout));
    document.set_metadata(metadata(report));
    document.finish().map_err(|error| wrong(format!("{error:?}").chars().take(500).collect()))
}

fn draw(surface: &mut Surface<'_>, line: &Line, faces: &Faces) -> Option<Identifier> {
    let tag = match line.repeated {
        true => ContentTag::Artifact(Artifact::with_kind(ArtifactType::PaginationOther)),
        false => ContentTag::Span(SpanTag::empty()),
    };
    let identifier = surface.start_tagged(tag);
    put(surface, line.x, line.y, line.size, line.bold, &line.text, faces);
    surface.end_tagged();
    (!line.repeated).then_some(identifier)
}

fn put(surface: &mut Surface<'_>, x: f32, y: f32, size: f32, bold: bool, text: &str, faces: &Faces) {
    let face = faces.of(bold);
    surface.draw_glyphs(Point::from_xy(x, y), &face.glyphs(text), face.font.clone(), text, size, false);
}

/// A thin bar over the whole width.
fn underline(surface: &mut Surface<'_>, edge: &Edge) {
    let mut path = PathBuilder::new();
    if let Some(bar) = Rect::from_xywh(MARGIN, edge.y, WIDTH - 2.0 * MARGIN, 0.4) {
        path.push_rect(bar);
    }
    if let Some(path) = path.finish() {
        surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
        surface.draw_path(&path);
        surface.end_tagged();
    }
}

fn foot(surface: &mut Surface<'_>, report: &Report<'_>, number: usize, pages: usize, faces: &Faces) {
    let text = format!("Evidence {}   ·   page {} of {pages}", report.head, number + 1);
    let text = faces.regular.shown(&text);
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Footer)));
    put(surface, MARGIN, HEIGHT - MARGIN / 2.0, FOOT, false, &text, faces);
    surface.end_tagged();
}

/// The structure: headings, paragraphs, tables with headings of columns and rows.
fn tree(layout: &Layout<'_>, tags: &[Option<Identifier>]) -> TagTree {
    let with = |mut group: TagGroup, lines: &[usize]| {
        for tag in lines.iter().filter_map(|line| tags.get(*line).copied().flatten()) {
            group.push(Node::from(tag));
        }
        group
    };
    let mut tree = TagTree::new().with_lang(Some("en".to_owned()));
    for part in &layout.parts {
        let group = match part {
            Part::Heading(level, text, lines) => {
                let level = NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN);
                with(TagGroup::new(Tag::Hn(level, Some(text.clone()))), lines)
            }
            Part::Paragraph(lines) => with(TagGroup::new(Tag::P), lines),
            Part::Table(caption, rows) => {
                let mut table = TagGroup::new(Tag::Table);
                table.push(with(TagGroup::new(Tag::Caption), caption));
                let mut body = TagGroup::new(Tag::TBody);
                for (number, row) in rows.iter().enumerate() {
                    let mut group = TagGroup::new(Tag::TR);
                    for (place, cell) in row.iter().enumerate() {
                        group.push(match (number, place) {
                            (0, _) => with(TagGroup::new(Tag::TH(TableHeaderScope::Column)), cell),
                            (_, 0) => with(TagGroup::new(Tag::TH(TableHeaderScope::Row)), cell),
                            _ => with(TagGroup::new(Tag::TD), cell),
                        });
                    }
                    if number == 0 {
                        let mut head = TagGroup::new(Tag::THead);
                        head.push(group);
                        table.push(head);
                    } else {
                        body.push(group);
                    }
                }
                table.push(body);
                table
            }
        };
        tree.push(group);
    }
    tree
}

fn outline(layout: &Layout<'_>) -> Outline {
    let mut outline = Outline::new();
    for part in &layout.parts {
        let Part::Heading(1 | 2, text, lines) = part else { continue };
        let first = lines.first().and_then(|line| layout.lines.get(*line));
        if let Some(line) = first {
            let place = Point::from_xy(line.x, (line.y - line.size).max(0.0));
            outline.push_child(OutlineNode::new(text.clone(), XyzDestination::new(line.page, place)));
        }
    }
    outline
}

fn metadata(report: &Report<'_>) -> Metadata {
    let assessment = report.judged.assessment;
    let time = assessment.time.to_zoned(TimeZone::UTC);
    let small = |number: i8| u8::try_from(number).unwrap_or_default();
    let date = DateTime::new(u16::try_from(time.year()).unwrap_or_default())
        .month(small(time.month()))
        .day(small(time.day()))
        .hour(small(time.hour()))
        .minute(small(time.minute()))
        .second(small(time.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title(format!("Compliance evidence: {}", visible(&assessment.scope)))
        .language("en".to_owned())
        .creator(visible(&assessment.collector.name))
        .creation_date(date)
        .document_id(sha256(format!("{}{}{}", report.head, assessment.scope, assessment.time).as_bytes()))
}
