//! Functions of lists and sets: those of Kubernetes, and those of the extension `lists`.

use std::cmp::Ordering;

use cel::common::ast::operators;

use super::eval::Run;
use super::operators::unfit;
use super::value::{Items, Val};
use super::{Fault, failed};

/// Longest list that `lists.range` makes; the budget ends longer ones anyway.
const RANGE_MAX: i64 = 1_000_000;

impl<'a> Run<'_, 'a> {
    /// The value of a function of lists; nothing where the name or the arguments are none of one.
    pub(super) fn of_lists(&self, name: &str, arguments: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
        let items = arguments.first()?.items();
        Some(match (name, arguments) {
            ("size", [value]) => {
                let Some(size) = value.size() else { return Some(unfit(name, &[value])) };
                Ok(Val::Int(i64::try_from(size).unwrap_or(i64::MAX)))
            }
            ("sum", [_]) => self.sum(&items?.iter().collect::<Vec<_>>()),
            ("min", [_]) => self.extreme(items?.iter(), Ordering::Less),
            ("max", [_]) => self.extreme(items?.iter(), Ordering::Greater),
            ("math.least", [_, ..]) => self.extreme(several(arguments), Ordering::Less),
            ("math.greatest", [_, ..]) => self.extreme(several(arguments), Ordering::Greater),
            ("isSorted", [_]) => self.sorted(&items?.iter().collect::<Vec<_>>()),
            ("indexOf", [_, wanted]) => self.place(items?.iter(), wanted),
            ("lastIndexOf", [_, wanted]) => {
                let items: Vec<_> = items?.iter().collect();
                let last = items.len();
                self.place(items.into_iter().rev(), wanted).map(|found| match found {
                    Val::Int(place) if place >= 0 => {
                        Val::Int(i64::try_from(last).unwrap_or(i64::MAX) - 1 - place)
                    }
                    other => other,
                })
            }
            ("sets.contains", [_, others]) => self.all_in(others, arguments.first()?),
            ("sets.equivalent", [a, b]) => match self.all_in(a, b) {
                Ok(Val::Bool(true)) => self.all_in(b, a),
                other => other,
            },
            ("sets.intersects", [a, b]) => self.intersects(a, b),
            _ => return self.more_of_lists(name, arguments),
        })
    }

    fn sum(&self, items: &[Val<'a>]) -> Result<Val<'a>, Fault> {
        let mut items = items.iter();
        let Some(first) = items.next() else { return Ok(Val::Int(0)) };
        let mut total = first.clone();
        for item in items {
            total = self.apply(operators::ADD, &[total, item.clone()])?;
        }
        Ok(total)
    }

    fn extreme(&self, items: impl Iterator<Item = Val<'a>>, wanted: Ordering) -> Result<Val<'a>, Fault> {
        let mut best: Option<Val<'a>> = None;
        for item in items {
            self.meter.charge(1)?;
            best = match best {
                None => Some(item),
                Some(kept) => match item.compare(&kept) {
                    None => return unfit("a comparison", &[&item, &kept]),
                    Some(order) if order == wanted => Some(item),
                    Some(_) => Some(kept),
                },
            };
        }
        best.map_or_else(|| failed("an empty list has no least and no greatest item"), Ok)
    }

    fn sorted(&self, items: &[Val<'a>]) -> Result<Val<'a>, Fault> {
        for (a, b) in items.iter().zip(items.iter().skip(1)) {
            self.meter.charge(1)?;
            match a.compare(b) {
                None => return unfit("a comparison", &[a, b]),
                Some(Ordering::Greater) => return Ok(Val::Bool(false)),
                Some(_) => {}
            }
        }
        Ok(Val::Bool(true))
    }

    fn place(&self, items: impl Iterator<Item = Val<'a>>, wanted: &Val<'a>) -> Result<Val<'a>, Fault> {
        for (place, item) in items.enumerate() {
            if self.equal(&item, wanted)? {
                return Ok(Val::Int(i64::try_from(place).unwrap_or(i64::MAX)));
            }
        }
        Ok(Val::Int(-1))
    }

    fn all_in(&self, items: &Val<'a>, container: &Val<'a>) -> Result<Val<'a>, Fault> {
        let Some(items) = items.items() else { return unfit("sets", &[items, container]) };
        for item in items.iter() {
            match self.apply(operators::IN, &[item, container.clone()])? {
                Val::Bool(true) => {}
                _ => return Ok(Val::Bool(false)),
            }
        }
        Ok(Val::Bool(true))
    }

    fn intersects(&self, a: &Val<'a>, b: &Val<'a>) -> Result<Val<'a>, Fault> {
        let Some(items) = a.items() else { return unfit("sets", &[a, b]) };
        for item in items.iter() {
            if let Val::Bool(true) = self.apply(operators::IN, &[item, b.clone()])? {
                return Ok(Val::Bool(true));
            }
        }
        Ok(Val::Bool(false))
    }

    /// Those of the extension `lists`, and those that come with optional values.
    fn more_of_lists(&self, name: &str, arguments: &[Val<'a>]) -> Option<Result<Val<'a>, Fault>> {
        if let ("lists.range", [Val::Int(count)]) = (name, arguments) {
            let charged = self.meter.charge(usize::try_from(*count).unwrap_or_default());
            return Some(charged.map(|()| Val::list((0..(*count).min(RANGE_MAX)).map(Val::Int).collect())));
        }
        if let ("optional.unwrap" | "unwrapOpt", [list]) = (name, arguments) {
            let some = |item: Val<'a>| match item {
                Val::Optional(inner) => Ok(inner.map(|inner| (*inner).clone())),
                other => unfit(name, &[&other]),
            };
            let values: Result<Vec<Option<Val<'a>>>, Fault> = list.items()?.iter().map(some).collect();
            return Some(values.map(|values| Val::list(values.into_iter().flatten().collect())));
        }
        let items = arguments.first()?.items()?;
        if !matches!(name, "slice" | "flatten" | "distinct" | "reverse" | "sort" | "first" | "last") {
            return None;
        }
        if let Err(fault) = self.meter.charge(items.len()) {
            return Some(Err(fault));
        }
        Some(match (name, arguments) {
            ("first", [_]) => Ok(items.get(0).map_or(Val::Optional(None), Val::some)),
            ("last", [_]) => Ok(items
                .len()
                .checked_sub(1)
                .and_then(|at| items.get(at))
                .map_or(Val::Optional(None), Val::some)),
            ("reverse", [_]) => Ok(Val::list(items.iter().collect::<Vec<_>>().into_iter().rev().collect())),
            ("slice", [_, Val::Int(from), Val::Int(to)]) => slice(items, *from, *to),
            ("flatten", [_]) => self.flatten(items, 1).map(Val::list),
            ("flatten", [_, Val::Int(depth)]) => match u32::try_from(*depth) {
                Ok(depth) => self.flatten(items, depth).map(Val::list),
                Err(_) => failed("a list is flattened by a depth of 0 or more"),
            },
            ("distinct", [_]) => self.distinct(items),
            ("sort", [_]) => {
                let mut all: Vec<_> = items.iter().map(|item| (item.clone(), item)).collect();
                self.sort(&mut all).map(|()| Val::list(all.into_iter().map(|(_, item)| item).collect()))
            }
            _ => return None,
        })
    }

    fn flatten(&self, items: Items<'_, 'a>, depth: u32) -> Result<Vec<Val<'a>>, Fault> {
        let mut all = Vec::new();
        for item in items.iter() {
            self.meter.charge(1)?;
            match item.items() {
                Some(inner) if depth > 0 => all.extend(self.flatten(inner, depth - 1)?),
                _ => all.push(item),
            }
        }
        Ok(all)
    }

    fn distinct(&self, items: Items<'_, 'a>) -> Result<Val<'a>, Fault> {
        let mut all: Vec<Val<'a>> = Vec::new();
        for item in items.iter() {
            let mut known = false;
            for other in &all {
                known = known || self.equal(&item, other)?;
            }
            if !known {
                all.push(item);
            }
        }
        Ok(Val::list(all))
    }
}

fn slice<'a>(items: Items<'_, 'a>, from: i64, to: i64) -> Result<Val<'a>, Fault> {
    match (usize::try_from(from), usize::try_from(to)) {
        (Ok(from), Ok(to)) if from <= to && to <= items.len() => {
            Ok(Val::list((from..to).filter_map(|at| items.get(at)).collect()))
        }
        _ => failed(format!("a list of {} has no part from {from} to {to}", items.len())),
    }
}

/// The arguments of a function that takes several, or one list of them.
fn several<'a>(arguments: &[Val<'a>]) -> std::vec::IntoIter<Val<'a>> {
    let list = match arguments {
        [one] => one.items().map(|items| items.iter().collect()),
        _ => None,
    };
    list.unwrap_or_else(|| arguments.to_vec()).into_iter()
}
