//! Expressions of the Common Expression Language, as Kubernetes' admission policies use it.
//!
//! The text is parsed by the crate `cel`; what the parsed expression means is computed here, because an expression of a stranger
//! needs a bound on its work, and because Kubernetes adds functions and lazy variables. Every step and every sixteen bytes of a
//! text that is made cost one unit of a budget, and an expression that has used up its budget ends with an error that no `||`
//! hides. Values of the request are borrowed, never copied.
//!
//! Types are checked while computing, not before: the parser and the names and numbers of arguments of functions are what is
//! checked when a policy is loaded.

mod check;
mod eval;
mod formats;
mod functions;
mod image;
mod libraries;
mod lists;
mod macros;
mod network;
mod object;
mod operators;
mod quantity;
mod semver;
mod text;
mod time;
mod url;
mod value;

use std::cell::Cell;
use std::fmt;

use cel::parser::{Expression, PrattParser};

pub(crate) use eval::{Roots, Run};
pub(crate) use object::OBJECT;
pub(crate) use value::Val;

/// Longest expression, in bytes.
const TEXT_MAX: usize = 32 << 10;
/// Parts of an expression, after its macros are expanded.
const NODES_MAX: usize = 10_000;
/// How deep an expression may be nested for the parser.
const PARSER_DEPTH_MAX: u16 = 60;

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The budget is used up; nothing may hide that.
    Exhausted,
    /// As the language has it: `||`, `&&` and the macros may do without the value.
    Failed(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted => f.write_str("it takes more steps than a policy may take for one object"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

pub(crate) fn failed<T>(why: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Failed(why.into()))
}

/// The steps that are left.
#[derive(Debug)]
pub(crate) struct Meter(Cell<u64>);

impl Meter {
    pub(crate) fn new(steps: u64) -> Self {
        Self(Cell::new(steps))
    }

    pub(crate) fn charge(&self, steps: usize) -> Result<(), Fault> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        match self.0.get().checked_sub(steps) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => {
                self.0.set(0);
                Err(Fault::Exhausted)
            }
        }
    }

    /// For a text or a list that is looked through or made.
    pub(crate) fn charge_bytes(&self, bytes: usize) -> Result<(), Fault> {
        self.charge(bytes / 16 + 1)
    }
}

/// A parsed and checked expression.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) expression: Expression,
}

impl Program {
    /// Parses an expression that may name these variables.
    ///
    /// # Errors
    /// What is wrong with it and where, for the policy's author.
    pub(crate) fn compile(text: &str, names: &[&str]) -> Result<Self, String> {
        Self::parse(text, names, false)
    }

    /// The same for an expression that may make objects, as those of a MutatingAdmissionPolicy do.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub(crate) fn making_objects(text: &str, names: &[&str]) -> Result<Self, String> {
        Self::parse(text, names, true)
    }

    fn parse(text: &str, names: &[&str], objects: bool) -> Result<Self, String> {
        if text.len() > TEXT_MAX {
            return Err(format!("the expression has {} bytes; at most {TEXT_MAX} are allowed", text.len()));
        }
        let parser = PrattParser::new()
            .max_recursion_depth(PARSER_DEPTH_MAX)
            .max_expression_node_count(NODES_MAX)
            .enable_optional_syntax(true)
            .enable_ident_escape_syntax(true);
        let expression = parser.parse(text).map_err(|errors| {
            let first = errors.errors.first();
            let place = first.map(|error| error.pos).unwrap_or_default();
            let message = first.map(|error| error.msg.clone()).unwrap_or_default();
            format!("line {}, column {}: {message}", place.0, place.1)
        })?;
        check::check(&expression, names, objects)?;
        Ok(Self { expression })
    }
}

#[cfg(test)]
mod library_tests;
#[cfg(test)]
mod tests;
