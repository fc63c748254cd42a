//! One event as rules see it: fields by name, each looked up once.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use crate::json::Json;
use crate::logsource::View;
use crate::text::lower;

/// Longest text that is made of a map, in bytes.
const MAP_TEXT_MAX: usize = 64 << 10;
/// Most values of one field.
const LEAVES_MAX: usize = 10_000;

/// A field that some rule speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FieldId(pub(crate) u32);

/// The fields that all rules speak of.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    known: HashMap<(View, String), FieldId>,
    all: Vec<(View, String)>,
}

impl Fields {
    /// The field of this name as events of a view have it. An empty name is every text of the event.
    pub(crate) fn intern(&mut self, view: View, name: &str) -> FieldId {
        if let Some(id) = self.known.get(&(view, name.to_owned())) {
            return *id;
        }
        let id = FieldId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.known.insert((view, name.to_owned()), id);
        self.all.push((view, name.to_owned()));
        id
    }
}

/// A value of a field.
#[derive(Debug)]
pub(crate) struct Leaf<'b> {
    pub(crate) text: Cow<'b, str>,
    /// In small letters, where that is something else.
    small: Option<String>,
}

impl<'b> Leaf<'b> {
    fn new(text: Cow<'b, str>) -> Self {
        let small = match lower(&text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(small) => Some(small),
        };
        Self { text, small }
    }

    pub(crate) fn small(&self) -> &str {
        self.small.as_deref().unwrap_or(&self.text)
    }
}

/// A field's values; none where the event does not have it, or has nothing in it.
#[derive(Debug, Default)]
pub(crate) struct Field<'b> {
    pub(crate) leaves: Vec<Leaf<'b>>,
}

/// An event.
pub(crate) struct Subject<'b> {
    fields: &'b Fields,
    body: &'b Json<'b>,
    raw: &'b Json<'b>,
    found: Vec<OnceCell<Field<'b>>>,
    nothing: Field<'b>,
}

const NULL: Json<'static> = Json::Null;

impl<'b> Subject<'b> {
    pub(crate) fn new(fields: &'b Fields, body: &'b Json<'b>) -> Self {
        let mut found = Vec::new();
        found.resize_with(fields.all.len(), OnceCell::new);
        Self { fields, body, raw: body.get("raw").unwrap_or(&NULL), found, nothing: Field::default() }
    }

    pub(crate) fn body(&self) -> &'b Json<'b> {
        self.body
    }

    /// The values of a field.
    pub(crate) fn field(&self, id: FieldId) -> &Field<'b> {
        let place = id.0 as usize;
        let (Some(cell), Some((view, name))) = (self.found.get(place), self.fields.all.get(place)) else {
            return &self.nothing;
        };
        cell.get_or_init(|| self.look_up(*view, name))
    }

    fn look_up(&self, view: View, name: &str) -> Field<'b> {
        let mut field = Field::default();
        if name.is_empty() {
            let whole = if view == View::Raw { self.raw } else { self.body };
            whole.leaves(&mut |leaf| field.add(leaf));
            return field;
        }
        if let Some(path) = name.strip_prefix("palisade.") {
            self.body.at(path, true, &mut |value| field.add(value));
            return field;
        }
        if view != View::Raw {
            if let Some(text) = view.made(name, self.body) {
                field.leaves.push(Leaf::new(Cow::Owned(text)));
                return field;
            }
            if let Some(path) = view.path(name) {
                self.body.at(path, true, &mut |value| field.add(value));
                return field;
            }
            self.body.at(name, true, &mut |value| field.add(value));
        }
        let name = crate::logsource::raw_name(name);
        if field.leaves.is_empty() {
            self.raw.at(name, true, &mut |value| field.add(value));
        }
        if field.leaves.is_empty() {
            self.raw.at(name, false, &mut |value| field.add(value));
        }
        // An event of EventBridge has what CloudTrail and GuardDuty say in an envelope.
        if field.leaves.is_empty()
            && let Some(detail) = self.raw.get("detail")
        {
            detail.at(name, false, &mut |value| field.add(value));
        }
        field
    }
}

impl<'b> Field<'b> {
    fn add(&mut self, value: &'b Json<'b>) {
        if self.leaves.len() >= LEAVES_MAX {
            return;
        }
        match value {
            Json::Null => {}
            Json::List(items) => items.iter().for_each(|item| self.add(item)),
            Json::Map(_) => {
                let mut text = String::new();
                value.write(&mut text, MAP_TEXT_MAX);
                self.leaves.push(Leaf::new(Cow::Owned(text)));
            }
            scalar => self.leaves.extend(scalar.scalar().map(Leaf::new)),
        }
    }
}
