//! What can be said of an expression before it is computed: how deep it is, which functions and variables it names.

use cel::common::ast::{EntryExpr, Expr};
use cel::parser::Expression;

use super::functions::{self, Style};
use super::macros::Late;
use super::object;

/// How deep an expression may be nested, macros expanded: what computes it goes as deep.
const DEPTH_MAX: usize = 250;
/// How many macros may stand in one another. The budget bounds their work; this says it to the author beforehand.
const MACROS_MAX: usize = 6;

/// What Kubernetes lets an expression ask for rights.
const AUTHORIZER: &str = "authorizer";

/// A part of an expression, and where it stands.
struct Part<'e> {
    expression: &'e Expression,
    depth: usize,
    macros: usize,
    bound: Vec<&'e str>,
}

/// Looks at every part. Goes without recursion, so that nothing too deep is followed down.
///
/// # Errors
/// What is wrong, for the policy's author.
pub(super) fn check(expression: &Expression, names: &[&str], objects: bool) -> Result<(), String> {
    let mut parts = vec![Part { expression, depth: 0, macros: 0, bound: Vec::new() }];
    let mut first = Ok(());
    while let Some(part) = parts.pop() {
        if part.depth > DEPTH_MAX {
            return Err(format!("the expression is nested more than {DEPTH_MAX} deep"));
        }
        if part.macros > MACROS_MAX {
            return Err(format!("more than {MACROS_MAX} macros stand in one another"));
        }
        let found = one(&part, names, objects, &mut parts);
        // What is called on the authorizer is unknown too, but does not say why.
        if found.as_ref().is_err_and(|why| why.contains(AUTHORIZER)) {
            return found;
        }
        first = first.and(found);
    }
    first
}

fn one<'e>(part: &Part<'e>, names: &[&str], objects: bool, parts: &mut Vec<Part<'e>>) -> Result<(), String> {
    let mut go = |expression: &'e Expression| {
        parts.push(Part {
            expression,
            depth: part.depth + 1,
            macros: part.macros,
            bound: part.bound.clone(),
        });
    };
    match &part.expression.expr {
        Expr::Unspecified => return Err("the expression is empty".to_owned()),
        Expr::Literal(_) => {}
        Expr::Ident(name) => identifier(name, &part.bound, names)?,
        Expr::Select(select) => go(&select.operand),
        Expr::List(list) => list.elements.iter().for_each(go),
        Expr::Map(map) => {
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    go(&entry.key);
                    go(&entry.value);
                }
            }
        }
        Expr::Struct(made) if !objects => {
            return Err(format!("{:?} cannot be made: only lists and maps can", made.type_name));
        }
        Expr::Struct(made) => {
            object::known(made)?;
            for entry in &made.entries {
                if let EntryExpr::StructField(field) = &entry.expr {
                    go(&field.value);
                }
            }
        }
        Expr::Call(call) if Late::of(call).is_some() => {
            let Some(late) = Late::of(call).transpose()? else { return Ok(()) };
            go(late.target);
            let mut bound = part.bound.clone();
            bound.extend(&late.names);
            for body in late.bodies {
                let (depth, macros) = (part.depth + 1, part.macros + 1);
                parts.push(Part { expression: body, depth, macros, bound: bound.clone() });
            }
        }
        Expr::Call(call) => {
            let space = functions::namespace(call, |name| part.bound.contains(&name));
            let style = match (&space, &call.target) {
                (None, Some(_)) => Style::Method,
                _ => Style::Global,
            };
            let name = space.as_deref().unwrap_or(&call.func_name);
            if let (None, Some(target)) = (&space, &call.target) {
                go(target);
            }
            call.args.iter().for_each(go);
            functions::known(name, style, call.args.len())?;
        }
        Expr::Comprehension(made) => {
            if made.iter_var2.is_some() {
                return Err("macros with two variables are not supported".to_owned());
            }
            go(&made.iter_range);
            go(&made.accu_init);
            let mut bound = part.bound.clone();
            bound.extend([made.iter_var.as_str(), made.accu_var.as_str()]);
            for inner in [&made.loop_cond, &made.loop_step, &made.result] {
                let (depth, macros) = (part.depth + 1, part.macros + 1);
                parts.push(Part { expression: inner, depth, macros, bound: bound.clone() });
            }
        }
    }
    Ok(())
}

fn identifier(name: &str, bound: &[&str], names: &[&str]) -> Result<(), String> {
    let name = name.strip_prefix('.').unwrap_or(name);
    if bound.contains(&name) || names.contains(&name) || functions::type_name(name).is_some() {
        return Ok(());
    }
    if name == AUTHORIZER {
        return Err(format!("`{AUTHORIZER}` asks the API server for rights and is not available here"));
    }
    Err(format!("{name:?} is not a variable; there are {}", names.join(", ")))
}
