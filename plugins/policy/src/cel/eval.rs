//! Computing an expression.

use std::collections::BTreeMap;
use std::rc::Rc;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, ListExpr, LiteralValue, MapExpr, SelectExpr, operators,
};
use cel::parser::Expression;

use super::macros::Late;
use super::value::{Text, Val};
use super::{Fault, Meter, Program, failed, functions};

/// What the names of an expression stand for.
pub(crate) trait Roots<'a> {
    /// The value of a variable; nothing where there is none of this name.
    fn root(&self, run: &Run<'_, 'a>, name: &str) -> Option<Result<Val<'a>, Fault>>;

    /// The value of `variables.name`; nothing where there are no such variables at all.
    fn variable(&self, _run: &Run<'_, 'a>, _name: &str) -> Option<Result<Val<'a>, Fault>> {
        None
    }
}

/// One computation: its variables and its budget.
pub(crate) struct Run<'r, 'a> {
    pub(crate) roots: &'r dyn Roots<'a>,
    pub(crate) meter: &'r Meter,
}

/// A variable of a macro. What accumulates may be an error, which `||` and `&&` may still outvote.
pub(super) struct Scope<'s, 'a> {
    pub(super) name: &'a str,
    pub(super) value: &'s Result<Val<'a>, Fault>,
    pub(super) outer: Option<&'s Scope<'s, 'a>>,
}

pub(super) type Outer<'s, 'a> = Option<&'s Scope<'s, 'a>>;

impl<'a> Run<'_, 'a> {
    /// The value of a program.
    pub(crate) fn value(&self, program: &'a Program) -> Result<Val<'a>, Fault> {
        self.eval(&program.expression, None)
    }

    pub(super) fn eval(&self, expression: &'a Expression, scope: Outer<'_, 'a>) -> Result<Val<'a>, Fault> {
        self.meter.charge(1)?;
        match &expression.expr {
            Expr::Unspecified => failed("it is not an expression"),
            Expr::Struct(made) => self.object(made, scope),
            Expr::Literal(literal) => Ok(of_literal(literal)),
            Expr::Ident(name) => self.identifier(name, scope),
            Expr::Select(select) => self.select(select, scope),
            Expr::List(list) => self.list(list, scope),
            Expr::Map(map) => self.map(map, scope),
            Expr::Call(call) => self.call(call, scope),
            Expr::Comprehension(made) => self.comprehension(made, scope),
        }
    }

    fn identifier(&self, name: &'a str, scope: Outer<'_, 'a>) -> Result<Val<'a>, Fault> {
        let mut place = scope;
        while let Some(here) = place {
            if here.name == name {
                return here.value.clone();
            }
            place = here.outer;
        }
        let name = name.strip_prefix('.').unwrap_or(name);
        match self.roots.root(self, name) {
            Some(value) => value,
            None => match functions::type_name(name) {
                Some(name) => Ok(Val::Type(name)),
                None => failed(format!("{name} is not known here")),
            },
        }
    }

    fn select(&self, select: &'a SelectExpr, scope: Outer<'_, 'a>) -> Result<Val<'a>, Fault> {
        if let Expr::Ident(name) = &select.operand.expr
            && name == "variables"
            && !self.bound(name, scope)
            && let Some(value) = self.roots.variable(self, &select.field)
        {
            return if select.test && value.is_ok() { Ok(Val::Bool(true)) } else { value };
        }
        let operand = self.eval(&select.operand, scope)?;
        if let Val::Optional(inner) = &operand {
            let member = inner.as_ref().and_then(|inner| inner.member(&select.field));
            return Ok(match select.test {
                true => Val::Bool(member.is_some()),
                false => Val::Optional(member.map(Rc::new)),
            });
        }
        if !matches!(operand.type_name(), "map" | "object") {
            return failed(format!("a {} has no member {:?}", operand.type_name(), select.field));
        }
        match operand.member(&select.field) {
            found if select.test => Ok(Val::Bool(found.is_some())),
            Some(value) => Ok(value),
            None => failed(format!("no such key: {}", select.field)),
        }
    }

    fn list(&self, list: &'a ListExpr, scope: Outer<'_, 'a>) -> Result<Val<'a>, Fault> {
        let mut items = Vec::with_capacity(list.elements.len());
        for (place, element) in list.elements.iter().enumerate() {
            let value = self.eval(element, scope)?;
            if !list.optional_indices.contains(&place) {
                items.push(value);
                continue;
            }
            match value {
                Val::Optional(inner) => items.extend(inner.map(|inner| (*inner).clone())),
                other => {
                    return failed(format!("a {} stands where an optional is wanted", other.type_name()));
                }
            }
        }
        Ok(Val::list(items))
    }

    fn map(&self, map: &'a MapExpr, scope: Outer<'_, 'a>) -> Result<Val<'a>, Fault> {
        let mut made = BTreeMap::new();
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else { return failed("it is not a map") };
            let key = self.eval(&entry.key, scope)?;
            let Some(key) = key.key() else { return failed(format!("a {} is not a key", key.type_name())) };
            let value = match (entry.optional, self.eval(&entry.value, scope)?) {
                (false, value) => value,
                (true, Val::Optional(Some(inner))) => (*inner).clone(),
                (true, _) => continue,
            };
            if made.insert(key, value).is_some() {
                return failed("a map has the same key twice");
            }
        }
        Ok(Val::Map(Rc::new(made)))
    }

    fn call(&self, call: &'a CallExpr, scope: Outer<'_, 'a>) -> Result<Val<'a>, Fault> {
        if call.target.is_none() {
            match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::LOGICAL_AND, [a, b]) => return self.logic(a, b, false, scope),
                (operators::LOGICAL_OR, [a, b]) => return self.logic(a, b, true, scope),
                (operators::CONDITIONAL, [condition, yes, no]) => {
                    return match self.eval(condition, scope)? {
                        Val::Bool(true) => self.eval(yes, scope),
                        Val::Bool(false) => self.eval(no, scope),
                        other => failed(format!("a {} is neither true nor false", other.type_name())),
                    };
                }
                (operators::NOT_STRICTLY_FALSE, [argument]) => {
                    return match self.eval(argument, scope) {
                        Ok(Val::Bool(value)) => Ok(Val::Bool(value)),
                        Err(Fault::Exhausted) => Err(Fault::Exhausted),
                        _ => Ok(Val::Bool(true)),
                    };
                }
                _ => {}
            }
        }
        if let Some(late) = Late::of(call) {
            return self.late(&late.map_err(Fault::Failed)?, scope);
        }
        let space = functions::namespace(call, |name| self.bound(name, scope));
        let mut arguments = Vec::with_capacity(call.args.len() + 1);
        if let (None, Some(target)) = (&space, &call.target) {
            arguments.push(self.eval(target, scope)?);
        }
        for argument in &call.args {
            arguments.push(self.eval(argument, scope)?);
        }
        self.apply(space.as_deref().unwrap_or(&call.func_name), &arguments)
    }

    fn bound(&self, name: &str, scope: Outer<'_, 'a>) -> bool {
        let mut place = scope;
        while let Some(here) = place {
            if here.name == name {
                return true;
            }
            place = here.outer;
        }
        false
    }

    /// `&&` and `||`: the side that decides outvotes an error of the other.
    fn logic(
        &self,
        a: &'a Expression,
        b: &'a Expression,
        decides: bool,
        scope: Outer<'_, 'a>,
    ) -> Result<Val<'a>, Fault> {
        let left = self.eval(a, scope);
        match &left {
            Ok(Val::Bool(value)) if *value == decides => return left,
            Err(Fault::Exhausted) => return left,
            _ => {}
        }
        let right = self.eval(b, scope);
        match (left, right) {
            (_, Ok(Val::Bool(value))) if value == decides => Ok(Val::Bool(decides)),
            (Ok(Val::Bool(_)), Ok(Val::Bool(_))) => Ok(Val::Bool(!decides)),
            (_, Err(Fault::Exhausted)) => Err(Fault::Exhausted),
            (Err(fault), _) | (Ok(Val::Bool(_)), Err(fault)) => Err(fault),
            (Ok(other), _) if !matches!(other, Val::Bool(_)) => {
                failed(format!("a {} is neither true nor false", other.type_name()))
            }
            (_, Ok(other)) => failed(format!("a {} is neither true nor false", other.type_name())),
            (_, Err(fault)) => Err(fault),
        }
    }

    fn comprehension(&self, made: &'a ComprehensionExpr, scope: Outer<'_, 'a>) -> Result<Val<'a>, Fault> {
        let range = self.eval(&made.iter_range, scope)?;
        let items: Vec<Val<'a>> = match (range.items(), range.keys()) {
            (Some(items), _) => items.iter().collect(),
            (None, Some(keys)) => keys,
            _ => return failed(format!("a {} has no items", range.type_name())),
        };
        self.meter.charge(items.len() / 16)?;
        if let Some(append) = Append::of(made) {
            return self.append(made, &append, items, scope);
        }
        let mut accumulated = self.eval(&made.accu_init, scope);
        for item in items {
            let item = Ok(item);
            let outer = Scope { name: &made.accu_var, value: &accumulated, outer: scope };
            let inner = Scope { name: &made.iter_var, value: &item, outer: Some(&outer) };
            match self.eval(&made.loop_cond, Some(&inner))? {
                Val::Bool(true) => {}
                _ => break,
            }
            let next = self.eval(&made.loop_step, Some(&inner));
            if matches!(next, Err(Fault::Exhausted)) {
                return Err(Fault::Exhausted);
            }
            accumulated = next;
        }
        let inner = Scope { name: &made.accu_var, value: &accumulated, outer: scope };
        self.eval(&made.result, Some(&inner))
    }

    /// `map` and `filter`: appends to one list instead of making a longer one for every item.
    fn append(
        &self,
        made: &'a ComprehensionExpr,
        append: &Append<'a>,
        items: Vec<Val<'a>>,
        scope: Outer<'_, 'a>,
    ) -> Result<Val<'a>, Fault> {
        let mut all = Vec::new();
        for item in items {
            let item = Ok(item);
            let inner = Scope { name: &made.iter_var, value: &item, outer: scope };
            if let Some(guard) = append.guard {
                match self.eval(guard, Some(&inner))? {
                    Val::Bool(true) => {}
                    Val::Bool(false) => continue,
                    other => return failed(format!("a {} is neither true nor false", other.type_name())),
                }
            }
            for element in append.elements {
                all.push(self.eval(element, Some(&inner))?);
            }
        }
        Ok(Val::list(all))
    }
}

/// The shape that the parser gives `map` and `filter`: `result + [element]`, perhaps under a condition.
struct Append<'a> {
    guard: Option<&'a Expression>,
    elements: &'a [Expression],
}

impl<'a> Append<'a> {
    fn of(made: &'a ComprehensionExpr) -> Option<Self> {
        let accumulator = |e: &Expression| matches!(&e.expr, Expr::Ident(name) if *name == made.accu_var);
        let call = |e: &'a Expression, name: &str| match &e.expr {
            Expr::Call(call) if call.func_name == name && call.target.is_none() => Some(call.args.as_slice()),
            _ => None,
        };
        let elements = |e: &'a Expression| match call(e, operators::ADD)? {
            [left, Expression { expr: Expr::List(list), .. }] if accumulator(left) => {
                list.optional_indices.is_empty().then_some(list.elements.as_slice())
            }
            _ => None,
        };
        let empty = matches!(&made.accu_init.expr, Expr::List(list) if list.elements.is_empty());
        let always = matches!(&made.loop_cond.expr, Expr::Literal(LiteralValue::Boolean(b)) if *b.inner());
        if !empty || !always || !accumulator(&made.result) {
            return None;
        }
        if let Some([guard, step, otherwise]) = call(&made.loop_step, operators::CONDITIONAL) {
            return accumulator(otherwise)
                .then(|| elements(step))
                .flatten()
                .map(|elements| Self { guard: Some(guard), elements });
        }
        elements(&made.loop_step).map(|elements| Self { guard: None, elements })
    }
}

fn of_literal(literal: &LiteralValue) -> Val<'_> {
    match literal {
        LiteralValue::Null => Val::Null,
        LiteralValue::Boolean(value) => Val::Bool(*value.inner()),
        LiteralValue::Int(value) => Val::Int(*value.inner()),
        LiteralValue::UInt(value) => Val::Uint(*value.inner()),
        LiteralValue::Double(value) => Val::Double(*value.inner()),
        LiteralValue::String(value) => Val::Text(Text::Borrowed(value.inner())),
        LiteralValue::Bytes(value) => Val::Bytes(value.inner().into()),
    }
}
