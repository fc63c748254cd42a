//! On which line of its file each part of a document stands.

use std::collections::BTreeMap;

/// Lines of a document by JSON Pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines(pub(crate) Place);

/// One value: its line, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) inside: Inside,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Inside {
    Nothing,
    List(Vec<Place>),
    Map(BTreeMap<String, Place>),
}

impl Place {
    pub(crate) fn leaf(line: u32) -> Self {
        Self { line, inside: Inside::Nothing }
    }

    fn part(&self, part: &str) -> Option<&Self> {
        match &self.inside {
            Inside::Nothing => None,
            Inside::List(items) => items.get(part.parse::<usize>().ok()?),
            Inside::Map(members) => members.get(part),
        }
    }

    fn renumber(&mut self, above: u32, line: &mut dyn FnMut(u32) -> Option<u32>) {
        self.line = line(self.line).unwrap_or(above);
        let here = self.line;
        match &mut self.inside {
            Inside::Nothing => {}
            Inside::List(items) => items.iter_mut().for_each(|item| item.renumber(here, line)),
            Inside::Map(members) => members.values_mut().for_each(|member| member.renumber(here, line)),
        }
    }
}

impl Lines {
    /// A document that stands on one line, or of which nothing but its beginning is known.
    #[must_use]
    pub fn at(line: u32) -> Self {
        Self(Place::leaf(line))
    }

    /// Line of the document's beginning, from 1.
    #[must_use]
    pub fn first(&self) -> u32 {
        self.0.line
    }

    /// Line of the key or list item that a JSON Pointer (RFC 6901) names, from 1; where there is none, that of the nearest
    /// part above it that there is.
    #[must_use]
    pub fn of(&self, pointer: &str) -> u32 {
        let mut place = &self.0;
        for part in parts(pointer) {
            match place.part(&part) {
                Some(inner) => place = inner,
                None => break,
            }
        }
        place.line
    }

    /// The parts of a document, for documents that are made of something else than YAML. Parts above that are not there yet are on
    /// the line of what is above them.
    pub fn set(&mut self, pointer: &str, line: u32) {
        let mut place = &mut self.0;
        for part in parts(pointer) {
            if !matches!(place.inside, Inside::Map(_)) {
                place.inside = Inside::Map(BTreeMap::new());
            }
            let above = place.line;
            let Inside::Map(members) = &mut place.inside else { return };
            place = members.entry(part).or_insert_with(|| Place::leaf(above));
        }
        place.line = line;
    }

    /// Replaces every line, for documents that were made of another file. What has no line there is put on the line of what is above it,
    /// and the document itself on line 1.
    pub fn renumber(&mut self, mut line: impl FnMut(u32) -> Option<u32>) {
        self.0.renumber(1, &mut line);
    }

    /// The lines of a part alone.
    #[must_use]
    pub fn within(&self, pointer: &str) -> Self {
        let found = parts(pointer).try_fold(&self.0, |place, part| place.part(&part));
        found.map_or_else(|| Self::at(self.of(pointer)), |place| Self(place.clone()))
    }
}

/// A pointer's parts without their escapes.
fn parts(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"))
}
