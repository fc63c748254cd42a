//! Events of the parser to documents.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};
use serde_json::{Map, Value};

use crate::budget::{Budget, Purse, Weight};
use crate::error::YamlError;
use crate::lines::{Inside, Lines, Place};
use crate::{DUPLICATES_MAX, Document, scalar};

/// Every document up to the first error.
pub(crate) fn read(text: &str, budget: &Budget) -> (Vec<Document>, Option<YamlError>) {
    let mut builder = Builder::new(budget);
    for event in Parser::new_from_str(text) {
        let taken = event.map_err(|error| broken(&error)).and_then(|(event, span)| builder.take(event, span));
        if let Err(error) = taken {
            return (builder.documents, Some(error));
        }
    }
    (builder.documents, None)
}

fn broken(error: &ScanError) -> YamlError {
    YamlError::syntax(line(error.marker()), error.info())
}

fn line(marker: &Marker) -> u32 {
    u32::try_from(marker.line()).unwrap_or(u32::MAX).max(1)
}

/// A mapping or list that has not ended.
struct Open {
    anchor: usize,
    line: u32,
    kind: Kind,
}

enum Kind {
    List {
        values: Vec<Value>,
        places: Vec<Place>,
    },
    Map {
        members: Map<String, Value>,
        places: BTreeMap<String, Place>,
        key: Option<Key>,
        merged: BTreeSet<String>,
    },
}

/// The key whose value comes next.
struct Key {
    name: String,
    line: u32,
    merge: bool,
}

struct Builder<'a> {
    purse: Purse<'a>,
    documents: Vec<Document>,
    open: Vec<Open>,
    root: Option<(Value, Place)>,
    duplicates: Vec<String>,
    /// What aliases may copy, with its weight.
    anchors: HashMap<usize, (Value, Weight)>,
}

impl<'a> Builder<'a> {
    fn new(budget: &'a Budget) -> Self {
        Self {
            purse: Purse::new(budget),
            documents: Vec::new(),
            open: Vec::new(),
            root: None,
            duplicates: Vec::new(),
            anchors: HashMap::new(),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        let line = line(&span.start);
        match event {
            Event::DocumentStart(_) => self.purse.document(line),
            Event::DocumentEnd => {
                self.end();
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, line),
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), line)
            }
            Event::SequenceStart(anchor, _) => {
                self.begin(anchor, line, Kind::List { values: Vec::new(), places: Vec::new() })
            }
            Event::MappingStart(anchor, _) => {
                let (members, places) = (Map::new(), BTreeMap::new());
                self.begin(anchor, line, Kind::Map { members, places, key: None, merged: BTreeSet::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd => Ok(()),
        }
    }

    fn end(&mut self) {
        let duplicates = std::mem::take(&mut self.duplicates);
        // Anchors belong to one document.
        self.anchors.clear();
        if let Some((value, place)) = self.root.take()
            && !value.is_null()
        {
            self.documents.push(Document { value, lines: Lines(place), duplicates });
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        line: u32,
    ) -> Result<(), YamlError> {
        self.purse.node(text.len(), line)?;
        if let Some(key) = self.key() {
            let name = scalar::key(text, style, tag);
            *key = Some(Key { name, line, merge: scalar::is_merge(text, style, tag) });
            return self.remember(anchor, &Value::from(text), line);
        }
        let value = scalar::value(text, style, tag);
        self.remember(anchor, &value, line)?;
        self.add(value, Place::leaf(line))
    }

    fn alias(&mut self, anchor: usize, line: u32) -> Result<(), YamlError> {
        let Some((value, weight)) = self.anchors.get(&anchor) else {
            return Err(YamlError::syntax(line, "an alias of something that it is itself part of"));
        };
        self.purse.spend(*weight, line)?;
        let value = value.clone();
        self.purse.depth(self.open.len() + depth(&value), line)?;
        if let Some(key) = self.key() {
            let Value::String(name) = value else {
                return Err(YamlError::syntax(line, "a key that is no text"));
            };
            *key = Some(Key { name, line, merge: false });
            return Ok(());
        }
        self.add(value, Place::leaf(line))
    }

    fn begin(&mut self, anchor: usize, line: u32, kind: Kind) -> Result<(), YamlError> {
        self.purse.node(0, line)?;
        self.purse.depth(self.open.len() + 1, line)?;
        if self.key().is_some() {
            // An unquoted template expression, `{{ … }}`, looks like that.
            return Err(YamlError::syntax(
                line,
                "a mapping or list where a key should be, which JSON does not have",
            ));
        }
        self.open.push(Open { anchor, line, kind });
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let (value, inside) = match open.kind {
            Kind::List { values, places } => (Value::Array(values), Inside::List(places)),
            Kind::Map { members, places, .. } => (Value::Object(members), Inside::Map(places)),
        };
        self.remember(open.anchor, &value, open.line)?;
        self.add(value, Place { line: open.line, inside })
    }

    /// The place of the next key, where one is expected.
    fn key(&mut self) -> Option<&mut Option<Key>> {
        match &mut self.open.last_mut()?.kind {
            Kind::Map { key, .. } if key.is_none() => Some(key),
            _ => None,
        }
    }

    fn add(&mut self, value: Value, mut place: Place) -> Result<(), YamlError> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some((value, place));
            return Ok(());
        };
        match &mut open.kind {
            Kind::List { values, places } => {
                values.push(value);
                places.push(place);
            }
            Kind::Map { members, places, key, merged } => {
                let Some(key) = key.take() else { return Ok(()) };
                if key.merge {
                    return merge(value, key.line, members, places, merged);
                }
                // People look for the key; the value may begin below it.
                place.line = key.line;
                places.insert(key.name.clone(), place);
                let again = members.insert(key.name.clone(), value).is_some();
                if again && !merged.remove(&key.name) {
                    self.duplicate(&key.name);
                }
            }
        }
        Ok(())
    }

    fn duplicate(&mut self, name: &str) {
        if self.duplicates.len() >= DUPLICATES_MAX {
            return;
        }
        let part = |open: &Open| match &open.kind {
            Kind::List { values, .. } => Some(values.len().to_string()),
            Kind::Map { key, .. } => key.as_ref().map(|key| escaped(&key.name)),
        };
        let above = self.open.iter().filter_map(part).map(|part| format!("/{part}"));
        let pointer: String = above.chain([format!("/{}", escaped(name))]).collect();
        self.duplicates.push(pointer);
    }

    fn remember(&mut self, anchor: usize, value: &Value, line: u32) -> Result<(), YamlError> {
        if anchor == 0 {
            return Ok(());
        }
        let weight = weight(value);
        self.purse.spend(weight, line)?;
        self.anchors.insert(anchor, (value.clone(), weight));
        Ok(())
    }
}

/// Takes over the keys of other mappings, the first of which counts most. As with go-yaml 2 they replace keys that stand before, and are
/// replaced by keys that follow.
fn merge(
    value: Value,
    line: u32,
    members: &mut Map<String, Value>,
    places: &mut BTreeMap<String, Place>,
    merged: &mut BTreeSet<String>,
) -> Result<(), YamlError> {
    let sources = match value {
        Value::Array(sources) => sources,
        source => vec![source],
    };
    for source in sources.into_iter().rev() {
        let Value::Object(source) = source else {
            return Err(YamlError::syntax(line, "a merge key (<<) whose value is no mapping"));
        };
        for (key, value) in source {
            places.insert(key.clone(), Place::leaf(line));
            merged.insert(key.clone());
            members.insert(key, value);
        }
    }
    Ok(())
}

fn weight(value: &Value) -> Weight {
    let mut all = Weight { nodes: 1, text: 0 };
    let mut add = |inner: Weight| {
        all.nodes += inner.nodes;
        all.text += inner.text;
    };
    match value {
        Value::String(text) => add(Weight { nodes: 0, text: text.len() }),
        Value::Array(items) => items.iter().map(weight).for_each(add),
        Value::Object(members) => {
            for (key, member) in members {
                add(Weight { nodes: 1, text: key.len() });
                add(weight(member));
            }
        }
        _ => {}
    }
    all
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// A part of a JSON Pointer.
pub(crate) fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}
