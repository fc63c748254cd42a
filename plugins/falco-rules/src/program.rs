//! Rules of one source, compiled: which of them an event may match at all, and whether it does.
//!
//! A condition is a list of steps, each a comparison and where to go on when it holds and when it does not, so that evaluating needs
//! no stack. A rule that can only match where a field equals one of some values is looked up by the event's value of that field;
//! what several rules compare is compared once for an event.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::check::{Check, Operand, Pattern, Right, transformed};
use crate::compile::{Node, Tree};
use crate::condition::{Modifier, Op};
use crate::definitions::Problem;
use crate::fields::{Event, Field, Shape, Value};
use crate::output::{self, Output};

/// Where a condition ends.
const HOLDS: u32 = u32::MAX;
const FAILS: u32 = u32::MAX - 1;
/// Most values of a field that a rule is looked up by.
const KEYS_MAX: usize = 256;

/// Fields that tell events apart well, the best first.
const TELLING: [&str; 8] = [
    "ka.target.resource",
    "ct.name",
    "gcp.methodName",
    "okta.evt.type",
    "github.type",
    "ka.verb",
    "ka.user.name",
    "github.action",
];
/// Fields that hardly do: nearly every event has the same value.
const DULL: [&str; 3] = ["ka.stage", "jevt.value", "evt.source"];

/// A field with its argument.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) field: &'static Field,
    pub(crate) argument: String,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    check: u32,
    holds: u32,
    fails: u32,
}

/// A rule, compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// Its place among the definitions.
    pub(crate) rule: usize,
    pub(crate) entry: u32,
    pub(crate) output: Output,
    /// Fields that a detection shows.
    pub(crate) slots: Vec<u32>,
}

/// The rules of one source.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) slots: Vec<Slot>,
    pub(crate) checks: Vec<Check>,
    steps: Vec<Step>,
    pub(crate) rules: Vec<Compiled>,
    pub(crate) index: Index,
    pub(crate) problems: Vec<Problem>,
}

/// Rules that an event of a value may match.
type ByValue = HashMap<Box<[u8]>, Vec<u32>>;

/// Which rules an event may match.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// By the value of a field.
    by_value: Vec<(u32, ByValue)>,
    /// Rules that any event may match.
    always: Vec<u32>,
}

/// A program at work on one event.
pub(crate) struct Run<'p, 'e> {
    program: &'p Program,
    event: Event<'e>,
    values: Vec<OnceCell<Value<'e>>>,
    /// What is known of comparisons.
    results: Vec<Cell<Option<bool>>>,
}

impl Program {
    /// One without rules.
    pub(crate) const NONE: Self = Self {
        slots: Vec::new(),
        checks: Vec::new(),
        steps: Vec::new(),
        rules: Vec::new(),
        index: Index { by_value: Vec::new(), always: Vec::new() },
        problems: Vec::new(),
    };

    /// Appends the steps of a condition; gives its first.
    pub(crate) fn lay(&mut self, tree: &Tree) -> u32 {
        self.lay_to(tree, HOLDS, FAILS)
    }

    fn lay_to(&mut self, tree: &Tree, holds: u32, fails: u32) -> u32 {
        match &tree.node {
            Node::And(trees) => trees.iter().rev().fold(holds, |next, tree| self.lay_to(tree, next, fails)),
            Node::Or(trees) => trees.iter().rev().fold(fails, |next, tree| self.lay_to(tree, holds, next)),
            Node::Not(tree) => self.lay_to(tree, fails, holds),
            Node::Check(check) => {
                self.steps.push(Step { check: *check, holds, fails });
                u32::try_from(self.steps.len() - 1).unwrap_or(FAILS)
            }
        }
    }

    /// Looks at an event.
    pub(crate) fn run<'p, 'e>(&'p self, event: Event<'e>) -> Run<'p, 'e> {
        let values = std::iter::repeat_with(OnceCell::new).take(self.slots.len()).collect();
        Run { program: self, event, values, results: vec![Cell::new(None); self.checks.len()] }
    }
}

impl<'p, 'e> Run<'p, 'e> {
    /// Rules that the event matches, in the order of the files.
    pub(crate) fn matching(&self) -> Vec<&'p Compiled> {
        let index = &self.program.index;
        let mut candidates = index.always.clone();
        for (slot, rules) in &index.by_value {
            if let Value::One(value) = self.value(*slot)
                && let Some(rules) = rules.get(&**value)
            {
                candidates.extend(rules);
            }
        }
        candidates.sort_unstable();
        let rules = candidates.iter().filter_map(|place| self.program.rules.get(*place as usize));
        rules.filter(|rule| self.holds(rule.entry)).collect()
    }

    fn holds(&self, entry: u32) -> bool {
        let mut at = entry;
        while let Some(step) = self.program.steps.get(at as usize) {
            at = if self.check(step.check) { step.holds } else { step.fails };
        }
        at == HOLDS
    }

    fn check(&self, place: u32) -> bool {
        let (Some(check), Some(known)) =
            (self.program.checks.get(place as usize), self.results.get(place as usize))
        else {
            return false;
        };
        known.get().unwrap_or_else(|| {
            let right = match &check.right {
                Right::Field(operand) => Some(self.operand(operand)),
                _ => None,
            };
            let holds = check.holds(&self.operand(&check.left), right.as_deref());
            known.set(Some(holds));
            holds
        })
    }

    fn operand(&self, operand: &Operand) -> Cow<'_, Value<'_>> {
        transformed(Cow::Borrowed(self.value(operand.slot)), &operand.transformers)
    }

    fn value(&self, slot: u32) -> &Value<'e> {
        const MISSING: &Value<'static> = &Value::Missing;
        match (self.values.get(slot as usize), self.program.slots.get(slot as usize)) {
            (Some(cell), Some(slot)) => cell.get_or_init(|| slot.field.of(&self.event, &slot.argument)),
            _ => MISSING,
        }
    }

    /// The line of a rule that matched.
    pub(crate) fn line(&self, rule: &Compiled) -> String {
        rule.output.line(|operand| output::shown(&self.operand(operand)))
    }

    /// The fields of a rule that matched, as far as they have a value.
    pub(crate) fn fields(&self, rule: &Compiled) -> BTreeMap<String, String> {
        let shown = |slot: &u32| {
            let Slot { field, argument } = self.program.slots.get(*slot as usize)?;
            let value = self.value(*slot);
            let name = if argument.is_empty() {
                field.name.to_owned()
            } else {
                format!("{}[{argument}]", field.name)
            };
            (*value != Value::Missing).then(|| (name, output::shown(value)))
        };
        rule.slots.iter().filter_map(shown).collect()
    }
}

/// A field, and the values of which it has to have one.
type Needed = BTreeMap<u32, BTreeSet<Box<[u8]>>>;

impl Index {
    /// Finds for every condition the field that it is best looked up by.
    pub(crate) fn of(trees: &[Rc<Tree>], checks: &[Check], slots: &[Slot]) -> Self {
        let mut index = Self::default();
        let name = |slot: u32| slots.get(slot as usize).map_or("", |slot| slot.field.name);
        for (rule, tree) in (0..).zip(trees) {
            let needed = needed(tree, checks, slots);
            let best = needed.into_iter().min_by_key(|(slot, values)| (dullness(name(*slot)), values.len()));
            let Some((slot, values)) = best else {
                index.always.push(rule);
                continue;
            };
            if !index.by_value.iter().any(|(known, _)| *known == slot) {
                index.by_value.push((slot, HashMap::new()));
            }
            if let Some((_, rules)) = index.by_value.iter_mut().find(|(known, _)| *known == slot) {
                for value in values {
                    rules.entry(value).or_default().push(rule);
                }
            }
        }
        index
    }
}

fn dullness(name: &str) -> usize {
    if DULL.contains(&name) {
        return TELLING.len() + 1;
    }
    TELLING.iter().position(|telling| *telling == name).unwrap_or(TELLING.len())
}

/// What fields have to be for a condition to hold.
fn needed(tree: &Tree, checks: &[Check], slots: &[Slot]) -> Needed {
    match &tree.node {
        Node::Check(check) => {
            checks.get(*check as usize).and_then(|check| equality(check, slots)).into_iter().collect()
        }
        Node::Not(_) => Needed::new(),
        Node::And(trees) => {
            let mut all = Needed::new();
            for (slot, values) in trees.iter().flat_map(|tree| needed(tree, checks, slots)) {
                // Of two conditions for one field the narrower one does.
                match all.get(&slot) {
                    Some(known) if known.len() <= values.len() => {}
                    _ => drop(all.insert(slot, values)),
                }
            }
            all
        }
        Node::Or(trees) => {
            let mut each = trees.iter().map(|tree| needed(tree, checks, slots));
            let mut common = each.next().unwrap_or_default();
            for other in each {
                common.retain(|slot, values| match other.get(slot) {
                    Some(more) if values.len() + more.len() <= KEYS_MAX => {
                        values.extend(more.iter().cloned());
                        true
                    }
                    _ => false,
                });
            }
            common
        }
    }
}

/// The values of which a text field has to have one for a comparison to hold.
fn equality(check: &Check, slots: &[Slot]) -> Option<(u32, BTreeSet<Box<[u8]>>)> {
    let slot = slots.get(check.left.slot as usize)?;
    if slot.field.shape != Shape::Text || !check.left.transformers.is_empty() {
        return None;
    }
    let values = match &check.right {
        Right::Set(set) if set.nets.is_empty() && set.texts.len() <= KEYS_MAX => set.texts.clone(),
        Right::Patterns(patterns)
            if check.op == Op::Eq
                && matches!(check.modifier, None | Some(Modifier::Any))
                && patterns.len() <= KEYS_MAX =>
        {
            let text = |pattern: &Pattern| match pattern {
                Pattern::Text(text) => Some(text.clone()),
                _ => None,
            };
            patterns.iter().map(text).collect::<Option<_>>()?
        }
        _ => return None,
    };
    Some((check.left.slot, values))
}
