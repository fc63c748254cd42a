//! Where each line of the report stands on paper, and what it belongs to.

use super::block::{Block, Table};
use super::font::Faces;

/// A4, in points.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
pub(super) const MARGIN: f32 = 48.0;

const BODY: f32 = 9.5;
const CELL: f32 = 7.5;
/// From one line to the next, in parts of the size.
const LEADING: f32 = 1.35;
/// Between the text of a cell and its edge.
const INSET: f32 = 3.0;

/// A line of text.
pub(super) struct Line {
    pub(super) page: usize,
    pub(super) x: f32,
    /// The baseline.
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) text: String,
    /// Repeated for the eye: headings of columns on later pages.
    pub(super) repeated: bool,
}

/// A thin line between rows.
pub(super) struct Edge {
    pub(super) page: usize,
    pub(super) y: f32,
}

/// What lines belong to, in reading order.
pub(super) enum Part {
    /// A heading: level, text, lines.
    Heading(u16, String, Vec<usize>),
    /// A paragraph.
    Paragraph(Vec<usize>),
    /// A table: lines of the caption, then rows of cells, the first row being that of the headings.
    Table(Vec<usize>, Vec<Vec<Vec<usize>>>),
}

/// A report laid out.
pub(super) struct Layout<'a> {
    faces: &'a Faces,
    pub(super) lines: Vec<Line>,
    pub(super) edges: Vec<Edge>,
    pub(super) parts: Vec<Part>,
    page: usize,
    y: f32,
}

impl<'a> Layout<'a> {
    pub(super) fn of(blocks: &[Block], faces: &'a Faces) -> Self {
        let (lines, edges, parts) = (Vec::new(), Vec::new(), Vec::new());
        let mut layout = Self { faces, lines, edges, parts, page: 0, y: MARGIN };
        for block in blocks {
            match block {
                Block::Heading(level, text) => layout.heading(*level, text),
                Block::Paragraph(text) => {
                    let lines = layout.text(text, BODY, false);
                    layout.y += BODY * 0.6;
                    layout.parts.push(Part::Paragraph(lines));
                }
                Block::Table(table) => layout.table(table),
            }
        }
        layout
    }

    pub(super) fn pages(&self) -> usize {
        self.page + 1
    }

    fn heading(&mut self, level: u16, text: &str) {
        let size = match level {
            1 => 20.0,
            2 => 14.0,
            _ => 11.0,
        };
        // A heading stays with what follows it.
        self.space(size * LEADING + 6.0 * BODY);
        self.y += if self.y > MARGIN { size * 0.8 } else { 0.0 };
        let lines = self.text(text, size, true);
        self.y += size * 0.3;
        self.parts.push(Part::Heading(level, self.faces.bold.shown(text), lines));
    }

    /// Goes on to the next page where there is less space than this, and says whether it did.
    fn space(&mut self, height: f32) -> bool {
        let full = self.y + height > HEIGHT - MARGIN;
        if full {
            self.page += 1;
            self.y = MARGIN;
        }
        full
    }

    /// Text over the whole width.
    fn text(&mut self, text: &str, size: f32, bold: bool) -> Vec<usize> {
        let face = self.faces.of(bold);
        let wrapped = face.wrapped(&face.shown(text), (WIDTH - 2.0 * MARGIN) / size);
        let place = |text| {
            self.space(size * LEADING);
            self.line(text, MARGIN, size, bold, false, size * LEADING)
        };
        wrapped.into_iter().map(place).collect()
    }

    fn line(&mut self, text: String, x: f32, size: f32, bold: bool, repeated: bool, down: f32) -> usize {
        let y = self.y + size;
        self.lines.push(Line { page: self.page, x, y, size, bold, text, repeated });
        self.y += down;
        self.lines.len() - 1
    }

    fn table(&mut self, table: &Table) {
        self.space(8.0 * CELL * LEADING);
        let caption = self.text(&table.caption, BODY, true);
        self.y += INSET;
        let columns = columns(table);
        let headings: Vec<String> = table.columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
        let mut rows = vec![self.row(&headings, &columns, None)];
        for row in &table.rows {
            rows.push(self.row(row, &columns, Some(&headings)));
        }
        self.y += BODY;
        self.parts.push(Part::Table(caption, rows));
    }

    /// A row, line by line, on as many pages as it takes. `headings` are repeated on each; without them the row is that of the headings.
    fn row(
        &mut self,
        row: &[String],
        columns: &[(f32, f32)],
        headings: Option<&[String]>,
    ) -> Vec<Vec<usize>> {
        let bold = |place: usize| headings.is_none() || place == 0;
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(columns)
            .enumerate()
            .map(|(place, (text, (_, width)))| {
                let face = self.faces.of(bold(place));
                face.wrapped(&face.shown(text), (width - 2.0 * INSET) / CELL)
            })
            .collect();
        let mut placed = vec![Vec::new(); cells.len()];
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        self.y += INSET * 0.5;
        for number in 0..height {
            if self.space(CELL * LEADING + INSET)
                && let Some(headings) = headings
            {
                self.repeat(headings, columns);
            }
            for (place, (cell, (x, _))) in cells.iter().zip(columns).enumerate() {
                let Some(text) = cell.get(number) else { continue };
                let line = self.line(text.clone(), x + INSET, CELL, bold(place), false, 0.0);
                placed.get_mut(place).into_iter().for_each(|lines| lines.push(line));
            }
            self.y += CELL * LEADING;
        }
        self.y += INSET * 0.5;
        self.edges.push(Edge { page: self.page, y: self.y });
        placed
    }

    fn repeat(&mut self, headings: &[String], columns: &[(f32, f32)]) {
        let wrap = |(text, (_, width)): (&String, &(f32, f32))| {
            self.faces.bold.wrapped(&self.faces.bold.shown(text), (width - 2.0 * INSET) / CELL)
        };
        let cells: Vec<Vec<String>> = headings.iter().zip(columns).map(wrap).collect();
        for number in 0..cells.iter().map(Vec::len).max().unwrap_or_default() {
            for (cell, (x, _)) in cells.iter().zip(columns) {
                if let Some(text) = cell.get(number) {
                    self.line(text.clone(), x + INSET, CELL, true, true, 0.0);
                }
            }
            self.y += CELL * LEADING;
        }
        self.edges.push(Edge { page: self.page, y: self.y });
        self.y += INSET * 0.5;
    }
}

/// Where each column begins, and how wide it is.
fn columns(table: &Table) -> Vec<(f32, f32)> {
    let all: u16 = table.columns.iter().map(|(_, share)| share).sum();
    let mut x = MARGIN;
    let column = |(_, share): &(&str, u16)| {
        let width = (WIDTH - 2.0 * MARGIN) * f32::from(*share) / f32::from(all.max(1));
        let from = x;
        x += width;
        (from, width)
    };
    table.columns.iter().map(column).collect()
}
