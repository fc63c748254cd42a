//! Which rules an event can fit: by where it came from, and by texts that its fields hold.
//!
//! Of thousands of rules an event is compared with a handful. Every rule that says so names a set of texts of which at least one must be in
//! some field; all of a field's texts are looked for at once (Aho-Corasick, or a hash where the whole value is meant).

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use aho_corasick::AhoCorasick;

use crate::logsource::{Head, Route};
use crate::need::{Atom, choices};
use crate::rule::Detection;
use crate::subject::{FieldId, Subject};

/// Rules by what events must have for them.
#[derive(Debug, Default)]
pub(crate) struct Index {
    lanes: Vec<Lane>,
    sources: u16,
    seen: RefCell<Seen>,
}

/// Rules for the same events.
#[derive(Debug)]
struct Lane {
    route: Route,
    fields: Vec<ByField>,
    /// Rules that no text can rule out.
    always: Vec<usize>,
}

/// Texts in one field, and the rules that look for them.
#[derive(Debug)]
struct ByField {
    field: FieldId,
    whole: HashMap<String, Vec<usize>>,
    within: Option<AhoCorasick>,
    within_rules: Vec<Vec<usize>>,
}

/// A rule, and the choices of texts that it can be looked for by.
type Sought = (usize, Vec<Vec<Atom>>);

/// Rules that are candidates already, in this event.
#[derive(Debug, Default)]
struct Seen {
    event: u32,
    rules: Vec<u32>,
}

impl Seen {
    fn begin(&mut self, rules: usize) {
        self.rules.resize(rules, 0);
        self.event = self.event.wrapping_add(1);
        if self.event == 0 {
            self.rules.fill(0);
            self.event = 1;
        }
    }

    fn add(&mut self, rule: usize, candidates: &mut Vec<usize>) {
        if let Some(last) = self.rules.get_mut(rule)
            && *last != self.event
        {
            *last = self.event;
            candidates.push(rule);
        }
    }
}

impl Index {
    /// Sorts rules, each named by its place, into an index.
    pub(crate) fn new<'r>(rules: impl Iterator<Item = (usize, Route, &'r Detection)>) -> Self {
        let mut by_route: BTreeMap<Route, Vec<Sought>> = BTreeMap::new();
        for (place, route, detection) in rules {
            by_route.entry(route).or_default().push((place, choices(detection)));
        }
        let lanes: Vec<Lane> = by_route.into_iter().map(|(route, rules)| Lane::new(route, rules)).collect();
        let sources = lanes.iter().fold(0, |all, lane| all | lane.route.sources());
        Self { lanes, sources, seen: RefCell::default() }
    }

    /// Whether any rule is for events of a source.
    pub(crate) fn wants(&self, source: u16) -> bool {
        self.sources & source != 0
    }

    /// Rules that this event may fit, in their order.
    pub(crate) fn candidates(
        &self,
        rules: usize,
        head: &Head<'_>,
        subject: &Subject<'_>,
        found: &mut Vec<usize>,
    ) {
        found.clear();
        let mut seen = self.seen.borrow_mut();
        seen.begin(rules);
        for lane in self.lanes.iter().filter(|lane| lane.route.leads(head)) {
            lane.always.iter().for_each(|rule| seen.add(*rule, found));
            for by_field in &lane.fields {
                by_field.look(subject, &mut |rule| seen.add(rule, found));
            }
        }
        found.sort_unstable();
    }

    /// Rules that every event of their log source is compared with.
    pub(crate) fn always(&self) -> usize {
        self.lanes.iter().map(|lane| lane.always.len()).sum()
    }
}

impl Lane {
    fn new(route: Route, rules: Vec<Sought>) -> Self {
        let mut uses: HashMap<Atom, usize> = HashMap::new();
        for atom in rules.iter().flat_map(|(_, choices)| choices.iter().flatten()) {
            *uses.entry(atom.clone()).or_default() += 1;
        }
        // What many rules ask for tells little: the choice is taken whose texts the fewest rules ask for.
        let cost = |choice: &Vec<Atom>| {
            let uses = choice.iter().map(|atom| uses.get(atom).copied().unwrap_or_default()).max();
            let shortest = choice.iter().map(|atom| atom.text.len() + if atom.whole { 4 } else { 0 }).min();
            (uses.unwrap_or_default() + 12 / (1 + shortest.unwrap_or_default()), choice.len())
        };
        let mut always = Vec::new();
        let mut texts: BTreeMap<FieldId, BTreeMap<(bool, String), Vec<usize>>> = BTreeMap::new();
        for (rule, choices) in &rules {
            match choices.iter().min_by_key(|choice| cost(choice)) {
                Some(choice) => {
                    for atom in choice {
                        let field = texts.entry(atom.field).or_default();
                        field.entry((atom.whole, atom.text.clone())).or_default().push(*rule);
                    }
                }
                None => always.push(*rule),
            }
        }
        let mut fields = Vec::new();
        for (field, texts) in texts {
            match ByField::new(field, &texts) {
                Some(by_field) => fields.push(by_field),
                // Too much for one automaton: then these rules are compared with every event.
                None => always.extend(texts.into_values().flatten()),
            }
        }
        Self { route, fields, always }
    }
}

impl ByField {
    fn new(field: FieldId, texts: &BTreeMap<(bool, String), Vec<usize>>) -> Option<Self> {
        let mut whole = HashMap::new();
        let mut within = Vec::new();
        let mut within_rules = Vec::new();
        for ((is_whole, text), rules) in texts {
            if *is_whole {
                whole.insert(text.clone(), rules.clone());
            } else {
                within.push(text);
                within_rules.push(rules.clone());
            }
        }
        let within = if within.is_empty() { None } else { Some(AhoCorasick::new(&within).ok()?) };
        Some(Self { field, whole, within, within_rules })
    }

    fn look(&self, subject: &Subject<'_>, found: &mut dyn FnMut(usize)) {
        for leaf in &subject.field(self.field).leaves {
            if let Some(rules) = self.whole.get(leaf.small()) {
                rules.iter().for_each(|rule| found(*rule));
            }
            let Some(within) = &self.within else { continue };
            for place in within.find_overlapping_iter(leaf.small()) {
                if let Some(rules) = self.within_rules.get(place.pattern().as_usize()) {
                    rules.iter().for_each(|rule| found(*rule));
                }
            }
        }
    }
}
