//! CEL expressions of admission policies over one subject: its variables, and those that a policy defines.

use std::cell::{Cell, RefCell};

use serde_json::Value;

use crate::cel::{Fault, Meter, OBJECT, Program, Roots, Run, Val, failed};
use crate::subject::Subject;

/// Steps of all expressions of one policy over one object.
const STEPS_MAX: u64 = 500_000;

/// The names that an expression may use.
pub(crate) const NAMES: [&str; 6] =
    ["object", "oldObject", "request", "params", "namespaceObject", "variables"];

/// A variable of a policy, computed when it is first asked for.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) program: Program,
}

/// Compiles an expression.
///
/// # Errors
/// What is wrong, with the place in the policy that it stands at.
pub(crate) fn compile(place: &str, text: &str) -> Result<Program, String> {
    Program::compile(text, &NAMES).map_err(|error| format!("{place}: {}", crate::shown(&error)))
}

/// Compiles an expression that may make objects.
///
/// # Errors
/// As [`compile`].
pub(crate) fn compile_making(place: &str, text: &str) -> Result<Program, String> {
    Program::making_objects(text, &NAMES).map_err(|error| format!("{place}: {}", crate::shown(&error)))
}

/// One subject as expressions see it.
pub(crate) struct Scene<'a> {
    subject: &'a Subject,
    params: &'a Value,
    /// What makes an expression that asks for `params` fail.
    variables: &'a [Variable],
    /// Which of them are computed, and what came out.
    known: RefCell<Vec<Option<Result<Val<'a>, Fault>>>>,
    computing: Cell<usize>,
    meter: Meter,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(subject: &'a Subject, params: &'a Value, variables: &'a [Variable]) -> Self {
        let known = RefCell::new(vec![None; variables.len()]);
        Self {
            subject,
            params,
            variables,
            known,
            computing: Cell::new(variables.len()),
            meter: Meter::new(STEPS_MAX),
        }
    }

    /// Whether an expression holds.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub(crate) fn holds(&self, program: &'a Program) -> Result<bool, String> {
        match self.value(program)? {
            Val::Bool(value) => Ok(value),
            other => Err(format!("the expression is a {} and not true or false", other.type_name())),
        }
    }

    /// Whether all conditions hold. One that does not hold outvotes one that cannot be computed.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub(crate) fn all_hold(&self, conditions: &'a [Program]) -> Result<bool, String> {
        let mut unknown = None;
        for condition in conditions {
            match self.holds(condition) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(why) => unknown = Some(why),
            }
        }
        unknown.map_or(Ok(true), Err)
    }

    /// The object that an expression makes, with types that are named like the places they stand at.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn object(&self, program: &'a Program) -> Result<Value, String> {
        let run = Run { roots: self, meter: &self.meter };
        let made = run.value(program).and_then(|value| match value {
            Val::Object(_) => run.json(&value, Some(OBJECT)),
            other => failed(format!("the expression is a {} and not an {OBJECT}", other.type_name())),
        });
        made.map_err(|fault| crate::shown(&fault.to_string()))
    }

    /// The operations of a JSON Patch that an expression makes.
    ///
    /// # Errors
    /// Why there are none.
    pub(crate) fn operations(&self, program: &'a Program) -> Result<Vec<Value>, String> {
        let run = Run { roots: self, meter: &self.meter };
        let made = run.value(program).and_then(|value| run.operations(&value));
        made.map_err(|fault| crate::shown(&fault.to_string()))
    }

    /// The text that an expression makes; nothing where it is empty or not a text.
    pub(crate) fn text(&self, program: &'a Program) -> Option<String> {
        let value = self.value(program).ok()?;
        let text = value.as_str()?.trim();
        (!text.is_empty() && !text.contains('\n')).then(|| text.to_owned())
    }

    fn value(&self, program: &'a Program) -> Result<Val<'a>, String> {
        Run { roots: self, meter: &self.meter }
            .value(program)
            .map_err(|fault| crate::shown(&fault.to_string()))
    }

    /// A variable sees those before it.
    fn variable(&self, run: &Run<'_, 'a>, name: &str) -> Result<Val<'a>, Fault> {
        let found =
            self.variables.iter().take(self.computing.get()).position(|variable| variable.name == name);
        let Some((place, variable)) = found.and_then(|place| self.variables.get(place).map(|v| (place, v)))
        else {
            return failed(format!("there is no variable {name:?} before this one"));
        };
        if let Some(known) = self.known.borrow().get(place).cloned().flatten() {
            return known;
        }
        let before = self.computing.replace(place);
        let value = run.value(&variable.program);
        self.computing.set(before);
        if let Some(known) = self.known.borrow_mut().get_mut(place) {
            *known = Some(value.clone());
        }
        value
    }
}

impl<'a> Roots<'a> for Scene<'a> {
    fn root(&self, _run: &Run<'_, 'a>, name: &str) -> Option<Result<Val<'a>, Fault>> {
        Some(match name {
            "object" => Ok(Val::of(self.subject.object())),
            "oldObject" => Ok(Val::of(self.subject.old_object())),
            "request" => Ok(Val::of(&self.subject.request)),
            "params" => Ok(Val::of(self.params)),
            "namespaceObject" => self.subject.namespace_object().map(Val::of).map_err(Fault::Failed),
            _ => return None,
        })
    }

    fn variable(&self, run: &Run<'_, 'a>, name: &str) -> Option<Result<Val<'a>, Fault>> {
        Some(Scene::variable(self, run, name))
    }
}
