//! Macros that the parser leaves as calls: those with two variables, those of optional values, and `sortBy`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use cel::common::ast::{CallExpr, Expr};
use cel::parser::Expression;

use super::eval::{Outer, Run, Scope};
use super::operators::unfit;
use super::value::Val;
use super::{Fault, failed};

/// Which macro.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    All,
    Exists,
    ExistsOne,
    TransformList,
    TransformMap,
    TransformMapEntry,
    OptMap,
    OptFlatMap,
    SortBy,
}

/// A macro: what it goes over, its variables, and what is computed with them.
pub(super) struct Late<'e> {
    kind: Kind,
    pub(super) target: &'e Expression,
    pub(super) names: Vec<&'e str>,
    pub(super) bodies: &'e [Expression],
}

impl<'e> Late<'e> {
    /// The macro that a call is; nothing where it is a call indeed.
    ///
    /// # Errors
    /// A variable that is not a name.
    pub(super) fn of(call: &'e CallExpr) -> Option<Result<Self, String>> {
        let target = call.target.as_deref()?;
        let (kind, variables) = match (call.func_name.as_str(), call.args.len()) {
            ("all", 3) => (Kind::All, 2),
            ("exists", 3) => (Kind::Exists, 2),
            ("existsOne" | "exists_one", 3) => (Kind::ExistsOne, 2),
            ("transformList", 3 | 4) => (Kind::TransformList, 2),
            ("transformMap", 3 | 4) => (Kind::TransformMap, 2),
            ("transformMapEntry", 3 | 4) => (Kind::TransformMapEntry, 2),
            ("optMap", 2) => (Kind::OptMap, 1),
            ("optFlatMap", 2) => (Kind::OptFlatMap, 1),
            ("sortBy", 2) => (Kind::SortBy, 1),
            _ => return None,
        };
        let (variables, bodies) = call.args.split_at_checked(variables)?;
        let name = |variable: &'e Expression| match &variable.expr {
            Expr::Ident(name) => Some(name.as_str()),
            _ => None,
        };
        let names: Option<Vec<&str>> = variables.iter().map(name).collect();
        Some(match names {
            Some(names) => Ok(Self { kind, target, names, bodies }),
            None => Err(format!("a variable of {} is not a simple name", call.func_name)),
        })
    }
}

impl<'a> Run<'_, 'a> {
    pub(super) fn late(&self, late: &Late<'a>, scope: Outer<'_, 'a>) -> Result<Val<'a>, Fault> {
        let target = self.eval(late.target, scope)?;
        let [first, rest @ ..] = late.bodies else { return failed("a macro has nothing to compute") };
        let last = rest.first();
        match late.kind {
            Kind::OptMap | Kind::OptFlatMap => {
                let Val::Optional(inner) = target else { return unfit("optMap", &[&target]) };
                let Some(inner) = inner else { return Ok(Val::Optional(None)) };
                let value = self.with(late, [(*inner).clone(), Val::Null], first, scope)?;
                Ok(if late.kind == Kind::OptMap { Val::some(value) } else { value })
            }
            Kind::SortBy => self.sort_by(late, &target, first, scope),
            Kind::All => self.quantified(late, &target, first, false, scope),
            Kind::Exists => self.quantified(late, &target, first, true, scope),
            Kind::ExistsOne => {
                let mut found = 0_u32;
                for pair in pairs(&target)? {
                    found += u32::from(truth(self.with(late, pair, first, scope)?)?);
                }
                Ok(Val::Bool(found == 1))
            }
            Kind::TransformList => {
                let mut all = Vec::new();
                for pair in self.kept(late, &target, first, last, scope)? {
                    all.push(self.with(late, pair, last.unwrap_or(first), scope)?);
                }
                Ok(Val::list(all))
            }
            Kind::TransformMap | Kind::TransformMapEntry => self.transform(late, &target, first, last, scope),
        }
    }

    /// The value of a part of a macro for one pair. A macro of one variable has the first of the two.
    fn with(
        &self,
        late: &Late<'a>,
        pair: [Val<'a>; 2],
        body: &'a Expression,
        scope: Outer<'_, 'a>,
    ) -> Result<Val<'a>, Fault> {
        let [first, second] = pair.map(Ok);
        let mut names = late.names.iter();
        let outer = Scope { name: names.next().copied().unwrap_or_default(), value: &first, outer: scope };
        match names.next() {
            None => self.eval(body, Some(&outer)),
            Some(name) => self.eval(body, Some(&Scope { name, value: &second, outer: Some(&outer) })),
        }
    }

    /// The pairs that the condition of a macro keeps, where there is a condition: the first of two bodies is one.
    fn kept(
        &self,
        late: &Late<'a>,
        target: &Val<'a>,
        first: &'a Expression,
        last: Option<&'a Expression>,
        scope: Outer<'_, 'a>,
    ) -> Result<Vec<[Val<'a>; 2]>, Fault> {
        let mut kept = Vec::new();
        for pair in pairs(target)? {
            self.meter.charge(1)?;
            if last.is_none() || truth(self.with(late, pair.clone(), first, scope)?)? {
                kept.push(pair);
            }
        }
        Ok(kept)
    }

    /// `all` and `exists`: an item that decides outvotes an error of another.
    fn quantified(
        &self,
        late: &Late<'a>,
        target: &Val<'a>,
        body: &'a Expression,
        decides: bool,
        scope: Outer<'_, 'a>,
    ) -> Result<Val<'a>, Fault> {
        let mut unknown = None;
        for pair in pairs(target)? {
            match self.with(late, pair, body, scope).and_then(truth) {
                Ok(value) if value == decides => return Ok(Val::Bool(decides)),
                Ok(_) => {}
                Err(Fault::Exhausted) => return Err(Fault::Exhausted),
                Err(fault) => unknown = Some(fault),
            }
        }
        unknown.map_or(Ok(Val::Bool(!decides)), Err)
    }

    fn transform(
        &self,
        late: &Late<'a>,
        target: &Val<'a>,
        first: &'a Expression,
        last: Option<&'a Expression>,
        scope: Outer<'_, 'a>,
    ) -> Result<Val<'a>, Fault> {
        let mut made = BTreeMap::new();
        for pair in self.kept(late, target, first, last, scope)? {
            let key = pair.first().and_then(Val::key);
            let value = self.with(late, pair, last.unwrap_or(first), scope)?;
            let entries = match (late.kind, &value) {
                (Kind::TransformMap, _) => vec![(key, value)],
                (_, Val::Map(entries)) => {
                    entries.iter().map(|(key, value)| (Some(key.clone()), value.clone())).collect()
                }
                (_, other) => return unfit("transformMapEntry", &[other]),
            };
            for (key, value) in entries {
                let Some(key) = key else { return failed("it is not a key of a map") };
                if made.insert(key, value).is_some() {
                    return failed("a map has the same key twice");
                }
            }
        }
        Ok(Val::Map(Rc::new(made)))
    }

    fn sort_by(
        &self,
        late: &Late<'a>,
        target: &Val<'a>,
        body: &'a Expression,
        scope: Outer<'_, 'a>,
    ) -> Result<Val<'a>, Fault> {
        let Some(items) = target.items() else { return unfit("sortBy", &[target]) };
        let mut all = Vec::with_capacity(items.len());
        for item in items.iter() {
            all.push((self.with(late, [item.clone(), Val::Null], body, scope)?, item));
        }
        self.sort(&mut all)?;
        Ok(Val::list(all.into_iter().map(|(_, item)| item).collect()))
    }

    /// Sorts by the first of each pair.
    pub(super) fn sort(&self, all: &mut [(Val<'a>, Val<'a>)]) -> Result<(), Fault> {
        let depth = usize::try_from(all.len().checked_ilog2().unwrap_or_default()).unwrap_or_default() + 1;
        self.meter.charge(all.len().saturating_mul(depth))?;
        for (a, b) in all.iter().zip(all.iter().skip(1)) {
            if a.0.compare(&b.0).is_none() {
                return unfit("a comparison", &[&a.0, &b.0]);
            }
        }
        all.sort_by(|a, b| a.0.compare(&b.0).unwrap_or(Ordering::Equal));
        Ok(())
    }
}

/// The places and items of a list, or the keys and values of a map.
fn pairs<'a>(target: &Val<'a>) -> Result<Vec<[Val<'a>; 2]>, Fault> {
    if let Some(items) = target.items() {
        let place = |place: usize| Val::Int(i64::try_from(place).unwrap_or(i64::MAX));
        return Ok(items.iter().enumerate().map(|(at, item)| [place(at), item]).collect());
    }
    let Some(keys) = target.keys() else { return failed(format!("a {} has no items", target.type_name())) };
    let pair = |key: Val<'a>| {
        let value = target.index(&key).ok().flatten().unwrap_or(Val::Null);
        [key, value]
    };
    Ok(keys.into_iter().map(pair).collect())
}

fn truth(value: Val<'_>) -> Result<bool, Fault> {
    match value {
        Val::Bool(value) => Ok(value),
        other => failed(format!("a {} is neither true nor false", other.type_name())),
    }
}
