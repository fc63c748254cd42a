//! Which ids speak of the same vulnerability.
//!
//! `aliases` is symmetric and transitive, so ids fall into classes. `upstream` is transitive but not symmetric: a record that
//! passes on a CVE is about that CVE, but the CVE is not about the record (an erratum mends many). `related` joins nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Ids kept per class. No real class has more than some ten; a feed that joins thousands is in error.
const IDS_MAX: usize = 200;
/// Classes visited for the upstream of one record.
const VISITS_MAX: usize = 10_000;

/// What a record contributes; ids are numbers of strings.
#[derive(Debug, Clone)]
pub(crate) struct Link<'a> {
    pub(crate) record: u32,
    pub(crate) id: u32,
    pub(crate) aliases: &'a [u32],
    pub(crate) upstream: &'a [u32],
}

/// A class of ids, the primary one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AliasClass {
    pub(crate) ids: Vec<u32>,
    pub(crate) records: Vec<u32>,
}

/// Classes, and per record the classes that its findings belong to.
#[derive(Debug)]
pub(crate) struct Closure {
    pub(crate) classes: Vec<AliasClass>,
    pub(crate) targets: HashMap<u32, Vec<u32>>,
}

#[derive(Default)]
struct UnionFind {
    parent: HashMap<u32, u32>,
}

impl UnionFind {
    fn find(&mut self, id: u32) -> u32 {
        let mut root = id;
        while let Some(&next) = self.parent.get(&root)
            && next != root
        {
            root = next;
        }
        // Second pass flattens the path, so that long chains stay cheap.
        let mut at = id;
        while at != root {
            at = self.parent.insert(at, root).unwrap_or(root);
        }
        root
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        // The smaller number wins, so that the outcome does not depend on the order of joins.
        self.parent.insert(a.max(b), a.min(b));
        self.parent.entry(a.min(b)).or_insert(a.min(b));
    }
}

/// Closes the links of all records. `text` gives an id's text: classes are ordered by it, never by number.
pub(crate) fn close<'s>(links: &[Link<'_>], text: impl Fn(u32) -> &'s str) -> Closure {
    let mut sets = UnionFind::default();
    for link in links {
        for &alias in link.aliases {
            sets.join(link.id, alias);
        }
    }
    let mut ids: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for link in links {
        for &id in std::iter::once(&link.id).chain(link.aliases).chain(link.upstream) {
            ids.entry(sets.find(id)).or_default().insert(id);
        }
    }
    let mut numbers = HashMap::new();
    let mut classes = Vec::with_capacity(ids.len());
    for (root, members) in &ids {
        numbers.insert(*root, u32::try_from(classes.len()).unwrap_or(u32::MAX));
        let mut members: Vec<u32> = members.iter().copied().collect();
        members.sort_by_cached_key(|id| rank(text(*id)));
        members.truncate(IDS_MAX);
        classes.push(AliasClass { ids: members, records: Vec::new() });
    }
    let mut class_of = |id: u32| numbers.get(&sets.find(id)).copied().unwrap_or(0);
    let mut upstream: HashMap<u32, BTreeSet<u32>> = HashMap::new();
    let mut own = HashMap::new();
    for link in links {
        let class = class_of(link.id);
        own.insert(link.record, class);
        if let Some(class) = classes.get_mut(class as usize) {
            class.records.push(link.record);
        }
        for &id in link.upstream {
            let other = class_of(id);
            if other != class {
                upstream.entry(class).or_default().insert(other);
            }
        }
    }
    let cve = |class: u32| {
        let first = classes.get(class as usize).and_then(|class| class.ids.first());
        first.is_some_and(|id| text(*id).starts_with("CVE-"))
    };
    let targets = own.iter().map(|(record, class)| (*record, resolve(*class, &upstream, &cve))).collect();
    Closure { classes, targets }
}

/// A CVE first, the oldest before others; then by text.
fn rank(id: &str) -> (bool, u64, String) {
    let cve = crate::exploitation::cve_number(id);
    (cve.is_none(), cve.unwrap_or(0), id.to_owned())
}

/// Follows upstream until a class has a CVE or nothing above it.
fn resolve(start: u32, upstream: &HashMap<u32, BTreeSet<u32>>, cve: &impl Fn(u32) -> bool) -> Vec<u32> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::from([start]);
    let mut todo = vec![start];
    while let Some(class) = todo.pop() {
        let above = upstream.get(&class);
        if cve(class) || above.is_none() || seen.len() > VISITS_MAX {
            found.insert(class);
            continue;
        }
        for &next in above.into_iter().flatten() {
            if seen.insert(next) {
                todo.push(next);
            }
        }
    }
    // Ids without a CVE beside ids with one are other names for the same things, or cannot be told apart from them.
    if found.iter().any(|class| cve(*class)) {
        found.retain(|class| cve(*class));
    }
    if found.is_empty() {
        found.insert(start);
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::{Link, close};

    const TEXTS: [&str; 8] =
        ["", "CVE-2024-1", "GHSA-a", "PYSEC-1", "CVE-2024-2", "ALSA-1", "DEBIAN-CVE-2024-1", "X-9"];

    fn targets(links: &[Link<'_>], record: u32) -> Vec<Vec<&'static str>> {
        let closure = close(links, |id| TEXTS[id as usize]);
        closure.targets[&record]
            .iter()
            .map(|class| closure.classes[*class as usize].ids.iter().map(|id| TEXTS[*id as usize]).collect())
            .collect()
    }

    #[test]
    fn aliases_join_in_both_directions_and_through_others() {
        let links = [
            Link { record: 0, id: 2, aliases: &[1], upstream: &[] },
            Link { record: 1, id: 3, aliases: &[2], upstream: &[] },
        ];
        assert_eq!(targets(&links, 1), [["CVE-2024-1", "GHSA-a", "PYSEC-1"]]);
        assert_eq!(targets(&links, 0), targets(&links, 1));
    }

    #[test]
    fn upstream_leads_up_and_never_down() {
        let links = [
            Link { record: 0, id: 5, aliases: &[], upstream: &[1, 4] },
            Link { record: 1, id: 6, aliases: &[], upstream: &[1] },
            Link { record: 2, id: 2, aliases: &[1], upstream: &[] },
            Link { record: 3, id: 7, aliases: &[], upstream: &[6] },
        ];
        assert_eq!(
            targets(&links, 0),
            [vec!["CVE-2024-1", "GHSA-a"], vec!["CVE-2024-2"]],
            "two CVEs stay two"
        );
        assert_eq!(targets(&links, 3), [["CVE-2024-1", "GHSA-a"]], "through the record between");
        assert_eq!(targets(&links, 2), [["CVE-2024-1", "GHSA-a"]], "the CVE is not about the erratum");
    }

    #[test]
    fn circles_end() {
        let links = [
            Link { record: 0, id: 5, aliases: &[], upstream: &[6] },
            Link { record: 1, id: 6, aliases: &[], upstream: &[5] },
        ];
        assert_eq!(targets(&links, 0).len(), 1);
    }
}
