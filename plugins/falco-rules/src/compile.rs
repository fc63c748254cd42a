//! Definitions to a program: macros and lists put in, fields looked up, conditions laid out for evaluation.
//!
//! Everything is bounded before it is made: how deep macros go, how many comparisons a rule has when its macros are put in, how many
//! values lists have when their lists are put in. What is over a bound costs its rule alone, and the problem says which it is.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::check::{Check, Operand, Pattern, Right, Set};
use crate::condition::{self, Expr, Item, Modifier, Op, Test, Transformer, Wrong};
use crate::definitions::{Definitions, Exception, Problem, Rule, Text};
use crate::fields::{self, Argument, Field, Read, Shape};
use crate::output::Output;
use crate::program::{Compiled, Index, Program, Slot};
use crate::source::Source;

/// Deepest tree of a condition when its macros are put in. A guest's stack has room for more.
const DEPTH_MAX: u32 = 250;
/// Comparisons of one rule when its macros are put in.
const RULE_CHECKS_MAX: u32 = 10_000;
/// Comparisons of all rules of a source.
const CHECKS_MAX: usize = 500_000;
/// Values of one comparison, and lists that are looked at for it.
const VALUES_MAX: usize = 100_000;
/// Values of all comparisons of a source.
const ALL_VALUES_MAX: usize = 2_000_000;

/// A condition with its macros put in.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) node: Node,
    /// Comparisons in it.
    size: u32,
    depth: u32,
}

/// A part of a condition.
#[derive(Debug)]
pub(crate) enum Node {
    And(Vec<Rc<Tree>>),
    Or(Vec<Rc<Tree>>),
    Not(Rc<Tree>),
    /// The place of a comparison in the program.
    Check(u32),
}

/// Why a rule cannot be used.
#[derive(Debug, Clone)]
struct Fault {
    wrong: Wrong,
    /// It names a field that is not known.
    unknown: bool,
    /// The message says in which macro.
    placed: bool,
}

impl From<Wrong> for Fault {
    fn from(wrong: Wrong) -> Self {
        Self { wrong, unknown: false, placed: false }
    }
}

/// What makes two comparisons one.
type Key = (Operand, Op, Option<Modifier>, Vec<Vec<u8>>, Option<Operand>);

/// Makes one program.
pub(crate) struct Compiler<'d> {
    definitions: &'d Definitions,
    source: Source,
    slots: Vec<Slot>,
    by_slot: BTreeMap<(&'static str, String), u32>,
    checks: Vec<Check>,
    by_check: BTreeMap<Key, u32>,
    macros: BTreeMap<&'d str, Result<Rc<Tree>, Fault>>,
    /// Macros that are being put into one another.
    open: Vec<&'d str>,
    values: usize,
    needs_memory: Option<&'static str>,
}

/// Compiles the rules of a source that are enabled.
pub(crate) fn compile(definitions: &Definitions, source: Source) -> Program {
    let mut compiler = Compiler {
        definitions,
        source,
        slots: Vec::new(),
        by_slot: BTreeMap::new(),
        checks: Vec::new(),
        by_check: BTreeMap::new(),
        macros: BTreeMap::new(),
        open: Vec::new(),
        values: 0,
        needs_memory: None,
    };
    let mut program = Program::default();
    let mut trees = Vec::new();
    let mut total = 0;
    let of_source = |(_, rule): &(usize, &Rule)| rule.enabled && rule.source == source.word();
    for (at, rule) in definitions.rules.iter().enumerate().filter(of_source) {
        compiler.needs_memory = None;
        let compiled = compiler.rule(rule).and_then(|(tree, output)| {
            total += tree.size as usize;
            if total > CHECKS_MAX {
                let message =
                    format!("the rules of this source have more than {CHECKS_MAX} comparisons together");
                return Err((rule.condition.clone(), Wrong::whole(message).into()));
            }
            Ok((tree, output))
        });
        let problem = |text: &Text, message: String, warning| Problem {
            place: text.place.clone(),
            of: format!("rule {}", rule.name),
            message,
            warning,
        };
        match compiled {
            Ok((tree, output)) => {
                if let Some(field) = compiler.needs_memory {
                    let message =
                        format!("{field} counts what came before an event and never has a value here");
                    program.problems.push(problem(&rule.condition, message, true));
                }
                let entry = program.lay(&tree);
                let slots = compiler.used(&tree, &output);
                program.rules.push(Compiled { rule: at, entry, output, slots });
                trees.push(tree);
            }
            Err((_, fault)) if fault.unknown && rule.skip_unknown => {}
            Err((text, fault)) => {
                let message = fault.wrong.shown(&text.text);
                program.problems.push(problem(&text, message, false));
            }
        }
    }
    program.index = Index::of(&trees, &compiler.checks, &compiler.slots);
    (program.slots, program.checks) = (compiler.slots, compiler.checks);
    program
}

impl<'d> Compiler<'d> {
    fn rule(&mut self, rule: &'d Rule) -> Result<(Rc<Tree>, Output), (Text, Fault)> {
        let condition = |fault: Fault| (rule.condition.clone(), fault);
        let expr = condition::parse(&rule.condition.text).map_err(|wrong| condition(wrong.into()))?;
        let mut parts = vec![self.tree(&expr, 0).map_err(condition)?];
        for exception in &rule.exceptions {
            let wrong = |message: String, fault: Option<Fault>| {
                let text = Text { text: String::new(), place: exception.place.clone() };
                let unknown = fault.is_some_and(|fault| fault.unknown);
                (text, Fault { wrong: Wrong::whole(message), unknown, placed: false })
            };
            if let Some(expr) = excepted(exception).map_err(|why| wrong(why, None))? {
                let tree = self.tree(&expr, 0).map_err(|fault| {
                    let message = format!("the exception {:?}: {}", exception.name, fault.wrong.message);
                    wrong(message, Some(fault))
                })?;
                parts.push(tree);
            }
        }
        let tree = joined(parts, Node::And).map_err(condition)?;
        if tree.size > RULE_CHECKS_MAX {
            let message = format!(
                "with its macros it has {} comparisons; at most {RULE_CHECKS_MAX} are allowed",
                tree.size
            );
            return Err(condition(Wrong::whole(message).into()));
        }
        let output = Output::of(&rule.output.text, |operand| {
            self.operand(operand).map_err(|fault| (fault.wrong, fault.unknown))
        })
        .map_err(|(wrong, unknown)| {
            (
                rule.output.clone(),
                Fault {
                    wrong: Wrong { message: format!("output: {}", wrong.message), ..wrong },
                    unknown,
                    placed: false,
                },
            )
        })?;
        Ok((tree, output))
    }

    fn tree(&mut self, expr: &Expr, depth: u32) -> Result<Rc<Tree>, Fault> {
        if depth > DEPTH_MAX {
            return Err(
                Wrong::whole(format!("with its macros it is nested more than {DEPTH_MAX} deep")).into()
            );
        }
        let mut all = |exprs: &[Expr]| -> Result<Vec<Rc<Tree>>, Fault> {
            exprs.iter().map(|expr| self.tree(expr, depth + 1)).collect()
        };
        match expr {
            Expr::And(exprs) => joined(all(exprs)?, Node::And),
            Expr::Or(exprs) => joined(all(exprs)?, Node::Or),
            Expr::Not(expr) => {
                let tree = self.tree(expr, depth + 1)?;
                joined_at(tree.size, tree.depth, Node::Not(tree))
            }
            Expr::Check(test) => {
                let check = self.check(test)?;
                Ok(Rc::new(Tree { node: Node::Check(check), size: 1, depth: 1 }))
            }
            Expr::Macro(name, at) => self.r#macro(name, *at, depth),
        }
    }

    fn r#macro(&mut self, name: &str, at: usize, depth: u32) -> Result<Rc<Tree>, Fault> {
        let Some((name, text)) = self.definitions.macros.get_key_value(name) else {
            return Err(Wrong::at(at, format!("there is no macro {name:?}")).into());
        };
        if self.open.contains(&name.as_str()) {
            return Err(Wrong::at(at, format!("the macro {name:?} is in itself")).into());
        }
        let made = match self.macros.get(name.as_str()) {
            Some(made) => made.clone(),
            None => {
                self.open.push(name);
                let parsed = condition::parse(&text.text).map_err(Fault::from);
                let made = parsed.and_then(|expr| self.tree(&expr, depth + 1));
                self.open.pop();
                let made = made.map_err(|fault| {
                    if fault.placed {
                        return fault;
                    }
                    let place = &text.place;
                    let message = format!(
                        "in the macro {name:?} ({} line {}): {}",
                        place.file,
                        place.line,
                        fault.wrong.shown(&text.text)
                    );
                    Fault { wrong: Wrong::whole(message), placed: true, ..fault }
                });
                // A circle is one for whoever is in it; others may use what is not.
                if self.open.is_empty() || made.is_ok() {
                    self.macros.insert(name, made.clone());
                }
                made
            }
        };
        made.map_err(|fault| Fault { wrong: Wrong { at: Some(at), ..fault.wrong }, ..fault })
    }

    fn check(&mut self, test: &Test) -> Result<u32, Fault> {
        let (left, field) = self.operand(&test.left)?;
        let wrong = |message: String| Fault::from(Wrong::at(test.at, message));
        let mut shape = field.shape;
        if test.left.transformers.first() == Some(&Transformer::Len) {
            shape = Shape::Number;
        }
        let mut other = None;
        let values = match &test.right {
            condition::Right::Nothing => Vec::new(),
            condition::Right::Value(item) => vec![item.bytes.clone()],
            condition::Right::List(items) => self.expanded(items).map_err(wrong)?,
            condition::Right::Field(right) => {
                if !Check::takes_field(test.op) {
                    return Err(wrong(format!("`{}` compares with no field", test.op.word())));
                }
                other = Some(self.operand(right)?.0);
                Vec::new()
            }
        };
        let key = (left, test.op, test.modifier, values, other);
        if let Some(known) = self.by_check.get(&key) {
            return Ok(*known);
        }
        self.values += key.3.len();
        if self.values > ALL_VALUES_MAX {
            return Err(wrong(format!(
                "the lists of this source have more than {ALL_VALUES_MAX} values together"
            )));
        }
        let (left, op, modifier, values, other) = key.clone();
        let right = match (op, other) {
            (_, Some(field)) => Right::Field(field),
            (Op::Exists, _) => Right::Nothing,
            (Op::In | Op::Intersects, _) => Right::Set(Set::of(values)),
            _ => {
                let pattern = |value: Vec<u8>| Pattern::of(op, shape, value);
                Right::Patterns(values.into_iter().map(pattern).collect::<Result<_, _>>().map_err(wrong)?)
            }
        };
        let place = u32::try_from(self.checks.len()).unwrap_or(u32::MAX);
        self.checks.push(Check { left, op, modifier, right });
        self.by_check.insert(key, place);
        Ok(place)
    }

    fn operand(&mut self, operand: &condition::Operand) -> Result<(Operand, &'static Field), Fault> {
        let name = operand.field.as_str();
        let wrong = |message: String, unknown| Fault {
            wrong: Wrong::at(operand.at, message),
            unknown,
            placed: false,
        };
        let field =
            fields::find(name).ok_or_else(|| wrong(format!("the field {name} is not known"), true))?;
        if !field.sources().contains(&self.source) {
            return Err(wrong(format!("the source {} has no field {name}", self.source.word()), true));
        }
        let argument = operand.argument.clone().unwrap_or_default();
        let digits =
            !argument.is_empty() && argument.len() < 10 && argument.bytes().all(|byte| byte.is_ascii_digit());
        match field.argument {
            Argument::No if !argument.is_empty() => {
                return Err(wrong(format!("the field {name} takes no argument"), false));
            }
            Argument::Key | Argument::Pointer if argument.is_empty() => {
                return Err(wrong(format!("the field {name} needs an argument in brackets"), false));
            }
            Argument::Number if !digits => {
                return Err(wrong(format!("the field {name} needs a whole number in brackets"), false));
            }
            Argument::Place if !argument.is_empty() && !digits => {
                return Err(wrong(format!("the argument of the field {name} must be a whole number"), false));
            }
            _ => {}
        }
        if matches!(field.read, Read::Memory) {
            self.needs_memory = Some(field.name);
        }
        let next = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let slot = *self.by_slot.entry((field.name, argument.clone())).or_insert(next);
        if slot == next {
            self.slots.push(Slot { field, argument });
        }
        Ok((Operand { slot, transformers: operand.transformers.clone() }, field))
    }

    /// Values with those of the lists that they name.
    fn expanded(&self, items: &[Item]) -> Result<Vec<Vec<u8>>, String> {
        let mut values = Vec::new();
        let mut looked = 0;
        let mut open: Vec<&str> = Vec::new();
        for item in items {
            self.expand(item, &mut values, &mut looked, &mut open)?;
        }
        Ok(values)
    }

    fn expand<'s>(
        &'s self,
        item: &Item,
        values: &mut Vec<Vec<u8>>,
        looked: &mut usize,
        open: &mut Vec<&'s str>,
    ) -> Result<(), String> {
        *looked += 1;
        if *looked > VALUES_MAX {
            return Err(format!("with the lists in it a list has more than {VALUES_MAX} values"));
        }
        let name = if item.quoted { None } else { std::str::from_utf8(&item.bytes).ok() };
        let Some((name, list)) = name.and_then(|name| self.definitions.lists.get_key_value(name)) else {
            values.push(item.bytes.clone());
            return Ok(());
        };
        if open.contains(&name.as_str()) {
            return Err(format!("the list {name:?} is in itself"));
        }
        if open.len() >= 50 {
            return Err("lists are in one another more than 50 deep".to_owned());
        }
        open.push(name);
        for text in &list.items {
            let place = &list.place;
            let item = Item::of_text(text)
                .map_err(|why| format!("in the list {name:?} ({} line {}): {why}", place.file, place.line))?;
            self.expand(&item, values, looked, open)?;
        }
        open.pop();
        Ok(())
    }

    /// Slots whose values a detection shows: those of the output first, then those of the condition.
    fn used(&self, tree: &Tree, output: &Output) -> Vec<u32> {
        let mut slots: Vec<u32> = output.slots().collect();
        let mut found = Vec::new();
        gather(tree, &mut found);
        slots.extend(
            found.iter().filter_map(|check| self.checks.get(*check as usize)).map(|check| check.left.slot),
        );
        let mut seen = std::collections::BTreeSet::new();
        slots.retain(|slot| seen.insert(*slot));
        slots.truncate(40);
        slots
    }
}

fn gather(tree: &Tree, found: &mut Vec<u32>) {
    if found.len() >= 100 {
        return;
    }
    match &tree.node {
        Node::And(trees) | Node::Or(trees) => trees.iter().for_each(|tree| gather(tree, found)),
        Node::Not(tree) => gather(tree, found),
        Node::Check(check) => found.push(*check),
    }
}

fn joined(mut trees: Vec<Rc<Tree>>, node: fn(Vec<Rc<Tree>>) -> Node) -> Result<Rc<Tree>, Fault> {
    if trees.len() == 1 {
        return trees.pop().ok_or_else(|| Wrong::whole("the condition is empty").into());
    }
    let size = trees.iter().fold(0u32, |size, tree| size.saturating_add(tree.size));
    let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or_default();
    joined_at(size, depth, node(trees))
}

/// A tree around others of this size and depth.
fn joined_at(size: u32, below: u32, node: Node) -> Result<Rc<Tree>, Fault> {
    let depth = below + 1;
    if depth > DEPTH_MAX {
        return Err(Wrong::whole(format!("with its macros it is nested more than {DEPTH_MAX} deep")).into());
    }
    Ok(Rc::new(Tree { node, size, depth }))
}

/// What an exception adds to a condition; nothing where it has no values.
fn excepted(exception: &Exception) -> Result<Option<Expr>, String> {
    let wrong = |why: String| format!("the exception {:?}: {why}", exception.name);
    let pairs = || exception.fields.iter().zip(&exception.comparisons);
    let mut tuples = Vec::new();
    if exception.single {
        let items =
            exception.values.iter().map(item).collect::<Result<Vec<Item>, String>>().map_err(wrong)?;
        if let Some((field, op)) = pairs().next().filter(|_| !items.is_empty()) {
            tuples
                .push(Expr::Check(Box::new(test(field, *op, condition::Right::List(items)).map_err(wrong)?)));
        }
    } else {
        for tuple in &exception.values {
            let values =
                tuple.as_array().ok_or_else(|| wrong("each of its values must be a list".to_owned()))?;
            if values.len() != exception.fields.len() {
                return Err(wrong(format!(
                    "a value has {} parts; it has {} fields",
                    values.len(),
                    exception.fields.len()
                )));
            }
            let checks = pairs().zip(values).map(|((field, op), value)| {
                let right = match value {
                    serde_json::Value::Array(items) => {
                        condition::Right::List(items.iter().map(item).collect::<Result<_, _>>()?)
                    }
                    one if op.takes_list() => condition::Right::List(vec![item(one)?]),
                    one => condition::Right::Value(item(one)?),
                };
                match (&right, op.takes_list()) {
                    (condition::Right::List(_), false) => {
                        Err(format!("`{}` compares with one value", op.word()))
                    }
                    _ => test(field, *op, right).map(|test| Expr::Check(Box::new(test))),
                }
            });
            tuples.push(Expr::And(checks.collect::<Result<_, _>>().map_err(wrong)?));
        }
    }
    Ok((!tuples.is_empty()).then(|| Expr::Not(Box::new(Expr::Or(tuples)))))
}

/// A value of an exception. The name of a list may stand in parentheses, as conditions have it.
fn item(value: &serde_json::Value) -> Result<Item, String> {
    let text = crate::definitions::text(value).ok_or("a value must be a text")?;
    let name = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).map(str::trim);
    Item::of_text(name.unwrap_or(&text))
}

/// A comparison of a field that is written as in a condition, perhaps inside transformers.
fn test(field: &str, op: Op, right: condition::Right) -> Result<Test, String> {
    let parsed = condition::parse(&format!("{field} exists"))
        .map_err(|wrong| format!("{field:?}: {}", wrong.message))?;
    match parsed {
        Expr::Check(test) if test.op == Op::Exists => Ok(Test { op, right, ..*test }),
        _ => Err(format!("{field:?} is no field")),
    }
}
