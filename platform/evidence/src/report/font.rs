//! The letters of the PDF: DejaVu Sans, regular and bold, cut down to Latin, Greek and Cyrillic (`fonts/README.md`).
//!
//! A letter that it does not have is written as `\u{…}` with its number, as nothing is worse in evidence than a box that could be
//! anything.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider as _};

use super::block::visible;
use crate::error::EvidenceError;

const REGULAR: &[u8] = include_bytes!("../../fonts/DejaVuSans.subset.ttf");
const BOLD: &[u8] = include_bytes!("../../fonts/DejaVuSans-Bold.subset.ttf");

/// One of the two.
pub(super) struct Face {
    pub(super) font: Font,
    letters: skrifa::charmap::Charmap<'static>,
    widths: GlyphMetrics<'static>,
    per_em: f32,
}

/// Both.
pub(super) struct Faces {
    pub(super) regular: Face,
    pub(super) bold: Face,
}

impl Faces {
    pub(super) fn new() -> Result<Self, EvidenceError> {
        Ok(Self { regular: Face::new(REGULAR)?, bold: Face::new(BOLD)? })
    }

    pub(super) fn of(&self, bold: bool) -> &Face {
        if bold { &self.bold } else { &self.regular }
    }
}

impl Face {
    fn new(bytes: &'static [u8]) -> Result<Self, EvidenceError> {
        let wrong = || EvidenceError::Report { why: "its font cannot be read".to_owned() };
        let read = FontRef::new(bytes).map_err(|_| wrong())?;
        let font = Font::new(bytes.into(), 0).ok_or_else(wrong)?;
        let per_em = font.units_per_em();
        let widths = read.glyph_metrics(Size::unscaled(), LocationRef::default());
        Ok(Self { font, letters: read.charmap(), widths, per_em })
    }

    /// The text with letters of this font alone.
    pub(super) fn shown(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for letter in visible(text).chars() {
            if self.letters.map(letter).is_some() {
                out.push(letter);
            } else {
                out.extend(letter.escape_unicode());
            }
        }
        out
    }

    /// How wide a letter is, in parts of the font's size.
    pub(super) fn width(&self, letter: char) -> f32 {
        let glyph = self.letters.map(letter).unwrap_or_default();
        self.widths.advance_width(glyph).unwrap_or_default() / self.per_em
    }

    pub(super) fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
        let glyph = |(at, letter): (usize, char)| {
            let id = self.letters.map(letter).unwrap_or_default().to_u32();
            let bytes = at..at + letter.len_utf8();
            KrillaGlyph::new(GlyphId::new(id), self.width(letter), 0.0, 0.0, 0.0, bytes, None)
        };
        text.char_indices().map(glyph).collect()
    }

    /// The text in lines that are no wider than this, in parts of the font's size. Lines are cut at spaces, which stay at their ends, and words
    /// that are wider anywhere.
    pub(super) fn wrapped(&self, text: &str, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        let (mut line, mut used) = (String::new(), 0.0);
        for word in text.split_inclusive(' ') {
            let bare: f32 = word.trim_end_matches(' ').chars().map(|letter| self.width(letter)).sum();
            if used + bare > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            for letter in word.chars() {
                let wide = self.width(letter);
                if used + wide > width && letter != ' ' && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(letter);
                used += wide;
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }
}
